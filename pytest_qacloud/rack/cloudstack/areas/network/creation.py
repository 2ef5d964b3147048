"""How a guest network is made: whose it may be, which addresses and which VLAN it gets."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

from ... import addresses as ranges
from ...errors import denied, invalid
from ...limits import check_limit, counts
from ...models.guests import ISOLATED, L2, SETUP, SHARED, Network
from ...models.networks import PhysicalNetwork, Provider, VlanRange
from ...models.topology import DISABLED, ENABLED, Zone
from . import ipv6, live, vlans
from .domains import check_domain_name, network_domain

if TYPE_CHECKING:
    from ...context import Context
    from ...identity import Account, Domain
    from ...models.offerings import NetworkOffering
    from ...models.vpcs import AclList, Vpc
    from ...store import Store


@dataclass
class NetworkWish:
    """All that a caller says about a new network. With a `domain` it is for all accounts there."""

    owner: Account
    name: str
    displaytext: str
    zone: Zone
    offering: NetworkOffering
    physical: PhysicalNetwork | None = None
    domain: Domain | None = None
    subdomainaccess: bool | None = None
    gateway: str | None = None
    netmask: str | None = None
    startip: str | None = None
    endip: str | None = None
    vlan: str | None = None
    bypass_vlan_check: bool = False
    networkdomain: str | None = None
    router_ip: str | None = None
    source_nat: str | None = None
    vpc: Vpc | None = None
    acl: AclList | None = None
    associated: Network | None = None


@counts("network")
def _count(store: Store, account: Account) -> int:
    return len(store.all(Network, owner=account))


def create(ctx: Context, wish: NetworkWish) -> Network:
    """Make a network; a persistent one lives at once.

    Raises:
        ApiError: something about the wish is wrong, a limit is reached, or a persistent one cannot live.
    """
    offering, zone = wish.offering, wish.zone
    _check_offering(ctx, wish)
    _check_name(ctx, wish)
    physical = wish.physical or vlans.physical_network(ctx, zone, offering)
    _check_physical(ctx, physical, wish)
    if zone.networktype == "Advanced":  # in a basic zone each pod brings its addresses, by createVlanIpRange
        _check_addresses(ctx, wish)
    vlan = _vlan(ctx, physical, wish)
    if wish.domain is None:
        check_limit(ctx, wish.owner, "network")
    network = Network(
        owner=wish.owner,
        name=wish.name,
        displaytext=wish.displaytext,
        zone=zone,
        networkoffering=offering,
        physicalnetwork=physical,
        vpc=wish.vpc,
        acl=wish.acl,
        shared_domain=wish.domain,
        associatednetwork=wish.associated,
        subdomainaccess=wish.subdomainaccess,
        acltype="Account" if wish.domain is None else "Domain",
        type=offering.guestiptype,
        vlan=vlan,
        gateway=wish.gateway,
        netmask=wish.netmask,
        router_ip=wish.router_ip,
        networkdomain=_network_domain(ctx, wish),
    )
    if offering.internetprotocol != "IPv4" and offering.guestiptype == ISOLATED:
        network.ip6cidr, network.ip6gateway = ipv6.take_subnet(ctx, zone)
    if vlan is not None:
        network.state = SETUP
    ctx.add(network)
    try:
        _finish(ctx, network, physical, wish)
    except Exception:
        ctx.remove(network)
        raise
    return network


def _finish(ctx: Context, network: Network, physical: PhysicalNetwork, wish: NetworkWish) -> None:
    if wish.startip is not None and wish.vpc is None and wish.zone.networktype == "Advanced":
        _add_range(ctx, network, physical, wish)
    if wish.source_nat is not None:
        live.take_source_nat(ctx, network, wish.source_nat)
    if wish.offering.ispersistent:
        live.make_live(ctx, network)


def _check_offering(ctx: Context, wish: NetworkWish) -> None:
    offering, zone = wish.offering, wish.zone
    if offering.traffictype.lower() != "guest":
        raise invalid("Only guest networks can be created from network offerings of traffic type Guest")
    if offering.state != ENABLED:
        raise invalid(f"Can't use specified network offering id as its state is not {ENABLED}")
    if not offering.usable_by(wish.owner) or not offering.usable_in(zone):
        raise denied(f"Account {wish.owner.name} has no access to network offering {offering.id} in zone {zone.name}")
    if zone.allocationstate == DISABLED and not ctx.caller.is_root_admin:
        raise denied("Cannot perform this operation since specified Zone is currently disabled")
    if zone.dedicated_to is not None and not zone.dedicated_to.contains(wish.owner.domain):
        raise denied(f"Zone {zone.name} is dedicated to domain {zone.dedicated_to.name}")
    if zone.networktype == "Basic" and ctx.store.first(Network, zone=zone) is not None:
        raise invalid("Can't have more than one Guest network in zone with network type Basic")
    if zone.networktype == "Advanced" and zone.securitygroupsenabled and offering.guestiptype == ISOLATED:
        raise invalid("Only shared or L2 guest network can be created in security group enabled zone")
    if offering.forvpc != (wish.vpc is not None):
        words = "only for networks in VPC" if offering.forvpc else "not for networks in VPC"
        raise invalid(f"Network offering {offering.name} can be used {words}")
    if wish.vlan is not None and not offering.specifyvlan:
        raise invalid("Can't specify vlan; corresponding offering says specifyVlan=false")
    if wish.vlan is None and offering.specifyvlan and zone.networktype == "Advanced":
        raise invalid("Vlan has to be specified; corresponding offering says specifyVlan=true")
    if not ctx.caller.is_root_admin and (offering.specifyvlan or wish.bypass_vlan_check):
        raise invalid("Only ROOT admin is allowed to specify vlanId or bypass vlan overlap check")


def _check_name(ctx: Context, wish: NetworkWish) -> None:
    unique = not ctx.flag_setting("allow.duplicate.networkname", wish.owner)
    if unique and ctx.store.first(Network, owner=wish.owner, name=wish.name) is not None:
        raise invalid(f"Another network with same name already exists within account: {wish.owner.name}")


def _check_physical(ctx: Context, physical: PhysicalNetwork, wish: NetworkWish) -> None:
    vlans.check_enabled(physical)
    if physical.zone is not wish.zone:
        raise invalid(f"Physical network {physical.name} is not in zone {wish.zone.name}")
    for service, name in wish.offering.providers.items():
        provider = ctx.store.first(Provider, physicalnetwork=physical, name=name)
        if provider is None or provider.state != ENABLED or service not in (*provider.servicelist, "Connectivity"):
            raise invalid(
                f"Provider {name} is either not enabled or doesn't support service {service} on physical network "
                f"{physical.name}"
            )


def _check_addresses(ctx: Context, wish: NetworkWish) -> None:
    """Settle gateway, netmask, and first and last address of the wish."""
    offering, shared = wish.offering, wish.offering.guestiptype == SHARED
    if offering.guestiptype == L2:
        if wish.gateway or wish.netmask or wish.startip:
            raise invalid("Gateway, netmask and IP ranges cannot be given for L2 networks")
        return
    if shared and wish.startip is None and not ctx.flag_setting("allow.empty.start.end.ipaddress", wish.owner):
        raise invalid("Either IPv4 or IPv6 start and end address are mandatory")
    if wish.startip is not None and (wish.gateway is None or wish.netmask is None):
        raise invalid("gateway and netmask should be defined when startIP/endIP are passed in")
    if wish.startip is not None and not offering.specifyipranges and wish.vpc is None and shared:
        raise invalid("Network offering with specified id doesn't support adding multiple ip ranges")
    if wish.gateway is None or wish.netmask is None:
        _take_zone_addresses(wish)
    gateway, netmask = str(wish.gateway), str(wish.netmask)
    around = ranges.network(gateway, netmask)
    if IPv4Address(gateway) in (around.network_address, around.broadcast_address):
        raise invalid("Invalid gateway IP provided. Either the IP is broadcast or network IP.")
    if offering.guestiptype == ISOLATED and not around.is_private and not around.subnet_of(_SHARED_SPACE):
        raise invalid(f"Virtual Guest Cidr {around} is not RFC 1918 or 6598 compliant")
    limit = int(ctx.number_setting("network.guest.cidr.limit"))
    if not ctx.caller.is_root_admin and around.prefixlen < limit:
        raise invalid(f"Cidr size can't be less than {limit}")
    if wish.startip is not None:
        wish.endip = wish.endip or wish.startip
        ranges.check_range(wish.startip, wish.endip, gateway, netmask)
    if wish.router_ip is not None:
        _check_router_ip(wish)


_SHARED_SPACE = IPv4Network("100.64.0.0/10")


def _take_zone_addresses(wish: NetworkWish) -> None:
    """The zone's guest addresses, for isolated networks with source NAT; all of them may have the same."""
    if wish.offering.guestiptype == SHARED or "SourceNat" not in wish.offering.providers:
        raise invalid(
            f"Gateway/netmask are required when creating {wish.offering.guestiptype} networks without service SourceNat"
        )
    if wish.zone.guestcidraddress is None:
        raise invalid(f"Zone {wish.zone.name} has no guest CIDR: gateway and netmask have to be specified")
    around = IPv4Network(wish.zone.guestcidraddress, strict=False)
    wish.gateway, wish.netmask = str(around[1]), str(around.netmask)


def _check_router_ip(wish: NetworkWish) -> None:
    if wish.offering.guestiptype != SHARED:
        raise invalid("Router IP can be specified only for Shared networks")
    address = ranges.address(str(wish.router_ip), "router IP")
    if not IPv4Address(str(wish.startip)) <= address <= IPv4Address(str(wish.endip)):
        raise invalid(f"Router IPv4 IP provided is not within the specified range: {wish.startip} - {wish.endip}")


def _vlan(ctx: Context, physical: PhysicalNetwork, wish: NetworkWish) -> str | None:
    if wish.vlan is not None:
        return vlans.chosen(ctx, physical, wish.vlan, bypass=wish.bypass_vlan_check)
    if wish.offering.guestiptype == SHARED and wish.zone.networktype == "Advanced":
        return wish.associated.vlan if wish.associated is not None else vlans.take(ctx, physical, wish.owner)
    return None


def _network_domain(ctx: Context, wish: NetworkWish) -> str | None:
    if wish.networkdomain is not None:
        if "Dns" not in wish.offering.providers:
            raise invalid(f"Domain name change is not supported by network offering id={wish.offering.id}")
        return check_domain_name(wish.networkdomain)
    if "Dns" not in wish.offering.providers:
        return None
    return network_domain(ctx, wish.owner if wish.domain is None else wish.domain, wish.zone)


def _add_range(ctx: Context, network: Network, physical: PhysicalNetwork, wish: NetworkWish) -> None:
    """The addresses that a network gives out; on one VLAN no two ranges overlap."""
    wanted = (str(wish.startip), str(wish.endip))
    vlan = f"vlan://{network.vlan or vlans.UNTAGGED}"
    for other in ctx.store.all(VlanRange, zone=wish.zone, vlan=vlan):
        if ranges.overlap(wanted, (other.startip, other.endip)):
            raise invalid(f"The IP range {wanted[0]}-{wanted[1]} overlaps with {other.name} on {vlan}")
    ctx.store.add(
        VlanRange(
            zone=wish.zone,
            physicalnetwork=physical,
            network=network,
            forvirtualnetwork=False,
            vlan=vlan,
            gateway=str(network.gateway),
            netmask=str(network.netmask),
            startip=wanted[0],
            endip=wanted[1],
        ),
        ctx.now,
    )
