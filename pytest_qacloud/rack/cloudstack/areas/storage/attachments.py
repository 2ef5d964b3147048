"""attachVolume and detachVolume."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...disks import CDROM, detach
from ...errors import invalid
from ...models.machines import DESTROYED, RUNNING, STOPPED, VirtualMachine, VmSnapshot
from ...models.volumes import ALLOCATED, DATADISK, DESTROY, READY, ROOT, UPLOADED, Volume
from ...registry import command
from .volumes import attach_to

if TYPE_CHECKING:
    from collections.abc import Generator

    from ...context import Context
    from ...params import Params

MOST_DATA_VOLUMES = {"KVM": 64, "XenServer": 13, "VMware": 59, "Simulator": 6}
"""How many data volumes a VM can have, by hypervisor."""


@command("attachVolume")
def attach_volume(ctx: Context, params: Params) -> Generator[Any, None, Any]:
    """Give a volume to a VM; one of a VM that has never started stays Allocated."""
    volume, vm = params.need("id", Volume), params.need("virtualmachineid", VirtualMachine)
    number = params.optional_number("deviceid")
    _check(ctx, volume, vm, number)
    yield volume
    _check(ctx, volume, vm, number)
    if number == 0:
        volume.type = ROOT
    attach_to(ctx, volume, vm, number)


def _check(ctx: Context, volume: Volume, vm: VirtualMachine, number: int | None) -> None:
    if volume.virtualmachine is not None:
        raise invalid("Please specify a volume that is not attached to any VM.")
    if volume.state == DESTROY:
        raise invalid("Please specify a volume that is not destroyed.")
    if volume.state not in (ALLOCATED, READY, UPLOADED):
        raise invalid("Volume state must be in Allocated, Ready or in Uploaded state")
    if vm.state not in (RUNNING, STOPPED):
        raise invalid("Please specify a VM that is either running or stopped.")
    if vm.zone is not volume.zone:
        raise invalid("Please specify a VM that is in the same zone as the volume.")
    if vm.owner is not volume.owner:
        raise invalid(f"Volume {volume.name} and VM {vm.name} belong to different accounts")
    if volume.pool is not None and volume.hypervisor not in (None, vm.hypervisor):
        raise invalid(f"Can't attach a volume created by: {volume.hypervisor} to a {vm.hypervisor} vm")
    if ctx.store.first(VmSnapshot, virtualmachine=vm) is not None:
        raise invalid(f"Unable to attach volume to VM {vm.name}, please specify a VM that does not have VM snapshots")
    _check_device(vm, number)


def _check_device(vm: VirtualMachine, number: int | None) -> None:
    data = [other for other in vm.volumes if other.type == DATADISK]
    if number == 0:
        if vm.root is not None:
            raise invalid("Vm already has root volume attached to it")
        if vm.state != STOPPED:
            raise invalid("A root volume can be attached to a stopped VM only")
        return
    if len(data) >= MOST_DATA_VOLUMES.get(vm.hypervisor, 6):
        raise invalid(f"The specified VM already has the maximum number of data disks ({len(data)}) attached.")
    if number is not None and (number < 0 or number == CDROM or any(other.deviceid == number for other in vm.volumes)):
        raise invalid(f"deviceId {number} is used by VM {vm.name}, or cannot be used")


@command("detachVolume")
def detach_volume(ctx: Context, params: Params) -> Generator[Any, None, Any]:
    """Take a volume from its VM: a root volume only of a stopped one."""
    volume = _named(params)
    _check_detachable(ctx, volume)
    yield volume
    _check_detachable(ctx, volume)
    detach(volume)


def _named(params: Params) -> Volume:
    volume, number = params.entity("id", Volume), params.optional_number("deviceid")
    vm = params.entity("virtualmachineid", VirtualMachine)
    if (volume is None) == (vm is None and number is None):
        raise invalid("Please provide either a volume id, or a tuple(device id, instance id)")
    if volume is None and vm is not None:
        volume = next((item for item in vm.volumes if item.deviceid == number), None)
    if volume is None:
        raise invalid(f"Unable to find a volume with device id {number}")
    return volume


def _check_detachable(ctx: Context, volume: Volume) -> None:
    vm = volume.virtualmachine
    if vm is None:
        raise invalid("The specified volume is not attached to a VM.")
    if vm.state not in (RUNNING, STOPPED, DESTROYED):
        raise invalid("Please specify a VM that is either running or stopped.")
    if volume.type == ROOT and vm.state == RUNNING:
        raise invalid("Root volume detach can happen only when vm is in states: Stopped or Destroyed")
    if ctx.store.first(VmSnapshot, virtualmachine=vm) is not None:
        raise invalid("Unable to detach volume, please specify a VM that does not have VM snapshots")
