"""A git repository that somebody else owns: a mirror of it, its commits by name, and work trees of them.

The only user of GitPython, and of it only what runs git: no shell, none of the caller's `GIT_*` variables, no prompt,
no hook, no protocol but the one the repository is reached by. The user's own git configuration holds, since it is what
says how a private repository is reached. Whatever touches the mirror holds its lock, so runs and threads may share one.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from subprocess import TimeoutExpired
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from ..errors import AccessDeniedError, ConfigError, QacloudError, ServiceFaultError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from subprocess import Popen

    from git import Git

FETCH_LIMIT_S = 1800
"""Seconds that one fetch may take; the first one of a large repository is slow."""

LOCAL_LIMIT_S = 600
"""Seconds that a command without a network may take; a checkout writes many files."""

LOOK_S = 0.2
"""Seconds between two looks at whether git is still wanted."""

LOCK_LIMIT_S = FETCH_LIMIT_S + 60.0

DIES_WITH_US = ("setpriv", "--pdeathsig", "TERM")
"""In front of a command: else a git whose run was killed would go on in a mirror that the next run takes."""

FULL = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_HEAD = re.compile(r"HEAD(?=$|[~^])")
_TREE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_REMOTE = re.compile(r"(?P<scheme>https?|ssh|git)://|(?:[\w.-]+@)?[\w.-]+:(?!//)")
_DENIED = ("permission denied", "authentication failed", "could not read username", "terminal prompts disabled")

OWN_HEAD = "refs/qacloud/HEAD"
"""What the repository itself has checked out, or its default branch."""

TIMED_OUT = 124
"""What `timeout` ends with (coreutils' manual) when it had to end its command."""


class Reply(NamedTuple):
    """How a git command ended."""

    status: int
    output: str
    errors: str


class Repository:
    """A mirror of one repository.

    Args:
        source: its path or URL, without a login in it.
        folder: where mirrors and work trees are kept.
        check: called while git works; what it raises ends git.
    """

    def __init__(self, source: str, folder: Path, check: Callable[[], None] = lambda: None) -> None:
        self.source, self._check = source, check
        self._protocol = _protocol_of(source)
        name = hashlib.sha256(source.encode()).hexdigest()[:16]
        self._mirror, self._trees = folder / f"{name}.git", folder / f"{name}.trees"
        self._lock = folder / f"{name}.lock"
        self._name = f"git repository {source}"

    def resolve(self, rev: str) -> str:
        """The full id of a commit, after a look at the repository unless a full id is known already.

        Args:
            rev: a branch, a tag, a commit's id, or `HEAD`; `~` and `^` may follow.

        Raises:
            ConfigError: there is no such commit, or nothing that names one.
            UnreachableError: the repository does not answer.
            AccessDeniedError: it lets us not in.
            ServiceFaultError: git failed otherwise.
        """
        _refuse_odd(rev)
        with self.locked():
            self._make_mirror()
            if FULL.fullmatch(rev) and (known := self._commit(rev)):
                return known
            self._fetch()
            found = self._commit(_HEAD.sub(OWN_HEAD, rev, count=1) if _HEAD.match(rev) else rev)
            if found is None and FULL.fullmatch(rev):  # one that no branch leads to; not every server hands it out
                self.git("fetch", "--quiet", "--no-tags", "--", self.source, rev, limit_s=FETCH_LIMIT_S)
                found = self._commit(rev)
            if found is None:
                raise ConfigError(f"there is no commit {rev} in {self.source}{self._hint(rev)}")
            return found

    def worktree(self, commit: str, name: str) -> Path:
        """A work tree of a commit, with nothing in it but the commit's files; left over ones are forgotten first.

        Args:
            commit: a full id that `resolve` gave.
            name: of the work tree, new in this mirror.

        Raises:
            ServiceFaultError: git failed; nothing is left of it.
        """
        if not FULL.fullmatch(commit) or not _TREE.fullmatch(name):
            raise ValueError(f"no work tree {name} of {commit}")
        path = self._trees / name
        with self.locked():
            self.git("worktree", "prune", "--expire=now")
            made = self.git("worktree", "add", "--quiet", "--detach", "--force", "--", str(path), commit)
            if made.status != 0:
                self._forget(path)
                raise self.fault(f"a work tree of {commit} could not be made", made)
        return path

    def remove_worktree(self, name: str) -> None:
        """Remove a work tree; one that is not there is none to remove.

        Raises:
            ServiceFaultError: some of its files stay.
        """
        if not _TREE.fullmatch(name):
            raise ValueError(f"no work tree {name}")
        with self.locked():
            self._forget(self._trees / name)
        if (self._trees / name).exists():
            raise ServiceFaultError(self._name, f"{self._trees / name} could not be removed", "remove it by hand")

    def look(self) -> str:
        """Ask the repository for its HEAD without fetching anything; its commit's id.

        Raises:
            UnreachableError: or as `resolve`.
        """
        reply = self.git("ls-remote", "--quiet", "--", self.source, "HEAD", limit_s=60)
        if reply.status != 0:
            raise self.refusal(reply)
        return reply.output.split()[0] if reply.output else ""

    def _forget(self, path: Path) -> None:
        shutil.rmtree(path, ignore_errors=True)
        self.git("worktree", "prune", "--expire=now")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the mirror.

        Raises:
            UnreachableError: somebody else does, for too long.
        """
        from filelock import FileLock, Timeout

        self._lock.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(self._lock)
        try:
            lock.acquire(timeout=LOCK_LIMIT_S, poll_interval=LOOK_S, cancel_check=self._is_stopped)
        except Timeout as error:
            self._check()
            raise UnreachableError(
                self._name, f"its mirror has been in use for {LOCK_LIMIT_S:.0f} s", f"find out who holds {self._lock}"
            ) from error
        try:
            yield
        finally:
            lock.release()

    def _is_stopped(self) -> bool:
        try:
            self._check()
        except QacloudError:
            return True
        return False

    def _make_mirror(self) -> None:
        if not (self._mirror / "HEAD").exists():
            made = self.git("init", "--quiet", "--bare", "--template=", "--", str(self._mirror))
            if made.status != 0:
                raise self.fault("a mirror of it could not be made", made)
        # We hold the mirror's own lock, so these are of a git that was killed.
        for stale in (*self._mirror.glob("*.lock"), *(self._mirror / "refs").rglob("*.lock")):
            stale.unlink(missing_ok=True)

    def _fetch(self) -> None:
        kinds = ("heads", "tags", *(("remotes",) if self._protocol == "file" else ()))
        refs = [f"+refs/{kind}/*:refs/{kind}/*" for kind in kinds]
        options = ("--quiet", "--prune", "--no-tags", "--no-recurse-submodules")
        reply = self.git("fetch", *options, "--", self.source, *refs, f"+HEAD:{OWN_HEAD}", limit_s=FETCH_LIMIT_S)
        if reply.status != 0:
            raise self.refusal(reply)

    def _commit(self, rev: str) -> str | None:
        reply = self.git("rev-parse", "--quiet", "--verify", f"{rev}^{{commit}}")
        return reply.output if reply.status == 0 and FULL.fullmatch(reply.output) else None

    def _hint(self, rev: str) -> str:
        reply = self.git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads", "refs/tags", "refs/remotes")
        near = get_close_matches(rev, reply.output.splitlines(), 3, 0.6)
        return f"; did you mean {' or '.join(near)}?" if near else "; name a branch, a tag or a commit of it"

    def git(
        self,
        *arguments: str,
        limit_s: int = LOCAL_LIMIT_S,
        tree: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: BinaryIO | None = None,
    ) -> Reply:
        """Run a git command in the mirror, whatever comes of it.

        Args:
            tree: in this work tree instead.
            env: variables that it gets.
            stdin: what it reads.
        """
        place = ("-C", str(tree)) if tree else (f"--git-dir={self._mirror}",) if self._mirror.exists() else ()
        dropped = [f"--unset={name}" for name in os.environ if name.startswith("GIT_")]
        given = [f"{name}={value}" for name, value in (env or {}).items()]
        argv = [*DIES_WITH_US, "timeout", "--kill-after=5", str(limit_s), "env", *dropped, *self._set(), *given]
        argv += ["git", *place, "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "gc.auto=0"]
        argv += ["-c", "commit.gpgSign=false", "-c", "tag.gpgSign=false", "-c", "core.quotePath=false"]
        argv += ["-c", "protocol.allow=never", "-c", f"protocol.{self._protocol}.allow=always", *arguments]
        owner = _started(argv, stdin)
        running: Popen[bytes] = owner.proc  # type: ignore[assignment]  # of bytes
        try:
            while True:
                self._check()
                try:
                    output, errors = running.communicate(timeout=LOOK_S)
                    break
                except TimeoutExpired:
                    continue
        except BaseException:
            running.terminate()  # `timeout` passes it on
            running.communicate()
            raise
        return Reply(running.returncode, _text(output), _text(errors))

    @staticmethod
    def _set() -> list[str]:
        """Nothing may ask a person: there is none."""
        return ["GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=true", "SSH_ASKPASS=true", "GIT_SSH_COMMAND=ssh -oBatchMode=yes"]

    def refusal(self, reply: Reply) -> Exception:
        """The error for a repository that could not be reached."""
        if any(words in reply.errors.lower() for words in _DENIED):
            return AccessDeniedError(self._name, _last_lines(reply.errors), "see that git can fetch it without asking")
        if reply.status == TIMED_OUT:
            return UnreachableError(self._name, "the fetch took too long", "look at the network, or at its server")
        return UnreachableError(self._name, _last_lines(reply.errors), "see that `git ls-remote` reaches it")

    def fault(self, what: str, reply: Reply) -> ServiceFaultError:
        """The error for a git command that failed."""
        return ServiceFaultError(self._name, f"{what}: {_last_lines(reply.errors)}", f"look at {self._mirror}")


def _started(argv: list[str], stdin: BinaryIO | None) -> Git.AutoInterrupt:
    """A command that runs as long as the value is kept."""
    try:
        from git import Git, GitCommandNotFound
    except ImportError as error:  # GitPython looks for git when it is imported
        raise ConfigError(f"git cannot be used: {str(error).splitlines()[0]}; install it") from error
    try:
        return Git().execute(argv, istream=stdin, as_process=True, shell=False)
    except GitCommandNotFound as error:
        raise ConfigError(f"there is no program {argv[0]}, under which git runs; install util-linux") from error


def _protocol_of(source: str) -> str:
    """The one protocol that git may use for it.

    Raises:
        ConfigError: it would be taken for an option, or there is nothing at that path.
    """
    if source.startswith("-") or "::" in source or not source.isprintable():
        raise ConfigError(f"{source!r} is no git repository; write a path or a URL")
    found = None if source.startswith(("/", ".", "file://")) else _REMOTE.match(source)
    if found:
        return found["scheme"] or "ssh"
    path = Path(source.removeprefix("file://"))
    if not path.is_dir():
        raise ConfigError("there is no such git repository", file=str(path))
    return "file"


def _refuse_odd(rev: str) -> None:
    """Refuse what git would take for something other than the name of one commit.

    Raises:
        ConfigError: it is none.
    """
    odd = rev.startswith(("-", "@")) or ".." in rev or any(part in rev for part in ":?*[\\")
    if odd or not rev or not rev.isprintable() or any(character.isspace() for character in rev):
        raise ConfigError(f"{rev!r} names no commit; write a branch, a tag or a commit's id")


def _text(output: bytes) -> str:
    return output.decode(errors="replace").strip()


def _last_lines(text: str) -> str:
    """What went wrong in git's words, without the advice that it appends."""
    lines = [line for line in text.splitlines() if line.strip()]
    faults = [line for line in lines if line.startswith(("fatal:", "error:", "remote:", "ssh:"))]
    return " | ".join((faults or lines)[-3:]) or "it said nothing"
