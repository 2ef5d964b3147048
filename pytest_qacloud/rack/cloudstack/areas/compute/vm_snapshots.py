"""Snapshots of whole VMs: a tree, of which one is the current."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import failed, invalid
from ...models.machines import RUNNING, STOPPED, VirtualMachine, VmSnapshot
from ...registry import command
from ...store import new_id
from .turns import in_turn

if TYPE_CHECKING:
    from collections.abc import Generator

    from ...context import Context
    from ...lists import Page
    from ...params import Params

READY = "Ready"


@command("createVMSnapshot")
@in_turn("virtualmachineid")
def create_vm_snapshot(ctx: Context, params: Params, vm: VirtualMachine) -> Generator[Any, None, Any]:
    """A VM as it is now; with `snapshotmemory` a running one's memory too."""
    memory = params.flag("snapshotmemory")
    if vm.state not in (RUNNING, STOPPED):
        raise invalid(f"Creating vm snapshot failed due to VM:{vm.id} is not in the running or Stopped state")
    if memory and vm.state != RUNNING:
        raise invalid("Can not snapshot memory when VM is not in Running state")
    if vm.hypervisor == "KVM" and vm.state == RUNNING and not memory:
        raise invalid("KVM VM does not allow to take a disk-only snapshot when VM is in running state")
    display = params.text("name")
    others = ctx.store.all(VmSnapshot, virtualmachine=vm)
    if display and any(other.displayname == display for other in others):
        raise invalid(f"Creating VM snapshot failed due to VM snapshot with name {display} already exists")
    if len(others) >= (int(ctx.number_setting("vmsnapshot.max")) or 10):
        raise failed(f"VM {vm.name} has as many VM snapshots as it can have. Please delete old ones")
    if any(other.state != READY for other in others):
        raise failed("There is other active vm snapshot tasks on the instance, please try again later")
    name = f"{vm.instancename}_VS_{new_id()[:8]}"
    snapshot = ctx.add(
        VmSnapshot(
            owner=vm.owner,
            virtualmachine=vm,
            name=name,
            displayname=display or name,
            description=params.optional("description"),
            type="DiskAndMemory" if memory else "Disk",
            parent_snapshot=next((other for other in others if other.current), None),
            serviceoffering=vm.serviceoffering,
            custom=dict(vm.custom),
        )
    )
    yield snapshot
    _make_current(ctx, snapshot)
    snapshot.state = READY
    return snapshot


def _make_current(ctx: Context, snapshot: VmSnapshot) -> None:
    for other in ctx.store.all(VmSnapshot, virtualmachine=snapshot.virtualmachine):
        other.current = other is snapshot


@command("listVMSnapshot")
def list_vm_snapshots(ctx: Context, params: Params) -> Page:
    """VM snapshots."""
    wanted = params.entity("vmsnapshotid", VmSnapshot)
    several = params.entities("vmsnapshotids", VmSnapshot)
    return ctx.list(
        VmSnapshot,
        params,
        lambda item: (wanted is None or item is wanted) and (not several or item in several),
        ignore=("vmsnapshotid", "vmsnapshotids"),
    )


@command("deleteVMSnapshot")
def delete_vm_snapshot(ctx: Context, params: Params) -> Generator[Any, None, Any]:
    """A VM snapshot; those after it hang on the one before."""
    snapshot = params.need("vmsnapshotid", VmSnapshot)
    if snapshot.state not in (READY, "Error"):
        raise invalid(f"Can't delete the vm snapshot {snapshot.name} due to it is in state {snapshot.state}")
    snapshot.state = "Expunging"
    yield snapshot
    for other in ctx.store.all(VmSnapshot, parent_snapshot=snapshot):
        other.parent_snapshot = snapshot.parent_snapshot
    if snapshot.current and snapshot.parent_snapshot is not None:
        snapshot.parent_snapshot.current = True
    return ctx.remove(snapshot)


@command("revertToVMSnapshot")
def revert_to_vm_snapshot(ctx: Context, params: Params) -> Generator[Any, None, Any]:
    """A VM as it was: running again only where its memory was kept."""
    snapshot = params.need("vmsnapshotid", VmSnapshot)
    vm = snapshot.virtualmachine
    if vm.state not in (RUNNING, STOPPED):
        raise invalid("VM Snapshot reverting failed due to vm is not in the state of Running or Stopped.")
    if snapshot.state != READY:
        raise invalid(f"VM Snapshot reverting failed due to vm snapshot is in state {snapshot.state}")
    if vm.state == RUNNING and snapshot.type == "Disk":
        raise invalid("VM Snapshot revert not allowed: stop the VM first, as the snapshot has no memory")
    if vm.state == STOPPED and snapshot.type == "DiskAndMemory":
        raise invalid("VM Snapshot revert not allowed: start the VM first, as the snapshot has memory")
    snapshot.state = "Reverting"
    yield vm
    vm.serviceoffering, vm.custom = snapshot.serviceoffering, dict(snapshot.custom)
    _make_current(ctx, snapshot)
    snapshot.state = READY
    return vm
