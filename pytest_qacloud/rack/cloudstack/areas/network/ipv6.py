"""IPv6 for guest networks: prefixes of zones, and offerings that use them."""

from __future__ import annotations

from ipaddress import IPv6Network
from typing import TYPE_CHECKING

from ...errors import failed, invalid, limit_exceeded
from ...models.guestvlans import SUBNET_BITS, Ipv6Prefix
from ...models.topology import Zone
from ...registry import command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...context import Context
    from ...lists import Page
    from ...params import Params

_PROTOCOLS = {"ipv4": "IPv4", "ipv6": "IPv6", "dualstack": "DualStack"}


def protocol(ctx: Context, params: Params, what: str) -> str:
    """The protocol of a new offering, from `internetprotocol`.

    Raises:
        ApiError: it is none, or has IPv6, which the setting `ipv6.offering.enabled` has to allow (431).
    """
    text = params.text("internetprotocol", "IPv4")
    if text.lower() not in _PROTOCOLS:
        raise invalid(f"Invalid internet protocol: {text}")
    if text.lower() != "ipv4" and not ctx.flag_setting("ipv6.offering.enabled"):
        raise invalid("Configuration ipv6.offering.enabled needs to be enabled for creating IPv6 supported " + what)
    return _PROTOCOLS[text.lower()]


def prefix_of(text: str, what: str) -> IPv6Network:
    """An IPv6 prefix that is enough for one network at least.

    Raises:
        ApiError: it is no prefix, or too long (431).
    """
    try:
        found = IPv6Network(text, strict=False)
    except ValueError:
        raise invalid(f"Please specify a valid IPv6 CIDR: {text}") from None
    if found.prefixlen > SUBNET_BITS:
        raise invalid(f"{what} must be /{SUBNET_BITS} or less")
    return found


def take_subnet(ctx: Context, zone: Zone) -> tuple[str, str]:
    """Prefix and gateway for a new guest network: the first of the zone's prefixes that no other network has.

    Raises:
        ApiError: the zone has no prefix, or none has a part left (535).
    """
    prefixes = ctx.store.all(Ipv6Prefix, zone=zone)
    if not prefixes:
        raise limit_exceeded("Unable to allocate IPv6 network")
    for prefix in prefixes:
        taken = prefix.taken()
        for subnet in IPv6Network(prefix.prefix, strict=False).subnets(new_prefix=SUBNET_BITS):
            if str(subnet) not in taken:
                return str(subnet), str(subnet[1])
    raise limit_exceeded("Unable to allocate IPv6 guest subnet for the network")


@command("createGuestNetworkIpv6Prefix")
def create_prefix(ctx: Context, params: Params) -> Iterator[Ipv6Prefix]:
    """A prefix that shares no address with another of its zone."""
    zone, text = params.need("zoneid", Zone), params.text("prefix")
    wanted = prefix_of(text, "IPv6 prefix")
    for other in ctx.store.all(Ipv6Prefix, zone=zone):
        if wanted.overlaps(IPv6Network(other.prefix, strict=False)):
            raise invalid(f"IPv6 prefix {text} overlaps with the existing IPv6 prefix {other.prefix}")
    yield ctx.add(Ipv6Prefix(zone=zone, prefix=text))


@command("listGuestNetworkIpv6Prefixes")
def list_prefixes(ctx: Context, params: Params) -> Page:
    """Prefixes."""
    return ctx.list(Ipv6Prefix, params)


@command("deleteGuestNetworkIpv6Prefix")
def delete_prefix(ctx: Context, params: Params) -> bool:
    """A prefix that no network has a part of."""
    found = params.need("id", Ipv6Prefix)
    if found.usedsubnets:
        raise failed(f"Unable to delete guest network IPv6 prefix ID: {found.id}. Prefix subnets are in use.")
    return ctx.remove(found)
