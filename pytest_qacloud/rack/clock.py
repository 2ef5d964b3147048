"""The rack's clock."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """UNIX time that never goes back."""

    def now(self) -> float:
        """Seconds since 1970."""
        ...


class SystemClock:
    """UNIX time as it was at the start, carried on by the monotonic clock."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        """Seconds since 1970."""
        return time.monotonic() + self._offset
