"""Protocols, ports, ICMP types and CIDRs of rules."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from ...errors import invalid

if TYPE_CHECKING:
    from collections.abc import Iterable

LARGEST_PORT = 65535
_NUMBERS = {"1": "icmp", "6": "tcp", "17": "udp"}


def protocol_of(text: str, known: Iterable[str]) -> str:
    """A protocol by name or number; any other number up to 255 stands for itself.

    Raises:
        ApiError: it is none.
    """
    name = _NUMBERS.get(text.strip(), text.strip().lower())
    if name in known or (name.isdigit() and int(name) <= 255):
        return name
    raise invalid(f"Protocol {text} is not supported; it has to be one of {', '.join(known)} or a number")


def check_ports(first: int | None, last: int | None) -> tuple[int | None, int | None]:
    """The first and the last port; one alone stands for both.

    Raises:
        ApiError: one is out of range, or they are in the wrong order.
    """
    first, last = first if first is not None else last, last if last is not None else first
    for name, port in (("start", first), ("end", last)):
        if port is not None and not 1 <= port <= LARGEST_PORT:
            raise invalid(f"publicPort is an invalid value: {name} port {port} has to be between 1 and {LARGEST_PORT}")
    if first is not None and last is not None and first > last:
        raise invalid(f"Start port can't be bigger than end port: {first} > {last}")
    return first, last


def check_icmp(protocol: str, kind: int | None, code: int | None) -> tuple[int | None, int | None]:
    """ICMP type and code, -1 for all; none for other protocols.

    Raises:
        ApiError: they are out of range, or the protocol is another.
    """
    if protocol != "icmp":
        if kind is not None or code is not None:
            raise invalid("Can specify icmpCode and icmpType for ICMP protocol only")
        return None, None
    kind, code = -1 if kind is None else kind, -1 if code is None else code
    if not -1 <= kind <= 255 or not -1 <= code <= 255:
        raise invalid(f"Invalid icmp type {kind} or code {code}: they should belong to [0-255] range, or be -1 for all")
    return kind, code


def check_cidrs(cidrs: Iterable[str]) -> list[str]:
    """Blocks of addresses.

    Raises:
        ApiError: one is none.
    """
    checked = []
    for text in cidrs:
        try:
            block = IPv4Network(text.strip(), strict=False)
        except ValueError:
            raise invalid(f"Source cidrs formatting error {text}") from None
        if "/" not in text:
            raise invalid(f"Source cidrs formatting error {text}: the prefix length is missing")
        checked.append(str(block))
    return checked
