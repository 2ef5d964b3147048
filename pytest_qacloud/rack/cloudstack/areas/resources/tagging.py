"""createTags, listTags, deleteTags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import denied, failed, invalid
from ...identity import Owned
from ...models.tags import Tag
from ...registry import command
from .kinds import resource_named

if TYPE_CHECKING:
    from ...context import Context
    from ...lists import Page
    from ...params import Params
    from ...store import Entity


def _resources(ctx: Context, params: Params) -> list[Entity]:
    found = [resource_named(ctx, params.text("resourcetype"), item) for item in params.strings("resourceids")]
    for resource in found:
        if not resource.usable_by(ctx.caller) or (not isinstance(resource, Owned) and not ctx.caller.is_root_admin):
            raise denied(f"Account {ctx.caller.name} does not have permission to tag resource {resource.id}")
    return found


@command("createTags")
def create_tags(ctx: Context, params: Params) -> bool:
    """Keys and values for one or more entities; an entity has each key once."""
    resources, pairs = _resources(ctx, params), params.pairs("tags")
    if not pairs:
        raise invalid("Please specify at least one tag")
    for resource in resources:
        for key in pairs:
            if ctx.store.first(Tag, resource=resource, key=key) is not None:
                raise failed(f"tag {key} already on {params.text('resourcetype')} with id {resource.id}")
    for resource in resources:
        owner = resource.owner if isinstance(resource, Owned) else ctx.caller
        for key, value in pairs.items():
            ctx.store.add(
                Tag(
                    owner=owner,
                    resource=resource,
                    resourcetype=params.text("resourcetype"),
                    key=key,
                    value=value,
                    customer=params.optional("customer"),
                ),
                ctx.now,
            )
    return True


@command("listTags")
def list_tags(ctx: Context, params: Params) -> Page:
    """Tags."""
    return ctx.list(Tag, params)


@command("deleteTags")
def delete_tags(ctx: Context, params: Params) -> bool:
    """Tags of entities: those named by key, and by value where one is given, or all."""
    doomed: list[Tag] = []
    pairs = params.pairs("tags")
    for resource in _resources(ctx, params):
        doomed += [
            tag
            for tag in ctx.store.all(Tag, resource=resource)
            if not pairs or (tag.key in pairs and pairs[tag.key] in ("", tag.value))
        ]
    if not doomed:
        raise invalid("Unable to find tags by parameters specified")
    for tag in doomed:
        ctx.store.remove(tag)
    return True
