"""Regions, and their portable public addresses."""

from __future__ import annotations

from typing import Any

import pytest
from vmlab import VmLab

RANGE = {
    "regionid": 1,
    "gateway": "10.8.0.1",
    "netmask": "255.255.255.0",
    "startip": "10.8.0.10",
    "endip": "10.8.0.11",
    "vlan": "900",
}


@pytest.fixture
def lab() -> VmLab:
    return VmLab(hosts=1)


def acquire(lab: VmLab, **params: object) -> dict[str, Any]:
    wanted = {"networkid": lab.network, "isportable": True, **params}
    made = lab.do("associateIpAddress", **wanted)
    assert isinstance(made, dict)
    return made


def test_regions_come_and_go(lab: VmLab) -> None:
    made = lab.do("addRegion", id=2, name="South", endpoint="http://south.example.org")
    assert made == {**made, "id": 2, "name": "South", "portableipserviceenabled": False}
    for wrong in ({"id": 2, "name": "x"}, {"id": 3, "name": "South"}):
        assert lab.code("addRegion", endpoint="http://x.example.org", **wrong) == 431
    assert [item["name"] for item in lab.do("listRegions")] == ["Local", "South"]
    assert lab.one("listRegions", id=2)["endpoint"] == "http://south.example.org"
    assert lab.one("listRegions", name="south")["id"] == 2
    assert lab.do("updateRegion", id=2, name="North")["name"] == "North"
    assert lab.code("updateRegion", id=2, name="Local") == 431
    assert lab.code("updateRegion", id=9, name="None") == 431
    assert lab.do("removeRegion", id=2) is True
    assert lab.code("removeRegion", id=2) == 431
    assert lab.cloud.refused("addRegion", by="joe", id=4, name="x", endpoint="y").code == 432


def test_a_portable_address_is_had_in_a_zone_and_given_back(lab: VmLab) -> None:
    made = lab.do("createPortableIpRange", **RANGE)
    assert lab.one("listRegions", id=1)["portableipserviceenabled"] is True
    first = acquire(lab)
    assert (first["ipaddress"], first["isportable"], first["issourcenat"]) == ("10.8.0.10", True, False)
    assert first["associatednetworkid"] == lab.network
    listed = lab.one("listPortableIpRanges", id=made["id"])
    assert [item["state"] for item in listed["portableipaddress"]] == ["Allocated", "Free"]
    assert listed["portableipaddress"][0]["zoneid"] == lab.zone
    acquire(lab)
    assert lab.count(1) == 2, "they count as public addresses"
    assert lab.code("associateIpAddress", networkid=lab.network, isportable=True) == 533
    assert lab.code("deletePortableIpRange", id=made["id"]) == 431
    lab.do("disassociateIpAddress", id=first["id"])
    assert acquire(lab)["ipaddress"] == first["ipaddress"]
    usual = lab.do("associateIpAddress", networkid=lab.network)
    assert usual["ipaddress"].startswith("10.2.")


def test_a_portable_address_outlives_its_network(lab: VmLab) -> None:
    made = lab.do("createPortableIpRange", **RANGE)
    address = acquire(lab)["id"]
    lab.do("deleteNetwork", id=lab.network)
    left = lab.one("listPublicIpAddresses", id=address, listall=True)
    assert "associatednetworkid" not in left
    assert left["state"] == "Allocated"
    lab.do("disassociateIpAddress", id=address)
    assert lab.do("deletePortableIpRange", id=made["id"]) is True
    assert lab.one("listRegions", id=1)["portableipserviceenabled"] is False


def test_portable_ranges_collide_with_nothing(lab: VmLab) -> None:
    for wrong in (
        {"regionid": 7},
        {"startip": "10.8.0.12"},
        {"startip": "10.7.0.10"},
        {"endip": "10.9.0.10"},
        {"startip": "x"},
        {"vlan": "50"},
        {"vlan": "5000"},
        {"startip": "10.2.0.60", "endip": "10.2.0.61", "gateway": "10.2.0.1"},
    ):
        assert lab.code("createPortableIpRange", **{**RANGE, **wrong}) == 431, wrong
    made = lab.do("createPortableIpRange", **{**RANGE, "vlan": "untagged"})
    assert lab.code("createPortableIpRange", **{**RANGE, "startip": "10.8.0.11", "endip": "10.8.0.12"}) == 431
    assert lab.code("listPortableIpRanges", regionid=7) == 431
    assert [item["id"] for item in lab.do("listPortableIpRanges", regionid=1)] == [made["id"]]
    public = {"zoneid": lab.zone, "gateway": "10.8.0.1", "netmask": "255.255.255.0", "forvirtualnetwork": True}
    assert lab.code("createVlanIpRange", vlan="51", startip="10.8.0.5", endip="10.8.0.10", **public) == 431
    assert lab.code("createVlanIpRange", vlan="untagged", startip="10.8.0.5", endip="10.8.0.6", **public) == 431
    assert lab.do("createVlanIpRange", vlan="51", startip="10.8.0.5", endip="10.8.0.6", **public)["vlan"] == "vlan://51"
    assert lab.code("removeRegion", id=1) == 536
