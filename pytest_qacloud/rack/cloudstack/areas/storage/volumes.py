"""Volumes: made, listed, renamed, deleted, recovered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...disks import attach, check_volume_limits, destroy, place
from ...errors import denied, invalid
from ...identity import Account
from ...limits import GIB, check_limit
from ...models.machines import RUNNING, STOPPED, VirtualMachine
from ...models.offerings import DiskOffering
from ...models.storage import StoragePool
from ...models.systemvms import SystemVolume
from ...models.topology import DISABLED, Zone
from ...models.volumes import ALLOCATED, DESTROY, READY, UPLOADED, Snapshot, Volume
from ...registry import command, settles
from ...replies import shape
from ...store import Entity, new_id

if TYPE_CHECKING:
    from collections.abc import Generator

    from ...context import Context
    from ...lists import Page
    from ...params import Params
    from ...server import ManagementServer

_RECOVER_SETTING = "allow.user.expunge.recover.volume"


@command("createVolume")
def create_volume(ctx: Context, params: Params) -> Generator[Any, None, Any]:
    """A volume of an offering, Allocated until it is attached; or one from a snapshot, Ready at once."""
    if "displayvolume" in params and not ctx.caller.is_root_admin:
        raise denied("Cannot update parameter displayvolume, only admin permitted")
    owner, vm = ctx.owner(params), params.entity("virtualmachineid", VirtualMachine)
    snapshot, offering = params.entity("snapshotid", Snapshot), params.entity("diskofferingid", DiskOffering)
    zone = params.entity("zoneid", Zone) or _zone_of(snapshot, vm)
    _check_zone(ctx, zone)
    if snapshot is not None:
        size = _size_from_snapshot(snapshot, params.optional_number("size"))
        offering = offering or (None if snapshot.volume is None else snapshot.volume.diskoffering)
    elif offering is not None:
        size = new_size(ctx, offering, params.optional_number("size"))
    else:
        raise invalid("At least one of disk Offering ID or snapshot ID must be passed whilst creating volume")
    _check_offering(ctx, offering, owner, zone)
    _check_vm(vm, zone)
    check_volume_limits(ctx, owner, size)
    volume = Volume(
        owner=owner,
        name=params.text("name") or new_id(),
        zone=zone,
        size=size,
        diskoffering=offering,
        source=snapshot,
        displayvolume=params.flag("displayvolume", default=True),
        miniops=params.optional_number("miniops"),
        maxiops=params.optional_number("maxiops"),
    )
    if params.optional("customid"):
        volume.id = params.text("customid")
    ctx.add(volume)
    yield volume
    if snapshot is not None:
        place(ctx, volume)
        if snapshot.source_template is not None:
            volume.template = snapshot.source_template
    if vm is not None:
        attach_to(ctx, volume, vm, None)
    return volume


def _zone_of(snapshot: Snapshot | None, vm: VirtualMachine | None) -> Zone:
    if snapshot is not None:
        return snapshot.zone
    if vm is not None:
        return vm.zone
    raise invalid("Please specify zoneid")


def _check_zone(ctx: Context, zone: Zone) -> None:
    if zone.allocationstate == DISABLED and not ctx.caller.is_root_admin:
        raise denied(f"Cannot perform this operation, Zone: {zone.name} is currently disabled")


def _size_from_snapshot(snapshot: Snapshot, gib: int | None) -> int:
    if snapshot.state != "BackedUp":
        raise invalid(f"Snapshot {snapshot.id} is not in BackedUp state yet and can't be used for volume creation")
    if gib is None:
        return snapshot.virtualsize
    if gib * GIB < snapshot.virtualsize:
        raise invalid(f"Invalid size for volume creation: {gib}GB, snapshot size is: {snapshot.virtualsize // GIB}GB")
    return gib * GIB


def new_size(ctx: Context, offering: DiskOffering, gib: int | None) -> int:
    """Bytes of a volume of an offering.

    Args:
        gib: what was asked for; a customized offering needs it, a fixed one refuses it.

    Raises:
        ApiError: it is missing, refused or out of range (431).
    """
    if gib is not None and gib <= 0:
        raise invalid("Disk size must be larger than 0")
    if offering.state != "Active":
        raise invalid("Please specify a valid disk offering.")
    if offering.iscustomized:
        if gib is None:
            raise invalid("This disk offering requires a custom size specified")
        low = int(ctx.number_setting("custom.diskoffering.size.min"))
        high = int(ctx.number_setting("custom.diskoffering.size.max"))
        if not low <= gib <= high:
            raise invalid(f"Volume size: {gib} GB is out of allowed range. Min: {low}. Max: {high}")
    elif gib is not None:
        raise invalid("This disk offering does not allow custom size")
    size = gib if gib is not None else offering.disksize
    largest = int(ctx.number_setting("storage.max.volume.size"))
    if largest and size > largest:
        raise invalid(f"Requested volume size is {size} GB, but the maximum size allowed is {largest} GB.")
    return size * GIB


def _check_offering(ctx: Context, offering: DiskOffering | None, owner: Account, zone: Zone) -> None:
    if offering is None:
        return
    if not offering.open_to(owner):
        raise denied(f"Account {owner.name} has no permission to use disk offering {offering.id}")
    if not offering.usable_in(zone):
        raise invalid(f"Disk offering {offering.id} is not available in zone {zone.id}")


def _check_vm(vm: VirtualMachine | None, zone: Zone) -> None:
    if vm is None:
        return
    if vm.zone is not zone:
        raise invalid("The specified zone is different than zone of the VM")
    if vm.state not in (RUNNING, STOPPED):
        raise invalid("Please specify a VM that is either running or stopped.")


def attach_to(ctx: Context, volume: Volume, vm: VirtualMachine, deviceid: int | None) -> None:
    """Make a volume one of a VM's, and put it on a pool if the VM's root volume is on one.

    Raises:
        ApiError: no pool takes it (533).
    """
    root = vm.root
    if root is None or root.pool is not None:
        here = vm.host or vm.lasthost
        place(ctx, volume, None if here is None else here.cluster)
    attach(volume, vm, deviceid, ctx.now)


@command("listVolumes")
def list_volumes(ctx: Context, params: Params) -> Page:
    """Volumes; for a root admin with `listsystemvms` those of system VMs as well."""
    found: list[Entity] = [*ctx.store.all(Volume)]
    if params.flag("listsystemvms") and ctx.caller.is_root_admin:
        found += ctx.store.all(SystemVolume)
    return ctx.page(found, params, ignore=("listsystemvms",))


@command("listVolumesMetrics")
def list_volume_metrics(ctx: Context, params: Params) -> Page:
    """Volumes with what they are used; idle ones not at all."""
    admin = ctx.caller.is_root_admin

    def metrics(volume: Volume) -> dict[str, Any]:
        return {**shape(volume, admin=admin), "sizegb": f"{volume.size / GIB:.2f} GB", "diskiopstotal": 0}

    return list_volumes(ctx, params).map(metrics)


@command("updateVolume")
def update_volume(ctx: Context, params: Params) -> Generator[Volume, None, None]:
    """Name, and for admins where it lies and its state."""
    volume = params.need("id", Volume)
    for name in ("path", "state", "storageid", "chaininfo", "displayvolume"):
        if name in params and not ctx.caller.is_root_admin:
            raise denied(f"The parameter {name} of a volume is for root admins only")
    pool = params.entity("storageid", StoragePool)
    if pool is not None and pool.zone is not volume.zone:
        raise invalid("Invalid storageId specified; refers to the pool outside of the volume's zone")
    state = params.optional("state")
    if state is not None and state.capitalize() not in (ALLOCATED, READY, UPLOADED, DESTROY):
        raise invalid("Invalid volume state specified")
    yield volume
    ctx.assign(volume, params, "name", "path", "chaininfo", "displayvolume", "deleteprotection", customid="id")
    volume.pool = pool or volume.pool
    if state is not None:
        volume.state = state.capitalize()


def _check_deletable(ctx: Context, volume: Volume) -> None:
    if volume.deleteprotection:
        raise invalid(f"Volume [id = {volume.id}, name = {volume.name}] has delete protection enabled")
    if volume.virtualmachine is not None:
        raise invalid("Please specify a volume that is not attached to any VM.")
    if ctx.store.first(Snapshot, lambda item: item.state != "BackedUp", volume=volume) is not None:
        raise invalid("There are snapshot operations in progress on the volume, unable to delete it")


@command("deleteVolume")
def delete_volume(ctx: Context, params: Params) -> bool:
    """A volume that is attached to no VM; its snapshots stay."""
    volume = params.need("id", Volume)
    _check_deletable(ctx, volume)
    return ctx.remove(volume)


@command("destroyVolume")
def destroy_volume(ctx: Context, params: Params) -> Generator[Any, None, Any]:
    """A volume becomes Destroy, from which it can be recovered; with `expunge` it goes."""
    volume, expunges = params.need("id", Volume), params.flag("expunge")
    if expunges and not ctx.caller.is_root_admin and not ctx.flag_setting(_RECOVER_SETTING, ctx.caller):
        raise denied(f"Expunging a volume can only be done by an Admin. Or when the {_RECOVER_SETTING} key is set.")
    _check_deletable(ctx, volume)
    if volume.state in (ALLOCATED, UPLOADED) and not expunges:
        raise invalid("The volume in Allocated/Uploaded state can only be expunged not destroyed/recovered")
    yield volume
    if volume.state != DESTROY:
        destroy(ctx, volume)
    shown = ctx.server.reply(ctx, volume)
    if expunges and volume in ctx.store:
        ctx.remove(volume)
    return shown


@command("recoverVolume")
def recover_volume(ctx: Context, params: Params) -> Volume:
    """A destroyed volume is Ready again."""
    volume = params.need("id", Volume)
    if not ctx.caller.is_root_admin and not ctx.flag_setting(_RECOVER_SETTING, ctx.caller):
        raise denied(f"Recovering a volume can only be done by an Admin. Or when the {_RECOVER_SETTING} key is set.")
    if volume.state != DESTROY:
        raise invalid("Please specify a volume in Destroy state.")
    check_volume_limits(ctx, volume.owner, volume.size)
    volume.state = READY
    return volume


@command("assignVolume")
def assign_volume(ctx: Context, params: Params) -> Volume:
    """A volume becomes another account's."""
    volume, account = params.need("volumeid", Volume), params.entity("accountid", Account)
    project = params.get("projectid")
    if (account is None) == (project is None):
        raise invalid("One of 'accountid' and 'projectid' has to be given.")
    owner: Account = account if account is not None else project.owner
    if owner is volume.owner:
        raise invalid(f"The new account and the old account are the same [{owner.name}].")
    if owner.state == "disabled":
        raise invalid(f"Unable to assign volume to destination account [{owner.name}], as it is disabled.")
    if volume.virtualmachine is not None:
        raise denied(f"Volume [{volume.name}] is attached to VM {volume.virtualmachine.name}: detach it first")
    if ctx.store.first(Snapshot, volume=volume) is not None:
        raise denied(f"Volume [{volume.name}] has snapshots. Remove them before assigning it to another account.")
    check_limit(ctx, owner, "volume")
    check_limit(ctx, owner, "primary_storage", volume.size)
    volume.owner = owner
    for tag in volume.tags:
        tag.owner = owner
    return volume


@settles
def _expunge_the_destroyed(server: ManagementServer) -> None:
    if server.settings.value("storage.cleanup.enabled").lower() != "true":
        return
    delay = float(server.settings.value("storage.cleanup.delay") or 0)
    due = server.clock.now() - delay
    for volume in server.store.all(Volume, lambda volume: volume.destroyed_at <= due, state=DESTROY):
        server.store.remove(volume)
