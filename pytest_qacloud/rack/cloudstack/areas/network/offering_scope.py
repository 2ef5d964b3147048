"""For which domains and zones an offering is."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ...errors import denied, invalid
from ...identity import Domain
from ...models.topology import Zone
from ...store import Entity

if TYPE_CHECKING:
    from ...context import Context
    from ...models.offerings import Offering
    from ...params import Params
    from ...store import Store

E = TypeVar("E", bound=Entity)

_EVERYWHERE = ("public", "all")


def scope(ctx: Context, params: Params) -> tuple[list[Domain], list[Zone]]:
    """The domains and zones that a new offering's `domainid` and `zoneid` name.

    Raises:
        ApiError: a domain that the caller may not act in.
    """
    domains = params.entities("domainid", Domain)
    for domain in domains:
        if not ctx.caller.is_root_admin and not ctx.caller.domain.contains(domain):
            raise denied(f"{ctx.caller.name} does not have permission to operate within domain id={domain.id}")
    return _highest(domains), params.entities("zoneid", Zone)


def _highest(domains: list[Domain]) -> list[Domain]:
    """Those that are below none of the others: a domain stands for all below it."""
    return [item for item in domains if not any(other is not item and other.contains(item) for other in domains)]


def update_scope(ctx: Context, offering: Offering, params: Params) -> None:
    """Change them: a comma-separated list of ids, or `public` for all domains and `all` for all zones.

    Raises:
        ApiError: an id that names nothing.
    """
    if "domainid" in params:
        offering.domains = _highest(_named(ctx.store, Domain, params.text("domainid")))
    if "zoneid" in params:
        offering.zones = _named(ctx.store, Zone, params.text("zoneid"))


def _named(store: Store, kind: type[E], text: str) -> list[E]:
    found = []
    for item in text.split(","):
        if item.strip().lower() in (*_EVERYWHERE, ""):
            return []
        entity = store.get(kind, item.strip())
        if entity is None:
            raise invalid(f"Please specify a valid {kind.LABEL.lower()} id: {item}")
        found.append(entity)
    return found
