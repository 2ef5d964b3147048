"""Guest networks, and the interfaces by which machines are in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any, ClassVar

from ..identity import Account, Domain, Owned, controls
from ..store import Entity, OnRemove, relation
from .networks import PhysicalNetwork, VlanRange
from .tags import Tagged

if TYPE_CHECKING:
    from .offerings import NetworkOffering
    from .topology import Zone
    from .vpcs import AclList, Vpc

ALLOCATED, SETUP, IMPLEMENTED = "Allocated", "Setup", "Implemented"
"""A network's `state`. Setup is that of networks whose VLAN was chosen by hand, with or without a router."""

ISOLATED, SHARED, L2 = "Isolated", "Shared", "L2"
"""A network's `type`."""


@dataclass(eq=False, kw_only=True)
class Network(Tagged, Owned):
    """A guest network: isolated, shared, L2, or a tier of a VPC (then `vpc` is it).

    One that is for a whole domain (`acltype` Domain) belongs to the system account.
    """

    RESPONSE: ClassVar[str] = "NetworkResponse"
    LABEL: ClassVar[str] = "Network"
    ADMIN_ONLY: ClassVar[frozenset[str]] = frozenset({"vlan", "broadcasturi"})

    name: str
    displaytext: str
    zone: Zone = relation()
    networkoffering: NetworkOffering = relation()
    physicalnetwork: PhysicalNetwork | None = relation(optional=True)
    vpc: Vpc | None = relation(optional=True)
    acl: AclList | None = relation(optional=True)
    shared_domain: Domain | None = relation(OnRemove.CASCADE, optional=True)
    """The domain that it is for."""
    associatednetwork: Network | None = relation(optional=True)
    subdomainaccess: bool | None = None
    type: str = ISOLATED
    acltype: str = "Account"
    traffictype: str = "Guest"
    broadcastdomaintype: str = "Vlan"
    state: str = ALLOCATED
    gateway: str | None = None
    netmask: str | None = None
    vlan: str | None = None
    private_vlan: tuple[str, str] | None = None
    """A secondary VLAN and its kind: Promiscuous, Community or Isolated."""
    reserved_from: str | None = None
    """The CIDR that its machines' addresses are from, where the rest is reserved."""
    router_ip: str | None = None
    """The address that its router shall have; by itself the gateway's, or a free one."""
    networkdomain: str | None = None
    ip6cidr: str | None = None
    ip6gateway: str | None = None
    displaynetwork: bool = True
    restartrequired: bool = False
    externalid: str | None = None
    own_dns1: str | None = None
    own_dns2: str | None = None
    publicmtu: int | None = None
    privatemtu: int | None = None
    idle_since: float | None = None
    """Since when no machine runs in it."""
    details: dict[str, str] = field(default_factory=dict)

    @property
    def networkcidr(self) -> str | None:
        """All its addresses, the reserved ones included; only where some are reserved."""
        return None if self.reserved_from is None else self._around

    @property
    def _around(self) -> str | None:
        if self.gateway is None or self.netmask is None:
            return None
        return str(IPv4Network(f"{self.gateway}/{self.netmask}", strict=False))

    @property
    def cidr(self) -> str | None:
        """The addresses of its machines."""
        return self.reserved_from or self._around

    @property
    def reservediprange(self) -> str | None:
        """The addresses that are not for machines."""
        if self.reserved_from is None or self._around is None:
            return None
        inner, outer = IPv4Network(self.reserved_from), IPv4Network(self._around)
        parts = sorted(outer.address_exclude(inner)) if inner != outer else []
        return ", ".join(f"{part[0]}-{part[-1]}" for part in parts) or None

    @property
    def broadcasturi(self) -> str | None:
        """Its VLAN, with a private one if it has any, as a URI."""
        if self.vlan is None or self.private_vlan is None:
            return None if self.vlan is None else f"vlan://{self.vlan}"
        secondary, kind = self.private_vlan
        return f"pvlan://{self.vlan}-{kind[0].lower()}{secondary}"

    @property
    def related(self) -> str:
        """Itself."""
        return self.id

    @property
    def account(self) -> str | None:
        """Its owner's name; nothing for a domain's."""
        return None if self.shared_domain is not None else super().account

    @property
    def domainid(self) -> str:
        """The id of the domain that it is for, or of its owner's."""
        return self._domain.id

    @property
    def domain(self) -> str:
        """That domain's name."""
        return self._domain.name

    @property
    def domainpath(self) -> str:
        """That domain's path."""
        return self._domain.path

    @property
    def _domain(self) -> Domain:
        return self.shared_domain or self.owner.domain

    @property
    def networkofferingdisplaytext(self) -> str:
        """Its offering's text."""
        return self.networkoffering.displaytext

    @property
    def networkofferingconservemode(self) -> bool:
        """Whether one public address may serve several purposes."""
        return self.networkoffering.conservemode

    @property
    def networkofferingavailability(self) -> str:
        """Its offering's."""
        return self.networkoffering.availability

    @property
    def service(self) -> list[dict[str, Any]]:
        """Its offering's."""
        return self.networkoffering.service

    @property
    def specifyvlan(self) -> bool:
        """Its offering's."""
        return self.networkoffering.specifyvlan

    @property
    def specifyipranges(self) -> bool:
        """Its offering's."""
        return self.networkoffering.specifyipranges

    @property
    def ispersistent(self) -> bool:
        """Whether it lives without machines."""
        return self.networkoffering.ispersistent

    @property
    def egressdefaultpolicy(self) -> bool:
        """Whether its machines may send where no rule says so."""
        return self.networkoffering.egressdefaultpolicy

    @property
    def internetprotocol(self) -> str:
        """Its offering's."""
        return self.networkoffering.internetprotocol

    @property
    def strechedl2subnet(self) -> bool:
        """Its offering's."""
        return self.networkoffering.supportsstrechedl2subnet

    @property
    def redundantrouter(self) -> bool:
        """Whether it has two routers."""
        if self.vpc is not None:
            return self.vpc.redundantvpcrouter
        source_nat = self.networkoffering.capabilities.get("SourceNat", {})
        return self.details.get("redundant", source_nat.get("RedundantRouter", "false")).lower() == "true"

    @property
    def supportsvmautoscaling(self) -> bool:
        """Whether VMs may be scaled behind its load balancer."""
        return "Lb" in self.networkoffering.providers

    @property
    def issystem(self) -> bool:
        """Guest networks are nobody's but users'."""
        return False

    @property
    def canusefordeploy(self) -> bool:
        """Whether VMs may join it."""
        return self.traffictype == "Guest"

    @property
    def forvpc(self) -> bool:
        """Whether it is a VPC's tier."""
        return self.vpc is not None

    @property
    def dns1(self) -> str | None:
        """Where its machines ask for names."""
        return None if self.type == L2 else self.own_dns1 or getattr(self.vpc, "dns1", None) or self.zone.dns1

    @property
    def dns2(self) -> str | None:
        """The second one."""
        if self.type == L2 or self.own_dns1:
            return self.own_dns2
        return self.own_dns2 or (self.zone.dns2 if self.vpc is None else self.vpc.dns2)

    @property
    def is_shared(self) -> bool:
        """Whether others than its owner may use it."""
        return self.shared_domain is not None

    def usable_by(self, caller: Any) -> bool:
        """Its owner's, those that were permitted to, and for a domain's everybody's there."""
        if super().usable_by(caller):
            return True
        if self.shared_domain is not None:
            if self.subdomainaccess:
                return self.shared_domain.contains(caller.domain)
            return caller.domain is self.shared_domain
        return any(controls(caller, held.holder) for held in self.store.all(NetworkPermission, network=self))

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
class NetworkPermission(Entity):
    """An account, other than its owner, whose VMs may join a network."""

    RESPONSE: ClassVar[str] = "NetworkPermissionsResponse"
    LABEL: ClassVar[str] = "Network permission"
    REMEMBERED: ClassVar[bool] = False

    network: Network = relation(OnRemove.CASCADE)
    holder: Account = relation(OnRemove.CASCADE)

    @property
    def account(self) -> str | None:
        """The account's name; nothing for a project's."""
        return None if self.holder.project is not None else self.holder.name

    @property
    def accountid(self) -> str | None:
        """The account's id; nothing for a project's."""
        return None if self.holder.project is not None else self.holder.id

    @property
    def domainid(self) -> str:
        """The account's domain's id."""
        return self.holder.domain.id

    @property
    def domain(self) -> str:
        """The account's domain's name."""
        return self.holder.domain.name

    @property
    def projectid(self) -> str | None:
        """The project's id."""
        return None if self.holder.project is None else self.holder.project.id

    @property
    def project(self) -> str | None:
        """The project's name."""
        return None if self.holder.project is None else getattr(self.holder.project, "name", None)


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
    REMEMBERED: ClassVar[bool] = False

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
