from __future__ import annotations

from typing import Any

import pytest
from netlab import NetLab


@pytest.fixture
def lab() -> NetLab:
    return NetLab()


def test_a_shared_network_gives_out_its_range_only(lab: NetLab) -> None:
    network = lab.shared()
    assert (network["type"], network["state"], network["acltype"]) == ("Shared", "Setup", "Domain")
    assert "account" not in network
    given = {lab.deploy(networkids=network["id"])["nic"][0]["ipaddress"] for _ in range(3)}
    (router,) = lab.routers(networkid=network["id"])
    assert given | {router["guestipaddress"]} == {f"172.31.7.{last}" for last in range(10, 14)}
    assert "publicip" not in router
    assert lab.code("deployVirtualMachine", **lab.wanted(networkids=network["id"])) == 533


def test_a_shared_network_s_router_may_have_a_chosen_address(lab: NetLab) -> None:
    network = lab.shared(routerip="172.31.7.12")
    lab.deploy(networkids=network["id"])
    assert lab.routers()[0]["guestipaddress"] == "172.31.7.12"


@pytest.mark.parametrize(
    "wrong",
    [
        {"vlan": 200},
        {"vlan": 300},
        {"vlan": ""},
        {"gateway": "", "netmask": "", "startip": "", "endip": ""},
        {"gateway": "172.31.8.11"},
        {"startip": "172.31.9.10"},
        {"routerip": "172.31.8.99"},
        {"acltype": "Account", "subdomainaccess": True},
    ],
)
def test_wrong_shared_networks_are_refused(lab: NetLab, wrong: dict[str, object]) -> None:
    lab.shared()
    assert lab.code("createNetwork", **lab.shared_wish(**{"vlan": 301, "subnet": 8, **wrong})) == 431
    assert len(lab.do("listNetworks", listall=True)) == 2


def test_a_shared_network_may_give_out_all_its_addresses(lab: NetLab) -> None:
    wish = lab.shared_wish(startip="", endip="")
    network = lab.do("createNetwork", **wish)["id"]
    assert lab.deploy(networkids=network, ipaddress="172.31.7.200")["nic"][0]["ipaddress"] == "172.31.7.200"
    lab.do("updateConfiguration", name="allow.empty.start.end.ipaddress", value="false")
    assert lab.code("createNetwork", **{**wish, "vlan": 301}) == 431


def test_a_domain_s_network_is_for_that_domain(lab: NetLab) -> None:
    root = lab.mine["domainid"]
    north = lab.do("createDomain", name="north", parentdomainid=root)["id"]
    below = lab.do("createDomain", name="below", parentdomainid=north)["id"]
    for name, domain in (("nora", north), ("bea", below)):
        lab.cloud.account(name, domain=domain)
    only = lab.shared(vlan=300, subnet=7, domainid=north, subdomainaccess=False)
    deep = lab.shared(vlan=301, subnet=8, domainid=north, subdomainaccess=True)

    def seen(user: str) -> set[str]:
        return {item["id"] for item in lab.do("listNetworks", by=user)} - {lab.network}

    assert (seen("nora"), seen("bea"), seen("joe")) == ({only["id"], deep["id"]}, {deep["id"]}, set())
    wanted = {**lab.wanted(networkids=deep["id"]), "account": "bea", "domainid": below}
    assert lab.do("deployVirtualMachine", **wanted)["nic"][0]["networkid"] == deep["id"]
    assert lab.code("deployVirtualMachine", **{**wanted, "networkids": only["id"]}) in (431, 531)
    assert lab.code("updateNetwork", by="nora", id=only["id"], name="mine") == 531
    assert lab.code("deleteNetwork", by="nora", id=only["id"]) == 531
    listed = lab.do("listNetworks", domainid=north, listall=True)
    assert {item["id"] for item in listed} == {only["id"], deep["id"]}


def test_a_permitted_account_may_use_a_network_and_not_change_it(lab: NetLab) -> None:
    ann = lab.account("ann")
    wanted = {**lab.wanted(), **ann}
    assert lab.code("deployVirtualMachine", **wanted) == 431
    lab.do("createNetworkPermissions", by="joe", networkid=lab.network, accounts="ann")
    (held,) = lab.do("listNetworkPermissions", by="joe", networkid=lab.network)
    assert (held["account"], held["networkid"]) == ("ann", lab.network)
    vm = lab.do("deployVirtualMachine", **wanted)
    shared = lab.do("listNetworks", by="ann", networkfilter="Shared")
    assert [item["id"] for item in shared] == [lab.network]
    for command in ("deleteNetwork", "restartNetwork", "updateNetwork"):
        assert lab.code(command, by="ann", id=lab.network) == 531
    for command in ("resetNetworkPermissions", "listNetworkPermissions"):
        assert lab.code(command, by="ann", networkid=lab.network) == 531
    lab.do("removeNetworkPermissions", by="joe", networkid=lab.network, accounts="ann")
    assert lab.code("deployVirtualMachine", **wanted) == 431
    assert lab.vm(vm["id"])["state"] == "Running"


def test_permissions_are_for_accounts_of_the_same_domain(lab: NetLab) -> None:
    north = lab.do("createDomain", name="north")["id"]
    made = lab.cloud.account("nora", domain=north)
    for wrong in ({"accounts": "nora"}, {"accountids": made["id"]}, {}):
        assert lab.code("createNetworkPermissions", networkid=lab.network, **wrong) == 431
    assert lab.code("createNetworkPermissions", networkid=lab.shared()["id"], accounts="joe") == 431
    tier = lab.tier(lab.vpc()["id"])
    assert lab.code("createNetworkPermissions", networkid=tier["id"], accounts="joe") == 431
    lab.account("ann")
    lab.do("createNetworkPermissions", networkid=lab.network, accounts="ann,joe")
    assert len(lab.do("listNetworkPermissions", networkid=lab.network)) == 1
    lab.do("resetNetworkPermissions", networkid=lab.network)
    assert lab.do("listNetworkPermissions", networkid=lab.network) == []


def test_permissions_for_projects_and_what_lists_tell_of_them(lab: NetLab) -> None:
    ann = lab.account("ann")
    project = lab.do("createProject", name="p", displaytext="p", **ann)["id"]
    assert lab.code("createNetworkPermissions", by="joe", networkid=lab.network, projectids=project) == 531
    lab.do("createNetworkPermissions", networkid=lab.network, projectids=project)
    (held,) = lab.do("listNetworkPermissions", networkid=lab.network)
    assert (held["projectid"], "account" in held) == (project, False)

    def shared(**params: object) -> list[str]:
        return [item["id"] for item in lab.do("listNetworks", networkfilter="Shared", **params)]

    assert shared(projectid=project) == [lab.network]
    assert shared(**ann) == []
    lab.do("createNetworkPermissions", networkid=lab.network, accounts="ann")
    assert shared(**ann) == shared(by="ann") == shared(listall=True) == [lab.network]
    assert shared() == shared(by="joe") == []
    assert [item["id"] for item in lab.do("listNetworks", **ann)] == [lab.network]


def left(lab: NetLab) -> dict[str, Any]:
    commands = ("listNetworks", "listRouters", "listPublicIpAddresses", "listVPCs", "listPortForwardingRules")
    return {command: lab.do(command, listall=True) for command in commands}


def test_all_goes_with_its_account(lab: NetLab) -> None:
    vm = lab.deploy()
    lab.do("createPortForwardingRule", **lab.forwarding(lab.address()["id"], vm["id"]))
    vpc = lab.vpc()
    tier = lab.tier(vpc["id"])
    lab.deploy(networkids=tier["id"])
    acl = lab.do("createNetworkACLList", name="acl", vpcid=vpc["id"])
    lab.do("replaceNetworkACLList", aclid=acl["id"], networkid=tier["id"])
    assert all(left(lab).values())
    lab.do("deleteAccount", id=lab.one("listAccounts", name="joe", listall=True)["id"])
    assert not any(left(lab).values())


def test_a_domain_s_networks_go_with_the_domain(lab: NetLab) -> None:
    north = lab.do("createDomain", name="north")["id"]
    lab.cloud.account("nora", domain=north)
    network = lab.shared(domainid=north)
    lab.do("deployVirtualMachine", **{**lab.wanted(networkids=network["id"]), "account": "nora", "domainid": north})
    lab.do("deleteDomain", id=north, cleanup=True)
    assert [item["id"] for item in lab.do("listNetworks", listall=True)] == [lab.network]
    assert lab.routers() == []
