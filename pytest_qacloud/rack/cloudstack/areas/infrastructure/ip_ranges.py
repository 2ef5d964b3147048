"""Ranges of public addresses, and of shared networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...access import account_named, owner_of
from ...addresses import check_range, overlap, taken
from ...errors import failed, invalid
from ...identity import Account, Domain
from ...models.guestvlans import Ipv6Range
from ...models.networks import PhysicalNetwork, TrafficType, VlanRange
from ...models.topology import Pod, Zone
from ...registry import command
from ...store import Entity
from . import ipv6_ranges

if TYPE_CHECKING:
    from ...context import Context
    from ...lists import Page
    from ...params import Params

UNTAGGED = "vlan://untagged"

Check = Callable[["Context", str, tuple[str, str]], None]
_CHECKS: list[Check] = []


def refuses_ranges(check: Check) -> Check:
    """Register who may refuse a range of public addresses: `check(ctx, vlan, (first, last))` raises an ApiError."""
    _CHECKS.append(check)
    return check


def vlan_uri(text: str) -> str:
    """A VLAN as replies show it, such as `vlan://100`."""
    return text if "://" in text else f"vlan://{text or 'untagged'}"


@command("createVlanIpRange")
def create_vlan_range(ctx: Context, params: Params) -> VlanRange | Ipv6Range:
    """A range of public addresses, or one more for a shared network; of IPv6 where no IPv4 address is given."""
    network: Any = params.entity("networkid", Entity)
    zone = params.entity("zoneid", Zone) or getattr(network, "zone", None)
    if zone is None:
        raise invalid("Please specify a valid zone.")
    physical = params.entity("physicalnetworkid", PhysicalNetwork) or _physical(
        ctx, zone, "Guest" if network else "Public"
    )
    vlan = vlan_uri(params.text("vlan") or str(getattr(network, "vlan", "") or ""))
    if network is None and params.optional("startip") is None and params.optional("ip6cidr") is not None:
        return ipv6_ranges.create(ctx, params, zone, physical, vlan)
    gateway = params.text("gateway") or getattr(network, "gateway", None) or ""
    netmask = params.text("netmask") or getattr(network, "netmask", None) or ""
    first = params.text("startip")
    last = params.text("endip", first)
    check_range(first, last, gateway, netmask)
    _check_overlap(ctx, zone, vlan, (first, last))
    for check in _CHECKS if network is None else ():
        check(ctx, vlan, (first, last))
    holder, domain = _holder(ctx, params)
    return ctx.add(
        VlanRange(
            zone=zone,
            physicalnetwork=physical,
            pod=params.entity("podid", Pod),
            network=network,
            forvirtualnetwork=params.flag("forvirtualnetwork", default=network is None),
            vlan=vlan,
            gateway=gateway,
            netmask=netmask,
            startip=first,
            endip=last,
            forsystemvms=params.flag("forsystemvms"),
            holder=holder,
            holder_domain=domain,
        )
    )


def _physical(ctx: Context, zone: Zone, kind: str) -> PhysicalNetwork:
    for traffic in ctx.store.all(TrafficType, traffictype=kind):
        if traffic.physicalnetwork.zone is zone:
            return traffic.physicalnetwork
    raise invalid(f"Unable to find a physical network with {kind} traffic in zone {zone.name}")


def _check_overlap(
    ctx: Context, zone: Zone, vlan: str, wanted: tuple[str, str], itself: VlanRange | None = None
) -> None:
    for other in ctx.store.all(VlanRange, zone=zone):
        same = other is not itself and other.vlan == vlan
        if same and overlap(wanted, (other.startip, other.endip)):
            raise invalid(
                f"The IP range {wanted[0]}-{wanted[1]} with vlan {vlan} has overlapped with the range "
                f"{other.name} of zone {zone.name}. Please specify a different range"
            )


def _holder(ctx: Context, params: Params) -> tuple[Account | None, Domain | None]:
    if params.get("projectid") is not None:
        return owner_of(ctx, params), None
    domain = params.entity("domainid", Domain)
    if params.optional("account") is None:
        return None, domain
    found = account_named(ctx.store, params.text("account"), domain or ctx.caller.domain)
    if found is None:
        raise invalid(f"Unable to find account {params.text('account')}")
    return found, None


@command("listVlanIpRanges")
def list_vlan_ranges(ctx: Context, params: Params) -> Page:
    """Ranges."""
    name, domain = params.optional("account"), params.entity("domainid", Domain)

    def seen(item: VlanRange) -> bool:
        if name is not None and item.account != name:
            return False
        return domain is None or item.domainid == domain.id

    vlan = params.optional("vlan")
    found: list[VlanRange | Ipv6Range] = [*ctx.store.all(VlanRange, seen)]
    if name is None and domain is None:
        found += ctx.store.all(Ipv6Range)
    found = [item for item in found if vlan is None or item.vlan == vlan_uri(vlan)]
    return ctx.page(found, params, ignore=("vlan",))


@command("updateVlanIpRange")
def update_vlan_range(ctx: Context, params: Params) -> VlanRange:
    """Its ends, gateway and netmask, as long as no taken address falls out."""
    found = params.need("id", VlanRange)
    first, last = params.text("startip", found.startip), params.text("endip", found.endip)
    gateway, netmask = params.text("gateway", found.gateway), params.text("netmask", found.netmask)
    check_range(first, last, gateway, netmask)
    _check_overlap(ctx, found.zone, found.vlan, (first, last), found)
    if not all(overlap((item, item), (first, last)) for item in taken(ctx.store, found)):
        raise invalid("The range does not contain addresses that have been allocated")
    found.startip, found.endip, found.gateway, found.netmask = first, last, gateway, netmask
    ctx.assign(found, params, "forsystemvms")
    return found


@command("deleteVlanIpRange")
def delete_vlan_range(ctx: Context, params: Params) -> bool:
    """A range that nobody has an address of."""
    found: Any = params.get("id")
    if isinstance(found, VlanRange) and taken(ctx.store, found):
        raise failed(f"Failed to delete VLAN IP range {found.id}: addresses of it are in use")
    return ctx.remove(found)


@command("dedicatePublicIpRange")
def dedicate_range(ctx: Context, params: Params) -> VlanRange:
    """Keep a range of public addresses for one account, project or domain."""
    found = params.need("id", VlanRange)
    if not found.forvirtualnetwork:
        raise invalid(f"Please specify a valid Public IP range id: {found.id}")
    if found.holder is not None or found.holder_domain is not None:
        raise invalid("Public IP range is already dedicated")
    found.holder, found.holder_domain = _holder(ctx, params)
    return found


@command("releasePublicIpRange")
def release_range(ctx: Context, params: Params) -> bool:
    """Give a dedicated range back to all."""
    found = params.need("id", VlanRange)
    if found.holder is None and found.holder_domain is None:
        raise invalid(f"Can't release Public IP range {found.id} as it not dedicated to any domain and any account")
    found.holder = found.holder_domain = None
    return True
