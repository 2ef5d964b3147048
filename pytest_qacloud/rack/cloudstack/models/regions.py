"""Regions, and the public addresses that belong to a region rather than to a zone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..addresses import span
from ..store import Entity, relation
from .networks import VlanRange
from .publicips import FREE, PublicIp

if TYPE_CHECKING:
    from ..store import Store


@dataclass(eq=False, kw_only=True)
class Region(Entity):
    """An installation of CloudStack, this one or another; the API knows it by its number."""

    RESPONSE: ClassVar[str] = "RegionResponse"
    LABEL: ClassVar[str] = "Region"

    number: int
    name: str
    endpoint: str

    def row(self) -> dict[str, Any]:
        """The region as replies show it."""
        return {
            "id": self.number,
            "name": self.name,
            "endpoint": self.endpoint,
            "gslbserviceenabled": True,
            "portableipserviceenabled": self.store.first(PortableRange, region=self) is not None,
        }


def region_numbered(store: Store, number: int) -> Region | None:
    """The region with that number."""
    return store.first(Region, number=number)


@dataclass(eq=False, kw_only=True)
class PortableRange(Entity):
    """A region's public addresses, which can be had in each of its zones."""

    RESPONSE: ClassVar[str] = "PortableIpRangeResponse"
    LABEL: ClassVar[str] = "Portable IP range"
    REMEMBERED: ClassVar[bool] = False

    region: Region = relation()
    vlan: str
    gateway: str
    netmask: str
    startip: str
    endip: str

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.startip}-{self.endip}"

    @property
    def regionid(self) -> int:
        """Its region's number."""
        return self.region.number

    def given_out(self) -> dict[str, PublicIp]:
        """The addresses that somebody has."""
        places = self.store.all(PortablePlace, portablerange=self)
        return {address.ipaddress: address for place in places for address in self.store.all(PublicIp, vlan=place)}

    @property
    def portableipaddress(self) -> list[dict[str, Any]]:
        """All its addresses, each with where it is and whose."""
        given = self.given_out()
        return [self._row(ipaddress, given.get(ipaddress)) for ipaddress in span(self.startip, self.endip)]

    def _row(self, ipaddress: str, address: PublicIp | None) -> dict[str, Any]:
        row: dict[str, Any] = {"regionid": self.regionid, "ipaddress": ipaddress}
        if address is None:
            return {**row, "state": FREE}
        vpc = None if address.vpc is None else address.vpc.id
        where = {"zoneid": address.zoneid, "networkid": address.associatednetworkid, "vpcid": vpc}
        return {
            **row,
            **{name: value for name, value in where.items() if value is not None},
            "physicalnetworkid": address.physicalnetworkid,
            "accountid": address.owner.id,
            "domainid": address.domainid,
            "state": address.state,
        }


@dataclass(eq=False, kw_only=True)
class PortablePlace(VlanRange):
    """A portable address in a zone: a range of this one address, of its own class so that nobody else takes from it."""

    portablerange: PortableRange = relation()
