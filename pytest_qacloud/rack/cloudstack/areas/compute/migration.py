"""VMs move: to another host, with their volumes, or by an administrator's choice of pool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...disks import has_room, tags_of
from ...errors import denied, failed, invalid
from ...lists import Page, cut
from ...models.machines import MIGRATING, RUNNING, STOPPED, VirtualMachine, VmSnapshot
from ...models.storage import StoragePool
from ...models.topology import Host
from ...models.volumes import DATADISK, Volume
from ...registry import command
from ...replies import shape
from .places import candidates, check_named_host, migrate, takes
from .turns import in_turn

if TYPE_CHECKING:
    from collections.abc import Generator

    from ...context import Context
    from ...params import Params


@command("findHostsForMigration")
def find_hosts(ctx: Context, params: Params) -> Page:
    """The other hosts of a running VM's zone and hypervisor, and which of them suit."""
    vm = params.need("virtualmachineid", VirtualMachine)
    here = _check_running(vm)
    suitable = candidates(ctx, vm, avoid=[here])
    keyword = params.text("keyword").lower()
    others = ctx.store.all(
        Host,
        lambda host: (
            host is not here
            and host.zone is vm.zone
            and host.hypervisor == vm.hypervisor
            and keyword in host.name.lower()
        ),
    )
    rows = [
        {
            **shape(host, response="HostForMigrationResponse"),
            "suitableformigration": host in suitable,
            "requiresStorageMotion": any(
                volume.pool is not None and not volume.pool.serves(host.cluster) for volume in vm.volumes
            ),
        }
        for host in others
    ]
    return cut(ctx, rows, params)


def _check_running(vm: VirtualMachine) -> Host:
    if vm.state != RUNNING or vm.host is None:
        raise invalid(f"VM {vm.name} is not Running, unable to migrate the vm: it is {vm.state}")
    return vm.host


@command("migrateVirtualMachine")
@in_turn("virtualmachineid")
def migrate_vm(ctx: Context, params: Params, vm: VirtualMachine) -> Generator[Any, None, Any]:
    """A running VM to a host, named or found; a stopped one's volumes to a pool."""
    if not ctx.caller.is_root_admin:
        raise denied("No permission to migrate VM, Only Root Admin can migrate a VM!")
    host, pool = params.entity("hostid", Host), params.entity("storageid", StoragePool)
    if host is not None and pool is not None:
        raise invalid("Only one of hostId and storageId can be specified")
    if pool is not None:
        return (yield from _move_storage(ctx, vm, pool))
    if host is None and not params.flag("autoselect", default=True):
        raise invalid("Please specify a host or storage as destination, or pass 'autoselect=true'")
    here = _check_running(vm)
    if host is not None:
        _check_target(ctx, vm, host, here)
    vm.enter(MIGRATING, ctx.now)
    yield vm
    if vm.state != MIGRATING:
        raise failed(f"Unable to migrate VM {vm.name}: its host {here.name} went down, and it is {vm.state}")
    found = _destinations(ctx, vm, here, host)
    if not found:
        vm.enter(RUNNING, ctx.now)
        raise failed(f"Unable to migrate VM {vm.name}: no suitable host has room for it")
    migrate(vm, found[0], ctx.now)
    return vm


def _destinations(ctx: Context, vm: VirtualMachine, here: Host, named: Host | None) -> list[Host]:
    """The host that the caller names, if it can run the VM, or all that suit."""
    if named is None:
        return candidates(ctx, vm, avoid=[here])
    return [named] if takes(ctx, vm, named) else []


def _check_target(ctx: Context, vm: VirtualMachine, host: Host, here: Host) -> None:
    if host is here:
        raise invalid("Cannot migrate VM, VM is already present on this host, please specify valid destination host")
    if not host.usable():
        raise invalid(
            f"Cannot migrate VM, destination host is not in correct state, has status: {host.state}, "
            f"state: {host.resourcestate}"
        )
    if host.hypervisor != vm.hypervisor or host.pod is not here.pod:
        raise invalid("Cannot migrate the VM, destination host is not in the same pod as current host of the VM")
    check_named_host(ctx, vm, host)


def _move_storage(ctx: Context, vm: VirtualMachine, pool: StoragePool) -> Generator[Any, None, Any]:
    if vm.state != STOPPED:
        raise invalid(f"VM {vm.name} is not Stopped, unable to migrate its storage: it is {vm.state}")
    if ctx.store.first(VmSnapshot, virtualmachine=vm) is not None:
        raise invalid("VM's disk cannot be migrated, please remove all the VM Snapshots for this VM")
    if any(volume.type == DATADISK for volume in vm.volumes):
        raise invalid("Data disks attached to the vm, can not migrate. Need to detach data disks first")
    yield vm
    for volume in vm.volumes:
        move_volume(ctx, volume, pool)
    return vm


def move_volume(ctx: Context, volume: Volume, pool: StoragePool) -> None:
    """Put a volume on another pool of its zone.

    Raises:
        ApiError: the pool is out of use or lacks the volume's tags (431), or has no room (530).
    """
    if pool is volume.pool:
        return
    if pool.zone is not volume.zone or pool.state != "Up":
        raise invalid(f"Cannot migrate volume {volume.name} to the destination storage pool {pool.name}: {pool.state}")
    wanted = tags_of(volume.diskoffering)
    if not wanted <= {tag.strip() for tag in (pool.tags or "").split(",")}:
        raise invalid(
            f"Migration failed: target pool [{pool.name}, tags:{pool.tags}] has no matching tags for volume "
            f"[{volume.name}, tags:{','.join(sorted(wanted))}]"
        )
    if not has_room(ctx, pool, volume.size):
        raise failed(f"Storage pool {pool.name} does not have enough space to migrate volume {volume.name}")
    volume.pool = pool


@command("migrateVirtualMachineWithVolume")
@in_turn("virtualmachineid")
def migrate_with_volumes(ctx: Context, params: Params, vm: VirtualMachine) -> Generator[Any, None, Any]:
    """A running VM to a host, and its volumes to the pools that `migrateto` names."""
    if not ctx.caller.is_root_admin:
        raise denied("No permission to migrate VM, Only Root Admin can migrate a VM!")
    host, moves = params.entity("hostid", Host), _moves(ctx, params, vm)
    if host is None and not moves and not params.flag("autoselect"):
        raise invalid("Either hostid or migrateto must be passed for migrating the VM")
    if vm.state == RUNNING:
        here = _check_running(vm)
        if host is not None:
            _check_target(ctx, vm, host, here)
    elif host is not None:
        raise invalid(f"VM {vm.name} is not Running, it cannot be migrated to a host")
    yield vm
    for volume, pool in moves:
        move_volume(ctx, volume, pool)
    if vm.state == RUNNING and vm.host is not None and (host is not None or params.flag("autoselect")):
        found = _destinations(ctx, vm, vm.host, host)
        if not found:
            raise failed(f"Unable to migrate VM {vm.name}: no suitable host has room for it")
        migrate(vm, found[0], ctx.now)
    return vm


def _moves(ctx: Context, params: Params, vm: VirtualMachine) -> list[tuple[Volume, StoragePool]]:
    moves = []
    for row in params.rows("migrateto"):
        volume = ctx.store.get(Volume, row.get("volume", ""))
        pool = ctx.store.get(StoragePool, row.get("pool", ""))
        if volume is None or volume.virtualmachine is not vm:
            raise invalid(f"There is no volume of the VM with the given id {row.get('volume')}")
        if pool is None:
            raise invalid(f"There is no storage pool present with the given id {row.get('pool')}")
        moves.append((volume, pool))
    return moves
