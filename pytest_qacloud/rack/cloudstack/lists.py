"""What all list commands share: who sees what, filters, keyword, pages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from . import access
from .errors import invalid, malformed
from .identity import Owned
from .store import Entity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from .context import Context
    from .params import Params
    from .schema import Command

UNLIMITED = -1

_GENERAL = frozenset(
    {"account", "accountid", "details", "domainid", "fetchresourcesonly", "id", "ids", "isrecursive", "keyword"}
    | {"listall", "listonlyremoved", "page", "pagesize", "projectid", "retrieveonlyresourcecount", "showcapacities"}
    | {"showicon", "tags"}
)
"""Parameters with one meaning everywhere; every other one must equal the field of its name."""


_REFUSED_UNKNOWN = {
    "listAccounts": {"id"},
    "listDiskOfferings": {"volumeid", "virtualmachineid"},
    "listDomainChildren": {"id"},
    "listDomains": {"id"},
    "listIsoPermissions": {"id"},
    "listLoadBalancerRuleInstances": {"id"},
    "listNics": {"virtualmachineid"},
    "listServiceOfferings": {"virtualmachineid", "templateid"},
    "listTemplatePermissions": {"id"},
}
_REFUSED_EVERYWHERE = {"accountid", "domainid", "projectid"}


def check_unknown(command: Command, params: Params) -> None:
    """Refuse ids that name nothing, but where a list command only filters by them (and so finds nothing).

    Raises:
        ApiError: 431.
    """
    lists = command.lists or command.name.startswith("list")
    refused = _REFUSED_UNKNOWN.get(command.name, set())
    if not command.name.endswith("Offerings"):
        refused = refused | _REFUSED_EVERYWHERE
    for name, value in params.unknown.items():
        if not lists or name in refused:
            raise invalid(f"Unable to find what {name}={value} names: it does not exist or has been removed")


@dataclass(frozen=True)
class Page:
    """One page of a list reply.

    Args:
        count: of all matches, not only those on this page.
        response: another response class than the entities' own.
        wrapper: another key than the command's.
    """

    count: int
    items: Sequence[Entity | Mapping[str, Any]]
    response: str | None = None
    wrapper: str | None = None

    def map(self, show: Callable[[Any], Mapping[str, Any]]) -> Page:
        """The same page with every item shown by a function of the command's own."""
        return replace(self, items=[show(item) for item in self.items])

    def under(self, wrapper: str) -> Page:
        """The same page under another key than the command's."""
        return replace(self, wrapper=wrapper)


def page_of(
    ctx: Context,
    entities: Iterable[Entity],
    params: Params,
    *,
    ignore: Iterable[str] = (),
    response: str | None = None,
    visible: bool = False,
) -> Page:
    """Filter entities by a list command's parameters, and cut a page.

    Owned ones are shown as `access.visibility` says. `id`, `ids`, `tags` and `keyword` (in the name) work everywhere.
    Every other parameter must equal the entity's attribute of that name, where it has one, text without regard to
    letter case.

    Args:
        ignore: parameters that the command has dealt with itself.
        response: shape the entities as another response class.
        visible: leave `access.visibility` out; the command has seen to it.
    """
    found = list(entities)
    if not visible and any(isinstance(entity, Owned) for entity in found):
        sees = access.visibility(ctx, params)
        found = [entity for entity in found if not isinstance(entity, Owned) or _shown(ctx, entity, params, sees)]
    skip = {*ignore}
    wanted = params.entity("id", Entity) if "id" not in skip and isinstance(params.get("id"), Entity) else None
    if wanted is not None:
        found = [entity for entity in found if entity is wanted]
    elif isinstance(params.get("id"), str) and "id" not in skip:
        found = [entity for entity in found if entity.id == params.text("id")]
    if params.get("ids") and "ids" not in skip:
        chosen = {item.id if isinstance(item, Entity) else item for item in params.get("ids")}
        found = [entity for entity in found if entity.id in chosen]
    for name in params:
        if name not in skip and (name not in _GENERAL or (name == "tags" and isinstance(params.get(name), str))):
            found = [entity for entity in found if _equals(entity, name, params.get(name))]
    if isinstance(params.get("tags"), list) and "tags" not in skip:
        found = [entity for entity in found if _tagged(entity, params.pairs("tags"))]
    keyword = params.optional("keyword")
    if keyword is not None and "keyword" not in skip:
        found = [entity for entity in found if keyword.lower() in str(getattr(entity, "name", "")).lower()]
    return cut(ctx, found, params, response=response)


def _shown(ctx: Context, entity: Owned, params: Params, sees: Any) -> bool:
    """Public things, such as featured templates, are seen by all who may use them, when nobody's are asked for."""
    if sees(entity):
        return True
    asked = params.optional("account") or params.get("projectid")
    return bool(getattr(entity, "is_shared", False)) and not asked and entity.usable_by(ctx.caller)


def _equals(entity: Entity, name: str, wanted: Any) -> bool:
    if not hasattr(entity, name):
        return True
    value = getattr(entity, name)
    if isinstance(wanted, Entity):
        return bool(value == wanted.id or value is wanted)
    if isinstance(value, bool) or isinstance(wanted, bool):
        return bool(value) == bool(wanted)
    if isinstance(value, Entity):
        return wanted in (value.id, getattr(value, "name", None))
    return str(value).lower() == str(wanted).lower()


def _tagged(entity: Entity, wanted: Mapping[str, str]) -> bool:
    tags: Iterable[Any] = getattr(entity, "tags", None) or ()
    held = {(getattr(tag, "key", None), getattr(tag, "value", None)) for tag in tags}
    return held.issuperset(wanted.items())


def cut(
    ctx: Context, found: Sequence[Entity | Mapping[str, Any]], params: Params, *, response: str | None = None
) -> Page:
    """One page of what was found.

    Raises:
        ApiError: `page` without `pagesize` or the reverse, or a page larger than allowed.
    """
    page, size = params.optional_number("page"), params.optional_number("pagesize")
    largest = int(ctx.number_setting("default.page.size"))
    if page is not None and size is None:
        raise malformed('"pagesize" parameter is required when "page" is specified')
    if size == UNLIMITED:
        if page is not None:
            raise invalid("Can't specify page parameter when pagesize is -1 (Unlimited)")
        return Page(len(found), found, response)
    if size is not None and page is None:
        raise malformed('"page" parameter is required when "pagesize" is specified')
    if size is not None and largest != UNLIMITED and size > largest:
        raise invalid(f"Page size can't exceed max allowed page size value: {largest}")
    if size is None:
        size = largest if largest != UNLIMITED else len(found)
    start = size * (max(page or 1, 1) - 1)
    return Page(len(found), found[start : start + size], response)
