"""Invitations to projects."""

from __future__ import annotations

import pytest
from projectlab import ProjectLab

from pytest_qacloud.rack.cloudstack.models.projects import ProjectInvitation


@pytest.fixture
def lab() -> ProjectLab:
    lab = ProjectLab()
    lab.require_invitations()
    return lab


def states(lab: ProjectLab, by: str = "joe", **params: object) -> list[str]:
    named = {"projectid": lab.project} if by in ("joe", "admin") else {}
    return [item["state"] for item in lab.do("listProjectInvitations", by=by, **named, **params)]


def token(lab: ProjectLab) -> str:
    """What would have been in the mail."""
    found = lab.cloud.server.store.all(ProjectInvitation, lambda invitation: invitation.token is not None)
    assert found[-1].token is not None
    return found[-1].token


def test_an_account_is_in_only_when_it_has_accepted(lab: ProjectLab) -> None:
    lab.join("ann", roletype="Admin")
    assert lab.roles() == {"joe": "Admin"}
    (invitation,) = lab.do("listProjectInvitations", by="ann")
    assert (invitation["state"], invitation["account"], invitation["project"]) == ("Pending", "ann", "p")
    assert (invitation["projectid"], invitation["domainpath"]) == (lab.project, "ROOT")
    lab.do("updateProjectInvitation", by="ann", projectid=lab.project)
    assert lab.roles() == {"joe": "Admin", "ann": "Admin"}
    assert states(lab) == ["Completed"]
    assert states(lab, activeonly=True) == []


def test_an_invitation_can_be_declined_and_made_again(lab: ProjectLab) -> None:
    lab.join("ann")
    this = {"projectid": lab.project, "account": "ann"}
    assert "pending invitation" in lab.refused("addAccountToProject", **this)[1]
    lab.do("updateProjectInvitation", by="ann", **this, accept=False)
    assert states(lab) == ["Declined"]
    assert "Unable to find invitation" in lab.refused("updateProjectInvitation", by="ann", **this)[1]
    lab.join("ann")
    assert states(lab) == ["Pending"]


def test_an_invitation_ends_by_itself(lab: ProjectLab) -> None:
    lab.do("updateConfiguration", name="project.invite.timeout", value=300)
    lab.join("ann")
    lab.cloud.clock.time += 200
    assert states(lab) == ["Pending"]
    lab.cloud.clock.time += 100
    assert states(lab) == ["Expired"]
    assert lab.refused("updateProjectInvitation", by="ann", projectid=lab.project)[0] == 431
    lab.join("ann")
    assert states(lab, state="Pending") == ["Pending"]
    assert states(lab, state="Expired") == []


def test_one_user_is_invited_without_the_others(lab: ProjectLab) -> None:
    second = lab.second_user("ann", "ann2")
    lab.join_user("ann2")
    assert states(lab, by="ann") == []
    assert states(lab, by="ann2") == ["Pending"]
    assert lab.refused("updateProjectInvitation", by="ann", projectid=lab.project)[0] == 431
    lab.do("updateProjectInvitation", by="ann2", projectid=lab.project, userid=second)
    assert lab.roles() == {"joe": "Admin", "ann2": "Regular"}
    lab.do("deleteUserFromProject", by="joe", projectid=lab.project, userid=second)
    assert states(lab, by="ann2") == []


def test_a_users_invitation_is_taken_back(lab: ProjectLab) -> None:
    second = lab.second_user("ann", "ann2")
    lab.join_user("ann2")
    assert "is not assigned" in lab.refused("deleteUserFromProject", projectid=lab.project, userid=second)[1]
    assert states(lab, by="ann2") == []


def test_who_leaves_can_be_invited_again(lab: ProjectLab) -> None:
    lab.join("ann")
    lab.do("updateProjectInvitation", projectid=lab.project, account="ann")
    lab.do("deleteAccountFromProject", by="joe", projectid=lab.project, account="ann")
    assert lab.roles() == {"joe": "Admin"}
    lab.join("ann")
    assert states(lab) == ["Pending"]


def test_an_address_is_invited_by_a_token(lab: ProjectLab) -> None:
    this = {"projectid": lab.project}
    code, text = lab.refused("addAccountToProject", **this, email="ann@example.org")
    assert (code, "project.smtp.host" in text) == (530, True)
    lab.do("updateConfiguration", name="project.smtp.host", value="mail.example.org")
    lab.do("addAccountToProject", by="joe", **this, email="ann@example.org")
    (invitation,) = lab.do("listProjectInvitations", by="joe", **this)
    assert invitation["email"] == "ann@example.org"
    assert not {"account", "token"} & set(invitation)
    assert "for email" in lab.refused("addAccountToProject", **this, email="ann@example.org")[1]
    assert lab.refused("updateProjectInvitation", by="ann", **this, token="WRONG")[0] == 431
    lab.do("updateProjectInvitation", by="ann", **this, token=token(lab))
    assert lab.roles() == {"joe": "Admin", "ann": "Regular"}


def test_a_user_is_invited_at_an_address(lab: ProjectLab) -> None:
    lab.do("updateConfiguration", name="project.smtp.host", value="mail.example.org")
    lab.second_user("ann", "ann2")
    lab.join_user("ann2", email="ann2@example.org")
    lab.do("updateProjectInvitation", by="ann2", projectid=lab.project, token=token(lab))
    assert lab.roles() == {"joe": "Admin", "ann2": "Regular"}


def test_nobody_answers_for_others(lab: ProjectLab) -> None:
    lab.join("ann")
    this = {"projectid": lab.project}
    dora = lab.cloud.account("dora", domain=lab.do("createDomain", name="d")["id"])["user"][0]["id"]
    assert lab.refused("updateProjectInvitation", by="bob", **this, account="ann")[0] == 531
    assert lab.refused("updateProjectInvitation", by="bob", **this, account="nobody")[0] == 431
    assert "Unable to find user dora" in lab.refused("updateProjectInvitation", by="admin", **this, userid=dora)[1]
    assert states(lab) == ["Pending"]


def test_who_sees_which_invitations(lab: ProjectLab) -> None:
    lab.join("ann")
    domain = lab.do("createDomain", name="d")["id"]
    lab.cloud.account("dadmin", kind=2, domain=domain)

    def count(by: str, **params: object) -> int:
        return len(lab.do("listProjectInvitations", by=by, **params))

    assert count("admin") == 0
    assert count("admin", listall=True) == 1
    assert count("admin", account="ann", domainid=lab.root) == 1
    assert count("admin", domainid=lab.root) == 1
    assert count("admin", domainid=domain, listall=True) == 0
    assert count("dadmin", listall=True) == 0
    assert count("bob", listall=True) == 0
    assert lab.refused("listProjectInvitations", by="bob", account="ann", domainid=lab.root)[0] == 531
    assert lab.refused("listProjectInvitations", by="bob", domainid=domain)[0] == 531
    assert lab.refused("listProjectInvitations", by="bob", projectid=lab.project)[0] == 432


def test_an_invitation_is_deleted_by_who_may_change_the_project(lab: ProjectLab) -> None:
    lab.join("ann")
    (invitation,) = lab.do("listProjectInvitations", by="ann")
    assert lab.refused("deleteProjectInvitation", by="ann", id=invitation["id"])[0] == 531
    lab.do("deleteProjectInvitation", by="joe", id=invitation["id"])
    assert states(lab) == []
    assert lab.refused("updateProjectInvitation", by="ann", projectid=lab.project)[0] == 431


def test_accepting_twice_over_changes_nothing(lab: ProjectLab) -> None:
    lab.join("ann")
    lab.do("updateConfiguration", name="project.invite.required", value=False)
    lab.join("ann", roletype="Admin")
    lab.do("updateProjectInvitation", by="ann", projectid=lab.project)
    assert lab.roles() == {"joe": "Admin", "ann": "Admin"}
