"""Public addresses as callers see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...addresses import span, taken
from ...errors import invalid
from ...identity import Account
from ...limits import check_limit
from ...models.guests import SHARED, Network
from ...models.loadbalancers import BalancerRule
from ...models.networks import PhysicalNetwork, VlanRange
from ...models.publicips import FREE, IN_USE, RESERVED, PublicIp, address_id
from ...models.topology import Zone
from ...models.vpcs import Vpc
from ...registry import command
from . import addresses, live, portable_ips
from .networks import operable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...context import Context
    from ...lists import Page
    from ...params import Params


@command("associateIpAddress")
def associate_ip(ctx: Context, params: Params) -> Iterator[PublicIp]:
    """An address for a network, for a VPC, or for later."""
    network, vpc = params.entity("networkid", Network), params.entity("vpcid", Vpc)
    if network is not None and vpc is not None and network.vpc is not vpc:
        raise invalid(f"Network {network.name} is not a tier of the VPC {vpc.name}")
    zone = params.entity("zoneid", Zone) or getattr(network or vpc, "zone", None)
    if network is None and vpc is None:
        network, zone = _only_network(ctx, params, zone)
    if zone is None:
        raise invalid("Unable to figure out zone to assign ip to. Please specify either zoneId, or networkId, or vpcId")
    if network is not None:
        _check_network(ctx, network, zone)
        vpc = network.vpc
    if vpc is not None and vpc.zone is not zone:
        raise invalid(f"VPC {vpc.name} is not in zone {zone.name}")
    holder = network or vpc
    owner = ctx.owner(params) if holder is None else holder.owner
    if params.flag("isportable"):
        address = portable_ips.take(ctx, zone, owner, network=network, vpc=vpc)
    else:
        source = network is not None and vpc is None and _wants_source_nat(ctx, network)
        address = addresses.take(
            ctx, zone, owner, network=network, vpc=vpc, wanted=params.optional("ipaddress"), issourcenat=source
        )
    address.fordisplay = params.flag("fordisplay", default=True)
    ctx.subject = address
    yield address


def _only_network(ctx: Context, params: Params, zone: Zone | None) -> tuple[Network, Zone]:
    """The owner's one isolated network of a zone, for callers that name none."""
    if zone is None:
        raise invalid("Unable to figure out zone to assign ip to. Please specify either zoneId, or networkId, or vpcId")
    owner = ctx.owner(params)
    found = ctx.store.all(
        Network, lambda network: network.vpc is None and "SourceNat" in network.networkoffering.providers, owner=owner
    )
    found = [network for network in found if network.zone is zone]
    if len(found) != 1:
        raise invalid(
            "Failed to associate address: specify the network: "
            f"account {owner.name} has {len(found)} isolated networks in zone {zone.name}"
        )
    return found[0], zone


def _check_network(ctx: Context, network: Network, zone: Zone) -> None:
    operable(ctx, network)
    if network.zone is not zone:
        raise invalid(f"Network {network.name} is not in zone {zone.name}")
    if network.type == SHARED and not {"StaticNat", "Lb"} & set(network.networkoffering.providers):
        raise invalid(f"Unable to associate public IP address to the network {network.name}: it is of type Shared")
    if network.type != SHARED and "SourceNat" not in network.networkoffering.providers:
        raise invalid(f"Network {network.name} has no source NAT: it can have no public IP address")


def _wants_source_nat(ctx: Context, network: Network) -> bool:
    return network.type != SHARED and live.source_nat_of(ctx, network) is None


@command("disassociateIpAddress")
def disassociate_ip(ctx: Context, params: Params) -> bool:
    """An address with all rules on it; not the one that a living network's machines are seen by."""
    address = _named(ctx, params)
    addresses.check_operable(ctx, address)
    addresses.check_releasable(address)
    addresses.release(ctx, address)
    return True


def _named(ctx: Context, params: Params) -> PublicIp:
    address = params.entity("id", PublicIp)
    if address is None and params.optional("ipaddress"):
        text = params.text("ipaddress")
        address = ctx.store.first(PublicIp, lambda other: other.usable_by(ctx.caller), ipaddress=text)
    if address is None or address not in ctx.store:
        raise invalid("Unable to find IP address: specify its id or ipaddress")
    return address


@command("updateIpAddress")
def update_ip(ctx: Context, params: Params) -> PublicIp:
    """Whether it is shown to users."""
    address = params.need("id", PublicIp)
    ctx.assign(address, params, "fordisplay")
    return address


@command("reserveIpAddress")
def reserve_ip(ctx: Context, params: Params) -> PublicIp:
    """A free address kept for an account."""
    address = params.need("id", PublicIp)
    if address.state != FREE:
        raise invalid("Can only reserve a free IP address")
    owner = ctx.owner(params)
    check_limit(ctx, owner, "public_ip")
    address.owner, address.state, address.allocated = owner, RESERVED, ctx.now
    ctx.assign(address, params, "fordisplay")
    return address


@command("releaseIpAddress")
def release_ip(ctx: Context, params: Params) -> bool:
    """A reserved address, or one that nothing uses."""
    address = params.need("id", PublicIp)
    if address.state == IN_USE and (address.network is not None or address.vpc is not None):
        raise invalid("Can't release system or used IP address: disassociate it")
    addresses.release(ctx, address)
    return True


_IGNORED = ("associatednetworkid", "networkid", "vlanid", "zoneid", "vpcid", "allocatedonly", "forloadbalancing")
_ALSO_IGNORED = ("physicalnetworkid", "forprovider", "state")


@command("listPublicIpAddresses")
def list_public_ips(ctx: Context, params: Params) -> Page:
    """Addresses that somebody has; with `allocatedonly` false, or asked for by state, the free ones as well."""
    network = params.entity("associatednetworkid", Network)
    vlan, zone, vpc = params.entity("vlanid", VlanRange), params.entity("zoneid", Zone), params.entity("vpcid", Vpc)
    physical = params.entity("physicalnetworkid", PhysicalNetwork)
    state = params.optional("state")
    everything = not params.flag("allocatedonly", default=True) or (state or "").lower() == FREE.lower()
    if everything:
        _show_free(ctx, zone)

    def seen(address: PublicIp) -> bool:
        if address.state == FREE and not everything:
            return False
        if state is not None and address.state.lower() != state.lower():
            return False
        if vlan not in (None, address.vlan) or zone not in (None, address.vlan.zone) or vpc not in (None, address.vpc):
            return False
        if physical not in (None, address.vlan.physicalnetwork):
            return False
        if params.flag("forloadbalancing") and not _may_balance(address):
            return False
        return network in (None, address.network)

    return ctx.list(PublicIp, params, seen, ignore=(*_IGNORED, *_ALSO_IGNORED))


def _may_balance(address: PublicIp) -> bool:
    others = [rule for rule in rules(address) if not isinstance(rule, BalancerRule)]
    return not address.isstaticnat and not others


def rules(address: PublicIp) -> list[object]:
    """Rules on an address, firewall rules apart."""
    from ...models.rules import FIREWALL, rules_of

    return [rule for rule in rules_of(address) if rule.PURPOSE != FIREWALL]


def _show_free(ctx: Context, zone: Zone | None) -> None:
    """Put the free addresses of public ranges into the store, for as long as nobody takes them."""
    system = ctx.store.first(Account, name="system", isdefault=True) or ctx.caller
    for source in ctx.store.all(VlanRange, forvirtualnetwork=True, network=None):
        if zone not in (None, source.zone):
            continue
        used = taken(ctx.store, source)
        for ipaddress in span(source.startip, source.endip):
            found = address_id(source, ipaddress)
            known = ctx.store.get(PublicIp, found)
            if ipaddress in used and known is not None and known.state == FREE:
                ctx.store.remove(known)
            elif ipaddress not in used and known is None:
                free = PublicIp(id=found, ipaddress=ipaddress, vlan=source, owner=system, state=FREE)
                ctx.store.add(free, ctx.now)
