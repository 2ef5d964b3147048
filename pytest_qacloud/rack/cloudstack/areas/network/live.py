"""How networks come to life before the first machine runs in them, and how they are shut down after the last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import invalid
from ...models.guests import ALLOCATED, IMPLEMENTED, ISOLATED, Network
from ...models.machines import ON_A_HOST, VirtualMachine
from ...models.offerings import NetworkOffering
from ...models.publicips import PublicIp
from ...models.topology import ENABLED
from ...ports_network import chooses_networks, frees_nic, implements_networks
from ...registry import installs, settles
from ...store import Entity
from . import addresses, routing, vlans
from .uses import rules_on_nic

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...context import Context
    from ...identity import Account
    from ...models.guests import Nic
    from ...models.topology import Zone
    from ...server import ManagementServer
    from ...store import Store


DEFAULT_OFFERING = "DefaultIsolatedNetworkOfferingWithSourceNatService"


@dataclass(eq=False, kw_only=True)
class Sweep(Entity):
    """When networks were last looked through for those that nobody uses."""

    at: float


@installs()
def install(server: ManagementServer) -> None:
    """Nothing has been looked through yet."""
    server.store.add(Sweep(at=server.clock.now()), server.clock.now())


@implements_networks
def make_live(ctx: Context, network: Network) -> None:
    """Give a network its VLAN, its source NAT address and its router, where it needs them and has them not.

    Raises:
        ApiError: one of them is not to be had; it is as it was then.
    """
    network.idle_since = None
    if network.state != ALLOCATED:
        routing.ensure(ctx, network)
        if network.networkoffering.ispersistent:
            network.state = IMPLEMENTED
        return
    address: PublicIp | None = None
    try:
        if network.vlan is None and network.physicalnetwork is not None:
            vlans.check_enabled(network.physicalnetwork)
            network.vlan = vlans.take(ctx, network.physicalnetwork, network.owner)
        address = take_source_nat(ctx, network)
        routing.ensure(ctx, network)
    except Exception:
        if address is not None:
            addresses.release(ctx, address)
        network.vlan = None
        raise
    network.state = IMPLEMENTED


def take_source_nat(ctx: Context, network: Network, wanted: str | None = None) -> PublicIp | None:
    """A source NAT address for a network that needs one and has none.

    Raises:
        ApiError: none is left, or the wanted one is not free.
    """
    needs = network.vpc is None and network.type == ISOLATED and "SourceNat" in network.networkoffering.providers
    if not needs or source_nat_of(ctx, network) is not None:
        return None
    return addresses.take(ctx, network.zone, network.owner, network=network, wanted=wanted, issourcenat=True)


def source_nat_of(ctx: Context, network: Network) -> PublicIp | None:
    """The address that a network's machines are seen by."""
    return ctx.store.first(PublicIp, network=network, issourcenat=True)


def shut_down(store: Store, network: Network) -> None:
    """Take a network's router and VLAN away; its addresses and rules stay for the next time."""
    routing.leave(store, network)
    if network.state == IMPLEMENTED:
        network.state = ALLOCATED
        if not network.networkoffering.specifyvlan:
            network.vlan = None
    network.idle_since = None


def restart(ctx: Context, network: Network, *, cleanup: bool) -> None:
    """Make a network's routers anew, or only apply all again.

    Args:
        cleanup: with new routers.

    Raises:
        ApiError: no host has room for a router.
    """
    if cleanup:
        routing.leave(ctx.store, network)
    routing.ensure(ctx, network)
    network.restartrequired = False


@frees_nic
def _check_unused(_ctx: Context, nic: Nic) -> None:
    if rules_on_nic(nic):
        raise invalid(f"Unable to remove nic {nic.id}: rules of its network use its address {nic.ipaddress}")


@chooses_networks
def _default_networks(ctx: Context, zone: Zone, owner: Account) -> Iterable[Network]:
    """The owner's one network of the required offering; made when there is none."""
    from .creation import NetworkWish, create

    if zone.networktype == "Basic" or zone.securitygroupsenabled:
        return ctx.store.all(Network, lambda network: network.usable_by(owner), zone=zone)
    offering = ctx.store.first(NetworkOffering, name=DEFAULT_OFFERING, state=ENABLED)
    own = ctx.store.all(
        Network,
        lambda network: network.vpc is None and "SourceNat" in network.networkoffering.providers,
        zone=zone,
        owner=owner,
        type=ISOLATED,
    )
    if len(own) > 1:
        raise invalid(
            f"More than 1 default Isolated networks are found for account {owner.name}; please specify networkIds"
        )
    if own or offering is None:
        return own
    name = f"{owner.name}-network"
    return [create(ctx, NetworkWish(owner=owner, name=name, displaytext=name, zone=zone, offering=offering))]


@settles
def settle(server: ManagementServer) -> None:
    """Shut networks down that have been without running machines for `network.gc.wait` seconds.

    They are looked through every `network.gc.interval` seconds, and go at the second look, as in CloudStack.
    """
    now, settings = server.clock.now(), server.settings
    interval = float(settings.value("network.gc.interval") or 600)
    sweep = server.store.first(Sweep)
    if sweep is None or now < sweep.at + interval:
        return
    sweep.at = now
    wait = float(settings.value("network.gc.wait") or 600)
    busy = {
        id(nic.network) for vm in server.store.all(VirtualMachine, lambda vm: vm.state in ON_A_HOST) for nic in vm.nics
    }
    for network in server.store.all(Network, state=IMPLEMENTED):
        _sweep(server, network, now, wait, busy=id(network) in busy)


def _sweep(server: ManagementServer, network: Network, now: float, wait: float, *, busy: bool) -> None:
    if busy or network.ispersistent:
        network.idle_since = None
    elif network.idle_since is None:
        network.idle_since = now
    elif now >= network.idle_since + wait:
        shut_down(server.store, network)
