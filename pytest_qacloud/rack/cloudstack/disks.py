"""Where volumes lie: pools with room for them, and the sizes and limits that they count against."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import simulators
from .capacity import allocated_on_pool, uses_pool
from .errors import no_capacity
from .limits import check_limit, counts
from .models.storage import StoragePool
from .models.volumes import ALLOCATED, DESTROY, READY, UPLOADED, Volume

if TYPE_CHECKING:
    from .context import Context
    from .identity import Account
    from .models.machines import VirtualMachine
    from .models.offerings import DiskOffering
    from .models.topology import Cluster, Zone
    from .store import Store

ALLOCATION_LIMIT = "pool.storage.allocated.capacity.disablethreshold"
RESIZE_LIMIT = "pool.storage.allocated.resize.capacity.disablethreshold"
"""Settings: how much of a pool may be given out, as a share."""

SYSTEM_BYTES = 5 << 30
"""The size of a system VM's root volume."""

CDROM = 3
"""The device id of a VM's CD drive."""


@uses_pool
def _bytes_on(store: Store, pool: StoragePool) -> int:
    return sum(volume.size for volume in store.all(Volume, pool=pool))


@counts("volume")
def _volumes_of(store: Store, account: Account) -> int:
    return len(store.all(Volume, _counted, owner=account))


@counts("primary_storage")
def _bytes_of(store: Store, account: Account) -> int:
    return sum(volume.size for volume in store.all(Volume, _counted, owner=account))


def _counted(volume: Volume) -> bool:
    """Destroyed volumes, and root volumes of destroyed VMs, count against no limit."""
    vm = volume.virtualmachine
    return volume.state != DESTROY and not (vm is not None and vm.state in ("Destroyed", "Expunging"))


def check_volume_limits(ctx: Context, owner: Account, size: int) -> None:
    """Refuse one more volume.

    Args:
        size: bytes.

    Raises:
        ApiError: 535.
    """
    check_limit(ctx, owner, "volume")
    check_limit(ctx, owner, "primary_storage", size)


def tags_of(offering: DiskOffering | None) -> set[str]:
    """The storage tags that an offering asks for."""
    return split(None if offering is None else offering.tags)


def split(tags: str | None) -> set[str]:
    """Tags that are written with commas between them."""
    return {tag.strip() for tag in (tags or "").split(",") if tag.strip()}


def has_room(ctx: Context, pool: StoragePool, more: int, setting: str = ALLOCATION_LIMIT) -> bool:
    """Whether a pool may give out that many bytes more, and its file system is not full."""
    share = ctx.number_setting(setting, pool) or 1.0
    allowed = pool.disksizetotal * float(pool.overprovisionfactor or 1) * share
    if allocated_on_pool(ctx.store, pool) + more > allowed:
        return False
    if pool.type != "NetworkFilesystem" or simulators.in_zone(ctx.store, pool.zone):
        return True
    return ctx.hardware.free_bytes(f"nfs://{pool.ipaddress}{pool.path}") > 0


def pools_for(ctx: Context, zone: Zone, size: int, tags: set[str], cluster: Cluster | None = None) -> list[StoragePool]:
    """Pools of a zone that take a volume, the emptiest first.

    Args:
        tags: the pools must have all of them.
        cluster: whose hosts must reach the pool.
    """
    found = ctx.store.all(
        StoragePool,
        lambda pool: (
            pool.zone is zone
            and pool.state == "Up"
            and tags <= split(pool.tags)
            and (cluster is None or pool.serves(cluster))
            and has_room(ctx, pool, size)
        ),
    )
    return sorted(found, key=lambda pool: allocated_on_pool(ctx.store, pool) / max(pool.disksizetotal, 1))


def place(ctx: Context, volume: Volume, cluster: Cluster | None = None) -> None:
    """Put an Allocated or Uploaded volume on a pool, so that it is Ready; nothing happens to one that lies on one.

    Raises:
        ApiError: no pool takes it (533).
    """
    if volume.pool is not None:
        return
    pools = pools_for(ctx, volume.zone, volume.size, tags_of(volume.diskoffering), cluster)
    if not pools:
        raise no_capacity(f"Unable to find a suitable storage pool with enough capacity for the volume {volume.name}")
    volume.pool, volume.state = pools[0], READY
    volume.path = volume.id
    if cluster is not None:
        volume.hypervisor = cluster.hypervisortype


def attach(volume: Volume, vm: VirtualMachine, deviceid: int | None, now: float) -> None:
    """Make a volume one of a VM's, at a device id or the first that is free after the root's."""
    used = {other.deviceid for other in vm.volumes}
    free = next(number for number in range(1, 1000) if number not in used and number != CDROM)
    volume.deviceid = free if deviceid is None else deviceid
    volume.virtualmachine, volume.attached, volume.hypervisor = vm, now, vm.hypervisor


def detach(volume: Volume) -> None:
    """Take a volume from its VM."""
    volume.virtualmachine = volume.deviceid = volume.attached = None


def destroy(ctx: Context, volume: Volume) -> None:
    """Mark a Ready volume for expunging; one that was never written goes at once."""
    if volume.state in (ALLOCATED, UPLOADED) or volume.pool is None:
        ctx.remove(volume)
        return
    detach(volume)
    volume.state, volume.destroyed_at = DESTROY, ctx.now
