"""The state: entities with ids and typed relations between them, and the rule that nothing in use can be deleted.

An entity is a dataclass whose attributes are named as the API names its fields, so that replies and filters need no
further code. A relation is an attribute declared with `relation()` and typed as another entity; it gives the fields
`<attribute>id` and `<attribute>name` by itself.
"""

from __future__ import annotations

import uuid
from dataclasses import MISSING, dataclass, field, fields
from enum import Enum
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from .errors import in_use

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

E = TypeVar("E", bound="Entity")


class OnRemove(Enum):
    """What becomes of an entity when one that it refers to is removed."""

    GUARD = "guard"
    """The removal is refused."""
    CASCADE = "cascade"
    """It is removed as well."""
    CLEAR = "clear"
    """Its attribute becomes `None`."""


def relation(on_remove: OnRemove = OnRemove.GUARD, *, optional: bool = False) -> Any:
    """A dataclass field that refers to another entity; an optional one is `None` unless given."""
    return field(default=None if optional else MISSING, metadata={"on_remove": on_remove})


def new_id() -> str:
    """A fresh uuid, as CloudStack shows its ids."""
    return str(uuid.uuid4())


@dataclass(eq=False, kw_only=True)
class Entity:
    """Something with an id that lives in the store.

    Class attributes:
        RESPONSE: its response class in the schema; finds it from uuid parameters, and shapes it in replies.
        ALIASES: further response classes by which parameters refer to it.
        LABEL: how messages and jobs name it.
        ADMIN_ONLY: fields shown to root admins only.
        REMEMBERED: whether its id is still known once it has been removed (its row stays, with a date of removal).
    """

    RESPONSE: ClassVar[str] = ""
    ALIASES: ClassVar[tuple[str, ...]] = ()
    LABEL: ClassVar[str] = ""
    ADMIN_ONLY: ClassVar[frozenset[str]] = frozenset()
    REMEMBERED: ClassVar[bool] = True
    RELATIONS: ClassVar[dict[str, OnRemove]] = {}

    id: str = field(default_factory=new_id)
    created: float = 0.0
    store: Store = field(init=False, repr=False)
    dbid: int = field(init=False, repr=False, default=0)
    """Its number in the database, counted for each response class; older API parameters take it for the id."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = {
            name: value.metadata["on_remove"]
            for name, value in vars(cls).items()
            if hasattr(value, "metadata") and "on_remove" in value.metadata
        }
        cls.RELATIONS = {**cls.RELATIONS, **own}
        for name in own:
            for suffix, target in (("id", "id"), ("name", "name")):
                if not hasattr(cls, name + suffix):
                    setattr(cls, name + suffix, _follow(name, target))

    def usable_by(self, caller: Any) -> bool:  # noqa: ARG002 - what is nobody's can be named by everybody
        """Whether an account may name this entity in a command. `caller` is an `Account`."""
        return True

    def on_removed(self) -> None:
        """Called when it has been removed, together with all that went with it."""


def _follow(name: str, target: str) -> property:
    get = attrgetter(name)

    def value(self: Entity) -> Any:
        other = get(self)
        return None if other is None else getattr(other, target, None)

    return property(value, doc=f"`{target}` of `{name}`.")


class Store:
    """All entities, by class and id."""

    def __init__(self) -> None:
        self._tables: dict[type[Entity], dict[str, Entity]] = {}
        self._named: dict[str, list[type[Entity]]] = {}
        self._numbers: dict[str, int] = {}
        self._gone: set[tuple[str, str]] = set()

    def add(self, entity: E, now: float) -> E:
        """Put an entity in; `created` becomes `now`."""
        kind = type(entity)
        if kind not in self._tables:
            self._tables[kind] = {}
            for name in (kind.RESPONSE, *kind.ALIASES):
                self._named.setdefault(name, []).append(kind)
        entity.created = now
        entity.store = self
        entity.dbid = self.next_number(f"id of {kind.RESPONSE or kind.__name__}")
        self._tables[kind][entity.id] = entity
        return entity

    def get(self, kind: type[E], entity_id: str) -> E | None:
        """The entity of that class and id."""
        found = self._tables.get(kind, {}).get(entity_id)
        return found if isinstance(found, kind) else None

    def find(self, response: str, entity_id: str) -> Entity | None:
        """The entity with that id among all that a response class stands for."""
        for kind in self._named.get(response, ()):
            found = self._tables[kind].get(entity_id)
            if found is not None:
                return found
        return None

    def find_numbered(self, response: str, dbid: int) -> Entity | None:
        """As `find`, by the number in the database."""
        for kind in self._named.get(response, ()):
            for entity in self._tables[kind].values():
                if entity.dbid == dbid:
                    return entity
        return None

    def is_gone(self, response: str, entity_id: str) -> bool:
        """Whether a removed entity that is still remembered had that id."""
        return (response, entity_id) in self._gone

    def all(self, kind: type[E], where: Callable[[E], bool] | None = None, **equal: Any) -> list[E]:
        """Entities of exactly that class, oldest first, with the given attributes' values."""
        return list(self._select(kind, where, equal))

    def first(self, kind: type[E], where: Callable[[E], bool] | None = None, **equal: Any) -> E | None:
        """The oldest match of `all`, or `None`."""
        return next(self._select(kind, where, equal), None)

    def _select(self, kind: type[E], where: Callable[[E], bool] | None, equal: dict[str, Any]) -> Iterator[E]:
        for entity in self._tables.get(kind, {}).values():
            if not isinstance(entity, kind):  # pragma: no cover - tables are keyed by class; this tells the type
                continue
            if all(getattr(entity, name) == value for name, value in equal.items()) and (
                where is None or where(entity)
            ):
                yield entity

    def referrers(self, entity: Entity) -> Iterator[tuple[Entity, str, OnRemove]]:
        """Who refers to an entity, by which attribute, and what a removal means to it."""
        for kind, table in self._tables.items():
            for name, on_remove in kind.RELATIONS.items():
                for other in table.values():
                    if getattr(other, name) is entity:
                        yield other, name, on_remove

    def remove(self, entity: Entity) -> None:
        """Take an entity out, with all that cascades from it.

        Raises:
            ApiError: something guarded refers to it, or to what would go with it; nothing has changed then.
        """
        doomed: dict[int, Entity] = {}
        clear: list[tuple[Entity, str]] = []
        guards: list[tuple[Entity, Entity]] = []
        waiting = [entity]
        while waiting:
            current = waiting.pop()
            if id(current) in doomed:
                continue
            doomed[id(current)] = current
            for other, name, on_remove in self.referrers(current):
                if on_remove is OnRemove.CASCADE:
                    waiting.append(other)
                elif on_remove is OnRemove.CLEAR:
                    clear.append((other, name))
                else:
                    guards.append((current, other))
        for target, holder in guards:
            if id(holder) not in doomed:
                raise in_use(f"{describe(target)} cannot be removed: {describe(holder)} still uses it")
        for other, name in clear:
            setattr(other, name, None)
        for gone in doomed.values():
            self._tables[type(gone)].pop(gone.id, None)
            if gone.REMEMBERED:
                self._gone.update((name, gone.id) for name in (gone.RESPONSE, *gone.ALIASES))
        for gone in doomed.values():
            gone.on_removed()

    def next_number(self, sequence: str) -> int:
        """1, 2, 3 … for each named sequence, as in the instance names `i-2-7-VM`."""
        self._numbers[sequence] = self._numbers.get(sequence, 0) + 1
        return self._numbers[sequence]

    def trim(self, kind: type[Entity], keep: int) -> None:
        """Drop the oldest of a class that nothing refers to, such as log lines, down to `keep`."""
        table = self._tables.get(kind, {})
        while len(table) > keep:
            del table[next(iter(table))]

    def __contains__(self, entity: Entity) -> bool:
        """Whether the entity has not been removed."""
        return self._tables.get(type(entity), {}).get(entity.id) is entity


def describe(entity: Entity) -> str:
    """How a message names an entity."""
    label = type(entity).LABEL or type(entity).__name__
    return f"{label} {getattr(entity, 'name', '') or entity.id}"


def plain_fields(kind: type[Entity]) -> Iterable[str]:
    """Names of a class's dataclass fields."""
    return (item.name for item in fields(kind))
