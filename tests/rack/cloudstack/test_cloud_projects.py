"""Projects: made, listed, changed, suspended, deleted; who is in them."""

from __future__ import annotations

import pytest
from projectlab import ProjectLab


@pytest.fixture
def lab() -> ProjectLab:
    return ProjectLab()


def test_a_new_project_is_active_and_its_makers(lab: ProjectLab) -> None:
    shown = lab.shown()
    assert (shown["name"], shown["displaytext"], shown["state"]) == ("p", "p", "Active")
    assert (shown["owner"], shown["domainid"], shown["domain"]) == ([{"account": "joe"}], lab.root, "ROOT")
    assert (shown["vmlimit"], shown["vmtotal"], shown["vmrunning"]) == ("20", 0, 0)
    assert lab.roles() == {"joe": "Admin"}
    assert lab.do("listAccounts", name="joe")[0]["projecttotal"] == 1


def test_the_job_names_the_project_before_it_is_done(lab: ProjectLab) -> None:
    reply = lab.cloud.ask("createProject", name="q")
    assert lab.shown(reply["id"])["name"] == "q"


def test_a_project_for_another_account_or_user(lab: ProjectLab) -> None:
    of_ann = lab.new_project("q", by="admin", account="ann", domainid=lab.root)
    assert lab.shown(of_ann)["owner"] == [{"account": "ann"}]
    bob = lab.do("listUsers", username="bob", listall=True)[0]
    named = {"domainid": lab.root, "userid": bob["id"], "accountid": bob["accountid"], "account": "bob"}
    of_bob = lab.new_project("r", by="admin", **named)
    assert lab.shown(of_bob)["owner"] == [{"account": "bob", "user": "bob", "userid": bob["id"]}]


def test_what_is_wrong_with_a_new_project(lab: ProjectLab) -> None:
    bob = lab.do("listUsers", username="bob", listall=True)[0]
    ann = lab.do("listAccounts", name="ann")[0]
    below = lab.do("createDomain", name="d")["id"]
    assert "already exists" in lab.refused("createProject", name="P")[1]
    assert "specified together" in lab.refused("createProject", name="q", account="joe")[1]
    assert lab.refused("createProject", name="q", account="ann", domainid=lab.root)[0] == 531
    assert "Unable to find account admin" in lab.refused("createProject", by="admin", name="q", domainid=below)[1]
    user = {"by": "admin", "name": "q", "userid": bob["id"]}
    assert "with userID" in lab.refused("createProject", **user)[1]
    assert "doesn't belong" in lab.refused("createProject", **user, domainid=lab.root, accountid=ann["id"])[1]
    lab.do("updateConfiguration", name="allow.user.create.projects", value=False)
    assert lab.refused("createProject", name="q")[0] == 531
    assert lab.new_project("q", by="admin")


def test_an_account_may_have_so_many_projects(lab: ProjectLab) -> None:
    lab.do("updateResourceLimit", resourcetype=5, max=1, account="joe", domainid=lab.root)
    code, text = lab.refused("createProject", name="q")
    assert (code, "'project'" in text) == (535, True)
    lab.do("deleteProject", by="joe", id=lab.project)
    assert lab.new_project("q")


def test_the_same_name_is_free_in_another_domain(lab: ProjectLab) -> None:
    domain = lab.do("createDomain", name="d")["id"]
    lab.cloud.account("dora", domain=domain)
    assert lab.shown(lab.new_project("p", by="dora"))["domainid"] == domain


def test_who_lists_which_projects(lab: ProjectLab) -> None:
    domain = lab.do("createDomain", name="d")["id"]
    lab.cloud.account("dora", domain=domain)
    lab.cloud.account("dadmin", kind=2, domain=domain)
    lab.new_project("q", by="dora")
    lab.new_project("r", by="admin")
    assert lab.listed("admin", listall=True) == {"p", "q", "r"}
    assert lab.listed("admin") == {"r"}
    assert lab.listed("joe", listall=True) == {"p"}
    assert lab.listed("ann", listall=True) == set()
    assert lab.listed("dadmin", listall=True) == {"q"}
    assert lab.listed("dadmin") == set()
    assert lab.listed("admin", domainid=domain) == {"q"}
    assert lab.listed("admin", domainid=lab.root) == {"p", "r"}
    assert lab.listed("admin", domainid=lab.root, isrecursive=True) == {"p", "q", "r"}
    assert lab.refused("listProjects", by="dadmin", domainid=lab.root)[0] == 531


def test_lists_by_member(lab: ProjectLab) -> None:
    lab.second_user("ann", "ann2")
    lab.join_user("ann2")
    lab.new_project("q", by="ann")
    assert lab.listed("admin", domainid=lab.root, account="joe") == {"p"}
    assert lab.listed("admin", domainid=lab.root, account="ann") == {"q"}
    assert lab.listed("admin", domainid=lab.root, username="ann2") == {"p", "q"}
    assert lab.listed("admin", domainid=lab.root, username="ann") == {"q"}
    assert lab.listed("joe", account="joe", domainid=lab.root, username="joe") == {"p"}
    for named in ({"account": "joe"}, {"username": "joe"}):
        assert "domain is not specified" in lab.refused("listProjects", by="admin", **named)[1]
    for named in ({"account": "nobody"}, {"username": "nobody"}, {"account": "joe", "username": "ann"}):
        assert lab.refused("listProjects", by="admin", domainid=lab.root, **named)[0] == 431
    for named in ({"account": "ann"}, {"username": "ann"}, {"domainid": lab.do("createDomain", name="d")["id"]}):
        assert lab.refused("listProjects", **named)[0] == 531


def test_lists_by_field(lab: ProjectLab) -> None:
    lab.new_project("q", displaytext="The second")
    suspended = lab.new_project("r")
    lab.do("suspendProject", by="joe", id=suspended)
    lab.do("createTags", resourcetype="Project", resourceids=lab.project, **{"tags[0].key": "k", "tags[0].value": "v"})
    assert lab.listed("joe", name="q") == {"q"}
    assert lab.listed("joe", displaytext="the second") == {"q"}
    assert lab.listed("joe", keyword="SECOND") == {"q"}
    assert lab.listed("joe", keyword="r") == {"r"}
    assert lab.listed("joe", state="Suspended") == {"r"}
    assert lab.listed("joe", **{"tags[0].key": "k", "tags[0].value": "v"}) == {"p"}
    assert lab.shown()["tags"][0]["key"] == "k"
    assert "vmlimit" not in lab.do("listProjects", by="joe", id=lab.project, details="min")[0]
    assert lab.do("listProjects", by="joe", id=lab.project, details="resource")[0]["vmlimit"] == "20"
    assert len(lab.do("listProjects", by="joe", page=1, pagesize=2)) == 2


def test_limits_are_left_out_where_details_are_few(lab: ProjectLab) -> None:
    lab.new_project("q", by="admin")
    for command in ("listProjects", "listAccounts", "listDomains"):
        assert "cpulimit" in lab.do(command)[0]
        assert "cpulimit" in lab.do(command, details="all")[0]
        assert "cpulimit" not in lab.do(command, details="min")[0]


def test_accounts_join_and_leave(lab: ProjectLab) -> None:
    lab.join("ann")
    lab.join("ann", roletype="Admin")
    assert lab.roles() == {"joe": "Admin", "ann": "Regular"}
    assert lab.listed("ann") == {"p"}
    lab.join("bob", roletype="admin")
    assert lab.roles()["bob"] == "Admin"
    lab.do("deleteAccountFromProject", by="bob", projectid=lab.project, account="joe")
    assert lab.roles() == {"ann": "Regular", "bob": "Admin"}


def test_who_cannot_join_or_leave(lab: ProjectLab) -> None:
    lab.cloud.account("dora", domain=lab.do("createDomain", name="d")["id"])
    this = {"projectid": lab.project}
    assert "Either accountName or email" in lab.refused("addAccountToProject", **this)[1]
    assert "Unable to find account" in lab.refused("addAccountToProject", **this, account="dora")[1]
    assert "Account information" in lab.refused("addAccountToProject", **this, email="a@b")[1]
    assert "Admin or Regular" in lab.refused("addAccountToProject", **this, account="ann", roletype="King")[1]
    assert "is the owner" in lab.refused("deleteAccountFromProject", **this, account="joe")[1]
    assert "is not assigned" in lab.refused("deleteAccountFromProject", **this, account="ann")[1]
    assert lab.refused("addAccountToProject", by="ann", **this, account="ann")[0] == 432
    lab.join("ann")
    assert lab.refused("addAccountToProject", by="ann", **this, account="bob")[0] == 531
    assert lab.refused("deleteAccountFromProject", by="ann", **this, account="ann")[0] == 531
    lab.do("suspendProject", by="joe", id=lab.project)
    assert "no longer active" in lab.refused("addAccountToProject", **this, account="bob")[1]
    assert "no longer active" in lab.refused("addUserToProject", **this, username="bob")[1]


def test_single_users_join_and_leave(lab: ProjectLab) -> None:
    second = lab.second_user("ann", "ann2")
    lab.join_user("ann2")
    lab.join_user("ann2")
    assert lab.roles() == {"joe": "Admin", "ann2": "Regular"}
    (member,) = lab.do("listProjectAccounts", by="ann2", projectid=lab.project, userid=second)
    assert (member["account"], member["username"], member["role"]) == ("ann", "ann2", "Regular")
    assert lab.listed("ann") == set()
    assert lab.refused("listProjectAccounts", by="ann", projectid=lab.project)[0] == 432
    lab.do("deleteUserFromProject", by="joe", projectid=lab.project, userid=second)
    assert lab.roles() == {"joe": "Admin"}


def test_which_users_cannot_join_or_leave(lab: ProjectLab) -> None:
    this = {"projectid": lab.project}
    dora = lab.cloud.account("dora", domain=lab.do("createDomain", name="d")["id"])["user"][0]["id"]
    joe = lab.cloud.user("joe").id
    assert "already part of the project" in lab.refused("addUserToProject", **this, username="joe")[1]
    assert "Unable to find user dora" in lab.refused("addUserToProject", **this, username="dora")[1]
    assert "Unable to find user dora" in lab.refused("deleteUserFromProject", by="admin", **this, userid=dora)[1]
    assert "is not assigned" in lab.refused("deleteUserFromProject", **this, userid=joe)[1]


def test_members_are_listed_by_role_and_account(lab: ProjectLab) -> None:
    lab.join("ann")

    def found(**params: object) -> list[str]:
        members = lab.do("listProjectAccounts", by="ann", projectid=lab.project, **params)
        return [member["account"] for member in members]

    assert found() == ["joe", "ann"]
    assert found(role="Admin") == ["joe"]
    assert found(account="ann") == ["ann"]
    assert found(keyword="nn") == ["ann"]
    reply = lab.cloud.ask("listProjectAccounts", projectid=lab.project, page=1, pagesize=1)
    assert (reply["count"], len(reply["projectaccount"])) == (2, 1)


def test_names_change(lab: ProjectLab) -> None:
    changed = lab.do("updateProject", by="joe", id=lab.project, name="n", displaytext="New")
    assert (changed["name"], changed["displaytext"]) == ("n", "New")
    lab.join("ann")
    assert lab.refused("updateProject", by="ann", id=lab.project, name="x")[0] == 531
    assert lab.refused("updateProject", by="bob", id=lab.project, name="x")[0] == 432


def test_an_account_takes_the_administrators_place(lab: ProjectLab) -> None:
    assert "doesn't belong" in lab.refused("updateProject", id=lab.project, account="ann")[1]
    lab.join("ann")
    lab.do("updateProject", by="joe", id=lab.project, account="joe")
    assert lab.roles() == {"joe": "Admin", "ann": "Regular"}
    lab.do("updateProject", by="joe", id=lab.project, account="ann")
    assert lab.roles() == {"joe": "Regular", "ann": "Admin"}
    assert lab.do("listAccounts", name="joe")[0]["projecttotal"] == 0
    lab.do("updateResourceLimit", resourcetype=5, max=0, account="joe", domainid=lab.root)
    assert lab.refused("updateProject", by="ann", id=lab.project, account="joe", name="x")[0] == 535
    assert lab.shown()["name"] == "p"


def test_several_administrators(lab: ProjectLab) -> None:
    second = lab.second_user("bob", "bob2")
    lab.join("ann")
    lab.join_user("bob2")
    this = {"id": lab.project, "swapowner": False}
    lab.do("updateProject", by="joe", **this, account="ann", roletype="Admin")
    lab.do("updateProject", by="joe", **this, userid=second, roletype="Admin")
    assert lab.roles() == {"joe": "Admin", "ann": "Admin", "bob2": "Admin"}
    lab.do("updateProject", by="bob2", **this, account="joe")
    lab.do("updateProject", by="bob2", **this, account="ann", roletype="Regular")
    assert lab.roles() == {"joe": "Regular", "ann": "Regular", "bob2": "Admin"}
    assert "only admin" in lab.refused("updateProject", by="bob2", **this, userid=second, roletype="Regular")[1]
    assert "mutually exclusive" in lab.refused("updateProject", by="bob2", **this, userid=second, account="ann")[1]
    assert "Unable to find account" in lab.refused("updateProject", by="bob2", **this, account="nobody")[1]
    assert "doesn't belong" in lab.refused("updateProject", by="bob2", **this, userid=lab.cloud.user("bob").id)[1]


def test_suspended_and_activated(lab: ProjectLab) -> None:
    assert lab.do("suspendProject", by="joe", id=lab.project)["state"] == "Suspended"
    assert lab.do("suspendProject", by="joe", id=lab.project)["state"] == "Suspended"
    assert lab.refused("createSSHKeyPair", name="k", projectid=lab.project)[0] == 531
    assert lab.do("activateProject", by="joe", id=lab.project)["state"] == "Active"
    assert lab.do("createSSHKeyPair", by="joe", name="k", projectid=lab.project)["name"] == "k"
    lab.do("suspendProject", by="joe", id=lab.project)
    assert [item["name"] for item in lab.do("listSSHKeyPairs", by="joe", projectid=lab.project)] == ["k"]
    lab.do("deleteSSHKeyPair", by="joe", name="k", projectid=lab.project)
    assert lab.do("listSSHKeyPairs", by="joe", projectid=lab.project) == []


def test_a_deleted_project_leaves_nothing(lab: ProjectLab) -> None:
    lab.join("ann")
    lab.do("createProjectRole", by="joe", projectid=lab.project, name="r")
    assert lab.refused("deleteProject", by="ann", id=lab.project)[0] == 531
    lab.do("deleteProject", by="joe", id=lab.project)
    assert lab.listed("admin", listall=True) == set()
    assert lab.refused("listProjectAccounts", by="admin", projectid=lab.project)[0] == 431
    assert lab.new_project("p")


def test_an_account_goes_only_when_it_administers_no_project(lab: ProjectLab) -> None:
    lab.join("ann")
    ann, joe = (lab.do("listAccounts", name=name)[0]["id"] for name in ("ann", "joe"))
    assert "manages the following project" in lab.refused("deleteAccount", by="admin", id=joe)[1]
    lab.do("deleteAccount", id=ann)
    assert lab.roles() == {"joe": "Admin"}


def test_projects_go_with_their_domain(lab: ProjectLab) -> None:
    domain = lab.do("createDomain", name="d")["id"]
    lab.cloud.account("dora", domain=domain)
    lab.new_project("q", by="dora")
    assert lab.refused("deleteDomain", by="admin", id=domain)[0] == 530
    lab.do("deleteDomain", id=domain, cleanup=True)
    assert lab.listed("admin", listall=True) == {"p"}


def test_domain_admins_keep_to_their_domain(lab: ProjectLab) -> None:
    domain = lab.do("createDomain", name="d")["id"]
    lab.cloud.account("dora", domain=domain)
    lab.cloud.account("dadmin", kind=2, domain=domain)
    below = lab.new_project("q", by="dora")
    assert lab.do("updateProject", by="dadmin", id=below, name="n")["name"] == "n"
    assert lab.refused("updateProject", by="dadmin", id=lab.project, name="n")[0] == 531
    assert lab.refused("listProjectAccounts", by="dadmin", projectid=lab.project)[0] == 531
