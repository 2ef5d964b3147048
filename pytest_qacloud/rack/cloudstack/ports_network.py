"""What virtual machines need from networks: which to join, an interface with an address there, and a live network.

The area of networks registers what it does at these moments (`chooses_networks`, `implements_networks`,
`checks_network`, `frees_nic`); the area of computing calls the functions. Either side knows only this module and
the entities of `models.guests`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import AddressValueError, IPv4Address
from typing import TYPE_CHECKING

from .addresses import holds_addresses, pick, taken
from .errors import invalid, no_capacity
from .models.guests import Network, Nic, SecondaryIp

if TYPE_CHECKING:
    from .context import Context
    from .identity import Account
    from .models.topology import Zone
    from .store import Entity, Store

Choice = Callable[["Context", "Zone", "Account"], Iterable[Network]]
NetworkWork = Callable[["Context", Network], None]
NetworkCheck = Callable[["Context", Network, "Account"], None]
NicWork = Callable[["Context", Nic], None]

_CHOICES: list[Choice] = []
_IMPLEMENTERS: list[NetworkWork] = []
_CHECKS: list[NetworkCheck] = []
_FREERS: list[NicWork] = []


def chooses_networks(choice: Choice) -> Choice:
    """Register which networks a VM joins whose deployment names none; may make one for the owner."""
    _CHOICES.append(choice)
    return choice


def implements_networks(work: NetworkWork) -> NetworkWork:
    """Register what makes a network live before a machine in it starts: VLAN, source NAT address, router.

    Called at every start; it does nothing to a network that lives.
    """
    _IMPLEMENTERS.append(work)
    return work


def checks_network(check: NetworkCheck) -> NetworkCheck:
    """Register what may refuse that an owner's VM joins a network; raises `ApiError`."""
    _CHECKS.append(check)
    return check


def frees_nic(work: NicWork) -> NicWork:
    """Register what happens before an interface goes from a VM that stays; raises `ApiError` where rules use it."""
    _FREERS.append(work)
    return work


def networks_for(ctx: Context, zone: Zone, owner: Account, named: Iterable[Network]) -> list[Network]:
    """The networks that a new VM of an owner joins, the default one first.

    Raises:
        ApiError: one is in another zone, or not the owner's to use; one is named twice; or none is named and none
            can be chosen.
    """
    networks = list(named) or [network for choice in _CHOICES for network in choice(ctx, zone, owner)]
    if not networks:
        raise invalid("Unable to find a network for the VM: please specify networkIds")
    if len({network.id for network in networks}) != len(networks):
        raise invalid("Can't specify the same network more than once for a VM")
    for network in networks:
        check_network(ctx, network, zone, owner)
    return networks


def check_network(ctx: Context, network: Network, zone: Zone, owner: Account) -> None:
    """Refuse that an owner's VM in a zone joins a network.

    Raises:
        ApiError: the network is in another zone, or not the owner's to use.
    """
    if network.zone is not zone:
        raise invalid(f"Network id={network.id} doesn't belong to zone {zone.id}")
    if network.traffictype != "Guest":
        raise invalid("VM can be only created in Guest networks")
    if not network.usable_by(owner):
        raise invalid(f"Unable to use network with id={network.id}, permission denied")
    for check in _CHECKS:
        check(ctx, network, owner)


def allocate_nic(
    ctx: Context,
    network: Network,
    machine: Entity,
    *,
    ipaddress: str | None = None,
    macaddress: str | None = None,
    isdefault: bool = False,
) -> Nic:
    """Give a machine (a VM or a router) an interface with an address in a network.

    Args:
        ipaddress: this one; otherwise the first that is free.
        macaddress: this one; otherwise the next.

    Raises:
        ApiError: no address is free (533), or the wanted one is taken or not the network's (431).
    """
    store = ctx.store
    others = store.all(Nic, virtualmachine=machine)
    if macaddress is not None and store.first(Nic, network=network, macaddress=macaddress) is not None:
        raise invalid(f"Mac address already in use in network: {macaddress}")
    nic = Nic(
        network=network,
        virtualmachine=machine,
        macaddress=macaddress or next_mac(store),
        ipaddress=address_in(ctx, network, ipaddress),
        device=max((other.device for other in others), default=-1) + 1,
        isdefault=isdefault,
    )
    return store.add(nic, ctx.now)


def address_in(ctx: Context, network: Network, wanted: str | None = None) -> str | None:
    """A free address of a network; `None` in one that gives none out.

    Raises:
        ApiError: none is free (533), or the wanted one is taken or not the network's (431).
    """
    ranges = network.address_ranges()
    if not ranges:
        return None
    if wanted is None:
        found = pick(ctx.store, network, ranges)
        if found is None:
            raise no_capacity(f"Unable to allocate IP address in network {network.name}: Insufficient address capacity")
        return found
    try:
        number = IPv4Address(wanted)
    except AddressValueError:
        raise invalid(f"Invalid IP address {wanted}") from None
    inside = any(IPv4Address(first) <= number <= IPv4Address(last) for first, last in ranges)
    if not inside or wanted in taken(ctx.store, network):
        raise invalid(f"The IP address {wanted} is not available in network {network.id}")
    return wanted


def release_nic(ctx: Context, nic: Nic) -> None:
    """Take an interface away from a machine that stays.

    Raises:
        ApiError: rules use its address.
    """
    for work in _FREERS:
        work(ctx, nic)
    ctx.remove(nic)


def implement(ctx: Context, network: Network) -> None:
    """Make a network live, if it is not yet: call it before a machine in it starts.

    Raises:
        ApiError: no VLAN, no public address or no host for its router is left; it is as it was then.
    """
    for work in _IMPLEMENTERS:
        work(ctx, network)


def next_mac(store: Store) -> str:
    """The next address of CloudStack's locally administered range."""
    number = store.next_number("mac")
    return f"02:01:{number >> 24 & 0xFF:02x}:{number >> 16 & 0xFF:02x}:{number >> 8 & 0xFF:02x}:{number & 0xFF:02x}"


@holds_addresses
def _addresses_of_nics(store: Store, source: Entity) -> Iterable[str]:
    if not isinstance(source, Network):
        return
    if source.gateway is not None:
        yield source.gateway
    for nic in store.all(Nic, network=source):
        if nic.ipaddress is not None:
            yield nic.ipaddress
            for further in store.all(SecondaryIp, nic=nic):
                yield further.ipaddress
