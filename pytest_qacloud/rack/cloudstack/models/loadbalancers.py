"""Load balancer rules: those on public addresses, those within a network, and their VMs and policies."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ..identity import Owned
from ..store import Entity, OnRemove, relation
from .rules import BALANCING, AddressRule
from .tags import Tagged

if TYPE_CHECKING:
    from .guests import Network

ALGORITHMS = ("source", "roundrobin", "leastconn")
PROTOCOLS = ("tcp", "udp", "tcp-proxy", "ssl")


@dataclass(eq=False, kw_only=True)
class BalancerRule(AddressRule):
    """Spreads a port of a public address over VMs."""

    RESPONSE: ClassVar[str] = "LoadBalancerResponse"
    LABEL: ClassVar[str] = "Load balancer rule"
    REMEMBERED: ClassVar[bool] = False
    PURPOSE: ClassVar[str] = BALANCING

    title: str
    description: str | None = None
    algorithm: str
    private: int

    @property
    def name(self) -> str:
        """Its name."""
        return self.title

    @property
    def publicipid(self) -> str:
        """Its address's id."""
        return self.ipaddress.id

    @property
    def publicip(self) -> str:
        """Its address."""
        return self.ipaddress.ipaddress

    @property
    def publicport(self) -> str:
        """The port on the address."""
        return str(self.first)

    @property
    def privateport(self) -> str:
        """The port of the VMs."""
        return str(self.private)

    @property
    def zoneid(self) -> str:
        """Its address's zone's id."""
        return self.ipaddress.zoneid

    @property
    def zonename(self) -> str:
        """Its address's zone's name."""
        return self.ipaddress.zonename

    @property
    def members(self) -> list[BalancerMember]:
        """The VMs behind it."""
        return self.store.all(BalancerMember, rule=self)


@dataclass(eq=False, kw_only=True)
class InternalBalancer(Tagged, Owned):
    """Spreads a port of an address within a network over VMs there."""

    RESPONSE: ClassVar[str] = "ApplicationLoadBalancerResponse"
    REMEMBERED: ClassVar[bool] = False
    ALIASES: ClassVar[tuple[str, ...]] = ("FirewallRuleResponse",)
    LABEL: ClassVar[str] = "Internal load balancer"

    name: str
    description: str | None = None
    network: Network = relation(OnRemove.CASCADE)
    algorithm: str
    sourceport: int
    instanceport: int
    sourceipaddress: str
    scheme: str = "Internal"
    fordisplay: bool = True
    state: str = "Add"

    @property
    def sourceipaddressnetworkid(self) -> str:
        """The network of its address."""
        return self.network.id

    @property
    def members(self) -> list[BalancerMember]:
        """The VMs behind it."""
        return self.store.all(BalancerMember, rule=self)

    @property
    def loadbalancerrule(self) -> list[dict[str, Any]]:
        """Its one rule."""
        return [{"sourceport": self.sourceport, "instanceport": self.instanceport, "state": self.state}]

    @property
    def loadbalancerinstance(self) -> list[dict[str, Any]]:
        """The VMs behind it."""
        return [
            {
                "id": member.virtualmachine.id,
                "name": getattr(member.virtualmachine, "name", ""),
                "state": getattr(member.virtualmachine, "state", ""),
                "ipaddress": member.ipaddress,
            }
            for member in self.members
        ]


@dataclass(eq=False, kw_only=True)
class BalancerMember(Entity):
    """One address of a VM behind a rule."""

    LABEL: ClassVar[str] = "Load balancer instance"

    rule: Entity = relation(OnRemove.CASCADE)
    virtualmachine: Entity = relation(OnRemove.CASCADE)
    ipaddress: str | None
    state: str = "Active"


@dataclass(eq=False, kw_only=True)
class Stickiness(Entity):
    """How a rule keeps a client with its VM."""

    RESPONSE: ClassVar[str] = "LBStickinessPolicyResponse"
    REMEMBERED: ClassVar[bool] = False
    ALIASES: ClassVar[tuple[str, ...]] = ("LBStickinessResponse",)
    LABEL: ClassVar[str] = "Stickiness policy"

    rule: BalancerRule = relation(OnRemove.CASCADE)
    name: str
    methodname: str
    description: str | None = None
    params: dict[str, str] = field(default_factory=dict)
    fordisplay: bool = True
    state: str = "Active"

    def usable_by(self, caller: Any) -> bool:
        """Whoever may use its rule."""
        return self.rule.usable_by(caller)


@dataclass(eq=False, kw_only=True)
class HealthCheck(Entity):
    """How a rule finds out which of its VMs are well."""

    RESPONSE: ClassVar[str] = "LBHealthCheckPolicyResponse"
    REMEMBERED: ClassVar[bool] = False
    ALIASES: ClassVar[tuple[str, ...]] = ("LBHealthCheckResponse",)
    LABEL: ClassVar[str] = "Health check policy"

    rule: BalancerRule = relation(OnRemove.CASCADE)
    pingpath: str
    description: str | None = None
    responsetime: int = 2
    healthcheckinterval: int = 5
    healthcheckthresshold: int = 2
    unhealthcheckthresshold: int = 10
    fordisplay: bool = True
    state: str = "Active"

    def usable_by(self, caller: Any) -> bool:
        """Whoever may use its rule."""
        return self.rule.usable_by(caller)
