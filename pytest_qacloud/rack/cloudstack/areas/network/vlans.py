"""VLANs of guest networks: those that a physical network gives out, and those chosen by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import failed, invalid, no_capacity
from ...models.guests import Network
from ...models.guestvlans import DedicatedVlans
from ...models.networks import PhysicalNetwork, TrafficType
from ...models.topology import ENABLED
from ...models.vpcs import PrivateGateway

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...context import Context
    from ...identity import Account
    from ...models.offerings import NetworkOffering
    from ...models.topology import Zone
    from ...store import Store

UNTAGGED = "untagged"


def ranges(text: str | None) -> Iterator[tuple[int, int]]:
    """First and last VLAN of each part of a list such as `200-299,310`."""
    for part in (text or "").split(","):
        low, _, high = part.strip().partition("-")
        if low.isdigit():
            yield int(low), int(high or low)


def _used(store: Store, physical: PhysicalNetwork) -> set[str]:
    networks = {network.vlan for network in store.all(Network, physicalnetwork=physical) if network.vlan}
    return networks | {gateway.vlan for gateway in store.all(PrivateGateway, physicalnetwork=physical) if gateway.vlan}


def take(ctx: Context, physical: PhysicalNetwork, owner: Account) -> str:
    """A VLAN of the physical network's range that no network has: of those dedicated to the account, then of all.

    Raises:
        ApiError: none is left (533).
    """
    used = _used(ctx.store, physical)
    dedicated = ctx.store.all(DedicatedVlans, physicalnetwork=physical)
    own = [number for item in dedicated if item.owner is owner for number in range(item.first, item.last + 1)]
    others = {number for item in dedicated for number in range(item.first, item.last + 1)}
    if not own or ctx.flag_setting("use.system.guest.vlans", owner):
        every = (number for first, last in ranges(physical.vlan) for number in range(first, last + 1))
        own += [number for number in every if number not in others]
    for number in own:
        if str(number) not in used:
            return str(number)
    raise no_capacity(
        f"Unable to allocate vnet as a part of guest network implement: physical network {physical.name} has no "
        "free VLAN"
    )


def chosen(ctx: Context, physical: PhysicalNetwork, text: str, *, bypass: bool = False) -> str:
    """A VLAN that a caller asks for, checked.

    Args:
        bypass: leave the check for other uses of it out.

    Raises:
        ApiError: it is no VLAN, the physical network gives it out itself, or another network has it.
    """
    vlan = text.removeprefix("vlan://").strip().lower()
    if vlan != UNTAGGED and not (vlan.isdigit() and int(vlan) <= 4095):
        raise invalid(f"Invalid vlan {text} specified")
    if bypass or vlan == UNTAGGED:
        return vlan
    if any(first <= int(vlan) <= last for first, last in ranges(physical.vlan)):
        raise invalid(
            f"The VLAN tag to use for new guest network, {vlan} is already being used for dynamic vlan allocation for "
            f"the guest network in zone {physical.zone.name}"
        )
    if vlan in _used(ctx.store, physical):
        raise invalid(
            f"Network with vlan {vlan} already exists or overlaps with other network vlans in zone {physical.zone.name}"
        )
    return vlan


def physical_network(ctx: Context, zone: Zone, offering: NetworkOffering) -> PhysicalNetwork:
    """The physical network of a zone that carries an offering's guest networks.

    A zone's only one carries all of them; of several, it is the first that has the offering's tag, or without a tag
    the one that has none either (`NetworkModelImpl.findPhysicalNetworkId`).

    Raises:
        ApiError: none does (431), or several have no tag (530).
    """
    found = [
        network
        for network in ctx.store.all(PhysicalNetwork, zone=zone)
        if ctx.store.first(TrafficType, physicalnetwork=network, traffictype="Guest") is not None
    ]
    if not found:
        raise invalid(f"Unable to find physical network in zone id={zone.id}")
    if len(found) == 1:
        return found[0]
    tag = offering.tags or None
    tagged = [network for network in found if (tag in network.tags.split(",") if network.tags else tag is None)]
    if not tagged:
        raise invalid(f"Unable to find physical network which match the tags {tag}")
    if tag is None and len(tagged) > 1:
        raise failed(f"There is more than 1 physical network with empty tag in the zone {zone.name}")
    return tagged[0]


def check_removal(ctx: Context, physical: PhysicalNetwork, text: str) -> None:
    """Refuse a new list of VLANs that lacks some which networks have, or which are dedicated.

    Raises:
        ApiError: it does.
    """

    def listed(vlans: str | None) -> set[int]:
        return {number for first, last in ranges(vlans) for number in range(first, last + 1)}

    gone = listed(physical.vlan) - listed(text)
    used = gone & {int(vlan) for vlan in _used(ctx.store, physical) if vlan.isdigit()}
    if used:
        raise invalid(f"Physical network {physical.name} has VLANs in use that the new range lacks: {sorted(used)}")
    for item in ctx.store.all(DedicatedVlans, physicalnetwork=physical):
        if gone & set(range(item.first, item.last + 1)):
            raise invalid(
                f"VLANs {item.guestvlanrange} of physical network {physical.name} are dedicated to account "
                f"{item.owner.name}: release them first"
            )


def check_enabled(physical: PhysicalNetwork) -> None:
    """Refuse a physical network that is disabled.

    Raises:
        ApiError: it is.
    """
    if physical.state != ENABLED:
        raise invalid(f"Specified physical network id is in incorrect state: {physical.state}")
