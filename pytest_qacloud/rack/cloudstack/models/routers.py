"""Virtual routers, of a network or of a VPC, and internal load balancer VMs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..identity import Owned
from ..store import OnRemove, relation
from .guests import Network, Nic

if TYPE_CHECKING:
    from .publicips import PublicIp
    from .topology import Host, Pod, Zone
    from .vpcs import Vpc

ROUTER, INTERNAL_LB = "VIRTUAL_ROUTER", "INTERNAL_LB_VM"
"""A router's `role`."""

CPU_MHZ = 500
MEMORY_BYTES = 512 * 2**20


@dataclass(eq=False, kw_only=True)
class Router(Owned):
    """A virtual router. It has a `network` or a `vpc`; its interfaces in guest networks are `Nic` entities."""

    RESPONSE: ClassVar[str] = "DomainRouterResponse"
    ALIASES: ClassVar[tuple[str, ...]] = ("UserVmResponse",)
    LABEL: ClassVar[str] = "Router"

    name: str
    zone: Zone = relation()
    role: str = ROUTER
    network: Network | None = relation(OnRemove.CASCADE, optional=True)
    vpc: Vpc | None = relation(OnRemove.CASCADE, optional=True)
    host: Host | None = relation(OnRemove.CLEAR, optional=True)
    pod: Pod | None = relation(OnRemove.CLEAR, optional=True)
    state: str = "Starting"
    isredundantrouter: bool = False
    redundantstate: str = "UNKNOWN"
    linklocalip: str | None = None
    linklocalmacaddress: str | None = None
    linklocalnetmask: str = "255.255.0.0"
    publicmacaddress: str | None = None
    version: str | None = None
    scriptsversion: str | None = None
    requiresupgrade: bool = False
    arch: str = "x86_64"
    hypervisor: str | None = None
    serviceofferingid: str | None = None
    serviceofferingname: str | None = None

    @property
    def guest_nics(self) -> list[Nic]:
        """Its interfaces in guest networks, oldest first."""
        return self.store.all(Nic, virtualmachine=self)

    @property
    def source_nat(self) -> PublicIp | None:
        """The address that its guests are seen by."""
        from .publicips import PublicIp

        if self.role != ROUTER:
            return None
        owner: dict[str, Any] = {"vpc": self.vpc} if self.vpc is not None else {"network": self.network}
        return self.store.first(PublicIp, issourcenat=True, **owner)

    @property
    def _guest(self) -> Nic | None:
        return next(iter(self.guest_nics), None) if self.vpc is None else None

    @property
    def publicip(self) -> str | None:
        """Its source NAT address."""
        return None if self.source_nat is None else self.source_nat.ipaddress

    @property
    def publicnetmask(self) -> str | None:
        """Of its source NAT address."""
        return None if self.source_nat is None else self.source_nat.vlan.netmask

    @property
    def publicnetworkid(self) -> str | None:
        """Of its source NAT address."""
        return None if self.source_nat is None else self.source_nat.networkid

    @property
    def gateway(self) -> str | None:
        """Where it sends what leaves the cloud."""
        return None if self.source_nat is None else self.source_nat.vlan.gateway

    @property
    def guestipaddress(self) -> str | None:
        """Its address in the guest network."""
        return None if self._guest is None else self._guest.ipaddress

    @property
    def guestmacaddress(self) -> str | None:
        """Of its interface in the guest network."""
        return None if self._guest is None else self._guest.macaddress

    @property
    def guestnetmask(self) -> str | None:
        """Of the guest network."""
        return None if self._guest is None else self._guest.netmask

    @property
    def guestnetworkid(self) -> str | None:
        """Its guest network's id."""
        return None if self._guest is None else self._guest.network.id

    @property
    def guestnetworkname(self) -> str | None:
        """Its guest network's name."""
        return None if self._guest is None else self._guest.network.name

    @property
    def networkdomain(self) -> str | None:
        """Of what it serves."""
        served = self.vpc or self.network
        return None if served is None else served.networkdomain

    @property
    def dns1(self) -> str:
        """What it asks for names: its network's or VPC's server, else the zone's."""
        return getattr(self.vpc or self.network, "dns1", None) or self.zone.dns1

    @property
    def dns2(self) -> str | None:
        """The second one."""
        return getattr(self.vpc or self.network, "dns2", None) or self.zone.dns2

    @property
    def hostcontrolstate(self) -> str | None:
        """What its host may be used for."""
        if self.host is None:
            return None
        return "Enabled" if self.host.usable() else "Disabled"

    @property
    def softwareversion(self) -> str | None:
        """As `version`."""
        return self.version

    @property
    def healthchecksfailed(self) -> bool:
        """Simulated routers are well."""
        return False

    @property
    def nic(self) -> list[Nic | dict[str, Any]]:
        """All interfaces: guest, control and public."""
        nics: list[Nic | dict[str, Any]] = [*self.guest_nics]
        count = len(nics)
        if self.linklocalip is not None:
            nics.append(self._plain(count, "Control", self.linklocalip, "255.255.0.0", "169.254.0.1"))
        address = self.source_nat
        if address is not None:
            public = self._plain(count + 1, "Public", address.ipaddress, address.vlan.netmask, address.vlan.gateway)
            nics.append({**public, "broadcasturi": address.vlan.vlan, "macaddress": self.publicmacaddress})
        return nics

    def _plain(self, device: int, kind: str, ipaddress: str, netmask: str, gateway: str) -> dict[str, Any]:
        return {
            "id": f"{self.id[:-2]}{device:02x}",
            "deviceid": str(device),
            "traffictype": kind,
            "ipaddress": ipaddress,
            "netmask": netmask,
            "gateway": gateway,
            "isdefault": kind == "Public",
            "macaddress": self.linklocalmacaddress,
        }
