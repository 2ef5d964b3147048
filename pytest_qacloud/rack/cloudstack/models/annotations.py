"""Comments that people put on things."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ..store import Entity, OnRemove, relation

if TYPE_CHECKING:
    from ..identity import User
    from ..store import Store


@dataclass(eq=False, kw_only=True)
class Annotation(Entity):
    """A comment by a user on an entity, which it goes with."""

    RESPONSE: ClassVar[str] = "AnnotationResponse"
    LABEL: ClassVar[str] = "Annotation"

    annotation: str | None
    entitytype: str
    entityid: str
    subject: Entity | None = relation(OnRemove.CASCADE, optional=True)
    """Nothing where an administrator has annotated what is not there, which is allowed."""
    user: User | None = relation(OnRemove.CLEAR, optional=True)
    adminsonly: bool = False
    removed: float | None = None

    @property
    def username(self) -> str | None:
        """Who wrote it."""
        return None if self.user is None else self.user.username


def newest_on(store: Store, entity: Entity) -> Annotation | None:
    """The last annotation of an entity."""
    found = store.all(Annotation, subject=entity)
    return found[-1] if found else None
