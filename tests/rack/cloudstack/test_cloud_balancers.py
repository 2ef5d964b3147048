from __future__ import annotations

import pytest
from netlab import NetLab


class BalancerLab(NetLab):
    def __init__(self) -> None:
        super().__init__()
        self.vm_ids = [str(self.deploy()["id"]) for _ in range(2)]
        self.ip_id = str(self.address()["id"])

    def members(self, rule: str) -> set[str]:
        return {vm["id"] for vm in self.do("listLoadBalancerRuleInstances", id=rule)}


@pytest.fixture
def lab() -> BalancerLab:
    return BalancerLab()


def test_vms_are_put_behind_a_rule_and_taken_away(lab: BalancerLab) -> None:
    rule = lab.do("createLoadBalancerRule", **lab.balancing(lab.ip_id))
    assert (rule["state"], rule["publicport"], rule["privateport"]) == ("Add", "80", "8080")
    assert (rule["publicipid"], rule["algorithm"], rule["account"]) == (lab.ip_id, "roundrobin", "joe")
    first, second = lab.vm_ids
    lab.do("assignToLoadBalancerRule", id=rule["id"], virtualmachineids=f"{first},{second}")
    assert lab.members(rule["id"]) == {first, second}
    assert lab.one("listLoadBalancerRules", id=rule["id"], listall=True)["state"] == "Active"
    assert len(lab.do("listLoadBalancerRules", virtualmachineid=first, listall=True)) == 1
    assert lab.code("assignToLoadBalancerRule", id=rule["id"], virtualmachineids=first) == 431
    lab.do("removeFromLoadBalancerRule", id=rule["id"], virtualmachineids=second)
    assert lab.members(rule["id"]) == {first}
    assert lab.code("removeFromLoadBalancerRule", id=rule["id"], virtualmachineids=second) == 431
    spare = lab.do("listLoadBalancerRuleInstances", id=rule["id"], applied=False)
    assert [vm["id"] for vm in spare] == [second]
    lab.do("destroyVirtualMachine", id=first, expunge=True)
    assert lab.members(rule["id"]) == set()
    lab.do("deleteLoadBalancerRule", id=rule["id"])
    assert lab.do("listLoadBalancerRules", listall=True) == []
    assert lab.do("listFirewallRules", listall=True) == []


def test_further_addresses_of_a_vm_are_behind_a_rule(lab: BalancerLab) -> None:
    rule = lab.do("createLoadBalancerRule", **lab.balancing(lab.ip_id))
    vm = lab.vm(lab.vm_ids[0])
    further = lab.do("addIpToNic", nicid=vm["nic"][0]["id"])["ipaddress"]
    mapped = {"vmidipmap[0].vmid": vm["id"], "vmidipmap[0].vmip": further}
    lab.do("assignToLoadBalancerRule", id=rule["id"], **mapped)
    lab.do("assignToLoadBalancerRule", id=rule["id"], virtualmachineids=vm["id"])
    (shown,) = lab.do("listLoadBalancerRuleInstances", id=rule["id"], lbvmips=True)
    assert shown["lbvmipaddresses"] == [further, vm["ipaddress"]]
    assert shown["loadbalancerruleinstance"]["id"] == vm["id"]
    lab.do("removeFromLoadBalancerRule", id=rule["id"], **mapped)
    (shown,) = lab.do("listLoadBalancerRuleInstances", id=rule["id"], lbvmips=True)
    assert shown["lbvmipaddresses"] == [vm["ipaddress"]]
    wrong = {"vmidipmap[0].vmid": vm["id"], "vmidipmap[0].vmip": "10.1.1.250"}
    assert lab.code("assignToLoadBalancerRule", id=rule["id"], **wrong) == 431
    assert lab.code("assignToLoadBalancerRule", id=rule["id"]) == 431
    assert lab.code("assignToLoadBalancerRule", id=rule["id"], **{"vmidipmap[0].vmid": "x"}) == 431


def test_vms_of_other_networks_stay_outside(lab: BalancerLab) -> None:
    rule = lab.do("createLoadBalancerRule", **lab.balancing(lab.ip_id))
    stranger = lab.deploy(networkids=lab.new_network())["id"]
    assert lab.code("assignToLoadBalancerRule", id=rule["id"], virtualmachineids=stranger) == 431
    both = f"{lab.vm_ids[0]},{stranger}"
    assert lab.code("assignToLoadBalancerRule", id=rule["id"], virtualmachineids=both) == 431
    assert lab.members(rule["id"]) == set()


def test_a_rule_is_changed(lab: BalancerLab) -> None:
    rule = lab.do("createLoadBalancerRule", **lab.balancing(lab.ip_id))
    changed = lab.do(
        "updateLoadBalancerRule",
        id=rule["id"],
        algorithm="leastconn",
        name="new",
        description="d",
        protocol="tcp-proxy",
    )
    assert (changed["algorithm"], changed["name"], changed["protocol"]) == ("leastconn", "new", "tcp-proxy")
    assert lab.code("updateLoadBalancerRule", id=rule["id"], algorithm="loudest") == 431
    assert lab.code("updateLoadBalancerRule", id=rule["id"], cidrlist="10.0.0.0") == 431


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"algorithm": "loudest"}, 431),
        ({"port": 0}, 431),
        ({"privateport": 70000}, 431),
        ({"protocol": "sctp"}, 431),
        ({"port": 22}, 537),
        ({"port": 22, "protocol": "tcp-proxy"}, 537),
        ({"port": 22, "protocol": "udp"}, 537),
        ({"cidrlist": "nonsense"}, 431),
    ],
)
def test_wrong_rules_are_refused(lab: BalancerLab, wrong: dict[str, object], code: int) -> None:
    lab.do("createPortForwardingRule", **lab.forwarding(lab.ip_id, lab.vm_ids[0], 22, openfirewall=False))
    assert lab.code("createLoadBalancerRule", **lab.balancing(lab.ip_id, **wrong)) == code  # type: ignore[arg-type]  # wrong on purpose
    assert lab.do("listLoadBalancerRules", listall=True) == []
    assert lab.do("listFirewallRules", listall=True) == []


def test_a_rule_and_a_forwarded_port_exclude_each_other(lab: BalancerLab) -> None:
    lab.do("createLoadBalancerRule", **lab.balancing(lab.ip_id, 80))
    assert lab.code("createPortForwardingRule", **lab.forwarding(lab.ip_id, lab.vm_ids[0], 80)) == 537
    assert lab.code("createLoadBalancerRule", **lab.balancing(lab.ip_id, 80)) == 537
    lab.do("createLoadBalancerRule", **lab.balancing(lab.ip_id, 81))


def test_the_router_answers_for_names_itself(lab: BalancerLab) -> None:
    assert lab.code("createLoadBalancerRule", **lab.balancing(lab.source_nat()["id"], 53)) == 431
    lab.do("createLoadBalancerRule", **lab.balancing(lab.ip_id, 53))


def test_a_rule_without_address_gets_one(lab: BalancerLab) -> None:
    wanted = {name: value for name, value in lab.balancing("").items() if name != "publicipid"}
    assert lab.code("createLoadBalancerRule", **wanted) == 431
    rule = lab.do("createLoadBalancerRule", **wanted, networkid=lab.network)
    assert rule["publicipid"] != lab.ip_id
    before = lab.used("ip")
    assert lab.code("createLoadBalancerRule", **{**wanted, "cidrlist": "x"}, networkid=lab.network) == 431
    assert lab.used("ip") == before


def test_stickiness(lab: BalancerLab) -> None:
    rule = lab.do("createLoadBalancerRule", **lab.balancing(lab.ip_id))["id"]
    wanted = {"lbruleid": rule, "methodname": "lbcookie", "name": "sticky"}
    cookie = {"param[0].name": "cookie-name", "param[0].value": "c1"}
    made = lab.do("createLBStickinessPolicy", **wanted, **cookie)
    (policy,) = made["stickinesspolicy"]
    assert (policy["methodname"], policy["params"], made["lbruleid"]) == ("LbCookie", {"cookie-name": "c1"}, rule)
    (listed,) = lab.do("listLBStickinessPolicies", lbruleid=rule)
    assert [item["id"] for item in listed["stickinesspolicy"]] == [policy["id"]]
    wrong: list[dict[str, object]] = [{"methodname": "glue"}, {"param[0].name": "colour", "param[0].value": "red"}]
    for refused in wrong:
        assert lab.code("createLBStickinessPolicy", **{**wanted, **refused}) == 431
    lab.do("createLBStickinessPolicy", **{**wanted, "methodname": "SourceBased"})
    assert lab.code("createLBStickinessPolicy", **wanted) == 431
    hidden = lab.do("updateLBStickinessPolicy", id=policy["id"], fordisplay=False)
    assert hidden["stickinesspolicy"][0]["fordisplay"] is False
    lab.do("deleteLBStickinessPolicy", id=policy["id"])
    (listed,) = lab.do("listLBStickinessPolicies", lbruleid=rule)
    assert [item["methodname"] for item in listed["stickinesspolicy"]] == ["SourceBased"]
    assert lab.code("listLBStickinessPolicies") == 431


def test_routers_do_not_check_health(lab: BalancerLab) -> None:
    rule = lab.do("createLoadBalancerRule", **lab.balancing(lab.ip_id))["id"]
    assert lab.code("createLBHealthCheckPolicy", lbruleid=rule) == 431
    assert lab.code("createLBHealthCheckPolicy", lbruleid=rule, responsetimeout=9, intervaltime=5) == 431
    (listed,) = lab.do("listLBHealthCheckPolicies", lbruleid=rule)
    assert listed["healthcheckpolicy"] == []


def test_other_users_rules_are_out_of_reach(lab: BalancerLab) -> None:
    rule = lab.do("createLoadBalancerRule", **lab.balancing(lab.ip_id))["id"]
    lab.account("ann")
    policy = lab.do("createLBStickinessPolicy", lbruleid=rule, methodname="SourceBased", name="s")
    named = policy["stickinesspolicy"][0]["id"]
    assert lab.code("deleteLBStickinessPolicy", by="ann", id=named) == 531
    assert lab.code("deleteLoadBalancerRule", by="ann", id=rule) == 531
    assert lab.code("listLoadBalancerRuleInstances", by="ann", id=rule) == 531
    assert lab.do("listLoadBalancerRules", by="ann") == []


def test_a_rule_s_owner_takes_out_vms_of_others(lab: BalancerLab) -> None:
    rule, ann = lab.do("createLoadBalancerRule", **lab.balancing(lab.ip_id))["id"], lab.account("ann")
    lab.do("createNetworkPermissions", by="joe", networkid=lab.network, accounts="ann")
    vm = lab.do("deployVirtualMachine", **{**lab.wanted(), **ann})["id"]
    assert lab.code("assignToLoadBalancerRule", by="joe", id=rule, virtualmachineids=vm) == 531
    lab.do("assignToLoadBalancerRule", id=rule, virtualmachineids=vm)
    assert lab.code("removeFromLoadBalancerRule", by="ann", id=rule, virtualmachineids=vm) == 531
    assert lab.do("removeFromLoadBalancerRule", by="joe", id=rule, virtualmachineids=vm) is True


class TierLab(NetLab):
    """A tier with load balancers within."""

    def __init__(self) -> None:
        super().__init__()
        provider = self.one("listNetworkServiceProviders", name="InternalLbVm", physicalnetworkid=self.built.physical)
        element = self.one("listInternalLoadBalancerElements", nspid=provider["id"])
        self.do("configureInternalLoadBalancerElement", id=element["id"], enabled=True)
        self.do("updateNetworkServiceProvider", id=provider["id"], state="Enabled")
        offering = "DefaultIsolatedNetworkOfferingForVpcNetworksWithInternalLB"
        self.tier_id = str(self.tier(self.vpc()["id"], offering=offering)["id"])

    def inner(self, **params: object) -> dict[str, object]:
        ports = {"sourceport": 80, "instanceport": 8080, "algorithm": "source", "name": "in", "scheme": "Internal"}
        return {**ports, "networkid": self.tier_id, "sourceipaddressnetworkid": self.tier_id, **params}


def test_a_load_balancer_within_a_tier_has_a_vm_of_its_own() -> None:
    lab = TierLab()
    vm = lab.deploy(networkids=lab.tier_id)
    made = lab.do("createLoadBalancer", **lab.inner())
    assert made["loadbalancerrule"] == [{"sourceport": 80, "instanceport": 8080, "state": "Active"}]
    lab.do("assignToLoadBalancerRule", id=made["id"], virtualmachineids=vm["id"])
    (listed,) = lab.do("listLoadBalancers", listall=True, networkid=lab.tier_id)
    assert [item["ipaddress"] for item in listed["loadbalancerinstance"]] == [vm["ipaddress"]]
    (server,) = lab.do("listInternalLoadBalancerVMs", listall=True)
    assert (server["role"], server["guestipaddress"]) == ("INTERNAL_LB_VM", made["sourceipaddress"])
    assert lab.do("listRouters", listall=True, networkid=lab.tier_id)[0]["role"] == "VIRTUAL_ROUTER"
    second = lab.do("createLoadBalancer", **lab.inner(sourceport=81, sourceipaddress=made["sourceipaddress"]))
    assert len(lab.do("listInternalLoadBalancerVMs", listall=True)) == 1
    lab.do("stopInternalLoadBalancerVM", id=server["id"])
    assert lab.do("startInternalLoadBalancerVM", id=server["id"])["state"] == "Running"
    assert lab.do("updateLoadBalancer", id=made["id"], fordisplay=False)["fordisplay"] is False
    lab.do("deleteLoadBalancer", id=made["id"])
    assert len(lab.do("listInternalLoadBalancerVMs", listall=True)) == 1
    lab.do("deleteLoadBalancer", id=second["id"])
    assert lab.do("listInternalLoadBalancerVMs", listall=True) == []


def test_wrong_inner_load_balancers_are_refused() -> None:
    lab = TierLab()
    made = lab.do("createLoadBalancer", **lab.inner())
    assert lab.code("createLoadBalancer", **lab.inner(sourceipaddress=made["sourceipaddress"])) == 537
    wrong: list[dict[str, object]] = [
        {"scheme": "Public"},
        {"algorithm": "loudest"},
        {"sourceipaddress": "10.99.0.1"},
        {"sourceipaddressnetworkid": lab.network},
        {"networkid": lab.network, "sourceipaddressnetworkid": lab.network},
    ]
    for params in wrong:
        assert lab.code("createLoadBalancer", **lab.inner(**params)) == 431
    assert len(lab.do("listLoadBalancers", listall=True)) == 1
