"""User VMs and what belongs to them: groups, affinity groups, keys, user data, VM snapshots, schedules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ..identity import Owned, User
from ..store import Entity, OnRemove, relation
from .guests import Nic
from .tags import Tagged

if TYPE_CHECKING:
    from .images import GuestOs, Template
    from .offerings import ServiceOffering
    from .topology import Host, Zone
    from .volumes import Volume

STARTING, RUNNING, STOPPING, STOPPED = "Starting", "Running", "Stopping", "Stopped"
MIGRATING, DESTROYED, EXPUNGING, ERROR = "Migrating", "Destroyed", "Expunging", "Error"
"""A VM's `state`."""

ON_A_HOST = frozenset({STARTING, RUNNING, STOPPING, MIGRATING})
"""States in which a VM takes up its host."""

MIB = 2**20

ANTI_AFFINITY, AFFINITY = "host anti-affinity", "host affinity"
SOFT_ANTI_AFFINITY, SOFT_AFFINITY = "non-strict host anti-affinity", "non-strict host affinity"
AFFINITY_TYPES = (ANTI_AFFINITY, AFFINITY, SOFT_ANTI_AFFINITY, SOFT_AFFINITY)
"""`type` of affinity groups that everybody can make."""


@dataclass(eq=False, kw_only=True)
class InstanceGroup(Owned):
    """A name under which an account gathers VMs."""

    RESPONSE: ClassVar[str] = "InstanceGroupResponse"
    LABEL: ClassVar[str] = "VM group"

    name: str


@dataclass(eq=False, kw_only=True)
class AffinityGroup(Owned):
    """VMs that shall run on different hosts, or on one."""

    RESPONSE: ClassVar[str] = "AffinityGroupResponse"
    LABEL: ClassVar[str] = "Affinity group"
    REMEMBERED: ClassVar[bool] = False

    name: str
    type: str
    description: str | None = None

    @property
    def members(self) -> list[VirtualMachine]:
        """Its VMs."""
        return self.store.all(VirtualMachine, lambda vm: self in vm.affinity_groups)

    @property
    def virtualmachineIds(self) -> list[str]:  # noqa: N802 - the field's name on the wire
        """Their ids."""
        return [vm.id for vm in self.members]


@dataclass(eq=False, kw_only=True)
class SshKeyPair(Owned):
    """A public key that goes into VMs."""

    RESPONSE: ClassVar[str] = "SSHKeyPairResponse"
    LABEL: ClassVar[str] = "SSH key pair"
    REMEMBERED: ClassVar[bool] = False

    name: str
    fingerprint: str
    publickey: str = field(repr=False)


@dataclass(eq=False, kw_only=True)
class UserData(Owned):
    """User data that is kept for many VMs. `userdata` is base64."""

    RESPONSE: ClassVar[str] = "UserDataResponse"
    LABEL: ClassVar[str] = "User data"

    name: str
    userdata: str
    params: str | None = None

    @property
    def accountid(self) -> str:
        """Its owner's id."""
        return self.owner.id


@dataclass(eq=False, kw_only=True)
class VirtualMachine(Tagged, Owned):
    """A user's VM."""

    RESPONSE: ClassVar[str] = "UserVmResponse"
    LABEL: ClassVar[str] = "VM"
    ADMIN_ONLY: ClassVar[frozenset[str]] = frozenset({"hostid", "hostname", "instancename", "hostcontrolstate"})

    name: str
    displayname: str
    instancename: str
    number: int
    """Its number in the names of its volumes and of its instance."""
    zone: Zone = relation()
    template: Template = relation()
    serviceoffering: ServiceOffering = relation()
    hypervisor: str
    state: str = STOPPED
    host: Host | None = relation(OnRemove.CLEAR, optional=True)
    lasthost: Host | None = relation(OnRemove.CLEAR, optional=True)
    iso: Template | None = relation(optional=True)
    ostype: GuestOs | None = relation(OnRemove.CLEAR, optional=True)
    user: User | None = relation(OnRemove.CLEAR, optional=True)
    instancegroup: InstanceGroup | None = relation(OnRemove.CLEAR, optional=True)
    stored_userdata: UserData | None = relation(optional=True)
    affinity_groups: list[AffinityGroup] = field(default_factory=list, repr=False)
    key_names: list[str] = field(default_factory=list)
    custom: dict[str, int] = field(default_factory=dict)
    """cpunumber, cpuspeed and memory that were chosen for a customized offering."""
    details: dict[str, str] = field(default_factory=dict)
    userdata: str | None = None
    userdatadetails: str | None = None
    secret: str | None = field(default=None, repr=False)
    """The password that was set last; shown only by the command that set it."""
    displayvm: bool = True
    haenable: bool = False
    isdynamicallyscalable: bool = False
    deleteprotection: bool = False
    boottype: str = "Bios"
    bootmode: str = "legacy"
    arch: str = "x86_64"
    vmtype: str = "User"
    rootdevicetype: str = "ROOT"
    lastupdated: float = 0.0
    changed_at: float = 0.0
    """When its state last changed; Destroyed VMs are expunged some time after."""

    def enter(self, state: str, now: float) -> None:
        """Change its state."""
        self.state, self.lastupdated, self.changed_at = state, now, now
        if state not in ON_A_HOST and self.host is not None:
            self.lasthost, self.host = self.host, None

    @property
    def cpunumber(self) -> int:
        """Cores."""
        return self.custom.get("cpunumber") or int(self.serviceoffering.cpunumber or 0)

    @property
    def cpuspeed(self) -> int:
        """MHz of a core."""
        return self.custom.get("cpuspeed") or int(self.serviceoffering.cpuspeed or 0)

    @property
    def memory(self) -> int:
        """MiB."""
        return self.custom.get("memory") or int(self.serviceoffering.memory or 0)

    @property
    def nics(self) -> list[Nic]:
        """Its interfaces, in their order."""
        return sorted(self.store.all(Nic, virtualmachine=self), key=lambda nic: nic.device)

    @property
    def nic(self) -> list[Nic]:
        """As `nics`."""
        return self.nics

    @property
    def default_nic(self) -> Nic | None:
        """The interface that its default route uses."""
        return next((nic for nic in self.nics if nic.isdefault), None)

    @property
    def ipaddress(self) -> str | None:
        """Of its default interface."""
        return None if self.default_nic is None else self.default_nic.ipaddress

    @property
    def volumes(self) -> list[Volume]:
        """What is attached to it, in the order of device ids."""
        from .volumes import Volume

        return sorted(self.store.all(Volume, virtualmachine=self), key=lambda volume: volume.deviceid or 0)

    @property
    def root(self) -> Volume | None:
        """Its root volume."""
        return next((volume for volume in self.volumes if volume.type == "ROOT"), None)

    @property
    def rootdeviceid(self) -> int:
        """Where its root volume is attached."""
        return 0

    @property
    def pooltype(self) -> str | None:
        """The type of the pool that its root volume lies on."""
        return None if self.root is None or self.root.pool is None else self.root.pool.type

    @property
    def diskofferingid(self) -> str | None:
        """The offering of its first data volume."""
        offering = next((item.diskoffering for item in self.volumes if item.type == "DATADISK"), None)
        return None if offering is None else offering.id

    @property
    def diskofferingname(self) -> str | None:
        """That offering's name."""
        offering = next((item.diskoffering for item in self.volumes if item.type == "DATADISK"), None)
        return None if offering is None else offering.name

    @property
    def username(self) -> str | None:
        """Who deployed it."""
        return None if self.user is None else self.user.username

    @property
    def group(self) -> str | None:
        """Its group's name."""
        return None if self.instancegroup is None else self.instancegroup.name

    @property
    def groupid(self) -> str | None:
        """Its group's id."""
        return None if self.instancegroup is None else self.instancegroup.id

    @property
    def affinitygroup(self) -> list[AffinityGroup]:
        """Its affinity groups."""
        return self.affinity_groups

    @property
    def keypairs(self) -> str | None:
        """Names of the SSH keys that were put into it."""
        return ",".join(self.key_names) or None

    @property
    def templatedisplaytext(self) -> str:
        """Its template's text."""
        return self.template.displaytext

    @property
    def templatetype(self) -> str:
        """Its template's type."""
        return self.template.templatetype

    @property
    def templateformat(self) -> str | None:
        """Its template's format."""
        return self.template.format

    @property
    def passwordenabled(self) -> bool:
        """Whether its template sets passwords."""
        return self.template.passwordenabled

    @property
    def isodisplaytext(self) -> str | None:
        """The attached ISO's text."""
        return None if self.iso is None else self.iso.displaytext

    @property
    def guestosid(self) -> str | None:
        """Its operating system's id."""
        return None if self.ostype is None else self.ostype.id

    @property
    def osdisplayname(self) -> str | None:
        """Its operating system's name."""
        return None if self.ostype is None else self.ostype.name

    @property
    def userdataid(self) -> str | None:
        """The stored user data that it was given."""
        return None if self.stored_userdata is None else self.stored_userdata.id

    @property
    def userdataname(self) -> str | None:
        """That user data's name."""
        return None if self.stored_userdata is None else self.stored_userdata.name

    @property
    def hostcontrolstate(self) -> str | None:
        """What its host may be used for."""
        if self.host is None:
            return None
        return "Enabled" if self.host.usable() else "Disabled"

    @property
    def securitygroup(self) -> list[Any]:
        """None in advanced zones without security groups."""
        return []

    @property
    def cpuused(self) -> str | None:
        """A running VM idles."""
        return "0%" if self.state == RUNNING else None

    def load(self) -> tuple[int, int, int]:
        """Cores, MHz and bytes of memory that it takes on a host."""
        return self.cpunumber, self.cpunumber * self.cpuspeed, self.memory * MIB

    def on_removed(self) -> None:
        """Leave its affinity groups."""
        self.affinity_groups = []


@dataclass(eq=False, kw_only=True)
class VmSnapshot(Tagged, Owned):
    """A whole VM as it was at a moment: its disks, and with `DiskAndMemory` its memory."""

    RESPONSE: ClassVar[str] = "VMSnapshotResponse"
    LABEL: ClassVar[str] = "VM snapshot"

    name: str
    displayname: str
    description: str | None = None
    virtualmachine: VirtualMachine = relation(OnRemove.CASCADE)
    type: str = "Disk"
    state: str = "Creating"
    current: bool = False
    parent_snapshot: VmSnapshot | None = relation(OnRemove.CLEAR, optional=True)
    serviceoffering: ServiceOffering = relation()
    custom: dict[str, int] = field(default_factory=dict)

    @property
    def parent(self) -> str | None:
        """The id of the one that it was taken after."""
        return None if self.parent_snapshot is None else self.parent_snapshot.id

    @property
    def parentName(self) -> str | None:  # noqa: N802 - the field's name on the wire
        """That one's name."""
        return None if self.parent_snapshot is None else self.parent_snapshot.name

    @property
    def zoneid(self) -> str:
        """Its VM's zone's id."""
        return self.virtualmachine.zone.id

    @property
    def zonename(self) -> str:
        """Its VM's zone's name."""
        return self.virtualmachine.zone.name

    @property
    def hypervisor(self) -> str:
        """Its VM's hypervisor."""
        return self.virtualmachine.hypervisor


@dataclass(eq=False, kw_only=True)
class VmSchedule(Entity):
    """A VM's planned action, by a cron line."""

    RESPONSE: ClassVar[str] = "VMScheduleResponse"
    LABEL: ClassVar[str] = "VM schedule"

    virtualmachine: VirtualMachine = relation(OnRemove.CASCADE)
    action: str
    schedule: str
    timezone: str
    description: str | None = None
    enabled: bool = True
    startdate: float
    enddate: float | None = None
    due: float | None = None
    """When it acts next."""

    def usable_by(self, caller: Any) -> bool:
        """Whoever may use its VM."""
        return self.virtualmachine.usable_by(caller)
