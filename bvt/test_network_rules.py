"""Rules on public addresses: firewall, port forwarding, static NAT, load balancing, egress."""

from typing import Any

from marvin.cloudstackTestCase import cloudstackTestCase
from nose.plugins.attrib import attr

from pytest_qacloud.marvin.suite import WRONG_USE, Resources, unique

CONFLICT = (*WRONG_USE, 537)  # 537: a rule of the network's conflicts with it


class RulesSuite(Resources):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.share_vm()

    def address(self) -> Any:
        return self.create("associateIpAddress", networkid=self.network.id, **self.owner())

    def firewall(self, address: Any, first: int = 22, last: int = 22) -> Any:
        ports = {"protocol": "tcp", "startport": first, "endport": last}
        return self.create("createFirewallRule", ipaddressid=address.id, cidrlist=["0.0.0.0/0"], **ports)

    def forwarding(self, address: Any, public: int = 22, *, openfirewall: bool = False) -> Any:
        return self.create(
            "createPortForwardingRule",
            ipaddressid=address.id,
            protocol="tcp",
            publicport=public,
            privateport=22,
            virtualmachineid=self.vm.id,
            openfirewall=openfirewall,
        )


class TestFirewall(RulesSuite, cloudstackTestCase):
    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_a_rule_opens_its_ports_until_it_is_deleted(self) -> None:
        address = self.address()
        rule = self.firewall(address, 80, 88)
        listed = self.one("listFirewallRules", ipaddressid=address.id, listall=True)
        self.assertEqual((listed.id, listed.state), (rule.id, "Active"))
        self.assertEqual((listed.protocol, listed.startport, listed.endport), ("tcp", 80, 88))
        self.assertEqual(listed.cidrlist, "0.0.0.0/0")
        self.delete(rule)
        self.assertEqual(self.every("listFirewallRules", ipaddressid=address.id, listall=True), [])

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_overlapping_rules_are_refused(self) -> None:
        address = self.address()
        self.firewall(address, 80, 88)
        with self.refused(*CONFLICT):
            self.firewall(address, 85, 90)
        self.one("listFirewallRules", ipaddressid=address.id, listall=True)

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_ports_in_the_wrong_order_are_refused(self) -> None:
        with self.refused():
            self.firewall(self.address(), 90, 80)

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_rules_go_with_their_address(self) -> None:
        address = self.address()
        rule = self.firewall(address)
        self.delete(address)
        self.forget(rule)
        self.assertTrue(self.is_gone("listFirewallRules", id=rule.id, listall=True))

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_an_egress_rule_is_made_and_deleted(self) -> None:
        rule = self.create(
            "createEgressFirewallRule",
            networkid=self.network.id,
            protocol="tcp",
            startport=53,
            endport=53,
            cidrlist=[self.network.cidr],
        )
        listed = self.one("listEgressFirewallRules", networkid=self.network.id, listall=True)
        self.assertEqual((listed.id, listed.startport, listed.state), (rule.id, 53, "Active"))
        self.delete(rule)
        self.assertEqual(self.every("listEgressFirewallRules", networkid=self.network.id, listall=True), [])


class TestForwarding(RulesSuite, cloudstackTestCase):
    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_a_port_is_forwarded_to_the_instance(self) -> None:
        address = self.address()
        rule = self.forwarding(address, 2222)
        listed = self.one("listPortForwardingRules", ipaddressid=address.id, listall=True)
        self.assertEqual((listed.id, listed.state, listed.virtualmachineid), (rule.id, "Active", self.vm.id))
        self.assertEqual((int(listed.publicport), int(listed.privateport)), (2222, 22))
        self.delete(rule)
        self.assertEqual(self.every("listPortForwardingRules", ipaddressid=address.id, listall=True), [])

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_one_port_is_forwarded_once(self) -> None:
        address = self.address()
        self.forwarding(address, 2222)
        with self.refused(*CONFLICT):
            self.forwarding(address, 2222)
        self.one("listPortForwardingRules", ipaddressid=address.id, listall=True)

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_forwarding_may_open_the_firewall_too(self) -> None:
        address = self.address()
        self.forwarding(address, 2222, openfirewall=True)
        opened = self.one("listFirewallRules", ipaddressid=address.id, listall=True)
        self.assertEqual((opened.startport, opened.endport), (2222, 2222))

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_an_address_is_an_instance_s_alone(self) -> None:
        address = self.address()
        self.call("enableStaticNat", ipaddressid=address.id, virtualmachineid=self.vm.id)
        listed = self.one("listPublicIpAddresses", id=address.id, listall=True)
        self.assertEqual((listed.isstaticnat, listed.virtualmachineid), (True, self.vm.id))
        with self.refused(*CONFLICT):
            self.forwarding(address)
        self.call("disableStaticNat", ipaddressid=address.id)
        listed = self.one("listPublicIpAddresses", id=address.id, listall=True)
        self.assertEqual((listed.isstaticnat, listed.virtualmachineid), (False, None))

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_the_source_nat_address_is_nobody_s_alone(self) -> None:
        source = self.one("listPublicIpAddresses", associatednetworkid=self.network.id, issourcenat=True, listall=True)
        with self.refused(*CONFLICT):
            self.call("enableStaticNat", ipaddressid=source.id, virtualmachineid=self.vm.id)


class TestLoadBalancer(RulesSuite, cloudstackTestCase):
    def balancer(self, address: Any, algorithm: str = "roundrobin") -> Any:
        return self.create(
            "createLoadBalancerRule",
            name=unique("lb"),
            algorithm=algorithm,
            publicport=80,
            privateport=8080,
            publicipid=address.id,
            openfirewall=False,
        )

    def instances(self, rule: Any) -> set[str]:
        return {vm.id for vm in self.every("listLoadBalancerRuleInstances", id=rule.id)}

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_instances_are_assigned_and_removed(self) -> None:
        rule = self.balancer(self.address())
        second = self.create("deployVirtualMachine", **self.machine())
        both = [self.vm.id, second.id]
        self.call("assignToLoadBalancerRule", id=rule.id, virtualmachineids=both)
        self.assertEqual(self.instances(rule), set(both))
        self.assertEqual(self.one("listLoadBalancerRules", id=rule.id, listall=True).state, "Active")
        self.call("removeFromLoadBalancerRule", id=rule.id, virtualmachineids=[second.id])
        self.assertEqual(self.instances(rule), {self.vm.id})

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_an_instance_is_assigned_once(self) -> None:
        rule = self.balancer(self.address())
        self.call("assignToLoadBalancerRule", id=rule.id, virtualmachineids=[self.vm.id])
        with self.refused():
            self.call("assignToLoadBalancerRule", id=rule.id, virtualmachineids=[self.vm.id])
        self.assertEqual(self.instances(rule), {self.vm.id})

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_a_rule_is_changed_and_deleted(self) -> None:
        rule = self.balancer(self.address())
        self.call("updateLoadBalancerRule", id=rule.id, algorithm="leastconn")
        self.assertEqual(self.one("listLoadBalancerRules", id=rule.id, listall=True).algorithm, "leastconn")
        self.delete(rule)
        self.assertTrue(self.is_gone("listLoadBalancerRules", id=rule.id, listall=True))

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_a_port_in_use_is_refused(self) -> None:
        address = self.address()
        self.balancer(address)
        with self.refused(*CONFLICT):
            self.forwarding(address, 80)

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_an_unknown_algorithm_is_refused(self) -> None:
        with self.refused():
            self.balancer(self.address(), algorithm="loudest")
