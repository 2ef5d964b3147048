"""Public addresses that somebody has."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ..identity import Account, Owned
from ..store import Entity, OnRemove, relation
from .tags import Tagged

if TYPE_CHECKING:
    from .guests import Network
    from .networks import VlanRange
    from .vpcs import Vpc

FREE, ALLOCATING, IN_USE, RESERVED = "Free", "Allocating", "Allocated", "Reserved"
"""A public address's `state`."""


def address_id(source: Entity, ipaddress: str) -> str:
    """The id of an address of a range: the same one each time it is given out."""
    return str(uuid.uuid5(uuid.UUID(source.id), ipaddress))


@dataclass(eq=False, kw_only=True)
class PublicIp(Tagged, Owned):
    """A public address: of a network, of a VPC (then a tier's once a rule uses it), or only reserved.

    Its id is `address_id` of it. A free one is here only once somebody has had it, or looked at it.
    """

    RESPONSE: ClassVar[str] = "IPAddressResponse"
    LABEL: ClassVar[str] = "IP address"
    ADMIN_ONLY: ClassVar[frozenset[str]] = frozenset({"vlanid", "vlanname", "physicalnetworkid", "forsystemvms"})

    ipaddress: str
    vlan: VlanRange = relation(OnRemove.CASCADE)
    network: Network | None = relation(OnRemove.CASCADE, optional=True)
    vpc: Vpc | None = relation(OnRemove.CASCADE, optional=True)
    virtualmachine: Entity | None = relation(OnRemove.CLEAR, optional=True)
    """The VM that it is the alter ego of, by static NAT."""
    vmguestip: str | None = None
    issourcenat: bool = False
    issystem: bool = False
    isportable: bool = False
    fordisplay: bool = True
    state: str = ALLOCATING
    allocated: float | None = None

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.ipaddress

    @property
    def zoneid(self) -> str:
        """Its zone's id."""
        return self.vlan.zone.id

    @property
    def zonename(self) -> str:
        """Its zone's name."""
        return self.vlan.zone.name

    @property
    def vlanname(self) -> str:
        """Its range's VLAN."""
        return self.vlan.vlan

    @property
    def networkid(self) -> str:
        """Its range's network: the physical one stands for the system's public network."""
        return self.vlan.physicalnetwork.id

    @property
    def physicalnetworkid(self) -> str:
        """Its range's physical network."""
        return self.vlan.physicalnetwork.id

    @property
    def associatednetworkid(self) -> str | None:
        """The guest network that it is for."""
        return None if self.network is None else self.network.id

    @property
    def associatednetworkname(self) -> str | None:
        """That network's name."""
        return None if self.network is None else self.network.name

    @property
    def isstaticnat(self) -> bool:
        """Whether it is one VM's alone."""
        return self.virtualmachine is not None

    @property
    def virtualmachinedisplayname(self) -> str | None:
        """That VM's display name."""
        return getattr(self.virtualmachine, "displayname", None)

    @property
    def virtualmachinetype(self) -> str | None:
        """What the VM is."""
        return None if self.virtualmachine is None else "User"

    @property
    def vmipaddress(self) -> str | None:
        """The VM's address behind it."""
        return self.vmguestip if self.isstaticnat else None

    @property
    def forvirtualnetwork(self) -> bool:
        """Whether its range is public."""
        return self.vlan.forvirtualnetwork

    @property
    def forsystemvms(self) -> bool:
        """Whether its range is for system VMs."""
        return self.vlan.forsystemvms

    def on_removed(self) -> None:
        """Be free from now on: the address can still be named, and is nobody's. A portable one leaves the zone."""
        if self.isportable:
            if self.vlan in self.store:
                self.store.remove(self.vlan)
            return
        owner = self.store.first(Account, name="system", isdefault=True)
        if self.state != FREE and self.vlan in self.store and owner is not None:
            free = PublicIp(id=self.id, ipaddress=self.ipaddress, vlan=self.vlan, owner=owner, state=FREE)
            self.store.add(free, self.created)

    @property
    def hasrules(self) -> bool:
        """Whether a rule uses it."""
        from .rules import rules_of

        return bool(rules_of(self))
