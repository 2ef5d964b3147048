"""Portable public addresses: ranges of a region, whose addresses are given out in any of its zones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...addresses import address, overlap, span
from ...addresses import network as network_of
from ...errors import invalid, no_capacity
from ...limits import check_limit
from ...models.networks import PhysicalNetwork, TrafficType, VlanRange
from ...models.publicips import IN_USE, PublicIp, address_id
from ...models.regions import PortablePlace, PortableRange, Region, region_numbered
from ...registry import command
from ..infrastructure.ip_ranges import refuses_ranges, vlan_uri

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...context import Context
    from ...identity import Account
    from ...lists import Page
    from ...models.guests import Network
    from ...models.topology import Zone
    from ...models.vpcs import Vpc
    from ...params import Params

_UNTAGGED = "untagged"


@command("createPortableIpRange")
def create_range(ctx: Context, params: Params) -> Iterator[PortableRange]:
    """A range of a region, with a VLAN that no zone uses."""
    region = _region(ctx, params.number("regionid"))
    first, last = params.text("startip"), params.text("endip")
    _check(first, last, params.text("gateway"), params.text("netmask"))
    for other in ctx.store.all(PortableRange, region=region):
        if overlap((first, last), (other.startip, other.endip)):
            raise invalid(
                f"Ip range: {first}-{last} overlaps with a portable IP range already configured in the region "
                f"{region.number}"
            )
    vlan = params.text("vlan", _UNTAGGED).removeprefix("vlan://")
    if vlan != _UNTAGGED:
        _check_vlan(ctx, vlan, (first, last))
    yield ctx.add(
        PortableRange(
            region=region,
            vlan=vlan,
            gateway=params.text("gateway"),
            netmask=params.text("netmask"),
            startip=first,
            endip=last,
        )
    )


def _region(ctx: Context, number: int) -> Region:
    region = region_numbered(ctx.store, number)
    if region is None:
        raise invalid(f"Invalid region ID: {number}")
    return region


def _check(first: str, last: str, gateway: str, netmask: str) -> None:
    start, end = address(first, "start IP"), address(last, "end IP")
    if start > end:
        raise invalid(f"Invalid portable ip range: {first}-{last}")
    around = network_of(gateway, netmask)
    for which, value in (("start", start), ("end", end)):
        if value not in around:
            raise invalid(
                f"Please ensure that your {which} IP is in the same subnet as your portable IP range's gateway and as "
                "per the IP range's netmask."
            )


def _check_vlan(ctx: Context, vlan: str, wanted: tuple[str, str]) -> None:
    if not (vlan.isdigit() and int(vlan) <= 4095):
        raise invalid(f"Invalid vlan id {vlan}")
    for other in ctx.store.all(VlanRange):
        if other.vlan == vlan_uri(vlan):
            raise invalid(
                f"Found a VLAN id {vlan} already existing in zone {other.zone.name} that conflicts with VLAN id of the "
                "portable ip range being configured"
            )
        if other.forvirtualnetwork and overlap(wanted, (other.startip, other.endip)):
            raise invalid(f"The IP range {wanted[0]}-{wanted[1]} overlaps with a public IP range: {other.name}")


@refuses_ranges
def _check_public_range(ctx: Context, vlan: str, wanted: tuple[str, str]) -> None:
    for other in ctx.store.all(PortableRange):
        if overlap(wanted, (other.startip, other.endip)):
            raise invalid(
                f"Ip range: {wanted[0]}-{wanted[1]} overlaps with a portable IP range already configured in the region "
                f"{other.regionid}"
            )
        if vlan == vlan_uri(other.vlan):
            raise invalid(f"The VLAN tag {vlan} is already being used for portable ip range in this region")


@command("listPortableIpRanges")
def list_ranges(ctx: Context, params: Params) -> Page:
    """Portable ranges, each with all its addresses."""
    number = params.optional_number("regionid")
    if number is not None:
        _region(ctx, number)
    return ctx.list(PortableRange, params)


@command("deletePortableIpRange")
def delete_range(ctx: Context, params: Params) -> bool:
    """A range of which nobody has an address."""
    found = params.need("id", PortableRange)
    if found.given_out():
        raise invalid("Can't delete portable IP range as there are IP's assigned.")
    return ctx.remove(found)


def take(ctx: Context, zone: Zone, owner: Account, *, network: Network | None, vpc: Vpc | None) -> PublicIp:
    """Give an account the first free portable address, in a zone.

    Raises:
        ApiError: the account has as many addresses as it may have (535), or none is left (533).
    """
    check_limit(ctx, owner, "public_ip")
    physical = _public_network(ctx, zone)
    for source in ctx.store.all(PortableRange):
        used = source.given_out()
        free = next((item for item in span(source.startip, source.endip) if item not in used), None)
        if free is None:
            continue
        place = PortablePlace(
            portablerange=source,
            zone=zone,
            physicalnetwork=physical,
            vlan=vlan_uri(source.vlan),
            gateway=source.gateway,
            netmask=source.netmask,
            startip=free,
            endip=free,
        )
        ctx.store.add(place, ctx.now)
        given = PublicIp(id=address_id(source, free), ipaddress=free, vlan=place, owner=owner)
        given.network, given.vpc, given.isportable = network, vpc, True
        given.state, given.allocated = IN_USE, ctx.now
        return ctx.add(given)
    raise no_capacity("Unable to find available portable IP addresses")


def _public_network(ctx: Context, zone: Zone) -> PhysicalNetwork:
    for traffic in ctx.store.all(TrafficType, traffictype="Public"):
        if traffic.physicalnetwork.zone is zone:
            return traffic.physicalnetwork
    raise no_capacity(f"Zone {zone.name} has no public network for portable IP addresses")


def keep(ctx: Context, network: Network) -> None:
    """Take a network's portable addresses off it, before it goes: they stay their owner's."""
    for given in ctx.store.all(PublicIp, network=network, isportable=True):
        given.network = None
