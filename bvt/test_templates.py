"""Templates and ISOs: made, shared, deleted."""

from typing import Any, ClassVar

from marvin.cloudstackTestCase import cloudstackTestCase
from nose.plugins.attrib import attr

from pytest_qacloud.marvin.suite import Resources, unique


class TestTemplates(Resources, cloudstackTestCase):
    root: ClassVar[Any]
    own: ClassVar[Any]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.share_vm()
        cls.call("stopVirtualMachine", id=cls.vm.id)
        cls.root = cls.one("listVolumes", virtualmachineid=cls.vm.id, type="ROOT", listall=True)
        cls.own = cls.share("createTemplate", **cls.wanted())

    @classmethod
    def wanted(cls) -> dict[str, Any]:
        name = unique("template")
        return {
            "name": name,
            "displaytext": name,
            "ostypeid": cls.template.ostypeid,
            "volumeid": cls.root.id,
            "ispublic": False,
        }

    def listed(self, template: Any, **params: Any) -> Any:
        return self.one("listTemplates", templatefilter="all", id=template.id, listall=True, **params)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_template_of_a_stopped_instance_is_ready(self) -> None:
        template = self.listed(self.own)
        self.assertTrue(template.isready)
        self.assertFalse(template.ispublic)
        self.assertEqual((template.account, template.zoneid), (self.account.name, self.zone.id))
        self.assertEqual(template.hypervisor.lower(), self.testClient.getHypervisorInfo().lower())

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_an_instance_is_deployed_from_it(self) -> None:
        vm = self.create("deployVirtualMachine", **self.machine(templateid=self.own.id))
        deployed = self.one("listVirtualMachines", id=vm.id)
        self.assertEqual((deployed.state, deployed.templateid), ("Running", self.own.id))

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_running_instance_gives_no_template(self) -> None:
        self.addCleanup(self.call, "stopVirtualMachine", id=self.vm.id)
        self.call("startVirtualMachine", id=self.vm.id)
        with self.refused():
            self.create("createTemplate", **self.wanted())

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_template_is_renamed(self) -> None:
        name = unique("renamed")
        self.call("updateTemplate", id=self.own.id, displaytext=name, passwordenabled=True)
        template = self.listed(self.own)
        self.assertEqual((template.displaytext, template.passwordenabled), (name, True))

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_template_is_shared_with_one_account_and_taken_back(self) -> None:
        friend = self.new_account(self.domain.id)
        client = self.user_client(friend)
        shared = {"client": client, "templatefilter": "sharedexecutable", "zoneid": self.zone.id}
        self.assertNotIn(self.own.id, {template.id for template in self.every("listTemplates", **shared)})
        self.call("updateTemplatePermissions", id=self.own.id, op="add", accounts=[friend.name])
        self.assertIn(friend.name, self.call("listTemplatePermissions", id=self.own.id).account)
        self.assertIn(self.own.id, {template.id for template in self.every("listTemplates", **shared)})
        self.call("updateTemplatePermissions", id=self.own.id, op="remove", accounts=[friend.name])
        self.assertNotIn(self.own.id, {template.id for template in self.every("listTemplates", **shared)})

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_deleted_template_is_gone(self) -> None:
        template = self.create("createTemplate", **self.wanted())
        self.delete(template)
        self.assertTrue(self.is_gone("listTemplates", templatefilter="all", id=template.id, listall=True))
        with self.refused():
            self.create("deployVirtualMachine", **self.machine(templateid=template.id))

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_user_may_not_delete_what_is_not_its_own(self) -> None:
        with self.refused(431, 530, 531):
            self.call("deleteTemplate", client=self.user_client(), id=self.template.id)
        self.assertTrue(self.listed(self.template, zoneid=self.zone.id).isready)


class TestIsos(Resources, cloudstackTestCase):
    iso: ClassVar[Any]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.share_account()
        data = cls.testClient.getParsedTestDataConfig()["iso"]
        os_type = cls.one("listOsTypes", description=data["ostype"])
        cls.iso = cls.share(
            "registerIso",
            name=unique("iso"),
            displaytext="An ISO",
            url=data["url"],
            zoneid=cls.zone.id,
            ostypeid=os_type.id,
            bootable=True,
            ispublic=False,
            **cls.owner(),
        )

    def listed(self) -> Any:
        return self.one("listIsos", isofilter="all", id=self.iso.id, listall=True)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_registered_iso_is_its_account_s(self) -> None:
        iso = self.listed()
        self.assertEqual((iso.account, iso.bootable, iso.ispublic), (self.account.name, True, False))
        mine = self.every("listIsos", client=self.user_client(), isofilter="self")
        self.assertEqual([iso.id for iso in mine], [self.iso.id])

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_an_iso_is_renamed(self) -> None:
        name = unique("renamed")
        self.call("updateIso", id=self.iso.id, displaytext=name)
        self.assertEqual(self.listed().displaytext, name)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_an_iso_is_shared_with_one_account(self) -> None:
        friend = self.new_account(self.domain.id)
        self.call("updateIsoPermissions", id=self.iso.id, op="add", accounts=[friend.name])
        self.assertIn(friend.name, self.call("listIsoPermissions", id=self.iso.id).account)
        self.call("updateIsoPermissions", id=self.iso.id, op="remove", accounts=[friend.name])
        self.assertNotIn(friend.name, self.call("listIsoPermissions", id=self.iso.id).account or [])

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_an_iso_of_no_known_system_is_refused(self) -> None:
        with self.refused(431):
            self.create(
                "registerIso",
                name=unique("iso"),
                displaytext="An ISO",
                url="http://iso.example.org/none.iso",
                zoneid=self.zone.id,
                ostypeid=self.zone.id,
                bootable=True,
                **self.owner(),
            )
