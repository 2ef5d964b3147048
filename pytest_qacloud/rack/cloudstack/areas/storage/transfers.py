"""Volumes move: between pools, up from a URL, down to one."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ...disks import check_volume_limits, has_room, split, tags_of
from ...errors import denied, failed, invalid
from ...limits import GIB
from ...lists import Page, cut
from ...models.machines import RUNNING, STOPPED, VirtualMachine, VmSnapshot
from ...models.offerings import DiskOffering
from ...models.storage import StoragePool
from ...models.systemvms import SECONDARY_STORAGE, SystemVm
from ...models.topology import Cluster, Zone
from ...models.volumes import READY, UPLOADED, Volume
from ...registry import command
from ...replies import shape, timestamp
from ...store import Entity, new_id
from ..compute.migration import move_volume

if TYPE_CHECKING:
    from collections.abc import Generator

    from ...context import Context
    from ...params import Params

FORMATS = {"QCOW2": "KVM", "RAW": "KVM", "VHD": "XenServer", "OVA": "VMware", "VMDK": "VMware"}
"""Formats of disk images, and the hypervisor of each."""

_UPLOADED_BYTES = GIB
"""Nothing is fetched from anywhere: every uploaded volume has this size."""


@command("migrateVolume")
def migrate_volume(ctx: Context, params: Params) -> Generator[Any, None, Any]:
    """A volume to another pool."""
    volume, pool = params.need("volumeid", Volume), params.need("storageid", StoragePool)
    offering, vm = params.entity("newdiskofferingid", DiskOffering), volume.virtualmachine
    if volume.state != READY:
        raise invalid("Volume must be in ready state")
    if volume.pool is pool:
        raise invalid(f"Volume {volume.name} is already on the destination storage pool")
    if vm is not None and vm.state == RUNNING:
        if vm.hypervisor == "KVM":
            raise invalid("KVM does not support volume live migration: migrate the VM with its volumes instead")
        if not params.flag("livemigrate"):
            raise invalid(
                f"The volume {volume.name} is attached to a vm: the parameter livemigrate should be specified"
            )
    if vm is not None and ctx.store.first(VmSnapshot, virtualmachine=vm) is not None:
        raise invalid("Volume cannot be migrated, please remove all VM snapshots for its VM")
    yield volume
    if offering is not None:
        volume.diskoffering = offering
    move_volume(ctx, volume, pool)


@command("findStoragePoolsForMigration")
def find_pools(ctx: Context, params: Params) -> Page:
    """The other pools that a volume could move to, and which of them suit: in use, with its tags and room.

    For a VM's volume these are the pools of its cluster and zone-wide ones, else all of its hypervisor in the zone.
    """
    volume = params.need("id", Volume)
    if not ctx.caller.is_root_admin:
        raise denied("No permission to migrate volume, only root admin can migrate a volume")
    here, vm = volume.pool, volume.virtualmachine
    if here is None or volume.state != READY or (vm is not None and vm.state == RUNNING and vm.hypervisor == "KVM"):
        return Page(0, [])
    keyword, tags = params.text("keyword").lower(), tags_of(volume.diskoffering)
    cluster = None if vm is None else here.cluster or _cluster_of(vm)
    pools = ctx.store.all(
        StoragePool,
        lambda pool: (
            pool.zone is volume.zone
            and pool is not here
            and keyword in pool.name.lower()
            and (cluster is None or pool.serves(cluster))
        ),
    )
    rows = [
        {
            **shape(pool),
            "suitableformigration": pool.state == "Up"
            and tags <= split(pool.tags)
            and has_room(ctx, pool, volume.size),
        }
        for pool in pools
    ]
    return cut(ctx, rows, params)


def _cluster_of(vm: VirtualMachine) -> Cluster | None:
    """The cluster of the host that a VM runs on, or ran on last."""
    host = vm.host or vm.lasthost
    return None if host is None else host.cluster


def check_format(image: str, url: str) -> str:
    """A disk image's format.

    Raises:
        ApiError: unknown, or the URL is none or names a file of another format (431).
    """
    name = image.upper()
    if name not in FORMATS:
        raise invalid(f"Please specify a valid format: {image} is none of {', '.join(FORMATS)}")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https", "ftp", "nfs") or not parts.hostname:
        raise invalid(f"Please specify a valid URL: {url}")
    suffixes = {suffix.lower().lstrip(".") for suffix in PurePosixPath(parts.path).suffixes}
    accepted = {"RAW": {"img", "raw"}}.get(name, {name.lower()})
    if suffixes.isdisjoint(accepted):
        raise invalid(f"Please specify a valid {name.lower()}: {url} does not end so")
    return name


@command("uploadVolume")
def upload_volume(ctx: Context, params: Params) -> Generator[Any, None, Any]:
    """A volume from a URL; nothing is fetched, so that its size is always 1 GiB."""
    owner, zone = ctx.owner(params), params.need("zoneid", Zone)
    url, offering = params.text("url"), params.entity("diskofferingid", DiskOffering)
    hypervisor = FORMATS[check_format(params.text("format"), url)]
    if offering is not None and not offering.iscustomized:
        raise invalid("Please specify a custom sized disk offering.")
    if ctx.store.first(Cluster, lambda item: item.zone is zone and item.hypervisortype == hypervisor) is None:
        raise invalid(f"The {hypervisor} hypervisor supported for {params.text('format')} is not found on the zone")
    check_volume_limits(ctx, owner, _UPLOADED_BYTES)
    yield ctx.add(
        Volume(
            owner=owner,
            name=params.text("name"),
            zone=zone,
            size=_UPLOADED_BYTES,
            state=UPLOADED,
            diskoffering=offering,
            hypervisor=hypervisor,
            url=url,
        )
    )


@command("extractVolume")
def extract_volume(ctx: Context, params: Params) -> Generator[Any, None, Any]:
    """A URL to fetch a volume from that is in no running VM."""
    volume, zone = params.need("id", Volume), params.need("zoneid", Zone)
    if volume.zone is not zone:
        raise invalid("Please specify a valid zone.")
    if volume.pool is None:
        raise invalid("The volume doesn't belong to a storage pool so can't extract it")
    if volume.virtualmachine is not None and volume.virtualmachine.state != STOPPED:
        raise denied("Invalid state of the volume: it should be either detached or the VM should be in stopped state.")
    if not volume.isextractable and not ctx.caller.is_root_admin:
        raise denied("The volume with specified volumeId is not allowed to be extracted")
    check_mode(params.text("mode"))
    yield volume
    return {"volume": extraction(ctx, volume, zone, params.text("mode"), "qcow2")}


def check_mode(mode: str) -> None:
    """Refuse an unknown way of extraction.

    Raises:
        ApiError: it is (431).
    """
    if mode.upper() not in ("HTTP_DOWNLOAD", "FTP_UPLOAD"):
        raise invalid("Please specify a valid extract Mode")


def extraction(ctx: Context, entity: Entity, zone: Zone | None, mode: str, suffix: str) -> dict[str, Any]:
    """What the reply of an extraction says; the URL is the secondary storage VM's.

    Raises:
        ApiError: no secondary storage VM runs (530).
    """
    storage_vm = ctx.store.first(
        SystemVm,
        lambda vm: zone in (None, vm.zone) and vm.state == "Running",
        systemvmtype=SECONDARY_STORAGE,
    )
    if storage_vm is None:
        raise failed("Couldn't find a running secondary storage vm to create an extraction URL")
    shown = {
        "id": entity.id,
        "name": getattr(entity, "name", ""),
        "extractId": new_id(),
        "extractMode": mode.upper(),
        "created": timestamp(ctx.now),
        "state": "DOWNLOAD_URL_CREATED",
        "status": "Completed",
        "url": f"http://{storage_vm.publicip}/userdata/{new_id()}.{suffix}",
    }
    if zone is not None:
        shown |= {"zoneid": zone.id, "zonename": zone.name}
    return shown
