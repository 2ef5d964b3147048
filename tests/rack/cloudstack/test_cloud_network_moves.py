"""Networks and VPCs get other offerings by migration."""

from __future__ import annotations

import pytest
from netlab import ISOLATED, TIER_NO_LB, VPC_TIER, NetLab

SERVICES = {"supportedservices": "Dhcp,Dns,SourceNat,StaticNat", "egressdefaultpolicy": "true"}
PROVIDERS = {
    key: value
    for number, service in enumerate(("Dhcp", "Dns", "SourceNat", "StaticNat"))
    for key, value in (
        (f"serviceproviderlist[{number}].service", service),
        (f"serviceproviderlist[{number}].provider", "VirtualRouter"),
    )
}


@pytest.fixture
def lab() -> NetLab:
    return NetLab()


def new_offering(lab: NetLab, **params: object) -> str:
    wanted = {"name": "few", "displaytext": "few", "guestiptype": "Isolated", "traffictype": "GUEST"}
    made = str(lab.do("createNetworkOffering", **{**wanted, **SERVICES, **PROVIDERS, **params})["id"])
    lab.do("updateNetworkOffering", id=made, state="Enabled")
    return made


def test_a_network_migrates_with_its_vms(lab: NetLab) -> None:
    few, all_of_them = new_offering(lab), lab.offering(ISOLATED)
    assert lab.do("migrateNetwork", networkid=lab.network, networkofferingid=few)["state"] == "Allocated"
    vm, address = lab.deploy(), lab.source_nat()["ipaddress"]
    (old,) = lab.routers(networkid=lab.network)
    moved = lab.do("migrateNetwork", networkid=lab.network, networkofferingid=all_of_them)
    assert (moved["id"], moved["networkofferingid"], moved["state"]) == (lab.network, all_of_them, "Implemented")
    (new,) = lab.routers(networkid=lab.network)
    assert (new["id"] != old["id"], new["state"]) == (True, "Running")
    assert lab.source_nat()["ipaddress"] == address
    assert lab.vm(vm["id"])["state"] == "Running"


def test_a_network_migrates_to_the_physical_network_of_the_offering_s_tag(lab: NetLab) -> None:
    lab.deploy()
    second = lab.do("createPhysicalNetwork", name="second", zoneid=lab.zone, vlan="900-910", tags="fast")["id"]
    lab.do("addTrafficType", physicalnetworkid=second, traffictype="Guest")
    lab.do("updatePhysicalNetwork", id=second, state="Enabled")
    moved = lab.do("migrateNetwork", networkid=lab.network, networkofferingid=new_offering(lab, tags="fast"))
    assert (moved["physicalnetworkid"], moved["vlan"]) == (second, "900")


def test_what_a_network_cannot_migrate_to(lab: NetLab) -> None:
    few = new_offering(lab)
    lab.do("updateNetworkOffering", id=few, state="Disabled")
    for offering in (few, lab.offering("DefaultL2NetworkOffering"), lab.offering(TIER_NO_LB)):
        assert lab.code("migrateNetwork", networkid=lab.network, networkofferingid=offering) == 431
    lab.do("updateNetworkOffering", id=few, state="Enabled")
    vm = lab.deploy()["id"]
    lab.do("destroyVirtualMachine", id=vm)
    assert lab.code("migrateNetwork", networkid=lab.network, networkofferingid=few) == 530, "a VM is on its way out"
    shared = lab.shared()["id"]
    assert lab.code("migrateNetwork", networkid=shared, networkofferingid=few) == 431
    tier = lab.tier(lab.vpc()["id"])["id"]
    assert lab.code("migrateNetwork", networkid=tier, networkofferingid=few) == 431


def test_a_vpc_migrates_with_its_tiers(lab: NetLab) -> None:
    vpc = lab.vpc()
    tier = lab.tier(vpc["id"])
    other = next(item["id"] for item in lab.do("listVPCOfferings") if item["name"] == "Redundant VPC offering")
    move = {"vpcid": vpc["id"], "vpcofferingid": other}
    whole = {"tiernetworkofferings[0].networkid": tier["id"]}
    assert lab.do("migrateVPC", vpcid=vpc["id"], vpcofferingid=vpc["vpcofferingid"])["id"] == vpc["id"]
    assert lab.code("migrateVPC", **move) == 431, "what of the tier?"
    for wrong in ("nothing", lab.offering(ISOLATED)):
        assert lab.code("migrateVPC", **move, **whole, **{"tiernetworkofferings[0].networkofferingid": wrong}) == 431
    balanced = lab.offering(VPC_TIER)
    moved = lab.do("migrateVPC", **move, **whole, **{"tiernetworkofferings[0].networkofferingid": balanced})
    assert moved["vpcofferingid"] == other
    assert lab.network_state(tier["id"])["networkofferingid"] == balanced
