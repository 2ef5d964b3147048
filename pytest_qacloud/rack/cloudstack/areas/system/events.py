"""The audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import invalid
from ...events import Event
from ...identity import controls
from ...lists import Page
from ...registry import command

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...context import Context
    from ...params import Params


def _between(params: Params) -> Callable[[Event], bool]:
    start, end = params.get("startdate"), params.get("enddate")
    return lambda event: (start is None or event.created >= start) and (end is None or event.created <= end)


@command("listEvents")
def list_events(ctx: Context, params: Params) -> Page:
    """Events, the newest first."""
    within = _between(params)
    archived = params.flag("archived")
    first = params.entity("startid", Event)
    found = ctx.store.all(
        Event,
        lambda event: (
            within(event) and event.archived == archived and (first is None or first.id in (event.id, event.parentid))
        ),
    )
    keyword = (params.optional("keyword") or "").lower()
    found = [event for event in reversed(found) if keyword in f"{event.description} {event.type}".lower()]
    ignore = ("startdate", "enddate", "startid", "archived", "keyword", "duration", "entrytime")
    return ctx.page(found, params, ignore=ignore)


@command("archiveEvents")
def archive_events(ctx: Context, params: Params) -> bool:
    """Put events out of sight."""
    for event in _chosen(ctx, params):
        event.archived = True
    return True


@command("deleteEvents")
def delete_events(ctx: Context, params: Params) -> bool:
    """Delete events."""
    for event in _chosen(ctx, params):
        ctx.remove(event)
    return True


def _chosen(ctx: Context, params: Params) -> list[Event]:
    listed, kind, within = params.entities("ids", Event), params.optional("type"), _between(params)
    if not listed and kind is None and "enddate" not in params:
        raise invalid("either ids, type or enddate must be specified")
    return [
        event
        for event in listed or ctx.store.all(Event)
        if kind in (None, event.type) and within(event) and controls(ctx.caller, event.owner)
    ]


@command("listEventTypes")
def list_event_types(ctx: Context, params: Params) -> Page:
    """Every event type that a command records."""
    names = sorted({item.event for item in ctx.server.schema.commands.values() if item.event})
    return Page(len(names), [{"name": name} for name in names])
