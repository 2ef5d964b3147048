"""Primary storage."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from ... import simulators
from ...capacity import allocated_on_pool
from ...errors import failed, invalid
from ...hardware import HardwareError
from ...models.storage import StoragePool
from ...models.topology import Cluster, Host, Pod, Zone
from ...registry import command, settles
from .clusters import hypervisor_named

if TYPE_CHECKING:
    from ...context import Context
    from ...lists import Page
    from ...params import Params
    from ...server import ManagementServer

_TYPES = {
    "nfs": "NetworkFilesystem",
    "sharedmountpoint": "SharedMountPoint",
    "presetup": "PreSetup",
    "rbd": "RBD",
    "iscsi": "IscsiLUN",
    "vmfs": "VMFS",
    "clvm": "CLVM",
    "gluster": "Gluster",
    "file": "Filesystem",
}
MAINTENANCE = "Maintenance"
_OVERPROVISIONING = "storage.overprovisioning.factor"
_SCOPES = ("host", "cluster", "zone", "region", "global")
_STATES = (
    *("initial", "initialized", "creating", "attaching", "up", "prepareformaintenance", "errorinmaintenance"),
    *("cancelmaintenance", "maintenance", "disabled", "removed"),
)


class _Location(NamedTuple):
    host: str
    path: str
    type: str


def _location(url: str) -> _Location:
    parts = urlsplit(url)
    if not parts.scheme:
        raise invalid(f"scheme is null {url}, add nfs:// (or cifs://) as a prefix")
    if parts.scheme not in _TYPES:
        raise invalid(f"Unable to figure out the scheme for URI: {parts.scheme}")
    if parts.scheme == "nfs" and (not parts.hostname or not parts.path):
        raise invalid("host or path is null, should be nfs://hostname/path")
    return _Location(parts.hostname or "localhost", parts.path, _TYPES[parts.scheme])


@command("createStoragePool")
def create_storage_pool(ctx: Context, params: Params) -> StoragePool:
    """A pool of a cluster or a zone; an NFS export must exist."""
    zone, cluster, pod = params.need("zoneid", Zone), params.entity("clusterid", Cluster), params.entity("podid", Pod)
    scope = params.text("scope", "cluster" if cluster is not None else "zone").upper()
    if scope not in ("CLUSTER", "ZONE", "HOST"):
        raise invalid(f"invalid scope for pool {scope}")
    if scope == "CLUSTER" and cluster is None:
        raise invalid("cluster id can't be null, if scope is cluster")
    hypervisor = params.optional("hypervisor")
    if scope == "ZONE" and hypervisor is None:
        raise invalid("Missing parameter hypervisor. Hypervisor type is required to create zone wide primary storage.")
    where = _location(params.text("url"))
    if ctx.store.first(StoragePool, ipaddress=where.host, path=where.path) is not None:
        raise failed(f"Storage pool {params.text('url')} already in use by another pod")
    _check_hosts(ctx, zone, cluster, scope)
    pool = StoragePool(
        name=params.text("name"),
        zone=zone,
        pod=pod or (cluster.pod if cluster is not None and scope != "ZONE" else None),
        cluster=cluster if scope != "ZONE" else None,
        scope=scope,
        ipaddress=where.host,
        path=where.path,
        type=where.type,
        disksizetotal=params.number("capacitybytes") or _size(ctx, zone, params.text("url")),
        hypervisor=hypervisor_named(hypervisor) if hypervisor and hypervisor != "Any" else hypervisor,
        tags=params.optional("tags"),
        istagarule=params.flag("istagarule"),
        provider=params.text("provider", "DefaultPrimary"),
        managed=params.flag("managed"),
        overprovisionfactor=ctx.setting(_OVERPROVISIONING),
        capacityiops=params.optional_number("capacityiops"),
        details=params.pairs("details"),
    )
    return ctx.add(pool)


def _check_hosts(ctx: Context, zone: Zone, cluster: Cluster | None, scope: str) -> None:
    if scope == "CLUSTER":
        if ctx.store.first(Host, lambda host: host.state == "Up", cluster=cluster) is None:
            name = "" if cluster is None else cluster.name
            raise failed(f"Failed to add data store: No host up to associate a storage pool with in cluster {name}")
    elif ctx.store.first(Host, lambda host: host.zone is zone and host.state == "Up") is None:
        raise failed(f"Failed to add data store: No host up to associate a storage pool with in zone {zone.name}")


def _size(ctx: Context, zone: Zone, url: str) -> int:
    if not url.startswith("nfs://") or simulators.in_zone(ctx.store, zone):
        return simulators.STORAGE_BYTES
    try:
        if not ctx.hardware.export_exists(url):
            raise failed(f"Failed to add data store: the export {url} cannot be mounted")
        return ctx.hardware.free_bytes(url)
    except HardwareError as error:
        raise failed(f"Failed to add data store: {url}: {error}") from None


@command("listStoragePools", "listStoragePoolsMetrics")
def list_storage_pools(ctx: Context, params: Params) -> Page:
    """Pools."""
    host = params.entity("hostid", Host)
    for name, known in (("scope", _SCOPES), ("status", _STATES)):
        if name in params and params.text(name).lower() not in known:
            raise invalid(f"Invalid {name} {params.text(name)}: it has to be one of {', '.join(known)}")
    return ctx.list(
        StoragePool,
        params,
        lambda pool: host is None or pool.serves(host.cluster),
        ignore=("hostid", "storagecustomstats"),
    )


@settles
def _take_factors(server: ManagementServer) -> None:
    """A pool's over-provisioning is what the setting says for it now."""
    for pool in server.store.all(StoragePool):
        pool.overprovisionfactor = server.settings.value(_OVERPROVISIONING, pool)


@command("updateStoragePool")
def update_storage_pool(ctx: Context, params: Params) -> StoragePool:
    """Name, tags, capacity; enabled or not."""
    pool = params.need("id", StoragePool)
    if "enabled" in params:
        wanted = params.flag("enabled")
        if pool.state != ("Disabled" if wanted else "Up"):
            verb = "enabled" if wanted else "disabled"
            raise invalid(f"Primary storage {pool.name} cannot be {verb}. Storage pool state : {pool.state}")
        pool.state = "Up" if wanted else "Disabled"
    if "tags" in params:
        pool.tags = ",".join(params.strings("tags")) or None
    ctx.assign(pool, params, "name", "capacityiops", "istagarule", capacitybytes="disksizetotal")
    pool.details.update(params.pairs("details"))
    return pool


@command("enableStorageMaintenance")
def enable_maintenance(ctx: Context, params: Params) -> StoragePool:
    """Take a pool out of use."""
    pool = params.need("id", StoragePool)
    if pool.state not in ("Up", "ErrorInMaintenance", "PrepareForMaintenance"):
        raise failed(f"Primary storage {pool.name} is not ready for migration, as the status is:{pool.state}")
    pool.state = MAINTENANCE
    return pool


@command("cancelStorageMaintenance")
def cancel_maintenance(ctx: Context, params: Params) -> StoragePool:
    """Put a pool into use again."""
    pool = params.need("id", StoragePool)
    if pool.state != MAINTENANCE:
        raise failed(f"Storage Pool {pool.name} is not in maintenance mode: {pool.state}")
    pool.state = "Up"
    return pool


@command("deleteStoragePool")
def delete_storage_pool(ctx: Context, params: Params) -> bool:
    """A pool in maintenance that holds no volume."""
    pool = params.need("id", StoragePool)
    if pool.state not in (MAINTENANCE, "Disabled"):
        raise invalid(f"Unable to delete storage due to it is not in Maintenance state, pool: {pool.name}")
    if allocated_on_pool(ctx.store, pool) and not params.flag("forced"):
        raise failed(f"Cannot delete pool {pool.name} as there are associated non-destroyed vols for this pool")
    return ctx.remove(pool)
