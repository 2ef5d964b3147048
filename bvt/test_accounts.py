"""Domains, accounts, users, what they may do, and how much of it."""

from marvin.cloudstackTestCase import cloudstackTestCase
from marvin.codes import RESOURCE_VOLUME
from nose.plugins.attrib import attr

from pytest_qacloud.marvin.suite import UNAUTHORIZED, Resources, unique


class TestDomains(Resources, cloudstackTestCase):
    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_subdomain_lies_below_its_parent(self) -> None:
        parent = self.create("createDomain", name=unique("parent"))
        child = self.create("createDomain", name=unique("child"), parentdomainid=parent.id)
        listed = self.one("listDomains", id=child.id)
        self.assertEqual(listed.path, f"ROOT/{parent.name}/{child.name}")
        self.assertEqual(listed.parentdomainid, parent.id)
        self.assertEqual(listed.level, 2)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_domain_is_renamed(self) -> None:
        domain = self.create("createDomain", name=unique("domain"))
        name = unique("renamed")
        self.call("updateDomain", id=domain.id, name=name)
        listed = self.one("listDomains", id=domain.id)
        self.assertEqual((listed.name, listed.path), (name, f"ROOT/{name}"))

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_two_domains_of_one_name_are_refused(self) -> None:
        domain = self.create("createDomain", name=unique("domain"))
        with self.refused():
            self.create("createDomain", name=domain.name)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_domain_with_an_account_goes_only_with_cleanup(self) -> None:
        domain = self.create("createDomain", name=unique("domain"))
        account = self.new_account(domain.id)
        with self.refused():
            self.delete(domain, cleanup=False)
        self.assertEqual(self.one("listAccounts", id=account.id).state, "enabled")
        self.delete(domain, cleanup=True)
        self.assertTrue(self.is_gone("listDomains", id=domain.id))
        self.assertTrue(self.is_gone("listAccounts", id=account.id))


class TestAccounts(Resources, cloudstackTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.share_account()

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_new_account_is_enabled_and_has_a_user(self) -> None:
        account = self.new_account(self.domain.id)
        listed = self.one("listAccounts", id=account.id)
        self.assertEqual((listed.state, listed.accounttype, listed.domainid), ("enabled", 0, self.domain.id))
        user = self.one("listUsers", account=account.name, domainid=self.domain.id)
        self.assertEqual((user.username, user.state), (account.name, "enabled"))

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_two_accounts_of_one_name_are_refused(self) -> None:
        with self.refused():
            self.call(
                "createAccount",
                accounttype=0,
                domainid=self.domain.id,
                account=self.account.name,
                username=self.account.name,
                email="second@example.org",
                firstname="Second",
                lastname="Account",
                password=unique("password"),
            )
        self.one("listAccounts", name=self.account.name, domainid=self.domain.id)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_an_account_is_disabled_locked_and_enabled(self) -> None:
        account = self.new_account(self.domain.id)
        owner = {"account": account.name, "domainid": self.domain.id}
        for command, params, state in (
            ("disableAccount", {"lock": False}, "disabled"),
            ("enableAccount", {}, "enabled"),
            ("disableAccount", {"lock": True}, "locked"),
            ("enableAccount", {}, "enabled"),
        ):
            self.call(command, **owner, **params)
            self.assertEqual(self.one("listAccounts", id=account.id).state, state)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_deleted_account_is_gone(self) -> None:
        account = self.new_account(self.domain.id)
        self.call("deleteAccount", id=account.id)
        self.assertTrue(self.is_gone("listAccounts", id=account.id))
        self.assertTrue(self.is_gone("listUsers", username=account.name, listall=True))

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_user_is_changed_disabled_and_deleted(self) -> None:
        user = self.call(
            "createUser",
            username=unique("user"),
            password=unique("password"),
            email="user@example.org",
            firstname="First",
            lastname="Last",
            **self.owner(),
        )
        self.assertEqual(user.account, self.account.name)
        self.call("updateUser", id=user.id, firstname="Renamed")
        self.assertEqual(self.one("listUsers", id=user.id).firstname, "Renamed")
        self.call("disableUser", id=user.id)
        self.assertEqual(self.one("listUsers", id=user.id).state, "disabled")
        self.call("enableUser", id=user.id)
        self.assertEqual(self.one("listUsers", id=user.id).state, "enabled")
        self.call("deleteUser", id=user.id)
        self.assertTrue(self.is_gone("listUsers", id=user.id))

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_user_sees_only_its_own_account(self) -> None:
        stranger = self.new_account(self.domain.id)
        listed = self.every("listAccounts", client=self.user_client(), listall=True)
        self.assertEqual([account.id for account in listed], [self.account.id])
        self.assertNotIn(stranger.id, {account.id for account in listed})

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_user_may_not_do_what_an_administrator_may(self) -> None:
        client = self.user_client()
        with self.refused(*UNAUTHORIZED):
            self.call("listHosts", client=client)
        with self.refused(*UNAUTHORIZED):
            self.call("createDomain", client=client, name=unique("domain"))

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_disabled_user_is_locked_out(self) -> None:
        account = self.new_account(self.domain.id)
        client = self.user_client(account)
        self.assertEqual(len(self.every("listAccounts", client=client)), 1)
        self.call("disableUser", id=account.user[0].id)
        with self.refused(401):
            self.call("listAccounts", client=client)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_resource_limit_holds(self) -> None:
        account = self.new_account(self.domain.id)
        owner = {"account": account.name, "domainid": self.domain.id}
        disks = self.create("createDiskOffering", name=unique("disk"), displaytext="1 GiB", disksize=1)
        volume = self.volume(disks.id) | owner
        self.call("updateResourceLimit", resourcetype=RESOURCE_VOLUME, max=1, **owner)
        self.assertEqual(self.one("listResourceLimits", resourcetype=RESOURCE_VOLUME, **owner).max, 1)
        self.create("createVolume", **volume)
        with self.refused(535):
            self.create("createVolume", **volume | {"name": unique("volume")})
        self.call("updateResourceLimit", resourcetype=RESOURCE_VOLUME, max=2, **owner)
        self.create("createVolume", **volume | {"name": unique("volume")})
        self.assertEqual(len(self.every("listVolumes", listall=True, **owner)), 2)
