"""Service, disk and network offerings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ..identity import Account, AccountType, Domain
from ..store import Entity, OnRemove, relation
from .rates import Rated

if TYPE_CHECKING:
    from .topology import Zone


@dataclass(eq=False, kw_only=True)
class Offering(Entity):
    """What all offerings share: they may be for some domains and some zones only."""

    name: str
    displaytext: str
    state: str = "Active"
    domains: list[Domain] = field(default_factory=list)
    zones: list[Zone] = field(default_factory=list)

    @property
    def domainid(self) -> str | None:
        """Ids of the domains that it is for; nothing where it is for all."""
        return ",".join(domain.id for domain in self.domains) or None

    @property
    def domain(self) -> str | None:
        """Paths of those domains."""
        return ",".join(domain.path for domain in self.domains) or None

    @property
    def zoneid(self) -> str | None:
        """Ids of the zones that it is for; nothing where it is for all."""
        return ",".join(zone.id for zone in self.zones) or None

    @property
    def zone(self) -> str | None:
        """Names of those zones."""
        return ",".join(zone.name for zone in self.zones) or None

    def usable_by(self, caller: Account) -> bool:
        """Whether an account's domain is among those that it is for; a domain admin also sees those of below."""
        if caller.is_root_admin or not self.domains:
            return True
        below = caller.accounttype == AccountType.DOMAIN_ADMIN
        return any(item.contains(caller.domain) or (below and caller.domain.contains(item)) for item in self.domains)

    def open_to(self, owner: Account) -> bool:
        """Whether an account may have things of it: its domain is one of those that it is for, or below one."""
        return owner.is_root_admin or not self.domains or any(item.contains(owner.domain) for item in self.domains)

    def usable_in(self, zone: Zone) -> bool:
        """Whether it is for a zone."""
        return not self.zones or zone in self.zones


@dataclass(eq=False, kw_only=True)
class DiskOffering(Rated, Offering):
    """A size and a place for volumes."""

    RESPONSE: ClassVar[str] = "DiskOfferingResponse"
    LABEL: ClassVar[str] = "Disk offering"

    disksize: int = 0
    """GiB; 0 for a customised one."""
    iscustomized: bool = False
    iscustomizediops: bool = False
    miniops: int | None = None
    maxiops: int | None = None
    tags: str | None = None
    storagetype: str = "shared"
    provisioningtype: str = "thin"
    cacheMode: str | None = None  # noqa: N815 - the field's name in the API
    displayoffering: bool = True
    disksizestrictness: bool = False
    encrypt: bool = False
    compute_only: bool = False
    """Made for a service offering's root disks, and not listed."""
    details: dict[str, str] = field(default_factory=dict)
    rates: dict[str, int] = field(default_factory=dict)
    """Byte and IO rates by the names of their parameters."""

    def limits_on_io(self) -> dict[str, int]:
        """Its rates."""
        return self.rates


@dataclass(eq=False, kw_only=True)
class ServiceOffering(Rated, Offering):
    """CPU and memory for VMs."""

    RESPONSE: ClassVar[str] = "ServiceOfferingResponse"
    LABEL: ClassVar[str] = "Service offering"

    cpunumber: int | None
    cpuspeed: int | None
    memory: int | None
    """MiB."""
    iscustomized: bool = False
    diskoffering: DiskOffering | None = relation(OnRemove.GUARD, optional=True)
    storagetype: str = "shared"
    provisioningtype: str = "thin"
    offerha: bool = False
    limitcpuuse: bool = False
    isvolatile: bool = False
    storagetags: str | None = None
    hosttags: str | None = None
    issystem: bool = False
    defaultuse: bool = False
    systemvmtype: str | None = None
    networkrate: int | None = None
    rootdisksize: int | None = None
    deploymentplanner: str | None = None
    dynamicscalingenabled: bool = True
    diskofferingstrictness: bool = False
    encryptroot: bool = False
    cacheMode: str | None = None  # noqa: N815 - the field's name in the API
    serviceofferingdetails: dict[str, str] = field(default_factory=dict)
    leaseduration: int | None = None
    """Days that an instance is leased for."""
    leaseexpiryaction: str | None = None

    def limits_on_io(self) -> dict[str, int]:
        """The rates of its root disks."""
        return {} if self.diskoffering is None else self.diskoffering.rates

    @property
    def iscustomizediops(self) -> bool | None:
        """Whether who makes a root disk chooses its IOPS."""
        return None if self.diskoffering is None else self.diskoffering.iscustomizediops

    @property
    def miniops(self) -> int | None:
        """The least IOPS of its root disks."""
        return None if self.diskoffering is None else self.diskoffering.miniops

    @property
    def maxiops(self) -> int | None:
        """The most IOPS of its root disks."""
        return None if self.diskoffering is None else self.diskoffering.maxiops


@dataclass(eq=False, kw_only=True)
class NetworkOffering(Offering):
    """Services and their providers for networks."""

    RESPONSE: ClassVar[str] = "NetworkOfferingResponse"
    LABEL: ClassVar[str] = "Network offering"

    guestiptype: str
    state: str = "Disabled"
    providers: dict[str, str] = field(default_factory=dict)
    """The provider of each service."""
    capabilities: dict[str, dict[str, str]] = field(default_factory=dict)
    """Chosen capabilities of each service, such as `{"Lb": {"SupportedLbIsolation": "dedicated"}}`."""
    traffictype: str = "Guest"
    isdefault: bool = False
    specifyvlan: bool = False
    specifyipranges: bool = False
    conservemode: bool = True
    availability: str = "Optional"
    networkrate: int | None = None
    tags: str | None = None
    forvpc: bool = False
    fornsx: bool = False
    fortungsten: bool = False
    ispersistent: bool = False
    egressdefaultpolicy: bool = False
    maxconnections: int | None = None
    supportsstrechedl2subnet: bool = False
    supportspublicaccess: bool = False
    supportsinternallb: bool = False
    internetprotocol: str = "IPv4"
    specifyasnumber: bool = False
    serviceoffering: ServiceOffering | None = relation(optional=True)
    details: dict[str, str] = field(default_factory=dict)

    @property
    def service(self) -> list[dict[str, Any]]:
        """Services with their providers and chosen capabilities."""
        return [
            {
                "name": name,
                "provider": [{"name": provider}],
                "capability": [
                    {"name": key, "value": value, "canchooseservicecapability": False}
                    for key, value in self.capabilities.get(name, {}).items()
                ],
            }
            for name, provider in self.providers.items()
        ]
