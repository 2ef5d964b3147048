"""Looks at VMs' consoles that were given out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ..identity import Owned, User
from ..store import Entity, OnRemove, relation

if TYPE_CHECKING:
    from .topology import Host


@dataclass(eq=False, kw_only=True)
class ConsoleSession(Owned):
    """One permission to look at a VM's console; its owner is who asked for it, not the VM's."""

    RESPONSE: ClassVar[str] = "ConsoleSessionResponse"
    LABEL: ClassVar[str] = "Console session"
    ADMIN_ONLY: ClassVar[frozenset[str]] = frozenset({"hostid", "hostname"})

    user: User | None = relation(OnRemove.CLEAR, optional=True)
    virtualmachine: Entity = relation(OnRemove.CASCADE)
    host: Host | None = relation(OnRemove.CLEAR, optional=True)
    acquired: float | None = None
    """When a viewer has used it; nothing here ever does."""
    removed: float | None = None

    @property
    def accountid(self) -> str:
        """Its owner's id."""
        return self.owner.id
