"""Static NAT: an address that is one VM's alone, and the ports that it lets through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import conflict, invalid
from ...models.guests import Network
from ...models.machines import DESTROYED, EXPUNGING, VirtualMachine
from ...models.publicips import PublicIp
from ...models.rules import ACTIVE, FIREWALL, STATIC_NAT, IpForwardingRule, rules_of
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


@command("enableStaticNat")
def enable_static_nat(ctx: Context, params: Params) -> bool:
    """Make an address one VM's."""
    address, vm = params.need("ipaddressid", PublicIp), params.need("virtualmachineid", VirtualMachine)
    tier = params.entity("networkid", Network)
    if tier is None and address.network is None and address.vpc is not None:
        tier = next((nic.network for nic in vm.nics if nic.network.vpc is address.vpc), None)
    network = addresses.for_rules(ctx, address, tier)
    check_service(network, STATIC_NAT)
    check_purpose(address, network, STATIC_NAT)
    if vm.state in (DESTROYED, EXPUNGING):
        raise invalid(f"Invalid user vm: {vm.name} is {vm.state}")
    if vm.owner is not address.owner and not network.usable_by(vm.owner):
        raise invalid(f"Ip address {address.ipaddress} and VM {vm.name} don't belong to the same owner")
    guest = address_of(vm, network, params.optional("vmguestip"))
    _check_free(ctx, address, vm, guest)
    address.network, address.virtualmachine, address.vmguestip = network, vm, guest
    ctx.subject = address
    return True


def _check_free(ctx: Context, address: PublicIp, vm: VirtualMachine, guest: str) -> None:
    if address.issourcenat:
        raise invalid(f"Can't enable static, ip address {address.ipaddress} is a sourceNat ip address")
    if address.virtualmachine not in (None, vm):
        raise conflict(
            f"Failed to enable static for the ip address {address.ipaddress} and vm id={vm.id} as it's already "
            "assigned to another vm"
        )
    others = [rule for rule in rules_of(address) if rule.PURPOSE not in (FIREWALL, STATIC_NAT)]
    if others:
        raise conflict(
            f"Failed to enable static nat for the ip address {address.ipaddress} as it already has "
            f"{others[0].PURPOSE} rules assigned"
        )
    held = ctx.store.first(PublicIp, virtualmachine=vm, vmguestip=guest)
    if held is not None:
        raise invalid(
            f"Failed to enable static nat on the  ip {address.ipaddress} with Id {address.id} as the vm {vm.name} "
            f"with Id {vm.id} is already associated with another public ip {held.ipaddress} with id {held.id}"
        )


@command("disableStaticNat")
def disable_static_nat(ctx: Context, params: Params) -> bool:
    """Make an address nobody's alone again; its rules go."""
    address = params.need("ipaddressid", PublicIp)
    if address.virtualmachine is None:
        raise invalid("Specified IP address id is not associated with any vm Id")
    for rule in rules_of(address):
        if rule in ctx.store:
            ctx.remove(rule)
    address.virtualmachine = address.vmguestip = None
    addresses.leave_tier(address)
    return True


@command("createIpForwardingRule")
def create_ip_forwarding_rule(ctx: Context, params: Params) -> Iterator[IpForwardingRule]:
    """Ports that a static NAT address lets through."""
    address = params.need("ipaddressid", PublicIp)
    vm = address.virtualmachine
    if vm is None:
        raise invalid(f"Can't create ip forwarding rule; static nat is not enabled for {address.ipaddress}")
    network = addresses.for_rules(ctx, address)
    first, last = check_ports(params.number("startport"), params.optional_number("endport"))
    rule = IpForwardingRule(
        owner=address.owner,
        ipaddress=address,
        network=network,
        virtualmachine=vm,
        protocol=protocol_of(params.text("protocol"), ("tcp", "udp")),
        first=first,
        last=last,
        cidrs=check_cidrs(params.strings("cidrlist")),
    )
    check_address_rule(rule)
    ctx.add(rule)
    if params.flag("openfirewall", default=address.vpc is None):
        try:
            firewall.open_for(ctx, rule)
        except Exception:
            ctx.remove(rule)
            raise
    yield rule
    rule.state = ACTIVE


@command("listIpForwardingRules")
def list_ip_forwarding_rules(ctx: Context, params: Params) -> Page:
    """Ports that static NAT addresses let through."""
    return ctx.list(IpForwardingRule, params)


@command("deleteIpForwardingRule")
def delete_ip_forwarding_rule(ctx: Context, params: Params) -> bool:
    """Those ports no more."""
    return ctx.remove(params.need("id", IpForwardingRule))
