"""resizeVolume and changeOfferingForVolume."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...disks import RESIZE_LIMIT, has_room, tags_of
from ...errors import failed, invalid
from ...limits import GIB, check_limit
from ...models.machines import RUNNING, VmSnapshot
from ...models.offerings import DiskOffering
from ...models.volumes import ALLOCATED, READY, ROOT, Snapshot, Volume
from ...registry import command
from .volumes import new_size

if TYPE_CHECKING:
    from collections.abc import Generator

    from ...context import Context
    from ...params import Params


@command("resizeVolume")
def resize_volume(ctx: Context, params: Params) -> Generator[Any, None, Any]:
    """Another size, or another offering with its size."""
    volume, offering = params.need("id", Volume), params.entity("diskofferingid", DiskOffering)
    size = _wanted_size(ctx, params, volume, offering)
    _check(ctx, volume, size, shrinkok=params.flag("shrinkok"))
    yield volume
    _apply(ctx, volume, offering, size)


@command("changeOfferingForVolume")
def change_offering(ctx: Context, params: Params) -> Generator[Any, None, Any]:
    """Another offering, with its size or a given one."""
    volume, offering = params.need("id", Volume), params.need("diskofferingid", DiskOffering)
    if offering is volume.diskoffering and not offering.iscustomized:
        raise invalid(f"Volume {volume.name} is already having disk offering {offering.id}")
    given = params.optional_number("size")
    size = volume.size if offering.iscustomized and given is None else new_size(ctx, offering, given)
    _check_offerings(volume, offering)
    _check(ctx, volume, size, shrinkok=params.flag("shrinkok"))
    yield volume
    _apply(ctx, volume, offering, size)


def _wanted_size(ctx: Context, params: Params, volume: Volume, offering: DiskOffering | None) -> int:
    gib, current = params.optional_number("size"), volume.diskoffering
    if offering is not None:
        _check_offerings(volume, offering)
        if offering.iscustomized and gib is None:
            raise invalid("The new disk offering requires that a size be specified.")
        if not offering.iscustomized and gib is not None:
            raise invalid("You cannot pass in a custom disk size to a non-custom disk offering.")
        return new_size(ctx, offering, gib)
    if current is not None and current.disksizestrictness:
        raise invalid(f"Resize of volume {volume.id} is not allowed, since its disk offering's size is strict")
    if current is not None and not current.iscustomized and volume.type != ROOT:
        raise invalid(
            "To change a volume's size without providing a new disk offering, its current disk offering must be "
            "customizable or it must be a root volume"
        )
    if gib is None:
        raise invalid("Please specify size or diskofferingid")
    if gib <= 0:
        raise invalid("Requested size out of range")
    largest = int(ctx.number_setting("storage.max.volume.size"))
    if largest and gib > largest:
        raise invalid(f"Requested volume size is {gib} GB, but the maximum size allowed is {largest} GB.")
    return gib * GIB


def _check_offerings(volume: Volume, offering: DiskOffering) -> None:
    current = volume.diskoffering
    if offering.state != "Active":
        raise invalid("Requested disk offering has been removed.")
    if current is None:
        return
    if current.disksizestrictness or offering.disksizestrictness != current.disksizestrictness:
        raise invalid("Disk offering size strictness does not match with new disk offering")
    if not tags_of(current) <= tags_of(offering):
        raise invalid("The tags on the new and old disk offerings must match.")
    strict = volume.serviceoffering is not None and volume.serviceoffering.diskofferingstrictness
    if volume.type == ROOT and strict:
        raise invalid(f"Cannot resize ROOT volume [{volume.name}]: its offering is strictly assigned to it")


def _check(ctx: Context, volume: Volume, size: int, *, shrinkok: bool) -> None:
    vm = volume.virtualmachine
    if volume.state not in (READY, ALLOCATED):
        raise invalid(
            f"Volume should be in ready or allocated state before attempting a resize. Volume {volume.id} is in "
            f"state {volume.state}."
        )
    if ctx.store.first(Snapshot, lambda item: item.state != "BackedUp", volume=volume) is not None:
        raise failed("There is/are unbacked up snapshot(s) on this volume, resize volume is not permitted")
    if vm is not None and ctx.store.first(VmSnapshot, virtualmachine=vm) is not None:
        raise invalid("A volume that is attached to a VM with VM Snapshots cannot be resized.")
    if vm is not None and vm.state == RUNNING and volume.type == ROOT and vm.hypervisor == "VMware":
        raise invalid(f"Cannot resize ROOT volume [{volume.name}] when VM is not on Stopped State.")
    if size < volume.size:
        if not shrinkok:
            raise invalid(
                f"Going from existing size of {volume.size} to size of {size} would shrink the volume. Need to sign "
                "off by supplying the shrinkok parameter with value of true."
            )
        if volume.hypervisor in ("XenServer", "VMware"):
            raise invalid(f"Shrink volume is not supported for the {volume.hypervisor} hypervisor.")
    more = size - volume.size
    if more > 0:
        check_limit(ctx, volume.owner, "primary_storage", more)
        if volume.pool is not None and not has_room(ctx, volume.pool, more, RESIZE_LIMIT):
            raise failed(f"Storage pool {volume.pool.name} does not have enough space to resize volume {volume.name}")


def _apply(ctx: Context, volume: Volume, offering: DiskOffering | None, size: int) -> None:
    if volume not in ctx.store:
        raise failed(f"Volume {volume.id} has been deleted")
    volume.size = size
    if offering is not None:
        volume.diskoffering = offering
