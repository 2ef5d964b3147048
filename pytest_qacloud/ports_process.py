"""What a pool of kind `process` needs done on this machine: the contracts its provisioning is written against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from .model import Endpoint, ProcessIdentity, SecretRef
    from .ports import CloudApi


@runtime_checkable
class Sources(Protocol):
    """The git repository that commits come from."""

    def resolve(self, rev: str) -> str:
        """The full id of the commit that `rev` names.

        Raises:
            ConfigError: there is none.
        """
        ...

    def worktree(self, commit: str, name: str) -> Path:
        """A new work tree of a commit."""
        ...

    def look(self) -> str:
        """The commit that its HEAD is at, asked for without a fetch."""
        ...

    def remove_worktree(self, name: str) -> None:
        """Remove a work tree; one that is not there is none to remove."""
        ...


@runtime_checkable
class Program(Protocol):
    """A command that was started, in a session of its own."""

    @property
    def identity(self) -> ProcessIdentity:
        """What tells it from every other process."""
        ...

    def status(self) -> int | None:
        """How it ended: its exit status, or a signal's number below zero; `None` while it runs."""
        ...


@runtime_checkable
class Programs(Protocol):
    """Runs commands on this machine, and ends all that they have started."""

    def start(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        folder: Path,
        output: Path,
        mark: str,
        announce: Callable[[ProcessIdentity], None],
    ) -> Program:
        """Start a command in a session of its own.

        Args:
            env: beside what this process has in its environment.
            folder: its working folder.
            output: the file that takes what it writes, on standard error too.
            mark: goes into the environment of all it starts.
            announce: told who it will be, before it runs; when that raises, or we die before, it never runs.

        Raises:
            ServiceFaultError: it could not be started.
        """
        ...

    def end(self, identity: ProcessIdentity, *, grace_s: float) -> int:
        """End a started command and all of its session: told first, killed after a while.

        One that has ended, or whose number belongs to another process by now, is left alone.

        Args:
            grace_s: seconds between SIGTERM and SIGKILL.

        Returns:
            How many processes were there.

        Raises:
            ServiceFaultError: some do not end even when they are killed.
        """
        ...

    def alive(self, identity: ProcessIdentity) -> bool:
        """Whether anything of a started command's session lives."""
        ...

    def mark(self) -> str:
        """A new random mark."""
        ...

    def free_ports(self, count: int, taken: Collection[int]) -> list[int]:
        """Ports of loopback that nothing listens on, none of them `taken`, and none that the kernel gives away itself.

        Raises:
            ServiceFaultError: there are not so many.
        """
        ...

    def listening(self, port: int) -> str | None:
        """Why a port of loopback takes no connection; `None` when it does."""
        ...

    def answering(self, url: str) -> str | None:
        """Why a URL does not answer with a status below 400; `None` when it does."""
        ...


@runtime_checkable
class ProcessServices(Protocol):
    """All that a pool of kind `process` acts through."""

    @property
    def sources(self) -> Sources:
        """The pool's repository."""
        ...

    @property
    def programs(self) -> Programs:
        """Commands on this machine."""
        ...

    def admin_endpoint(self, port: int) -> Endpoint:
        """The API of the management server on a port, with the root administrator's keys; asks it each time."""
        ...

    def cloud_api(self, endpoint: Endpoint) -> CloudApi:
        """CloudStack's API with an endpoint's keys."""
        ...

    def secret(self, ref: SecretRef) -> str:
        """A secret of the pool."""
        ...
