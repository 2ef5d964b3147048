"""Service offerings, those of a fresh installation first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import invalid
from ...models.machines import RUNNING, VirtualMachine
from ...models.offerings import DiskOffering, ServiceOffering
from ...registry import command, installs
from ...replies import shape
from .filters import HANDLED, shown

if TYPE_CHECKING:
    from ...context import Context
    from ...lists import Page
    from ...params import Params
    from ...server import ManagementServer

_SIZES = ("cpunumber", "cpuspeed", "memory")
_OTHERS = ("issystem", "virtualmachineid", "templateid", "gpuenabled")
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
    """Service offerings that the caller may see; those of system VMs with `issystem`; for a VM, what it may become."""
    system, vm = params.flag("issystem"), params.entity("virtualmachineid", VirtualMachine)
    if system and not ctx.caller.is_root_admin:
        raise invalid("Only ROOT admins can access system offerings.")
    shows = shown(ctx, params)

    def seen(offering: ServiceOffering) -> bool:
        if offering.issystem != system or not shows(offering) or not _holds(offering, params):
            return False
        return vm is None or _fits(offering, vm)

    page = ctx.list(ServiceOffering, params, seen, ignore=(*HANDLED, *_SIZES, *_OTHERS))
    leases = ctx.flag_setting("instance.lease.enabled")
    return page if leases else page.map(_without_lease)


def _without_lease(offering: ServiceOffering) -> dict[str, Any]:
    return {name: value for name, value in shape(offering).items() if not name.startswith("lease")}


def _holds(offering: ServiceOffering, params: Params) -> bool:
    """Whether it has at least what is asked for, or leaves it to the VM within bounds that allow it."""
    speed = params.optional_number("cpuspeed")
    if speed is not None and offering.cpuspeed is not None and offering.cpuspeed < speed:
        return False
    bounds = offering.serviceofferingdetails
    for name, fixed in (("cpunumber", offering.cpunumber), ("memory", offering.memory)):
        wanted = params.optional_number(name)
        most = fixed if fixed is not None else bounds.get(f"max{name}")
        if wanted is not None and most is not None and int(most) < wanted:
            return False
    return True


def _fits(offering: ServiceOffering, vm: VirtualMachine) -> bool:
    """Whether a VM may change to an offering: another one, as strict, and while it runs not a smaller one."""
    current = vm.serviceoffering
    if offering is current and not current.iscustomized:
        return False
    if current.diskofferingstrictness and offering.diskoffering is not current.diskoffering:
        return False
    if offering.diskofferingstrictness != current.diskofferingstrictness:
        return False
    if vm.state != RUNNING:
        return True
    now = ((offering.cpunumber, vm.cpunumber), (offering.cpuspeed, vm.cpuspeed), (offering.memory, vm.memory))
    larger = all(size is None or size >= (had or 0) for size, had in now)
    return larger and offering.dynamicscalingenabled == current.dynamicscalingenabled
