"""Journals of gates in the repository itself, so that another machine can go on with them.

A gate's journal is a file in the commits of `refs/qacloud/gates/NAME`, each push adding one to the last. So of two
machines that work on the same gate, the push of the second is refused, and it stops.
"""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from ..errors import QacloudError
from .ledger import JOURNAL
from .staging import WHO

if TYPE_CHECKING:
    from .repo import Reply, Repository

GATES = "refs/qacloud/gates"
PUSH_LIMIT_S = 120


class OvertakenError(QacloudError):
    """Another machine goes on with this gate."""


class Exchange:
    """The journals in one repository."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def names(self) -> dict[str, str]:
        """The gates whose journals are there, and the commits that hold them.

        Raises:
            UnreachableError: the repository does not answer.
        """
        reply = self._repository.git("ls-remote", "--quiet", "--", self._repository.source, f"{GATES}/*", limit_s=60)
        if reply.status != 0:
            raise self._repository.refusal(reply)
        found = (line.split("\t") for line in reply.output.splitlines())
        return {ref.removeprefix(f"{GATES}/"): commit for commit, ref in found}

    def publish(self, name: str, content: str, before: str) -> str:
        """Put a journal into the repository.

        Args:
            before: the commit that held it so far; empty where none did.

        Returns:
            The commit that holds it now.

        Raises:
            OvertakenError: somebody else has put one there.
            DriverError: the repository does not take it, or does not answer.
        """
        blob = self._write("hash-object", "-w", "--stdin", content=content)
        tree = self._write("mktree", content=f"100644 blob {blob}\t{JOURNAL}\n")
        who = {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER")
               for part, value in zip(("NAME", "EMAIL"), WHO, strict=True)}  # fmt: skip
        parent = ("-p", before) if before else ()
        commit = self._need(self._repository.git("commit-tree", tree, *parent, "-m", f"gate {name}", env=who)).output
        reply = self._repository.git(
            "push", "--quiet", "--no-verify", f"--force-with-lease={GATES}/{name}:{before}",
            "--", self._repository.source, f"{commit}:{GATES}/{name}", limit_s=PUSH_LIMIT_S,
        )  # fmt: skip
        if reply.status != 0:
            actual = self.names().get(name, "")
            if actual not in {before, commit}:
                raise OvertakenError(f"another machine goes on with the gate {name}; nothing was lost, it has it all")
            if actual != commit:
                raise self._repository.fault(f"{GATES}/{name} could not be pushed", reply)
        return commit

    def fetch(self, name: str) -> str | None:
        """A journal, as it was published last; `None` where there is none.

        Raises:
            UnreachableError: the repository does not answer.
        """
        commit = self.names().get(name)
        if commit is None:
            return None
        source, ref = self._repository.source, f"{GATES}/{name}"
        with self._repository.locked():
            reply = self._repository.git("fetch", "--quiet", "--no-tags", "--", source, f"+{ref}:{ref}")
            if reply.status != 0:
                raise self._repository.refusal(reply)
        return self._need(self._repository.git("cat-file", "blob", f"{commit}:{JOURNAL}")).output + "\n"

    def _write(self, *arguments: str, content: str) -> str:
        with tempfile.TemporaryFile() as file:
            file.write(content.encode())
            file.seek(0)
            return self._need(self._repository.git(*arguments, stdin=file)).output

    def _need(self, reply: Reply) -> Reply:
        if reply.status != 0:
            raise self._repository.fault("a gate's journal could not be kept", reply)
        return reply
