"""A project's own roles, and what they let members call."""

from __future__ import annotations

import pytest
from projectlab import ProjectLab


@pytest.fixture
def lab() -> ProjectLab:
    return ProjectLab()


def new_role(lab: ProjectLab, **rules: str) -> str:
    """A role with rules, in their order; `list_all` stands for `list*`."""
    role = lab.do("createProjectRole", by="joe", projectid=lab.project, name="r", description="d")["id"]
    for rule, permission in rules.items():
        add_rule(lab, role, rule.replace("_all", "*"), permission)
    return str(role)


def add_rule(lab: ProjectLab, role: str, rule: str, permission: str) -> str:
    made = lab.do(
        "createProjectRolePermission",
        by="joe",
        projectid=lab.project,
        projectroleid=role,
        rule=rule,
        permission=permission,
    )
    return str(made["id"])


def test_roles_are_made_changed_and_deleted(lab: ProjectLab) -> None:
    this = {"by": "joe", "projectid": lab.project}
    role = lab.do("createProjectRole", **this, name="r")
    assert (role["name"], role["projectid"]) == ("r", lab.project)
    assert "already" in lab.refused("createProjectRole", **this, name="R")[1]
    other = lab.do("createProjectRole", **this, name="s")["id"]
    assert [item["name"] for item in lab.do("listProjectRoles", **this)] == ["r", "s"]
    assert [item["name"] for item in lab.do("listProjectRoles", **this, name="s")] == ["s"]
    assert [item["name"] for item in lab.do("listProjectRoles", **this, projectroleid=other)] == ["s"]
    assert [item["name"] for item in lab.do("listProjectRoles", **this, keyword="r")] == ["r"]
    changed = lab.do("updateProjectRole", **this, id=other, name="t", description="new")
    assert (changed["name"], changed["description"]) == ("t", "new")
    assert "already" in lab.refused("updateProjectRole", **this, id=other, name="r")[1]
    lab.do("deleteProjectRole", **this, id=other)
    assert [item["name"] for item in lab.do("listProjectRoles", **this)] == ["r"]


def test_rules_are_made_ordered_and_deleted(lab: ProjectLab) -> None:
    role = new_role(lab)
    this = {"by": "joe", "projectid": lab.project, "projectroleid": role}
    first, second = add_rule(lab, role, "listVolumes", "allow"), add_rule(lab, role, "list*", "Deny")

    def listed() -> list[tuple[str, str]]:
        return [(item["rule"], item["permission"]) for item in lab.do("listProjectRolePermissions", **this)]

    assert listed() == [("listVolumes", "allow"), ("list*", "deny")]
    lab.do("updateProjectRolePermission", **this, ruleorder=f"{second},{first}")
    assert listed() == [("list*", "deny"), ("listVolumes", "allow")]
    lab.do("updateProjectRolePermission", **this, projectrolepermissionid=first, permission="deny")
    lab.do("deleteProjectRolePermission", by="joe", projectid=lab.project, id=second)
    assert listed() == [("listVolumes", "deny")]
    (rule,) = lab.do("listProjectRolePermissions", by="joe", projectid=lab.project)
    assert (rule["projectroleid"], rule["projectrolename"], rule["projectid"]) == (role, "r", lab.project)


def test_which_rules_are_refused(lab: ProjectLab) -> None:
    role = new_role(lab)
    this = {"by": "joe", "projectid": lab.project, "projectroleid": role}
    first, second = add_rule(lab, role, "listVolumes", "allow"), add_rule(lab, role, "listNics", "allow")
    rule = {"rule": "listVMs", "permission": "allow"}
    assert "already exist" in lab.refused("createProjectRolePermission", **this, **rule | {"rule": "listvolumes"})[1]
    assert "Invalid rule" in lab.refused("createProjectRolePermission", **this, **rule | {"rule": "a b"})[1]
    assert "allow or deny" in lab.refused("createProjectRolePermission", **this, **rule | {"permission": "x"})[1]
    update = "updateProjectRolePermission"
    assert "exclusive" in lab.refused(update, **this, ruleorder=f"{second},{first}", permission="deny")[1]
    assert "list has changed" in lab.refused(update, **this, ruleorder=first)[1]
    assert "invalid rule id" in lab.refused(update, **this, permission="deny")[1]
    assert "allow or deny" in lab.refused(update, **this, projectrolepermissionid=first, permission="x")[1]


def test_roles_and_rules_of_another_project_are_refused(lab: ProjectLab) -> None:
    role = new_role(lab)
    rule = add_rule(lab, role, "listNics", "deny")
    other = {"by": "joe", "projectid": lab.new_project("q")}
    assert lab.refused("updateProjectRole", **other, id=role, name="x")[0] == 431
    assert lab.refused("deleteProjectRole", **other, id=role)[0] == 431
    assert lab.refused("deleteProjectRolePermission", **other, id=rule)[0] == 431
    assert lab.refused("addAccountToProject", **other, account="ann", projectroleid=role)[0] == 431
    assert lab.do("listProjectRoles", **other) == []


def test_only_who_administers_the_project_changes_roles(lab: ProjectLab) -> None:
    role = new_role(lab)
    lab.join("ann")
    this = {"projectid": lab.project}
    assert [item["id"] for item in lab.do("listProjectRoles", by="ann", **this)] == [role]
    assert lab.refused("createProjectRole", by="ann", **this, name="s")[0] == 531
    assert lab.refused("deleteProjectRole", by="ann", **this, id=role)[0] == 531
    assert lab.refused("listProjectRoles", by="bob", **this)[0] == 432
    lab.cloud.account("dadmin", kind=2, domain=lab.do("createDomain", name="d")["id"])
    assert lab.refused("listProjectRoles", by="dadmin", **this)[0] == 531


def test_a_role_that_members_have_stays(lab: ProjectLab) -> None:
    role = new_role(lab)
    lab.join("ann", projectroleid=role)
    (member,) = lab.do("listProjectAccounts", projectid=lab.project, projectroleid=role)
    assert (member["account"], member["projectroleid"]) == ("ann", role)
    assert "in use" in lab.refused("deleteProjectRole", projectid=lab.project, id=role)[1]
    lab.do("deleteAccountFromProject", by="joe", projectid=lab.project, account="ann")
    lab.do("deleteProjectRole", by="joe", projectid=lab.project, id=role)


def test_a_role_forbids_within_its_project_only(lab: ProjectLab) -> None:
    role = new_role(lab, listVolumes="allow", list_all="deny")
    lab.join("ann", projectroleid=role)
    assert lab.do("listVolumes", by="ann", projectid=lab.project) == []
    code, text = lab.refused("listPublicIpAddresses", by="ann", projectid=lab.project)
    assert (code, "listPublicIpAddresses is denied" in text) == (401, True)
    assert lab.do("listPublicIpAddresses", by="ann") == []
    assert lab.do("createSSHKeyPair", by="ann", name="k", projectid=lab.project)["name"] == "k"


def test_a_role_binds_single_users_and_no_administrators(lab: ProjectLab) -> None:
    role = new_role(lab, listVolumes="deny")
    lab.second_user("ann", "ann2")
    lab.join_user("ann2", projectroleid=role)
    assert lab.refused("listVolumes", by="ann2", projectid=lab.project)[0] == 401
    assert lab.refused("listVolumes", by="ann", projectid=lab.project)[0] == 432
    lab.join("bob", projectroleid=role, roletype="Admin")
    assert lab.do("listVolumes", by="bob", projectid=lab.project) == []
    assert lab.do("listVolumes", by="admin", projectid=lab.project) == []


def test_an_invitation_brings_the_role(lab: ProjectLab) -> None:
    role = new_role(lab, listVolumes="deny")
    lab.require_invitations()
    lab.join("ann", projectroleid=role)
    lab.do("updateProjectInvitation", by="ann", projectid=lab.project)
    assert lab.refused("listVolumes", by="ann", projectid=lab.project)[0] == 401
