"""Virtual private networks: of single users into a network, and between a VPC and another site."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from ..identity import Owned
from ..store import OnRemove, relation

if TYPE_CHECKING:
    from .publicips import PublicIp
    from .vpcs import Vpc


@dataclass(eq=False, kw_only=True)
class RemoteAccessVpn(Owned):
    """Lets users into the network, or the VPC, of a public address."""

    RESPONSE: ClassVar[str] = "RemoteAccessVpnResponse"
    LABEL: ClassVar[str] = "Remote access VPN"
    REMEMBERED: ClassVar[bool] = False

    publicip: PublicIp = relation(OnRemove.CASCADE)
    iprange: str
    presharedkey: str = field(repr=False)
    state: str = "Added"
    fordisplay: bool = True

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.publicip.ipaddress

    @property
    def networkid(self) -> str | None:
        """Its address's network's id."""
        return self.publicip.associatednetworkid


@dataclass(eq=False, kw_only=True)
class VpnUser(Owned):
    """Who may come in by an account's VPNs."""

    RESPONSE: ClassVar[str] = "VpnUsersResponse"
    LABEL: ClassVar[str] = "VPN user"
    REMEMBERED: ClassVar[bool] = False

    username: str
    state: str = "Add"

    @property
    def name(self) -> str:
        """Its user name."""
        return self.username


@dataclass(eq=False, kw_only=True)
class VpnGateway(Owned):
    """A VPC's end of tunnels to other sites."""

    RESPONSE: ClassVar[str] = "Site2SiteVpnGatewayResponse"
    LABEL: ClassVar[str] = "VPN gateway"

    vpc: Vpc = relation(OnRemove.CASCADE)
    address: PublicIp = relation(OnRemove.CASCADE)
    fordisplay: bool = True

    @property
    def publicip(self) -> str:
        """Its address."""
        return self.address.ipaddress

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.publicip


@dataclass(eq=False, kw_only=True)
class CustomerGateway(Owned):
    """Another site's end of tunnels, and how packets are kept secret on the way. `cidrlist` is what is behind it."""

    RESPONSE: ClassVar[str] = "Site2SiteCustomerGatewayResponse"
    LABEL: ClassVar[str] = "VPN customer gateway"

    name: str
    gateway: str
    cidrlist: str
    ipsecpsk: str = field(repr=False)
    ikepolicy: str
    esppolicy: str
    ikelifetime: int = 86400
    esplifetime: int = 3600
    dpd: bool = False
    forceencap: bool = False
    splitconnections: bool = False
    ikeversion: str = "ike"

    @property
    def ipaddress(self) -> str:
        """As `gateway`."""
        return self.gateway


@dataclass(eq=False, kw_only=True)
class VpnConnection(Owned):
    """A tunnel between a VPC and another site; it is up where the other end is simulated too."""

    RESPONSE: ClassVar[str] = "Site2SiteVpnConnectionResponse"
    LABEL: ClassVar[str] = "VPN connection"

    s2svpngateway: VpnGateway = relation(OnRemove.CASCADE)
    s2scustomergateway: CustomerGateway = relation()
    passive: bool = False
    state: str = "Pending"
    fordisplay: bool = True

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.s2svpngateway.publicip} to {self.s2scustomergateway.gateway}"

    @property
    def publicip(self) -> str:
        """The VPC's end."""
        return self.s2svpngateway.publicip

    @property
    def gateway(self) -> str:
        """The other end."""
        return self.s2scustomergateway.gateway

    @property
    def cidrlist(self) -> str:
        """What is behind the other end."""
        return self.s2scustomergateway.cidrlist

    @property
    def ipsecpsk(self) -> str:
        """The other end's."""
        return self.s2scustomergateway.ipsecpsk

    @property
    def ikepolicy(self) -> str:
        """The other end's."""
        return self.s2scustomergateway.ikepolicy

    @property
    def esppolicy(self) -> str:
        """The other end's."""
        return self.s2scustomergateway.esppolicy

    @property
    def ikelifetime(self) -> int:
        """The other end's, seconds."""
        return self.s2scustomergateway.ikelifetime

    @property
    def esplifetime(self) -> int:
        """The other end's, seconds."""
        return self.s2scustomergateway.esplifetime

    @property
    def dpd(self) -> bool:
        """Whether a dead peer is noticed."""
        return self.s2scustomergateway.dpd

    @property
    def forceencap(self) -> bool:
        """Whether packets always travel in UDP."""
        return self.s2scustomergateway.forceencap

    @property
    def splitconnections(self) -> bool:
        """Whether each block behind the other end has a tunnel of its own."""
        return self.s2scustomergateway.splitconnections

    @property
    def ikeversion(self) -> str:
        """The other end's."""
        return self.s2scustomergateway.ikeversion
