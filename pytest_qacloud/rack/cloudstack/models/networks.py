"""Physical networks, their traffic and providers, and ranges of addresses."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, ClassVar

from ..store import Entity, OnRemove, relation
from .topology import DISABLED, Pod, Zone

if TYPE_CHECKING:
    from ..identity import Account, Domain


@dataclass(eq=False, kw_only=True)
class PhysicalNetwork(Entity):
    """A physical network of a zone."""

    RESPONSE: ClassVar[str] = "PhysicalNetworkResponse"
    LABEL: ClassVar[str] = "Physical network"

    name: str
    zone: Zone = relation()
    vlan: str | None = None
    state: str = DISABLED
    isolationmethods: str = "VLAN"
    networkspeed: str | None = None
    broadcastdomainrange: str = "ZONE"
    tags: str | None = None
    domain: Domain | None = relation(optional=True)


@dataclass(eq=False, kw_only=True)
class TrafficType(Entity):
    """A kind of traffic on a physical network: Management, Public, Guest or Storage."""

    RESPONSE: ClassVar[str] = "TrafficTypeResponse"
    LABEL: ClassVar[str] = "Traffic type"
    REMEMBERED: ClassVar[bool] = False

    traffictype: str
    physicalnetwork: PhysicalNetwork = relation(OnRemove.CASCADE)
    kvmnetworklabel: str | None = None
    xennetworklabel: str | None = None
    vmwarenetworklabel: str | None = None
    hypervnetworklabel: str | None = None
    ovm3networklabel: str | None = None
    vlan: str | None = None

    @property
    def name(self) -> str:
        """Its kind."""
        return self.traffictype


@dataclass(eq=False, kw_only=True)
class Provider(Entity):
    """A network service provider on a physical network."""

    RESPONSE: ClassVar[str] = "ProviderResponse"
    LABEL: ClassVar[str] = "Network service provider"

    name: str
    physicalnetwork: PhysicalNetwork = relation(OnRemove.CASCADE)
    servicelist: list[str]
    state: str = DISABLED
    canenableindividualservice: bool = True


@dataclass(eq=False, kw_only=True)
class VirtualRouterElement(Entity):
    """The element that makes virtual routers, for VirtualRouter and VpcVirtualRouter."""

    RESPONSE: ClassVar[str] = "VirtualRouterProviderResponse"
    LABEL: ClassVar[str] = "Virtual router element"

    provider: Provider = relation(OnRemove.CASCADE)
    enabled: bool = False

    @property
    def nspid(self) -> str:
        """Its provider's id."""
        return self.provider.id


@dataclass(eq=False, kw_only=True)
class InternalLbElement(VirtualRouterElement):
    """The element that makes internal load balancer VMs."""

    RESPONSE: ClassVar[str] = "InternalLoadBalancerElementResponse"
    LABEL: ClassVar[str] = "Internal load balancer element"


@dataclass(eq=False, kw_only=True)
class VlanRange(Entity):
    """A range of addresses: public, or of a shared network (then `network` is it)."""

    RESPONSE: ClassVar[str] = "VlanIpRangeResponse"
    LABEL: ClassVar[str] = "IP range"

    zone: Zone = relation()
    physicalnetwork: PhysicalNetwork = relation()
    pod: Pod | None = relation(optional=True)
    network: Entity | None = relation(OnRemove.CASCADE, optional=True)
    forvirtualnetwork: bool = True
    vlan: str
    gateway: str
    netmask: str
    startip: str
    endip: str
    forsystemvms: bool = False
    holder: Account | None = relation(OnRemove.CLEAR, optional=True)
    """The account that the range is dedicated to."""
    holder_domain: Domain | None = relation(OnRemove.CLEAR, optional=True)
    """The domain that the range is dedicated to."""

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.startip}-{self.endip}"

    @property
    def cidr(self) -> str:
        """The network around it."""
        return str(IPv4Network(f"{self.gateway}/{self.netmask}", strict=False))

    @property
    def description(self) -> str:
        """Its addresses."""
        return f"{self.startip}-{self.endip}"

    @property
    def account(self) -> str | None:
        """The name of the account that it is dedicated to."""
        return None if self.holder is None else self.holder.name

    @property
    def _dedicated_domain(self) -> Domain | None:
        return self.holder.domain if self.holder is not None else self.holder_domain

    @property
    def domain(self) -> str | None:
        """The name of the domain that it is dedicated to."""
        return None if self._dedicated_domain is None else self._dedicated_domain.name

    @property
    def domainid(self) -> str | None:
        """That domain's id."""
        return None if self._dedicated_domain is None else self._dedicated_domain.id

    @property
    def domainpath(self) -> str | None:
        """That domain's path."""
        return None if self._dedicated_domain is None else self._dedicated_domain.path


@dataclass(eq=False, kw_only=True)
class StorageRange(Entity):
    """A pod's addresses on the storage network."""

    RESPONSE: ClassVar[str] = "StorageNetworkIpRangeResponse"
    LABEL: ClassVar[str] = "Storage network IP range"
    REMEMBERED: ClassVar[bool] = False

    pod: Pod = relation()
    vlan: int | None = None
    startip: str
    endip: str
    gateway: str
    netmask: str

    @property
    def zoneid(self) -> str:
        """Its zone's id."""
        return self.pod.zone.id
