"""The zone is whole: everything that the other suites take for granted."""

import uuid

from marvin.cloudstackTestCase import cloudstackTestCase
from nose.plugins.attrib import attr

from pytest_qacloud.marvin.suite import Resources

MEMORY, CPU = 0, 1  # types of capacity


class TestZone(Resources, cloudstackTestCase):
    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_zone_is_enabled(self) -> None:
        self.assertEqual(self.zone.allocationstate, "Enabled")
        self.assertEqual(self.zone.networktype, "Advanced")

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_pods_and_clusters_are_enabled(self) -> None:
        for command in ("listPods", "listClusters"):
            with self.subTest(command):
                found = self.every(command, zoneid=self.zone.id)
                self.assertTrue(found)
                self.assertEqual({thing.allocationstate for thing in found}, {"Enabled"})

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_hosts_of_the_configuration_are_up(self) -> None:
        hosts = self.every("listHosts", zoneid=self.zone.id, type="Routing")
        configured = [
            host
            for zone in self.config.zones
            if zone.name == self.zone.name
            for pod in zone.pods
            for cluster in pod.clusters
            for host in cluster.hosts or ()
        ]
        self.assertEqual(len(hosts), len(configured))
        for host in hosts:
            with self.subTest(host.name):
                self.assertEqual((host.state, host.resourcestate), ("Up", "Enabled"))
                self.assertEqual(host.hypervisor.lower(), self.testClient.getHypervisorInfo().lower())

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_primary_storage_is_up(self) -> None:
        pools = self.every("listStoragePools", zoneid=self.zone.id)
        self.assertTrue(pools)
        for pool in pools:
            with self.subTest(pool.name):
                self.assertEqual(pool.state, "Up")
                self.assertGreater(int(pool.disksizetotal), 0)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_secondary_storage_is_attached(self) -> None:
        stores = self.every("listImageStores", zoneid=self.zone.id)
        self.assertTrue(stores)
        self.assertEqual({store.zoneid for store in stores}, {self.zone.id})

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_system_vms_are_running(self) -> None:
        hosts = {host.id for host in self.every("listHosts", zoneid=self.zone.id, type="Routing")}
        machines = self.every("listSystemVms", zoneid=self.zone.id)
        kinds = {machine.systemvmtype for machine in machines}
        self.assertEqual(kinds, {"consoleproxy", "secondarystoragevm"})
        for machine in machines:
            with self.subTest(machine.name):
                self.assertEqual((machine.state, machine.agentstate), ("Running", "Up"))
                self.assertIn(machine.hostid, hosts)
                self.assertTrue(machine.publicip)

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_physical_networks_carry_all_traffic(self) -> None:
        networks = self.every("listPhysicalNetworks", zoneid=self.zone.id)
        self.assertEqual({network.state for network in networks}, {"Enabled"})
        carried = set()
        for network in networks:
            carried |= {kind.traffictype for kind in self.every("listTrafficTypes", physicalnetworkid=network.id)}
        self.assertLessEqual({"Guest", "Management", "Public"}, carried)

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_virtual_routers_are_provided(self) -> None:
        for network in self.every("listPhysicalNetworks", zoneid=self.zone.id):
            provider = self.one("listNetworkServiceProviders", physicalnetworkid=network.id, name="VirtualRouter")
            self.assertEqual(provider.state, "Enabled")

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_capacity_is_there_and_not_overdrawn(self) -> None:
        capacities = {capacity.type: capacity for capacity in self.every("listCapacity", zoneid=self.zone.id)}
        for kind in (MEMORY, CPU):
            with self.subTest(kind):
                self.assertGreater(int(capacities[kind].capacitytotal), 0)
                self.assertLessEqual(int(capacities[kind].capacityused), int(capacities[kind].capacitytotal))

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_template_is_ready(self) -> None:
        templates = self.every("listTemplates", templatefilter="featured", zoneid=self.zone.id)
        ready = [template for template in templates if template.isready]
        self.assertTrue(ready, "no featured template is ready")
        self.assertIn(self.testClient.getHypervisorInfo().lower(), {template.hypervisor.lower() for template in ready})

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_an_unknown_zone_is_refused(self) -> None:
        with self.refused(431):
            self.call("listZones", id=str(uuid.uuid4()))
