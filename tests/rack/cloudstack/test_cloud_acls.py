from __future__ import annotations

from typing import Any

import pytest
from netlab import NetLab


class AclLab(NetLab):
    def __init__(self) -> None:
        super().__init__()
        self.vpc_id = str(self.vpc()["id"])
        self.acl = str(self.do("createNetworkACLList", name="acl", vpcid=self.vpc_id)["id"])

    def default(self, name: str) -> str:
        return str(self.one("listNetworkACLLists", name=name)["id"])

    def item(self, **params: object) -> dict[str, object]:
        return {"aclid": self.acl, "protocol": "tcp", "startport": 22, "endport": 22, **params}

    def numbers(self) -> list[int]:
        return [item["number"] for item in self.do("listNetworkACLs", aclid=self.acl, listall=True)]


@pytest.fixture
def lab() -> AclLab:
    return AclLab()


def test_two_lists_are_built_in_and_stay(lab: AclLab) -> None:
    assert {item["name"] for item in lab.do("listNetworkACLLists")} == {"default_allow", "default_deny", "acl"}
    for name, action in (("default_allow", "Allow"), ("default_deny", "Deny")):
        acl = lab.default(name)
        items = lab.do("listNetworkACLs", aclid=acl)
        assert [(item["traffictype"], item["action"]) for item in items] == [("Ingress", action), ("Egress", action)]
        assert lab.code("deleteNetworkACLList", id=acl) == 431
        assert lab.code("updateNetworkACLList", id=acl, name="mine") == 431
        assert lab.code("createNetworkACL", **lab.item(aclid=acl)) == 431
        assert lab.code("deleteNetworkACL", id=items[0]["id"]) == 431
        assert lab.code("updateNetworkACLItem", id=items[0]["id"], action="Allow") == 431


def test_an_item_is_made_changed_and_deleted(lab: AclLab) -> None:
    item = lab.do("createNetworkACL", **lab.item(cidrlist="10.0.0.0/8", number=10, reason="ssh"))
    assert (item["state"], item["action"], item["traffictype"]) == ("Active", "Allow", "Ingress")
    assert (item["startport"], item["cidrlist"], item["aclname"], item["reason"]) == ("22", "10.0.0.0/8", "acl", "ssh")
    changed = lab.do("updateNetworkACLItem", id=item["id"], action="deny", number=5, traffictype="egress")
    assert (changed["action"], changed["number"], changed["traffictype"]) == ("Deny", 5, "Egress")
    assert (changed["startport"], changed["cidrlist"]) == ("22", "10.0.0.0/8")
    whole = lab.do("updateNetworkACLItem", id=item["id"], protocol="icmp", partialupgrade=False)
    assert ("startport" in whole, whole["icmptype"], whole["cidrlist"]) == (False, -1, "0.0.0.0/0")
    lab.do("deleteNetworkACL", id=item["id"])
    assert lab.numbers() == []


def test_numbers_order_the_items_and_are_unique(lab: AclLab) -> None:
    lab.do("createNetworkACL", **lab.item(number=20))
    lab.do("createNetworkACL", **lab.item(number=10))
    last = lab.do("createNetworkACL", **lab.item())
    assert lab.numbers() == [10, 20, 21]
    assert lab.code("createNetworkACL", **lab.item(number=20)) == 431
    assert lab.code("createNetworkACL", **lab.item(number=0)) == 431
    assert lab.code("updateNetworkACLItem", id=last["id"], number=10) == 431


@pytest.mark.parametrize(
    "wrong",
    [
        {"protocol": "gre"},
        {"protocol": "all"},
        {"protocol": "icmp", "startport": 22},
        {"startport": 23},
        {"startport": 0},
        {"endport": 65536},
        {"cidrlist": "10.0.0.0/99"},
        {"cidrlist": "10.0.0.0"},
        {"action": "Perhaps"},
        {"traffictype": "Sideways"},
        {"icmptype": 8},
    ],
)
def test_wrong_items_are_refused(lab: AclLab, wrong: dict[str, Any]) -> None:
    assert lab.code("createNetworkACL", **lab.item(**wrong)) == 431
    assert lab.numbers() == []


def test_items_are_moved(lab: AclLab) -> None:
    first, second, third = (
        lab.do("createNetworkACL", **lab.item(startport=1, endport=port))["id"] for port in (1, 2, 3)
    )

    def order() -> list[str]:
        return [item["id"] for item in lab.do("listNetworkACLs", aclid=lab.acl, listall=True)]

    lab.do("moveNetworkAclItem", id=third, previousaclruleid=first, nextaclruleid=second)
    assert order() == [first, third, second]
    lab.do("moveNetworkAclItem", id=second, nextaclruleid=first)
    assert order() == [second, first, third]
    assert lab.code("moveNetworkAclItem", id=third) == 431
    assert lab.code("moveNetworkAclItem", id=third, previousaclruleid="x") == 431
    assert lab.numbers() == sorted(set(lab.numbers()))


def test_a_tier_denies_all_unless_told_otherwise(lab: AclLab) -> None:
    tier = lab.tier(lab.vpc_id)
    assert tier["aclname"] == "default_deny"
    other = lab.tier(lab.vpc_id, "10.20.2.1", aclid=lab.acl)
    assert other["aclid"] == lab.acl
    assert [item["name"] for item in lab.do("listNetworkACLLists", networkid=other["id"])] == ["acl"]


def test_a_tier_s_list_is_replaced_and_one_in_use_stays(lab: AclLab) -> None:
    tier = lab.tier(lab.vpc_id, aclid=lab.acl)
    assert lab.code("deleteNetworkACLList", id=lab.acl) == 530
    lab.do("replaceNetworkACLList", aclid=lab.default("default_allow"), networkid=tier["id"])
    assert lab.network_state(tier["id"])["aclname"] == "default_allow"
    lab.do("deleteNetworkACLList", id=lab.acl)
    foreign = lab.do("createNetworkACLList", name="far", vpcid=lab.vpc(cidr="10.30.0.0/16")["id"])["id"]
    assert lab.code("replaceNetworkACLList", aclid=foreign, networkid=tier["id"]) == 431
    assert lab.code("replaceNetworkACLList", aclid=lab.default("default_deny"), networkid=lab.network) == 431
    assert lab.code("replaceNetworkACLList", aclid=lab.default("default_deny")) == 431


def test_an_item_for_a_tier_makes_a_list_of_its_own(lab: AclLab) -> None:
    tier = lab.tier(lab.vpc_id)["id"]
    item = {"protocol": "tcp", "startport": 80, "endport": 80}
    lab.do("createNetworkACL", networkid=tier, **item)
    assert lab.network_state(tier)["aclname"] == "ACL_net"
    assert len(lab.do("listNetworkACLs", networkid=tier, listall=True)) == 1
    assert lab.code("createNetworkACL", networkid=lab.network, **item) == 431
    assert lab.code("createNetworkACL", **item) == 431


def test_a_list_is_renamed(lab: AclLab) -> None:
    lab.do("updateNetworkACLList", id=lab.acl, name="new", description="text")
    assert lab.one("listNetworkACLLists", id=lab.acl)["description"] == "text"


def test_lists_belong_to_their_vpc_s_owner(lab: AclLab) -> None:
    lab.account("ann")
    assert {item["name"] for item in lab.do("listNetworkACLLists", by="ann")} == {"default_allow", "default_deny"}
    assert lab.code("createNetworkACL", by="ann", **lab.item()) == 531
    assert lab.code("createNetworkACLList", by="ann", name="x", vpcid=lab.vpc_id) == 531
    assert lab.do("listNetworkACLs", by="ann", aclid=lab.acl) == []
    owned = lab.do("listNetworkACLLists", **lab.mine)
    assert "acl" in {item["name"] for item in owned}


def test_a_global_list_may_be_given_to_anybody_s_tier_and_a_vpc_s_own_only_by_its_owner(lab: AclLab) -> None:
    lab.account("ann")
    tier = lab.tier(lab.vpc_id)["id"]
    everybody = lab.do("createNetworkACLList", name="everybody's")["id"]
    lab.do("replaceNetworkACLList", by="ann", aclid=everybody, networkid=tier)
    assert lab.network_state(tier)["aclid"] == everybody
    assert lab.code("replaceNetworkACLList", by="ann", aclid=lab.acl, networkid=tier) == 531
    gateway = lab.do(
        "createPrivateGateway",
        vpcid=lab.vpc_id,
        vlan=1500,
        ipaddress="10.1.9.2",
        gateway="10.1.9.1",
        netmask="255.255.255.0",
    )["id"]
    assert lab.code("replaceNetworkACLList", by="ann", aclid=everybody, gatewayid=gateway) == 531


def test_global_lists_are_for_all_vpcs_and_changed_by_root_admins(lab: AclLab) -> None:
    assert lab.code("createNetworkACLList", by="joe", name="x") == 531
    acl = lab.do("createNetworkACLList", name="everybody's")["id"]
    item = lab.do("createNetworkACL", **lab.item(aclid=acl))["id"]
    assert lab.code("createNetworkACL", by="joe", **lab.item(aclid=acl)) == 531
    for command, named in (("deleteNetworkACL", item), ("deleteNetworkACLList", acl), ("updateNetworkACLList", acl)):
        assert lab.code(command, by="joe", id=named) == 531
    tier = lab.tier(lab.vpc_id)["id"]
    lab.do("replaceNetworkACLList", by="joe", aclid=acl, networkid=tier)
    assert lab.network_state(tier)["aclid"] == acl
    assert [found["id"] for found in lab.do("listNetworkACLs", by="joe", aclid=acl)] == [item]


def test_private_gateways(lab: AclLab) -> None:
    wanted = {"vpcid": lab.vpc_id, "gateway": "10.50.0.1", "netmask": "255.255.255.0", "ipaddress": "10.50.0.9"}
    gateway = lab.do("createPrivateGateway", **wanted, vlan=400)
    assert (gateway["state"], gateway["vlan"], gateway["aclname"]) == ("Ready", "400", "default_deny")
    assert lab.do("listPrivateGateways", vpcid=lab.vpc_id, listall=True) == [gateway]
    wrong: list[dict[str, object]] = [
        {},
        {"vlan": 400},
        {"vlan": 250},
        {"vlan": 401, "ipaddress": "10.51.0.9"},
        {"vlan": 401, "ipaddress": "10.50.0.1"},
        {"vlan": 401, "associatednetworkid": lab.network},
        {"associatednetworkid": lab.network},
    ]
    for params in wrong:
        assert lab.code("createPrivateGateway", **{**wanted, **params}) == 431
    lab.do("replaceNetworkACLList", aclid=lab.acl, gatewayid=gateway["id"])
    assert lab.code("deleteNetworkACLList", id=lab.acl) == 530
    far = lab.vpc(cidr="10.30.0.0/16")["id"]
    assert lab.code("createPrivateGateway", **{**wanted, "vpcid": far}, vlan=400) == 431
    lab.do("createPrivateGateway", **{**wanted, "vpcid": far, "ipaddress": "10.50.0.10"}, vlan=400)
    assert lab.code("createPrivateGateway", by="joe", **wanted, vlan=402) == 431
    lab.do("deletePrivateGateway", id=gateway["id"])
    assert lab.do("listPrivateGateways", vpcid=lab.vpc_id, listall=True) == []


def test_static_routes(lab: AclLab) -> None:
    wanted = {"vpcid": lab.vpc_id, "gateway": "10.50.0.1", "netmask": "255.255.255.0", "ipaddress": "10.50.0.9"}
    gateway = lab.do("createPrivateGateway", **wanted, vlan=400)["id"]
    route = lab.do("createStaticRoute", gatewayid=gateway, cidr="11.1.0.0/16")
    assert (route["state"], route["vpcid"], route["cidr"]) == ("Active", lab.vpc_id, "11.1.0.0/16")
    assert lab.do("listStaticRoutes", gatewayid=gateway, listall=True) == [route]
    assert lab.code("createStaticRoute", gatewayid=gateway, cidr="11.1.2.0/24") == 537
    wrong: list[dict[str, object]] = [
        {"gatewayid": gateway, "cidr": "10.20.5.0/24"},
        {"gatewayid": gateway, "cidr": "169.254.3.0/24"},
        {"gatewayid": gateway, "cidr": "nonsense"},
        {"gatewayid": gateway, "cidr": "12.0.0.0/8", "nexthop": "10.50.0.7"},
        {"cidr": "12.0.0.0/8"},
        {"cidr": "12.0.0.0/8", "nexthop": "10.50.0.7"},
        {"cidr": "12.0.0.0/8", "nexthop": "9.9.9.9", "vpcid": lab.vpc_id},
        {"gatewayid": gateway, "cidr": "12.0.0.0/8", "vpcid": lab.vpc(cidr="10.30.0.0/16")["id"]},
    ]
    for params in wrong:
        assert lab.code("createStaticRoute", **params) == 431
    lab.do("createStaticRoute", vpcid=lab.vpc_id, nexthop="10.50.0.7", cidr="12.0.0.0/8")
    lab.do("updateConfiguration", name="denied.routes", value="13.0.0.0/8")
    assert lab.code("createStaticRoute", gatewayid=gateway, cidr="13.1.0.0/16") == 431
    assert lab.code("deletePrivateGateway", id=gateway) == 530
    lab.do("deleteStaticRoute", id=route["id"])
    lab.do("deletePrivateGateway", id=gateway)
    lab.do("deleteVPC", id=lab.vpc_id)
    assert lab.do("listStaticRoutes", listall=True) == []
