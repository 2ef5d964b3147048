"""Firewall rules of public addresses, and egress rules of networks."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from ...errors import invalid
from ...models.guests import SHARED, Network
from ...models.publicips import PublicIp
from ...models.rules import ACTIVE, FIREWALL, AddressRule, EgressRule, FirewallRule
from ...registry import command
from . import addresses
from .conflicts import check_address_rule, check_egress_rule, check_service
from .networks import operable
from .protocols import check_cidrs, check_icmp, check_ports, protocol_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...context import Context
    from ...lists import Page
    from ...params import Params

_INGRESS = ("tcp", "udp", "icmp")
_EGRESS = ("tcp", "udp", "icmp", "all")
_ANYWHERE = "0.0.0.0/0"


def _ports(params: Params, protocol: str) -> tuple[int | None, int | None]:
    first, last = params.optional_number("startport"), params.optional_number("endport")
    if protocol in ("tcp", "udp"):
        return check_ports(first, last)
    if first is not None or last is not None:
        raise invalid(f"Can't specify start/end port when protocol is {protocol.upper()}")
    return None, None


def _known(text: str, protocols: tuple[str, ...]) -> str:
    protocol = protocol_of(text, protocols)
    if protocol not in protocols:
        raise invalid(f"Protocol {text} is not supported by the firewall; it has to be one of {', '.join(protocols)}")
    return protocol


@command("createFirewallRule")
def create_firewall_rule(ctx: Context, params: Params) -> Iterator[FirewallRule]:
    """Let packets in to an address."""
    address = params.need("ipaddressid", PublicIp)
    if address.vpc is not None:
        raise invalid("Unable to create firewall rule for the ip address of a VPC: VPCs have network ACLs")
    network = addresses.for_rules(ctx, address)
    check_service(network, FIREWALL)
    protocol = _known(params.text("protocol"), _INGRESS)
    first, last = _ports(params, protocol)
    kind, code = check_icmp(protocol, params.optional_number("icmptype"), params.optional_number("icmpcode"))
    rule = FirewallRule(
        owner=address.owner,
        ipaddress=address,
        network=network,
        protocol=protocol,
        first=first,
        last=last,
        icmptype=kind,
        icmpcode=code,
        cidrs=check_cidrs(params.strings("cidrlist")) or [_ANYWHERE],
        fordisplay=params.flag("fordisplay", default=True),
    )
    check_address_rule(rule)
    yield ctx.add(rule)
    rule.state = ACTIVE


def open_for(ctx: Context, rule: AddressRule) -> None:
    """Let packets in for another rule, unless a firewall rule does already; goes with that rule.

    Raises:
        ApiError: the network has no firewall.
    """
    if rule.network is None:
        return
    check_service(rule.network, FIREWALL)
    protocol = {"tcp-proxy": "tcp", "ssl": "tcp"}.get(rule.protocol, rule.protocol)
    opened = FirewallRule(
        owner=rule.owner,
        ipaddress=rule.ipaddress,
        network=rule.network,
        protocol=protocol,
        first=rule.first,
        last=rule.last,
        cidrs=[_ANYWHERE],
        related=rule,
        state=ACTIVE,
    )
    same = ctx.store.first(FirewallRule, ipaddress=rule.ipaddress, protocol=protocol, first=rule.first, last=rule.last)
    if same is None:
        check_address_rule(opened)
        ctx.store.add(opened, ctx.now)


@command("listFirewallRules")
def list_firewall_rules(ctx: Context, params: Params) -> Page:
    """Firewall rules."""
    return ctx.list(FirewallRule, params)


@command("updateFirewallRule")
def update_firewall_rule(ctx: Context, params: Params) -> FirewallRule:
    """Whether it is shown to users."""
    rule = params.need("id", FirewallRule)
    ctx.assign(rule, params, "fordisplay")
    return rule


@command("deleteFirewallRule")
def delete_firewall_rule(ctx: Context, params: Params) -> bool:
    """Let those packets in no more."""
    return ctx.remove(params.need("id", FirewallRule))


@command("createEgressFirewallRule")
def create_egress_rule(ctx: Context, params: Params) -> Iterator[EgressRule]:
    """An exception from what a network's offering says about packets that leave it."""
    network = operable(ctx, params.need("networkid", Network))
    if network.type == SHARED:
        raise invalid("Egress firewall rules are not supported for Shared  networks")
    if network.vpc is not None:
        raise invalid("Unable to create egress firewall rule for a VPC's network: VPCs have network ACLs")
    check_service(network, FIREWALL)
    protocol = _known(params.text("protocol"), _EGRESS)
    first, last = _ports(params, protocol)
    kind, code = check_icmp(protocol, params.optional_number("icmptype"), params.optional_number("icmpcode"))
    rule = EgressRule(
        owner=network.owner,
        network=network,
        protocol=protocol,
        first=first,
        last=last,
        icmptype=kind,
        icmpcode=code,
        cidrs=_sources(network, params.strings("cidrlist")),
        destinations=check_cidrs(params.strings("destcidrlist")),
        fordisplay=params.flag("fordisplay", default=True),
    )
    check_egress_rule(network, rule)
    yield ctx.add(rule)
    rule.state = ACTIVE


def _sources(network: Network, wanted: list[str]) -> list[str]:
    """Blocks within the network; all of it stands for anywhere."""
    around = network.networkcidr or network.cidr or _ANYWHERE
    sources = []
    for cidr in check_cidrs(wanted) or [around]:
        if cidr == _ANYWHERE:
            sources.append(around)
        elif not IPv4Network(cidr).subnet_of(IPv4Network(around)):
            raise invalid(f"{cidr} is not within the guest cidr {around}")
        else:
            sources.append(cidr)
    return sources


@command("listEgressFirewallRules")
def list_egress_rules(ctx: Context, params: Params) -> Page:
    """Egress rules."""
    return ctx.list(EgressRule, params)


@command("updateEgressFirewallRule")
def update_egress_rule(ctx: Context, params: Params) -> EgressRule:
    """Whether it is shown to users."""
    rule = params.need("id", EgressRule)
    ctx.assign(rule, params, "fordisplay")
    return rule


@command("deleteEgressFirewallRule")
def delete_egress_rule(ctx: Context, params: Params) -> bool:
    """An egress rule."""
    return ctx.remove(params.need("id", EgressRule))
