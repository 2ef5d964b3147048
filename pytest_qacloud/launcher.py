"""Starts the simulated rack as a program of its own, and makes sure that it ends with us."""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import ProvisionError

if TYPE_CHECKING:
    from .config import SimulatedPool

CLASSIFIER = "import sys; from pytest_qacloud.enc import main; sys.exit(main(sys.argv[1:]))"
"""`qacloud puppet-enc` without what `-m` imports: it runs once for every simulated machine."""

START_LIMIT_S = 30.0
STOP_LIMIT_S = 10.0
PREFIX = "qacloud-rack-"
SETTLED_S = 60.0
"""Seconds after which the folder of a rack that is being started is surely locked."""


@dataclass
class Rack:
    """A running simulated rack.

    Its standard input is a pipe from us: when we die, however we die, it reads the end of it and stops. Its folder is
    locked by us: when we die, a later launch of a rack removes it.
    """

    process: subprocess.Popen[bytes]
    folder: Path
    log: Path
    pool_file: Path | None = None
    control: str = ""
    lock: int | None = None

    def ready(self) -> Path:
        """Wait until it listens; the path of its pool file.

        Raises:
            ProvisionError: it ended, or said nothing in time.
        """
        started_s = time.monotonic()
        line = self._first_line(started_s + START_LIMIT_S)
        try:
            said = json.loads(line)
            self.pool_file, self.control = Path(said["pool_file"]), said["control"]
        except (ValueError, KeyError, TypeError):
            elapsed_s = time.monotonic() - started_s
            self.stop()
            tail = " | ".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:])
            raise ProvisionError(
                "the simulated rack", "rack", f"it did not start: {tail or 'it said nothing'}", elapsed_s,
                f"Read {self.log}.",
            ) from None  # fmt: skip
        return self.pool_file

    def _first_line(self, until_s: float) -> bytes:
        output, line = self.process.stdout, b""
        if output is None:
            return line
        while not line.endswith(b"\n") and time.monotonic() < until_s:
            if select.select([output], [], [], 0.1)[0]:
                byte = output.read(1)
                if not byte:
                    break
                line += byte
        return line

    def stop(self) -> None:
        """End it and remove its folder; never raises for a rack that is gone."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.lock is not None:
            os.close(self.lock)
            self.lock = None


def classifier_argv(folder: Path) -> list[str]:
    """The external node classifier of a rack as a command, to which its Puppet adds the certname."""
    return [sys.executable, "-c", CLASSIFIER, "--enc-dir", str(folder / "enc")]


def launch(
    pool: SimulatedPool,
    log: Path,
    *,
    machines: int | None = None,
    install_time_s: float | None = None,
    rack_file: Path | None = None,
) -> Rack:
    """Start a rack for a simulated pool; it gets ready while the caller does something else.

    Args:
        log: takes what it writes to standard error.
        machines, install_time_s: instead of the pool file's.
        rack_file: settings and faults of the rack, in its own format.
    """
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    lock = _locked(folder)
    argv = [sys.executable, "-m", "pytest_qacloud.rack", "--dir", str(folder), "--name", pool.name, "--parent-pipe"]
    argv += ["--machines", str(machines or pool.machines), "--hypervisor", pool.hypervisor]
    argv += ["--install-time", str(pool.install_time_s if install_time_s is None else install_time_s)]
    argv += [] if rack_file is None else ["--rack-file", str(rack_file)]
    argv += [f"--node-classifier={argument}" for argument in classifier_argv(folder)]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as errors:
        process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, start_new_session=True, bufsize=0
        )
    return Rack(process, folder, log, lock=lock)


def _locked(folder: Path) -> int:
    """A descriptor that holds the lock on a folder, unless another process has it (an `OSError`)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _sweep() -> None:
    """Remove the folders of racks whose starters died before they could."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            status = folder.lstat()
            if status.st_uid == os.getuid() and time.time() - status.st_mtime > SETTLED_S:
                lock = _locked(folder)
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)
