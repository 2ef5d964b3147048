"""Projects: their life, their accounts, what belongs to them."""

from typing import Any, ClassVar

from marvin.cloudstackTestCase import cloudstackTestCase
from nose.plugins.attrib import attr

from pytest_qacloud.marvin.suite import Resources, unique


class TestProjects(Resources, cloudstackTestCase):
    project: ClassVar[Any]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.share_account()
        cls.project = cls.share("createProject", name=unique("project"), displaytext="A project", **cls.owner())

    def listed(self, project: Any = None) -> Any:
        return self.one("listProjects", id=(project or self.project).id, listall=True)

    def members(self) -> dict[str, str]:
        members = self.every("listProjectAccounts", projectid=self.project.id)
        return {member.account: member.role for member in members}

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_project_is_active_and_its_maker_administers_it(self) -> None:
        self.assertEqual((self.listed().state, self.listed().domainid), ("Active", self.domain.id))
        self.assertEqual(self.members()[self.account.name], "Admin")

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_project_is_renamed(self) -> None:
        self.call("updateProject", id=self.project.id, displaytext="Renamed")
        self.assertEqual(self.listed().displaytext, "Renamed")

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_two_projects_of_one_name_are_refused(self) -> None:
        with self.refused():
            self.create("createProject", name=self.project.name, displaytext="The same again", **self.owner())

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_an_account_joins_and_leaves(self) -> None:
        guest = self.new_account(self.domain.id)
        self.call("addAccountToProject", projectid=self.project.id, account=guest.name)
        self.assertEqual(self.members()[guest.name], "Regular")
        self.call("deleteAccountFromProject", projectid=self.project.id, account=guest.name)
        self.assertNotIn(guest.name, self.members())

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_project_is_suspended_and_activated(self) -> None:
        project = self.create("createProject", name=unique("project"), displaytext="Idle", **self.owner())
        self.call("suspendProject", id=project.id)
        self.assertEqual(self.listed(project).state, "Suspended")
        self.call("activateProject", id=project.id)
        self.assertEqual(self.listed(project).state, "Active")

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_what_a_project_owns_is_seen_through_it_only(self) -> None:
        disks = self.create("createDiskOffering", name=unique("disk"), displaytext="1 GiB", disksize=1)
        wanted = {"name": unique("volume"), "zoneid": self.zone.id, "diskofferingid": disks.id}
        volume = self.create("createVolume", projectid=self.project.id, **wanted)
        self.assertEqual(volume.projectid, self.project.id)
        in_project = self.every("listVolumes", projectid=self.project.id, listall=True)
        self.assertIn(volume.id, {volume.id for volume in in_project})
        of_account = self.every("listVolumes", listall=True, **self.owner())
        self.assertNotIn(volume.id, {volume.id for volume in of_account})

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_deleted_project_is_gone(self) -> None:
        project = self.create("createProject", name=unique("project"), displaytext="Short-lived", **self.owner())
        self.delete(project)
        self.assertTrue(self.is_gone("listProjects", id=project.id, listall=True))
