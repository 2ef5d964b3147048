"""Virtual routers at work: made where a network needs one, on a host, restarted elsewhere when the host is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import capacity, placement
from ...errors import no_capacity
from ...models.guests import SHARED, Network, Nic
from ...models.offerings import ServiceOffering
from ...models.routers import CPU_MHZ, INTERNAL_LB, MEMORY_BYTES, ROUTER, Router
from ...models.vpcs import Vpc
from ...ports_network import address_in, next_mac
from ...registry import settles

if TYPE_CHECKING:
    from ...context import Context
    from ...identity import Account
    from ...models.topology import Host, Zone
    from ...server import ManagementServer
    from ...store import Store

RUNNING, STOPPED = "Running", "Stopped"
OFFERINGS = {ROUTER: "domainrouter", INTERNAL_LB: "internalloadbalancervm"}
"""`systemvmtype` of the offering of each role."""

_ROUTERS = frozenset({"VirtualRouter", "VpcVirtualRouter"})
_PRIMARY, _BACKUP = "PRIMARY", "BACKUP"


@capacity.uses_host
def _load(store: Store, host: Host) -> tuple[int, int, int]:
    here = len(store.all(Router, host=host))
    return here, here * CPU_MHZ, here * MEMORY_BYTES


@placement.leaves_host
def _leave(ctx: Context, host: Host, force: bool) -> bool:
    empty = True
    for router in ctx.store.all(Router, host=host):
        if _place(ctx.store, router, avoid=host):
            continue
        if force:
            halt(router)
        else:
            empty = False
    return empty


@settles
def settle(server: ManagementServer) -> None:
    """Restart routers that were on a lost host on another one, as soon as one has room."""
    store = server.store
    for host in {router.host for router in store.all(Router)}:
        if host is not None and host.state != "Up":
            for router in store.all(Router, host=host):
                _place(store, router, avoid=host)


def _place(store: Store, router: Router, avoid: Host | None = None) -> bool:
    others = [twin.host for twin in routers_of(store, router.vpc or router.network) if twin is not router and twin.host]
    avoided = [host for host in (avoid, *others) if host is not None]
    found = placement.hosts_for(store, router.zone, CPU_MHZ, MEMORY_BYTES, avoid=avoided)
    if not found and others:
        found = placement.hosts_for(store, router.zone, CPU_MHZ, MEMORY_BYTES, avoid=[avoid] if avoid else [])
    if not found:
        return False
    router.host, router.pod, router.hypervisor = found[0], found[0].pod, found[0].hypervisor
    return True


def routers_of(store: Store, served: Vpc | Network | None, role: str = ROUTER) -> list[Router]:
    """A network's or a VPC's routers; those of its VPC for a tier."""
    if isinstance(served, Network) and served.vpc is not None and role == ROUTER:
        served = served.vpc
    if isinstance(served, Vpc):
        return store.all(Router, vpc=served, role=role)
    return store.all(Router, network=served, role=role)


def needs_router(network: Network) -> bool:
    """Whether one of its services is a router's."""
    return not _ROUTERS.isdisjoint(network.networkoffering.providers.values())


def ensure(ctx: Context, network: Network) -> None:
    """Give a network running routers: its own, or its VPC's with an interface in it.

    Raises:
        ApiError: no host has room for one.
    """
    if not needs_router(network):
        return
    served: Vpc | Network = network.vpc or network
    for router in serve(ctx, served, network.zone, network.owner, redundant=network.redundantrouter):
        if not any(nic.network is network for nic in router.guest_nics):
            _join(ctx, router, network)


def serve(ctx: Context, served: Vpc | Network, zone: Zone, owner: Account, *, redundant: bool) -> list[Router]:
    """The running routers of a network or a VPC: one, or two redundant ones; made or started where needed.

    Raises:
        ApiError: no host has room for one; the ones made now are gone again.
    """
    routers = routers_of(ctx.store, served)
    made: list[Router] = []
    while len(routers) < (2 if redundant else 1):
        router = make(ctx, served, zone, owner, redundant=redundant)
        routers.append(router)
        made.append(router)
    for router in routers:
        if router.state == RUNNING:
            continue
        try:
            start(ctx, router)
        except Exception:
            for other in made:
                ctx.remove(other)
            raise
    _elect(routers)
    return routers


def make(
    ctx: Context, served: Vpc | Network, zone: Zone, owner: Account, *, role: str = ROUTER, redundant: bool = False
) -> Router:
    """A new router, not started."""
    store = ctx.store
    chosen = served.vpcoffering if isinstance(served, Vpc) else served.networkoffering
    offering = chosen.serviceoffering if role == ROUTER else None
    offering = offering or store.first(ServiceOffering, issystem=True, systemvmtype=OFFERINGS[role])
    router = Router(
        owner=owner,
        name=f"{'r' if role == ROUTER else 'b'}-{store.next_number('vm')}-VM",
        zone=zone,
        role=role,
        vpc=served if isinstance(served, Vpc) else None,
        network=served if isinstance(served, Network) else None,
        isredundantrouter=redundant,
        version=ctx.server.version,
        scriptsversion=ctx.server.version,
        linklocalip=f"169.254.{store.next_number('linklocal') % 250}.3",
        linklocalmacaddress=next_mac(store),
        publicmacaddress=next_mac(store),
        serviceofferingid=None if offering is None else offering.id,
        serviceofferingname=None if offering is None else offering.name,
    )
    return store.add(router, ctx.now)


def start(ctx: Context, router: Router) -> None:
    """Put a router on a host.

    Raises:
        ApiError: none has room.
    """
    if not _place(ctx.store, router):
        raise no_capacity(
            f"Unable to start router {router.name}: Unable to create a deployment, no host of zone {router.zone.name} "
            "has room for it"
        )
    router.state, router.requiresupgrade = RUNNING, False


def halt(router: Router) -> None:
    """Take a router off its host."""
    router.state, router.host, router.redundantstate = STOPPED, None, "UNKNOWN"


def _join(ctx: Context, router: Router, network: Network) -> None:
    """Give a router its interface: with the gateway's address, or where it is only a guest with one of its own."""
    first = ctx.store.first(Nic, lambda nic: isinstance(nic.virtualmachine, Router), network=network) is None
    gateway = network.type != SHARED and "SourceNat" in network.networkoffering.providers and first
    ipaddress = network.gateway if gateway else address_in(ctx, network, network.router_ip if first else None)
    nic = Nic(
        network=network,
        virtualmachine=router,
        macaddress=next_mac(ctx.store),
        ipaddress=ipaddress,
        device=len(router.guest_nics),
    )
    ctx.store.add(nic, ctx.now)


def _elect(routers: list[Router]) -> None:
    """Of redundant routers that run, one is the primary: the one that was, else one that was its backup."""
    pairs = [router for router in routers if router.isredundantrouter and router.state == RUNNING]
    ranked = sorted(pairs, key=lambda router: (router.redundantstate != _PRIMARY, router.redundantstate != _BACKUP))
    for place, router in enumerate(ranked):
        router.redundantstate = _BACKUP if place else _PRIMARY


def elect(ctx: Context, router: Router) -> None:
    """See to it that one of a router and its twin is the primary."""
    _elect(routers_of(ctx.store, router.vpc or router.network, router.role))


def leave(store: Store, network: Network) -> None:
    """Take a network's routers away: its own are destroyed, its VPC's lose their interface."""
    if network.vpc is None:
        for router in routers_of(store, network):
            store.remove(router)
    for balancer in routers_of(store, network, INTERNAL_LB):
        store.remove(balancer)
    for nic in network.nics:
        if isinstance(nic.virtualmachine, Router):
            store.remove(nic)
