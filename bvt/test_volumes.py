"""Data volumes: made, attached, resized, deleted."""

from typing import Any, ClassVar

from marvin.cloudstackTestCase import cloudstackTestCase
from nose.plugins.attrib import attr

from pytest_qacloud.marvin.suite import Resources, unique

GIB = 1024**3


class TestVolumes(Resources, cloudstackTestCase):
    disks: ClassVar[Any]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.share_vm()
        cls.disks = cls.share("createDiskOffering", name=unique("disk"), displaytext="Any size", customized=True)

    def new_volume(self, size: int = 1) -> Any:
        return self.create("createVolume", **self.volume(self.disks.id, size=size))

    def attached(self) -> Any:
        volume = self.new_volume()
        self.call("attachVolume", id=volume.id, virtualmachineid=self.vm.id)
        self.addCleanup(self.detach, volume)
        return volume

    def detach(self, volume: Any) -> None:
        gone = self.is_gone("listVolumes", id=volume.id, listall=True)
        if not gone and self.listed(volume).virtualmachineid:
            self.call("detachVolume", id=volume.id)

    def listed(self, volume: Any) -> Any:
        return self.one("listVolumes", id=volume.id, listall=True)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_new_volume_is_only_allocated(self) -> None:
        volume = self.listed(self.new_volume(size=2))
        self.assertEqual((volume.state, volume.type, volume.size), ("Allocated", "DATADISK", 2 * GIB))
        self.assertIsNone(volume.virtualmachineid)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_an_empty_volume_is_refused(self) -> None:
        with self.refused(431):
            self.new_volume(size=0)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_an_attached_volume_is_ready_and_belongs_to_the_instance(self) -> None:
        volume = self.listed(self.attached())
        self.assertEqual((volume.state, volume.virtualmachineid), ("Ready", self.vm.id))
        self.assertGreater(volume.deviceid, 0)
        of_vm = self.every("listVolumes", virtualmachineid=self.vm.id, type="DATADISK", listall=True)
        self.assertIn(volume.id, {disk.id for disk in of_vm})

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_volume_cannot_be_attached_twice(self) -> None:
        volume = self.attached()
        with self.refused():
            self.call("attachVolume", id=volume.id, virtualmachineid=self.vm.id)
        self.assertEqual(self.listed(volume).virtualmachineid, self.vm.id)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_two_volumes_have_two_devices(self) -> None:
        devices = {self.listed(self.attached()).deviceid for _ in range(2)}
        self.assertEqual(len(devices), 2)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_detached_volume_is_free_again(self) -> None:
        volume = self.attached()
        self.call("detachVolume", id=volume.id)
        free = self.listed(volume)
        self.assertEqual((free.state, free.virtualmachineid, free.deviceid), ("Ready", None, None))
        with self.refused():
            self.call("detachVolume", id=volume.id)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_the_root_volume_of_a_running_instance_stays(self) -> None:
        root = self.one("listVolumes", virtualmachineid=self.vm.id, type="ROOT", listall=True)
        with self.refused():
            self.call("detachVolume", id=root.id)
        self.assertEqual(self.listed(root).virtualmachineid, self.vm.id)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_volume_grows_and_does_not_shrink_by_mistake(self) -> None:
        volume = self.attached()
        self.call("resizeVolume", id=volume.id, size=3)
        self.assertEqual(self.listed(volume).size, 3 * GIB)
        with self.refused():
            self.call("resizeVolume", id=volume.id, size=2)
        self.assertEqual(self.listed(volume).size, 3 * GIB)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_only_a_free_volume_can_be_deleted(self) -> None:
        volume = self.attached()
        with self.refused(431):
            self.call("deleteVolume", id=volume.id)
        self.call("detachVolume", id=volume.id)
        self.call("deleteVolume", id=volume.id)
        self.forget(volume)
        self.assertTrue(self.is_gone("listVolumes", id=volume.id, listall=True))
