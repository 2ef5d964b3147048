from __future__ import annotations

import pytest
from cloudlab import Cloud, JobFailedError

from pytest_qacloud.rack.cloudstack.auth import is_enabled


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


def test_an_account_comes_with_its_user_limits_and_role(cloud: Cloud) -> None:
    account = cloud.account("bob")
    assert (account["accounttype"], account["roletype"], account["state"]) == (0, "User", "enabled")
    assert [user["username"] for user in account["user"]] == ["bob"]
    assert (account["vmlimit"], account["vmtotal"], account["vmavailable"]) == ("20", 0, "20")


def test_names_are_taken_once_in_a_domain(cloud: Cloud) -> None:
    cloud.account("bob")
    assert (
        "already exists"
        in cloud.refused(
            "createAccount",
            username="x",
            account="BOB",
            password="p",
            email="e",
            firstname="f",
            lastname="l",
            accounttype=0,
        ).text
    )
    domain = cloud.do("createDomain", name="d")
    assert cloud.account("bob2", domain=domain["id"])["domainpath"] == "ROOT/d"
    same = {"password": "p", "email": "e", "firstname": "f", "lastname": "l"}
    assert "already exists" in cloud.refused("createUser", username="bob", account="bob", **same).text


def test_an_account_needs_a_role(cloud: Cloud) -> None:
    same = {"username": "x", "password": "p", "email": "e", "firstname": "f", "lastname": "l"}
    assert "Both account type and role ID" in cloud.refused("createAccount", **same).text
    assert "Invalid account type 9" in cloud.refused("createAccount", **same, accounttype=9).text


def test_who_sees_which_accounts(cloud: Cloud) -> None:
    domain = cloud.do("createDomain", name="d")["id"]
    cloud.account("dadmin", kind=2, domain=domain)
    cloud.account("dora", domain=domain)
    cloud.account("bob")

    def seen(by: str, **params: str) -> set[str]:
        return {item["name"] for item in cloud.do("listAccounts", by=by, **params)}

    assert seen("admin", listall="true") == {"admin", "bob", "dadmin", "dora"}
    assert seen("admin") == {"admin"}
    assert seen("admin", domainid=domain) == {"dadmin", "dora"}
    assert seen("dadmin", listall="true") == {"dadmin", "dora"}
    assert seen("bob", listall="true") == {"bob"}


def test_users_may_not_call_what_their_role_lacks(cloud: Cloud) -> None:
    cloud.account("bob")
    error = cloud.refused("createDomain", by="bob", name="d")
    assert (error.code, error.cs_code) == (432, 4555)


def test_a_domain_admin_keeps_to_its_domain(cloud: Cloud) -> None:
    domain = cloud.do("createDomain", name="d")["id"]
    cloud.account("dadmin", kind=2, domain=domain)
    bob = cloud.account("bob")
    root = cloud.do("listDomains", name="ROOT")[0]["id"]
    same = {"username": "x", "password": "p", "email": "e", "firstname": "f", "lastname": "l", "accounttype": 0}
    assert cloud.refused("createAccount", by="dadmin", domainid=root, **same).code == 531
    assert cloud.refused("deleteUser", by="dadmin", id=bob["user"][0]["id"]).code == 531
    assert cloud.do("createAccount", by="dadmin", **same)["domainid"] == domain


def test_disabling_and_enabling(cloud: Cloud) -> None:
    bob = cloud.account("bob")
    assert cloud.do("disableAccount", id=bob["id"], lock="false")["state"] == "disabled"
    assert not is_enabled(cloud.user("bob"))
    assert cloud.do("enableAccount", id=bob["id"])["state"] == "enabled"
    assert cloud.do("lockAccount", account="bob", domainid=bob["domainid"])["state"] == "locked"
    assert cloud.do("disableAccount", id=bob["id"], lock="true")["state"] == "locked"
    user = bob["user"][0]["id"]
    assert cloud.do("disableUser", id=user)["state"] == "disabled"
    assert cloud.do("lockUser", id=user)["state"] == "locked"
    assert cloud.do("enableUser", id=user)["state"] == "enabled"


def test_an_account_goes_with_its_users_and_not_oneself(cloud: Cloud) -> None:
    bob = cloud.account("bob")
    cloud.do("deleteAccount", id=bob["id"])
    assert cloud.do("listUsers", username="bob", listall="true") == []
    with pytest.raises(JobFailedError, match="your own account"):
        cloud.do("deleteAccount", id=cloud.user().account.id)


def test_accounts_can_be_changed(cloud: Cloud) -> None:
    bob = cloud.account("bob")
    role = next(item["id"] for item in cloud.do("listRoles") if item["name"] == "Domain Admin")
    changed = cloud.do("updateAccount", id=bob["id"], newname="rob", roleid=role, networkdomain="x.example")
    assert (changed["name"], changed["accounttype"], changed["networkdomain"]) == ("rob", 2, "x.example")
    cloud.account("bea")
    assert "already exists" in cloud.refused("updateAccount", id=bob["id"], newname="bea").text


def test_users_of_an_account(cloud: Cloud) -> None:
    cloud.account("bob")
    user = cloud.do("createUser", username="bob2", account="bob", password="p", email="e", firstname="f", lastname="l")
    assert {item["username"] for item in cloud.do("listUsers", account="bob")} == {"bob", "bob2"}
    changed = cloud.do("updateUser", id=user["id"], firstname="New", username="bob3")
    assert (changed["firstname"], changed["username"]) == ("New", "bob3")
    assert "cannot be empty" in cloud.refused("updateUser", id=user["id"], lastname=" ").text
    cloud.account("bea")
    cloud.do("moveUser", id=user["id"], account="bea")
    assert {item["username"] for item in cloud.do("listUsers", account="bea")} == {"bea", "bob3"}
    cloud.do("deleteUser", id=user["id"])
    assert cloud.do("listUsers", username="bob3", listall="true") == []
    assert "is default" in cloud.refused("deleteUser", id=cloud.user().id).text


def test_keys_are_registered_and_found_again(cloud: Cloud) -> None:
    bob = cloud.account("bob")["user"][0]["id"]
    assert cloud.ask("getUserKeys", id=bob) == {"userkeys": {}}
    keys = cloud.do("registerUserKeys", id=bob)
    assert cloud.do("getUserKeys", id=bob) == keys
    assert cloud.do("getUser", userapikey=keys["apikey"])["username"] == "bob"
    assert "secretkey" not in cloud.do("listUsers", id=bob)[0]
    assert cloud.refused("getUser", userapikey="none").code == 431


def test_passwords_change_only_with_the_old_one(cloud: Cloud) -> None:
    bob = cloud.account("bob")["user"][0]["id"]
    assert "must be provided" in cloud.refused("updateUser", by="bob", id=bob, password="new").text
    assert "incorrect" in cloud.refused("updateUser", by="bob", id=bob, password="new", currentpassword="x").text
    cloud.do("updateUser", by="bob", id=bob, password="new", currentpassword="pw-bob")
    assert cloud.user("bob").password.matches("new")
    cloud.do("updateUser", id=bob, password="newer")
    assert cloud.user("bob").password.matches("newer")


def test_domains_make_a_tree(cloud: Cloud) -> None:
    top = cloud.do("createDomain", name="top")
    below = cloud.do("createDomain", name="below", parentdomainid=top["id"])
    assert (below["path"], below["level"], below["parentdomainname"]) == ("ROOT/top/below", 2, "top")
    assert "already exists" in cloud.refused("createDomain", name="TOP").text
    assert [item["name"] for item in cloud.do("listDomainChildren", id=top["id"])] == ["below"]
    assert cloud.do("listDomains", id=top["id"])[0]["haschild"] is True
    assert cloud.do("updateDomain", id=below["id"], name="under")["path"] == "ROOT/top/under"
    assert cloud.refused("moveDomain", domainid=top["id"], parentdomainid=below["id"]).code == 431
    root = cloud.do("listDomains", name="ROOT")[0]["id"]
    assert cloud.do("moveDomain", domainid=below["id"], parentdomainid=root)["path"] == "ROOT/under"


def test_a_domain_goes_with_all_in_it_only_when_told(cloud: Cloud) -> None:
    top = cloud.do("createDomain", name="top")["id"]
    below = cloud.do("createDomain", name="below", parentdomainid=top)["id"]
    cloud.account("bob", domain=below)
    with pytest.raises(JobFailedError, match="cleanup=true"):
        cloud.do("deleteDomain", id=top)
    cloud.do("deleteDomain", id=top, cleanup="true")
    assert [item["name"] for item in cloud.do("listDomains")] == ["ROOT"]
    assert cloud.do("listUsers", username="bob", listall="true") == []


def test_rules_decide_in_their_order(cloud: Cloud) -> None:
    role = cloud.do("createRole", name="lister", type="User")["id"]
    cloud.account("bob")
    bob = cloud.do("listAccounts", name="bob")[0]["id"]
    cloud.do("updateAccount", id=bob, roleid=role)
    assert cloud.refused("listEvents", by="bob").code == 432
    first = cloud.do("createRolePermission", roleid=role, rule="listE*", permission="allow")["id"]
    assert cloud.do("listEvents", by="bob") == []
    second = cloud.do("createRolePermission", roleid=role, rule="listEvents", permission="deny")["id"]
    assert cloud.do("listEvents", by="bob") == []
    cloud.do("updateRolePermission", roleid=role, ruleorder=f"{second},{first}")
    assert cloud.refused("listEvents", by="bob").code == 432
    assert [item["rule"] for item in cloud.do("listRolePermissions", roleid=role)] == ["listEvents", "listE*"]
    cloud.do("updateRolePermission", roleid=role, ruleid=second, permission="allow")
    assert cloud.do("listEvents", by="bob") == []
    cloud.do("deleteRolePermission", id=first)
    assert cloud.refused("deleteRole", id=role).code == 531
    assert cloud.refused("enableRole", id=role).code == 531, "it is enabled"
    cloud.do("disableRole", id=role)
    assert cloud.refused("listEvents", by="bob").code == 432
    cloud.do("enableRole", id=role)
    assert cloud.do("listEvents", by="bob") == []


def test_roles_are_copied_imported_and_protected(cloud: Cloud) -> None:
    user = next(item["id"] for item in cloud.do("listRoles") if item["name"] == "User")
    copy = cloud.do("createRole", name="copy", roleid=user)["id"]
    rules = {item["rule"] for item in cloud.do("listRolePermissions", roleid=copy)}
    assert "deployVirtualMachine" in rules
    assert "createZone" not in rules
    imported = cloud.do(
        "importRole", name="imp", type="User", **{"rules[0].rule": "list*", "rules[0].permission": "allow"}
    )["id"]
    assert [item["rule"] for item in cloud.do("listRolePermissions", roleid=imported)] == ["list*"]
    assert "already exists" in cloud.refused("importRole", name="imp", type="User", rules="a").text
    assert cloud.refused("updateRole", id=user, name="x").code == 531
    assert cloud.refused("deleteRole", id=user).code == 531
    assert cloud.refused("createRolePermission", roleid=user, rule="a", permission="allow").code == 531
    assert cloud.refused("createRole", name="bad", type="Emperor").code == 431
    cloud.do("deleteRole", id=copy)


def test_a_role_is_replaced_by_an_import_if_asked(cloud: Cloud) -> None:
    rules = {"rules[0].rule": "listZones", "rules[0].permission": "deny"}
    role = cloud.do("createRole", name="r", type="User")["id"]
    cloud.do("createRolePermission", roleid=role, rule="list*", permission="allow")
    assert cloud.do("importRole", name="r", type="User", forced="true", **rules)["id"] == role
    assert [item["rule"] for item in cloud.do("listRolePermissions", roleid=role)] == ["listZones"]
    assert cloud.do("importRole", name="r", type="DomainAdmin", forced="true", **rules)["id"] != role
    assert cloud.refused("importRole", name="User", type="User", forced="true", **rules).code == 530


def test_roles_and_rules_are_there_once(cloud: Cloud) -> None:
    role = cloud.do("createRole", name="r", type="User")["id"]
    assert cloud.refused("createRole", name="R", type="User").code == 530
    other = cloud.do("createRole", name="r", type="DomainAdmin")["id"]
    assert cloud.refused("updateRole", id=other, type="User").code == 530
    rule = cloud.do("createRolePermission", roleid=role, rule="listZones", permission="allow")["id"]
    assert cloud.refused("createRolePermission", roleid=role, rule="listzones", permission="deny").code == 531
    for wrong in ({"ruleid": rule, "permission": "maybe"}, {"permission": "deny"}, {"ruleid": rule, "ruleorder": rule}):
        assert cloud.refused("updateRolePermission", roleid=role, **wrong).code == 431
    assert cloud.refused("updateRolePermission", roleid=other, ruleid=rule, permission="deny").code == 431
    cloud.do("deleteRole", id=role)
    assert cloud.do("listRoles", id=role) == []
    assert cloud.refused("updateRole", id=role, name="x").code == 431
    cloud.do("createRole", name="r", type="User")


def test_default_roles_are_the_first_in_the_database(cloud: Cloud) -> None:
    kinds = [cloud.do("listRoles", id=number)[0]["type"] for number in range(1, 5)]
    assert kinds == ["Admin", "ResourceAdmin", "DomainAdmin", "User"]
    assert cloud.do("listRolePermissions", roleid=4)
    assert cloud.do("listRoles", id=99) == []


def test_who_sees_which_roles(cloud: Cloud) -> None:
    cloud.account("dadmin", kind=2)
    cloud.do("createRole", name="hidden", type="User", ispublic="false")
    seen = {item["name"] for item in cloud.do("listRoles", by="dadmin")}
    assert seen == {"Resource Admin", "Domain Admin", "User"}


def test_limits_are_set_shown_and_bounded(cloud: Cloud) -> None:
    domain = cloud.do("createDomain", name="d")["id"]
    cloud.account("bob", domain=domain)
    found = cloud.do("updateResourceLimit", resourcetype=0, max=3, account="bob", domainid=domain)
    assert (found["max"], found["resourcetypename"], found["account"]) == (3, "user_vm", "bob")
    assert cloud.do("listResourceLimits", account="bob", domainid=domain, resourcetype=0)[0]["max"] == 3
    assert cloud.do("listAccounts", name="bob")[0]["vmlimit"] == "3"
    cloud.do("updateResourceLimit", resourcetype=1, max=7, domainid=domain)
    assert cloud.do("listDomains", id=domain)[0]["iplimit"] == "7"
    below = cloud.do("createDomain", name="b", parentdomainid=domain)["id"]
    assert "less than or equal to 7" in cloud.refused("updateResourceLimit", resourcetype=1, max=8, domainid=below).text
    assert cloud.refused("updateResourceLimit", resourcetype=0, max=-2, domainid=below).code == 431
    assert cloud.refused("updateResourceLimit", resourcetype=99, max=1, domainid=below).code == 431
    counts = cloud.do("updateResourceCount", domainid=domain)
    assert {item["resourcecount"] for item in counts} == {0}
