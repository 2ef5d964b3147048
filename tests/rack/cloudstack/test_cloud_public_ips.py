from __future__ import annotations

import pytest
from netlab import NetLab


@pytest.fixture
def lab() -> NetLab:
    lab = NetLab()
    lab.deploy()
    return lab


def addresses(lab: NetLab, **params: object) -> set[str]:
    return {item["ipaddress"] for item in lab.do("listPublicIpAddresses", listall=True, **params)}


def test_an_address_is_acquired_and_released(lab: NetLab) -> None:
    address = lab.address()
    assert (address["state"], address["issourcenat"], address["isstaticnat"]) == ("Allocated", False, False)
    assert (address["associatednetworkid"], address["account"]) == (lab.network, "joe")
    assert addresses(lab) == {address["ipaddress"], lab.source_nat()["ipaddress"]}
    assert lab.used("ip") == 2
    lab.do("disassociateIpAddress", id=address["id"])
    assert addresses(lab) == {lab.source_nat()["ipaddress"]}
    assert lab.do("listPublicIpAddresses", id=address["id"], listall=True) == []
    again = lab.address()
    assert (again["ipaddress"], again["id"]) == (address["ipaddress"], address["id"])
    lab.do("disassociateIpAddress", ipaddress=again["ipaddress"])
    assert lab.used("ip") == 1


def test_the_source_nat_address_stays_while_its_network_lives(lab: NetLab) -> None:
    assert lab.code("disassociateIpAddress", id=lab.source_nat()["id"]) == 431
    asleep = lab.new_network()
    first = lab.address(asleep)
    assert first["issourcenat"] is True
    lab.do("disassociateIpAddress", id=first["id"])
    assert addresses(lab, associatednetworkid=asleep) == set()


def test_no_more_addresses_than_there_are(lab: NetLab) -> None:
    lab.limit(1, -1)
    held = [lab.address() for _ in range(48)]  # 51 in the range; 2 are system VMs', 1 is the source NAT address
    assert lab.code("associateIpAddress", networkid=lab.network) == 533
    lab.do("disassociateIpAddress", id=held[7]["id"])
    assert lab.address()["ipaddress"] == held[7]["ipaddress"]


def test_no_more_addresses_than_the_limit_says(lab: NetLab) -> None:
    lab.limit(1, 2)
    lab.address()
    assert lab.code("associateIpAddress", networkid=lab.network) == 535
    assert lab.used("ip") == 2


def test_one_may_ask_for_a_certain_address(lab: NetLab) -> None:
    assert lab.address(ipaddress="10.2.0.55")["ipaddress"] == "10.2.0.55"
    for taken in ("10.2.0.55", "10.2.0.99"):
        assert lab.code("associateIpAddress", networkid=lab.network, ipaddress=taken) == 431


def test_an_address_without_network_is_for_the_only_one(lab: NetLab) -> None:
    wanted = {"zoneid": lab.zone, **lab.mine}
    assert lab.do("associateIpAddress", **wanted)["associatednetworkid"] == lab.network
    lab.new_network()
    assert lab.code("associateIpAddress", **wanted) == 431
    assert lab.code("associateIpAddress", **lab.mine) == 431
    assert lab.code("associateIpAddress", networkid=lab.shared()["id"]) == 431
    assert lab.code("associateIpAddress", networkid=lab.network, vpcid=lab.vpc()["id"]) == 431


def test_ranges_kept_for_an_account_are_used_by_it_alone(lab: NetLab) -> None:
    lab.cloud.do(
        "createVlanIpRange",
        zoneid=lab.zone,
        vlan="51",
        gateway="10.3.0.1",
        netmask="255.255.255.0",
        startip="10.3.0.10",
        endip="10.3.0.10",
        forvirtualnetwork="true",
        **lab.mine,
    )
    ann = lab.account("ann")
    other = lab.new_network(ann)
    assert lab.address(other)["ipaddress"].startswith("10.2.0.")
    assert lab.address()["ipaddress"] == "10.3.0.10"
    assert lab.address()["ipaddress"].startswith("10.2.0.")
    lab.do("updateConfiguration", name="use.system.public.ips", value="false")
    assert lab.code("associateIpAddress", networkid=lab.network) == 533
    assert lab.code("associateIpAddress", networkid=lab.network, ipaddress="10.2.0.50") == 431


def test_free_addresses_are_shown_and_reserved(lab: NetLab) -> None:
    free = lab.do("listPublicIpAddresses", listall=True, state="Free", pagesize=500, page=1)
    assert len(free) == 48
    chosen = free[0]
    lab.do("reserveIpAddress", id=chosen["id"], **lab.mine)
    reserved = lab.ip(chosen["id"])
    assert (reserved["state"], reserved["account"]) == ("Reserved", "joe")
    assert lab.code("reserveIpAddress", id=chosen["id"], **lab.mine) == 431
    assert lab.address()["ipaddress"] != chosen["ipaddress"]
    lab.do("releaseIpAddress", id=chosen["id"])
    assert chosen["ipaddress"] not in addresses(lab)
    every = lab.do("listPublicIpAddresses", listall=True, allocatedonly=False, pagesize=500, page=1)
    assert sorted({item["state"] for item in every}) == ["Allocated", "Free"]
    assert len(every) == 49
    assert lab.code("releaseIpAddress", id=lab.source_nat()["id"]) == 431


def test_lists_are_filtered(lab: NetLab) -> None:
    source = lab.source_nat()
    plain = lab.address()
    vm = lab.deploy()
    lab.do("createPortForwardingRule", **lab.forwarding(plain["id"], vm["id"]))
    assert addresses(lab, issourcenat=False) == {plain["ipaddress"]}
    assert addresses(lab, ipaddress=source["ipaddress"]) == {source["ipaddress"]}
    assert addresses(lab, zoneid=lab.zone, vlanid=source["vlanid"], state="allocated") == addresses(lab)
    assert addresses(lab, forloadbalancing=True) == {source["ipaddress"]}
    assert addresses(lab, isstaticnat=True) == set()
    assert addresses(lab, physicalnetworkid=lab.built.physical) == addresses(lab)
    assert addresses(lab, vpcid=lab.vpc()["id"]).isdisjoint({plain["ipaddress"], source["ipaddress"]})
    assert lab.ip(plain["id"])["hasrules"] is True


def test_an_address_may_be_hidden(lab: NetLab) -> None:
    changed = lab.do("updateIpAddress", id=lab.address()["id"], fordisplay=False)
    assert changed["fordisplay"] is False


def test_another_address_becomes_the_source_nat_one(lab: NetLab) -> None:
    old, other = lab.source_nat(), lab.address()
    lab.do("updateNetwork", id=lab.network, sourcenatipaddress=other["ipaddress"])
    assert lab.source_nat()["id"] == other["id"]
    assert lab.routers()[0]["publicip"] == other["ipaddress"]
    lab.do("disassociateIpAddress", id=old["id"])
    network = lab.network_of(name="chosen", sourcenatipaddress="10.2.0.44")
    assert lab.source_nat(network["id"])["ipaddress"] == "10.2.0.44"


def test_a_user_s_addresses_are_not_others(lab: NetLab) -> None:
    address = lab.address()
    lab.account("ann")
    assert lab.do("listPublicIpAddresses", by="ann") == []
    assert lab.code("disassociateIpAddress", by="ann", id=address["id"]) == 531
    assert lab.code("associateIpAddress", by="ann", networkid=lab.network) == 531
