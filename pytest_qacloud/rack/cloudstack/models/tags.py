"""Tags on entities, and the mix-in that shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ..identity import Owned
from ..store import Entity, OnRemove, relation

if TYPE_CHECKING:
    from ..store import Store


@dataclass(eq=False, kw_only=True)
class Tag(Owned):
    """A key and a value on an entity, of the entity's owner."""

    RESPONSE: ClassVar[str] = "ResourceTagResponse"
    LABEL: ClassVar[str] = "Tag"
    REMEMBERED: ClassVar[bool] = False

    resource: Entity = relation(OnRemove.CASCADE)
    resourcetype: str
    key: str
    value: str
    customer: str | None = None

    @property
    def name(self) -> str:
        """Its key, for messages."""
        return self.key


class Tagged:
    """Gives an entity class the field `tags`, by which lists filter as well."""

    store: Store

    @property
    def tags(self) -> list[Tag]:
        """Its tags, oldest first."""
        return self.store.all(Tag, resource=self)
