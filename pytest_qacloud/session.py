"""START HERE. One run: lease → plan → provision → zone → verdict. The only place that wires the parts together.

`Session.start` gives a zone or raises; `Session.stop` undoes everything, in reverse, whatever happened before.
"""

from __future__ import annotations

import json
import secrets
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import ConfigError, LeaseLostError, QacloudError
from .interrupts import Interrupts, all_of
from .journal import Redactor
from .loan import Line, Loan, borrow, lease_store
from .provision.stage import StepTime
from .runfolder import log_files, open_journal
from .settings import SETTINGS_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .config import SimulatedPool
    from .handover import Handover
    from .launcher import Rack
    from .leasing import Heartbeat
    from .model import Build, Lease, Pool, ProcessPool, Zone
    from .ports import CloudApi, LeaseGuard, LeaseStore
    from .progress import View
    from .provision import ProcessProvisioner, Provisioner, ZoneConfig
    from .settings import Settings
    from .wiring import ApiDrivers


@dataclass(frozen=True, slots=True)
class Common:
    """What runs in one process share: a secret of one may come up in any, and what stops one stops all."""

    redact: Redactor = field(default_factory=Redactor)
    interrupts: Interrupts = field(default_factory=Interrupts)


def new_run_id() -> str:
    """A name for a run that no other has."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"


class Session:
    """One run.

    Args:
        settings: what the user asked for.
        view: shows the progress; may be replaced between `start` and `stop`.
        folder: takes the journal and logs; by default a new one in the folder of runs.
        common: of several runs in this process; whoever made it writes their log.
    """

    def __init__(
        self, settings: Settings, view: View, *, folder: Path | None = None, common: Common | None = None
    ) -> None:
        self.settings = settings
        self.view = view
        self.folder = folder or settings.path("runs-dir") / new_run_id()
        self.run_id = self.folder.name
        alone = common is None
        common = common or Common()
        self.redact = common.redact
        self.journal = open_journal(self.folder, self.redact)
        self.journal.listen(lambda event: self.view(event))  # noqa: PLW0108  # the view may be replaced
        self.interrupts = common.interrupts
        self.pool: Pool | ProcessPool | None = None
        self.zone: Zone | None = None
        self.api: CloudApi | None = None
        self.guard: LeaseGuard | None = None
        self.times: list[StepTime] = []
        self.ready_s: float | None = None
        self.warnings: list[str] = []
        self._provisioner: Provisioner | ProcessProvisioner | None = None
        self._zone_config: ZoneConfig | None = None
        self._services: ApiDrivers | None = None
        self._store: LeaseStore | None = None
        self._heartbeat: Heartbeat | None = None
        self._stack = ExitStack()
        self._stack.callback(self.journal.close)
        if alone:
            self._stack.enter_context(log_files(self.folder, self.redact))

    def start(self, given: SimulatedPool | Loan | None = None) -> Zone:
        """Lease a pool and make a zone on it.

        Args:
            given: the pool, where it is not for this run to choose, or even leased already.

        Raises:
            ConfigError: a pool file, zone config or setting is wrong.
            PoolBusyError: no pool could be had.
            ProvisionError: or an ExceptionGroup of them: the zone could not be made.
            KeyboardInterrupt: the user said so.
        """
        self.journal.record("run", "begin", run=self.run_id, settings=self.settings.shown())
        self._zone_config = self._read_zone_config()
        with self.interrupts:
            if isinstance(given, Loan):
                loan = given
                self.times.append(StepTime(loan.pool.name, "lease", loan.waited_s))
                build = self._build([loan.pool])
            else:
                pools = self._candidates(given)
                build = self._build(pools)
                loan = self._borrow(pools)
            started_s = time.monotonic()
            self.zone = self._provision(loan.pool, self._hold(loan), build)
        self.ready_s = loan.waited_s + time.monotonic() - started_s
        self.journal.record("zone", "note", loan.pool.name, id=self.zone.id, url=self.zone.endpoint.url)
        self._keep_config(self.zone, self.settings["zone-config"] or loan.pool.path or loan.pool.name)
        return self.zone

    def attach(self, handover: Handover) -> Zone:
        """Use a zone that another process made; it is not taken down at the end.

        Raises:
            LeaseLostError: its lease has ended.
            ConfigError: the settings name zones to make, too.
        """
        from .leasing import Watch, attach
        from .wiring import api_drivers

        if self.settings["zone"] and self.settings["zone-config"]:
            raise ConfigError("--qacloud-zone names a zone that is there, --qacloud-zone-config one to make: drop one")
        pool, store = self._take_over(handover)
        if handover.lease.detached:
            self.guard = self._stack.enter_context(attach(store, handover.lease))
        else:  # whoever took it renews it
            self.guard = Watch(store, handover.lease)
            self.guard.check()
        self._services = api_drivers(pool, self.redact)
        self._stack.callback(self._services.close)
        self.zone = handover.zone
        self.api = self._services.cloud_api(self.zone.endpoint)
        self._keep_config(self.zone, "the zone file")
        return self.zone

    @property
    def services(self) -> ApiDrivers | None:
        """The pool's drivers, once there is a lease."""
        return self._services

    def ailment(self) -> str | None:
        """Why a test that fails now says nothing about the build; `None` on a healthy zone with a live lease."""
        from .provision import ailments

        if self.guard is not None and self.guard.loss is not None:
            return str(self.guard.loss)
        if self.api is None or self.zone is None:
            return None
        try:
            places = ((self.zone.id, self.zone.hosts), *self.zone.further)
            found = [words for zone_id, hosts in places for words in ailments(self.api, zone_id, hosts)]
        except QacloudError as error:
            return f"the zone's API fails: {self.redact(str(error))}"
        return "; ".join(found) or None

    def handover(self) -> Handover:
        """What another process needs to work on the zone while this one keeps it and its lease."""
        from .handover import Handover

        provisioner, pool, heartbeat = self._provisioner, self.pool, self._heartbeat
        if provisioner is None or pool is None or heartbeat is None or self.zone is None:
            raise QacloudError("there is no zone to hand over")
        return Handover(
            pool_file=str(Path(pool.path).absolute()),
            lease=heartbeat.lease,
            zone=self.zone,
            roles=provisioner.roles,
            begun=tuple((done.machine, done.step) for done in provisioner.stage.begun),
        )

    def hand_over(self, path: Path, ttl_s: float) -> None:
        """Leave the zone to whoever has the file; `stop` then only closes what is this process's.

        Until here the lease is this process's own, so that a death half way frees the pool at once.

        Args:
            ttl_s: how long the lease lives on without a heartbeat.

        Raises:
            ConfigError: the file cannot be written; the zone is still ours then.
        """
        from .handover import write_handover

        handover, heartbeat = self.handover(), self._heartbeat
        if heartbeat is None:
            raise QacloudError("there is no zone to hand over")
        write_handover(path, replace(handover, lease=replace(handover.lease, ttl_s=ttl_s, detached=True)))
        heartbeat.detach(ttl_s=ttl_s)
        self._provisioner = None

    def take_down(self, handover: Handover) -> None:
        """Undo a zone that another process made, and release its lease.

        Raises:
            LeaseLostError: its lease has ended: the pool is somebody else's, or the next lease cleans it.
        """
        from .leasing import Heartbeat
        from .model import ProcessPool
        from .provision import Done

        pool, store = self._take_over(handover)
        self.guard = self._stack.enter_context(Heartbeat(store, handover.lease))
        if isinstance(pool, ProcessPool):
            self._prepare_process(pool, handover.lease).resume()
            return
        provisioner = self._prepare(pool, handover.lease, handover.zone.build, dict(handover.roles))
        provisioner.stage.begun[:] = [Done(*pair) for pair in handover.begun]

    def stop(self) -> None:
        """Undo the zone, release the lease, stop what was started; a second call does nothing."""
        with self._stack:
            provisioner, self._provisioner = self._provisioner, None
            if provisioner is not None:
                self._teardown(provisioner)
            self._stack.callback(self.journal.record, "run", "end", run=self.run_id)

    def _take_over(self, handover: Handover) -> tuple[Pool | ProcessPool, LeaseStore]:
        """The pool of a zone that another process made, and its lease store; hides its secrets from here on."""
        from .config import load_pool
        from .poolchoice import real
        from .provision import secrets_in

        lease, zone = handover.lease, handover.zone
        for secret in (lease.token, zone.endpoint.api_key, zone.endpoint.secret_key, *secrets_in(zone.marvin_config)):
            self.redact.add(secret)
        self.pool = pool = real(load_pool(Path(handover.pool_file)))
        self._store = lease_store(pool)
        return pool, self._store

    def _read_zone_config(self) -> ZoneConfig | None:
        from .handover import writable
        from .provision import read_zone_config, secrets_in

        if self.settings["config-out"]:
            writable(self.settings.path("config-out"))
        if not self.settings["zone-config"]:
            return None
        config = read_zone_config(self.settings.path("zone-config"))
        for secret in secrets_in(config.content):
            self.redact.add(secret)
        return config

    def _keep_config(self, zone: Zone, source: str) -> None:
        """Write what was deployed: into the run's folder without secrets, and whole to where the user says.

        Args:
            source: what has the secrets.
        """
        from .handover import write_private
        from .provision import without_secrets

        shown = without_secrets(zone.marvin_config, source)
        write_private(self.folder / "zone-config.json", json.dumps(shown, indent=2) + "\n")
        if self.settings["config-out"]:
            write_private(self.settings.path("config-out"), json.dumps(zone.marvin_config, indent=2) + "\n")

    def _candidates(self, given: SimulatedPool | None) -> list[Pool | ProcessPool]:
        """The pools that would do, with the simulated rack started if it is one of them."""
        from .config import SimulatedPool
        from .poolchoice import choose, real

        chosen = [given] if given else choose(self.settings["pool"], self.settings.path("pools-dir"))
        simulated = [pool for pool in chosen if isinstance(pool, SimulatedPool)]
        return [self._simulate(simulated[0])] if simulated else [real(pool) for pool in chosen]

    def _simulate(self, simulated: SimulatedPool) -> Pool | ProcessPool:
        from .config import load_pool
        from .launcher import launch
        from .poolchoice import real

        with self._timed("rack", simulated.name):
            rack: Rack = launch(
                simulated,
                self.folder / "rack.log",
                machines=self.settings.machines(),
                install_time_s=self.settings.install_time_s(),
            )
            self._stack.callback(rack.stop)
            _load_libraries()
            pool_file = rack.ready()
        self.journal.record(
            "rack", "note", simulated.name, control=rack.control, pool_file=str(pool_file), pid=rack.process.pid
        )
        return real(load_pool(pool_file))

    def _borrow(self, pools: Sequence[Pool | ProcessPool]) -> Loan:
        """One of these pools."""
        with self._timed("lease", ",".join(pool.name for pool in pools)):
            (loan,) = borrow(self.settings, pools, 1, Line(self.view), self.interrupts.check)
        return loan

    def _hold(self, loan: Loan) -> Lease:
        """Keep a lease until the end."""
        self.guard = self._heartbeat = held = self._stack.enter_context(loan.held)
        self.pool, self._store = loan.pool, loan.store
        self.redact.add(held.lease.token)
        self.journal.record("lease", "note", held.lease.pool, epoch=held.lease.epoch, owner=held.lease.owner)
        return held.lease

    def _build(self, pools: Sequence[Pool | ProcessPool]) -> Build:
        """What is installed, built before a pool is kept busy if need be; pools of kind `process` build by themselves.

        Raises:
            ConfigError: there is no such build.
            BuildError: it does not build.
        """
        from .model import ProcessPool
        from .provision import resolve_build

        text, settings = self.settings["build"], None
        is_commit = self.settings.source("build") != "default" and "://" not in text
        if is_commit and not any(isinstance(pool, ProcessPool) for pool in pools):
            from .config import load_gate

            settings = load_gate(self.settings.folder / SETTINGS_FILE)
        if settings is None:
            return resolve_build(text)
        from .builds import prepare

        with self._timed("build", text):
            return prepare(text, settings, self._stack, self.interrupts.check)

    def _provision(self, pool: Pool | ProcessPool, lease: Lease, build: Build) -> Zone:
        from .model import ProcessPool

        provisioner: Provisioner | ProcessProvisioner
        if isinstance(pool, ProcessPool):
            provisioner = self._prepare_process(pool, lease)
        else:
            provisioner = self._prepare(pool, lease, build, None)
        try:
            zone = provisioner.provision()
        finally:
            self.times += provisioner.stage.times
        if self._services is not None:
            self.api = self._services.cloud_api(zone.endpoint)
        return zone

    def _prepare(self, pool: Pool, lease: Lease, build: Build, roles: dict[str, str] | None) -> Provisioner:
        """Everything that provisioning or teardown needs, from a lease and the roles its machines play."""
        from .enc import enc_dir
        from .model import Role
        from .paths import cache_dir
        from .provision import (
            Assignment,
            Context,
            Provisioner,
            Stage,
            assign,
            fetch_template,
            make_plan,
            management_only,
        )
        from .wiring import Drivers

        guard, store = self.guard, self._store
        if guard is None or store is None:
            raise QacloudError("a zone needs a lease first")
        self._services = services = Drivers(pool, self.redact)
        self._stack.callback(services.close)
        if roles is None:
            assignment = assign(pool, {mark.machine for mark in store.marks(pool.name)})
        else:
            assignment = Assignment(tuple((Role(role), pool.machine(name)) for name, role in roles.items()), ())
        if self._zone_config is not None:
            self._zone_config.refuse_hosts({str(machine.ip) for machine in pool.machines})
            assignment = management_only(assignment)
        plan = make_plan(pool, build, lease, assignment)
        check = all_of(guard.check, self.interrupts.check)
        context = Context(
            plan=plan,
            services=services,
            check=check,
            clock=self.interrupts,
            enc_dir=Path(enc_dir(pool.puppet.enc_dir)),
            fetch_template=lambda: fetch_template(plan.system_vm_template, cache_dir() / "templates", check=check),
        )
        stage = Stage(pool.name, self.journal, check, self.interrupts)
        made = Provisioner(context, stage, lease, assignment.spares, store, time.time, self._zone_config)
        self._provisioner = made
        return made

    def _prepare_process(self, pool: ProcessPool, lease: Lease) -> ProcessProvisioner:
        """The same for a pool whose management server runs on this machine; HEAD where no build is named."""
        from .paths import state_dir
        from .provision import ProcessProvisioner, ProcessState, Stage
        from .wiring import ProcessDrivers

        guard = self.guard
        if guard is None:
            raise QacloudError("a zone needs a lease first")
        rev = "HEAD" if self.settings.source("build") == "default" else self.settings["build"]
        stage = Stage(pool.name, self.journal, all_of(guard.check, self.interrupts.check), self.interrupts)
        self._services = services = ProcessDrivers(pool, self.redact, lambda: stage.check())  # noqa: PLW0108  # it changes
        self._stack.callback(services.close)
        state = ProcessState(state_dir() / "processes")
        made = ProcessProvisioner(pool, rev, lease, services, state, stage, self.folder, self._zone_config)
        self._provisioner = made
        return made

    def _teardown(self, provisioner: Provisioner | ProcessProvisioner) -> None:
        guard = self.guard
        if guard is None:
            return
        self.journal.required = False  # a full disk must not keep machines running
        name = provisioner.stage.pool
        self.view.say(f"taking the zone on {name} down")
        try:
            if self._heartbeat is not None:
                self._heartbeat.confirm()
            with self._timed("teardown", name):
                failures = provisioner.teardown(guard.check)
        except LeaseLostError as error:
            self.warnings.append(f"{error}; nothing was taken down, the pool's next lease does it")
            return
        self.warnings += [self.redact(str(failure)) for failure in failures]

    @contextmanager
    def _timed(self, step: str, name: str) -> Iterator[None]:
        """Journal and time a stage that is not a provisioning step."""
        started_s = time.monotonic()
        self.journal.record(step, "begin", name)
        try:
            yield
        except BaseException as error:
            self.journal.record(step, "fail", name, elapsed_s=time.monotonic() - started_s, observed=str(error))
            raise
        elapsed_s = time.monotonic() - started_s
        self.times.append(StepTime(name, step, elapsed_s))
        self.journal.record(step, "end", name, elapsed_s=elapsed_s)


def _load_libraries() -> None:
    """Import what provisioning needs, while the simulated rack does the same in its own process."""
    from . import drivers, leasing, provision, wiring  # noqa: F401  # for their import time

    for name in ("ssh", "ipmi", "cobbler", "puppet", "nfs", "cloudstack"):
        drivers.load(name)
