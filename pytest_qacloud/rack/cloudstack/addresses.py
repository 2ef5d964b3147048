"""Ranges of IPv4 addresses, and which of their addresses are taken."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError
from typing import TYPE_CHECKING

from .errors import invalid

if TYPE_CHECKING:
    from .store import Entity, Store

Holder = Callable[["Store", "Entity"], Iterable[str]]
_HOLDERS: list[Holder] = []


def holds_addresses(holder: Holder) -> Holder:
    """Register who has addresses of a range: `holder(store, range)` gives those that it has taken from it.

    A range is a `VlanRange`, a `Pod`, or whatever entity else addresses are given out from.
    """
    _HOLDERS.append(holder)
    return holder


def taken(store: Store, source: Entity) -> set[str]:
    """All addresses of a range that somebody has."""
    return {address for holder in _HOLDERS for address in holder(store, source)}


def span(first: str, last: str) -> Iterator[str]:
    """All addresses from the first to the last."""
    for number in range(int(IPv4Address(first)), int(IPv4Address(last)) + 1):
        yield str(IPv4Address(number))


def pick(store: Store, source: Entity, ranges: Iterable[tuple[str, str]]) -> str | None:
    """The first free address; `None` where all are taken."""
    used = taken(store, source)
    return next((address for first, last in ranges for address in span(first, last) if address not in used), None)


def address(value: str, what: str) -> IPv4Address:
    """An address from a parameter.

    Raises:
        ApiError: it is none.
    """
    try:
        return IPv4Address(value)
    except AddressValueError:
        raise invalid(f"Please enter a valid IP address for {what}") from None


def network(gateway: str, netmask: str) -> IPv4Network:
    """The network of a gateway and a netmask.

    Raises:
        ApiError: one of them is none.
    """
    address(gateway, "gateway")
    try:
        return IPv4Network(f"{gateway}/{netmask}", strict=False)
    except (NetmaskValueError, ValueError):
        raise invalid("Please specify a valid netmask") from None


def check_range(first: str, last: str, gateway: str, netmask: str) -> None:
    """Refuse a range that is reversed, outside its network, or covers the gateway.

    Raises:
        ApiError: it is.
    """
    start, end = address(first, "start IP"), address(last, "end IP")
    around = network(gateway, netmask)
    if start > end:
        raise invalid("The start IP address must have a lower value than the end IP address.")
    if start not in around:
        raise invalid("The start address of the IP range is not in the CIDR subnet.")
    if end not in around:
        raise invalid("The end address of the IP range is not in the CIDR subnet.")
    if start <= IPv4Address(gateway) <= end:
        raise invalid("The gateway shouldn't overlap start/end ip addresses")


def overlap(first: tuple[str, str], second: tuple[str, str]) -> bool:
    """Whether two ranges share an address."""
    (a, b), (c, d) = ((IPv4Address(low), IPv4Address(high)) for low, high in (first, second))
    return a <= d and c <= b
