"""Lock files that show which owners and waiters of this machine are alive.

The kernel drops a lock when its process ends, however it ends, so a SIGKILLed owner is known to be dead at once.
Each claim has a file of its own, named after its token's hash: the name is never used again, so removing the file can
let nobody lock a file that others no longer see. Descriptors are close-on-exec, and filelock closes them in forked
children, so a child that outlives the owner keeps nothing.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from ..errors import LeaseError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

STRAY_S = 3600.0
"""A file this old that no row names was left by a crash between the file and its row."""


class PresenceLocks:
    """The locks one store holds, and a look at those of others. Safe from several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._guard = threading.Lock()
        self._held: dict[str, FileLock] = {}

    def hold(self, name: str) -> None:
        """Take the lock of a new name, until `drop` or the end of this process.

        Raises:
            LeaseError: the folder cannot be written, or its file system knows no locks.
        """
        lock = self._lock(name)
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            lock.acquire(blocking=False)
        except (OSError, Timeout) as error:
            raise LeaseError(
                f"cannot lock {lock.lock_file}: {error}. The lease database must stand in a folder that can be "
                "written, on a file system with flock(2)"
            ) from error
        with self._guard:
            self._held[name] = lock

    def drop(self, name: str) -> None:
        """Give a lock back and remove its file; one that is not held here is no error."""
        with self._guard:
            lock = self._held.pop(name, None)
        if lock is not None:
            self._path(name).unlink(missing_ok=True)
            lock.release()

    def ended(self, name: str) -> bool:
        """Whether the process that held this lock is gone; `False` where there is no file, as nothing is known then."""
        with self._guard:
            if name in self._held:
                return False
        return self._path(name).exists() and self._take_and_release(name)

    def tidy(self, name: str) -> None:
        """Remove the file of a claim that is over, unless somebody holds it: then it is theirs to `drop`."""
        if self.ended(name):
            self._path(name).unlink(missing_ok=True)

    def sweep(self, keep: Collection[str]) -> None:
        """Remove old files that nobody holds and that are not in `keep`."""
        oldest = time.time() - STRAY_S
        for path in self._folder.glob("*.lock"):
            with contextlib.suppress(FileNotFoundError):
                if path.stem not in keep and path.stat().st_mtime < oldest and self._take_and_release(path.stem):
                    path.unlink()

    def _take_and_release(self, name: str) -> bool:
        lock = self._lock(name)
        try:
            lock.acquire(blocking=False)
        except (OSError, Timeout):
            return False
        lock.release()
        return True

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.lock"

    def _lock(self, name: str) -> FileLock:
        return FileLock(
            self._path(name),
            mode=0o600,
            thread_local=False,
            # Without flock there is no sign of death, so a lock that falls back to "the file exists" would be a lie.
            fallback_to_soft=False,
            preserve_lock_file=True,
        )
