"""The steps of one machine and of the pool, each idempotent and each with its undo.

A step is a function of the context (and of one machine). It looks, acts, and looks again; it never records, times or
retries itself: `Stage` in `stage.py` does that for all of them alike.
"""

from __future__ import annotations

import base64
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..deadline import Clock, Deadline, Waiting, poll
from ..errors import DeadlineError, DriverError, HostKeyError, ServiceFaultError, UnreachableError
from ..ports import PowerAction, PowerState, System
from .enc import remove_classification, write_classification

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ..model import Endpoint, Machine, MachinePlan, Pool, ZonePlan
    from ..ports import Services

log = logging.getLogger(__name__)

GIB = 1 << 30


@dataclass(frozen=True)
class Context:
    """What every step needs.

    Args:
        plan: of the whole zone.
        services: the pool's drivers.
        check: raises when the run must stop: the lease is lost, or the user said so.
        clock: wakes up early when the run must stop.
        enc_dir: where the node classifier looks.
        fetch_template: gives the local file of the plan's system VM template.
    """

    plan: ZonePlan
    services: Services
    check: Callable[[], None]
    clock: Clock
    enc_dir: Path
    fetch_template: Callable[[], Path]

    @property
    def pool(self) -> Pool:
        """The plan's pool."""
        return self.plan.pool


def quiesce(context: Context, machine: Machine) -> None:
    """Log in to the BMC and switch off whatever an earlier run left running; believed only when read back."""
    bmc = context.services.bmc(machine)
    if bmc.power_state() is PowerState.ON:
        switch(context, machine, PowerAction.OFF)


def profile_exists(context: Context, plan: MachinePlan) -> None:
    """Cobbler knows the machine's profile."""
    if not context.services.install_server().has_profile(plan.profile):
        pool = context.pool
        raise ServiceFaultError(
            f"Cobbler {pool.cobbler.url}",
            f"has no profile {plan.profile}",
            f"import it there, or set [cobbler.profiles] {plan.role} in {pool.path or pool.name}",
        )


def room_on_exports(context: Context) -> None:
    """Every export has the free space that the pool asks for."""
    storage = context.pool.storage
    wanted = int(storage.min_free_gib * GIB)
    for export in (*storage.primary, storage.secondary):
        free = context.services.storage().free_bytes(export.path)
        if free < wanted:
            raise ServiceFaultError(
                f"NFS server {storage.server}",
                f"{export.path} has {free / GIB:.1f} GiB free, and {storage.min_free_gib:g} GiB are needed",
                "make room there, or lower [storage] min_free_gib",
            )


def empty_exports(context: Context) -> None:
    """Primary and secondary storage hold nothing of an earlier zone."""
    storage = context.services.storage()
    for export in (*context.pool.storage.primary, context.pool.storage.secondary):
        context.check()
        storage.empty(export.path)


def seed_storage(context: Context) -> None:
    """Exports emptied, and the system VM template on the secondary one."""
    empty_exports(context)
    template = context.fetch_template()
    context.check()
    context.services.storage().seed_template(
        context.pool.storage.secondary.path,
        str(template),
        context.plan.system_vm_template,
        context.pool.hypervisor.value,
    )


def register_system(context: Context, plan: MachinePlan) -> None:
    """Cobbler's record of the machine, with network boot on and this lease's epoch in its autoinstall."""
    network = context.pool.network
    services = context.services
    keys = {
        "qacloud_host_key": _encode(services.host_key_pair(plan.host_key_seed).private),
        "qacloud_authorized_key": _encode(services.authorized_key()),
    }
    services.install_server().save_system(
        System(
            name=plan.name,
            hostname=plan.hostname,
            profile=plan.profile,
            mac=plan.machine.mac,
            ip=str(plan.machine.ip),
            gateway=str(network.management.gateway),
            name_servers=tuple(str(server) for server in network.dns),
            netboot_enabled=True,
            meta={**plan.autoinstall_meta, **keys},
        )
    )


def unregister_system(context: Context, plan: MachinePlan) -> None:
    """Cobbler forgets the machine."""
    context.services.install_server().remove_system(plan.name)


def clean_certificate(context: Context, plan: MachinePlan) -> None:
    """The certificate of the machine's last life is gone, and the classifier knows its next."""
    context.services.certificate_authority().clean(plan.hostname)
    write_classification(context.enc_dir, plan)


def forget_certificate(context: Context, plan: MachinePlan) -> None:
    """Undo of `clean_certificate`: neither certificate nor classification is left."""
    remove_classification(context.enc_dir, plan.hostname)
    context.services.certificate_authority().clean(plan.hostname)


def boot_installer(context: Context, plan: MachinePlan) -> None:
    """Boot once from the network; believed only when the chassis reads back on."""
    machine = plan.machine
    bmc = context.services.bmc(machine)
    context.check()
    bmc.boot_from_network_once()
    was_on = bmc.power_state() is PowerState.ON
    switch(context, machine, PowerAction.CYCLE if was_on else PowerAction.ON)


def switch(context: Context, machine: Machine, action: PowerAction) -> None:
    """Tell the chassis, then read its state until it is so.

    A chassis that is told off is told so again each time it reads on: some BMCs lose a command that comes while
    another is under way.
    """
    bmc = context.services.bmc(machine)
    wanted = PowerState.OFF if action is PowerAction.OFF else PowerState.ON
    context.check()
    bmc.power(action)

    def read_back() -> PowerState | Waiting:
        state = bmc.power_state()
        if state is wanted:
            return state
        if wanted is PowerState.OFF:
            context.check()
            bmc.power(PowerAction.OFF)
        return Waiting(f"the BMC accepted power {action}, and the chassis still reads {state}")

    pool = context.pool
    poll(
        read_back,
        what=f"chassis {wanted}",
        deadline=Deadline(pool.timeouts.ipmi_s, context.clock),
        interval_s=pool.poll.ipmi_s,
        check=context.check,
    )


def power_off(context: Context, plan: MachinePlan) -> None:
    """Undo of `boot_installer`."""
    quiesce(context, plan.machine)


def wait_installed(context: Context, plan: MachinePlan) -> None:
    """The installer has turned network boot off at Cobbler, and the new system shows this epoch's marker over SSH."""
    install_server, shell = context.services.install_server(), context.services.machine_shell(plan)

    def look() -> bool | Waiting:
        system = install_server.system(plan.name)
        if system is None:
            return Waiting("Cobbler has lost the machine's record")
        if system.netboot_enabled:
            return Waiting("the installer has not reported its end to Cobbler")
        return _marker_shown(shell.read_file, plan)

    pool = context.pool
    try:
        poll(
            _tolerant(look),
            what="the new system",
            deadline=Deadline(pool.timeouts.installed_s, context.clock),
            interval_s=pool.poll.installed_s,
            check=context.check,
        )
    except DeadlineError as error:
        raise DeadlineError(error.what, error.elapsed_s, f"{error.last}; {_diagnose(context, plan)}") from error


def _marker_shown(read_file: Callable[[str], str | None], plan: MachinePlan) -> bool | Waiting:
    try:
        marker = read_file(plan.marker_path)
    except HostKeyError:
        return Waiting("SSH is answered by another system than the one this run installs: its host key is not ours")
    if marker is None:
        return Waiting(f"SSH answers, and {plan.marker_path} is not there")
    if marker.strip() != plan.marker:
        return Waiting(f"SSH answers, and {plan.marker_path} is of another run")
    return True


def _tolerant(look: Callable[[], bool | Waiting]) -> Callable[[], bool | Waiting]:
    """A service that does not answer while we wait for hours is an observation, not the end."""

    def tolerant() -> bool | Waiting:
        try:
            return look()
        except UnreachableError as error:
            return Waiting(f"{error.service}: {error.observed}")
        except DeadlineError as error:  # of one look, not of the waiting
            return Waiting(str(error))

    return tolerant


def _diagnose(context: Context, plan: MachinePlan) -> str:
    """What can be said about a machine that did not get there: the chassis, and who answers SSH."""
    try:
        if context.services.bmc(plan.machine).power_state() is PowerState.OFF:
            return "the chassis is off"
    except DriverError as error:
        return f"{error.service}: {error.observed}"
    try:
        seen = _marker_shown(context.services.machine_shell(plan).read_file, plan)
    except (DriverError, DeadlineError) as error:
        return f"the chassis is on, and {error}"
    return f"the chassis is on, and {seen.seen if isinstance(seen, Waiting) else 'SSH shows the new system'}"


def converge(context: Context, plan: MachinePlan) -> None:
    """One run of the Puppet agent; 0 (nothing to do) and 2 (changed) are success.

    Exit codes: https://www.puppet.com/docs/puppet/8/man/agent.html, `--detailed-exitcodes`.
    """
    puppet = context.pool.puppet
    argv = ["puppet", "agent", "--onetime", "--no-daemonize", "--detailed-exitcodes", "--verbose"]
    argv += ["--server", puppet.server, "--environment", plan.environment, "--certname", plan.hostname]
    result = context.services.machine_shell(plan).run(argv, timeout_s=context.pool.timeouts.converge_s)
    log.info("puppet agent on %s: exit status %s\n%s%s", plan.hostname, *result)
    if result.exit_status not in (0, 2):
        lines = [line.strip() for line in (result.stdout + "\n" + result.stderr).splitlines() if line.strip()]
        raise ServiceFaultError(
            f"puppet agent on {plan.hostname}",
            f"exit status {result.exit_status}; its last lines: " + (" | ".join(lines[-5:]) or "none"),
            "read the whole output in the run's log, and the server's log on the appliance",
        )


def wait_management(context: Context, plan: MachinePlan) -> Endpoint:
    """The API answers, and gives the administrator's keys to a signed login."""
    pool = context.pool

    def look() -> Endpoint | Waiting:
        try:
            return context.services.admin_endpoint(str(plan.machine.ip))
        except UnreachableError as error:
            return Waiting(f"{error.service}: {error.observed}")

    return poll(
        look,
        what="the management server's API",
        deadline=Deadline(pool.timeouts.management_s, context.clock),
        interval_s=pool.poll.management_s,
        check=context.check,
    )


def _encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
