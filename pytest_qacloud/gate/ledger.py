"""Where a gate's record is kept: a journal of JSON lines in a folder of its own, each on disk before it counts.

One process at a time works on a gate; a lock that ends with its process sees to that. A line that a power loss cut
short is dropped when the journal is opened next.
"""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING, Any, Self

from filelock import FileLock, Timeout

from ..errors import ConfigError, QacloudError
from .record import Opened, Record, from_plain, to_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType

    from .record import Event

JOURNAL = "journal.jsonl"


class Ledger:
    """The record of one gate, open for going on.

    Args:
        folder: the gate's own.
        listen: told of each event after it is on disk.

    Raises:
        ConfigError: another process works on this gate, or its journal cannot be read.
    """

    def __init__(self, folder: Path, listen: Callable[[Event], None] = lambda _event: None) -> None:
        self.folder = folder
        self._listen = listen
        self._guard = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = FileLock(folder / "lock")
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise ConfigError(
                f"another process works on the gate {folder.name}; wait for it, or stop it", file=str(folder)
            ) from error
        try:
            self.record = Record(read(folder))
            self._file = self._open()
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._lock.release()

    def add(self, event: Event) -> None:
        """Write an event down, then let it count. Safe from several threads.

        Raises:
            QacloudError: it cannot be written; it does not count then.
        """
        with self._guard:
            try:
                self._file.write(json.dumps(to_plain(event), separators=(",", ":")) + "\n")
                self._file.flush()
                os.fsync(self._file.fileno())
            except OSError as error:
                raise QacloudError(f"the gate's journal cannot be written: {error.strerror}: {self.folder}") from error
            self.record.add(event)
        self._listen(event)

    def _open(self) -> Any:
        path = self.folder / JOURNAL
        if path.exists():
            content = path.read_bytes()
            whole = content[: content.rfind(b"\n") + 1]
            if whole != content:
                with path.open("r+b") as file:
                    file.truncate(len(whole))
        return path.open("a", encoding="utf-8")


def read(folder: Path) -> Iterator[Event]:
    """The events of a gate, oldest first; none if it has no journal.

    Raises:
        ConfigError: a line that is no event; the last one may be cut short.
    """
    path = folder / JOURNAL
    if not path.exists():
        return
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    for number, line in enumerate(lines[:-1], 1):  # what follows the last line's end was cut short
        try:
            plain = json.loads(line)
        except ValueError as error:
            raise ConfigError(f"line {number} is no JSON: {error}", file=str(path)) from error
        yield from_plain(plain)


def gates(folder: Path) -> list[Path]:
    """The folders of all gates below one, the oldest first."""
    found = (path.parent for path in folder.glob(f"*/{JOURNAL}"))
    return sorted(found, key=lambda path: (path.stat().st_ctime_ns, path.name))


def is_open(folder: Path) -> bool:
    """Whether a gate was begun and has no end yet.

    Raises:
        ConfigError: its journal cannot be read.
    """
    record = Record(read(folder))
    return bool(record.events) and isinstance(record.events[0], Opened) and record.closed is None
