"""A repository with a staging and a stable branch: what lies between, putting it together, and pushing it."""

from __future__ import annotations

import secrets
import tempfile
from typing import TYPE_CHECKING

from ..model import Composed, Conflict, Unit
from .parts import Moved, Pushed, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from .record import Promoting
    from .repo import Reply, Repository

NOTES = "refs/notes/qacloud"
PUSH_LIMIT_S = 1800
PUSH_TRIES = 3

WHO = "pytest-qacloud", "qacloud@localhost"
"""Who commits what is put together; a fixed one, so that the same units give the same commit everywhere."""

_FIELDS = "%H%x00%P%x00%an <%ae>%x00%at%x00%s%x00"
_RECORD = "\x01"


class Staging:
    """Fulfils `parts.Source`.

    Args:
        repository: the mirror.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._known: dict[tuple[str, ...], str] = {}
        """Base and commits on it, to what came of them."""

    def heads(self, *branches: str) -> tuple[str, ...]:
        """Where branches are, after a look at the repository.

        Raises:
            ConfigError: there is no such branch.
            UnreachableError: the repository does not answer.
        """
        return tuple(self._repository.resolve(f"refs/heads/{branch}") for branch in branches)

    def units(self, stable: str, staging: str) -> tuple[Unit, ...]:
        """The first-parent commits of staging that are not in stable, oldest first.

        Raises:
            ServiceFaultError: git failed.
        """
        between = (f"{stable}..{staging}", "--")
        shown = ("--first-parent", "--reverse", "--diff-merges=first-parent", "--no-renames")
        reply = self._need("log", *shown, "--name-only", f"--format={_RECORD}{_FIELDS}", *between)
        patches = self._patch_ids(*shown, *between)
        units = []
        for entry in reply.output.split(_RECORD)[1:]:
            commit, parents, author, at, subject, paths = entry.split("\0", 5)
            units.append(
                Unit(
                    commit=commit,
                    patch_id=patches.get(commit, ""),
                    author=author,
                    at=float(at),
                    subject=subject,
                    paths=tuple(path for path in paths.splitlines() if path),
                    merge=" " in parents,
                )
            )
        return tuple(units)

    def promoted(self, stable: str, staging: str) -> frozenset[str]:
        """Patch ids of what stable has and staging has not: picked from it, most likely.

        Raises:
            ServiceFaultError: git failed.
        """
        shown = ("--diff-merges=first-parent", "--no-renames")
        return frozenset(self._patch_ids(*shown, f"{staging}..{stable}", "--").values())

    def tree(self, commit: str) -> str:
        """The id of a commit's tree."""
        return self._need("rev-parse", "--verify", f"{commit}^{{tree}}").output

    def compose(self, base: str, commits: Sequence[str]) -> Composed | Conflict:
        """Put commits onto a base: forward where they follow each other, else picked, authors and dates kept.

        A commit whose change the base has already adds nothing.

        Raises:
            ServiceFaultError: git failed.
        """
        wanted, done = (base, *commits), len(commits)
        while done and wanted[: done + 1] not in self._known:
            done -= 1
        here = self._known.get(wanted[: done + 1], base)
        left = list(commits[done:])
        while left and self._parent(left[0]) == here:
            here = left.pop(0)
            done += 1
            self._known[wanted[: done + 1]] = here
        if left:
            name = f"compose-{secrets.token_hex(4)}"
            worktree = self._repository.worktree(here, name)
            try:
                for commit in left:
                    conflict = self._pick(worktree, commit)
                    if conflict is not None:
                        return conflict
                    done += 1
                    self._known[wanted[: done + 1]] = here = self._need("rev-parse", "HEAD", tree=worktree).output
            finally:
                self._repository.remove_worktree(name)
        return Composed(here, self.tree(here))

    def branch(self, name: str) -> str:
        """Where a branch of the repository itself is now; empty where there is none.

        Raises:
            UnreachableError: it does not answer.
        """
        reply = self._repository.git(
            "ls-remote", "--quiet", "--", self._repository.source, f"refs/heads/{name}", limit_s=60
        )
        if reply.status != 0:
            raise self._repository.refusal(reply)
        return reply.output.split()[0] if reply.output else ""

    def push(self, promoting: Promoting, branch: str, note: str) -> Pushed | Moved | Refused:
        """Push branch, tag and note, all or nothing.

        The branch must be what is expected, and the new commit must come after it; the tag must be new. Notes that
        somebody else pushed meanwhile are kept.

        Raises:
            ServiceFaultError: git failed on this side.
        """
        if self._repository.git("merge-base", "--is-ancestor", promoting.expected, promoting.commit).status != 0:
            return Refused(f"{promoting.commit} does not come after {promoting.expected}")
        reply = None
        for _ in range(PUSH_TRIES):
            tag, notes, before = self._evidence(promoting, note)
            reply = self._repository.git(
                "push", "--quiet", "--atomic", "--no-verify", "--porcelain",
                f"--force-with-lease=refs/heads/{branch}:{promoting.expected}",
                f"--force-with-lease=refs/tags/{promoting.tag}:",
                f"--force-with-lease={NOTES}:{before}",
                "--", self._repository.source,
                f"{promoting.commit}:refs/heads/{branch}", f"{tag}:refs/tags/{promoting.tag}", f"{notes}:{NOTES}",
                limit_s=PUSH_LIMIT_S,
            )  # fmt: skip
            actual = self.branch(branch)
            if actual == promoting.commit:
                return Pushed()
            if actual != promoting.expected:
                return Moved(actual)
            if self._remote(NOTES) == before:
                break  # it is not the notes, so trying again changes nothing
        said = [line for line in (reply.errors if reply else "").splitlines() if line.strip()]
        return Refused(" | ".join(said[-4:]) or "it said nothing")

    def _evidence(self, promoting: Promoting, note: str) -> tuple[str, str, str]:
        """Tag object and notes commit for a push, and where the notes of the repository are before it."""
        env = dict(
            zip(
                ("GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL"),
                WHO * 2,
                strict=False,
            )
        )
        with self._repository.locked():
            before = self._remote(NOTES)
            own = f"refs/qacloud/notes/{secrets.token_hex(4)}"
            if before:
                self._need("fetch", "--quiet", "--no-tags", "--", self._repository.source, f"+{NOTES}:{own}")
            draft = f"qacloud-draft-{secrets.token_hex(4)}"
            try:
                # `git notes` wants its references below refs/notes/.
                if before:
                    self._need("update-ref", f"refs/notes/{draft}", before)
                self._need("notes", f"--ref=refs/notes/{draft}", "add", "-f", "-m", note, promoting.commit, env=env)
                notes = self._need("rev-parse", f"refs/notes/{draft}").output
                summary = f"Promoted by pytest-qacloud\n\n{note}"
                self._need("tag", "-a", "-m", summary, "--", draft, promoting.commit, env=env)
                content = self._need("cat-file", "tag", f"refs/tags/{draft}").output
                tag = self._make_tag(content.replace(f"tag {draft}\n", f"tag {promoting.tag}\n", 1))
            finally:
                for ref in (f"refs/notes/{draft}", f"refs/tags/{draft}", own):
                    self._repository.git("update-ref", "-d", ref)
        return tag, notes, before

    def _make_tag(self, content: str) -> str:
        with tempfile.TemporaryFile() as file:
            file.write(content.encode() + b"\n")
            file.seek(0)
            reply = self._repository.git("mktag", stdin=file)
        if reply.status != 0:
            raise self._repository.fault("a tag could not be made", reply)
        return reply.output

    def _remote(self, ref: str) -> str:
        reply = self._repository.git("ls-remote", "--quiet", "--", self._repository.source, ref, limit_s=60)
        if reply.status != 0:
            raise self._repository.refusal(reply)
        return reply.output.split()[0] if reply.output else ""

    def _parent(self, commit: str) -> str:
        reply = self._repository.git("rev-parse", "--quiet", "--verify", f"{commit}^1")
        return reply.output if reply.status == 0 else ""

    def _pick(self, worktree: Path, commit: str) -> Conflict | None:
        """Pick one commit in a work tree, which is as before where it does not apply."""
        git = self._repository.git
        facts = self._need("show", "--no-patch", "--format=%at %P", commit).output.split()
        merge = ("-m", "1") if len(facts) > 2 else ()  # a time and one parent
        reply = git("cherry-pick", "-x", "--allow-empty", *merge, commit, tree=worktree, env=_committer(int(facts[0])))
        if reply.status == 0:
            return None
        unmerged = git("diff", "--name-only", "--diff-filter=U", tree=worktree).output.splitlines()
        if not unmerged and git("diff", "--quiet", "HEAD", tree=worktree).status == 0:
            self._need("cherry-pick", "--skip", tree=worktree)  # the base has it already
            return None
        git("cherry-pick", "--abort", tree=worktree)
        if not unmerged:
            raise self._repository.fault(f"{commit} could not be picked", reply)
        return Conflict(commit, tuple(unmerged))

    def _patch_ids(self, *arguments: str) -> dict[str, str]:
        """Patch ids by commit; commits that change nothing are left out."""
        log = self._need("log", "-p", "--format=commit %H", *arguments)
        with tempfile.TemporaryFile() as file:
            file.write(log.output.encode() + b"\n")
            file.seek(0)
            reply = self._repository.git("patch-id", "--stable", stdin=file)
        if reply.status != 0:
            raise self._repository.fault("patch ids could not be had", reply)
        return {commit: patch for patch, _, commit in (line.partition(" ") for line in reply.output.splitlines())}

    def _need(self, *arguments: str, tree: Path | None = None, env: Mapping[str, str] | None = None) -> Reply:
        """A git command that must succeed."""
        reply = self._repository.git(*arguments, tree=tree, env=env)
        if reply.status != 0:
            raise self._repository.fault(f"git {arguments[0]} failed", reply)
        return reply


def _committer(at: int) -> dict[str, str]:
    return {"GIT_COMMITTER_NAME": WHO[0], "GIT_COMMITTER_EMAIL": WHO[1], "GIT_COMMITTER_DATE": f"@{at} +0000"}
