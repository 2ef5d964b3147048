"""Which offerings a list shows: by domain, by zone, by state, by words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import denied, invalid
from ...identity import AccountType, Domain
from ...models.topology import Zone

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...context import Context
    from ...models.offerings import Offering
    from ...params import Params

HANDLED = ("domainid", "keyword", "state", "zoneid")
"""Parameters that `shown` deals with."""


def shown(ctx: Context, params: Params) -> Callable[[Offering], bool]:
    """What a caller may see of what the parameters ask for.

    Root admins see all. Others see what is for their domain or one above it, and with `isrecursive` also what is for
    one below. A `domainid` shows only what is for exactly that domain.

    Raises:
        ApiError: a plain user asks recursively (431), or for a domain that is not its own or above (531).
    """
    caller, domain, zone = ctx.caller, params.entity("domainid", Domain), params.entity("zoneid", Zone)
    recursive = params.flag("isrecursive")
    narrowed = domain is not None and not params.optional("account")
    state, word = _state(params), params.text("keyword").lower()
    if not caller.is_root_admin:
        if domain is not None and not domain.contains(caller.domain):
            raise denied(f"The account:{caller.name} does not fall in the same domain hierarchy as the offering")
        if recursive and caller.accounttype == AccountType.NORMAL:
            raise invalid("Only ROOT admins and Domain admins can list offerings with isrecursive=true")

    def shows(offering: Offering) -> bool:
        if state not in (None, offering.state) or not (zone is None or offering.usable_in(zone)):
            return False
        if word not in offering.name.lower() and word not in offering.displaytext.lower():
            return False
        if narrowed:
            return domain in offering.domains
        below = recursive and any(caller.domain.contains(item) for item in offering.domains)
        return below or offering.open_to(caller)

    return shows


def _state(params: Params) -> str | None:
    state = params.text("state", "Active").capitalize()
    if state not in ("Active", "Inactive", "All"):
        raise invalid(f"Invalid state value: {state}")
    return None if state == "All" else state
