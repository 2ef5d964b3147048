"""Ctrl-C and SIGTERM, so that threads that wait for machines hear of them at once."""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING, Any, Self

from .errors import StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Turns signals into a flag for threads and a KeyboardInterrupt for the main one, while it is entered.

    It is also the clock of the threads: its sleep ends early when the flag is raised.
    """

    def __init__(self) -> None:
        self._told = threading.Event()
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        """Take the signals over; does nothing outside the main thread."""
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._hear) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        """Give the signals back; does nothing outside the main thread."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number, before in self._before.items():
            signal.signal(number, signal.SIG_DFL if before is None else before)  # None: not set by Python
        self._before = {}

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        self._told.set()
        raise KeyboardInterrupt(signal.Signals(number).name)

    def stop(self) -> None:
        """Raise the flag without a signal: a part of the run has failed, so the others need not go on."""
        self._told.set()

    def check(self) -> None:
        """Raise when a signal has come, or `stop` was called.

        Raises:
            StoppedError: so it was.
        """
        if self._told.is_set():
            raise StoppedError("the run was told to stop")

    def now(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Sleep, at most until a signal comes."""
        self._told.wait(max(0.0, seconds))


def all_of(*checks: Callable[[], None]) -> Callable[[], None]:
    """One check out of several, in their order."""

    def check() -> None:
        for one in checks:
            one()

    return check
