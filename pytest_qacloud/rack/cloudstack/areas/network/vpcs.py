"""Virtual private clouds."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from ...errors import denied, invalid
from ...identity import Account, controls
from ...limits import check_limit, counts
from ...models.guests import Network
from ...models.publicips import PublicIp
from ...models.topology import DISABLED, ENABLED, Zone
from ...models.vpcs import AclList, Vpc, VpcOffering
from ...registry import command
from . import addresses, routing
from .domains import check_domain_name, network_domain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...context import Context
    from ...lists import Page
    from ...params import Params
    from ...store import Store

_LARGEST_PREFIX = 29


@counts("vpc")
def _count(store: Store, account: Account) -> int:
    return len(store.all(Vpc, owner=account))


def operable(ctx: Context, vpc: Vpc) -> Vpc:
    """A VPC that the caller may change.

    Raises:
        ApiError: 531.
    """
    if not controls(ctx.caller, vpc.owner):
        raise denied(f"{ctx.caller.name} does not have permission to operate with VPC {vpc.name}")
    return vpc


@command("createVPC")
def create_vpc(ctx: Context, params: Params) -> Iterator[Vpc]:
    """A VPC with its source NAT address; started, with its router, unless `start` is false."""
    owner, zone, offering = ctx.owner(params), params.need("zoneid", Zone), params.need("vpcofferingid", VpcOffering)
    if offering.state != ENABLED:
        raise invalid("Unable to find vpc offering in Enabled state by specified id")
    if not offering.usable_by(owner) or not offering.usable_in(zone):
        raise denied(f"Account {owner.name} has no access to VPC offering {offering.id} in zone {zone.name}")
    if zone.allocationstate == DISABLED and not ctx.caller.is_root_admin:
        raise denied("Cannot perform this operation, Zone is currently disabled")
    if zone.networktype != "Advanced":
        raise invalid(f"VPCs can be created in zones of type Advanced only: {zone.name} is {zone.networktype}")
    check_limit(ctx, owner, "vpc")
    domain = params.optional("networkdomain")
    vpc = Vpc(
        owner=owner,
        name=params.text("name"),
        displaytext=params.text("displaytext", params.text("name")),
        cidr=_cidr(params),
        zone=zone,
        vpcoffering=offering,
        networkdomain=network_domain(ctx, owner, zone) if domain is None else check_domain_name(domain),
        redundantvpcrouter=offering.redundant,
        fordisplay=params.flag("fordisplay", default=True),
        publicmtu=params.optional_number("publicmtu"),
        own_dns1=params.optional("dns1"),
        own_dns2=params.optional("dns2"),
    )
    ctx.add(vpc)
    wanted = params.optional("sourcenatipaddress")
    if wanted is not None:
        try:
            addresses.take(ctx, zone, owner, vpc=vpc, wanted=wanted, issourcenat=True)
        except Exception:
            ctx.remove(vpc)
            raise
    yield vpc
    vpc.state = ENABLED
    if params.flag("start", default=True):
        try:
            start(ctx, vpc)
        except Exception:
            ctx.remove(vpc)
            raise


def _cidr(params: Params) -> str:
    text = params.optional("cidr")
    if text is None:
        raise invalid("VPC cidr or cidr size must be specified")
    try:
        cidr = IPv4Network(text, strict=False)
    except ValueError:
        raise invalid(f"Invalid CIDR specified {text}") from None
    if "/" not in text:
        raise invalid(f"Invalid CIDR specified {text}")
    if not cidr.is_private and not cidr.subnet_of(IPv4Network("100.64.0.0/10")):
        raise invalid(f"Guest Cidr {text} is not RFC1918 compliant")
    if cidr.prefixlen > _LARGEST_PREFIX:
        raise invalid(f"CIDR {text} leaves no room for tiers")
    return text


def start(ctx: Context, vpc: Vpc) -> None:
    """Give a VPC its source NAT address and its running routers, with an interface in each living tier.

    Raises:
        ApiError: no address or no host is left.
    """
    if "SourceNat" in vpc.vpcoffering.providers and ctx.store.first(PublicIp, vpc=vpc, issourcenat=True) is None:
        addresses.take(ctx, vpc.zone, vpc.owner, vpc=vpc, issourcenat=True)
    routing.serve(ctx, vpc, vpc.zone, vpc.owner, redundant=vpc.redundantvpcrouter)
    for tier in vpc.tiers:
        if tier.state == "Implemented":
            routing.ensure(ctx, tier)


@command("listVPCs")
def list_vpcs(ctx: Context, params: Params) -> Page:
    """VPCs."""
    services = {name.lower() for name in params.strings("supportedservices")}
    zone, offering = params.entity("zoneid", Zone), params.entity("vpcofferingid", VpcOffering)

    def seen(vpc: Vpc) -> bool:
        if zone not in (None, vpc.zone) or offering not in (None, vpc.vpcoffering):
            return False
        return services <= {name.lower() for name in vpc.vpcoffering.providers}

    return ctx.list(Vpc, params, seen, ignore=("supportedservices", "zoneid", "vpcofferingid"))


@command("updateVPC")
def update_vpc(ctx: Context, params: Params) -> Iterator[Vpc]:
    """Names, MTU, source NAT address."""
    vpc = operable(ctx, params.need("id", Vpc))
    yield vpc
    ctx.assign(vpc, params, "name", "displaytext", "fordisplay", "publicmtu")
    wanted = params.optional("sourcenatipaddress")
    current = ctx.store.first(PublicIp, vpc=vpc, issourcenat=True)
    other = ctx.store.first(PublicIp, vpc=vpc, ipaddress=wanted)
    if wanted is not None and other is not None and current is not None and other is not current:
        if other.network is not None or other.isstaticnat:
            raise invalid(f"The IP address {wanted} is in use and cannot become the source NAT address")
        current.issourcenat, other.issourcenat = False, True


@command("restartVPC")
def restart_vpc(ctx: Context, params: Params) -> bool:
    """Apply all again; with `cleanup` or `makeredundant` by new routers."""
    vpc = operable(ctx, params.need("id", Vpc))
    if params.flag("makeredundant"):
        vpc.redundantvpcrouter = True
    if params.flag("cleanup") or params.flag("makeredundant"):
        for router in routing.routers_of(ctx.store, vpc):
            ctx.remove(router)
    start(ctx, vpc)
    vpc.restartrequired = False
    return True


@command("deleteVPC")
def delete_vpc(ctx: Context, params: Params) -> bool:
    """A VPC without tiers, with its router, addresses, gateways and access control lists."""
    vpc = operable(ctx, params.need("id", Vpc))
    tiers = ctx.store.all(Network, vpc=vpc)
    if tiers:
        raise invalid(f"Can't delete VPC {vpc.name} as its used by {len(tiers)} networks")
    for acl in ctx.store.all(AclList, vpc=vpc):
        ctx.remove(acl)
    return ctx.remove(vpc)
