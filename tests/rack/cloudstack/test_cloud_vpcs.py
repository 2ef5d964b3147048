from __future__ import annotations

import pytest
from netlab import ISOLATED, TIER_NO_LB, VPC_TIER, NetLab


@pytest.fixture
def lab() -> NetLab:
    return NetLab()


def test_a_vpc_has_a_router_and_a_source_nat_address(lab: NetLab) -> None:
    vpc = lab.vpc()
    assert (vpc["state"], vpc["cidr"], vpc["account"]) == ("Enabled", "10.20.0.0/16", "joe")
    (router,) = lab.routers(vpcid=vpc["id"])
    (address,) = lab.do("listPublicIpAddresses", vpcid=vpc["id"], issourcenat=True, listall=True)
    assert (router["state"], router["publicip"]) == ("Running", address["ipaddress"])
    assert lab.routers(forvpc=True) == [router]
    assert lab.code("disassociateIpAddress", id=address["id"]) == 431
    assert (lab.used("vpc"), lab.used("ip")) == (1, 1)


def test_a_vpc_that_is_not_started_has_no_router(lab: NetLab) -> None:
    vpc = lab.vpc(start=False)
    assert lab.routers() == []
    lab.do("restartVPC", id=vpc["id"])
    assert len(lab.routers()) == 1


def test_vms_of_tiers_share_the_vpc_s_router(lab: NetLab) -> None:
    vpc = lab.vpc()
    tiers = [lab.tier(vpc["id"], f"10.20.{number}.1", name=f"tier{number}") for number in (1, 2)]
    vms = [lab.deploy(networkids=tier["id"]) for tier in tiers]
    assert [vm["nic"][0]["gateway"] for vm in vms] == ["10.20.1.1", "10.20.2.1"]
    assert vms[1]["nic"][0]["vpcid"] == vpc["id"]
    (router,) = lab.routers()
    guests = {nic["ipaddress"] for nic in router["nic"] if nic["traffictype"] == "Guest"}
    assert guests == {"10.20.1.1", "10.20.2.1"}
    assert lab.routers(networkid=tiers[1]["id"]) == [router]
    listed = lab.one("listVPCs", id=vpc["id"], listall=True)
    assert [tier["id"] for tier in listed["network"]] == [tier["id"] for tier in tiers]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"gateway": "10.99.1.1"}, 431),
        ({"gateway": "10.20.1.129"}, 431),
        ({"gateway": "10.20.0.1", "netmask": "255.255.0.0"}, 431),
        ({"netmask": ""}, 431),
        ({"offering": ISOLATED}, 431),
        ({"networkdomain": "other.example"}, 431),
    ],
)
def test_tiers_lie_beside_each_other_in_the_vpc(lab: NetLab, wrong: dict[str, object], code: int) -> None:
    vpc = lab.vpc()
    lab.tier(vpc["id"])
    wish = {"gateway": "10.20.2.1", "netmask": "255.255.255.0", "offering": TIER_NO_LB, **wrong}
    offering = lab.offering(str(wish.pop("offering")))
    wanted = {"name": "t", "zoneid": lab.zone, "vpcid": vpc["id"], "networkofferingid": offering, **lab.mine, **wish}
    assert lab.code("createNetwork", **wanted) == code
    assert len(lab.do("listNetworks", vpcid=vpc["id"], listall=True)) == 1


def test_a_tier_s_offering_is_for_tiers_only(lab: NetLab) -> None:
    wanted = {"name": "t", "zoneid": lab.zone, "networkofferingid": lab.offering(TIER_NO_LB), **lab.mine}
    assert lab.code("createNetwork", **wanted) == 431


def test_one_tier_balances_public_load(lab: NetLab) -> None:
    vpc = lab.vpc()["id"]
    first = lab.tier(vpc, offering=VPC_TIER)
    wanted = {"name": "t", "zoneid": lab.zone, "vpcid": vpc, "networkofferingid": lab.offering(VPC_TIER), **lab.mine}
    assert lab.code("createNetwork", **wanted, gateway="10.20.2.1", netmask="255.255.255.0") == 431
    vm = lab.deploy(networkids=first["id"])["id"]
    address = lab.do("associateIpAddress", vpcid=vpc)["id"]
    rule = lab.do("createLoadBalancerRule", **lab.balancing(address), networkid=first["id"])
    lab.do("assignToLoadBalancerRule", id=rule["id"], virtualmachineids=vm)
    assert lab.ip(address)["associatednetworkid"] == first["id"]


def test_no_more_tiers_than_the_setting_says(lab: NetLab) -> None:
    vpc = lab.vpc()["id"]
    for number in (1, 2, 3):
        lab.tier(vpc, f"10.20.{number}.1")
    wanted = {"name": "t", "zoneid": lab.zone, "vpcid": vpc, "networkofferingid": lab.offering(TIER_NO_LB), **lab.mine}
    assert lab.code("createNetwork", **wanted, gateway="10.20.4.1", netmask="255.255.255.0") == 530
    lab.do("updateConfiguration", name="vpc.max.networks", value="4")
    lab.do("createNetwork", **wanted, gateway="10.20.4.1", netmask="255.255.255.0")


def test_a_vpc_with_tiers_is_not_deleted(lab: NetLab) -> None:
    vpc = lab.vpc()
    tier = lab.tier(vpc["id"])
    vm = lab.deploy(networkids=tier["id"])
    assert lab.code("deleteVPC", id=vpc["id"]) == 431
    assert lab.code("deleteNetwork", id=tier["id"]) == 530
    lab.do("destroyVirtualMachine", id=vm["id"], expunge=True)
    lab.do("deleteNetwork", id=tier["id"])
    lab.do("createNetworkACLList", name="acl", vpcid=vpc["id"])
    lab.do("deleteVPC", id=vpc["id"])
    assert lab.do("listVPCs", listall=True) == []
    assert (lab.routers(), lab.used("ip"), lab.used("vpc")) == ([], 0, 0)


def test_an_address_of_a_vpc_becomes_a_tier_s_by_its_first_rule(lab: NetLab) -> None:
    vpc = lab.vpc()["id"]
    tier = lab.tier(vpc)["id"]
    vm = lab.deploy(networkids=tier)["id"]
    address = lab.do("associateIpAddress", vpcid=vpc)["id"]
    assert "associatednetworkid" not in lab.ip(address)
    wanted = lab.forwarding(address, vm)
    assert lab.code("createPortForwardingRule", **wanted) == 431
    assert lab.code("createPortForwardingRule", **wanted, networkid=tier, openfirewall=True) == 431
    assert lab.code("createPortForwardingRule", **wanted, networkid=lab.network) == 431
    rule = lab.do("createPortForwardingRule", **wanted, networkid=tier)
    assert lab.ip(address)["associatednetworkid"] == tier
    assert lab.do("listFirewallRules", listall=True) == []
    assert lab.code("createFirewallRule", ipaddressid=address, protocol="tcp", startport=1) == 431
    lab.do("deletePortForwardingRule", id=rule["id"])
    assert "associatednetworkid" not in lab.ip(address)
    lab.do("enableStaticNat", ipaddressid=address, virtualmachineid=vm, networkid=tier)
    assert lab.ip(address)["associatednetworkid"] == tier
    lab.do("disableStaticNat", ipaddressid=address)
    assert "associatednetworkid" not in lab.ip(address)
    assert lab.code("createEgressFirewallRule", networkid=tier, protocol="all") == 431


def test_a_vpc_is_renamed_and_restarted(lab: NetLab) -> None:
    vpc = lab.vpc()
    tier = lab.tier(vpc["id"])
    lab.deploy(networkids=tier["id"])
    changed = lab.do("updateVPC", id=vpc["id"], name="new", displaytext="text")
    assert (changed["name"], changed["displaytext"]) == ("new", "text")
    (old,) = lab.routers()
    lab.do("restartVPC", id=vpc["id"], cleanup=True)
    (new,) = lab.routers(networkid=tier["id"])
    assert (new["id"] != old["id"], new["publicip"]) == (True, old["publicip"])
    lab.do("restartVPC", id=vpc["id"], makeredundant=True)
    routers = lab.routers()
    assert sorted(router["redundantstate"] for router in routers) == ["BACKUP", "PRIMARY"]
    assert lab.one("listVPCs", id=vpc["id"], listall=True)["redundantvpcrouter"] is True


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"cidr": "10.20.0.0"}, 431),
        ({"cidr": "10.20.0.0/30"}, 431),
        ({"cidr": "8.8.0.0/16"}, 431),
        ({"cidr": ""}, 431),
        ({"networkdomain": "bad_domain"}, 431),
        ({"sourcenatipaddress": "10.2.0.99"}, 431),
    ],
)
def test_wrong_vpcs_are_refused(lab: NetLab, wrong: dict[str, object], code: int) -> None:
    offering = next(item["id"] for item in lab.do("listVPCOfferings") if item["name"] == "Default VPC offering")
    wanted = {"name": "vpc", "cidr": "10.20.0.0/16", "zoneid": lab.zone, "vpcofferingid": offering, **lab.mine}
    assert lab.code("createVPC", **{**wanted, **wrong}) == code
    assert lab.do("listVPCs", listall=True) == []


def test_a_vpc_that_cannot_be_started_is_gone(lab: NetLab) -> None:
    for host in lab.built.hosts:
        lab.do("updateHost", id=host, allocationstate="Disable")
    offering = next(item["id"] for item in lab.do("listVPCOfferings") if item["name"] == "Default VPC offering")
    wanted = {"name": "vpc", "cidr": "10.20.0.0/16", "zoneid": lab.zone, "vpcofferingid": offering, **lab.mine}
    assert lab.code("createVPC", **wanted) == 533
    assert (lab.do("listVPCs", listall=True), lab.used("ip")) == ([], 0)


def test_as_many_vpcs_as_the_limit_says(lab: NetLab) -> None:
    lab.limit(7, 1)
    vpc = lab.vpc(sourcenatipaddress="10.2.0.50")
    assert lab.routers()[0]["publicip"] == "10.2.0.50"
    wanted = {"name": "vpc", "cidr": "10.30.0.0/16", "zoneid": lab.zone, "vpcofferingid": vpc["vpcofferingid"]}
    assert lab.code("createVPC", **wanted, **lab.mine) == 535


def test_lists_are_filtered(lab: NetLab) -> None:
    vpc = lab.vpc()
    lab.vpc(name="other", cidr="10.30.0.0/16", start=False)

    def names(**params: object) -> list[str]:
        return sorted(item["name"] for item in lab.do("listVPCs", listall=True, **params))

    assert names() == ["other", "vpc"]
    assert names(cidr="10.30.0.0/16") == ["other"]
    assert names(vpcofferingid=vpc["vpcofferingid"], zoneid=lab.zone, keyword="oth") == ["other"]
    assert names(supportedservices="NetworkACL,Lb") == ["other", "vpc"]
    assert names(supportedservices="Firewall") == []
    lab.account("ann")
    assert lab.do("listVPCs", by="ann") == []
    assert lab.code("deleteVPC", by="ann", id=vpc["id"]) == 531


def test_the_source_nat_address_of_a_vpc_may_change(lab: NetLab) -> None:
    vpc = lab.vpc()["id"]
    other = lab.do("associateIpAddress", vpcid=vpc)
    lab.do("updateVPC", id=vpc, sourcenatipaddress=other["ipaddress"])
    assert lab.routers()[0]["publicip"] == other["ipaddress"]


def test_vpc_offerings(lab: NetLab) -> None:
    services = "Dhcp,Dns,SourceNat,PortForwarding,NetworkACL"
    provider = {"serviceproviderlist[0].service": "SourceNat", "serviceproviderlist[0].provider": "VpcVirtualRouter"}
    redundant = {
        "servicecapabilitylist[0].service": "SourceNat",
        "servicecapabilitylist[0].capabilitytype": "RedundantRouter",
        "servicecapabilitylist[0].capabilityvalue": "true",
    }
    offering = lab.do("createVPCOffering", name="two", supportedservices=services, **provider, **redundant)
    assert offering["state"] == "Disabled"
    wanted = {"name": "vpc", "cidr": "10.20.0.0/16", "zoneid": lab.zone, "vpcofferingid": offering["id"], **lab.mine}
    assert lab.code("createVPC", **wanted) == 431
    lab.do("updateVPCOffering", id=offering["id"], state="Enabled", displaytext="text", domainid="public")
    vpc = lab.do("createVPC", **wanted)
    assert len(lab.routers(vpcid=vpc["id"])) == 2
    assert lab.code("deleteVPCOffering", id=offering["id"]) == 431
    lab.do("deleteVPC", id=vpc["id"])
    lab.do("deleteVPCOffering", id=offering["id"])
    names = {item["name"] for item in lab.do("listVPCOfferings", isdefault=True)}
    assert names == {"Default VPC offering", "Redundant VPC offering"}
    default = lab.do("listVPCOfferings")[0]["id"]
    assert lab.code("deleteVPCOffering", id=default) == 431
    assert lab.code("updateVPCOffering", id=default, state="Tired") == 431
    wrong: list[dict[str, object]] = [
        {"supportedservices": ""},
        {"supportedservices": "Teleport"},
        {"serviceproviderlist[0].service": "Lb", "serviceproviderlist[0].provider": "VpcVirtualRouter"},
        {"serviceproviderlist[0].service": "Dhcp", "serviceproviderlist[0].provider": "Nobody"},
        {"servicecapabilitylist[0].service": "Lb", "servicecapabilitylist[0].capabilitytype": "x"},
    ]
    for params in wrong:
        assert lab.code("createVPCOffering", **{"name": "bad", "supportedservices": services, **params}) == 431
