"""Affinity groups: what they keep apart, and what they refuse."""

from typing import Any, ClassVar

from marvin.cloudstackTestCase import cloudstackTestCase
from nose.plugins.attrib import attr

from pytest_qacloud.marvin.suite import Resources, unique

APART = "host anti-affinity"


class TestAffinityGroups(Resources, cloudstackTestCase):
    group: ClassVar[Any]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.share_account()
        cls.share_compute()
        cls.share_network()
        cls.group = cls.share("createAffinityGroup", name=unique("apart"), type=APART, **cls.owner())

    @attr(tags=["advanced", "basic", "multihost", "smoke"], required_hardware="false")
    def test_instances_of_a_group_are_kept_apart(self) -> None:
        vms = [self.create("deployVirtualMachine", **self.machine(affinitygroupids=[self.group.id])) for _ in range(2)]
        listed = [self.one("listVirtualMachines", id=vm.id) for vm in vms]
        self.assertEqual({vm.state for vm in listed}, {"Running"})
        self.assertEqual(len({vm.hostid for vm in listed}), 2)
        group = self.one("listAffinityGroups", id=self.group.id, listall=True)
        self.assertEqual(set(group.virtualmachineIds), {vm.id for vm in vms})

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_stopped_instance_changes_its_group(self) -> None:
        vm = self.create("deployVirtualMachine", **self.machine(startvm=False))
        self.call("updateVMAffinityGroup", id=vm.id, affinitygroupids=[self.group.id])
        (group,) = self.one("listVirtualMachines", id=vm.id).affinitygroup
        self.assertEqual(group.id, self.group.id)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_group_is_deleted(self) -> None:
        group = self.create("createAffinityGroup", name=unique("apart"), type=APART, **self.owner())
        self.delete(group)
        self.assertTrue(self.is_gone("listAffinityGroups", id=group.id, listall=True))

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_name_in_use_and_an_unknown_type_are_refused(self) -> None:
        self.assertIn(APART, {kind.type for kind in self.every("listAffinityGroupTypes")})
        with self.refused():
            self.create("createAffinityGroup", name=self.group.name, type=APART, **self.owner())
        with self.refused():
            self.create("createAffinityGroup", name=unique("odd"), type="best friends", **self.owner())
