from __future__ import annotations

from typing import Any

import pytest
from netlab import NetLab


class RuleLab(NetLab):
    def __init__(self) -> None:
        super().__init__()
        self.vm_id = str(self.deploy()["id"])
        self.ip_id = str(self.address()["id"])

    def firewall(self, first: int | None = 80, last: int | None = 88, **params: object) -> dict[str, object]:
        ports = {name: port for name, port in (("startport", first), ("endport", last)) if port is not None}
        return {"ipaddressid": self.ip_id, "protocol": "tcp", **ports, **params}


@pytest.fixture
def lab() -> RuleLab:
    return RuleLab()


def test_a_firewall_rule_is_made_and_deleted(lab: RuleLab) -> None:
    rule = lab.do("createFirewallRule", **lab.firewall(cidrlist="10.0.0.0/8,192.168.0.0/16"))
    assert (rule["state"], rule["startport"], rule["endport"]) == ("Active", 80, 88)
    assert (rule["cidrlist"], rule["networkid"]) == ("10.0.0.0/8,192.168.0.0/16", lab.network)
    assert lab.do("listFirewallRules", ipaddressid=lab.ip_id, listall=True) == [rule]
    assert lab.do("updateFirewallRule", id=rule["id"], fordisplay=False)["fordisplay"] is False
    lab.do("deleteFirewallRule", id=rule["id"])
    assert lab.do("listFirewallRules", listall=True) == []


@pytest.mark.parametrize(
    ("second", "code"),
    [
        ({"first": 85, "last": 90}, 537),
        ({"first": 80, "last": 88}, 537),
        ({"first": 89, "last": 90}, None),
        ({"first": 80, "last": 88, "protocol": "udp"}, None),
        ({"first": 80, "last": 88, "cidrlist": "172.16.0.0/12"}, None),
        ({"first": 80, "last": 88, "cidrlist": "10.1.0.0/16"}, 537),
        ({"first": 90, "last": 89}, 431),
        ({"first": 0, "last": 9}, 431),
        ({"first": 9, "last": 65536}, 431),
        ({"protocol": "gre"}, 431),
        ({"protocol": "47", "first": None, "last": None}, 431),
        ({"cidrlist": "10.0.0.300/8"}, 431),
        ({"icmptype": 8}, 431),
        ({"protocol": "icmp"}, 431),
    ],
)
def test_firewall_rules_may_not_contradict(lab: RuleLab, second: dict[str, Any], code: int | None) -> None:
    lab.do("createFirewallRule", **lab.firewall(cidrlist="10.0.0.0/8"))
    wanted = lab.firewall(**second)
    if code is None:
        lab.do("createFirewallRule", **wanted)
        assert len(lab.do("listFirewallRules", listall=True)) == 2
    else:
        assert lab.code("createFirewallRule", **wanted) == code
        assert len(lab.do("listFirewallRules", listall=True)) == 1


def test_icmp_rules_have_types_and_codes(lab: RuleLab) -> None:
    ping = lab.firewall(None, None, protocol="icmp", icmptype=8, icmpcode=0)
    rule = lab.do("createFirewallRule", **ping)
    assert (rule["icmptype"], rule["icmpcode"]) == (8, 0)
    assert lab.code("createFirewallRule", **ping) == 431
    every = lab.do("createFirewallRule", **lab.firewall(None, None, protocol="ICMP"))
    assert (every["icmptype"], every["icmpcode"]) == (-1, -1)
    assert lab.code("createFirewallRule", **{**ping, "icmptype": 999}) == 431


def test_an_egress_rule_is_within_its_network(lab: RuleLab) -> None:
    wanted = {"networkid": lab.network, "protocol": "tcp", "startport": 53}
    rule = lab.do("createEgressFirewallRule", **wanted, cidrlist="0.0.0.0/0", destcidrlist="9.9.9.0/24")
    assert (rule["state"], rule["startport"], rule["endport"]) == ("Active", 53, 53)
    assert (rule["cidrlist"], rule["destcidrlist"]) == ("10.1.1.0/24", "9.9.9.0/24")
    assert lab.code("createEgressFirewallRule", **wanted, cidrlist="10.1.2.0/24") == 431
    assert lab.code("createEgressFirewallRule", **wanted, destcidrlist="9.9.9.9/32") == 537
    lab.do("createEgressFirewallRule", **wanted, destcidrlist="8.8.8.8/32")
    lab.do("createEgressFirewallRule", networkid=lab.network, protocol="all")
    assert lab.code("createEgressFirewallRule", networkid=lab.network, protocol="all") == 537
    assert len(lab.do("listEgressFirewallRules", networkid=lab.network, listall=True)) == 3
    assert lab.do("listFirewallRules", listall=True) == []
    lab.do("updateEgressFirewallRule", id=rule["id"], fordisplay=False)
    lab.do("deleteEgressFirewallRule", id=rule["id"])
    assert len(lab.do("listEgressFirewallRules", listall=True)) == 2
    assert lab.code("createEgressFirewallRule", networkid=lab.shared()["id"], protocol="all") == 431


def test_ports_are_forwarded(lab: RuleLab) -> None:
    rule = lab.do("createPortForwardingRule", **lab.forwarding(lab.ip_id, lab.vm_id, 2222, privateport=22))
    assert (rule["publicport"], rule["privateport"], rule["state"]) == ("2222", "22", "Active")
    assert (rule["virtualmachineid"], rule["vmguestip"]) == (lab.vm_id, lab.vm(lab.vm_id)["ipaddress"])
    assert lab.do("listPortForwardingRules", ipaddressid=lab.ip_id, listall=True) == [rule]
    assert lab.do("listPortForwardingRules", networkid=lab.shared()["id"], listall=True) == []
    (opened,) = lab.do("listFirewallRules", listall=True)
    assert (opened["startport"], opened["cidrlist"]) == (2222, "0.0.0.0/0")
    lab.do("deletePortForwardingRule", id=rule["id"])
    assert lab.do("listFirewallRules", listall=True) == []


@pytest.mark.parametrize(
    ("second", "code"),
    [
        ({"port": 22}, 537),
        ({"port": 20, "publicendport": 25, "privateendport": 25}, 537),
        ({"port": 22, "protocol": "udp"}, None),
        ({"port": 23}, None),
        ({"port": 30, "publicendport": 31}, 431),
        ({"port": 30, "privateport": 40, "publicendport": 31, "privateendport": 41}, 431),
        ({"port": 30, "publicendport": 29}, 431),
        ({"port": 30, "protocol": "icmp"}, 431),
        ({"port": 30, "vmguestip": "10.1.1.200"}, 431),
    ],
)
def test_forwarded_ports_may_not_contradict(lab: RuleLab, second: dict[str, Any], code: int | None) -> None:
    lab.do("createPortForwardingRule", **lab.forwarding(lab.ip_id, lab.vm_id, openfirewall=False))
    wanted = lab.forwarding(lab.ip_id, lab.vm_id, **{"openfirewall": False, **second})
    if code is None:
        lab.do("createPortForwardingRule", **wanted)
    else:
        assert lab.code("createPortForwardingRule", **wanted) == code
    assert len(lab.do("listPortForwardingRules", listall=True)) == (2 if code is None else 1)
    assert lab.do("listFirewallRules", listall=True) == []


def test_a_forwarding_rule_is_changed(lab: RuleLab) -> None:
    rule = lab.do("createPortForwardingRule", **lab.forwarding(lab.ip_id, lab.vm_id))
    other = lab.deploy()
    changed = lab.do(
        "updatePortForwardingRule", id=rule["id"], privateport=2200, virtualmachineid=other["id"], cidrlist="10.0.0.0/8"
    )
    assert (changed["privateport"], changed["virtualmachineid"]) == ("2200", other["id"])
    assert changed["vmguestip"] == other["ipaddress"]
    assert lab.code("updatePortForwardingRule", id=rule["id"], privateport=22, privateendport=23) == 431


def test_only_vms_of_the_network_are_forwarded_to(lab: RuleLab) -> None:
    stranger = lab.deploy(networkids=lab.new_network())
    assert lab.code("createPortForwardingRule", **lab.forwarding(lab.ip_id, stranger["id"])) == 431
    doomed = lab.deploy()
    lab.do("destroyVirtualMachine", id=doomed["id"])
    assert lab.code("createPortForwardingRule", **lab.forwarding(lab.ip_id, doomed["id"])) == 431
    assert lab.code("enableStaticNat", ipaddressid=lab.ip_id, virtualmachineid=doomed["id"]) == 431


def test_rules_go_with_their_vm_and_with_their_address(lab: RuleLab) -> None:
    doomed = lab.deploy()
    lab.do("createPortForwardingRule", **lab.forwarding(lab.ip_id, doomed["id"], 2222))
    lab.do("createPortForwardingRule", **lab.forwarding(lab.ip_id, lab.vm_id, 22))
    lab.do("destroyVirtualMachine", id=doomed["id"], expunge=True)
    assert [rule["publicport"] for rule in lab.do("listPortForwardingRules", listall=True)] == ["22"]
    lab.do("disassociateIpAddress", id=lab.ip_id)
    assert lab.do("listPortForwardingRules", listall=True) == []
    assert lab.do("listFirewallRules", listall=True) == []


def test_static_nat_makes_an_address_one_vm_s(lab: RuleLab) -> None:
    lab.do("enableStaticNat", ipaddressid=lab.ip_id, virtualmachineid=lab.vm_id)
    address = lab.ip(lab.ip_id)
    assert (address["isstaticnat"], address["virtualmachineid"]) == (True, lab.vm_id)
    assert address["vmipaddress"] == lab.vm(lab.vm_id)["ipaddress"]
    assert lab.code("createPortForwardingRule", **lab.forwarding(lab.ip_id, lab.vm_id)) == 431
    assert lab.code("createLoadBalancerRule", **lab.balancing(lab.ip_id)) == 537
    other = lab.deploy()
    assert lab.code("enableStaticNat", ipaddressid=lab.ip_id, virtualmachineid=other["id"]) == 537
    assert lab.code("enableStaticNat", ipaddressid=lab.address()["id"], virtualmachineid=lab.vm_id) == 431
    lab.do("createFirewallRule", **lab.firewall())
    lab.do("disableStaticNat", ipaddressid=lab.ip_id)
    address = lab.ip(lab.ip_id)
    assert (address["isstaticnat"], "virtualmachineid" in address) == (False, False)
    assert lab.do("listFirewallRules", listall=True) == []
    assert lab.code("disableStaticNat", ipaddressid=lab.ip_id) == 431


def test_static_nat_needs_an_address_without_other_use(lab: RuleLab) -> None:
    source = lab.source_nat()["id"]
    assert lab.code("enableStaticNat", ipaddressid=source, virtualmachineid=lab.vm_id) == 431
    lab.do("createPortForwardingRule", **lab.forwarding(lab.ip_id, lab.vm_id))
    assert lab.code("enableStaticNat", ipaddressid=lab.ip_id, virtualmachineid=lab.vm_id) == 537


def test_static_nat_ends_with_its_vm(lab: RuleLab) -> None:
    lab.do("enableStaticNat", ipaddressid=lab.ip_id, virtualmachineid=lab.vm_id)
    lab.do("destroyVirtualMachine", id=lab.vm_id, expunge=True)
    assert lab.ip(lab.ip_id)["isstaticnat"] is False


def test_a_further_address_of_a_vm_may_have_static_nat(lab: RuleLab) -> None:
    nic = lab.vm(lab.vm_id)["nic"][0]["id"]
    further = lab.do("addIpToNic", nicid=nic)["ipaddress"]
    lab.do("enableStaticNat", ipaddressid=lab.ip_id, virtualmachineid=lab.vm_id, vmguestip=further)
    assert lab.ip(lab.ip_id)["vmipaddress"] == further
    second = lab.address()["id"]
    lab.do("enableStaticNat", ipaddressid=second, virtualmachineid=lab.vm_id)
    assert lab.ip(second)["vmipaddress"] != further


def test_ports_through_static_nat(lab: RuleLab) -> None:
    wanted = {"ipaddressid": lab.ip_id, "protocol": "tcp", "startport": 22}
    assert lab.code("createIpForwardingRule", **wanted) == 431
    lab.do("enableStaticNat", ipaddressid=lab.ip_id, virtualmachineid=lab.vm_id)
    rule = lab.do("createIpForwardingRule", **wanted)
    assert (rule["publicport"], rule["privateendport"], rule["state"]) == ("22", "22", "Active")
    assert lab.code("createIpForwardingRule", **wanted) == 537
    assert len(lab.do("listFirewallRules", listall=True)) == 1
    assert lab.do("listIpForwardingRules", virtualmachineid=lab.vm_id, listall=True) == [rule]
    lab.do("deleteIpForwardingRule", id=rule["id"])
    assert lab.do("listFirewallRules", listall=True) == []


def test_an_interface_with_rules_is_not_removed(lab: RuleLab) -> None:
    second = lab.new_network()
    lab.do("addNicToVirtualMachine", virtualmachineid=lab.vm_id, networkid=second)
    address = lab.address(second)
    rule = lab.do("createPortForwardingRule", **lab.forwarding(address["id"], lab.vm_id))
    nic = next(nic["id"] for nic in lab.vm(lab.vm_id)["nic"] if nic["networkid"] == second)
    assert lab.code("removeNicFromVirtualMachine", virtualmachineid=lab.vm_id, nicid=nic) == 431
    lab.do("deletePortForwardingRule", id=rule["id"])
    lab.do("removeNicFromVirtualMachine", virtualmachineid=lab.vm_id, nicid=nic)
    assert len(lab.vm(lab.vm_id)["nic"]) == 1


def test_an_offering_that_does_not_conserve_gives_each_address_one_purpose(lab: RuleLab) -> None:
    offering = lab.do(
        "createNetworkOffering",
        name="one purpose",
        guestiptype="Isolated",
        traffictype="GUEST",
        supportedservices="Dhcp,Dns,SourceNat,Firewall,PortForwarding,Lb,StaticNat",
        conservemode=False,
        enable=True,
    )
    network = lab.network_of(networkofferingid=offering["id"])["id"]
    vm = lab.deploy(networkids=network)["id"]
    assert lab.code("createPortForwardingRule", **lab.forwarding(lab.source_nat(network)["id"], vm)) == 431
    address = lab.address(network)["id"]
    lab.do("createPortForwardingRule", **lab.forwarding(address, vm, 22))
    lab.do("createPortForwardingRule", **lab.forwarding(address, vm, 23))
    assert lab.code("createLoadBalancerRule", **lab.balancing(address)) == 431


def test_other_users_rules_are_out_of_reach(lab: RuleLab) -> None:
    rule = lab.do("createFirewallRule", **lab.firewall())
    lab.account("ann")
    assert lab.do("listFirewallRules", by="ann") == []
    assert lab.code("deleteFirewallRule", by="ann", id=rule["id"]) == 531
    assert lab.code("createFirewallRule", by="ann", **lab.firewall(90, 91)) == 531
