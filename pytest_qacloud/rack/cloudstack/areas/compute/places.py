"""Which host a VM may run on: room, tags, storage, affinity, and what happens when a host goes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ...capacity import fits, uses_host
from ...disks import pools_for, split, tags_of
from ...errors import failed, invalid, no_capacity
from ...identity import system_account
from ...models.machines import (
    AFFINITY,
    ANTI_AFFINITY,
    ON_A_HOST,
    RUNNING,
    SOFT_AFFINITY,
    SOFT_ANTI_AFFINITY,
    STARTING,
    STOPPED,
    VirtualMachine,
)
from ...models.topology import Host
from ...placement import hosts_for, leaves_host
from ...registry import settles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ...context import Context
    from ...errors import ApiError
    from ...server import ManagementServer
    from ...store import Store


@uses_host
def _load_of(store: Store, host: Host) -> tuple[int, int, int]:
    loads = [vm.load() for vm in store.all(VirtualMachine, host=host) if vm.state in ON_A_HOST]
    return sum(load[0] for load in loads), sum(load[1] for load in loads), sum(load[2] for load in loads)


def candidates(
    ctx: Context,
    vm: VirtualMachine,
    *,
    avoid: Iterable[Host] = (),
    where: Callable[[Host], bool] | None = None,
) -> list[Host]:
    """Hosts that can take a VM now, the best first: affinity's wish, its last host, then the emptiest.

    A host has the tags of the VM's offering and template; its last host needs the strict ones only.

    Args:
        avoid: not these.
        where: only those for which this holds.
    """
    allowed, wished, shunned = _affinity(vm)
    tags = _tags_for(vm)

    def fit(host: Host) -> bool:
        return (
            allowed(host)
            and host.hypervisor == vm.hypervisor
            and (tags <= split(host.hosttags) or (host is vm.lasthost and not _lacks_strict_tags(ctx, vm, host)))
            and (host.dedicated_to is None or host.dedicated_to.contains(vm.owner.domain))
            and (where is None or where(host))
            and _storage_reaches(ctx, vm, host)
        )

    _, mhz, memory = vm.load()
    found = hosts_for(ctx.store, vm.zone, mhz, memory, avoid=avoid, where=fit)
    return sorted(found, key=lambda host: (host in shunned, host not in wished, host is not vm.lasthost))


def choose(
    ctx: Context,
    vm: VirtualMachine,
    *,
    avoid: Iterable[Host] = (),
    where: Callable[[Host], bool] | None = None,
) -> Host:
    """The best of `candidates`.

    Raises:
        ApiError: there is none (533), or no host anywhere has the tags of the VM's offering (530).
    """
    found = candidates(ctx, vm, avoid=avoid, where=where)
    if not found:
        raise _no_place(ctx, vm)
    return found[0]


def _no_place(ctx: Context, vm: VirtualMachine) -> ApiError:
    """Why a start fails; planning a VM whose root volume lies somewhere already is told in other words."""
    started_before = vm.root is not None and vm.root.pool is not None
    names = json.dumps({"instanceName": vm.instancename, "uuid": vm.id}, separators=(",", ":"))
    tags = split(vm.serviceoffering.hosttags)
    if ctx.store.first(Host, lambda host: tags <= split(host.hosttags)) is None:
        if started_before:
            return failed(f"Unable to orchestrate the start of VM instance {names}.")
        return failed("No suitable host found.")
    if started_before:
        return no_capacity(f"Unable to create a deployment for VM instance {names}")
    return no_capacity(f"No destination found for a deployment for VM instance {names}")


def _tags_for(vm: VirtualMachine) -> set[str]:
    """The host tags that a VM's offering and template ask for."""
    return split(vm.serviceoffering.hosttags) | split(vm.template.templatetag)


def _lacks_strict_tags(ctx: Context, vm: VirtualMachine, host: Host) -> bool:
    strict = split(ctx.setting("vm.strict.host.tags"))
    if ctx.flag_setting("vm.strict.resource.limit.host.tag.check"):
        strict |= split(ctx.setting("resource.limit.host.tags"))
    return not _tags_for(vm) & strict <= split(host.hosttags)


def check_named_host(ctx: Context, vm: VirtualMachine, host: Host) -> None:
    """Refuse a host that a caller names for a VM, where it lacks a tag that settings call strict.

    Raises:
        ApiError: it does (431).
    """
    if _lacks_strict_tags(ctx, vm, host):
        raise invalid(f"Cannot deploy VM, destination host: {host.name} is not compatible for the VM")


def takes(ctx: Context, vm: VirtualMachine, host: Host) -> bool:
    """Whether a host that a caller names for a VM can run it: neither tags nor affinity count then."""
    return (
        host.usable()
        and host.hypervisor == vm.hypervisor
        and (host.dedicated_to is None or host.dedicated_to.contains(vm.owner.domain))
        and _has_room(ctx, vm, host)
        and _storage_reaches(ctx, vm, host)
    )


def _has_room(ctx: Context, vm: VirtualMachine, host: Host) -> bool:
    _, mhz, memory = vm.load()
    return fits(ctx.store, host, mhz, memory)


def choose_named(ctx: Context, vm: VirtualMachine, host: Host) -> Host:
    """The host that a caller names, or where that is full and settings allow it, another.

    Raises:
        ApiError: it lacks a strict tag or room (431), or does not suit the VM (533).
    """
    check_named_host(ctx, vm, host)
    if not _has_room(ctx, vm, host):
        if ctx.flag_setting("allow.deploy.vm.if.deploy.on.given.host.fails"):
            return choose(ctx, vm)
        raise invalid(
            f"Cannot deploy the VM to specified host {host.name}, host does not have enough free CPU or RAM, "
            "please check the logs"
        )
    if not takes(ctx, vm, host):
        raise _no_place(ctx, vm)
    return host


def _affinity(vm: VirtualMachine) -> tuple[Callable[[Host], bool], set[Host], set[Host]]:
    """What affinity groups ask: hosts allowed, hosts preferred, hosts rather not."""
    barred: set[Host] = set()
    bound: set[Host] = set()
    wished: set[Host] = set()
    shunned: set[Host] = set()
    sets = {ANTI_AFFINITY: barred, AFFINITY: bound, SOFT_AFFINITY: wished, SOFT_ANTI_AFFINITY: shunned}
    for group in vm.affinity_groups:
        hosts = {other.host for other in group.members if other is not vm and other.host is not None}
        sets.get(group.type, set()).update(hosts)
    return (lambda host: host not in barred and (not bound or host in bound)), wished, shunned


def _storage_reaches(ctx: Context, vm: VirtualMachine, host: Host) -> bool:
    """Whether the pools of a VM's volumes serve a host's cluster, and pools for those without one exist there."""
    for volume in vm.volumes:
        if volume.pool is not None:
            if not volume.pool.serves(host.cluster):
                return False
        elif not pools_for(ctx, vm.zone, volume.size, tags_of(volume.diskoffering), host.cluster):
            return False
    return True


def migrate(vm: VirtualMachine, host: Host, now: float) -> None:
    """Let a VM run on another host."""
    vm.lasthost, vm.host = vm.host, host
    vm.enter(RUNNING, now)


@leaves_host
def _evacuate(ctx: Context, host: Host, force: bool) -> bool:
    """VMs migrate; with `force`, those that fit nowhere stop."""
    left = True
    for vm in ctx.store.all(VirtualMachine, host=host):
        if vm.state not in ON_A_HOST:
            continue
        if host.state == "Up":
            found = candidates(ctx, vm, avoid=[host])
            if found:
                migrate(vm, found[0], ctx.now)
                continue
        if force:
            vm.enter(STOPPED, ctx.now)
        else:
            left = False
    return left


@settles
def _lose_vms_of_dead_hosts(server: ManagementServer) -> None:
    """A VM whose host is Down starts elsewhere where its offering is highly available, else it is Stopped."""
    by_host: dict[Host, list[VirtualMachine]] = {}
    for vm in server.store.all(VirtualMachine, lambda vm: vm.host is not None and vm.state in ON_A_HOST):
        if vm.host is not None and vm.state != STARTING:
            by_host.setdefault(vm.host, []).append(vm)
    for host, vms in by_host.items():
        if host.state != "Up":
            for vm in vms:
                _lose(server, vm, host)


def _lose(server: ManagementServer, vm: VirtualMachine, host: Host) -> None:
    from ...context import Context

    now = server.clock.now()
    vm.enter(STOPPED, now)
    words = f"host {host.name} is Down"
    server.trail.record(now, None, vm.owner, "VM.STOP", "Completed", f"Stopped VM {vm.id}: {words}", resource=vm)
    if not vm.haenable:
        return
    system = system_account(server.store)
    ctx = Context(server, server.schema.commands["startVirtualMachine"], system.user[0])
    found = candidates(ctx, vm, avoid=[host])
    if found:
        vm.host = found[0]
        vm.enter(RUNNING, now)
        server.trail.record(
            now, None, vm.owner, "VM.START", "Completed", f"Restarted VM {vm.id} elsewhere: {words}", resource=vm
        )
