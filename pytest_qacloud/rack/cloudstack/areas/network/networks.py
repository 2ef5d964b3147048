"""Guest networks as callers see them."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from ...errors import denied, failed, invalid
from ...identity import Account, AccountType, Domain, controls
from ...models.guests import ALLOCATED, ISOLATED, SHARED, Network, Nic
from ...models.loadbalancers import BalancerRule
from ...models.machines import VirtualMachine
from ...models.networks import PhysicalNetwork
from ...models.offerings import NetworkOffering
from ...models.publicips import PublicIp
from ...models.routers import Router
from ...models.topology import ENABLED, Zone
from ...models.vpcs import AclList, Vpc
from ...ports_network import checks_network
from ...registry import command
from . import live, portable_ips, pvlan, routing, tiers
from .creation import NetworkWish, create
from .domains import check_domain_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...context import Context
    from ...params import Params


def operable(ctx: Context, network: Network) -> Network:
    """A network that the caller may change: who may only put VMs into it may not.

    Raises:
        ApiError: 531.
    """
    if not controls(ctx.caller, network.owner):
        raise denied(f"{ctx.caller.name} does not have permission to operate with network {network.name}")
    return network


@checks_network
def _check_account(_ctx: Context, network: Network, owner: Account) -> None:
    if network.networkoffering.state != ENABLED and network.state == ALLOCATED:
        raise invalid(f"Network {network.name} cannot be implemented: its offering is {network.networkoffering.state}")
    if network.vpc is not None and network.vpc.owner is not owner and not network.usable_by(owner):
        raise denied(f"Account {owner.name} may not use the VPC {network.vpc.name}")


@command("createNetwork")
def create_network(ctx: Context, params: Params) -> Network:
    """A guest network, or a tier of a VPC."""
    offering, zone = params.need("networkofferingid", NetworkOffering), params.need("zoneid", Zone)
    owner, domain = _owner_or_domain(ctx, params, offering)
    wish = NetworkWish(
        owner=owner,
        name=params.text("name"),
        displaytext=params.text("displaytext", params.text("name")),
        zone=zone,
        offering=offering,
        physical=params.entity("physicalnetworkid", PhysicalNetwork),
        domain=domain,
        subdomainaccess=params.flag("subdomainaccess", default=True) if domain is not None else None,
        gateway=params.optional("gateway"),
        netmask=params.optional("netmask"),
        startip=params.optional("startip"),
        endip=params.optional("endip"),
        vlan=params.optional("vlan"),
        bypass_vlan_check=params.flag("bypassvlanoverlapcheck"),
        networkdomain=params.optional("networkdomain"),
        router_ip=params.optional("routerip"),
        source_nat=params.optional("sourcenatipaddress"),
        vpc=params.entity("vpcid", Vpc),
        acl=params.entity("aclid", AclList),
        associated=params.entity("associatednetworkid", Network),
    )
    if wish.vpc is not None:
        tiers.check(ctx, wish)
    elif wish.acl is not None:
        raise invalid("Parameter aclid can be specified only for networks of a VPC")
    private_vlan = pvlan.wanted(ctx, params, wish)
    network = create(ctx, wish)
    if private_vlan is not None:
        network.private_vlan, network.broadcastdomaintype = private_vlan, "Pvlan"
    network.displaynetwork = params.flag("displaynetwork", default=True)
    ctx.assign(network, params, "externalid", "publicmtu", "privatemtu", dns1="own_dns1", dns2="own_dns2")
    return network


def _owner_or_domain(ctx: Context, params: Params, offering: NetworkOffering) -> tuple[Account, Domain | None]:
    """Whose the network is: an account's, or the system's for a whole domain."""
    shared = offering.guestiptype == SHARED
    acltype = params.text("acltype").capitalize()
    if acltype not in ("", "Account", "Domain"):
        raise invalid("Incorrect aclType specified. Check the API documentation for supported types")
    if not acltype:
        if shared and ctx.caller.accounttype == AccountType.DOMAIN_ADMIN:
            raise invalid("AclType must be specified for shared network created by domain admin")
        acltype = "Domain" if shared and ctx.caller.is_root_admin and params.get("projectid") is None else "Account"
    if acltype == "Account":
        if "subdomainaccess" in params:
            raise invalid("Parameter subDomainAccess can be specified only with aclType=Domain")
        return ctx.owner(params), None
    if not shared:
        raise invalid("Only Shared networks can have aclType=Domain")
    if ctx.caller.accounttype not in (AccountType.ADMIN, AccountType.DOMAIN_ADMIN):
        raise denied("Only admin can create networks with aclType=Domain")
    domain = params.entity("domainid", Domain) or ctx.store.first(Domain, parentdomain=None)
    if domain is None or not (ctx.caller.is_root_admin or ctx.caller.domain.contains(domain)):
        raise denied(f"{ctx.caller.name} does not have permission to access the domain")
    system = ctx.store.first(Account, name="system", isdefault=True)
    return system or ctx.caller, domain


@command("updateNetwork")
def update_network(ctx: Context, params: Params) -> Iterator[Network]:
    """Names, domain, offering, reserved addresses, source NAT address."""
    network = operable(ctx, params.need("id", Network))
    offering = params.entity("networkofferingid", NetworkOffering)
    if offering is not None and offering is not network.networkoffering:
        _check_upgrade(ctx, network, offering, changes_cidr=params.flag("changecidr"))
    if "networkdomain" in params and params.text("networkdomain"):
        if "Dns" not in network.networkoffering.providers:
            raise invalid("Domain name change is not supported for the network: it has no service Dns")
        check_domain_name(params.text("networkdomain"))
    if "guestvmcidr" in params:
        _check_reservation(ctx, network, params.text("guestvmcidr"))
    yield network
    ctx.assign(network, params, "name", "displaytext", "networkdomain", "displaynetwork", "publicmtu", "privatemtu")
    ctx.assign(network, params, dns1="own_dns1", dns2="own_dns2", guestvmcidr="reserved_from")
    if "sourcenatipaddress" in params:
        _move_source_nat(ctx, network, params.text("sourcenatipaddress"))
    if offering is not None and offering is not network.networkoffering:
        lived = network.state != ALLOCATED
        routing.leave(ctx.store, network)
        network.networkoffering = offering
        if lived:
            live.take_source_nat(ctx, network)
            routing.ensure(ctx, network)


def _check_upgrade(ctx: Context, network: Network, offering: NetworkOffering, *, changes_cidr: bool) -> None:
    if offering.state != ENABLED:
        raise invalid(f"Unable to find enabled network offering by id {offering.id}")
    old = network.networkoffering
    if network.type == SHARED:
        raise invalid("Can't update network offering for networks of type Shared")
    if old.guestiptype != offering.guestiptype or old.traffictype != offering.traffictype:
        raise invalid(f"Can't upgrade from network offering {old.id} to {offering.id}: they are of different types")
    if old.specifyvlan != offering.specifyvlan or old.tags != offering.tags or old.forvpc != offering.forvpc:
        raise invalid(f"Can't upgrade from network offering {old.id} to {offering.id}; check the logs for more details")
    if changes_cidr and network.state != ALLOCATED:
        raise invalid("The CIDR of a network cannot be changed while it is implemented")
    lost = set(old.providers) - set(offering.providers)
    rules = {"Lb": ctx.store.first(BalancerRule, network=network)}
    for service in lost:
        if rules.get(service) is not None:
            raise invalid(f"Network offering {offering.name} lacks the service {service} that rules of the network use")


def _check_reservation(ctx: Context, network: Network, text: str) -> None:
    """Machines' addresses only from a part of the network."""
    if network.type != ISOLATED or network.vpc is not None:
        raise invalid("IP Reservation is not supported for networks of type Shared or in VPC")
    try:
        inner = IPv4Network(text)
    except ValueError:
        raise invalid("Invalid format of Guest VM CIDR.") from None
    if network.state == ALLOCATED:
        raise invalid("Cannot apply IP Reservation for network in allocated state")
    around = network.networkcidr or network.cidr
    if around is None or not inner.subnet_of(IPv4Network(around)):
        raise invalid(
            f"Invalid value of Guest VM CIDR. For IP Reservation, Guest VM CIDR should be a subset of network CIDR : "
            f"{around}"
        )
    outside = [
        nic for nic in network.nics if nic.ipaddress and IPv4Network(nic.ipaddress).subnet_of(inner) is False
        and not isinstance(nic.virtualmachine, Router)
    ]  # fmt: skip
    if outside:
        raise invalid(f"IPs of active guest VMs are outside of {text}; unable to apply IP Reservation")


def _move_source_nat(ctx: Context, network: Network, wanted: str) -> None:
    """Another address of the network becomes the one that its machines are seen by."""
    current = live.source_nat_of(ctx, network)
    other = ctx.store.first(PublicIp, network=network, ipaddress=wanted)
    if other is None or other is current or current is None:
        return
    if other.isstaticnat or other.hasrules:
        raise invalid(f"The IP address {wanted} is in use by rules and cannot become the source NAT address")
    current.issourcenat, other.issourcenat = False, True


@command("restartNetwork")
def restart_network(ctx: Context, params: Params) -> bool:
    """Apply all again; with `cleanup` by new routers."""
    network = operable(ctx, params.need("id", Network))
    if network.state == ALLOCATED:
        raise invalid("Network is not in the right state to be restarted. Correct states are: Implemented, Setup")
    if params.flag("makeredundant"):
        if "SourceNat" not in network.networkoffering.providers:
            raise invalid("The network has no source NAT: its router cannot be made redundant")
        network.details["redundant"] = "true"
    cleanup = params.flag("cleanup") or params.flag("makeredundant")
    live.restart(ctx, network, cleanup=cleanup)
    return True


@command("deleteNetwork")
def delete_network(ctx: Context, params: Params) -> bool:
    """A network that no VM is in, with its routers, addresses and rules."""
    network = operable(ctx, params.need("id", Network))
    for nic in ctx.store.all(Nic, network=network):
        if isinstance(nic.virtualmachine, VirtualMachine):
            raise failed(
                f"Failed to delete network: Unable to remove the network {network.name}: VM "
                f"{nic.virtualmachine.name} is in it; destroy and expunge it first"
            )
    routing.leave(ctx.store, network)
    portable_ips.keep(ctx, network)
    return ctx.remove(network)
