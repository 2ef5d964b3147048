"""CPU and memory of VMs: customized offerings, limits, and the counts against them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import denied, invalid
from ...limits import check_limit, counts
from ...models.machines import DESTROYED, ERROR, EXPUNGING, VirtualMachine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...context import Context
    from ...identity import Account
    from ...models.offerings import ServiceOffering
    from ...models.topology import Zone
    from ...store import Store

_NAMES = {"cpuNumber": "cpunumber", "cpuSpeed": "cpuspeed", "memory": "memory"}
_BOUNDS = {
    "cpunumber": ("mincpunumber", "maxcpunumber"),
    "cpuspeed": ("", ""),
    "memory": ("minmemory", "maxmemory"),
}


def _counted(vm: VirtualMachine) -> bool:
    return vm.state not in (DESTROYED, EXPUNGING, ERROR)


@counts("user_vm")
def _vms_of(store: Store, account: Account) -> int:
    return len(store.all(VirtualMachine, _counted, owner=account))


@counts("cpu")
def _cores_of(store: Store, account: Account) -> int:
    return sum(vm.cpunumber for vm in store.all(VirtualMachine, _counted, owner=account))


@counts("memory")
def _memory_of(store: Store, account: Account) -> int:
    return sum(vm.memory for vm in store.all(VirtualMachine, _counted, owner=account))


def check_vm_limits(ctx: Context, owner: Account, cores: int, memory_mib: int) -> None:
    """Refuse one more VM.

    Raises:
        ApiError: 535.
    """
    check_limit(ctx, owner, "user_vm")
    check_size_limits(ctx, owner, cores, memory_mib)


def check_size_limits(ctx: Context, owner: Account, cores: int, memory_mib: int) -> None:
    """Refuse so many cores and so much memory more.

    Raises:
        ApiError: 535.
    """
    if cores > 0:
        check_limit(ctx, owner, "cpu", cores)
    if memory_mib > 0:
        check_limit(ctx, owner, "memory", memory_mib)


def chosen_size(offering: ServiceOffering, details: Mapping[str, str]) -> dict[str, int]:
    """CPU and memory that `details` choose for a customized offering; nothing for a fixed one.

    Raises:
        ApiError: one is missing, no number, out of the offering's range, or fixed by the offering (431).
    """
    given = {short: details[name] for name, short in _NAMES.items() if name in details}
    if not offering.iscustomized:
        if given:
            raise invalid("cpuNumber or cpuSpeed or memory should not be specified for static service offering")
        return {}
    chosen: dict[str, int] = {}
    for name, (low, high) in _BOUNDS.items():
        fixed = getattr(offering, name)
        if fixed is not None and name in given:
            raise invalid(f"The {name} of this offering id:{offering.id} is not customizable")
        if fixed is None:
            chosen[name] = _within(name, given.get(name), *_range(offering, low, high))
    return chosen


def size_for(offering: ServiceOffering, details: Mapping[str, str]) -> dict[str, int]:
    """As `chosen_size`, for a VM that exists: what `details` say is passed over where a fixed offering has its own.

    Raises:
        ApiError: as `chosen_size` (431).
    """
    return chosen_size(offering, details) if offering.iscustomized else {}


def _range(offering: ServiceOffering, low: str, high: str) -> tuple[int, int]:
    bounds = offering.serviceofferingdetails
    return int(bounds.get(low, 1)), int(bounds.get(high, 2**31 - 1))


def _within(name: str, value: str | None, low: int, high: int) -> int:
    if value is None:
        raise invalid("Need to specify custom parameter values cpu, cpu speed and memory when using custom offering")
    if not value.isdigit() or not low <= int(value) <= high:
        raise invalid(f"Invalid {name} value {value}, specify a value between {low} and {high}")
    return int(value)


def check_offering(offering: ServiceOffering, owner: Account, zone: Zone) -> None:
    """Refuse an offering that a VM of an owner in a zone may not have.

    Raises:
        ApiError: it is not for the owner (531), withdrawn, for system VMs or for other zones (431).
    """
    if offering.state != "Active":
        raise invalid(f"Service offering is inactive: [{offering.id}].")
    if offering.issystem:
        raise invalid(f"Unable to find service offering: {offering.id}")
    if not offering.open_to(owner):
        raise denied(f"Account {owner.name} has no permission to use service offering {offering.id}")
    if not offering.usable_in(zone):
        raise invalid(f"Service offering {offering.id} is not available in zone {zone.id}")
