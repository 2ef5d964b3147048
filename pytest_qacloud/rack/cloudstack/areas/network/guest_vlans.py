"""Guest VLANs dedicated to accounts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...access import account_named, owner_of
from ...errors import invalid
from ...identity import Account, Domain
from ...models.guests import Network
from ...models.guestvlans import DedicatedVlans
from ...models.networks import PhysicalNetwork
from ...registry import command
from .vlans import ranges

if TYPE_CHECKING:
    from ...context import Context
    from ...lists import Page
    from ...params import Params

_RANGE = re.compile(r"(\d+)-(\d+)")


@command("dedicateGuestVlanRange")
def dedicate(ctx: Context, params: Params) -> DedicatedVlans:
    """Keep VLANs for an account; a range that continues one of the same account becomes part of it."""
    owner, physical = _owner(ctx, params), params.need("physicalnetworkid", PhysicalNetwork)
    if not {"VLAN", "VXLAN"} & set(physical.isolationmethods.upper().split(",")):
        raise invalid(
            f"Cannot dedicate guest vlan range. Physical isolation type of network {physical.name} is not VLAN nor "
            "VXLAN"
        )
    match = _RANGE.fullmatch(params.text("vlanrange").strip())
    if match is None:
        raise invalid(
            f"Invalid format for parameter value vlan {params.text('vlanrange')}. Vlan should be specified as "
            "'startvlan-endvlan'"
        )
    first, last = int(match[1]), int(match[2])
    if not any(low <= first <= last <= high for low, high in ranges(physical.vlan)):
        raise invalid(f"Unable to find guest vlan by range {first}-{last}")
    _check_free(ctx, physical, owner, first, last)
    return _joined(ctx, physical, owner, first, last)


def _owner(ctx: Context, params: Params) -> Account:
    if params.get("projectid") is not None:
        return owner_of(ctx, params)
    domain = params.entity("domainid", Domain)
    found = None if domain is None else account_named(ctx.store, params.text("account"), domain)
    if found is None:
        raise invalid(f"Unable to find account by name {params.optional('account')}")
    return found


def _check_free(ctx: Context, physical: PhysicalNetwork, owner: Account, first: int, last: int) -> None:
    """Refuse VLANs that are dedicated already, or that another account's networks have."""
    for network in ctx.store.all(Network, physicalnetwork=physical):
        vlan = network.vlan or ""
        if vlan.isdigit() and first <= int(vlan) <= last and network.owner is not owner:
            raise invalid(
                f"Guest vlan from this range {first}-{last} is allocated to a different account. Can only dedicate a "
                "range which has no allocated vlans or has vlans allocated to the same account"
            )
    for other in ctx.store.all(DedicatedVlans, physicalnetwork=physical):
        if first <= other.last and other.first <= last:
            raise invalid(f"Vlan range is already dedicated. Cannot dedicate guest vlan range {first}-{last}")


def _joined(ctx: Context, physical: PhysicalNetwork, owner: Account, first: int, last: int) -> DedicatedVlans:
    """The range, with those of the same account that it touches."""
    own = ctx.store.all(DedicatedVlans, physicalnetwork=physical, owner=owner)
    before = next((item for item in own if item.last + 1 == first), None)
    after = next((item for item in own if last + 1 == item.first), None)
    if before is not None and after is not None:
        before.last = after.last
        ctx.remove(after)
    elif before is not None:
        before.last = last
    elif after is not None:
        after.first = first
    return before or after or ctx.add(DedicatedVlans(owner=owner, physicalnetwork=physical, first=first, last=last))


@command("listDedicatedGuestVlanRanges")
def list_dedicated(ctx: Context, params: Params) -> Page:
    """Dedicated ranges of all accounts, or of those that the parameters name."""
    asked = any(name in params for name in ("account", "domainid", "projectid"))
    return ctx.page(ctx.store.all(DedicatedVlans), params, visible=not asked)


@command("releaseDedicatedGuestVlanRange")
def release(ctx: Context, params: Params) -> bool:
    """Give VLANs back to all; networks that have some keep them."""
    return ctx.remove(params.need("id", DedicatedVlans))
