"""Guest networks, and the interfaces by which machines are in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any, ClassVar

from ..identity import Owned
from ..store import Entity, OnRemove, relation
from .networks import PhysicalNetwork, VlanRange

if TYPE_CHECKING:
    from .topology import Zone

ALLOCATED, IMPLEMENTING, IMPLEMENTED = "Allocated", "Implementing", "Implemented"
"""A network's `state`."""

ISOLATED, SHARED, L2 = "Isolated", "Shared", "L2"
"""A network's `type`."""


@dataclass(eq=False, kw_only=True)
class Network(Owned):
    """A guest network: isolated, shared, L2, or a tier of a VPC (then `vpc` is it)."""

    RESPONSE: ClassVar[str] = "NetworkResponse"
    LABEL: ClassVar[str] = "Network"

    name: str
    displaytext: str
    zone: Zone = relation()
    networkoffering: Entity = relation()
    physicalnetwork: PhysicalNetwork | None = relation(optional=True)
    vpc: Entity | None = relation(optional=True)
    type: str = ISOLATED
    acltype: str = "Account"
    traffictype: str = "Guest"
    broadcastdomaintype: str = "Vlan"
    state: str = ALLOCATED
    gateway: str | None = None
    netmask: str | None = None
    vlan: str | None = None
    networkdomain: str | None = None
    displaynetwork: bool = True
    details: dict[str, str] = field(default_factory=dict)

    @property
    def cidr(self) -> str | None:
        """The addresses that it spans."""
        if self.gateway is None or self.netmask is None:
            return None
        return str(IPv4Network(f"{self.gateway}/{self.netmask}", strict=False))

    @property
    def broadcasturi(self) -> str | None:
        """Its VLAN as a URI."""
        return None if self.vlan is None else f"vlan://{self.vlan}"

    @property
    def related(self) -> str:
        """Itself."""
        return self.id

    @property
    def is_shared(self) -> bool:
        """Whether others than its owner may use it."""
        return self.acltype == "Domain"

    def usable_by(self, caller: Any) -> bool:
        """Its owner's, or for shared ones everybody's in its domain."""
        return super().usable_by(caller) or (self.is_shared and self.owner.domain.contains(caller.domain))

    def address_ranges(self) -> list[tuple[str, str]]:
        """First and last of the addresses that its machines may get; none for L2."""
        ranges = self.store.all(VlanRange, network=self)
        if ranges:
            return [(item.startip, item.endip) for item in ranges]
        if self.cidr is None:
            return []
        around = IPv4Network(self.cidr)
        return [(str(around[1]), str(around[-2]))] if around.num_addresses > 2 else []

    @property
    def nics(self) -> list[Nic]:
        """The interfaces in it, oldest first."""
        return self.store.all(Nic, network=self)


@dataclass(eq=False, kw_only=True)
class Nic(Entity):
    """A machine's interface in a network. `virtualmachine` is a user's VM or a router."""

    RESPONSE: ClassVar[str] = "NicResponse"
    LABEL: ClassVar[str] = "NIC"

    network: Network = relation()
    virtualmachine: Entity = relation(OnRemove.CASCADE)
    macaddress: str
    ipaddress: str | None = None
    device: int = 0
    isdefault: bool = False
    extradhcpoption: list[dict[str, str]] = field(default_factory=list)
    mtu: int | None = None

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.ipaddress or self.macaddress

    @property
    def deviceid(self) -> str:
        """Its place among the machine's interfaces."""
        return str(self.device)

    @property
    def gateway(self) -> str | None:
        """Its network's."""
        return self.network.gateway

    @property
    def netmask(self) -> str | None:
        """Its network's."""
        return self.network.netmask

    @property
    def type(self) -> str:
        """Its network's type."""
        return self.network.type

    @property
    def traffictype(self) -> str:
        """Its network's traffic."""
        return self.network.traffictype

    @property
    def broadcasturi(self) -> str | None:
        """Its network's VLAN."""
        return self.network.broadcasturi

    @property
    def isolationuri(self) -> str | None:
        """As `broadcasturi`."""
        return self.network.broadcasturi

    @property
    def vpcid(self) -> str | None:
        """Its network's VPC."""
        return None if self.network.vpc is None else self.network.vpc.id

    @property
    def vpcname(self) -> str | None:
        """Its network's VPC's name."""
        return None if self.network.vpc is None else getattr(self.network.vpc, "name", None)

    @property
    def secondaryip(self) -> list[dict[str, str]]:
        """Its further addresses."""
        return [{"id": item.id, "ipaddress": item.ipaddress} for item in self.store.all(SecondaryIp, nic=self)]

    def usable_by(self, caller: Any) -> bool:
        """Whoever may use its machine."""
        return self.virtualmachine.usable_by(caller)


@dataclass(eq=False, kw_only=True)
class SecondaryIp(Entity):
    """A further address of an interface."""

    RESPONSE: ClassVar[str] = "NicSecondaryIpResponse"
    LABEL: ClassVar[str] = "Secondary IP"

    nic: Nic = relation(OnRemove.CASCADE)
    ipaddress: str

    @property
    def networkid(self) -> str:
        """Its network's id."""
        return self.nic.network.id

    @property
    def virtualmachineid(self) -> str:
        """Its machine's id."""
        return self.nic.virtualmachine.id

    def usable_by(self, caller: Any) -> bool:
        """Whoever may use its interface."""
        return self.nic.usable_by(caller)
