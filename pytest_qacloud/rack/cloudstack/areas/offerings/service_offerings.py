"""Service offerings, those of a fresh installation first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...models.offerings import DiskOffering, ServiceOffering
from ...models.topology import Zone
from ...registry import command, installs

if TYPE_CHECKING:
    from ...context import Context
    from ...lists import Page
    from ...params import Params
    from ...server import ManagementServer

_DEFAULTS = (("Small Instance", 1, 500, 512), ("Medium Instance", 1, 1000, 1024))
_SYSTEM = (
    ("System Offering For Software Router", "domainrouter", 500, 512),
    ("System Offering For Console Proxy", "consoleproxy", 500, 1024),
    ("System Offering For Secondary Storage VM", "secondarystoragevm", 500, 512),
    ("System Offering For Internal LB VM", "internalloadbalancervm", 256, 256),
)


@installs(order=20)
def install(server: ManagementServer) -> None:
    """Small and Medium Instance, and the offerings of the system VMs."""
    now, store = server.clock.now(), server.store
    for name, cpus, mhz, memory in _DEFAULTS:
        disk = store.add(DiskOffering(name=name, displaytext=name, compute_only=True), now)
        store.add(
            ServiceOffering(
                name=name, displaytext=name, cpunumber=cpus, cpuspeed=mhz, memory=memory, diskoffering=disk
            ),
            now,
        )
    for name, kind, mhz, memory in _SYSTEM:
        store.add(
            ServiceOffering(
                name=name,
                displaytext=name,
                cpunumber=1,
                cpuspeed=mhz,
                memory=memory,
                issystem=True,
                defaultuse=True,
                systemvmtype=kind,
            ),
            now,
        )


@command("listServiceOfferings")
def list_service_offerings(ctx: Context, params: Params) -> Page:
    """Service offerings that the caller may use; those of system VMs with `issystem`."""
    zone, system = params.entity("zoneid", Zone), params.flag("issystem")

    def seen(offering: ServiceOffering) -> bool:
        if offering.issystem != system or not offering.usable_by(ctx.caller):
            return False
        if offering.state != params.text("state", "Active"):
            return False
        return zone is None or offering.usable_in(zone)

    ignore = ("zoneid", "issystem", "state", "virtualmachineid", "templateid", "domainid", "gpuenabled")
    return ctx.list(ServiceOffering, params, seen, ignore=ignore)
