"""Webhooks, and what became of the events sent to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from ..identity import Domain, Owned
from ..store import Entity, OnRemove, relation

if TYPE_CHECKING:
    from ..identity import Account

LOCAL, DOMAIN, GLOBAL = "Local", "Domain", "Global"
"""A webhook's `scope`: whose events it is told, its owner's, those of a domain and all below it, or everybody's."""

ENABLED, DISABLED = "Enabled", "Disabled"
"""A webhook's `state`."""


@dataclass(eq=False, kw_only=True)
class Webhook(Owned):
    """Where an account wants to be told of events."""

    RESPONSE: ClassVar[str] = "WebhookResponse"
    LABEL: ClassVar[str] = "Webhook"

    name: str
    payloadurl: str
    description: str | None = None
    state: str = ENABLED
    secretkey: str | None = field(default=None, repr=False)
    sslverification: bool = False
    scope: str = LOCAL
    target: Domain = relation(OnRemove.CASCADE)
    """The domain whose events it is told with the scope Domain; else its owner's domain."""

    @property
    def domainid(self) -> str:
        """Its domain's id."""
        return self.target.id

    @property
    def domain(self) -> str:
        """Its domain's name."""
        return self.target.name

    @property
    def domainpath(self) -> str:
        """Its domain's path."""
        return self.target.path

    def wants_events_of(self, owner: Account) -> bool:
        """Whether it is told of what happens to an account's things."""
        if self.state != ENABLED:
            return False
        if self.scope == DOMAIN:
            return self.target.contains(owner.domain)
        return self.scope == GLOBAL or self.owner is owner


@dataclass(eq=False, kw_only=True)
class WebhookDelivery(Entity):
    """One event sent to one webhook, with all attempts at it."""

    RESPONSE: ClassVar[str] = "WebhookDeliveryResponse"
    LABEL: ClassVar[str] = "Webhook delivery"
    REMEMBERED: ClassVar[bool] = False
    ADMIN_ONLY: ClassVar[frozenset[str]] = frozenset({"managementserverid", "managementservername"})

    webhook: Webhook = relation(OnRemove.CASCADE)
    eventid: str | None
    """Nothing for a payload that was no event."""
    eventtype: str
    accountid: str
    """Of the event's owner."""
    managementserver: Entity | None = relation(OnRemove.CLEAR, optional=True)
    headers: str
    payload: str
    success: bool
    response: str
    startdate: float
    enddate: float

    @property
    def webhookid(self) -> str | None:
        """Its webhook's id; nothing where it was sent without one."""
        return self.webhook.id or None

    @property
    def webhookname(self) -> str | None:
        """Its webhook's name; nothing where it was sent without one."""
        return self.webhook.name or None

    def usable_by(self, caller: Account) -> bool:
        """Whether the caller may use its webhook."""
        return self.webhook.usable_by(caller)
