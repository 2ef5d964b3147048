"""What a gate needs of the world outside: Protocols, so that the way round can be tried without one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..model import Composed, Conflict
    from .record import Promoting, RunEnded, RunStarted


@dataclass(frozen=True, slots=True)
class Pushed:
    """The stable branch is the new commit, and tag and note are there."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The stable branch is not what it was; nothing was changed.

    Args:
        actual: its commit now.
    """

    actual: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The repository does not take it; nothing was changed. `text` is what it said."""

    text: str


class Source(Protocol):
    """The repository that is gated."""

    def compose(self, base: str, commits: Sequence[str]) -> Composed | Conflict:
        """Put commits onto a base: forward where they follow each other, else picked, authors and dates kept."""
        ...

    def branch(self, name: str) -> str:
        """Where a branch of the repository itself is now."""
        ...

    def push(self, promoting: Promoting, branch: str, note: str) -> Pushed | Moved | Refused:
        """Make a branch a new commit, with its tag and note, all or nothing, and only if it is what is expected."""
        ...


@dataclass(frozen=True, slots=True)
class BuildResult:
    """How a build went; `observed` is the end of its output, where it failed."""

    good: bool
    observed: str = ""


class Builder(Protocol):
    """Makes what can be installed."""

    def build(self, commit: str, tree: str, *, again: bool = False) -> BuildResult:
        """Build a commit, or take what was built of the same tree before.

        Args:
            again: build in any case.

        Raises:
            QacloudError: it could not be tried.
        """
        ...


class Runner(Protocol):
    """Runs tests on pools leased for them."""

    def run(self, started: RunStarted, stop: Callable[[], None]) -> RunEnded:
        """Run it to its end; `stop` raises when it shall not go on."""
        ...

    def recover(self, started: RunStarted, stop: Callable[[], None]) -> RunEnded | None:
        """The end of a run that an earlier process started: waits for one that still runs; `None` if it is lost."""
        ...
