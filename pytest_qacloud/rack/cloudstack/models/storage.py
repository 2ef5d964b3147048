"""Primary storage pools and secondary storage."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from ..capacity import allocated_on_pool
from ..store import Entity, relation

if TYPE_CHECKING:
    from .topology import Cluster, Pod, Zone


@dataclass(eq=False, kw_only=True)
class StoragePool(Entity):
    """Primary storage of a cluster or a zone."""

    RESPONSE: ClassVar[str] = "StoragePoolResponse"
    ALIASES: ClassVar[tuple[str, ...]] = ("StoragePoolForMigrationResponse",)
    LABEL: ClassVar[str] = "Storage pool"

    name: str
    zone: Zone = relation()
    pod: Pod | None = relation(optional=True)
    cluster: Cluster | None = relation(optional=True)
    scope: str
    ipaddress: str
    path: str
    type: str
    disksizetotal: int
    state: str = "Up"
    provider: str = "DefaultPrimary"
    hypervisor: str | None = None
    tags: str | None = None
    istagarule: bool = False
    managed: bool = False
    overprovisionfactor: str = "2.0"
    capacityiops: int | None = None
    storagecapabilities: dict[str, str] = field(default_factory=lambda: {"VOLUME_SNAPSHOT_QUIESCEVM": "false"})
    details: dict[str, str] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """As list filters call its state."""
        return self.state

    @property
    def disksizeallocated(self) -> int:
        """Bytes given out."""
        return allocated_on_pool(self.store, self)

    @property
    def disksizeused(self) -> int:
        """Bytes in use: all that is given out."""
        return self.disksizeallocated

    def serves(self, cluster: Cluster) -> bool:
        """Whether a cluster's hosts can use it."""
        if self.cluster is not None:
            return self.cluster is cluster
        return self.zone is cluster.zone and self.hypervisor in (None, "Any", cluster.hypervisortype)


@dataclass(eq=False, kw_only=True)
class ImageStore(Entity):
    """Secondary storage: templates, ISOs, snapshots."""

    RESPONSE: ClassVar[str] = "ImageStoreResponse"
    LABEL: ClassVar[str] = "Secondary storage"

    name: str
    url: str
    zone: Zone | None = relation(optional=True)
    protocol: str
    providername: str
    scope: str
    readonly: bool = False
    disksizetotal: int = 0
    disksizeused: int = 0


@dataclass(eq=False, kw_only=True)
class StagingStore(ImageStore):
    """A cache before an object store."""
