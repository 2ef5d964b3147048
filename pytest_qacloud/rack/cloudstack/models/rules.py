"""Rules on public addresses, and egress rules of networks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ..identity import Owned
from ..store import Entity, OnRemove, relation
from .tags import Tagged

if TYPE_CHECKING:
    from .guests import Network
    from .publicips import PublicIp

FIREWALL, FORWARDING, BALANCING = "Firewall", "PortForwarding", "LoadBalancing"
STATIC_NAT, VPN = "StaticNat", "Vpn"
"""A rule's `purpose`."""

ADD, ACTIVE = "Add", "Active"
"""A rule's `state`."""


@dataclass(eq=False, kw_only=True)
class Rule(Tagged, Owned):
    """What rules share: a protocol and ports from `first` to `last`; both are `None` where the protocol has none."""

    ALIASES: ClassVar[tuple[str, ...]] = ("FirewallRuleResponse",)
    PURPOSE: ClassVar[str] = ""

    network: Network | None = relation(OnRemove.CASCADE, optional=True)
    protocol: str
    first: int | None = None
    last: int | None = None
    cidrs: list[str] = field(default_factory=list)
    fordisplay: bool = True
    state: str = ADD

    @property
    def name(self) -> str:
        """What messages call it."""
        ports = "" if self.first is None else f" {self.first}-{self.last}"
        return f"{self.protocol}{ports}"

    @property
    def cidrlist(self) -> str | None:
        """Who may use it."""
        return ",".join(self.cidrs)


@dataclass(eq=False, kw_only=True)
class AddressRule(Rule):
    """A rule on a public address."""

    ipaddress: PublicIp = relation(OnRemove.CASCADE)

    @property
    def ipaddressname(self) -> str:
        """The address as text."""
        return self.ipaddress.ipaddress


@dataclass(eq=False, kw_only=True)
class FirewallRule(AddressRule):
    """Lets packets in to a public address."""

    RESPONSE: ClassVar[str] = "FirewallResponse"
    LABEL: ClassVar[str] = "Firewall rule"
    REMEMBERED: ClassVar[bool] = False
    PURPOSE: ClassVar[str] = FIREWALL

    icmptype: int | None = None
    icmpcode: int | None = None
    related: Entity | None = relation(OnRemove.CASCADE, optional=True)
    """The rule that it was made for, by `openfirewall`."""

    @property
    def startport(self) -> int | None:
        """The first port."""
        return self.first

    @property
    def endport(self) -> int | None:
        """The last port."""
        return self.last


@dataclass(eq=False, kw_only=True)
class EgressRule(Rule):
    """Lets (or, where the offering's policy is to allow, keeps) packets out of a network."""

    RESPONSE: ClassVar[str] = "FirewallResponse"
    LABEL: ClassVar[str] = "Egress firewall rule"
    REMEMBERED: ClassVar[bool] = False
    PURPOSE: ClassVar[str] = FIREWALL

    icmptype: int | None = None
    icmpcode: int | None = None
    destinations: list[str] = field(default_factory=list)

    @property
    def destcidrlist(self) -> str:
        """Where they may go."""
        return ",".join(self.destinations)

    @property
    def startport(self) -> int | None:
        """The first port."""
        return self.first

    @property
    def endport(self) -> int | None:
        """The last port."""
        return self.last


@dataclass(eq=False, kw_only=True)
class ForwardingRule(AddressRule):
    """Forwards ports of a public address to a VM. `first` and `last` are the public ports."""

    RESPONSE: ClassVar[str] = "FirewallRuleResponse"
    REMEMBERED: ClassVar[bool] = False
    ALIASES: ClassVar[tuple[str, ...]] = ()
    LABEL: ClassVar[str] = "Port forwarding rule"
    PURPOSE: ClassVar[str] = FORWARDING

    virtualmachine: Entity = relation(OnRemove.CASCADE)
    private_first: int
    private_last: int
    vmguestip: str | None = None

    @property
    def publicport(self) -> str:
        """The first public port."""
        return str(self.first)

    @property
    def publicendport(self) -> str:
        """The last public port."""
        return str(self.last)

    @property
    def privateport(self) -> str:
        """The first port of the VM."""
        return str(self.private_first)

    @property
    def privateendport(self) -> str:
        """The last port of the VM."""
        return str(self.private_last)

    @property
    def virtualmachinedisplayname(self) -> str | None:
        """The VM's display name."""
        return getattr(self.virtualmachine, "displayname", None)


@dataclass(eq=False, kw_only=True)
class IpForwardingRule(AddressRule):
    """Ports that static NAT lets through to the VM."""

    RESPONSE: ClassVar[str] = "FirewallRuleResponse"
    REMEMBERED: ClassVar[bool] = False
    ALIASES: ClassVar[tuple[str, ...]] = ()
    LABEL: ClassVar[str] = "IP forwarding rule"
    PURPOSE: ClassVar[str] = STATIC_NAT

    virtualmachine: Entity = relation(OnRemove.CASCADE)

    @property
    def publicport(self) -> str:
        """The first port."""
        return str(self.first)

    @property
    def publicendport(self) -> str:
        """The last port."""
        return str(self.last)

    @property
    def privateport(self) -> str:
        """As `publicport`."""
        return self.publicport

    @property
    def privateendport(self) -> str:
        """As `publicendport`."""
        return self.publicendport


@dataclass(eq=False, kw_only=True)
class VpnPort(AddressRule):
    """A port that remote access VPN takes of its address."""

    LABEL: ClassVar[str] = "VPN port"
    PURPOSE: ClassVar[str] = VPN


def on_address() -> tuple[type[AddressRule], ...]:
    """Classes of the rules that take ports of public addresses."""
    from .loadbalancers import BalancerRule

    return (FirewallRule, ForwardingRule, IpForwardingRule, VpnPort, BalancerRule)


def rules_of(address: PublicIp) -> list[AddressRule]:
    """All rules on an address."""
    return [rule for kind in on_address() for rule in address.store.all(kind, ipaddress=address)]


def egress_of(network: Network) -> list[Any]:
    """A network's egress rules."""
    return network.store.all(EgressRule, network=network)
