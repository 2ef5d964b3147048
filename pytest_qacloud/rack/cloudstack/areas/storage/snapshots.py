"""Snapshots of volumes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ...errors import failed, invalid
from ...limits import check_limit, counts
from ...models.machines import RUNNING, STOPPED, VmSnapshot
from ...models.storage import ImageStore
from ...models.topology import Zone
from ...models.volumes import READY, Snapshot, SnapshotPolicy, Volume
from ...registry import command
from .transfers import extraction

if TYPE_CHECKING:
    from collections.abc import Generator

    from ...context import Context
    from ...identity import Account
    from ...lists import Page
    from ...params import Params
    from ...store import Store

BACKED_UP = "BackedUp"


@counts("snapshot")
def _snapshots_of(store: Store, account: Account) -> int:
    return len(store.all(Snapshot, owner=account))


@command("createSnapshot")
def create_snapshot(ctx: Context, params: Params) -> Generator[Any, None, Any]:
    """A volume as it is now, backed up to secondary storage."""
    volume = params.need("volumeid", Volume)
    policy = params.entity("policyid", SnapshotPolicy)
    check_snapshot(ctx, volume)
    if params.optional("locationtype"):
        raise invalid(f"VolumeId: {volume.id} LocationType is supported only for managed storage")
    snapshot = record(ctx, volume, params.optional("name"))
    if policy is not None:
        snapshot.policy = policy
    yield snapshot
    back_up(ctx, snapshot)


def check_snapshot(ctx: Context, volume: Volume) -> None:
    """Refuse a snapshot of a volume that is not Ready, or beyond the limits.

    Raises:
        ApiError: 431 or 535.
    """
    if volume.state != READY:
        raise invalid(f"Volume: {volume.name} is not in Ready state but {volume.state}. Cannot take snapshot.")
    if ctx.store.first(Snapshot, lambda item: item.state != BACKED_UP, volume=volume) is not None:
        raise failed(f"There is other active snapshot task on the volume {volume.name}, please try again later")
    check_limit(ctx, volume.owner, "snapshot")
    check_limit(ctx, volume.owner, "secondary_storage", volume.size)


def record(ctx: Context, volume: Volume, name: str | None, kind: str = "MANUAL") -> Snapshot:
    """A snapshot that is being made."""
    vm = volume.virtualmachine
    stamp = datetime.fromtimestamp(ctx.now, UTC).strftime("%Y%m%d%H%M%S")
    return ctx.add(
        Snapshot(
            owner=volume.owner,
            name=name or f"{'detached' if vm is None else vm.name}_{volume.name}_{stamp}",
            zone=volume.zone,
            volume=volume,
            volumetype=volume.type,
            virtualsize=volume.size,
            state="BackingUp",
            snapshottype=kind,
            intervaltype=kind,
            pool=volume.pool,
            source_template=volume.template,
            ostype=None if volume.template is None else volume.template.ostype,
        )
    )


def back_up(ctx: Context, snapshot: Snapshot) -> None:
    """Bring a snapshot to secondary storage.

    Raises:
        ApiError: the zone has none that is writable; the snapshot is gone then (530).
    """
    store = ctx.store.first(ImageStore, lambda item: item.zone in (None, snapshot.zone) and not item.readonly)
    if store is None:
        ctx.remove(snapshot)
        raise failed(f"Failed to backup snapshot {snapshot.name}: zone {snapshot.zone.name} has no secondary storage")
    snapshot.imagestore, snapshot.state = store, BACKED_UP


@command("listSnapshots")
def list_snapshots(ctx: Context, params: Params) -> Page:
    """Snapshots."""
    kind = params.optional("snapshottype") or params.optional("intervaltype")
    if kind is not None and kind.upper() not in ("MANUAL", "RECURRING", "HOURLY", "DAILY", "WEEKLY", "MONTHLY"):
        raise invalid(f"Unsupported snapshot type {kind}")
    recurring = kind is not None and kind.upper() == "RECURRING"
    ignore = ("showunique", "imagestoreid", "storageid", "locationtype", "snapshottype", "intervaltype")

    def seen(snapshot: Snapshot) -> bool:
        if recurring:
            return snapshot.snapshottype != "MANUAL"
        return kind is None or snapshot.snapshottype == kind.upper()

    return ctx.list(Snapshot, params, seen, ignore=ignore)


@command("deleteSnapshot")
def delete_snapshot(ctx: Context, params: Params) -> Generator[Any, None, Any]:
    """A snapshot; volumes and templates made from it stay."""
    snapshot = params.need("id", Snapshot)
    if snapshot.state not in (BACKED_UP, "Error"):
        raise invalid(f"Snapshot [{snapshot.name}] cannot be deleted in state {snapshot.state}")
    yield snapshot
    return ctx.remove(snapshot)


@command("revertSnapshot")
def revert_snapshot(ctx: Context, params: Params) -> Generator[Any, None, Any]:
    """A volume of a stopped VM as it was."""
    snapshot = params.need("id", Snapshot)
    volume = snapshot.volume
    if volume is None or volume.state != READY:
        raise invalid("The volume is not in Ready state.")
    vm = volume.virtualmachine
    if vm is not None:
        if vm.state != STOPPED:
            raise invalid("The VM the specified disk is attached to is not in the shutdown state.")
        if ctx.store.first(VmSnapshot, virtualmachine=vm) is not None:
            raise invalid("Unable to revert snapshot for VM, please remove VM snapshots before")
    if snapshot.state != BACKED_UP:
        raise invalid(f"Snapshot [{snapshot.name}] is in state {snapshot.state}")
    yield snapshot
    if vm is not None and vm.state == RUNNING:
        raise failed(f"VM {vm.name} has been started: the snapshot was not reverted")
    volume.size = snapshot.virtualsize


@command("archiveSnapshot")
def archive_snapshot(ctx: Context, params: Params) -> Generator[Any, None, Any]:
    """Bring a snapshot to secondary storage that is not there yet."""
    snapshot = params.need("id", Snapshot)
    if snapshot.imagestore is not None:
        raise failed(f"Can only archive snapshots present on primary storage. {snapshot.id} is on secondary storage")
    yield snapshot
    back_up(ctx, snapshot)


@command("createSnapshotFromVMSnapshot")
def from_vm_snapshot(ctx: Context, params: Params) -> Generator[Any, None, Any]:
    """One volume of a VM snapshot as a snapshot of its own; KVM only."""
    volume, source = params.need("volumeid", Volume), params.need("vmsnapshotid", VmSnapshot)
    vm = source.virtualmachine
    if vm.hypervisor != "KVM":
        raise invalid(f"Unsupported hypervisor type {vm.hypervisor}. This supports KVM only")
    if volume.virtualmachine is not vm:
        raise invalid(f"Volume {volume.id} is not one of the VM of VM snapshot {source.id}")
    check_snapshot(ctx, volume)
    snapshot = record(ctx, volume, params.optional("name"))
    yield snapshot
    back_up(ctx, snapshot)


@command("extractSnapshot")
def extract_snapshot(ctx: Context, params: Params) -> Generator[Any, None, Any]:
    """A URL to fetch a snapshot from."""
    snapshot, zone = params.need("id", Snapshot), params.need("zoneid", Zone)
    if snapshot.imagestore is None or snapshot.zone is not zone:
        raise invalid("Extraction could not be completed: the snapshot is not on secondary storage of that zone")
    yield snapshot
    return {"snapshot": extraction(ctx, snapshot, zone, "HTTP_DOWNLOAD", "qcow2")}
