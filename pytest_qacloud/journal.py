"""The run's journal: append-only JSON lines, each on disk before the step it announces acts."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

HIDDEN = "[hidden]"
SHORTEST_SECRET = 4
"""Shorter texts are not replaced: they would blot out half of every line, and hide nothing."""


class Redactor:
    """Replaces every secret it has been told of. Safe from several threads."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._secrets: tuple[str, ...] = ()
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> str:
        """Remember a secret, and each line of one that has several; returns it."""
        parts = [secret, *(line.strip() for line in secret.splitlines())]
        with self._lock:
            known = {*self._secrets, *(part for part in parts if len(part) >= SHORTEST_SECRET)}
            self._secrets = tuple(sorted(known, key=len, reverse=True))
        return secret

    def __call__(self, text: str) -> str:
        """`text` without the secrets."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, HIDDEN)
        return text


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the journal.

    Args:
        at: UNIX time, seconds.
        step: such as `ipmi`, or `run`, `lease`, `test`.
        phase: `begin`, `end`, `fail`, `retry` or `note`.
        machine: a machine's name; the pool's, for a step of the whole pool.
        elapsed_s: seconds since `begin`, for the phases after it.
        detail: what else is to be said; values are JSON.
    """

    at: float
    step: str
    phase: str
    machine: str = ""
    elapsed_s: float | None = None
    detail: dict[str, Any] = field(default_factory=dict)

    def line(self) -> str:
        """The event as a line of JSON; empty members are left out."""
        fields: dict[str, Any] = {"at": round(self.at, 6), "step": self.step, "phase": self.phase}
        if self.machine:
            fields["machine"] = self.machine
        if self.elapsed_s is not None:
            fields["elapsed_s"] = round(self.elapsed_s, 6)
        return json.dumps(fields | self.detail, ensure_ascii=False, default=str)


class Listener(Protocol):
    """Told of each event once it is written; the live view is one."""

    def __call__(self, event: Event) -> None:
        """Take one event; called from the thread that wrote it."""
        ...


class Journal:
    """Writes events and passes them on. Safe from several threads.

    `begin` events are flushed to the disk before `record` returns, so that what a run was about to do is known even
    after a power loss; the others only reach the operating system.
    """

    def __init__(self, path: Path, redact: Redactor, now: Callable[[], float] = time.time) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.redact = redact
        self._now = now
        self._lock = threading.Lock()
        self._file = path.open("a", encoding="utf-8")
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Pass every later event on to `listener`."""
        self._listeners.append(listener)

    def record(
        self, step: str, phase: str, machine: str = "", *, elapsed_s: float | None = None, **detail: Any
    ) -> Event:
        """Write one event; returns it with secrets replaced, as it was written."""
        shown = json.loads(self.redact(json.dumps(detail, ensure_ascii=False, default=str)))
        event = Event(self._now(), step, phase, machine, elapsed_s, shown)
        with self._lock:
            if not self._file.closed:
                self._file.write(event.line() + "\n")
                self._file.flush()
                if phase == "begin":
                    os.fdatasync(self._file.fileno())
        for listener in self._listeners:
            listener(event)
        return event

    def close(self) -> None:
        """Flush to the disk and close; later events only reach the listeners."""
        with self._lock:
            if not self._file.closed:
                os.fsync(self._file.fileno())
                self._file.close()


def read(path: Path) -> list[Event]:
    """All whole lines of a journal; a last line cut short by a crash is left out."""
    events = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            fields = json.loads(line)
        except ValueError:
            continue
        known = {name: fields.pop(name, default) for name, default in (("machine", ""), ("elapsed_s", None))}
        events.append(Event(fields.pop("at"), fields.pop("step"), fields.pop("phase"), **known, detail=fields))
    return events
