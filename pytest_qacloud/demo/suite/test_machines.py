"""The demo's gating suite: a machine through its life, and a volume that comes and goes."""

from typing import Any

from marvin.cloudstackTestCase import cloudstackTestCase

from pytest_qacloud.marvin.suite import Resources


class TestMachines(Resources, cloudstackTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.share_vm()

    def listed(self) -> Any:
        return self.one("listVirtualMachines", id=self.vm.id)

    def test_a_deployed_machine_runs(self) -> None:
        self.assertEqual(self.listed().state, "Running")

    def test_a_rebooted_machine_runs(self) -> None:
        self.call("rebootVirtualMachine", id=self.vm.id)
        self.assertEqual(self.listed().state, "Running")

    def test_a_stopped_machine_is_stopped(self) -> None:
        self.call("stopVirtualMachine", id=self.vm.id)
        try:
            self.assertEqual(self.listed().state, "Stopped")
        finally:
            if self.listed().state == "Stopped":
                self.call("startVirtualMachine", id=self.vm.id)

    def test_a_volume_is_attached_and_detached(self) -> None:
        offering = self.every("listDiskOfferings", name="Small")[0]
        volume = self.call(
            "createVolume",
            name="data",
            zoneid=self.zone.id,
            diskofferingid=offering.id,
            account=self.account.name,
            domainid=self.domain.id,
        )
        self.call("attachVolume", id=volume.id, virtualmachineid=self.vm.id)
        self.call("detachVolume", id=volume.id)
        self.call("deleteVolume", id=volume.id)

    def test_the_zone_is_enabled(self) -> None:
        self.assertEqual(self.one("listZones", id=self.zone.id).allocationstate, "Enabled")
