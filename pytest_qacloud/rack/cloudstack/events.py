"""The audit trail: every command that has an event type leaves events, as listEvents shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from .identity import Owned, User
from .store import Entity, OnRemove, Store, relation

if TYPE_CHECKING:
    from collections.abc import Callable

    from .identity import Account

_KEPT = 20_000
"""Beyond that many events the oldest go."""


@dataclass(eq=False, kw_only=True)
class Event(Owned):
    """One line of the audit trail."""

    RESPONSE: ClassVar[str] = "EventResponse"
    LABEL: ClassVar[str] = "Event"
    REMEMBERED: ClassVar[bool] = False

    type: str
    description: str
    state: str
    level: str = "INFO"
    user: User | None = relation(OnRemove.CLEAR, optional=True)
    resourceid: str | None = None
    resourcetype: str | None = None
    resourcename: str | None = None
    parentid: str | None = None
    archived: bool = False

    @property
    def username(self) -> str:
        """Who did it."""
        return "" if self.user is None else self.user.username


class Trail:
    """Writes events; `followers` are called with each, right after it has been written."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.followers: list[Callable[[Event], None]] = []

    def record(
        self,
        now: float,
        user: User | None,
        owner: Account,
        event_type: str,
        state: str,
        description: str,
        *,
        resource: Entity | None = None,
        resource_type: str = "",
        parent: Event | None = None,
        level: str = "INFO",
    ) -> Event:
        """Add one event; `state` is Created, Scheduled, Started or Completed."""
        event = Event(
            owner=owner,
            user=user,
            type=event_type,
            state=state,
            description=description,
            level=level,
            resourceid=None if resource is None else resource.id,
            resourcetype=resource_type or None,
            resourcename=None if resource is None else getattr(resource, "name", None),
            parentid=None if parent is None else parent.id,
        )
        self._store.add(event, now)
        self._store.trim(Event, _KEPT)
        for follower in self.followers:
            follower(event)
        return event
