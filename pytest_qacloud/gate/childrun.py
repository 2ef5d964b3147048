"""Test runs of the gate: pytest processes of their own, on pools leased for them.

A run's folder says all of it: who runs (`process.json`, before it runs), what it printed, the verdicts, and its end
(`ended.json`, the gate's and pytest's own). So a run that went on, or ended, while the gate was dead is taken up there.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import EXIT_NO_ZONE
from ..model import Outcome, ProcessIdentity
from .commands import complete, tail
from .record import RunEnded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ..ports_process import Programs
    from .record import RunStarted

PROCESS, ENDED, OUTPUT, RUNS = "process.json", "ended.json", "output.txt", "runs"
SAID_SOMETHING = (0, 1)
"""pytest's exit statuses of a run that came to its end: all passed, or some failed."""

LOOK_S = 1.0


@dataclass(frozen=True, slots=True)
class Child:
    """How children are started.

    Args:
        folder: where pytest runs: node ids and suites count from there.
        arguments: of pytest, which all children get, such as the pools folder or Marvin's place.
        pool: what they lease.
        suites: what a whole run runs.
        env: variables that they need, such as where the state is.
        limit_s: seconds that one may take.
        command: what runs pytest.
    """

    folder: Path
    arguments: tuple[str, ...]
    pool: str
    suites: tuple[str, ...]
    env: Mapping[str, str]
    limit_s: float
    command: tuple[str, ...] = (sys.executable, "-m", "pytest")

    def argv(self, started: RunStarted) -> list[str]:
        """The command of one run."""
        return [
            *self.command, "-p", "no:cacheprovider", *self.arguments,
            f"--qacloud-pool={self.pool}", f"--qacloud-build={started.commit}", "--qacloud-gate=off", "--qacloud-wait",
            f"--qacloud-purpose=gate: {started.purpose} of {started.commit[:12]}",
            f"--qacloud-runs-dir={Path(started.folder) / RUNS}", f"--junitxml={Path(started.folder) / 'junit.xml'}",
            *(started.tests or self.suites),
        ]  # fmt: skip


class PytestRunner:
    """Fulfils `parts.Runner`."""

    def __init__(self, programs: Programs, child: Child) -> None:
        self._programs, self._child = programs, child

    def run(self, started: RunStarted, stop: Callable[[], None]) -> RunEnded:
        """Run the tests and read what they said; a run that was stopped has taken its zone down."""
        folder = Path(started.folder)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        began_s = time.monotonic()

        def announce(identity: ProcessIdentity) -> None:
            (folder / PROCESS).write_text(json.dumps(asdict(identity)), encoding="utf-8")

        status = complete(
            self._programs,
            self._child.argv(started),
            env=self._child.env,
            folder=self._child.folder,
            output=folder / OUTPUT,
            limit_s=self._child.limit_s,
            stop=stop,
            announce=announce,
        )
        ended = {"status": status, "elapsed_s": round(time.monotonic() - began_s, 3)}
        (folder / ENDED).write_text(json.dumps(ended), encoding="utf-8")
        return self._read(started, ended)

    def recover(self, started: RunStarted, stop: Callable[[], None]) -> RunEnded | None:
        """The end of a run that an earlier gate started; one of another machine, or without its end, is lost."""
        folder = Path(started.folder)
        if started.host != socket.gethostname():
            return None
        ended = _json(folder / ENDED)
        identity = _json(folder / PROCESS)
        if ended is None and identity is not None:
            who = ProcessIdentity(**identity)
            while self._programs.alive(who):
                stop()
                time.sleep(LOOK_S)
            ended = {"status": None, "elapsed_s": 0.0} if _is_whole(folder) else None
        return None if ended is None else self._read(started, ended)

    def _read(self, started: RunStarted, ended: Mapping[str, Any]) -> RunEnded:
        folder, status = Path(started.folder), ended["status"]
        outcomes: dict[str, Outcome] = {}
        evidence: dict[str, str] = {}
        pool = ""
        for verdict in _verdicts(folder):
            outcomes[verdict["test"]] = Outcome(verdict["outcome"])
            pool = verdict["pool"]
            if outcomes[verdict["test"]] is not Outcome.GOOD:
                evidence[verdict["test"]] = verdict["evidence"]
        failure = ""
        if status not in SAID_SOMETHING and not (status is None and _is_whole(folder)):
            failure = self._why(status, folder)
            # What was seen before it broke off stands; what was not is not known.
        elif not outcomes:
            failure = f"no test said anything: {tail(folder / OUTPUT)}"
        return RunEnded(started.run, outcomes, evidence, failure, pool=pool, elapsed_s=ended["elapsed_s"])

    def _why(self, status: int | None, folder: Path) -> str:
        if status is None:
            return f"the run did not end within {self._child.limit_s:g} s"
        if status == EXIT_NO_ZONE:
            return f"no zone: {_no_zone(folder)}"
        return f"pytest ended with {status}: {tail(folder / OUTPUT)}"


def _verdicts(folder: Path) -> Iterator[dict[str, Any]]:
    """All verdicts of the run's own folders; a line that was cut short is left out."""
    for file in sorted((folder / RUNS).glob("*/verdicts.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                continue


def _is_whole(folder: Path) -> bool:
    """Whether pytest itself says that it came to its end, with every test that was asked for."""
    ends = [_json(file) or {} for file in (folder / RUNS).glob("*/ended.json")]
    return any(end.get("exit_status") in SAID_SOMETHING for end in ends)


def _no_zone(folder: Path) -> str:
    """The paragraph that says why there was none."""
    try:
        text = (folder / OUTPUT).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return next(
        (line for line in text.splitlines() if line.startswith(("No zone:", "No lease:"))), tail(folder / OUTPUT)
    )


def _json(path: Path) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content
