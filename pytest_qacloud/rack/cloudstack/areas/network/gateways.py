"""Private gateways of VPCs, and static routes."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

from ... import addresses as ranges
from ...errors import conflict, failed, invalid
from ...models.guests import Network
from ...models.networks import PhysicalNetwork, TrafficType, VlanRange
from ...models.vpcs import AclList, PrivateGateway, StaticRoute, Vpc
from ...registry import command
from . import vlans
from .tiers import DEFAULT_DENY
from .vpcs import operable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...context import Context
    from ...lists import Page
    from ...params import Params

_LINK_LOCAL = IPv4Network("169.254.0.0/16")
_READY = "Ready"


@command("createPrivateGateway")
def create_private_gateway(ctx: Context, params: Params) -> Iterator[PrivateGateway]:
    """A VPC's way into a private network, on a VLAN of its own or on an L2 network's."""
    vpc, acl = operable(ctx, params.need("vpcid", Vpc)), params.entity("aclid", AclList)
    if acl is not None and acl.vpc not in (None, vpc):
        raise invalid("Private gateway and network acl are not in the same vpc.")
    address, gateway, netmask = (params.text(name) for name in ("ipaddress", "gateway", "netmask"))
    around = ranges.network(gateway, netmask)
    if ranges.address(address, "private gateway") not in around or address == gateway:
        raise invalid(f"The IP address {address} is not one of {around}, or is the gateway's")
    physical, vlan = _vlan(ctx, params, vpc)
    for other in ctx.store.all(PrivateGateway, physicalnetwork=physical, vlan=vlan):
        if other.vpc is vpc:
            raise invalid(f"Private gateway of the VPC {vpc.name} on VLAN {vlan} exists already: {other.ipaddress}")
        if other.ipaddress == address:
            raise invalid(f"Private ip address {address} already used for private gateway in zone {vpc.zone.name}")
    found = PrivateGateway(
        owner=vpc.owner,
        vpc=vpc,
        physicalnetwork=physical,
        acl=acl or ctx.store.first(AclList, vpc=None, name=DEFAULT_DENY),
        ipaddress=address,
        gateway=gateway,
        netmask=netmask,
        vlan=vlan,
        sourcenatsupported=params.flag("sourcenatsupported"),
    )
    yield ctx.add(found)
    found.state = _READY


def _vlan(ctx: Context, params: Params, vpc: Vpc) -> tuple[PhysicalNetwork, str]:
    """The physical network and the VLAN that a gateway is on."""
    associated, wanted = params.entity("associatednetworkid", Network), params.optional("vlan")
    if wanted is None and associated is None:
        raise invalid("One of vlanId and associatedNetworkId must be specified")
    if wanted is not None and associated is not None:
        raise invalid("vlanId and associatedNetworkId are mutually exclusive")
    if wanted is not None and not ctx.caller.is_root_admin:
        raise invalid("Only ROOT admin is allowed to specify vlanId or bypass vlan overlap check")
    if associated is not None:
        if associated.physicalnetwork is None or associated.vlan is None:
            raise invalid(f"Network {associated.name} has no VLAN yet")
        return associated.physicalnetwork, associated.vlan
    physical = params.entity("physicalnetworkid", PhysicalNetwork) or _guest_network(ctx, vpc)
    shared = any(other.vlan == str(wanted) for other in ctx.store.all(PrivateGateway, physicalnetwork=physical))
    bypass = params.flag("bypassvlanoverlapcheck") or shared
    return physical, vlans.chosen(ctx, physical, str(wanted), bypass=bypass)


def _guest_network(ctx: Context, vpc: Vpc) -> PhysicalNetwork:
    found = [
        traffic.physicalnetwork
        for traffic in ctx.store.all(TrafficType, traffictype="Guest")
        if traffic.physicalnetwork.zone is vpc.zone
    ]
    if len(found) != 1:
        raise invalid("Physical network can't be determined; pass physical network id")
    return found[0]


@command("listPrivateGateways")
def list_private_gateways(ctx: Context, params: Params) -> Page:
    """Private gateways."""
    return ctx.list(PrivateGateway, params)


@command("deletePrivateGateway")
def delete_private_gateway(ctx: Context, params: Params) -> bool:
    """A gateway that no static route goes over."""
    gateway = params.need("id", PrivateGateway)
    routes = len(ctx.store.all(StaticRoute, vpcgateway=gateway))
    if routes:
        raise failed(
            f"Can't delete private gateway {gateway.ipaddress} as it has {routes} static routes applied. Remove the "
            "routes first"
        )
    return ctx.remove(gateway)


@command("createStaticRoute")
def create_static_route(ctx: Context, params: Params) -> Iterator[StaticRoute]:
    """Send packets for a block of addresses over a private gateway or to a next hop."""
    gateway, hop = params.entity("gatewayid", PrivateGateway), params.optional("nexthop")
    if gateway is None and hop is None:
        raise invalid("one of gatewayId and nextHop must be specified")
    if gateway is not None and hop is not None:
        raise invalid("Only one of gatewayId and nextHop can be specified")
    if gateway is not None and gateway.state != _READY:
        raise invalid(f"Gateway is not in the {_READY} state: {gateway.state}")
    vpc = params.entity("vpcid", Vpc) or (None if gateway is None else gateway.vpc)
    if vpc is None:
        raise invalid("vpcId must be specified")
    if gateway is not None and gateway.vpc is not vpc:
        raise invalid("Invalid gateway id is given")
    operable(ctx, vpc)
    cidr = _cidr(ctx, params.text("cidr"), vpc)
    if hop is not None:
        _check_hop(ctx, hop, vpc)
    for other in ctx.store.all(StaticRoute, vpc=vpc):
        if IPv4Network(other.cidr).overlaps(cidr):
            raise conflict(f"New static route cidr conflicts with existing route {other.cidr}")
    route = StaticRoute(owner=vpc.owner, vpc=vpc, vpcgateway=gateway, nexthop=hop, cidr=str(cidr))
    yield ctx.add(route)
    route.state = "Active"


def _cidr(ctx: Context, text: str, vpc: Vpc) -> IPv4Network:
    try:
        cidr = IPv4Network(text, strict=False)
    except ValueError:
        raise invalid(f"Invalid format for cidr {text}") from None
    if cidr.overlaps(vpc.block):
        raise invalid(f"CIDR should be outside of VPC cidr {vpc.cidr}")
    if cidr.overlaps(_LINK_LOCAL):
        raise invalid(f"CIDR should be outside of link local cidr {_LINK_LOCAL}")
    for denied in filter(None, ctx.setting("denied.routes", vpc.zone).split(",")):
        if cidr.overlaps(IPv4Network(denied.strip(), strict=False)):
            raise invalid(
                "The static gateway cidr overlaps with one of the denied routes of the zone the VPC belongs to"
            )
    return cidr


def _check_hop(ctx: Context, hop: str, vpc: Vpc) -> None:
    """A next hop is in the VPC, or in a network that its router has an interface in."""
    address = ranges.address(hop, "next hop")
    reached = [vpc.block]
    reached += [ranges.network(item.gateway, item.netmask) for item in ctx.store.all(PrivateGateway, vpc=vpc)]
    public = ctx.store.all(VlanRange, zone=vpc.zone, forvirtualnetwork=True, network=None)
    reached += [IPv4Network(item.cidr) for item in public]
    if not any(IPv4Address(address) in around for around in reached):
        raise invalid(f"Next hop {hop} is invalid. It must be within VPC CIDR or on the same public or private network")


@command("listStaticRoutes")
def list_static_routes(ctx: Context, params: Params) -> Page:
    """Static routes."""
    gateway = params.entity("gatewayid", PrivateGateway)
    return ctx.list(StaticRoute, params, lambda route: gateway in (None, route.vpcgateway), ignore=("gatewayid",))


@command("deleteStaticRoute")
def delete_static_route(ctx: Context, params: Params) -> bool:
    """A static route."""
    return ctx.remove(params.need("id", StaticRoute))
