"""Isolated and shared networks, their addresses and their routers."""

from ipaddress import ip_address, ip_network
from typing import Any, ClassVar

from marvin.cloudstackTestCase import cloudstackTestCase
from nose.plugins.attrib import attr

from pytest_qacloud.marvin.suite import Resources, unique


class TestIsolatedNetworks(Resources, cloudstackTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.share_vm()

    def listed(self, network: Any = None) -> Any:
        return self.one("listNetworks", id=(network or self.network).id, listall=True)

    def source_nat(self) -> Any:
        return self.one("listPublicIpAddresses", associatednetworkid=self.network.id, issourcenat=True, listall=True)

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_a_network_is_implemented_by_its_first_instance(self) -> None:
        network = self.create("createNetwork", **self.isolated_network())
        self.assertEqual((self.listed(network).state, self.listed(network).vlan), ("Allocated", None))
        self.create("deployVirtualMachine", **self.machine(networkids=[network.id]))
        implemented = self.listed(network)
        self.assertEqual(implemented.state, "Implemented")
        self.assertTrue(implemented.vlan)
        self.assertNotEqual(implemented.vlan, self.listed().vlan)

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_a_network_has_a_router_and_a_source_nat_address(self) -> None:
        router = self.one("listRouters", networkid=self.network.id, listall=True)
        self.assertEqual(router.state, "Running")
        address = self.source_nat()
        self.assertEqual(address.state, "Allocated")
        self.assertEqual(router.publicip, address.ipaddress)
        self.assertIn(ip_address(self.listed().gateway), ip_network(self.listed().cidr))

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_a_network_is_restarted_with_a_new_router(self) -> None:
        before = self.one("listRouters", networkid=self.network.id, listall=True)
        self.call("restartNetwork", id=self.network.id, cleanup=True)
        after = self.one("listRouters", networkid=self.network.id, listall=True)
        self.assertEqual((after.state, self.listed().state), ("Running", "Implemented"))
        self.assertNotEqual(after.id, before.id)

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_a_network_is_renamed(self) -> None:
        name = unique("renamed")
        self.call("updateNetwork", id=self.network.id, name=name)
        self.assertEqual(self.listed().name, name)

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_a_network_in_use_cannot_be_deleted(self) -> None:
        with self.refused():
            self.call("deleteNetwork", id=self.network.id)
        self.assertEqual(self.listed().state, "Implemented")

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_an_empty_network_is_deleted(self) -> None:
        network = self.create("createNetwork", **self.isolated_network())
        self.delete(network)
        self.assertTrue(self.is_gone("listNetworks", id=network.id, listall=True))

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_an_instance_gets_a_second_nic_and_loses_it(self) -> None:
        network = self.create("createNetwork", **self.isolated_network())
        self.call("addNicToVirtualMachine", virtualmachineid=self.vm.id, networkid=network.id)
        nics = self.one("listVirtualMachines", id=self.vm.id).nic
        self.assertEqual({nic.networkid for nic in nics}, {self.network.id, network.id})
        second = next(nic for nic in nics if nic.networkid == network.id)
        self.assertIn(ip_address(second.ipaddress), ip_network(self.listed(network).cidr))
        default = next(nic for nic in nics if nic.isdefault)
        with self.refused():
            self.call("removeNicFromVirtualMachine", virtualmachineid=self.vm.id, nicid=default.id)
        self.call("removeNicFromVirtualMachine", virtualmachineid=self.vm.id, nicid=second.id)
        self.assertEqual(len(self.one("listVirtualMachines", id=self.vm.id).nic), 1)

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_an_address_is_acquired_and_released(self) -> None:
        address = self.create("associateIpAddress", networkid=self.network.id, **self.owner())
        listed = self.one("listPublicIpAddresses", id=address.id, listall=True)
        self.assertEqual((listed.state, listed.associatednetworkid), ("Allocated", self.network.id))
        self.assertFalse(listed.issourcenat)
        self.assertNotEqual(listed.ipaddress, self.source_nat().ipaddress)
        self.delete(address)
        of_network = self.every("listPublicIpAddresses", associatednetworkid=self.network.id, listall=True)
        self.assertNotIn(address.ipaddress, {address.ipaddress for address in of_network})

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_the_source_nat_address_stays(self) -> None:
        address = self.source_nat()
        with self.refused():
            self.call("disassociateIpAddress", id=address.id)
        self.assertEqual(self.source_nat().id, address.id)


class TestSharedNetworks(Resources, cloudstackTestCase):
    physical: ClassVar[Any]
    first_vlan: ClassVar[int]
    last_vlan: ClassVar[int]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.share_account()
        cls.share_compute()
        cls.physical = cls.guest_network()
        cls.first_vlan, cls.last_vlan = map(int, cls.physical.vlan.split(",")[0].split("-"))
        cls.network = cls.share("createNetwork", **cls.wanted(cls.last_vlan + 1, subnet=7))

    @classmethod
    def guest_network(cls) -> Any:
        for network in cls.every("listPhysicalNetworks", zoneid=cls.zone.id):
            kinds = {kind.traffictype for kind in cls.every("listTrafficTypes", physicalnetworkid=network.id)}
            if "Guest" in kinds and network.vlan:
                return network
        raise AssertionError("no physical network carries guest traffic")

    @classmethod
    def wanted(cls, vlan: int, subnet: int) -> dict[str, Any]:
        name = unique("shared")
        offering = cls.one("listNetworkOfferings", name="DefaultSharedNetworkOffering")
        return {
            "name": name,
            "displaytext": name,
            "zoneid": cls.zone.id,
            "physicalnetworkid": cls.physical.id,
            "networkofferingid": offering.id,
            "acltype": "Account",
            "vlan": str(vlan),
            "gateway": f"172.31.{subnet}.1",
            "netmask": "255.255.255.0",
            "startip": f"172.31.{subnet}.10",
            "endip": f"172.31.{subnet}.20",
            **cls.owner(),
        }

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_an_instance_gets_an_address_of_the_range(self) -> None:
        vm = self.create("deployVirtualMachine", **self.machine())
        (nic,) = self.one("listVirtualMachines", id=vm.id).nic
        self.assertEqual((nic.networkid, nic.gateway), (self.network.id, "172.31.7.1"))
        self.assertIn(nic.ipaddress, {f"172.31.7.{last}" for last in range(10, 21)})

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_a_shared_network_has_the_vlan_asked_for(self) -> None:
        network = self.one("listNetworks", id=self.network.id, listall=True)
        self.assertEqual((network.type, network.vlan), ("Shared", str(self.last_vlan + 1)))

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_a_vlan_of_the_isolated_networks_is_refused(self) -> None:
        with self.refused():
            self.create("createNetwork", **self.wanted(self.first_vlan, subnet=8))

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_a_shared_network_needs_a_gateway(self) -> None:
        wanted = self.wanted(self.last_vlan + 2, subnet=9)
        del wanted["gateway"], wanted["netmask"], wanted["startip"], wanted["endip"]
        with self.refused():
            self.create("createNetwork", **wanted)
