"""migrateNetwork and migrateVPC: living networks get other offerings, and with them other physical networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import failed, invalid
from ...models.guests import ALLOCATED, ISOLATED, Network
from ...models.machines import RUNNING, STOPPED, VirtualMachine
from ...models.offerings import NetworkOffering
from ...models.topology import ENABLED
from ...models.vpcs import Vpc, VpcOffering
from ...registry import command
from . import live, routing, tiers, vlans
from .networks import operable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ...context import Context
    from ...params import Params


@command("migrateNetwork")
def migrate_network(ctx: Context, params: Params) -> Iterator[Network]:
    """Another offering for an isolated network, on the physical network that the offering's tag names."""
    network = operable(ctx, params.need("networkid", Network))
    offering = params.need("networkofferingid", NetworkOffering)
    yield network
    if network.vpc is not None:
        raise invalid("Failed to migrate network as the specified network is a vpc tier. Use migrateVpc.")
    if offering.forvpc:
        raise invalid("Failed to migrate network as the specified network offering is a VPC offering")
    _check(network, offering)
    _move(ctx, network, offering)


@command("migrateVPC")
def migrate_vpc(ctx: Context, params: Params) -> Iterator[Vpc]:
    """Another offering for a VPC and for each of its tiers; nothing happens where it has that offering already."""
    vpc, offering = params.need("vpcid", Vpc), params.need("vpcofferingid", VpcOffering)
    yield vpc
    if vpc.vpcoffering is offering:
        return
    wanted = {row.get("networkid", ""): row.get("networkofferingid", "") for row in params.rows("tiernetworkofferings")}
    chosen = {tier: _offering_for(ctx, tier, wanted) for tier in vpc.tiers}
    for tier, tier_offering in chosen.items():
        tiers.check_services(vpc.name, offering, tier_offering)
        _check(tier, tier_offering)
    vpc.vpcoffering = offering
    for tier, tier_offering in chosen.items():
        _move(ctx, tier, tier_offering)


def _offering_for(ctx: Context, tier: Network, wanted: Mapping[str, str]) -> NetworkOffering:
    if tier.id not in wanted:
        raise invalid("Failed to migrate VPC as the specified tierNetworkOfferings is not complete")
    offering = ctx.store.get(NetworkOffering, wanted[tier.id])
    if offering is None:
        raise invalid("Failed to migrate VPC as at least one network offering in tierNetworkOfferings does not exist")
    if not offering.forvpc:
        raise invalid(
            f"Network offering {offering.name} ({offering.id}) can't be used for VPC networks for network {tier.name}"
        )
    return offering


def _check(network: Network, offering: NetworkOffering) -> None:
    """Refuse what no migration leads to.

    Raises:
        ApiError: the two offerings differ too much, or the new one is disabled (431), or a VM is on its way (530).
    """
    old = network.networkoffering
    if offering is old:
        return
    if old.guestiptype != ISOLATED:
        raise invalid(f"NetworkOfferingId can be upgraded only for the network of type {ISOLATED}")
    same = ("guestiptype", "traffictype", "specifyipranges")
    if any(getattr(old, name) != getattr(offering, name) for name in same):
        raise invalid(f"Can't upgrade from network offering {old.id} to {offering.id}; check logs for more information")
    if {
        "Lb"
    } <= old.providers.keys() & offering.providers.keys() and old.supportsinternallb != offering.supportsinternallb:
        raise invalid("Original and new offerings support different types of LB - Internal vs Public, can't upgrade")
    vms = (nic.virtualmachine for nic in network.nics if isinstance(nic.virtualmachine, VirtualMachine))
    if any(vm.state not in (RUNNING, STOPPED) for vm in vms):
        raise failed("Failed to migrate network as at least one VM is not in running or stopped state.")
    if offering.state != ENABLED:
        raise invalid("Failed to migrate network as the specified network offering is not enabled.")


def _move(ctx: Context, network: Network, offering: NetworkOffering) -> None:
    if offering is network.networkoffering:
        return
    physical = vlans.physical_network(ctx, network.zone, offering)
    vlans.check_enabled(physical)
    lived = network.state != ALLOCATED
    routing.leave(ctx.store, network)
    network.networkoffering = offering
    if physical is not network.physicalnetwork:
        network.physicalnetwork = physical
        if lived and not offering.specifyvlan:
            network.vlan = vlans.take(ctx, physical, network.owner)
    if lived:
        live.take_source_nat(ctx, network)
        routing.ensure(ctx, network)
