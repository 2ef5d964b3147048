"""Makes objects of a zone through the API: each is looked for first, and noted, so that it can be deleted again."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ..deadline import SYSTEM_CLOCK, Deadline, Waiting, poll
from ..errors import CloudApiError, ServiceFaultError
from .deploy_kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..deadline import Clock
    from ..ports import CloudApi
    from .deploy_kinds import Kind

Entity = dict[str, Any]
T = TypeVar("T")


class _Made(NamedTuple):
    words: str
    delete: Callable[[], None]


class Ledger:
    """What a deployment has made, through all its tries, in order. Safe from several threads.

    What was there before is not in it. An object counts as made, too, when the command's answer was lost and the
    object is there when it is looked for again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: list[_Made] = []
        self._begun: dict[object, Callable[[], object]] = {}

    def begin(self, key: object, look: Callable[[], object]) -> None:
        """The command that makes it is about to be sent.

        Args:
            look: looks for the object, and says `made` where it is there.
        """
        with self._lock:
            self._begun[key] = look

    def refused(self, key: object) -> None:
        """It was not made."""
        with self._lock:
            self._begun.pop(key, None)

    def made(self, key: object, words: str, delete: Callable[[], None]) -> None:
        """It is there; it is noted where its making was begun here."""
        with self._lock:
            if self._begun.pop(key, None) is not None:
                self._made.append(_Made(words, delete))

    def undo(self) -> None:
        """Delete all that was made, the latest first; goes on after what cannot be deleted.

        Raises:
            UnreachableError: nobody answers; what is left is deleted by another call.
            ServiceFaultError: something could not be deleted.
        """
        for look in list(self._begun.values()):
            with suppress(CloudApiError):  # what it would be in is not there either
                look()
        failures = []
        while self._made:
            last = self._made[-1]
            try:
                last.delete()
            except CloudApiError as error:
                failures.append(f"{last.words}: {error.errortext}")
            self._made.pop()
        if failures:
            raise ServiceFaultError(
                "CloudStack", "could not delete " + "; ".join(failures), "delete them by hand, the first one first"
            )


@dataclass(frozen=True)
class Site:
    """Where a deployment works.

    Args:
        check: called before every command that changes something.
        limit_s: seconds that the hosts of a cluster may take to come up.
        poll_s: seconds between two looks at them.
    """

    api: CloudApi
    check: Callable[[], None] = lambda: None
    ledger: Ledger = field(default_factory=Ledger)
    clock: Clock = SYSTEM_CLOCK
    limit_s: float = 600.0
    poll_s: float = 1.0

    def change(self, command: str, **params: Any) -> Any:
        """Send a command that changes something."""
        self.check()
        return self.api.call(command, **params)

    def ensure(self, kind: str, match: Mapping[str, Any], **params: Any) -> Entity:
        """The object whose attributes match, or a new one.

        Args:
            params: for the command that makes it.
        """
        return self.ensure_found(kind, match, partial(self._find, KINDS[kind], match), **params)

    def ensure_found(
        self, kind: str, match: Mapping[str, Any], find: Callable[[], Entity | None], **params: Any
    ) -> Entity:
        """As `ensure`, for objects that are found in another way; `match` then only tells one from another."""
        key = (kind, *sorted((name, str(value)) for name, value in match.items()))

        def note(entity: Entity) -> Entity:
            words = f"{kind} {entity.get('name') or match.get('name') or params.get('url') or entity.get('id')}"
            self.ledger.made(key, words, partial(self._delete, KINDS[kind], match, entity))
            return entity

        def look() -> Entity | None:
            found = find()
            return None if found is None else note(found)

        found = look()
        if found is not None:
            return found
        self.check()
        self.ledger.begin(key, look)
        try:
            reply = self.api.call(KINDS[kind].make, **given(params, *params))
        except CloudApiError:
            self.ledger.refused(key)
            raise
        return note(_entity(reply))

    def enable_zone(self, zone_id: str, name: str) -> None:
        """Switch a zone on; its system VMs then start."""
        if any(zone["allocationstate"] == "Enabled" for zone in self.api.list("listZones", id=zone_id)):
            return
        key = ("enabled zone", zone_id)
        disable = partial(self._disable_zone, zone_id)
        self.check()
        self.ledger.begin(key, lambda: self.ledger.made(key, f"enabled zone {name}", disable))
        self.api.call("updateZone", id=zone_id, allocationstate="Enabled")
        self.ledger.made(key, f"enabled zone {name}", disable)

    def _disable_zone(self, zone_id: str) -> None:
        self.change("updateZone", id=zone_id, allocationstate="Disabled")
        for vm in self.api.list("listSystemVms", zoneid=zone_id):
            self.change("destroySystemVm", id=vm["id"])

    def poll(self, probe: Callable[[], T | Waiting], what: str) -> T:
        """Wait for something to become true.

        Raises:
            DeadlineError: it did not within `limit_s`.
        """
        deadline = Deadline(self.limit_s, self.clock)
        return poll(probe, what=what, deadline=deadline, interval_s=self.poll_s, check=self.check)

    def _list(self, kind: Kind, match: Mapping[str, Any]) -> list[Entity]:
        return self.api.list(kind.look, **{name: match[name] for name in kind.asks if name in match})

    def _find(self, kind: Kind, match: Mapping[str, Any]) -> Entity | None:
        rest = {name: value for name, value in match.items() if name == "name" or name not in kind.asks}
        for found in self._list(kind, match):
            if all(_same(name, found.get(name), value) for name, value in rest.items()):
                return found
        return None

    def _delete(self, kind: Kind, match: Mapping[str, Any], entity: Entity) -> None:
        if not kind.delete:
            return
        if kind.before:
            with suppress(CloudApiError):  # an earlier try has done it; else the next command says what is wrong
                self.change(kind.before, id=entity["id"])
        try:
            self.change(kind.delete, **{kind.key: entity[kind.key]}, **kind.with_)
        except CloudApiError:
            if any(other[kind.key] == entity[kind.key] for other in self._list(kind, match)):
                raise  # else it was deleted by an earlier try, whose answer was lost


def _entity(reply: Mapping[str, Any]) -> Entity:
    """What a command made: in most replies it is wrapped, and some wrap a list of one."""
    members = [value for name, value in reply.items() if name != "count"]
    only = members[0] if len(members) == 1 else reply
    return dict(only[0] if isinstance(only, list) else only)


def given(source: Mapping[str, Any], *keys: str) -> Entity:
    """The members that are set; CloudStack takes an empty text for a value."""
    return {key: source[key] for key in keys if source.get(key) not in (None, "", [])}


def listed(source: Mapping[str, Any], key: str) -> list[Any]:
    """A list that may be absent, or `null`."""
    return source.get(key) or []


def _same(name: str, found: Any, wanted: Any) -> bool:
    if name == "vlan":  # `vlan://50` in replies, and an untagged one has no number
        found, wanted = _vlan(found), _vlan(wanted)
    return str(found).lower() == str(wanted).lower()


def _vlan(text: object) -> str:
    return str(text or "").removeprefix("vlan://") or "untagged"
