"""Virtual private clouds: offerings, clouds, access control lists, private gateways and static routes."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any, ClassVar

from ..identity import Owned
from ..store import Entity, OnRemove, relation
from .offerings import Offering, ServiceOffering
from .tags import Tagged

if TYPE_CHECKING:
    from .guests import Network
    from .networks import PhysicalNetwork
    from .topology import Zone

ALLOW, DENY = "Allow", "Deny"
"""An item's `action`."""

INGRESS, EGRESS = "Ingress", "Egress"
"""An item's `traffictype`."""


@dataclass(eq=False, kw_only=True)
class VpcOffering(Offering):
    """Services and their providers for VPCs."""

    RESPONSE: ClassVar[str] = "VpcOfferingResponse"
    LABEL: ClassVar[str] = "VPC offering"

    state: str = "Disabled"
    isdefault: bool = False
    providers: dict[str, list[str]] = field(default_factory=dict)
    """The providers of each service."""
    capabilities: dict[str, dict[str, str]] = field(default_factory=dict)
    serviceoffering: ServiceOffering | None = relation(optional=True)
    distributedvpcrouter: bool = False
    supportsregionLevelvpc: bool = False  # noqa: N815 - the field's name in the API
    redundant: bool = False
    fornsx: bool = False
    internetprotocol: str = "IPv4"
    sort_key: int = 0

    @property
    def service(self) -> list[dict[str, Any]]:
        """Services with their providers and chosen capabilities."""
        return [
            {
                "name": name,
                "provider": [{"name": provider} for provider in providers],
                "capability": [
                    {"name": key, "value": value, "canchooseservicecapability": False}
                    for key, value in self.capabilities.get(name, {}).items()
                ],
            }
            for name, providers in self.providers.items()
        ]


@dataclass(eq=False, kw_only=True)
class Vpc(Tagged, Owned):
    """A virtual private cloud; its tiers are networks."""

    RESPONSE: ClassVar[str] = "VpcResponse"
    LABEL: ClassVar[str] = "VPC"

    name: str
    displaytext: str
    cidr: str
    zone: Zone = relation()
    vpcoffering: VpcOffering = relation()
    state: str = "Inactive"
    networkdomain: str | None = None
    restartrequired: bool = False
    fordisplay: bool = True
    redundantvpcrouter: bool = False
    own_dns1: str | None = None
    own_dns2: str | None = None
    publicmtu: int | None = None

    @property
    def block(self) -> IPv4Network:
        """Its CIDR as a block; the CIDR is kept as it was given, with or without host bits."""
        return IPv4Network(self.cidr, strict=False)

    @property
    def tiers(self) -> list[Network]:
        """Its networks, oldest first."""
        from .guests import Network

        return self.store.all(Network, vpc=self)

    @property
    def network(self) -> list[Network]:
        """As `tiers`."""
        return self.tiers

    @property
    def service(self) -> list[dict[str, Any]]:
        """Its offering's."""
        return self.vpcoffering.service

    @property
    def distributedvpcrouter(self) -> bool:
        """Its offering's."""
        return self.vpcoffering.distributedvpcrouter

    @property
    def regionlevelvpc(self) -> bool:
        """Its offering's."""
        return self.vpcoffering.supportsregionLevelvpc

    @property
    def dns1(self) -> str:
        """Its own name server, else the zone's."""
        return self.own_dns1 or self.zone.dns1

    @property
    def dns2(self) -> str | None:
        """The second one."""
        return self.own_dns2 or (None if self.own_dns1 else self.zone.dns2)


@dataclass(eq=False, kw_only=True)
class AclList(Entity):
    """An access control list; one without a VPC is global: everybody's to use. Two of these are built in."""

    RESPONSE: ClassVar[str] = "NetworkACLResponse"
    LABEL: ClassVar[str] = "Network ACL"
    REMEMBERED: ClassVar[bool] = False

    name: str
    description: str | None = None
    vpc: Vpc | None = relation(OnRemove.CASCADE, optional=True)
    builtin: bool = False
    fordisplay: bool = True

    @property
    def items(self) -> list[AclItem]:
        """Its items, in their order."""
        return sorted(self.store.all(AclItem, acl=self), key=lambda item: item.number)

    def usable_by(self, caller: Any) -> bool:
        """Whoever may use its VPC."""
        return self.vpc is None or self.vpc.usable_by(caller)


@dataclass(eq=False, kw_only=True)
class AclItem(Tagged, Entity):
    """One rule of a list."""

    RESPONSE: ClassVar[str] = "NetworkACLItemResponse"
    LABEL: ClassVar[str] = "Network ACL item"
    REMEMBERED: ClassVar[bool] = False

    acl: AclList = relation(OnRemove.CASCADE)
    number: int
    protocol: str
    startport: int | None = None
    endport: int | None = None
    icmptype: int | None = None
    icmpcode: int | None = None
    cidrs: list[str] = field(default_factory=list)
    traffictype: str = INGRESS
    action: str = ALLOW
    reason: str | None = None
    fordisplay: bool = True
    state: str = "Add"

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.number} of {self.acl.name}"

    @property
    def cidrlist(self) -> str:
        """Whom it is about."""
        return ",".join(self.cidrs)

    def usable_by(self, caller: Any) -> bool:
        """Whoever may use its list."""
        return self.acl.usable_by(caller)


@dataclass(eq=False, kw_only=True)
class PrivateGateway(Owned):
    """A VPC's way into a private network."""

    RESPONSE: ClassVar[str] = "PrivateGatewayResponse"
    LABEL: ClassVar[str] = "Private gateway"
    ADMIN_ONLY: ClassVar[frozenset[str]] = frozenset({"vlan", "physicalnetworkid"})

    vpc: Vpc = relation(OnRemove.CASCADE)
    physicalnetwork: PhysicalNetwork = relation()
    acl: AclList | None = relation(optional=True)
    ipaddress: str
    gateway: str
    netmask: str
    vlan: str | None = None
    sourcenatsupported: bool = False
    state: str = "Creating"

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.ipaddress

    @property
    def zoneid(self) -> str:
        """Its VPC's zone's id."""
        return self.vpc.zone.id

    @property
    def zonename(self) -> str:
        """Its VPC's zone's name."""
        return self.vpc.zone.name


@dataclass(eq=False, kw_only=True)
class StaticRoute(Tagged, Owned):
    """Where a VPC's router sends packets for some addresses."""

    RESPONSE: ClassVar[str] = "StaticRouteResponse"
    LABEL: ClassVar[str] = "Static route"
    REMEMBERED: ClassVar[bool] = False

    vpc: Vpc = relation(OnRemove.CASCADE)
    vpcgateway: PrivateGateway | None = relation(optional=True)
    nexthop: str | None = None
    cidr: str
    state: str = "Add"

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.cidr

    @property
    def vpcgatewayip(self) -> str | None:
        """Its gateway's address."""
        return None if self.vpcgateway is None else self.vpcgateway.ipaddress
