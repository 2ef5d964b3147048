"""Snapshots of volumes, and what is made from them."""

from typing import Any, ClassVar

from marvin.cloudstackTestCase import cloudstackTestCase
from marvin.codes import BACKED_UP
from nose.plugins.attrib import attr

from pytest_qacloud.marvin.suite import Resources, unique


class TestSnapshots(Resources, cloudstackTestCase):
    root: ClassVar[Any]
    snapshot: ClassVar[Any]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.share_vm()
        cls.root = cls.one("listVolumes", virtualmachineid=cls.vm.id, type="ROOT", listall=True)
        cls.snapshot = cls.share("createSnapshot", volumeid=cls.root.id, name=unique("snapshot"))

    def listed(self, snapshot: Any) -> Any:
        return self.one("listSnapshots", id=snapshot.id, listall=True)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_snapshot_is_backed_up(self) -> None:
        snapshot = self.listed(self.snapshot)
        self.assertEqual(snapshot.state.lower(), BACKED_UP)
        self.assertEqual((snapshot.volumeid, snapshot.account), (self.root.id, self.account.name))

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_volume_that_was_never_used_has_no_snapshot(self) -> None:
        disks = self.create("createDiskOffering", name=unique("disk"), displaytext="1 GiB", disksize=1)
        volume = self.create("createVolume", **self.volume(disks.id))
        with self.refused():
            self.create("createSnapshot", volumeid=volume.id)
        self.assertEqual(self.every("listSnapshots", volumeid=volume.id, listall=True), [])

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_volume_is_made_from_a_snapshot(self) -> None:
        volume = self.create("createVolume", name=unique("volume"), snapshotid=self.snapshot.id, **self.owner())
        listed = self.one("listVolumes", id=volume.id, listall=True)
        self.assertEqual((listed.size, listed.snapshotid), (self.root.size, self.snapshot.id))

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_template_is_made_from_a_snapshot_and_deployed(self) -> None:
        name = unique("template")
        template = self.create(
            "createTemplate",
            name=name,
            displaytext=name,
            ostypeid=self.template.ostypeid,
            snapshotid=self.snapshot.id,
            ispublic=False,
        )
        self.assertTrue(self.one("listTemplates", templatefilter="all", id=template.id, listall=True).isready)
        vm = self.create("deployVirtualMachine", **self.machine(templateid=template.id))
        self.assertEqual(self.one("listVirtualMachines", id=vm.id).templateid, template.id)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_running_instance_is_not_reverted(self) -> None:
        with self.refused():
            self.call("revertSnapshot", id=self.snapshot.id)
        self.assertEqual(self.one("listVirtualMachines", id=self.vm.id).state, "Running")

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_stopped_instance_is_reverted(self) -> None:
        self.addCleanup(self.call, "startVirtualMachine", id=self.vm.id)
        self.call("stopVirtualMachine", id=self.vm.id)
        self.call("revertSnapshot", id=self.snapshot.id)
        root = self.one("listVolumes", virtualmachineid=self.vm.id, type="ROOT", listall=True)
        self.assertEqual((root.id, root.state), (self.root.id, "Ready"))

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_deleted_snapshot_is_gone_and_its_volume_stays(self) -> None:
        snapshot = self.create("createSnapshot", volumeid=self.root.id)
        self.delete(snapshot)
        self.assertTrue(self.is_gone("listSnapshots", id=snapshot.id, listall=True))
        self.assertEqual(self.one("listVolumes", id=self.root.id, listall=True).state, "Ready")

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_policy_is_made_and_deleted(self) -> None:
        policy = self.create(
            "createSnapshotPolicy",
            volumeid=self.root.id,
            intervaltype="HOURLY",
            schedule="30",
            timezone="UTC",
            maxsnaps=2,
        )
        listed = self.one("listSnapshotPolicies", volumeid=self.root.id)
        self.assertEqual((listed.id, listed.schedule, listed.maxsnaps), (policy.id, "30", 2))
        self.delete(policy)
        self.assertEqual(self.every("listSnapshotPolicies", volumeid=self.root.id), [])

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_policy_that_keeps_nothing_is_refused(self) -> None:
        with self.refused(431):
            self.create(
                "createSnapshotPolicy",
                volumeid=self.root.id,
                intervaltype="HOURLY",
                schedule="30",
                timezone="UTC",
                maxsnaps=0,
            )
