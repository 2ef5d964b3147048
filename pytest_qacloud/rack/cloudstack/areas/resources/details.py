"""Details: names and values on an entity that the cloud itself gives a meaning to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import denied, invalid
from ...identity import Owned
from ...lists import Page, cut
from ...registry import command
from .kinds import RESPONSES, resource_named

if TYPE_CHECKING:
    from ...context import Context
    from ...params import Params
    from ...store import Entity

_ATTRIBUTES = ("details", "resourcedetails", "serviceofferingdetails")


def _details(entity: Entity, kind: str) -> dict[str, str]:
    for name in _ATTRIBUTES:
        found = getattr(entity, name, None)
        if isinstance(found, dict):
            return found
    raise invalid(f"Resource type {kind} doesn't support details")


def _named(ctx: Context, params: Params) -> dict[str, str]:
    kind = params.text("resourcetype")
    entity = resource_named(ctx, kind, params.text("resourceid"))
    if not ctx.caller.is_root_admin and not (isinstance(entity, Owned) and entity.usable_by(ctx.caller)):
        raise denied(f"Account {ctx.caller.name} does not have permission to change the details of {entity.id}")
    return _details(entity, kind)


@command("addResourceDetail")
def add_detail(ctx: Context, params: Params) -> bool:
    """Set details of an entity."""
    _named(ctx, params).update(params.pairs("details"))
    return True


@command("removeResourceDetail")
def remove_detail(ctx: Context, params: Params) -> bool:
    """One detail of an entity, or all."""
    found, key = _named(ctx, params), params.optional("key")
    if key is None:
        found.clear()
    elif key not in found:
        raise invalid(f"Unable to find detail {key} of resource {params.text('resourceid')}")
    else:
        del found[key]
    return True


@command("listResourceDetails")
def list_details(ctx: Context, params: Params) -> Page:
    """Details of one entity."""
    kind, entity_id = params.text("resourcetype"), params.optional("resourceid")
    if entity_id is None:
        raise invalid(f"Please specify the resourceid of a {kind}")
    if kind.lower() not in RESPONSES:
        raise invalid(f"The resource type {kind} is unknown")
    key, value = params.optional("key"), params.optional("value")
    rows: list[dict[str, Any]] = [
        {"key": name, "value": content, "resourceid": entity_id, "resourcetype": kind}
        for name, content in _named(ctx, params).items()
        if key in (None, name) and value in (None, content)
    ]
    return cut(ctx, rows, params)
