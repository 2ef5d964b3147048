"""Ranges of public IPv6 addresses."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network
from typing import TYPE_CHECKING

from ...errors import invalid
from ...models.guestvlans import Ipv6Range
from ..network.ipv6 import prefix_of

if TYPE_CHECKING:
    from ...context import Context
    from ...models.networks import PhysicalNetwork
    from ...models.topology import Zone
    from ...params import Params


def create(ctx: Context, params: Params, zone: Zone, physical: PhysicalNetwork, vlan: str) -> Ipv6Range:
    """A range that shares no address with another of its zone.

    Raises:
        ApiError: its prefix, gateway or ends are none, or it overlaps (431).
    """
    around = prefix_of(params.text("ip6cidr"), "For IPv6 range, prefix")
    _address(params.text("ip6gateway"), "Please specify a valid IPv6 gateway")
    made = Ipv6Range(
        zone=zone,
        physicalnetwork=physical,
        vlan=vlan,
        ip6gateway=params.text("ip6gateway"),
        ip6cidr=params.text("ip6cidr"),
        startipv6=params.optional("startipv6"),
        endipv6=params.optional("endipv6") or params.optional("startipv6"),
        forsystemvms=params.flag("forsystemvms"),
    )
    first, last = _ends(made)
    if first > last or first not in around or last not in around:
        raise invalid(f"Invalid IPv6 range {first}-{last}: it is not within {around}")
    for other in ctx.store.all(Ipv6Range, zone=zone):
        low, high = _ends(other)
        if first <= high and low <= last:
            raise invalid(f"The IPv6 range with tag: {other.vlan} already has IPs that overlap with the new range.")
    return ctx.add(made)


def _ends(item: Ipv6Range) -> tuple[IPv6Address, IPv6Address]:
    """First and last address: those given, else those of the prefix."""
    if item.startipv6 is None or item.endipv6 is None:
        around = IPv6Network(item.ip6cidr, strict=False)
        return around[0], around[-1]
    why = "Invalid format for the startIPv6 or endIPv6 parameter"
    return _address(item.startipv6, why), _address(item.endipv6, why)


def _address(text: str, why: str) -> IPv6Address:
    try:
        return IPv6Address(text)
    except ValueError:
        raise invalid(why) from None
