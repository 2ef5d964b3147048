"""DNS domains of networks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...errors import invalid
from ...identity import Account, Domain

if TYPE_CHECKING:
    from ...context import Context
    from ...models.topology import Zone

_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_LONGEST = 190


def check_domain_name(name: str) -> str:
    """A DNS domain.

    Raises:
        ApiError: it is none.
    """
    if len(name) > _LONGEST or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise invalid(
            "Invalid network domain. Total length shouldn't exceed 190 chars. Each domain label must be between 1 and "
            "63 characters long, can contain ASCII letters 'a' through 'z', the digits '0' through '9', and the hyphen "
            "('-'); can't start or end with \"-\""
        )
    return name


def network_domain(ctx: Context, holder: Account | Domain, zone: Zone) -> str:
    """The DNS domain of an account's or a domain's networks.

    The account's own, its domain's or one's above, the zone's; else one made of `guest.domain.suffix`.
    """
    if isinstance(holder, Account) and holder.networkdomain:
        return holder.networkdomain
    domain: Domain | None = holder.domain if isinstance(holder, Account) else holder
    while domain is not None:
        if domain.networkdomain:
            return domain.networkdomain
        domain = domain.parentdomain
    suffix = ctx.setting("guest.domain.suffix", zone)
    return zone.domain or f"cs{_number(holder):x}{suffix}"


def _number(holder: Account | Domain) -> int:
    return int(holder.id[:6], 16)
