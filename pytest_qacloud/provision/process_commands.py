"""The commands of one run of a pool of kind `process`: started on record, watched, and ended with all they started."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from ..deadline import Deadline, Waiting, poll
from ..errors import BuildError, DeadlineError, ProvisionError
from ..placeholders import expand

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..model import Command, ProcessIdentity, ProcessPool
    from ..ports_process import Program, Programs
    from .process_plan import ProcessRun
    from .process_state import ProcessState
    from .stage import Stage

MIB = 1 << 20
WATCH_S = 0.1
GRACE_S = 15.0
"""Seconds between SIGTERM and SIGKILL: a Java server has much to write when it ends."""

TAIL_LINES, TAIL_BYTES = 8, 8192
CANNOT_RUN = (126, 127)
"""Exit statuses of a command that is not there or cannot be run, as shells and our own gate have them."""


class Commands:
    """What one run has on this machine, and what may be done with it.

    Args:
        run: as it is written down.
        stage: whose clock and check hold while a command is waited for.
        logs: folder for the output of each command.
    """

    def __init__(
        self, pool: ProcessPool, run: ProcessRun, programs: Programs, state: ProcessState, stage: Stage, logs: Path
    ) -> None:
        self.pool, self.run = pool, run
        self._programs, self._state = programs, state
        self._stage, self._logs = stage, logs

    def note(self, run: ProcessRun) -> None:
        """The run is another now; on disk when this returns."""
        self._state.save(run)
        self.run = run

    def start(self, step: str, argv: Sequence[str]) -> Program:
        """Start a command; it is written down before it runs.

        Raises:
            ServiceFaultError: it could not be started.
        """
        values = self.run.values

        def announce(identity: ProcessIdentity) -> None:
            self.note(self.run.with_program(step, identity))

        return self._programs.start(
            [expand(argument, values) for argument in argv],
            env={name: expand(text, values) for name, text in self.pool.process.env.items()},
            folder=Path(self.run.worktree),
            output=self.log(step),
            mark=self.run.mark,
            announce=announce,
        )

    def complete(self, step: str, command: Command) -> None:
        """Run a command to its end.

        Raises:
            BuildError: it is the build, and it failed.
            ProvisionError: it failed, took too long, could not be run, or wrote too much.
        """
        deadline = Deadline(command.limit_s, self._stage.clock)
        program = self.start(step, command.argv)

        def look() -> int | Waiting:
            status = program.status()
            self.check_size(step, command.argv)
            return Waiting("it still runs") if status is None else status

        try:
            status = poll(look, what=step, deadline=deadline, interval_s=WATCH_S, check=self._stage.check)
        except DeadlineError as error:
            self._programs.end(program.identity, grace_s=GRACE_S)
            action = f"See what it waited for, or raise [process.{step}] limit_s in {self.pool.path}."
            observed = f"did not end within {command.limit_s:g} s, and was ended"
            raise self.failure(step, command.argv, observed, action) from error
        if status != 0:
            raise self._ended_badly(step, command.argv, status)

    def check_server(self, server: Program) -> None:
        """The server runs, and does not flood its log.

        Raises:
            ProvisionError: it has ended, or wrote too much.
        """
        argv, status = self.pool.process.start.argv, server.status()
        if status is not None:
            action = f"Read the log; the command in [process.start] of {self.pool.path} must run as long as the server."
            raise self.failure("start", argv, f"{how(status)} before the server was ready", action)
        self.check_size("start", argv)

    def check_size(self, step: str, argv: Sequence[str]) -> None:
        """A command's output is not too much.

        Raises:
            ProvisionError: it is.
        """
        limit_mib = self.pool.process.output_mib
        if self.log(step).stat().st_size > limit_mib * MIB:
            action = f"Have it say less, or raise [process] output_mib in {self.pool.path}."
            raise self.failure(step, argv, f"wrote more than {limit_mib:g} MiB", action)

    @property
    def stoppable(self) -> bool:
        """Whether there may be something for the pool's own `stop` to stop, and the sources to do it with."""
        begun = {step for step, _ in self.run.programs} & {"prepare", "start"}
        return self.pool.process.stop is not None and bool(begun) and Path(self.run.worktree).is_dir()

    def stop(self) -> None:
        """Run the pool's own `stop`, where that makes sense.

        Raises:
            ProvisionError: as `complete`.
        """
        if self.pool.process.stop is not None and self.stoppable:
            self.complete("stop", self.pool.process.stop)

    def end(self) -> None:
        """End whatever of the run's processes still lives, the latest first.

        Raises:
            ServiceFaultError: some do not end.
        """
        for _, identity in reversed(self.run.programs):
            self._programs.end(identity, grace_s=GRACE_S)

    def log(self, step: str) -> Path:
        """The file that a step's command writes to."""
        return self._logs / f"{step}.log"

    def failure(
        self, step: str, argv: Sequence[str], observed: str, action: str, kind: type[ProvisionError] = ProvisionError
    ) -> ProvisionError:
        """What went wrong with a command: which, how it ended, what it said last, where the rest is."""
        command = shlex.join(expand(argument, self.run.values) for argument in argv)
        lines, log = tail(self.log(step)), self.log(step)
        said = f"its last lines: {' | '.join(lines)}" if lines else "it wrote nothing"
        return kind(self.pool.name, step, f"`{command}` {observed}; {said}; log: {log}", 0.0, action, of_pool=True)

    def _ended_badly(self, step: str, argv: Sequence[str], status: int) -> ProvisionError:
        if status in CANNOT_RUN:
            action = f"Install what it needs on this machine, or correct [process.{step}] in {self.pool.path}."
            return self.failure(step, argv, how(status), action)
        if status < 0:
            action = "Find out who killed it; dmesg says whether the machine ran out of memory."
            return self.failure(step, argv, how(status), action)
        action = f"Read the log; the sources are commit {self.run.commit}."
        return self.failure(step, argv, how(status), action, BuildError if step == "build" else ProvisionError)


def how(status: int) -> str:
    """How a command ended, in words."""
    return f"ended with exit status {status}" if status >= 0 else f"was killed by signal {-status}"


def tail(path: Path) -> list[str]:
    """The last lines of a file that may be large or missing."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return []
    return [line.strip() for line in lines if line.strip()][-TAIL_LINES:]
