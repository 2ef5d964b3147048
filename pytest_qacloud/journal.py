"""The run's journal: append-only JSON lines, each on disk before the step it announces acts."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

from .errors import QacloudError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

HIDDEN = "[hidden]"
SHORTEST_SECRET = 4
"""Shorter texts are not replaced: they would blot out half of every line, and hide nothing."""


class Redactor:
    """Replaces every secret it has been told of, as it is and as JSON, URLs, XML and Python write it.

    Secrets that overlap each other in a text are replaced together, so that no rest of one is left. Not found are
    secrets that are encoded in another way (base64), cut in two, or shorter than `SHORTEST_SECRET`. Safe from several
    threads.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._forms: frozenset[str] = frozenset()
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> str:
        """Remember a secret, and each line of one that has several; returns it."""
        parts = {secret, *(line.strip() for line in secret.splitlines())}
        forms = {form for part in parts if len(part) >= SHORTEST_SECRET for form in _written(part)}
        with self._lock:
            self._forms |= forms
        return secret

    def __call__(self, text: str) -> str:
        """`text` without the secrets."""
        shown, found = _without(text, self._forms, HIDDEN)
        while found:  # the mark itself may complete a secret, such as `dden`
            shown, found = _without(shown, self._forms, "")
        return shown

    def clean(self, value: Any) -> Any:
        """Plain data (mappings, lists, texts, numbers) without the secrets, as JSON can hold it."""
        if isinstance(value, Mapping):
            return {self(str(key)): self.clean(member) for key, member in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.clean(member) for member in value]
        text = str(value)
        shown = self(text)
        keeps_its_type = value is None or isinstance(value, bool | int | float)
        return value if keeps_its_type and shown == text else shown


def _written(secret: str) -> Iterator[str]:
    """A secret as it stands in text of several languages."""
    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield quote(secret, safe="", errors="surrogatepass")
    yield quote_plus(secret, errors="surrogatepass")
    yield escape(secret)
    yield repr(secret)[1:-1]
    yield repr('"' + secret)[2:-1]  # in a text with both quotes, one of them is escaped
    yield repr(secret.encode(errors="surrogatepass"))[2:-1]


def _without(text: str, forms: Iterable[str], mark: str) -> tuple[str, bool]:
    """`text` with each stretch that is covered by forms replaced by one mark, and whether there was any."""
    spans = []
    forms = [form for form in forms if form in text]
    if not forms:  # hardly any text has one, and each line of every log is looked at
        return text, False
    for form in forms:
        start = text.find(form)
        while start >= 0:
            spans.append((start, start + len(form)))
            start = text.find(form, start + 1)
    shown: list[str] = []
    kept_to = 0
    for start, end in sorted(spans):
        if start > kept_to or not shown:
            shown += [text[kept_to:start], mark]
        kept_to = max(kept_to, end)
    return "".join([*shown, text[kept_to:]]), bool(spans)


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the journal.

    Args:
        at: UNIX time, seconds, to the microsecond.
        step: such as `ipmi`, or `run`, `lease`, `test`.
        phase: `begin`, `end`, `fail`, `retry` or `note`.
        machine: a machine's name; the pool's, for a step of the whole pool.
        elapsed_s: seconds since `begin`, for the phases after it.
        detail: what else is to be said; values are JSON. A member named like one of the above is not kept.
    """

    at: float
    step: str
    phase: str
    machine: str = ""
    elapsed_s: float | None = None
    detail: dict[str, Any] = field(default_factory=dict)

    def line(self) -> str:
        """The event as a line of JSON; empty members are left out."""
        fields: dict[str, Any] = {"at": self.at, "step": self.step, "phase": self.phase}
        if self.machine:
            fields["machine"] = self.machine
        if self.elapsed_s is not None:
            fields["elapsed_s"] = self.elapsed_s
        return json.dumps({**fields, **self.detail, **fields}, ensure_ascii=False)


class Listener(Protocol):
    """Told of each event once it is written; the live view is one."""

    def __call__(self, event: Event, /) -> None:
        """Take one event, in the thread that wrote it, one at a time in the journal's order; must not record."""
        ...


class Journal:
    """Writes events and passes them on. Safe from several threads.

    `begin` events are flushed to the disk before `record` returns, so that what a run was about to do is known even
    after a power loss; the others only reach the operating system. Names of steps and machines are written as they are.

    Attributes:
        required: whether an event that cannot be written is an error; a teardown goes on without its journal.
    """

    def __init__(self, path: Path, redact: Redactor, now: Callable[[], float] = time.time) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.redact = redact
        self.required = True
        self._now = now
        self._lock = threading.Lock()
        # What is no UTF-8, such as a byte of a file's name, becomes the JSON escape of it.
        self._file = path.open("a", encoding="utf-8", errors="backslashreplace")
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Pass every later event on to `listener`."""
        with self._lock:
            self._listeners.append(listener)

    def record(
        self, step: str, phase: str, machine: str = "", *, elapsed_s: float | None = None, **detail: Any
    ) -> Event:
        """Write one event; returns it with secrets replaced, as it was written.

        Raises:
            QacloudError: it cannot be written, and the journal is `required`.
        """
        taken_s = None if elapsed_s is None else round(elapsed_s, 6)
        shown = self.redact.clean(detail)
        with self._lock:
            event = Event(round(self._now(), 6), step, phase, machine, taken_s, shown)
            try:
                self._write(event)
            except OSError as error:
                if self.required:
                    raise QacloudError(
                        f"the journal {self.path} cannot be written: {error.strerror}; make room there and try again"
                    ) from error
            for listener in self._listeners:
                listener(event)
        return event

    def _write(self, event: Event) -> None:
        if self._file.closed:
            return
        self._file.write(event.line() + "\n")
        self._file.flush()
        if event.phase == "begin":
            os.fdatasync(self._file.fileno())

    def close(self) -> None:
        """Flush to the disk and close, as far as the disk takes it; later events only reach the listeners."""
        with self._lock, suppress(OSError):
            if not self._file.closed:
                try:
                    self._file.flush()
                    os.fsync(self._file.fileno())
                finally:
                    self._file.close()


def read(path: Path) -> list[Event]:
    """All whole lines of a journal; one that a crash cut short is left out."""
    events = []
    for line in path.read_bytes().split(b"\n"):
        try:
            fields = json.loads(line)
        except ValueError:
            continue
        known = {name: fields.pop(name, default) for name, default in (("machine", ""), ("elapsed_s", None))}
        events.append(Event(fields.pop("at"), fields.pop("step"), fields.pop("phase"), **known, detail=fields))
    return events
