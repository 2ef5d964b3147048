"""What guest networks are made of, beyond physical networks' own lists: dedicated VLANs, IPv6 prefixes."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Network
from typing import TYPE_CHECKING, ClassVar

from ..identity import Owned
from ..store import Entity, OnRemove, relation
from .guests import Network

if TYPE_CHECKING:
    from .networks import PhysicalNetwork
    from .topology import Zone

SUBNET_BITS = 64
"""Length of the prefix of one guest network, which configures its machines without DHCP (RFC 4862)."""


@dataclass(eq=False, kw_only=True)
class DedicatedVlans(Owned):
    """VLANs of a physical network that are given out to one account's networks only."""

    RESPONSE: ClassVar[str] = "GuestVlanRangeResponse"
    LABEL: ClassVar[str] = "Dedicated guest VLAN range"
    REMEMBERED: ClassVar[bool] = False

    physicalnetwork: PhysicalNetwork = relation(OnRemove.CASCADE)
    first: int
    last: int

    @property
    def guestvlanrange(self) -> str:
        """First and last."""
        return f"{self.first}-{self.last}"

    @property
    def zoneid(self) -> str:
        """Its physical network's zone's id."""
        return self.physicalnetwork.zone.id


@dataclass(eq=False, kw_only=True)
class Ipv6Prefix(Entity):
    """A zone's IPv6 addresses for guest networks."""

    RESPONSE: ClassVar[str] = "DataCenterGuestIpv6PrefixResponse"
    LABEL: ClassVar[str] = "Guest IPv6 prefix"

    zone: Zone = relation(OnRemove.CASCADE)
    prefix: str

    def taken(self) -> set[str]:
        """The subnets that guest networks have."""
        return {network.ip6cidr for network in self.store.all(Network) if network.zone is self.zone and network.ip6cidr}

    @property
    def usedsubnets(self) -> int:
        """How many of its own guest networks have."""
        around = IPv6Network(self.prefix, strict=False)
        return sum(1 for subnet in self.taken() if IPv6Network(subnet).subnet_of(around))

    @property
    def totalsubnets(self) -> int:
        """How many guest networks it is enough for."""
        return int(2 ** (SUBNET_BITS - IPv6Network(self.prefix, strict=False).prefixlen))

    @property
    def availablesubnets(self) -> int:
        """How many more."""
        return self.totalsubnets - self.usedsubnets


@dataclass(eq=False, kw_only=True)
class Ipv6Range(Entity):
    """A zone's public IPv6 addresses: a VLAN IP range without IPv4."""

    RESPONSE: ClassVar[str] = "VlanIpRangeResponse"
    LABEL: ClassVar[str] = "IPv6 range"

    zone: Zone = relation()
    physicalnetwork: PhysicalNetwork = relation()
    vlan: str
    ip6gateway: str
    ip6cidr: str
    startipv6: str | None = None
    endipv6: str | None = None
    forvirtualnetwork: bool = True
    forsystemvms: bool = False

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.ip6cidr
