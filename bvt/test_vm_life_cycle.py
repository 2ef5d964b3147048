"""Instances from deployment to expunction."""

import uuid
from ipaddress import ip_address, ip_network
from typing import Any

from marvin.cloudstackTestCase import cloudstackTestCase
from nose.plugins.attrib import attr

from pytest_qacloud.marvin.suite import Resources, small_offering


class TestVmLifeCycle(Resources, cloudstackTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.share_vm()

    def setUp(self) -> None:
        if self.listed().state == "Stopped":
            self.call("startVirtualMachine", id=self.vm.id)

    def listed(self, vm: Any = None) -> Any:
        return self.one("listVirtualMachines", id=(vm or self.vm).id)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_deployed_instance_is_what_was_asked_for(self) -> None:
        vm = self.listed()
        self.assertEqual(vm.state, "Running")
        self.assertEqual((vm.account, vm.domainid), (self.account.name, self.domain.id))
        self.assertEqual((vm.templateid, vm.serviceofferingid), (self.template.id, self.offering.id))
        self.assertEqual((vm.cpunumber, vm.memory), (self.offering.cpunumber, self.offering.memory))
        self.assertEqual(self.one("listHosts", id=vm.hostid).state, "Up")
        (nic,) = vm.nic
        self.assertTrue(nic.isdefault)
        self.assertIn(ip_address(nic.ipaddress), ip_network(self.one("listNetworks", id=self.network.id).cidr))
        root = self.one("listVolumes", virtualmachineid=vm.id, type="ROOT", listall=True)
        self.assertEqual((root.state, root.deviceid), ("Ready", 0))

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_stopped_instance_has_no_host_and_starts_again(self) -> None:
        self.call("stopVirtualMachine", id=self.vm.id)
        stopped = self.listed()
        self.assertEqual((stopped.state, stopped.hostid), ("Stopped", None))
        self.call("startVirtualMachine", id=self.vm.id)
        started = self.listed()
        self.assertEqual(started.state, "Running")
        self.assertEqual(started.nic[0].ipaddress, stopped.nic[0].ipaddress)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_rebooted_instance_stays_where_it_is(self) -> None:
        before = self.listed()
        self.call("rebootVirtualMachine", id=self.vm.id)
        after = self.listed()
        self.assertEqual((after.state, after.hostid), ("Running", before.hostid))

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_stopped_instance_cannot_be_rebooted(self) -> None:
        self.call("stopVirtualMachine", id=self.vm.id)
        with self.refused():
            self.call("rebootVirtualMachine", id=self.vm.id)
        self.assertEqual(self.listed().state, "Stopped")

    @attr(tags=["advanced", "multihost", "smoke"], required_hardware="false")
    def test_an_instance_migrates_to_another_host(self) -> None:
        before = self.listed()
        hosts = self.every("findHostsForMigration", virtualmachineid=self.vm.id)
        self.assertNotIn(before.hostid, {host.id for host in hosts})
        host = next(host for host in hosts if host.suitableformigration)
        self.call("migrateVirtualMachine", virtualmachineid=self.vm.id, hostid=host.id)
        after = self.listed()
        self.assertEqual((after.state, after.hostid), ("Running", host.id))

    @attr(tags=["advanced", "multihost", "smoke"], required_hardware="false")
    def test_a_stopped_instance_cannot_be_migrated_to_a_host(self) -> None:
        self.call("stopVirtualMachine", id=self.vm.id)
        host = self.every("listHosts", zoneid=self.zone.id, type="Routing")[0]
        with self.refused():
            self.call("migrateVirtualMachine", virtualmachineid=self.vm.id, hostid=host.id)
        self.assertEqual(self.listed().state, "Stopped")

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_an_instance_is_renamed(self) -> None:
        self.call("updateVirtualMachine", id=self.vm.id, displayname="renamed")
        self.assertEqual(self.listed().displayname, "renamed")

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_stopped_instance_takes_another_offering(self) -> None:
        bigger = self.create("createServiceOffering", **small_offering(memory=1024))
        self.call("stopVirtualMachine", id=self.vm.id)
        self.call("changeServiceForVirtualMachine", id=self.vm.id, serviceofferingid=bigger.id)
        self.addCleanup(self.call, "changeServiceForVirtualMachine", id=self.vm.id, serviceofferingid=self.offering.id)
        changed = self.listed()
        self.assertEqual((changed.serviceofferingid, changed.memory), (bigger.id, 1024))

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_an_offering_in_use_may_go_and_the_instance_stays(self) -> None:
        offering = self.create("createServiceOffering", **small_offering())
        vm = self.create("deployVirtualMachine", **self.machine(serviceofferingid=offering.id))
        self.delete(offering)
        self.assertTrue(self.is_gone("listServiceOfferings", name=offering.name))
        with self.refused():
            self.create("deployVirtualMachine", **self.machine(serviceofferingid=offering.id))
        self.call("stopVirtualMachine", id=vm.id)
        self.call("startVirtualMachine", id=vm.id)
        self.assertEqual((self.listed(vm).state, self.listed(vm).serviceofferingid), ("Running", offering.id))

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_destroyed_instance_is_recovered(self) -> None:
        vm = self.create("deployVirtualMachine", **self.machine())
        self.call("destroyVirtualMachine", id=vm.id)
        self.assertEqual(self.listed(vm).state, "Destroyed")
        self.call("recoverVirtualMachine", id=vm.id)
        self.assertEqual(self.listed(vm).state, "Stopped")
        self.call("startVirtualMachine", id=vm.id)
        self.assertEqual(self.listed(vm).state, "Running")

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_running_instance_cannot_be_recovered(self) -> None:
        with self.refused(431):
            self.call("recoverVirtualMachine", id=self.vm.id)
        self.assertEqual(self.listed().state, "Running")

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_an_expunged_instance_is_gone_with_its_root_volume(self) -> None:
        vm = self.create("deployVirtualMachine", **self.machine())
        root = self.one("listVolumes", virtualmachineid=vm.id, type="ROOT", listall=True)
        self.call("destroyVirtualMachine", id=vm.id)
        self.call("expungeVirtualMachine", id=vm.id)
        self.forget(vm)
        self.assertTrue(self.is_gone("listVirtualMachines", id=vm.id))
        self.assertTrue(self.is_gone("listVolumes", id=root.id))

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_an_instance_may_be_deployed_without_being_started(self) -> None:
        vm = self.create("deployVirtualMachine", **self.machine(startvm=False))
        self.assertEqual(self.listed(vm).state, "Stopped")
        self.call("startVirtualMachine", id=vm.id)
        self.assertEqual(self.listed(vm).state, "Running")

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_two_instances_of_one_name_in_a_network_are_refused(self) -> None:
        with self.refused():
            self.create("deployVirtualMachine", **self.machine(name=self.vm.name))
        self.assertEqual(len(self.every("listVirtualMachines", name=self.vm.name, listall=True)), 1)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_an_unknown_template_is_refused(self) -> None:
        before = len(self.every("listVirtualMachines", listall=True, **self.owner()))
        with self.refused(431):
            self.create("deployVirtualMachine", **self.machine(templateid=str(uuid.uuid4())))
        self.assertEqual(len(self.every("listVirtualMachines", listall=True, **self.owner())), before)
