"""Projects: who is in them, what they own, how they end."""

from __future__ import annotations

from typing import Any

import pytest
from vmlab import VmLab


@pytest.fixture
def lab() -> VmLab:
    return VmLab(hosts=1)


@pytest.fixture
def project(lab: VmLab) -> str:
    return str(lab.do("createProject", name="p", displaytext="P", **lab.mine)["id"])


def members(lab: VmLab, project: str) -> dict[str, str]:
    return {item["account"]: item["role"] for item in lab.do("listProjectAccounts", projectid=project)}


def test_a_project_is_its_makers(lab: VmLab, project: str) -> None:
    shown = lab.one("listProjects", id=project)
    assert (shown["name"], shown["state"], shown["owner"]) == ("p", "Active", [{"account": "joe"}])
    assert members(lab, project) == {"joe": "Admin"}
    assert lab.code("createProject", name="p", displaytext="again", **lab.mine) == 431
    assert lab.count(5) == 1
    lab.do("updateResourceLimit", resourcetype=5, max=1, **lab.mine)
    assert lab.code("createProject", name="q", displaytext="q", **lab.mine) == 535
    lab.do("updateConfiguration", name="allow.user.create.projects", value="false")
    assert lab.code("createProject", by="joe", name="q", displaytext="q") == 531


def test_members_come_and_go(lab: VmLab, project: str) -> None:
    lab.account("ann")
    assert lab.do("listProjects", by="ann") == []
    assert lab.code("addAccountToProject", by="ann", projectid=project, account="ann") == 531
    lab.do("addAccountToProject", by="joe", projectid=project, account="ann")
    assert members(lab, project) == {"joe": "Admin", "ann": "Regular"}
    assert [item["id"] for item in lab.do("listProjects", by="ann", username="ann")] == [project]
    assert lab.code("updateProject", by="ann", id=project, displaytext="mine") == 531
    for wrong in ({"account": "nobody"}, {"account": "ann", "roletype": "Queen"}, {"email": "a@example.org"}):
        assert lab.code("addAccountToProject", projectid=project, **wrong) == 431
    assert lab.code("deleteAccountFromProject", projectid=project, account="joe") == 431, "the last admin"
    lab.do("updateProject", id=project, account="ann")
    assert members(lab, project) == {"joe": "Regular", "ann": "Admin"}
    lab.do("updateProject", id=project, account="joe", swapowner=False, roletype="Admin")
    lab.do("deleteAccountFromProject", projectid=project, account="ann")
    assert members(lab, project) == {"joe": "Admin"}
    assert lab.code("deleteAccountFromProject", projectid=project, account="ann") == 431
    assert lab.code("updateProject", id=project, account="ann") == 431
    assert lab.code("listProjectAccounts", by="ann", projectid=project) == 531


def test_what_it_owns_is_seen_through_it(lab: VmLab, project: str) -> None:
    wanted: dict[str, Any] = {"name": "d", "zoneid": lab.zone, "diskofferingid": lab.disk}
    volume = lab.do("createVolume", by="joe", projectid=project, **wanted)
    assert (volume["projectid"], volume["project"]) == (project, "p")
    assert "account" not in volume
    assert [item["id"] for item in lab.do("listVolumes", by="joe", projectid=project)] == [volume["id"]]
    assert [item["id"] for item in lab.do("listVolumes", by="joe", projectid="-1")] == [volume["id"]]
    assert lab.do("listVolumes", **lab.mine) == []
    lab.account("ann")
    assert lab.code("listVolumes", by="ann", projectid=project) == 531
    assert lab.code("createVolume", by="ann", projectid=project, **wanted) == 531
    assert lab.code("deleteProject", id=project) == 530
    assert lab.do("deleteProject", id=project, cleanup=True) is True
    assert lab.code("listVolumes", id=volume["id"]) == 431
    assert lab.code("listProjects", id=project) == 431


def test_suspension_stops_its_vms(lab: VmLab, project: str) -> None:
    offering = lab.one("listNetworkOfferings", name="DefaultIsolatedNetworkOfferingWithSourceNatService")["id"]
    network = lab.do(
        "createNetwork", name="n", displaytext="n", zoneid=lab.zone, networkofferingid=offering, projectid=project
    )["id"]
    wanted = {"serviceofferingid": lab.small, "templateid": lab.template, "zoneid": lab.zone, "networkids": network}
    vm = lab.do("deployVirtualMachine", projectid=project, **wanted)
    assert lab.one("listProjects", id=project)["vmrunning"] == 1
    assert lab.do("suspendProject", id=project)["state"] == "Suspended"
    (stopped,) = lab.do("listVirtualMachines", projectid=project, id=vm["id"])
    assert stopped["state"] == "Stopped"
    assert lab.code("deployVirtualMachine", projectid=project, **wanted) == 531
    assert lab.do("activateProject", id=project)["state"] == "Active"
    assert lab.do("startVirtualMachine", id=vm["id"])["state"] == "Running"
    assert lab.do("updateProject", id=project, name="q", displaytext="Q")["displaytext"] == "Q"


def test_jobs_are_found_by_their_command(lab: VmLab, project: str) -> None:
    found = lab.do("listAsyncJobs", listall=True, keyword="createproject")
    assert [item["jobinstanceid"] for item in found] == [project]
