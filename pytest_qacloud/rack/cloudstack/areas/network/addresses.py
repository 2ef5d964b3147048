"""Public addresses given out and taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...addresses import holds_addresses, span, taken
from ...errors import denied, failed, invalid, no_capacity
from ...limits import check_limit, counts
from ...models.guests import ALLOCATED
from ...models.networks import VlanRange
from ...models.publicips import FREE, IN_USE, PublicIp, address_id
from ...models.rules import rules_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...context import Context
    from ...identity import Account
    from ...models.guests import Network
    from ...models.topology import Zone
    from ...models.vpcs import Vpc
    from ...store import Entity, Store


@holds_addresses
def _held(store: Store, source: Entity) -> Iterable[str]:
    if isinstance(source, VlanRange) and source.forvirtualnetwork:
        for address in store.all(PublicIp, vlan=source):
            if address.state != FREE:
                yield address.ipaddress


@counts("public_ip")
def _count(store: Store, account: Account) -> int:
    return sum(1 for address in store.all(PublicIp, owner=account) if address.state != FREE)


def _open_to(ctx: Context, zone: Zone, owner: Account) -> list[VlanRange]:
    """Ranges that an account's addresses may be from: its own, then its domain's, then everybody's."""
    public = ctx.store.all(VlanRange, zone=zone, forvirtualnetwork=True, network=None, forsystemvms=False)
    own = [item for item in public if item.holder is owner]
    of_domain = [
        item for item in public if item.holder_domain is not None and item.holder_domain.contains(owner.domain)
    ]
    shared = [item for item in public if item.holder is None and item.holder_domain is None]
    dedicated = own + of_domain
    if dedicated and not ctx.flag_setting("use.system.public.ips", owner):
        return dedicated
    return dedicated + shared


def take(
    ctx: Context,
    zone: Zone,
    owner: Account,
    *,
    network: Network | None = None,
    vpc: Vpc | None = None,
    wanted: str | None = None,
    issourcenat: bool = False,
) -> PublicIp:
    """Give an account a public address.

    Args:
        wanted: this one; otherwise the first that is free.

    Raises:
        ApiError: the account has as many as it may have (535), none is left (533), or the wanted one is not free (431).
    """
    check_limit(ctx, owner, "public_ip")
    for source in _open_to(ctx, zone, owner):
        used = taken(ctx.store, source)
        free = (item for item in span(source.startip, source.endip) if item not in used and wanted in (None, item))
        ipaddress = next(free, None)
        if ipaddress is not None:
            return _give(ctx, source, ipaddress, owner, network, vpc, issourcenat=issourcenat)
    if wanted is not None:
        raise invalid(f"The IP address {wanted} is not free, or not of a range that account {owner.name} may use")
    raise no_capacity(f"Insufficient address capacity: unable to acquire a public IP address in zone {zone.name}")


def _give(
    ctx: Context,
    source: VlanRange,
    ipaddress: str,
    owner: Account,
    network: Network | None,
    vpc: Vpc | None,
    *,
    issourcenat: bool,
) -> PublicIp:
    """Make an address an account's; one that somebody has looked at while it was free changes its owner."""
    address = ctx.store.get(PublicIp, address_id(source, ipaddress))
    if address is None:
        address = PublicIp(id=address_id(source, ipaddress), ipaddress=ipaddress, vlan=source, owner=owner)
        ctx.store.add(address, ctx.now)
    address.owner, address.network, address.vpc, address.issourcenat = owner, network, vpc, issourcenat
    address.state, address.allocated = IN_USE, ctx.now
    return address


def release(ctx: Context, address: PublicIp) -> None:
    """Take an address back, with all rules on it."""
    ctx.remove(address)


def for_rules(ctx: Context, address: PublicIp, tier: Network | None = None) -> Network:
    """The network that rules on an address are for; a VPC's address becomes its tier's.

    Args:
        tier: where the caller says which.

    Raises:
        ApiError: it is nobody's yet, or of another network.
    """
    if address.state != IN_USE:
        raise invalid(f"Unable to create rule for the IP address {address.ipaddress}: it is not in the state Allocated")
    network = address.network
    if network is None and address.vpc is not None and tier is not None:
        if tier.vpc is not address.vpc:
            raise invalid(f"Network {tier.name} does not belong to the VPC of the IP address {address.ipaddress}")
        return tier
    if network is None:
        raise invalid(
            f"Unable to create rule for the IP address {address.ipaddress}: it is not associated with any network"
        )
    if tier is not None and tier is not network:
        raise invalid(f"The IP address {address.ipaddress} is not associated with network {tier.id}")
    return network


def leave_tier(address: PublicIp) -> None:
    """Take a VPC's address back from its tier when no rule is left on it."""
    if address.vpc is not None and not address.isstaticnat and not rules_of(address):
        address.network = None


def check_operable(ctx: Context, address: PublicIp) -> None:
    """Refuse to change the system's own addresses.

    Raises:
        ApiError: it is one of the system's.
    """
    if address.issystem:
        raise denied(f"The IP address {address.ipaddress} is the system's")


def check_releasable(address: PublicIp) -> None:
    """Refuse to release the address that a network's machines are seen by.

    Raises:
        ApiError: it is such a one.
    """
    if address.issourcenat and (address.vpc is not None or getattr(address.network, "state", ALLOCATED) != ALLOCATED):
        raise invalid(
            "IP address is used for source nat purposes and can not be disassociated: "
            f"{address.ipaddress} stays as long as its network"
        )
    if address.state == FREE:
        raise failed(f"The IP address {address.ipaddress} is not allocated")
