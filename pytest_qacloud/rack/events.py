"""What happened in the rack, in order."""

from __future__ import annotations

from collections import deque
from typing import Any

MOST_EVENTS = 100_000
"""Older ones are forgotten."""


class EventLog:
    """An append-only record of events, kept in memory."""

    def __init__(self) -> None:
        self._events: deque[dict[str, Any]] = deque(maxlen=MOST_EVENTS)

    def add(self, at: float, machine: str | None, event: str, **detail: Any) -> None:
        """Record one event.

        Args:
            at: UNIX time, seconds.
            machine: a machine's name; `None` for a service.
            event: such as `power_on`.
            detail: what else is known; values are JSON.
        """
        self._events.append({"at": at, "machine": machine, "event": event, **detail})

    def listing(self) -> list[dict[str, Any]]:
        """All events, oldest first."""
        return list(self._events)
