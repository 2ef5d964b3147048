"""Zones, pods, clusters and hosts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ..capacity import allocated_on_host
from ..store import Entity, OnRemove, relation
from .annotations import newest_on

if TYPE_CHECKING:
    from ..hardware import HostWatch
    from ..identity import Domain

ENABLED, DISABLED = "Enabled", "Disabled"
"""`allocationstate`, and the states of physical networks and providers."""


@dataclass(eq=False, kw_only=True)
class Zone(Entity):
    """A data centre."""

    RESPONSE: ClassVar[str] = "ZoneResponse"
    LABEL: ClassVar[str] = "Zone"

    name: str
    dns1: str
    internaldns1: str
    networktype: str
    dns2: str | None = None
    internaldns2: str | None = None
    ip6dns1: str | None = None
    ip6dns2: str | None = None
    domain: str | None = None
    """The network domain, such as `cs.example.org`."""
    guestcidraddress: str | None = None
    securitygroupsenabled: bool = False
    localstorageenabled: bool = False
    allocationstate: str = DISABLED
    dhcpprovider: str = "VirtualRouter"
    zonetoken: str = ""
    type: str = "Core"
    allowuserspecifyvrmtu: bool = False
    routerprivateinterfacemaxmtu: int = 1500
    routerpublicinterfacemaxmtu: int = 1500
    isnsxenabled: bool = False
    ismultiarch: bool = False
    routedmodeenabled: bool = False
    resourcedetails: dict[str, str] = field(default_factory=dict)
    dedicated_to: Domain | None = relation(optional=True)

    @property
    def domainid(self) -> str | None:
        """The domain that alone may use it."""
        return None if self.dedicated_to is None else self.dedicated_to.id

    @property
    def domainname(self) -> str | None:
        """That domain's name."""
        return None if self.dedicated_to is None else self.dedicated_to.name


@dataclass(eq=False, kw_only=True)
class Pod(Entity):
    """A rack of a zone, with addresses for its hosts' system VMs."""

    RESPONSE: ClassVar[str] = "PodResponse"
    LABEL: ClassVar[str] = "Pod"

    name: str
    zone: Zone = relation()
    gateway: str
    netmask: str
    ranges: list[tuple[str, str]] = field(default_factory=list)
    """First and last address of each range for system VMs."""
    allocationstate: str = ENABLED

    @property
    def startip(self) -> list[str]:
        """First addresses."""
        return [first for first, _ in self.ranges]

    @property
    def endip(self) -> list[str]:
        """Last addresses."""
        return [last for _, last in self.ranges]

    @property
    def forsystemvms(self) -> list[str]:
        """For each range, whether only system VMs use it."""
        return ["0" for _ in self.ranges]

    @property
    def vlanid(self) -> list[str]:
        """Each range's VLAN."""
        return ["vlan://untagged" for _ in self.ranges]

    @property
    def ipranges(self) -> list[dict[str, Any]]:
        """The ranges, one mapping each."""
        return [
            {"startip": first, "endip": last, "forsystemvms": "0", "vlanid": "vlan://untagged", "gateway": self.gateway}
            for first, last in self.ranges
        ]


@dataclass(eq=False, kw_only=True)
class Cluster(Entity):
    """Hosts of one hypervisor that share primary storage."""

    RESPONSE: ClassVar[str] = "ClusterResponse"
    LABEL: ClassVar[str] = "Cluster"

    name: str
    pod: Pod = relation()
    hypervisortype: str
    clustertype: str = "CloudManaged"
    allocationstate: str = ENABLED
    managedstate: str = "Managed"
    cpuovercommitratio: str = "1.0"
    memoryovercommitratio: str = "1.0"
    arch: str = "x86_64"
    url: str | None = None
    resourcedetails: dict[str, str] = field(default_factory=dict)
    dedicated_to: Domain | None = relation(optional=True)

    @property
    def zone(self) -> Zone:
        """Its pod's zone."""
        return self.pod.zone

    @property
    def zoneid(self) -> str:
        """Its zone's id."""
        return self.zone.id

    @property
    def zonename(self) -> str:
        """Its zone's name."""
        return self.zone.name

    @property
    def hypervisor(self) -> str:
        """As list filters call it."""
        return self.hypervisortype


@dataclass(eq=False, kw_only=True)
class Host(Entity):
    """A hypervisor."""

    RESPONSE: ClassVar[str] = "HostResponse"
    ALIASES: ClassVar[tuple[str, ...]] = ("HostForMigrationResponse",)
    LABEL: ClassVar[str] = "Host"

    hardware: HostWatch = field(repr=False)
    name: str
    ipaddress: str
    cluster: Cluster = relation()
    hypervisorversion: str
    cpunumber: int
    cpuspeed: int
    memorytotal: int
    version: str
    type: str = "Routing"
    resourcestate: str = ENABLED
    hosttags: str | None = None
    istagarule: bool = False
    cpusockets: int = 1
    capabilities: str = "hvm,snapshot"
    disconnected: float | None = None
    islocalstorageactive: bool = False
    hahost: bool = False
    ueficapability: bool = False
    encryptionsupported: bool = True
    instanceconversionsupported: bool = True
    arch: str = "x86_64"
    username: str = ""
    oscategory: Entity | None = relation(OnRemove.CLEAR, optional=True)
    details: dict[str, str] = field(default_factory=dict)
    dedicated_to: Domain | None = relation(optional=True)

    @property
    def state(self) -> str:
        """Up while the machine runs."""
        return "Up" if self.hardware.is_running(self.ipaddress) else "Down"

    @property
    def annotation(self) -> str | None:
        """The newest comment on it."""
        newest = newest_on(self.store, self)
        return None if newest is None else newest.annotation

    @property
    def lastannotated(self) -> float | None:
        """When that was written."""
        newest = newest_on(self.store, self)
        return None if newest is None else newest.created

    @property
    def hasannotations(self) -> bool:
        """Whether there is any."""
        return newest_on(self.store, self) is not None

    @property
    def hypervisor(self) -> str:
        """Its cluster's hypervisor."""
        return self.cluster.hypervisortype

    @property
    def clustertype(self) -> str:
        """Its cluster's type."""
        return self.cluster.clustertype

    @property
    def pod(self) -> Pod:
        """Its cluster's pod."""
        return self.cluster.pod

    @property
    def podid(self) -> str:
        """Its pod's id."""
        return self.pod.id

    @property
    def podname(self) -> str:
        """Its pod's name."""
        return self.pod.name

    @property
    def zone(self) -> Zone:
        """Its zone."""
        return self.pod.zone

    @property
    def zoneid(self) -> str:
        """Its zone's id."""
        return self.zone.id

    @property
    def zonename(self) -> str:
        """Its zone's name."""
        return self.zone.name

    @property
    def explicithosttags(self) -> str | None:
        """The tags that were set by hand: all."""
        return self.hosttags

    @property
    def lastpinged(self) -> float:
        """When it was last heard of."""
        return self.created

    @property
    def events(self) -> str:
        """What may happen to it next."""
        return "ShutdownRequested; Ping; HostDown; AgentDisconnected; Remove; ManagementServerDown"

    @property
    def cpuwithoverprovisioning(self) -> str:
        """MHz, over-commitment included."""
        return str(self.cpunumber * self.cpuspeed * float(self.cluster.cpuovercommitratio))

    @property
    def memorywithoverprovisioning(self) -> str:
        """Bytes, over-commitment included."""
        return str(self.memorytotal * float(self.cluster.memoryovercommitratio))

    @property
    def cpuallocatedvalue(self) -> int:
        """MHz given out."""
        return allocated_on_host(self.store, self)[1]

    @property
    def cpuallocatedpercentage(self) -> str:
        """Share of the MHz given out."""
        return f"{100 * self.cpuallocatedvalue / max(self.cpunumber * self.cpuspeed, 1):.2f}%"

    @property
    def cpuallocated(self) -> str:
        """As `cpuallocatedpercentage`."""
        return self.cpuallocatedpercentage

    @property
    def memoryallocated(self) -> int:
        """Bytes given out."""
        return allocated_on_host(self.store, self)[2]

    @property
    def memoryallocatedbytes(self) -> int:
        """As `memoryallocated`."""
        return self.memoryallocated

    @property
    def memoryallocatedpercentage(self) -> str:
        """Share of the memory given out."""
        return f"{100 * self.memoryallocated / max(self.memorytotal, 1):.2f}%"

    @property
    def memoryused(self) -> int:
        """Bytes in use: all that is given out."""
        return self.memoryallocated

    @property
    def cpuused(self) -> str:
        """Load, in percent."""
        return "0%"

    def usable(self) -> bool:
        """Whether a VM could be started on it."""
        return self.resourcestate == ENABLED and self.cluster.allocationstate == ENABLED and self.state == "Up"
