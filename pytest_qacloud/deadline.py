"""Deadlines and polling, with a clock and a sleep that tests replace."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

from .errors import DeadlineError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Clock(Protocol):
    """Monotonic seconds and a sleep."""

    def now(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Pause the calling thread."""
        ...


class SystemClock:
    """The machine's monotonic clock."""

    def now(self) -> float:
        """Seconds of `time.monotonic`."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Sleep; a negative length is none."""
        time.sleep(max(0.0, seconds))


SYSTEM_CLOCK = SystemClock()


@dataclass
class Deadline:
    """A moment by which something must be done.

    Args:
        limit_s: seconds from now.
        clock: the clock it is measured on.
    """

    limit_s: float
    clock: Clock = SYSTEM_CLOCK
    started_s: float = field(init=False)

    def __post_init__(self) -> None:
        """Start to count."""
        self.started_s = self.clock.now()

    @property
    def elapsed_s(self) -> float:
        """Seconds since it was made."""
        return self.clock.now() - self.started_s

    @property
    def left_s(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self.limit_s - self.elapsed_s)

    @property
    def over(self) -> bool:
        """Whether the moment has passed."""
        return self.elapsed_s >= self.limit_s


@dataclass(frozen=True)
class Waiting:
    """What a probe returns while the thing is not there yet: the observation, for the message at the end."""

    seen: str


def poll(
    probe: Callable[[], T | Waiting],
    *,
    what: str,
    deadline: Deadline,
    interval_s: float,
    check: Callable[[], None] = lambda: None,
) -> T:
    """Call `probe` until it returns something other than `Waiting`.

    The probe runs at least once, and once more after the last pause, so a thing that becomes true while we slept
    is seen.

    Args:
        probe: one observation; its exceptions pass through.
        what: what is waited for, for the message.
        deadline: when to give up.
        interval_s: seconds between probes.
        check: called before every probe; raises to stop (the lease's check).

    Raises:
        DeadlineError: with the last observation.
    """
    while True:
        check()
        result = probe()
        if not isinstance(result, Waiting):
            return result
        if deadline.over:
            raise DeadlineError(what, deadline.elapsed_s, result.seen)
        deadline.clock.sleep(min(interval_s, max(deadline.left_s, 0.001)))
