"""Extensions, the clusters that they run, and their custom actions."""

from __future__ import annotations

from typing import Any

import pytest
from vmlab import VmLab

from pytest_qacloud.rack.cloudstack.models.topology import Cluster


@pytest.fixture
def lab() -> VmLab:
    return VmLab(hosts=1)


def extension(lab: VmLab, name: str = "My Ext", **params: object) -> dict[str, Any]:
    made = lab.do("createExtension", name=name, type="Orchestrator", **params)
    assert isinstance(made, dict)
    return made


def external_cluster(lab: VmLab, name: str = "ext") -> str:
    added = lab.do(
        "addCluster", zoneid=lab.zone, podid=lab.built.pod, clustername=name, hypervisor="External",
        clustertype="CloudManaged",
    )  # fmt: skip
    return str(added[0]["id"])


def action(lab: VmLab, owner: str, name: str = "dump", **params: object) -> dict[str, Any]:
    made = lab.do("addCustomAction", extensionid=owner, name=name, **params)
    assert isinstance(made, dict)
    return made


def test_an_extension_lives(lab: VmLab) -> None:
    made = extension(lab, **{"details[0].a": "b"})
    assert made == {**made, "state": "Enabled", "pathready": True, "isuserdefined": True, "details": {"a": "b"}}
    assert made["path"].endswith("/my_ext/my_ext.sh")
    changed = lab.do("updateExtension", id=made["id"], state="Disabled", description="d", **{"details[0].c": "d"})
    assert (changed["state"], changed["description"], changed["details"]) == ("Disabled", "d", {"c": "d"})
    assert lab.do("updateExtension", id=made["id"], cleanupdetails=True)["details"] == {}
    names = [item["name"] for item in lab.do("listExtensions")]
    assert names == ["My Ext", "HyperV", "Proxmox"]
    assert "resources" not in lab.one("listExtensions", id=made["id"], details="min")
    assert "details" not in lab.one("listExtensions", id=made["id"], details="resource")
    assert lab.do("deleteExtension", id=made["id"]) is True
    assert lab.cloud.refused("createExtension", by="joe", name="x", type="Orchestrator").code == 432


@pytest.mark.parametrize(
    ("path", "expected"),
    [("run.py", "e/run.py"), ("/e/a/run.py", "e/a/run.py"), ("e", "e/e"), ("a\\run.py", "e/a/run.py")],
)
def test_a_script_is_in_the_extensions_folder(lab: VmLab, path: str, expected: str) -> None:
    assert extension(lab, "e", path=path)["path"].endswith(f"/extensions/{expected}")


def test_wrong_extensions(lab: VmLab) -> None:
    made = extension(lab, "e")
    for wrong, code in (
        ({"name": "e"}, 530),
        ({"type": "Magic"}, 530),
        ({"state": "Tired"}, 431),
        ({"path": "a/b/c/run.py"}, 431),
        ({"path": "../run.py"}, 431),
    ):
        assert lab.code("createExtension", **{"name": "f", "type": "Orchestrator", **wrong}) == code, wrong
    assert lab.code("updateExtension", id=made["id"], state="Tired") == 431
    assert lab.code("listExtensions", details="everything") == 431
    built_in = lab.one("listExtensions", name="Proxmox")
    assert lab.code("deleteExtension", id=built_in["id"]) == 431


def test_an_extension_runs_clusters(lab: VmLab) -> None:
    one, two, cluster = extension(lab, "one")["id"], extension(lab, "two")["id"], external_cluster(lab)
    there = {"resourceid": cluster, "resourcetype": "Cluster"}
    made = lab.do("registerExtension", extensionid=one, **there, **{"details[0].a": "b"})
    (resource,) = made["resources"]
    assert (resource["id"], resource["name"], resource["details"]) == (cluster, "ext", {"a": "b"})
    for extension_id in (one, two):
        assert lab.code("registerExtension", extensionid=extension_id, **there) == 530
    assert lab.code("deleteExtension", id=one) == 530
    lab.do("unregisterExtension", extensionid=two, **there)
    assert lab.one("listExtensions", id=one)["resources"], "it is another's"
    assert lab.do("unregisterExtension", extensionid=one, **there)["resources"] == []
    for wrong, code in (
        ({"resourcetype": "Host"}, 431),
        ({"resourceid": "nothing"}, 431),
        ({"resourceid": lab.built.cluster}, 530),
    ):
        assert lab.code("registerExtension", extensionid=one, **{**there, **wrong}) == code
    lab.do("registerExtension", extensionid=one, **there)
    lab.do("deleteCluster", id=cluster)
    assert lab.one("listExtensions", id=one)["resources"] == []


def test_a_custom_action_lives(lab: VmLab) -> None:
    owner = extension(lab)["id"]
    made = action(
        lab, owner, allowedroletypes="user",
        **{"parameters[0].name": "Name", "parameters[0].type": "string", "parameters[0].required": "true"},
    )  # fmt: skip
    assert (made["resourcetype"], made["enabled"], made["timeout"]) == ("VirtualMachine", False, 3)
    assert made["allowedroletypes"] == ["Admin", "User"]
    assert made["parameters"] == [{"name": "Name", "type": "STRING", "validationformat": "NONE", "required": True}]
    changed = lab.do(
        "updateCustomAction", id=made["id"], enabled=True, description="d", allowedroletypes="Admin",
        **{
            "parameters[0].name": "n", "parameters[0].type": "NUMBER", "parameters[0].valueoptions": "1, 2",
            "details[0].a": "b",
        },
    )  # fmt: skip
    assert changed["parameters"][0]["valueoptions"] == [1, 2]
    assert (changed["enabled"], changed["details"]) == (True, {"a": "b"})
    assert lab.cloud.do("listCustomActions", by="joe") == []
    bare = lab.do("updateCustomAction", id=made["id"], cleanupparameters=True, cleanupdetails=True)
    assert (bare["parameters"], bare["details"]) == ([], {})
    assert [item["id"] for item in lab.do("listCustomActions", extensionid=owner, enabled=True)] == [made["id"]]
    assert lab.code("deleteExtension", id=owner) == 530
    assert lab.do("deleteCustomAction", id=made["id"]) is True
    assert lab.do("listCustomActions") == []


def test_wrong_actions(lab: VmLab) -> None:
    owner = extension(lab)["id"]
    action(lab, owner)
    for wrong, code in (
        ({"name": "dump"}, 530),
        ({"name": "a/b"}, 431),
        ({"resourcetype": "Host"}, 431),
        ({"allowedroletypes": "Pope"}, 431),
    ):
        assert lab.code("addCustomAction", **{"extensionid": owner, "name": "x", **wrong}) == code, wrong


@pytest.mark.parametrize(
    "row",
    [
        {"type": "STRING"},
        {"name": "n"},
        {"name": "n", "type": "COLOUR"},
        {"name": "n", "type": "NUMBER", "validationformat": "EMAIL"},
        {"name": "n", "type": "STRING", "validationformat": "SMELL"},
        {"name": "n", "type": "NUMBER", "valueoptions": "1,x"},
        {"name": "n", "type": "BOOLEAN", "valueoptions": "true"},
        {"name": "n", "type": "STRING", "validationformat": "UUID", "valueoptions": "x"},
    ],
)
def test_parameters_that_cannot_be_declared(lab: VmLab, row: dict[str, str]) -> None:
    params = {f"parameters[0].{name}": value for name, value in row.items()}
    assert lab.code("addCustomAction", extensionid=extension(lab)["id"], name="x", **params) == 431


class Running:
    """A VM in an extension's cluster, and an action on it. External systems are simulated nowhere else."""

    def __init__(self, lab: VmLab, **params: Any) -> None:
        self.lab, self.vm = lab, lab.deploy()["id"]
        self.owner = extension(lab)["id"]
        cluster = lab.cloud.server.store.get(Cluster, lab.built.cluster)
        assert cluster is not None
        cluster.hypervisortype = "External"
        lab.do("registerExtension", extensionid=self.owner, resourceid=cluster.id, resourcetype="Cluster")
        self.action = action(lab, self.owner, enabled=True, allowedroletypes="User", **params)["id"]

    def params(self, **given: object) -> dict[str, object]:
        return {"customactionid": self.action, "resourceid": self.vm, **given}


def test_a_new_script_knows_no_action(lab: VmLab) -> None:
    running = Running(lab, errormessage="{{actionName}} of {{extensionName}} failed")
    result = lab.do("runCustomAction", by="joe", **running.params())
    assert (result["success"], result["name"]) == (False, "dump")
    assert result["result"]["message"] == "dump of My Ext failed"
    assert "Invalid action" in result["result"]["details"]
    listed = lab.do("listCustomActions", by="joe", resourcetype="VirtualMachine", resourceid=running.vm)
    assert [item["id"] for item in listed] == [running.action]


def test_values_are_checked(lab: VmLab) -> None:
    rows = (
        {"name": "who", "type": "STRING", "required": "true", "validationformat": "EMAIL"},
        {"name": "count", "type": "NUMBER", "valueoptions": "1,2"},
        {"name": "share", "type": "NUMBER", "validationformat": "DECIMAL"},
        {"name": "sure", "type": "BOOLEAN"},
        {"name": "when", "type": "DATE"},
        {"name": "which", "type": "STRING", "validationformat": "UUID"},
        {"name": "where", "type": "STRING", "validationformat": "URL"},
    )
    declared = {f"parameters[{number}].{name}": value for number, row in enumerate(rows) for name, value in row.items()}
    running = Running(lab, **declared)
    right = {
        "who": "a@example.org", "count": "2", "share": "0.5", "sure": "true", "when": "2024-01-01T00:00:00+0000",
        "which": lab.zone, "where": "http://example.org", "more": "anything",
    }  # fmt: skip

    def run(values: dict[str, str]) -> dict[str, object]:
        return running.params(**{f"parameters[0].{name}": value for name, value in values.items()})

    assert lab.do("runCustomAction", **run(right))["success"] is False
    for wrong in (
        {"who": ""}, {"who": "nobody"}, {"count": "3"}, {"count": "x"}, {"share": "x"}, {"sure": "maybe"},
        {"when": "soon"}, {"which": "this"}, {"where": "there"},
    ):  # fmt: skip
        assert lab.code("runCustomAction", **run({**right, **wrong})) == 431, wrong


def test_actions_that_cannot_be_run(lab: VmLab) -> None:
    running = Running(lab)
    lab.account("ann")
    assert lab.code("runCustomAction", by="ann", **running.params()) == 531
    assert lab.code("runCustomAction", **running.params(resourceid="nothing")) == 530
    assert lab.code("runCustomAction", **running.params(resourcetype="Host")) == 530
    assert lab.code("listCustomActions", resourcetype="VirtualMachine", resourceid="nothing") == 431
    lab.do("updateCustomAction", id=running.action, allowedroletypes="Admin")
    assert lab.code("runCustomAction", by="joe", **running.params()) == 431
    lab.do("updateExtension", id=running.owner, state="Disabled")
    assert lab.code("runCustomAction", **running.params()) == 530
    lab.do("updateCustomAction", id=running.action, enabled=False)
    assert lab.code("runCustomAction", **running.params()) == 431
    lab.do("updateCustomAction", id=running.action, enabled=True)
    lab.do("updateExtension", id=running.owner, state="Enabled")
    there = {"resourceid": lab.built.cluster, "resourcetype": "Cluster"}
    lab.do("unregisterExtension", extensionid=running.owner, **there)
    assert lab.code("runCustomAction", **running.params()) == 530
    cluster = lab.cloud.server.store.get(Cluster, lab.built.cluster)
    assert cluster is not None
    cluster.hypervisortype = "KVM"
    assert lab.code("runCustomAction", **running.params()) == 431
    lab.do("stopVirtualMachine", id=running.vm)
    assert lab.code("runCustomAction", **running.params()) == 530
