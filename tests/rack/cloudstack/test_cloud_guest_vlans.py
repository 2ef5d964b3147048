"""VLANs dedicated to accounts, and IPv6."""

from __future__ import annotations

from typing import Any

import pytest
from vmlab import ISOLATED, VmLab


@pytest.fixture
def lab() -> VmLab:
    return VmLab(hosts=1)


def dedicate(lab: VmLab, vlans: str, **owner: Any) -> dict[str, Any]:
    params = owner or lab.mine
    made = lab.do("dedicateGuestVlanRange", physicalnetworkid=lab.built.physical, vlanrange=vlans, **params)
    assert isinstance(made, dict)
    return made


def ranges(lab: VmLab) -> list[str]:
    return [item["guestvlanrange"] for item in lab.do("listDedicatedGuestVlanRanges")]


def vlan_of(lab: VmLab, network: str) -> str:
    return str(lab.one("listNetworks", id=network, listall=True)["vlan"])


def persistent_network(lab: VmLab, owner: dict[str, str]) -> str:
    """A network that has its VLAN at once."""
    offering = lab.do(
        "createNetworkOffering", name="p", displaytext="p", guestiptype="Isolated", traffictype="GUEST",
        supportedservices="SourceNat,Dhcp,Dns", ispersistent=True, enable=True,
    )["id"]  # fmt: skip
    made = lab.do("createNetwork", name="n", zoneid=lab.zone, networkofferingid=offering, **owner)
    return str(made["id"])


def test_an_account_gets_its_own_vlans_first(lab: VmLab) -> None:
    made = dedicate(lab, "250-251")
    assert (made["account"], made["zoneid"]) == ("joe", lab.zone)
    ann = lab.account("ann")
    assert [vlan_of(lab, persistent_network(lab, lab.mine)) for _ in range(3)] == ["250", "251", "200"]
    assert vlan_of(lab, persistent_network(lab, ann)) == "201"


def test_nobody_else_gets_them(lab: VmLab) -> None:
    ann = lab.account("ann")
    dedicate(lab, "200-298")
    assert vlan_of(lab, persistent_network(lab, ann)) == "299"
    assert lab.code("createNetwork", name="n", zoneid=lab.zone, networkofferingid=offering_of(lab), **ann) == 533
    lab.do("releaseDedicatedGuestVlanRange", id=lab.do("listDedicatedGuestVlanRanges")[0]["id"])
    assert vlan_of(lab, persistent_network(lab, ann)) == "200"


def offering_of(lab: VmLab) -> str:
    return str(next(item["id"] for item in lab.do("listNetworkOfferings", name="p")))


def test_an_account_with_vlans_of_its_own_may_be_kept_to_them(lab: VmLab) -> None:
    dedicate(lab, "250-250")
    account = lab.one("listAccounts", name="joe", listall=True)["id"]
    lab.do("updateConfiguration", name="use.system.guest.vlans", value="false", accountid=account)
    persistent_network(lab, lab.mine)
    assert lab.code("createNetwork", name="n", zoneid=lab.zone, networkofferingid=offering_of(lab), **lab.mine) == 533


def test_ranges_that_touch_become_one(lab: VmLab) -> None:
    first = dedicate(lab, "210-211")
    dedicate(lab, "214-215")
    dedicate(lab, "216-217")
    assert ranges(lab) == ["210-211", "214-217"]
    assert dedicate(lab, "208-209")["id"] == first["id"]
    dedicate(lab, "212-213", **lab.account("ann"))
    assert sorted(ranges(lab)) == ["208-211", "212-213", "214-217"]
    other = next(item["id"] for item in lab.do("listDedicatedGuestVlanRanges") if item["account"] == "ann")
    lab.do("releaseDedicatedGuestVlanRange", id=other)
    dedicate(lab, "212-213")
    assert ranges(lab) == ["208-217"]
    assert [item["account"] for item in lab.do("listDedicatedGuestVlanRanges", **lab.mine)] == ["joe"]


def test_vlans_that_cannot_be_dedicated(lab: VmLab) -> None:
    dedicate(lab, "210-212")
    persistent_network(lab, lab.account("ann"))  # has 200
    physical = lab.built.physical
    for wrong in ("150-160", "290-310", "212-213", "200-201", "220", "a-b", "230-225"):
        code = lab.code("dedicateGuestVlanRange", physicalnetworkid=physical, vlanrange=wrong, **lab.mine)
        assert code == 431, wrong
    assert lab.code("dedicateGuestVlanRange", physicalnetworkid=physical, vlanrange="220-221") == 431
    nobody = {**lab.mine, "account": "nobody"}
    assert lab.code("dedicateGuestVlanRange", physicalnetworkid=physical, vlanrange="220-221", **nobody) == 431
    assert lab.code("dedicateGuestVlanRange", physicalnetworkid=physical, vlanrange="2-3", by="joe", **lab.mine) == 432
    assert lab.code("updatePhysicalNetwork", id=physical, vlan="200-209") == 431, "some are dedicated"
    assert lab.code("updatePhysicalNetwork", id=physical, vlan="201-299") == 431, "one is in use"
    assert lab.do("updatePhysicalNetwork", id=physical, vlan="200-250,300-310")["vlan"] == "200-250,300-310"


def test_a_project_has_vlans(lab: VmLab) -> None:
    project = lab.do("createProject", name="p", displaytext="p")["id"]
    assert dedicate(lab, "240-241", projectid=project)["projectid"] == project


def test_ipv6_prefixes(lab: VmLab) -> None:
    made = lab.do("createGuestNetworkIpv6Prefix", zoneid=lab.zone, prefix="fd17:ac56:1234:1000::/52")
    assert (made["totalsubnets"], made["availablesubnets"], made["usedsubnets"]) == (4096, 4096, 0)
    for wrong in ("fd17:ac56:1234:1100::/56", "fd18::/72", "10.0.0.0/8"):
        assert lab.code("createGuestNetworkIpv6Prefix", zoneid=lab.zone, prefix=wrong) == 431, wrong
    assert lab.one("listGuestNetworkIpv6Prefixes", id=made["id"])["prefix"] == "fd17:ac56:1234:1000::/52"
    assert lab.do("deleteGuestNetworkIpv6Prefix", id=made["id"]) is True
    assert lab.do("listGuestNetworkIpv6Prefixes", zoneid=lab.zone) == []


def test_networks_with_ipv6_have_a_part_of_their_zones_prefix(lab: VmLab) -> None:
    lab.do("updateConfiguration", name="ipv6.offering.enabled", value="true")
    offering = lab.do(
        "createNetworkOffering", name="six", displaytext="six", guestiptype="Isolated", traffictype="GUEST",
        supportedservices="SourceNat,Dhcp,Dns", internetprotocol="DualStack", enable=True,
    )["id"]  # fmt: skip
    wanted = {"name": "n", "zoneid": lab.zone, "networkofferingid": offering, **lab.mine}
    assert lab.code("createNetwork", **wanted) == 535, "the zone has no prefix"
    prefix = lab.do("createGuestNetworkIpv6Prefix", zoneid=lab.zone, prefix="fd17::/63")["id"]
    networks = [lab.do("createNetwork", **wanted) for _ in range(2)]
    assert [network["ip6cidr"] for network in networks] == ["fd17::/64", "fd17:0:0:1::/64"]
    assert networks[1]["ip6gateway"] == "fd17:0:0:1::1"
    assert lab.code("createNetwork", **wanted) == 535, "both halves are taken"
    assert lab.one("listGuestNetworkIpv6Prefixes", id=prefix)["availablesubnets"] == 0
    assert lab.code("deleteGuestNetworkIpv6Prefix", id=prefix) == 530
    lab.do("deleteNetwork", id=networks[0]["id"])
    assert lab.do("createNetwork", **wanted)["ip6cidr"] == "fd17::/64"


def test_public_ipv6_ranges(lab: VmLab) -> None:
    right = {
        "zoneid": lab.zone,
        "vlan": 301,
        "ip6gateway": "fd17::1",
        "ip6cidr": "fd17::/64",
        "forvirtualnetwork": True,
    }
    made = lab.do("createVlanIpRange", **right)
    assert (made["vlan"], made["ip6cidr"], "startip" in made) == ("vlan://301", "fd17::/64", False)
    for wrong in (
        {},
        {"ip6cidr": "fd18::/72"},
        {"ip6gateway": "10.1.1.1"},
        {"ip6cidr": "fd18::/64", "startipv6": "fd19::1"},
        {"ip6cidr": "fd18::/64", "startipv6": "x"},
        {"startipv6": "fd17::9", "endipv6": "fd17::a"},
    ):
        assert lab.code("createVlanIpRange", **{**right, **wrong}) == 431, wrong
    other = {"ip6cidr": "fd18::/64", "startipv6": "fd18::5", "endipv6": "fd18::9"}
    assert lab.do("createVlanIpRange", **{**right, **other})["endipv6"] == "fd18::9"
    assert (
        lab.do("createVlanIpRange", **{**right, **other, "startipv6": "fd18::a", "endipv6": ""})["endipv6"] == "fd18::a"
    )
    assert lab.one("listVlanIpRanges", id=made["id"])["ip6gateway"] == "fd17::1"
    assert len(lab.do("listVlanIpRanges", vlan=301)) == 3
    assert lab.do("deleteVlanIpRange", id=made["id"]) is True
    lab.do("createVlanIpRange", **right)


def test_offerings_with_ipv6_need_a_setting(lab: VmLab) -> None:
    network = {
        "name": "six", "displaytext": "six", "guestiptype": "Isolated", "traffictype": "GUEST",
        "supportedservices": "SourceNat,Dhcp,Dns", "internetprotocol": "dualstack",
    }  # fmt: skip
    vpc = {"name": "six", "displaytext": "six", "supportedservices": "SourceNat", "internetprotocol": "dualstack"}
    assert lab.code("createNetworkOffering", **network) == 431
    assert lab.code("createVPCOffering", **vpc) == 431
    lab.do("updateConfiguration", name="ipv6.offering.enabled", value="true")
    assert lab.do("createNetworkOffering", **network)["internetprotocol"] == "DualStack"
    assert lab.do("createVPCOffering", **vpc)["internetprotocol"] == "DualStack"
    assert lab.code("createVPCOffering", **{**vpc, "internetprotocol": "ipx"}) == 431
    assert lab.one("listNetworkOfferings", name=ISOLATED)["internetprotocol"] == "IPv4"
