"""Virtual private clouds: tiers, access control lists, instances."""

from ipaddress import ip_address, ip_network
from typing import Any, ClassVar

from marvin.cloudstackTestCase import cloudstackTestCase
from nose.plugins.attrib import attr

from pytest_qacloud.marvin.suite import Resources, unique


class TestVpc(Resources, cloudstackTestCase):
    vpc_offering: ClassVar[Any]
    tier_offering: ClassVar[Any]
    vpc: ClassVar[Any]
    acl: ClassVar[Any]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.share_account()
        cls.share_compute()
        offerings = cls.every("listVPCOfferings", name="Default VPC offering")
        (cls.vpc_offering,) = [offering for offering in offerings if offering.name == "Default VPC offering"]
        cls.tier_offering = cls.one("listNetworkOfferings", name="DefaultIsolatedNetworkOfferingForVpcNetworksNoLB")
        cls.vpc = cls.share("createVPC", **cls.wanted())
        cls.acl = cls.share("createNetworkACLList", name=unique("acl"), vpcid=cls.vpc.id)
        cls.network = cls.share("createNetwork", **cls.tier("10.20.1.1", aclid=cls.acl.id))

    @classmethod
    def wanted(cls) -> dict[str, Any]:
        name = unique("vpc")
        common = {"name": name, "displaytext": name, "cidr": "10.20.0.0/16", "zoneid": cls.zone.id}
        return {**common, "vpcofferingid": cls.vpc_offering.id, **cls.owner()}

    @classmethod
    def tier(cls, gateway: str, **params: Any) -> dict[str, Any]:
        wanted = {"networkofferingid": cls.tier_offering.id, "vpcid": cls.vpc.id, "gateway": gateway}
        return cls.isolated_network(**wanted, netmask="255.255.255.0", **params)

    def rule(self, number: int, **params: Any) -> Any:
        wanted = {"aclid": self.acl.id, "protocol": "tcp", "startport": 22, "endport": 22, "number": number}
        return self.create("createNetworkACL", **wanted, cidrlist=["0.0.0.0/0"], traffictype="Ingress", **params)

    def rules(self) -> dict[str, Any]:
        return {rule.id: rule for rule in self.every("listNetworkACLs", aclid=self.acl.id, listall=True)}

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_a_vpc_is_enabled_and_has_a_router(self) -> None:
        vpc = self.one("listVPCs", id=self.vpc.id, listall=True)
        self.assertEqual((vpc.state, vpc.cidr, vpc.account), ("Enabled", "10.20.0.0/16", self.account.name))
        self.assertIn(self.network.id, {tier.id for tier in vpc.network})
        router = self.one("listRouters", vpcid=self.vpc.id, listall=True)
        self.assertEqual(router.state, "Running")

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_an_instance_lives_in_its_tier(self) -> None:
        vm = self.create("deployVirtualMachine", **self.machine())
        (nic,) = self.one("listVirtualMachines", id=vm.id).nic
        self.assertIn(ip_address(nic.ipaddress), ip_network("10.20.1.0/24"))
        self.assertEqual(nic.gateway, "10.20.1.1")

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_a_second_tier_lies_beside_the_first(self) -> None:
        tier = self.create("createNetwork", **self.tier("10.20.2.1"))
        listed = self.one("listNetworks", id=tier.id, listall=True)
        self.assertEqual((listed.vpcid, listed.cidr), (self.vpc.id, "10.20.2.0/24"))
        self.delete(tier)
        vpc = self.one("listVPCs", id=self.vpc.id, listall=True)
        self.assertEqual([tier.id for tier in vpc.network], [self.network.id])

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_a_tier_outside_the_vpc_or_over_another_is_refused(self) -> None:
        for gateway in ("10.99.1.1", "10.20.1.129"):
            with self.subTest(gateway), self.refused():
                self.create("createNetwork", **self.tier(gateway))
        self.assertEqual(len(self.every("listNetworks", vpcid=self.vpc.id, listall=True)), 1)

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_a_vpc_with_tiers_cannot_be_deleted(self) -> None:
        with self.refused():
            self.call("deleteVPC", id=self.vpc.id)
        self.assertEqual(self.one("listVPCs", id=self.vpc.id, listall=True).state, "Enabled")

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_an_empty_vpc_is_renamed_and_deleted(self) -> None:
        vpc = self.create("createVPC", **self.wanted())
        name = unique("renamed")
        self.call("updateVPC", id=vpc.id, name=name)
        self.assertEqual(self.one("listVPCs", id=vpc.id, listall=True).name, name)
        self.delete(vpc)
        self.assertTrue(self.is_gone("listVPCs", id=vpc.id, listall=True))

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_a_rule_of_an_access_list_is_changed_and_deleted(self) -> None:
        rule = self.rule(10, action="Allow")
        self.assertEqual((self.rules()[rule.id].action, self.rules()[rule.id].state), ("Allow", "Active"))
        self.call("updateNetworkACLItem", id=rule.id, action="Deny")
        self.assertEqual(self.rules()[rule.id].action, "Deny")
        self.delete(rule)
        self.assertNotIn(rule.id, self.rules())

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_two_rules_of_one_number_are_refused(self) -> None:
        self.rule(20, action="Allow")
        with self.refused():
            self.rule(20, action="Deny")

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_a_tier_s_access_list_is_replaced(self) -> None:
        other = self.create("createNetworkACLList", name=unique("acl"), vpcid=self.vpc.id)
        self.addCleanup(self.call, "replaceNetworkACLList", aclid=self.acl.id, networkid=self.network.id)
        self.call("replaceNetworkACLList", aclid=other.id, networkid=self.network.id)
        self.assertEqual(self.one("listNetworks", id=self.network.id, listall=True).aclid, other.id)
        with self.refused():
            self.delete(other)

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_the_default_access_lists_stay(self) -> None:
        default = self.one("listNetworkACLLists", name="default_deny")
        with self.refused():
            self.call("deleteNetworkACLList", id=default.id)
        self.assertEqual(self.one("listNetworkACLLists", name="default_deny").id, default.id)
