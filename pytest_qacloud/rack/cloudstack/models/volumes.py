"""Volumes, their snapshots, and the policies that take these."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from ..identity import Owned
from ..store import Entity, OnRemove, relation
from .tags import Tagged

if TYPE_CHECKING:
    from typing import Any

    from .images import GuestOs, Template
    from .machines import VirtualMachine
    from .offerings import DiskOffering, ServiceOffering
    from .storage import ImageStore, StoragePool
    from .topology import Zone

ROOT, DATADISK = "ROOT", "DATADISK"
"""A volume's `type`."""

ALLOCATED, READY, DESTROY, UPLOADED = "Allocated", "Ready", "Destroy", "Uploaded"
"""A volume's `state`."""

INTERVALS = ("HOURLY", "DAILY", "WEEKLY", "MONTHLY")
"""`intervaltype`; the index is its number on the wire."""


@dataclass(eq=False, kw_only=True)
class Volume(Tagged, Owned):
    """A disk. `size` is bytes; `pool` is where it lies once it is Ready."""

    RESPONSE: ClassVar[str] = "VolumeResponse"
    LABEL: ClassVar[str] = "Volume"
    ADMIN_ONLY: ClassVar[frozenset[str]] = frozenset(
        {"storage", "storageid", "path", "chaininfo", "clusterid", "clustername", "podid", "podname"}
    )

    name: str
    zone: Zone = relation()
    type: str = DATADISK
    state: str = ALLOCATED
    size: int
    virtualmachine: VirtualMachine | None = relation(OnRemove.CLEAR, optional=True)
    diskoffering: DiskOffering | None = relation(OnRemove.CLEAR, optional=True)
    serviceoffering: ServiceOffering | None = relation(OnRemove.CLEAR, optional=True)
    template: Template | None = relation(OnRemove.CLEAR, optional=True)
    pool: StoragePool | None = relation(optional=True)
    source: Snapshot | None = relation(OnRemove.CLEAR, optional=True)
    """The snapshot that it was made from."""
    url: str | None = None
    """Where an uploaded one came from."""
    deviceid: int | None = None
    attached: float | None = None
    hypervisor: str | None = None
    provisioningtype: str = "thin"
    storagetype: str = "shared"
    displayvolume: bool = True
    deleteprotection: bool = False
    isextractable: bool = True
    quiescevm: bool = False
    supportsstoragesnapshot: bool = False
    miniops: int | None = None
    maxiops: int | None = None
    chaininfo: str | None = None
    path: str | None = None
    destroyed_at: float = 0.0
    """When it became Destroy; it is expunged some time after."""
    details: dict[str, str] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """Of an upload."""
        return self.state if self.state == UPLOADED else ""

    @property
    def destroyed(self) -> bool:
        """Whether it waits to be expunged."""
        return self.state == DESTROY

    @property
    def storage(self) -> str | None:
        """Its pool's name."""
        return None if self.pool is None else self.pool.name

    @property
    def storageid(self) -> str | None:
        """Its pool's id."""
        return None if self.pool is None else self.pool.id

    @property
    def clusterid(self) -> str | None:
        """The id of its pool's cluster."""
        return None if self.pool is None or self.pool.cluster is None else self.pool.cluster.id

    @property
    def clustername(self) -> str | None:
        """The name of its pool's cluster."""
        return None if self.pool is None or self.pool.cluster is None else self.pool.cluster.name

    @property
    def podid(self) -> str | None:
        """The id of its pool's pod."""
        return None if self.pool is None or self.pool.pod is None else self.pool.pod.id

    @property
    def podname(self) -> str | None:
        """The name of its pool's pod."""
        return None if self.pool is None or self.pool.pod is None else self.pool.pod.name

    @property
    def hostid(self) -> str | None:
        """Its VM's host's id; lists filter by it."""
        return None if self.virtualmachine is None or self.virtualmachine.host is None else self.virtualmachine.host.id

    @property
    def snapshotid(self) -> str | None:
        """The snapshot that it was made from."""
        return None if self.source is None else self.source.id

    @property
    def vmname(self) -> str | None:
        """Its VM's name."""
        return None if self.virtualmachine is None else self.virtualmachine.name

    @property
    def vmdisplayname(self) -> str | None:
        """Its VM's display name."""
        return None if self.virtualmachine is None else self.virtualmachine.displayname

    @property
    def vmstate(self) -> str | None:
        """Its VM's state."""
        return None if self.virtualmachine is None else self.virtualmachine.state

    @property
    def vmtype(self) -> str | None:
        """Its VM's type."""
        return None if self.virtualmachine is None else self.virtualmachine.vmtype

    @property
    def templatedisplaytext(self) -> str | None:
        """Its template's text."""
        return None if self.template is None else self.template.displaytext

    @property
    def diskofferingdisplaytext(self) -> str | None:
        """Its offering's text."""
        return None if self.diskoffering is None else self.diskoffering.displaytext

    @property
    def serviceofferingdisplaytext(self) -> str | None:
        """The text of its VM's offering at the deployment."""
        return None if self.serviceoffering is None else self.serviceoffering.displaytext

    @property
    def virtualsize(self) -> int | None:
        """As `size`, once it exists."""
        return self.size if self.pool is not None else None

    @property
    def physicalsize(self) -> int | None:
        """As `size`, once it exists."""
        return self.size if self.pool is not None else None

    @property
    def isencrypted(self) -> bool:
        """None is."""
        return False


@dataclass(eq=False, kw_only=True)
class Snapshot(Tagged, Owned):
    """A volume as it was at a moment. It outlives its volume."""

    RESPONSE: ClassVar[str] = "SnapshotResponse"
    LABEL: ClassVar[str] = "Snapshot"

    name: str
    zone: Zone = relation()
    volume: Volume | None = relation(OnRemove.CLEAR, optional=True)
    volumetype: str
    virtualsize: int
    state: str = "Creating"
    snapshottype: str = "MANUAL"
    intervaltype: str = "MANUAL"
    locationtype: str | None = None
    revertable: bool = True
    imagestore: ImageStore | None = relation(optional=True)
    pool: StoragePool | None = relation(OnRemove.CLEAR, optional=True)
    policy: SnapshotPolicy | None = relation(OnRemove.CLEAR, optional=True)
    ostype: GuestOs | None = relation(OnRemove.CLEAR, optional=True)
    source_template: Template | None = relation(OnRemove.CLEAR, optional=True)

    @property
    def physicalsize(self) -> int:
        """As its volume's size: nothing is compressed."""
        return self.virtualsize

    @property
    def status(self) -> str:
        """As `state`."""
        return self.state

    @property
    def volumestate(self) -> str | None:
        """Its volume's state."""
        return None if self.volume is None else self.volume.state

    @property
    def osdisplayname(self) -> str | None:
        """The operating system on a root volume."""
        return None if self.ostype is None else self.ostype.name

    @property
    def datastoreid(self) -> str | None:
        """Where it lies."""
        return None if self.imagestore is None else self.imagestore.id

    @property
    def datastorename(self) -> str | None:
        """The name of where it lies."""
        return None if self.imagestore is None else self.imagestore.name

    @property
    def datastoretype(self) -> str:
        """Secondary storage."""
        return "Image"

    @property
    def datastorestate(self) -> str | None:
        """Whether it lies there."""
        return None if self.imagestore is None else "Ready"


@dataclass(eq=False, kw_only=True)
class SnapshotPolicy(Tagged, Entity):
    """When snapshots of a volume are taken by themselves, and how many are kept."""

    RESPONSE: ClassVar[str] = "SnapshotPolicyResponse"
    LABEL: ClassVar[str] = "Snapshot policy"
    REMEMBERED: ClassVar[bool] = False

    volume: Volume = relation(OnRemove.CASCADE)
    interval: int
    """Index in `INTERVALS`."""
    schedule: str
    timezone: str
    maxsnaps: int
    fordisplay: bool = True
    due: float | None = None
    """When it takes the next one."""

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{INTERVALS[self.interval].lower()} policy of {self.volume.name}"

    @property
    def intervaltype(self) -> int:
        """The interval's number."""
        return self.interval

    def usable_by(self, caller: Any) -> bool:
        """Whoever may use its volume."""
        return self.volume.usable_by(caller)
