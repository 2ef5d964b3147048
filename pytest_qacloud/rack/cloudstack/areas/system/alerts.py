"""Alerts for the cloud's administrators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ...errors import invalid
from ...lists import Page
from ...registry import command
from ...store import Entity

if TYPE_CHECKING:
    from ...context import Context
    from ...params import Params

ALERT_TYPES = {
    0: "ALERT.MEMORY",
    1: "ALERT.CPU",
    2: "ALERT.STORAGE",
    7: "ALERT.COMPUTE.HOST",
    8: "ALERT.USERVM",
    9: "ALERT.SERVICE.DOMAINROUTER",
    10: "ALERT.SERVICE.CONSOLEPROXY",
    13: "ALERT.MANAGEMENT.NODE",
    18: "ALERT.SERVICE.SSVM",
}


@dataclass(eq=False, kw_only=True)
class Alert(Entity):
    """Something that an administrator should know."""

    RESPONSE: ClassVar[str] = "AlertResponse"
    LABEL: ClassVar[str] = "Alert"

    type: int
    description: str
    archived: bool = False

    @property
    def name(self) -> str:
        """Its type's name."""
        return ALERT_TYPES.get(self.type, "ALERT")

    @property
    def sent(self) -> float:
        """When it was raised."""
        return self.created


@command("listAlerts")
def list_alerts(ctx: Context, params: Params) -> Page:
    """Alerts that are not archived."""
    return ctx.list(Alert, params, lambda alert: not alert.archived)


@command("generateAlert")
def generate_alert(ctx: Context, params: Params) -> bool:
    """Raise an alert by hand."""
    ctx.add(Alert(type=params.number("type"), description=params.text("description")))
    return True


@command("archiveAlerts")
def archive_alerts(ctx: Context, params: Params) -> bool:
    """Put alerts out of sight."""
    for alert in _chosen(ctx, params):
        alert.archived = True
    return True


@command("deleteAlerts")
def delete_alerts(ctx: Context, params: Params) -> bool:
    """Delete alerts."""
    for alert in _chosen(ctx, params):
        ctx.remove(alert)
    return True


def _chosen(ctx: Context, params: Params) -> list[Alert]:
    listed, kind = params.entities("ids", Alert), params.optional("type")
    start, end = params.get("startdate"), params.get("enddate")
    if not listed and kind is None and end is None:
        raise invalid("either ids, type or enddate must be specified")
    return [
        alert
        for alert in listed or ctx.store.all(Alert)
        if kind in (None, str(alert.type))
        and (start is None or alert.created >= start)
        and (end is None or alert.created <= end)
    ]


@command("listAlertTypes")
def list_alert_types(ctx: Context, params: Params) -> Page:
    """The kinds of alerts."""
    rows = [{"type": number, "name": name} for number, name in ALERT_TYPES.items()]
    return Page(len(rows), rows)
