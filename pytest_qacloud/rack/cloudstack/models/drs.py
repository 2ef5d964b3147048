"""Plans that move VMs between a cluster's hosts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ..store import Entity, OnRemove, relation

if TYPE_CHECKING:
    from .machines import VirtualMachine
    from .topology import Cluster, Host

UNDER_REVIEW, IN_PROGRESS, COMPLETED = "UNDER_REVIEW", "IN_PROGRESS", "COMPLETED"
"""A plan's `status`; one under review is kept nowhere."""

SUCCEEDED, FAILED = "SUCCEEDED", "FAILED"
"""How a move ended."""


@dataclass
class Move:
    """One VM from one host to another; `status` once it has ended."""

    vm: VirtualMachine
    source: Host
    destination: Host
    status: str | None = None

    def row(self) -> dict[str, Any]:
        """The move as replies show it."""
        row = {
            "virtualmachineid": self.vm.id,
            "virtualmachinename": self.vm.instancename,
            "sourcehostid": self.source.id,
            "sourcehostname": self.source.name,
            "destinationhostid": self.destination.id,
            "destinationhostname": self.destination.name,
        }
        return row if self.status is None else {**row, "migrationjobstatus": self.status}


@dataclass(eq=False, kw_only=True)
class DrsPlan(Entity):
    """Moves that somebody has ordered, all of one cluster."""

    RESPONSE: ClassVar[str] = "ClusterDrsPlanResponse"
    LABEL: ClassVar[str] = "DRS plan"

    cluster: Cluster = relation(OnRemove.CASCADE)
    moves: list[Move] = field(default_factory=list)
    type: str = "MANUAL"
    status: str = IN_PROGRESS
    eventid: str | None = None

    @property
    def migrations(self) -> list[dict[str, Any]]:
        """The moves as replies show them."""
        return [move.row() for move in self.moves]
