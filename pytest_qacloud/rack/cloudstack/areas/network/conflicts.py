"""Whether a new rule contradicts those that there are (CloudStack's FirewallManagerImpl.detectRulesConflict)."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from ...errors import conflict, invalid
from ...models.rules import (
    BALANCING,
    FIREWALL,
    FORWARDING,
    STATIC_NAT,
    VPN,
    AddressRule,
    EgressRule,
    FirewallRule,
    Rule,
    egress_of,
    rules_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...models.guests import Network
    from ...models.publicips import PublicIp

SOURCE_NAT = "SourceNat"
_SERVICES = {FORWARDING: "PortForwarding", BALANCING: "Lb", STATIC_NAT: "StaticNat", VPN: "Vpn", FIREWALL: "Firewall"}
_SAME_IF_TCP = {"tcp-proxy": "tcp", "ssl": "tcp"}
_DISTINCT_BY_PROTOCOL = {
    (FORWARDING, FORWARDING),
    (VPN, FORWARDING),
    (FORWARDING, VPN),
    (BALANCING, VPN),
    (STATIC_NAT, STATIC_NAT),
    (VPN, VPN),
}
"""Purposes of an old and a new rule that may share ports of different protocols."""


def check_service(network: Network, purpose: str) -> None:
    """Refuse a rule that a network's offering has no service for.

    Raises:
        ApiError: it has none.
    """
    service = _SERVICES[purpose]
    if service not in network.networkoffering.providers:
        raise invalid(f"Unable to create the rule: service {service} is not supported in network {network.name}")


def check_purpose(address: PublicIp, network: Network, purpose: str) -> None:
    """Refuse a second purpose for an address of a network whose offering does not conserve addresses.

    Raises:
        ApiError: the address serves another purpose already.
    """
    if network.networkoffering.conservemode:
        return
    used = {rule.PURPOSE for rule in rules_of(address)} - {FIREWALL}
    if address.isstaticnat:
        used.add(STATIC_NAT)
    if address.issourcenat:
        used.add(SOURCE_NAT)
    others = used - {purpose} - ({SOURCE_NAT} if purpose == VPN else set())
    if others:
        raise invalid(
            f"The IP address {address.ipaddress} is used for {', '.join(sorted(others))}: with the network's offering "
            f"(conserve mode off) it can't be used for {purpose} as well"
        )


def check_address_rule(new: AddressRule) -> None:
    """Refuse a rule that contradicts another one of its address.

    Raises:
        ApiError: 537, or 431 for the same ICMP rule.
    """
    for old in rules_of(new.ipaddress):
        if old is not new:
            _check(old, new)


def check_egress_rule(network: Network, new: EgressRule) -> None:
    """Refuse an egress rule that contradicts another one of its network.

    Raises:
        ApiError: 537, or 431 for the same ICMP rule.
    """
    for old in egress_of(network):
        if old is not new:
            _check(old, new)


def _check(old: Rule, new: Rule) -> None:
    same_protocol = _protocol(old) == _protocol(new)
    firewalls = (old.PURPOSE == FIREWALL) + (new.PURPOSE == FIREWALL)
    if firewalls == 1 or (firewalls == 2 and not same_protocol):
        return
    if (old.PURPOSE == STATIC_NAT) != (new.PURPOSE == STATIC_NAT):
        raise conflict("There is 1 to 1 Nat rule, or another one, specified for the ip address already")
    if old.network is not new.network:
        raise conflict(f"New rule is for a different network than what's specified in rule {old.id}")
    shared = _share(old.cidrs, new.cidrs) and (firewalls != 2 or _share(_destinations(old), _destinations(new)))
    if firewalls == 2 and new.protocol == "icmp":
        if shared and _icmp(old) == _icmp(new):
            raise invalid(f"New rule conflicts with existing rule: {old.id}")
        return
    if old.first is None and new.first is None and shared and same_protocol:
        raise conflict(f"There is already a firewall rule specified with protocol = {new.protocol} and no ports")
    if old.first is None or new.first is None or old.last is None or new.last is None:
        return
    if old.last < new.first or new.last < old.first:
        return
    if old.PURPOSE == new.PURPOSE and old.PURPOSE in (FIREWALL, FORWARDING) and not shared:
        return
    if not same_protocol and (old.PURPOSE, new.PURPOSE) in _DISTINCT_BY_PROTOCOL:
        return
    raise conflict(
        f"The range specified, {new.first}-{new.last}, conflicts with rule {old.id} which has {old.first}-{old.last}"
    )


def _protocol(rule: Rule) -> str:
    return _SAME_IF_TCP.get(rule.protocol, rule.protocol)


def _icmp(rule: Rule) -> tuple[int | None, int | None]:
    return (rule.icmptype, rule.icmpcode) if isinstance(rule, FirewallRule | EgressRule) else (None, None)


def _destinations(rule: Rule) -> list[str]:
    return rule.destinations if isinstance(rule, EgressRule) else []


def _share(first: Iterable[str], second: Iterable[str]) -> bool:
    """Whether two lists of blocks have addresses in common; an empty one stands for all."""
    ours = [IPv4Network(text) for text in first]
    theirs = [IPv4Network(text) for text in second]
    return not ours or not theirs or any(a.overlaps(b) for a in ours for b in theirs)
