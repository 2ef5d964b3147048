"""Port forwarding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import invalid
from ...models.guests import Network
from ...models.machines import DESTROYED, EXPUNGING, VirtualMachine
from ...models.publicips import PublicIp
from ...models.rules import ACTIVE, FORWARDING, ForwardingRule
from ...registry import command
from . import addresses, firewall
from .conflicts import check_address_rule, check_purpose, check_service
from .guests import address_of
from .protocols import check_cidrs, check_ports, protocol_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...context import Context
    from ...lists import Page
    from ...params import Params

_PROTOCOLS = ("tcp", "udp")


@command("createPortForwardingRule")
def create_forwarding_rule(ctx: Context, params: Params) -> Iterator[ForwardingRule]:
    """Forward ports of an address to a VM; opens the firewall too, unless told otherwise or in a VPC."""
    address, vm = params.need("ipaddressid", PublicIp), params.need("virtualmachineid", VirtualMachine)
    if address.isstaticnat:
        raise invalid(f"Unable to create port forwarding rule; ip {address.ipaddress} has static nat enabled")
    opens = params.flag("openfirewall", default=address.vpc is None)
    if opens and address.vpc is not None:
        raise invalid("Can't have openFirewall=true when IP address belongs to VPC")
    network = addresses.for_rules(ctx, address, params.entity("networkid", Network))
    check_service(network, FORWARDING)
    check_purpose(address, network, FORWARDING)
    first, last = check_ports(params.number("publicport"), params.optional_number("publicendport"))
    private, private_last = check_ports(params.number("privateport"), params.optional_number("privateendport"))
    rule = ForwardingRule(
        owner=address.owner,
        ipaddress=address,
        network=network,
        virtualmachine=_target(vm),
        protocol=_protocol(params.text("protocol")),
        first=first,
        last=last,
        private_first=private or 0,
        private_last=private_last or 0,
        vmguestip=address_of(vm, network, params.optional("vmguestip")),
        cidrs=check_cidrs(params.strings("cidrlist")),
        fordisplay=params.flag("fordisplay", default=True),
    )
    _check_ranges(rule)
    check_address_rule(rule)
    ctx.add(rule)
    if opens:
        try:
            firewall.open_for(ctx, rule)
        except Exception:
            ctx.remove(rule)
            raise
    address.network = network
    yield rule
    rule.state = ACTIVE


def _protocol(text: str) -> str:
    protocol = protocol_of(text, _PROTOCOLS)
    if protocol not in _PROTOCOLS:
        raise invalid(f"Protocol {text} is not supported by port forwarding")
    return protocol


def _target(vm: VirtualMachine) -> VirtualMachine:
    if vm.state in (DESTROYED, EXPUNGING):
        raise invalid(f"Invalid user vm: {vm.name} is {vm.state}")
    return vm


def _check_ranges(rule: ForwardingRule) -> None:
    first, last = rule.first or 0, rule.last or 0
    if rule.private_last - rule.private_first != last - first:
        raise invalid("Source port and destination port ranges should be of equal sizes.")
    if first != last and rule.private_first != first:
        raise invalid("Private port start should be equal to public port start")


@command("listPortForwardingRules")
def list_forwarding_rules(ctx: Context, params: Params) -> Page:
    """Port forwarding rules."""
    return ctx.list(ForwardingRule, params)


@command("updatePortForwardingRule")
def update_forwarding_rule(ctx: Context, params: Params) -> Iterator[ForwardingRule]:
    """Its private ports, its VM, who may use it."""
    rule = params.need("id", ForwardingRule)
    vm = params.entity("virtualmachineid", VirtualMachine) or rule.virtualmachine
    if not isinstance(vm, VirtualMachine) or rule.network is None:
        raise invalid(f"Port forwarding rule {rule.id} forwards to no user VM")
    wanted = params.optional("vmguestip")
    guest = rule.vmguestip
    if vm is not rule.virtualmachine or wanted is not None:
        guest = address_of(_target(vm), rule.network, wanted)
    first = params.number("privateport", rule.private_first)
    last = params.number("privateendport", first + (rule.last or 0) - (rule.first or 0))
    check_ports(first, last)
    if last - first != (rule.last or 0) - (rule.first or 0):
        raise invalid(
            "Unable to update the private port of port forwarding rule as the rule has port range of another size"
        )
    yield rule
    rule.virtualmachine, rule.vmguestip, rule.private_first, rule.private_last = vm, guest, first, last
    if "cidrlist" in params:
        rule.cidrs = check_cidrs(params.strings("cidrlist"))
    ctx.assign(rule, params, "fordisplay")


@command("deletePortForwardingRule")
def delete_forwarding_rule(ctx: Context, params: Params) -> bool:
    """Forward those ports no more."""
    rule = params.need("id", ForwardingRule)
    address = rule.ipaddress
    ctx.remove(rule)
    addresses.leave_tier(address)
    return True
