"""Disk offerings, those of a fresh installation first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...models.offerings import DiskOffering
from ...models.topology import Zone
from ...registry import command, installs

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
    """Disk offerings that the caller may use."""
    zone = params.entity("zoneid", Zone)

    def seen(offering: DiskOffering) -> bool:
        if offering.compute_only or not offering.usable_by(ctx.caller):
            return False
        if offering.state != params.text("state", "Active"):
            return False
        return zone is None or offering.usable_in(zone)

    ignore = ("zoneid", "state", "virtualmachineid", "volumeid", "storageid", "domainid")
    return ctx.list(DiskOffering, params, seen, ignore=ignore)
