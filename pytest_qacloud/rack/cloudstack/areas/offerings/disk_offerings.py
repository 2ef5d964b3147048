"""Disk offerings, those of a fresh installation first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import invalid
from ...limits import GIB
from ...models.offerings import DiskOffering
from ...models.volumes import Volume
from ...registry import command, installs
from .filters import HANDLED, shown

if TYPE_CHECKING:
    from ...context import Context
    from ...lists import Page
    from ...params import Params
    from ...server import ManagementServer

_DEFAULTS = (("Small", 5), ("Medium", 20), ("Large", 100))


@installs(order=20)
def install(server: ManagementServer) -> None:
    """Small, Medium, Large and Custom."""
    now, store = server.clock.now(), server.store
    for name, size in _DEFAULTS:
        store.add(DiskOffering(name=name, displaytext=f"{name} Disk, {size} GB", disksize=size), now)
    store.add(DiskOffering(name="Custom", displaytext="Custom Disk", iscustomized=True), now)


@command("listDiskOfferings")
def list_disk_offerings(ctx: Context, params: Params) -> Page:
    """Disk offerings that the caller may see; for a volume, those that it may change to."""
    shows, volume = shown(ctx, params), params.entity("volumeid", Volume)
    if volume is not None and "storageid" in params:
        raise invalid("Both volume ID and storage pool ID are not allowed at the same time")

    def seen(offering: DiskOffering) -> bool:
        return not offering.compute_only and shows(offering) and (volume is None or _fits(offering, volume))

    ignore = (*HANDLED, "virtualmachineid", "volumeid", "storageid")
    return ctx.list(DiskOffering, params, seen, ignore=ignore)


def _fits(offering: DiskOffering, volume: Volume) -> bool:
    """Whether a volume may change to an offering: another one that is as strict about sizes."""
    current = volume.diskoffering
    if current is None:
        return True
    fixed = current.disksizestrictness and not current.compute_only and not offering.iscustomized
    if fixed and offering.disksize * GIB != volume.size:
        return False
    return offering is not current and offering.disksizestrictness == current.disksizestrictness
