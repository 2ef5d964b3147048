"""What runs of pools of kind `process` have on this machine, on disk, so that it is found when they die.

Below the folder: `POOL/RUN/run.json` says what the run has, `POOL/RUN/work` is its own. A run is written down before it
has anything, and forgotten when nothing of it is left.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..errors import ServiceFaultError
from .process_plan import ProcessRun, run_from_json, run_to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ..model import ProcessPool

FILE, WORK, LOCK = "run.json", "work", "lock"


class ProcessState:
    """The runs of one user on one machine.

    Args:
        folder: of all pools; made when something is written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(
        self, pool: ProcessPool, epoch: int, mark: str, choose_ports: Callable[[int, set[int]], list[int]]
    ) -> ProcessRun:
        """Write a new run down, with ports that no other run has.

        Args:
            choose_ports: gives so many free ports, none of those in the set.
        """
        name = f"e{epoch}-{mark[:8]}"
        folder = self._of(pool.name, name)
        names = pool.process.ports
        with self._locked():
            taken = {port for run in self._all() for port in run.ports.values()}
            ports = dict(zip(names, choose_ports(len(names), taken), strict=True))
            (folder / WORK).mkdir(parents=True, mode=0o700)
            run = ProcessRun(name, pool.name, epoch, pool.process.repository, mark, ports, str(folder / WORK))
            self.save(run)
        return run

    def save(self, run: ProcessRun) -> None:
        """Write it down as it is now; on disk when this returns."""
        path = self._of(run.pool, run.name) / FILE
        part = path.with_suffix(".part")
        with part.open("w", encoding="utf-8") as file:
            json.dump(run_to_json(run), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)

    def runs(self, pool: str) -> list[ProcessRun]:
        """The runs of a pool that are not forgotten, the oldest first.

        Raises:
            ServiceFaultError: what is written about one cannot be read.
        """
        return sorted(self._read((self._folder / pool).glob(f"*/{FILE}")), key=lambda run: run.epoch)

    def forget(self, run: ProcessRun) -> None:
        """Remove its folder.

        Raises:
            ServiceFaultError: some of it stays.
        """
        folder = self._of(run.pool, run.name)
        shutil.rmtree(folder / WORK, ignore_errors=True)
        if (folder / WORK).exists():
            raise ServiceFaultError("this machine", f"{folder / WORK} could not be removed", "remove it by hand")
        shutil.rmtree(folder, ignore_errors=True)

    def _of(self, pool: str, name: str) -> Path:
        return self._folder / pool / name

    def _all(self) -> list[ProcessRun]:
        return self._read(self._folder.glob(f"*/*/{FILE}"))

    @staticmethod
    def _read(files: Iterator[Path]) -> list[ProcessRun]:
        found = []
        for file in files:
            try:
                found.append(run_from_json(json.loads(file.read_text(encoding="utf-8"))))
            except FileNotFoundError:  # forgotten meanwhile
                continue
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise ServiceFaultError(
                    "this machine",
                    f"{file} does not say what a run has left here",
                    f"end what runs in {file.parent}, then remove that folder",
                ) from error
        return found

    @contextmanager
    def _locked(self) -> Iterator[None]:
        from filelock import FileLock

        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(self._folder / LOCK):
            yield
