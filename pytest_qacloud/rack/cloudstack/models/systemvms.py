"""System VMs and the agents in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ..identity import Owned
from ..store import Entity, OnRemove, relation

if TYPE_CHECKING:
    from .networks import VlanRange
    from .storage import StoragePool
    from .topology import Host, Pod, Zone

CONSOLE_PROXY, SECONDARY_STORAGE = "consoleproxy", "secondarystoragevm"

CPU_MHZ = 500
MEMORY_BYTES = {CONSOLE_PROXY: 1024 * 2**20, SECONDARY_STORAGE: 512 * 2**20}


@dataclass(eq=False, kw_only=True)
class SystemVm(Entity):
    """A console proxy or a secondary storage VM."""

    RESPONSE: ClassVar[str] = "SystemVmResponse"
    ALIASES: ClassVar[tuple[str, ...]] = ("SystemVmInstanceResponse",)
    LABEL: ClassVar[str] = "System VM"

    name: str
    systemvmtype: str
    zone: Zone = relation()
    state: str = "Starting"
    due: float | None = None
    """When it will run; unknown until it has a host."""
    host: Host | None = relation(OnRemove.CLEAR, optional=True)
    pod: Pod | None = relation(optional=True)
    public_range: VlanRange | None = relation(optional=True)
    privateip: str | None = None
    publicip: str | None = None
    linklocalip: str | None = None
    privatemacaddress: str | None = None
    publicmacaddress: str | None = None
    linklocalmacaddress: str | None = None
    linklocalnetmask: str = "255.255.0.0"
    templateid: str | None = None
    templatename: str | None = None
    activeviewersessions: int = 0
    version: str | None = None
    arch: str = "x86_64"
    isdynamicallyscalable: bool = False

    @property
    def hypervisor(self) -> str | None:
        """Its host's hypervisor."""
        return None if self.host is None else self.host.hypervisor

    @property
    def agentstate(self) -> str:
        """Whether the agent in it answers."""
        return "Up" if self.state == "Running" else "Disconnected"

    @property
    def dns1(self) -> str:
        """The zone's."""
        return self.zone.dns1

    @property
    def dns2(self) -> str | None:
        """The zone's."""
        return self.zone.dns2

    @property
    def gateway(self) -> str | None:
        """Of its public address."""
        return None if self.public_range is None else self.public_range.gateway

    @property
    def publicnetmask(self) -> str | None:
        """Of its public address."""
        return None if self.public_range is None else self.public_range.netmask

    @property
    def publicvlan(self) -> list[str] | None:
        """Of its public address."""
        return None if self.public_range is None else [self.public_range.vlan]

    @property
    def privatenetmask(self) -> str | None:
        """Of its private address."""
        return None if self.pod is None else self.pod.netmask


@dataclass(eq=False, kw_only=True)
class SystemVmAgent(Entity):
    """What listHosts shows of a system VM."""

    RESPONSE: ClassVar[str] = "HostResponse"
    LABEL: ClassVar[str] = "Host"

    systemvm: SystemVm = relation(OnRemove.CASCADE)
    version: str
    resourcestate: str = "Enabled"
    answers: bool = True
    """Whether it is connected, as long as its VM runs."""

    @property
    def name(self) -> str:
        """The system VM's name."""
        return self.systemvm.name

    @property
    def type(self) -> str:
        """ConsoleProxy or SecondaryStorageVM."""
        return "ConsoleProxy" if self.systemvm.systemvmtype == CONSOLE_PROXY else "SecondaryStorageVM"

    @property
    def state(self) -> str:
        """Whether it is connected."""
        return self.systemvm.agentstate if self.answers else "Disconnected"

    @property
    def ipaddress(self) -> str | None:
        """Its private address."""
        return self.systemvm.privateip

    @property
    def zoneid(self) -> str:
        """Its zone's id."""
        return self.systemvm.zone.id

    @property
    def zonename(self) -> str:
        """Its zone's name."""
        return self.systemvm.zone.name

    @property
    def podid(self) -> str | None:
        """Its pod's id."""
        return None if self.systemvm.pod is None else self.systemvm.pod.id

    @property
    def podname(self) -> str | None:
        """Its pod's name."""
        return None if self.systemvm.pod is None else self.systemvm.pod.name

    @property
    def clusterid(self) -> None:
        """An agent in a VM is in no cluster."""
        return

    @property
    def hypervisor(self) -> None:
        """An agent in a VM is no hypervisor."""
        return


@dataclass(eq=False, kw_only=True)
class SystemVolume(Owned):
    """The root volume of a system VM or a router."""

    RESPONSE: ClassVar[str] = "VolumeResponse"
    LABEL: ClassVar[str] = "Volume"

    name: str
    zone: Zone = relation()
    systemvm: Entity = relation(OnRemove.CASCADE)
    vmtype: str
    size: int
    pool: StoragePool | None = relation(OnRemove.CLEAR, optional=True)
    """None while no pool in use serves the VM's host."""
    type: str = "ROOT"
    deviceid: int = 0
    storagetype: str = "shared"
    provisioningtype: str = "thin"

    @property
    def state(self) -> str:
        """Ready where it lies on a pool."""
        return "Allocated" if self.pool is None else "Ready"

    @property
    def storage(self) -> str | None:
        """Its pool's name."""
        return None if self.pool is None else self.pool.name

    @property
    def storageid(self) -> str | None:
        """Its pool's id."""
        return None if self.pool is None else self.pool.id

    @property
    def virtualmachineid(self) -> str:
        """Its VM's id."""
        return self.systemvm.id

    @property
    def vmname(self) -> str:
        """Its VM's name."""
        return str(getattr(self.systemvm, "name", ""))

    @property
    def vmstate(self) -> str:
        """Its VM's state."""
        return str(getattr(self.systemvm, "state", ""))
