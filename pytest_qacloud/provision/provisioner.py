"""From a plan to a healthy zone: machines side by side, a spare for one that fails, and all of it undone at the end."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from ..deadline import SYSTEM_CLOCK
from ..errors import ProvisionError, StoppedError
from ..fanout import for_each
from ..model import Lease, Machine, MachinePlan, Mark, Role, Zone
from . import steps
from .plan import plan_machine, replan
from .stage import Done
from .zone import ZoneSteps, order_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..model import Endpoint, ZonePlan
    from ..ports import LeaseStore
    from .stage import Stage
    from .steps import Context
    from .zone_config import ZoneConfig

T = TypeVar("T")

OWN_FAULT = frozenset({"preflight", "ipmi", "installed", "converge"})
"""Steps whose failure is the machine's, so that a spare may do better; the others fail by a service of the pool."""

UNDO: dict[str, Callable[[Context, MachinePlan], None]] = {
    "cobbler": steps.unregister_system,
    "puppet": steps.forget_certificate,
    "ipmi": steps.power_off,
}
"""How each step of a machine is undone; the others leave nothing behind."""


class Provisioner:
    """Makes one zone.

    Args:
        context: of the plan it starts with; spares that step in change the plan, see `plan`.
        stage: where its steps run.
        lease: for the plans of spares.
        spares: machines that may step in, best first.
        store: where machines that fail are marked.
        now: UNIX time, seconds.
        zone_config: the zones to make; `None` makes the pool's own.
    """

    def __init__(
        self,
        context: Context,
        stage: Stage,
        lease: Lease,
        spares: Sequence[Machine],
        store: LeaseStore,
        now: Callable[[], float],
        zone_config: ZoneConfig | None = None,
    ) -> None:
        self._whole = context
        self.context = replace(context, check=self._check)
        self.stage = stage
        self.plan: ZonePlan = context.plan
        self._lease = lease
        self._spares = list(spares)
        self._store = store
        self._now = now
        self._zone_config = zone_config
        self._lock = threading.Lock()
        self._failed = threading.Event()
        self._silent: dict[str, ProvisionError] = {}
        self._tried: list[MachinePlan] = []
        self._endpoint: Endpoint | None = None

    def provision(self) -> Zone:
        """Make the zone.

        Raises:
            ProvisionError: one step failed for good.
            ExceptionGroup: several did, each a `ProvisionError`.
            LeaseLostError: the lease ended; nothing more was touched.
        """
        self._preflight()
        slots = [(plan.role, plan.machine) for plan in self.plan.machines]
        jobs: list[tuple[Role, Machine] | None] = [None, *slots]
        outcomes = for_each(jobs, self._slot_or_storage)
        _raise_first_causes([outcome.error for outcome in outcomes if outcome.error is not None])
        self.plan = replan(self.plan, [outcome.value for outcome in outcomes if outcome.value is not None])
        zone = self._zone()
        for plan in self.plan.machines:
            self._store.unmark(self.plan.pool.name, plan.name)
        return zone

    @property
    def roles(self) -> tuple[tuple[str, str], ...]:
        """(machine, role) of the zone, management first."""
        return tuple((plan.name, plan.role.value) for plan in self.plan.machines)

    def teardown(self, check: Callable[[], None]) -> list[ProvisionError]:
        """Undo all that has begun, also after the run was told to stop.

        Args:
            check: raises when nothing may be touched any more.

        Raises:
            LeaseLostError: the pool is no longer ours to touch.
        """
        self.stage.check, self.stage.clock = check, SYSTEM_CLOCK
        context = replace(self._whole, check=check, clock=SYSTEM_CLOCK, plan=self.plan)
        return teardown(context, self.stage, self.plans())

    def plans(self) -> list[MachinePlan]:
        """A plan for every machine that a step has begun on, so that it can be undone."""
        known = {plan.name: plan for plan in (*self.plan.machines, *self._tried)}
        names = dict.fromkeys(done.machine for done in self.stage.begun)
        return [known[name] for name in names if name in known]

    def _check(self) -> None:
        """The run's check, and whether going on makes sense while other machines are brought up."""
        self._whole.check()
        if self._failed.is_set():
            raise StoppedError("stopped, since another machine failed for good")

    def _preflight(self) -> None:
        """Services first, then every machine of the pool: all are off before the storage is emptied."""
        pool = self.plan.pool
        self.stage.run("preflight", pool.name, self._check_services, limit_s=pool.timeouts.preflight_s)
        used = {plan.name for plan in self.plan.machines}
        machines = [*(plan.machine for plan in self.plan.machines), *self.plan.idle]

        def quiet(machine: Machine) -> None:
            self.stage.run(
                "preflight",
                machine.name,
                lambda: steps.quiesce(self.context, machine),
                limit_s=pool.timeouts.preflight_s,
            )

        for outcome in for_each(machines, quiet):
            if isinstance(outcome.error, ProvisionError):
                self._silent[outcome.item.name] = outcome.error
                if outcome.item.name not in used:
                    self._mark(outcome.item, outcome.error)
            elif outcome.error is not None:
                raise outcome.error
        self._spares = [machine for machine in self._spares if machine.name not in self._silent]

    def _check_services(self) -> None:
        for plan in {plan.profile: plan for plan in self.plan.machines}.values():
            steps.profile_exists(self.context, plan)
        self.context.services.certificate_authority().state(self.plan.management.hostname)
        steps.room_on_exports(self.context)

    def _slot_or_storage(self, slot: tuple[Role, Machine] | None) -> MachinePlan | None:
        try:
            if slot is None:
                limit_s = self.plan.pool.timeouts.storage_s
                self._run("storage", self.plan.pool.name, lambda: steps.seed_storage(self.context), limit_s)
                return None
            return self._slot(*slot)
        except BaseException:
            self._failed.set()
            raise

    def _slot(self, role: Role, machine: Machine) -> MachinePlan:
        """Bring a machine up for a role; while it fails by its own fault, a spare after it."""
        while True:
            plan = plan_machine(self.plan.pool, self.plan.build, self._lease, machine, role)
            self._tried.append(plan)
            try:
                if machine.name in self._silent:
                    raise self._silent[machine.name]
                self._bring_up(plan)
                return plan
            except ProvisionError as error:
                if error.step not in OWN_FAULT or error.machine != machine.name:
                    raise
                self._mark(machine, error)
                spare = self._take_spare()
                if spare is None:
                    raise
                self.stage.journal.record(
                    "replace", "note", machine.name, by=spare.name, failed_step=error.step, observed=error.observed
                )
                undo_machine(self._whole, self.stage, plan)
                machine = spare

    def _bring_up(self, plan: MachinePlan) -> None:
        pool, context = self.plan.pool, self.context
        limits = pool.timeouts
        self._run("cobbler", plan.name, lambda: steps.register_system(context, plan), limits.cobbler_s)
        self._run("puppet", plan.name, lambda: steps.clean_certificate(context, plan), limits.puppet_s)
        self._run("ipmi", plan.name, lambda: steps.boot_installer(context, plan), limits.ipmi_s)
        self._run("installed", plan.name, lambda: steps.wait_installed(context, plan), limits.installed_s)
        self._run("converge", plan.name, lambda: steps.converge(context, plan), limits.converge_s)
        if plan.role is Role.MANAGEMENT:
            self._endpoint = self._run(
                "management", plan.name, lambda: steps.wait_management(context, plan), limits.management_s
            )

    def _run(self, step: str, machine: str, action: Callable[[], T], limit_s: float) -> T:
        self._check()
        return self.stage.run(step, machine, action, limit_s=limit_s)

    def _take_spare(self) -> Machine | None:
        with self._lock:
            return self._spares.pop(0) if self._spares else None

    def _mark(self, machine: Machine, error: ProvisionError) -> None:
        pool = self.plan.pool.name
        self._store.mark(Mark(pool, machine.name, error.step, error.observed, self._lease.epoch, self._now()))

    def _zone(self) -> Zone:
        endpoint = self._endpoint
        if endpoint is None:
            pool = self.plan.pool
            raise ProvisionError(pool.name, "zone", "no machine became the management server", 0.0, "", of_pool=True)
        order, api = order_of(self.plan, self.context.services), self.context.services.cloud_api(endpoint)
        return ZoneSteps(order, endpoint, api, self.stage, self.context.check, self._zone_config).make()


def undo_machine(context: Context, stage: Stage, plan: MachinePlan) -> list[ProvisionError]:
    """Undo what was begun on a machine, the latest first; returns what could not be undone."""
    undoings = [(done, UNDO[done.step]) for done in reversed(stage.forget(plan.name)) if done.step in UNDO]
    failures = [stage.undo(done, partial(undo, context, plan)) for done, undo in undoings]
    return [failure for failure in failures if failure is not None]


def teardown(context: Context, stage: Stage, plans: Sequence[MachinePlan]) -> list[ProvisionError]:
    """Undo all that has begun: each machine's steps in reverse, side by side, then the pool's.

    Args:
        plans: of every machine that a step has begun on.

    Returns:
        What could not be undone; nothing of it keeps the next lease from working.

    Raises:
        LeaseLostError: the pool is no longer ours to touch.
    """
    failures = []
    for outcome in for_each(plans, partial(undo_machine, context, stage)):
        if outcome.error is not None:
            raise outcome.error
        failures += outcome.value or []
    pool = context.pool.name
    if any(done.step == "storage" for done in stage.forget(pool)):
        failure = stage.undo(Done(pool, "storage"), lambda: steps.empty_exports(context))
        failures += [failure] if failure else []
    return failures


def _raise_first_causes(errors: Sequence[BaseException]) -> None:
    """Raise what failed by itself; machines that were only stopped by it are not named."""
    causes = [error for error in errors if not isinstance(error, StoppedError)]
    other = [error for error in causes if not isinstance(error, ProvisionError)]
    if other:
        raise other[0]
    failures = [error for error in causes if isinstance(error, ProvisionError)]
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise ExceptionGroup("several machines failed", failures)
