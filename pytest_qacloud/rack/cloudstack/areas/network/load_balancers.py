"""Load balancer rules on public addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import conflict, invalid
from ...models.guests import Network
from ...models.loadbalancers import ALGORITHMS, PROTOCOLS, BalancerMember, BalancerRule
from ...models.machines import VirtualMachine
from ...models.publicips import PublicIp
from ...models.rules import BALANCING
from ...models.topology import Zone
from ...registry import command
from . import addresses, firewall
from .conflicts import check_address_rule, check_purpose, check_service
from .protocols import check_cidrs, check_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...context import Context
    from ...lists import Page
    from ...params import Params

_DNS = 53


def algorithm_of(text: str) -> str:
    """How a rule chooses among its VMs.

    Raises:
        ApiError: it is no such way.
    """
    if text.lower() not in ALGORITHMS:
        raise invalid(f"Invalid algorithm: {text}")
    return text.lower()


def _protocol(text: str) -> str:
    if text.lower() not in PROTOCOLS:
        raise invalid(f"Protocol {text} is not supported by load balancer rules")
    return text.lower()


@command("createLoadBalancerRule")
def create_balancer_rule(ctx: Context, params: Params) -> Iterator[BalancerRule]:
    """A rule without VMs; opens the firewall too, unless told otherwise or in a VPC. By itself it takes an address."""
    algorithm, protocol = algorithm_of(params.text("algorithm")), _protocol(params.text("protocol", "tcp"))
    public, _ = check_ports(params.number("publicport"), None)
    private, _ = check_ports(params.number("privateport"), None)
    address, taken = _address(ctx, params)
    try:
        rule = _make(ctx, params, address, (algorithm, protocol, public or 0, private or 0))
    except Exception:
        if taken:
            addresses.release(ctx, address)
        raise
    ctx.subject = rule
    yield rule


def _address(ctx: Context, params: Params) -> tuple[PublicIp, bool]:
    """The address, and whether it has been taken for this rule."""
    address, network = params.entity("publicipid", PublicIp), params.entity("networkid", Network)
    if address is not None:
        return address, False
    if network is None:
        raise invalid("Unable to create load balancer rule: specify publicipid or networkid")
    zone = params.entity("zoneid", Zone) or network.zone
    return addresses.take(ctx, zone, network.owner, network=network, vpc=network.vpc), True


def _make(ctx: Context, params: Params, address: PublicIp, chosen: tuple[str, str, int, int]) -> BalancerRule:
    algorithm, protocol, public, private = chosen
    if address.isstaticnat:
        raise conflict(f"Can't do load balance on ip address: {address.ipaddress}: it has static nat enabled")
    opens = params.flag("openfirewall", default=address.vpc is None)
    if opens and address.vpc is not None:
        raise invalid("Can't have openFirewall=true when IP address belongs to VPC")
    network = addresses.for_rules(ctx, address, params.entity("networkid", Network))
    check_service(network, BALANCING)
    check_purpose(address, network, BALANCING)
    if network.networkoffering.providers["Lb"] == "InternalLbVm":
        raise invalid(f"Scheme Public is not supported by the network offering {network.networkoffering.name}")
    if public == _DNS and address.issourcenat and "Dns" in network.networkoffering.providers:
        raise invalid(
            "Error adding load balancer rule, cannot add port 53 with network service offering having DNS service and "
            "Source NAT."
        )
    rule = BalancerRule(
        owner=address.owner,
        ipaddress=address,
        network=network,
        title=params.text("name"),
        description=params.optional("description"),
        algorithm=algorithm,
        protocol=protocol,
        first=public,
        last=public,
        private=private,
        cidrs=check_cidrs(params.strings("cidrlist")),
        fordisplay=params.flag("fordisplay", default=True),
    )
    check_address_rule(rule)
    ctx.store.add(rule, ctx.now)
    if opens:
        try:
            firewall.open_for(ctx, rule)
        except Exception:
            ctx.remove(rule)
            raise
    address.network = network
    return rule


@command("listLoadBalancerRules")
def list_balancer_rules(ctx: Context, params: Params) -> Page:
    """Load balancer rules."""
    vm, zone = params.entity("virtualmachineid", VirtualMachine), params.entity("zoneid", Zone)

    def seen(rule: BalancerRule) -> bool:
        if zone is not None and rule.zoneid != zone.id:
            return False
        return vm is None or ctx.store.first(BalancerMember, rule=rule, virtualmachine=vm) is not None

    return ctx.list(BalancerRule, params, seen, ignore=("virtualmachineid", "zoneid"))


@command("updateLoadBalancerRule")
def update_balancer_rule(ctx: Context, params: Params) -> Iterator[BalancerRule]:
    """Name, text, algorithm, protocol, who may use it."""
    rule = params.need("id", BalancerRule)
    algorithm = algorithm_of(params.text("algorithm", rule.algorithm))
    protocol = _protocol(params.text("protocol", rule.protocol))
    cidrs = check_cidrs(params.strings("cidrlist")) if "cidrlist" in params else rule.cidrs
    yield rule
    rule.algorithm, rule.protocol, rule.cidrs = algorithm, protocol, cidrs
    ctx.assign(rule, params, "description", "fordisplay", name="title")


@command("deleteLoadBalancerRule")
def delete_balancer_rule(ctx: Context, params: Params) -> bool:
    """A rule with its policies; its VMs stay."""
    rule = params.need("id", BalancerRule)
    address = rule.ipaddress
    ctx.remove(rule)
    addresses.leave_tier(address)
    return True
