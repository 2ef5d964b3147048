"""Secondary storage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from ... import simulators
from ...errors import failed, invalid
from ...hardware import HardwareError
from ...models.storage import ImageStore, StagingStore
from ...models.topology import Zone
from ...models.volumes import Snapshot
from ...registry import command

if TYPE_CHECKING:
    from ...context import Context
    from ...lists import Page
    from ...params import Params

S = TypeVar("S", bound=ImageStore)
_PROVIDERS = {
    "nfs": "NFS",
    "s3": "S3",
    "swift": "Swift",
    "smb": "SMB",
    "cloudstack image store": "CloudStack Image Store",
}


def _new(ctx: Context, params: Params, kind: type[S]) -> S:
    provider = _PROVIDERS.get(params.text("provider", "NFS").lower())
    if provider is None:
        raise invalid(f"can't find image store provider: {params.text('provider')}")
    zone, url = params.entity("zoneid", Zone), params.text("url")
    if provider == "NFS" and zone is None:
        raise invalid("Zone Id is missing: a NFS secondary storage needs its zone")
    if ctx.store.first(kind, url=url) is not None:
        raise failed(f"Failed to add data store: the URL {url} is in use by another one")
    return kind(
        name=params.text("name", url),
        url=url,
        zone=zone,
        protocol=urlsplit(url).scheme or provider.lower(),
        providername=provider,
        scope="ZONE" if zone is not None else "REGION",
        disksizetotal=_size(ctx, zone, url) if provider == "NFS" else 0,
    )


def _size(ctx: Context, zone: Zone | None, url: str) -> int:
    parts = urlsplit(url)
    if parts.scheme != "nfs" or not parts.hostname or not parts.path:
        raise invalid(f"Failed to add data store: the URL {url} is not of the form nfs://hostname/path")
    if zone is not None and simulators.in_zone(ctx.store, zone):
        return simulators.STORAGE_BYTES
    try:
        if not ctx.hardware.export_exists(url):
            raise failed(f"Failed to add data store: the export {url} cannot be mounted")
        return ctx.hardware.free_bytes(url)
    except HardwareError as error:
        raise failed(f"Failed to add data store: {url}: {error}") from None


@command("addImageStore", "addSecondaryStorage")
def add_image_store(ctx: Context, params: Params) -> ImageStore:
    """Secondary storage; an NFS export must exist."""
    return ctx.add(_new(ctx, params, ImageStore))


@command("listImageStores")
def list_image_stores(ctx: Context, params: Params) -> Page:
    """Secondary storage."""
    provider = params.optional("provider")
    return ctx.list(
        ImageStore,
        params,
        lambda store: provider is None or store.providername.lower() == provider.lower(),
        ignore=("provider",),
    )


@command("updateImageStore")
def update_image_store(ctx: Context, params: Params) -> ImageStore:
    """Name, whether it takes new content, its size."""
    found = params.need("id", ImageStore)
    ctx.assign(found, params, "name", "readonly", capacitybytes="disksizetotal")
    return found


@command("migrateSecondaryStorageData")
def migrate_data(ctx: Context, params: Params) -> dict[str, Any]:
    """Move what a store holds to others of its zone: all of it, or until they are balanced.

    Raises:
        ApiError: no such policy, or none of the others takes anything (530); the store is none of NFS (431).
    """
    source, policy = params.need("srcpool", ImageStore), params.text("migrationtype", "complete").upper()
    if policy not in ("BALANCE", "COMPLETE"):
        raise failed("Not a valid migration policy")
    if source.providername != "NFS":
        raise invalid("Migration of datastore objects is supported only for NFS based image stores")
    targets = [
        store
        for store in params.entities("destpools", ImageStore)
        if store is not source
        and not store.readonly
        and store.providername == "NFS"
        and (source.zone is store.zone or None in (source.zone, store.zone))
    ]
    if not targets:
        raise failed(
            "No destination valid store(s) available to migrate. Could be due to invalid store ID(s) or store(s) are "
            "read-only. Terminating Migration of data"
        )
    for snapshot in ctx.store.all(Snapshot, imagestore=source) if policy == "COMPLETE" else ():
        snapshot.imagestore = targets[0]
    return {"imagestore": {"message": "Migration completed", "migrationtype": policy.capitalize(), "success": True}}


@command("deleteImageStore")
def delete_image_store(ctx: Context, params: Params) -> bool:
    """Secondary storage that nothing uses."""
    return ctx.remove(params.need("id", ImageStore))


@command("createSecondaryStagingStore")
def create_staging_store(ctx: Context, params: Params) -> StagingStore:
    """A cache before an object store."""
    return ctx.add(_new(ctx, params, StagingStore))


@command("listSecondaryStagingStores")
def list_staging_stores(ctx: Context, params: Params) -> Page:
    """Caches."""
    return ctx.list(StagingStore, params, ignore=("provider",))


@command("deleteSecondaryStagingStore")
def delete_staging_store(ctx: Context, params: Params) -> bool:
    """A cache."""
    return ctx.remove(params.need("id", StagingStore))
