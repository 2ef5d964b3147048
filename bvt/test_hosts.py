"""Hosts: maintenance, and taking them out of allocation."""

from typing import Any

from marvin.cloudstackTestCase import cloudstackTestCase
from nose.plugins.attrib import attr

from pytest_qacloud.marvin.suite import Resources


class TestHosts(Resources, cloudstackTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.share_vm()

    def host(self, identifier: str) -> Any:
        return self.one("listHosts", id=identifier)

    def wait_for_state(self, identifier: str, state: str) -> None:
        self.wait_until(lambda: self.host(identifier).resourcestate == state, f"host {identifier} in state {state}")

    def end_maintenance(self, identifier: str) -> None:
        if self.host(identifier).resourcestate != "Enabled":
            self.call("cancelHostMaintenance", id=identifier)
        self.wait_for_state(identifier, "Enabled")
        self.wait_until(self.system_vms_are_running, "the system VMs that were on the host running again")

    def system_vms_are_running(self) -> bool:
        machines = self.every("listSystemVms", zoneid=self.zone.id)
        return {(machine.state, machine.agentstate) for machine in machines} == {("Running", "Up")}

    @attr(tags=["advanced", "multihost", "smoke"], required_hardware="false")
    def test_maintenance_moves_the_instances_away(self) -> None:
        host = self.one("listVirtualMachines", id=self.vm.id).hostid
        self.addCleanup(self.end_maintenance, host)
        self.call("prepareHostForMaintenance", id=host)
        self.wait_for_state(host, "Maintenance")
        moved = self.one("listVirtualMachines", id=self.vm.id)
        self.assertEqual(moved.state, "Running")
        self.assertNotEqual(moved.hostid, host)
        self.assertEqual(self.every("listVirtualMachines", hostid=host, listall=True), [])
        self.end_maintenance(host)
        self.assertEqual(self.host(host).state, "Up")

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_a_disabled_host_takes_no_instances(self) -> None:
        host = self.every("listHosts", zoneid=self.zone.id, type="Routing")[-1]
        self.addCleanup(self.call, "updateHost", id=host.id, allocationstate="Enable")
        self.call("updateHost", id=host.id, allocationstate="Disable")
        self.assertEqual(self.host(host.id).resourcestate, "Disabled")
        vm = self.create("deployVirtualMachine", **self.machine())
        self.assertNotEqual(self.one("listVirtualMachines", id=vm.id).hostid, host.id)
        self.call("updateHost", id=host.id, allocationstate="Enable")
        self.assertEqual(self.host(host.id).resourcestate, "Enabled")

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_a_host_in_use_cannot_be_deleted(self) -> None:
        host = self.one("listVirtualMachines", id=self.vm.id).hostid
        with self.refused():
            self.call("deleteHost", id=host)
        self.assertEqual(self.host(host).state, "Up")
