"""From a commit to a healthy zone on this machine: its own management server, with simulated hypervisors.

Every step is the pool's. Whatever is started is written down first (`process_state.py`), so that the run's own end and
the pool's next lease undo it alike. Nothing here touches what another run has, so undoing needs no lease.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from ..deadline import SYSTEM_CLOCK, Deadline, Waiting, poll
from ..errors import DeadlineError, QacloudError, UnreachableError
from ..model import API_PORT, Build
from ..placeholders import expand
from .process_commands import GRACE_S, WATCH_S, Commands
from .process_plan import own_zone
from .stage import Done
from .zone import ZoneOrder, ZoneSteps

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ..errors import ProvisionError
    from ..model import Endpoint, Lease, ProcessPool, Zone
    from ..ports_process import ProcessServices, Program
    from .process_plan import ProcessRun
    from .process_state import ProcessState
    from .stage import Stage
    from .zone_config import ZoneConfig

T = TypeVar("T")

SOURCE_LIMIT_S = 3600.0
BY_HAND = "The pool's next lease tries again; to be rid of it now, end it by hand."


class ProcessProvisioner:
    """Makes one zone of a pool of kind `process`.

    Args:
        pool: what is built and started, and how.
        rev: names the commit, as the user wrote it.
        services: what it acts through.
        state: where runs are written down.
        stage: where its steps run.
        logs: folder for the output of each command.
        zone_config: the zones to make; `None` makes the pool's own.
    """

    def __init__(
        self,
        pool: ProcessPool,
        rev: str,
        lease: Lease,
        services: ProcessServices,
        state: ProcessState,
        stage: Stage,
        logs: Path,
        zone_config: ZoneConfig | None = None,
    ) -> None:
        self.pool, self.rev, self.lease = pool, rev, lease
        self.stage, self.logs = stage, logs
        self._services, self._programs, self._state = services, services.programs, state
        self._zone_config = zone_config
        self._commands: Commands | None = None

    @property
    def roles(self) -> tuple[tuple[str, str], ...]:
        """No machine plays any."""
        return ()

    def provision(self) -> Zone:
        """Make the zone.

        Raises:
            BuildError: the commit does not build.
            ProvisionError: a step failed for good.
            ConfigError: there is no such commit.
            LeaseLostError: the lease ended.
        """
        recipe = self.pool.process
        self._step("preflight", self._end_left_over, GRACE_S)
        commands = self._step("source", self._check_out, SOURCE_LIMIT_S)
        for step, command in (("build", recipe.build), ("prepare", recipe.prepare)):
            if command is not None:
                self._step(step, partial(commands.complete, step, command), command.limit_s)
        ready_by = Deadline(recipe.ready.limit_s, self.stage.clock)
        server = self._step("start", lambda: commands.start("start", recipe.start.argv), recipe.ready.limit_s)
        self._step("ready", lambda: self._wait_ready(commands, server, ready_by), recipe.ready.limit_s)
        limit_s = self.pool.timeouts.management_s
        endpoint = self._step("management", lambda: self._admin(commands, server), limit_s)
        api = self._services.cloud_api(endpoint)
        return ZoneSteps(
            self._order(commands.run), endpoint, api, self.stage, self.stage.check, self._zone_config
        ).make()

    def resume(self) -> None:
        """Take over what an earlier process of the same lease has here, so that it can be taken down."""
        for run in self._state.runs(self.pool.name):
            if run.epoch == self.lease.epoch:
                self._commands = self._of(run)

    def teardown(self, check: Callable[[], None]) -> list[ProvisionError]:  # noqa: ARG002  # see below
        """Undo all that has begun; returns what could not be undone.

        Args:
            check: not asked: what is undone is this run's own, whoever has the pool by now.
        """
        commands, stage, name = self._commands, self.stage, self.pool.name
        stage.forget(name)
        if commands is None:
            return []
        stage.check, stage.clock = _always, SYSTEM_CLOCK
        failures = [stage.undo(Done(name, "prepare"), commands.stop, BY_HAND)] if commands.stoppable else []
        failures.append(stage.undo(Done(name, "start"), commands.end, BY_HAND))
        if failures[-1] is None:  # else it stays on record
            failures.append(stage.undo(Done(name, "source"), lambda: self._remove(commands.run), BY_HAND))
            self._commands = None
        return [failure for failure in failures if failure is not None]

    def _step(self, step: str, action: Callable[[], T], limit_s: float) -> T:
        return self.stage.run(step, self.pool.name, action, limit_s=limit_s)

    def _of(self, run: ProcessRun) -> Commands:
        return Commands(self.pool, run, self._programs, self._state, self.stage, self.logs)

    def _end_left_over(self) -> None:
        """End what runs of this pool that died have left."""
        for run in self._state.runs(self.pool.name):
            self.stage.journal.record("preflight", "note", self.pool.name, left_over=run.name, epoch=run.epoch)
            commands = self._of(run)
            with suppress(QacloudError):  # there may be nothing any more that could be stopped
                commands.stop()
            commands.end()
            self._remove(run)

    def _remove(self, run: ProcessRun) -> None:
        self._services.sources.remove_worktree(run.name)
        self._state.forget(run)

    def _check_out(self) -> Commands:
        """The commit's files, in a work tree of this run's own."""
        sources = self._services.sources
        commit = sources.resolve(self.rev)
        if self._commands is None:
            mark = self._programs.mark()
            run = self._state.begin(self.pool, self.lease.epoch, mark, self._programs.free_ports)
            self._commands = self._of(run)
        commands = self._commands
        sources.remove_worktree(commands.run.name)  # of a try before this one
        worktree = sources.worktree(commit, commands.run.name)
        commands.note(replace(commands.run, worktree=str(worktree), commit=commit))
        self.stage.journal.record(
            "source", "note", self.pool.name, rev=self.rev, commit=commit, ports=dict(commands.run.ports)
        )
        return commands

    def _wait_ready(self, commands: Commands, server: Program, deadline: Deadline) -> None:
        """Wait until the server serves; one that has ended is not waited for."""
        ready, run = self.pool.process.ready, commands.run

        def look() -> bool | Waiting:
            commands.check_server(server)
            if ready.url is None:
                why = self._programs.listening(run.ports[ready.port or API_PORT])
            else:
                why = self._programs.answering(expand(ready.url, run.values))
            return True if why is None else Waiting(why)

        interval_s = min(self.pool.poll.management_s, max(WATCH_S, ready.limit_s / 20))
        try:
            poll(look, what="ready", deadline=deadline, interval_s=interval_s, check=self.stage.check)
        except DeadlineError as error:
            argv = self.pool.process.start.argv
            observed = f"runs, and is not ready within {ready.limit_s:g} s: {error.last}"
            action = f"Read the log, or correct [process.ready] in {self.pool.path}."
            raise commands.failure("start", argv, observed, action) from error

    def _admin(self, commands: Commands, server: Program) -> Endpoint:
        """The administrator's keys, as soon as the API gives them out."""
        limit_s = self.pool.timeouts.management_s

        def look() -> Endpoint | Waiting:
            commands.check_server(server)
            try:
                return self._services.admin_endpoint(commands.run.ports[API_PORT])
            except UnreachableError as error:
                return Waiting(f"{error.service}: {error.observed}")

        deadline, interval_s = Deadline(limit_s, self.stage.clock), self.pool.poll.management_s
        try:
            return poll(look, what="the API", deadline=deadline, interval_s=interval_s, check=self.stage.check)
        except DeadlineError as error:
            observed = f"was ready, and its API gives out no keys within {limit_s:g} s: {error.last}"
            action = f"Read the log, or raise [timeouts] management_s in {self.pool.path}."
            raise commands.failure("start", self.pool.process.start.argv, observed, action) from error

    def _order(self, run: ProcessRun) -> ZoneOrder:
        pool, name = self.pool, f"{self.pool.name}-e{self.lease.epoch}"
        password = self._services.secret(pool.management.password)
        return ZoneOrder(
            pool=pool.name,
            epoch=self.lease.epoch,
            build=Build(name=self.rev, commit=run.commit),
            zone_name=name,
            hypervisor=pool.hypervisor.api_name,
            config=own_zone(pool, name, run.ports[API_PORT], password),
            machines={},
            timeouts=pool.timeouts,
            poll=pool.poll,
        )


def _always() -> None:
    """The check of what may be undone whatever has happened."""
