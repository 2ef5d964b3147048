"""What projects own: who sees and uses it, how much there may be, what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest
from projectlab import ProjectLab
from vmlab import ISOLATED, VmLab


class Lab(VmLab):
    """A zone whose account `joe` has the project `p`, with `ann` in it."""

    def __init__(self) -> None:
        super().__init__()
        self.projects = ProjectLab(self.cloud)
        self.project = self.projects.project
        self.projects.join("ann")

    def key(self, name: str, by: str = "joe") -> None:
        self.do("createSSHKeyPair", by=by, name=name, projectid=self.project)

    def volume_by(self, by: str, **params: object) -> dict[str, Any]:
        named = {"name": "data", "diskofferingid": self.disk, "zoneid": self.zone, "projectid": self.project}
        made = self.do("createVolume", by=by, **{**named, **params})
        assert isinstance(made, dict)
        return made

    def vm_by(self, by: str) -> dict[str, Any]:
        """A VM of the project, with a network of its own."""
        offering = self.one("listNetworkOfferings", name=ISOLATED)["id"]
        wanted = {"zoneid": self.zone, "projectid": self.project}
        network = self.do("createNetwork", by=by, name="n", networkofferingid=offering, **wanted)["id"]
        made = self.do(
            "deployVirtualMachine",
            by=by,
            serviceofferingid=self.small,
            templateid=self.template,
            networkids=network,
            **wanted,
        )
        assert isinstance(made, dict)
        return made

    def ids(self, command: str, by: str, **params: object) -> set[str]:
        return {item["id"] for item in self.do(command, by=by, **params)}


@pytest.fixture
def lab() -> Lab:
    return Lab()


def test_what_a_project_owns_is_seen_through_it(lab: Lab) -> None:
    volume = lab.volume_by("ann")
    assert (volume["projectid"], volume["project"]) == (lab.project, "p")
    assert "account" not in volume
    for by in ("joe", "ann", "admin"):
        assert lab.ids("listVolumes", by, projectid=lab.project) == {volume["id"]}
        assert lab.ids("listVolumes", by, listall=True) == set()
        assert lab.ids("listVolumes", by, id=volume["id"]) == {volume["id"]}
        assert lab.ids("listVolumes", by, projectid=-1) == {volume["id"]}
    assert lab.ids("listVolumes", "bob", projectid=-1) == set()
    assert lab.ids("listVolumes", "bob", id=volume["id"]) == set()
    assert lab.projects.refused("listVolumes", by="bob", projectid=lab.project)[0] == 432


def test_members_use_it_and_others_do_not(lab: Lab) -> None:
    volume = lab.volume_by("joe")["id"]
    assert lab.projects.refused("deleteVolume", by="bob", id=volume)[0] == 531
    lab.do("deleteVolume", by="ann", id=volume)
    assert lab.ids("listVolumes", "joe", projectid=lab.project) == set()


def test_a_single_member_leaves_the_rest_of_its_account_out(lab: Lab) -> None:
    lab.projects.second_user("bob", "bob2")
    lab.projects.join_user("bob2")
    volume = lab.volume_by("bob2")["id"]
    assert lab.ids("listVolumes", "bob2", projectid=-1) == {volume}
    assert lab.ids("listVolumes", "bob", projectid=-1) == set()
    assert lab.ids("listVolumes", "bob", id=volume) == set()
    assert lab.projects.refused("deleteVolume", by="bob", id=volume)[0] == 531
    lab.do("deleteVolume", by="bob2", id=volume)


def test_nobody_names_a_project_and_an_account(lab: Lab) -> None:
    both = {"name": "k", "projectid": lab.project, "account": "joe", "domainid": lab.projects.root}
    assert "can't be specified together" in lab.projects.refused("createSSHKeyPair", **both)[1]


def test_a_project_has_limits_and_counts_of_its_own(lab: Lab) -> None:
    limit = {"resourcetype": 2, "projectid": lab.project}
    changed = lab.do("updateResourceLimit", **limit, max=1)
    assert (changed["projectid"], changed["project"], changed["max"]) == (lab.project, "p", 1)
    assert "account" not in changed
    lab.volume_by("joe")
    named = {"name": "x", "diskofferingid": lab.disk, "zoneid": lab.zone, "projectid": lab.project}
    assert lab.projects.refused("createVolume", **named)[0] == 535
    shown = lab.projects.shown()
    assert (shown["volumelimit"], shown["volumetotal"], shown["volumeavailable"]) == ("1", 1, "0")
    assert lab.one("listAccounts", name="joe")["volumetotal"] == 0
    assert lab.one("listResourceLimits", **limit)["max"] == 1
    assert lab.one("updateResourceCount", **limit, domainid=lab.projects.root)["resourcecount"] == 1
    lab.cloud.account("rita", kind=3)
    lab.projects.join("rita")
    assert lab.projects.refused("updateResourceLimit", by="rita", **limit, max=2)[0] == 531
    lab.do("updateConfiguration", name="max.project.snapshots", value=7)
    assert lab.projects.shown()["snapshotlimit"] == "7"


def test_a_project_keeps_within_its_domains_limit(lab: Lab) -> None:
    domain = lab.do("createDomain", name="d")["id"]
    lab.cloud.account("dora", domain=domain)
    lab.project = lab.projects.new_project("q", by="dora")
    lab.do("updateResourceLimit", resourcetype=2, domainid=domain, max=1)
    lab.do("updateResourceLimit", resourcetype=2, projectid=lab.project, max=2)
    lab.volume_by("dora")
    named = {"name": "x", "diskofferingid": lab.disk, "zoneid": lab.zone, "projectid": lab.project}
    assert lab.projects.refused("createVolume", by="dora", **named)[0] == 535


def test_a_domain_admin_keeps_out_of_projects_elsewhere(lab: Lab) -> None:
    lab.cloud.account("dadmin", kind=2, domain=lab.do("createDomain", name="d")["id"])
    assert lab.projects.refused("createSSHKeyPair", by="dadmin", name="k", projectid=lab.project)[0] == 531
    lab.volume_by("joe")
    assert lab.projects.refused("listVolumes", by="dadmin", projectid=lab.project)[0] == 531


def test_a_project_without_a_network_gets_one_for_its_first_vm(lab: Lab) -> None:
    wanted = {"serviceofferingid": lab.small, "templateid": lab.template, "zoneid": lab.zone}
    vm = lab.do("deployVirtualMachine", **wanted, projectid=lab.project)
    assert (vm["state"], vm["projectid"]) == ("Running", lab.project)
    assert lab.one("listNetworks", projectid=lab.project)["id"] == vm["nic"][0]["networkid"]


def test_its_vms_stop_when_it_is_suspended(lab: Lab) -> None:
    vm = lab.vm_by("joe")["id"]
    mine = lab.deploy()["id"]
    assert lab.projects.shown()["vmrunning"] == 1
    lab.do("suspendProject", by="joe", id=lab.project)
    assert (lab.vm(vm)["state"], lab.vm(mine)["state"]) == ("Stopped", "Running")
    assert lab.projects.refused("startVirtualMachine", id=vm)[0] == 531
    named = {"name": "x", "diskofferingid": lab.disk, "zoneid": lab.zone, "projectid": lab.project}
    assert lab.projects.refused("createVolume", **named)[0] == 531
    shown = lab.do("activateProject", by="joe", id=lab.project)
    assert (shown["vmrunning"], shown["vmstopped"]) == (0, 1)
    assert lab.do("startVirtualMachine", by="joe", id=vm)["state"] == "Running"


def test_only_an_empty_project_is_deleted_without_cleanup(lab: Lab) -> None:
    volume = lab.volume_by("joe")["id"]
    code, text = lab.projects.refused("deleteProject", id=lab.project)
    assert (code, "1 Volume to clean up" in text) == (530, True)
    lab.do("deleteVolume", by="joe", id=volume)
    lab.do("deleteProject", by="joe", id=lab.project)
    assert lab.projects.listed("joe") == set()


def test_cleanup_takes_all_that_it_owns(lab: Lab) -> None:
    vm = lab.vm_by("joe")["id"]
    mine = lab.deploy()["id"]
    assert "1 VirtualMachine to clean up" in lab.projects.refused("deleteProject", id=lab.project)[1]
    lab.do("deleteProject", by="joe", id=lab.project, cleanup=True)
    assert lab.do("listVirtualMachines", id=mine)[0]["state"] == "Running"
    assert lab.do("listVirtualMachines", id=vm) == []
    assert [item["id"] for item in lab.do("listNetworks", listall=True, projectid=-1)] == []
