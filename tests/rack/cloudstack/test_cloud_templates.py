"""Templates and ISOs: registered, made of disks, shared, changed, deleted."""

from __future__ import annotations

import pytest
from vmlab import VmLab


@pytest.fixture
def lab() -> VmLab:
    return VmLab()


def wanted(lab: VmLab, **params: object) -> dict[str, object]:
    return {
        "name": "t",
        "displaytext": "t",
        "url": "http://x.org/t.qcow2.bz2",
        "format": "QCOW2",
        "hypervisor": "KVM",
        "ostypeid": lab.os,
        "zoneid": lab.zone,
        **lab.mine,
        **params,
    }


def of_joe(lab: VmLab, template: str, **params: object) -> list[dict[str, object]]:
    found = lab.do("listTemplates", templatefilter="self", id=template, listall=True, **params)
    assert isinstance(found, list)
    return found


def own(lab: VmLab) -> str:
    """A template of joe's that is ready."""
    (made,) = lab.do("registerTemplate", **wanted(lab))
    lab.cloud.advance(5)
    return str(made["id"])


def test_a_registered_template_becomes_ready_and_can_be_deployed(lab: VmLab) -> None:
    (made,) = lab.do("registerTemplate", **wanted(lab))
    assert (made["isready"], made["account"], made["hypervisor"]) == (False, "joe", "KVM")
    assert lab.code("deployVirtualMachine", **lab.wanted(templateid=made["id"])) == 431
    lab.cloud.advance(5)
    (ready,) = of_joe(lab, made["id"])
    assert (ready["isready"], ready["status"], ready["zoneid"]) == (True, "Download Complete", lab.zone)
    progress = {"downloadPercent": "100", "downloadState": "DOWNLOADED", "datastoreRole": "Image"}
    store = {"datastore": "nfs://storage/secondary", "datastoreId": lab.built.image_store}
    assert ready["downloaddetails"] == [{**progress, **store}]
    vm = lab.deploy(templateid=made["id"])
    assert vm["templatename"] == "t"
    assert (lab.count(4), lab.count(11)) == (1, 2 << 30)


def test_a_template_that_hosts_download_themselves_is_ready_at_once(lab: VmLab) -> None:
    (made,) = lab.do("registerTemplate", **wanted(lab, directdownload=True))
    assert (made["isready"], made["directdownload"], made["downloaddetails"]) == (True, True, [])
    assert lab.deploy(templateid=made["id"])["state"] == "Running"
    vmware = {"hypervisor": "VMware", "format": "OVA", "url": "http://x.org/t.ova"}
    assert lab.code("registerTemplate", **wanted(lab, directdownload=True, **vmware)) == 431
    for address in lab.cloud.machines.running:
        lab.cloud.machines.running[address] = False
    assert lab.code("registerTemplate", **wanted(lab, directdownload=True)) == 530


def test_a_download_runs_while_nobody_asks(lab: VmLab) -> None:
    (made,) = lab.do("registerTemplate", **wanted(lab))
    lab.cloud.clock.time += 5
    (ready,) = of_joe(lab, made["id"])
    assert ready["isready"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"format": "VHDX"},
        {"hypervisor": "Abacus"},
        {"url": "http://x.org/t.iso"},
        {"url": "file:///t.qcow2"},
        {"url": "t.qcow2"},
    ],
    ids=str,
)
def test_a_wrong_registration_is_refused(lab: VmLab, wrong: dict[str, object]) -> None:
    assert lab.code("registerTemplate", **wanted(lab, **wrong)) == 431
    assert lab.count(4) == 0


def test_what_users_may_not_ask_for(lab: VmLab) -> None:
    assert lab.code("registerTemplate", by="joe", **wanted(lab, isrouting=True)) == 531
    assert lab.code("registerTemplate", by="joe", **wanted(lab, templatetag="x")) == 531
    (made,) = lab.do("registerTemplate", by="joe", **wanted(lab, isfeatured=True, ispublic=True))
    assert (made["isfeatured"], made["ispublic"]) == (False, True)
    lab.do("updateConfiguration", name="allow.public.user.templates", value="false")
    assert lab.code("registerTemplate", by="joe", **wanted(lab, ispublic=True)) == 531
    lab.do("updateResourceLimit", resourcetype=4, max=1, **lab.mine)
    assert lab.code("registerTemplate", **wanted(lab)) == 535
    lab.do("updateResourceLimit", resourcetype=4, max=2, **lab.mine)
    lab.do("updateResourceLimit", resourcetype=11, max=3, **lab.mine)
    assert lab.code("registerTemplate", **wanted(lab)) == 535


def test_everywhere(lab: VmLab) -> None:
    (made,) = lab.do("registerTemplate", **wanted(lab, zoneid="-1"))
    assert (made["zoneid"], made["crossZones"]) == (lab.zone, True)
    (chosen,) = lab.do("registerTemplate", **{**wanted(lab, zoneids=lab.zone), "zoneid": ""})
    assert chosen["crossZones"] is False


def test_a_template_of_a_volume(lab: VmLab) -> None:
    vm = lab.deploy()
    root = lab.root(vm["id"])["id"]
    made = {"name": "t", "displaytext": "t", "ostypeid": lab.os}
    assert lab.code("createTemplate", **made, volumeid=root) == 431, "its VM runs"
    assert lab.code("createTemplate", **made) == 431
    assert lab.code("createTemplate", **made, volumeid=lab.volume()["id"]) == 431
    snapshot = lab.do("createSnapshot", volumeid=root)["id"]
    assert lab.code("createTemplate", **made, volumeid=root, snapshotid=snapshot) == 431
    of_snapshot = lab.do("createTemplate", **made, snapshotid=snapshot, ispublic=True)
    lab.do("stopVirtualMachine", id=vm["id"])
    begun = lab.cloud.ask("createTemplate", **made, volumeid=root)
    assert of_joe(lab, begun["id"])[0]["isready"] is False
    lab.cloud.advance()
    assert of_joe(lab, begun["id"])[0]["isready"] is True
    for template in (of_snapshot["id"], begun["id"]):
        (shown,) = of_joe(lab, template)
        assert (shown["account"], shown["size"], shown["sourcetemplateid"]) == ("joe", 2 << 30, lab.template)
        assert lab.deploy(templateid=template)["state"] == "Running"


def test_changes(lab: VmLab) -> None:
    template = own(lab)
    changed = lab.do(
        "updateTemplate", id=template, displaytext="d", name="n", bootable=False, **{"details[0].nicAdapter": "e1000"}
    )
    assert (changed["displaytext"], changed["name"], changed["bootable"]) == ("d", "n", False)
    assert changed["details"] == {"nicAdapter": "e1000"}
    assert lab.do("updateTemplate", id=template, cleanupdetails=True)["details"] == {}
    assert lab.code("updateIso", id=template, name="x") == 431
    lab.account("ann")
    assert lab.code("updateTemplate", by="ann", id=template, name="x") == 531
    assert lab.code("updateTemplate", by="ann", id=lab.template, name="x") == 531, "to use is not to own"
    assert lab.code("updateTemplate", by="joe", id=template, isrouting=True) == 531


def test_permissions(lab: VmLab) -> None:
    template = own(lab)
    ann = lab.account("ann")
    network = lab.new_network(ann)
    deploy = {**lab.wanted(templateid=template, networkids=network), **ann}
    assert lab.code("deployVirtualMachine", by="ann", **deploy) == 531
    lab.do("updateTemplatePermissions", id=template, op="add", accounts="ann,joe")
    assert lab.do("listTemplatePermissions", id=template)["account"] == ["ann"]
    shared = lab.do("listTemplates", by="ann", templatefilter="sharedexecutable")
    assert [item["id"] for item in shared] == [template]
    assert lab.do("deployVirtualMachine", by="ann", **deploy)["state"] == "Running"
    assert lab.code("updateTemplatePermissions", id=template, op="add", accounts="nobody") == 431
    assert lab.code("updateTemplatePermissions", id=template, op="add") == 431
    assert lab.code("updateTemplatePermissions", id=template, op="paint", accounts="ann") == 431
    lab.do("updateTemplatePermissions", id=template, op="remove", accounts="ann")
    assert lab.do("listTemplatePermissions", id=template)["account"] == []
    lab.do("updateTemplatePermissions", id=template, ispublic=True, isfeatured=True, isextractable=True)
    assert template in {item["id"] for item in lab.do("listTemplates", by="ann", templatefilter="featured")}
    lab.do("updateTemplatePermissions", id=template, op="reset")
    assert lab.do("listTemplates", by="ann", templatefilter="sharedexecutable") == []
    assert lab.do("listTemplatePermissions", id=template)["ispublic"] is False
    assert lab.code("updateTemplatePermissions", by="ann", id=template, ispublic=True) == 531


def test_deletion(lab: VmLab) -> None:
    template = own(lab)
    vm = lab.deploy(templateid=template)
    assert lab.code("deleteTemplate", id=template) == 431
    lab.do("deleteTemplate", id=template, forced=True)
    assert lab.do("listTemplates", templatefilter="all", zoneid=lab.zone, name="t") == []
    assert (lab.count(4), lab.count(11)) == (0, 0)
    assert lab.code("deployVirtualMachine", **lab.wanted(templateid=template)) == 431
    assert lab.vm(vm["id"])["templatename"] == "t"
    assert lab.do("rebootVirtualMachine", id=vm["id"])["state"] == "Running"
    assert lab.code("deleteTemplate", id=template) == 431
    unused = own(lab)
    other = lab.do("createZone", name="z2", dns1="10.9.0.1", internaldns1="10.9.0.2", networktype="Advanced")["id"]
    assert lab.code("deleteTemplate", id=unused, zoneid=other) == 431
    lab.do("copyTemplate", id=unused, destzoneid=other, sourcezoneid=lab.zone)
    assert len(of_joe(lab, unused)) == 2
    lab.do("deleteTemplate", id=unused, zoneid=other)
    assert [item["zoneid"] for item in of_joe(lab, unused)] == [lab.zone]
    lab.do("deleteTemplate", id=unused)
    assert lab.code("deleteTemplate", id=unused) == 431


def test_copies(lab: VmLab) -> None:
    template = own(lab)
    assert lab.code("copyTemplate", id=template) == 431
    assert lab.code("copyTemplate", id=template, destzoneid=lab.zone, sourcezoneid=lab.zone) == 431
    (fresh,) = lab.do("registerTemplate", **wanted(lab))
    other = lab.do("createZone", name="z2", dns1="10.9.0.1", internaldns1="10.9.0.2", networktype="Advanced")["id"]
    assert lab.code("copyTemplate", id=fresh["id"], destzoneids=other) == 431, "not downloaded yet"


def test_other_uses(lab: VmLab) -> None:
    template = own(lab)
    assert lab.code("extractTemplate", by="joe", id=template, mode="HTTP_DOWNLOAD") == 531
    lab.do("updateTemplatePermissions", id=template, isextractable=True)
    shown = lab.do("extractTemplate", by="joe", id=template, mode="HTTP_DOWNLOAD", zoneid=lab.zone)
    assert shown["url"].endswith(".qcow2")
    (prepared,) = lab.do("prepareTemplate", templateid=template, zoneid=lab.zone)
    assert prepared["id"] == template
    data = lab.do("registerUserData", name="u", userdata="aGVsbG8=", **lab.mine)["id"]
    assert lab.do("linkUserDataToTemplate", templateid=template, userdataid=data)["userdataid"] == data
    assert lab.code("linkUserDataToTemplate", templateid=template, userdataid=data, userdatapolicy="SOME") == 431
    assert lab.code("linkUserDataToTemplate", userdataid=data) == 431
    assert "userdataid" not in lab.do("linkUserDataToTemplate", templateid=template)


def test_isos(lab: VmLab) -> None:
    made = {"name": "i", "displaytext": "i", "url": "http://x.org/i.iso", "zoneid": lab.zone, **lab.mine}
    assert lab.code("registerIso", **made) == 431, "a bootable one needs an OS type"
    assert lab.code("registerIso", **{**made, "url": "http://x.org/i.img"}, ostypeid=lab.os) == 431
    vm = lab.deploy()
    (iso,) = lab.do("registerIso", **made, ostypeid=lab.os, bootable=True)
    assert lab.code("attachIso", id=iso["id"], virtualmachineid=vm["id"]) == 431, "not downloaded yet"
    lab.cloud.advance(5)
    (shown,) = lab.do("listIsos", isofilter="self", id=iso["id"], listall=True)
    assert (shown["isready"], shown["format"]) == (True, "ISO")
    assert lab.do("listTemplates", templatefilter="self", id=iso["id"], listall=True) == []
    assert lab.code("listIsos", isofilter="odd") == 431
    assert lab.code("attachIso", id=lab.template, virtualmachineid=vm["id"]) == 431
    assert lab.do("attachIso", id=iso["id"], virtualmachineid=vm["id"])["isoname"] == "i"
    assert lab.code("deleteIso", id=iso["id"]) == 431
    assert "isoid" not in lab.do("detachIso", virtualmachineid=vm["id"])
    assert lab.code("detachIso", virtualmachineid=vm["id"]) == 431
    lab.account("ann")
    assert lab.code("attachIso", by="ann", id=iso["id"], virtualmachineid=vm["id"]) == 531
    assert lab.do("updateIso", id=iso["id"], displaytext="d")["displaytext"] == "d"
    assert lab.code("updateIso", id=iso["id"], format="RAW") == 431
    lab.do("updateIsoPermissions", id=iso["id"], op="add", accounts="ann")
    assert lab.do("listIsoPermissions", id=iso["id"])["account"] == ["ann"]
    shown = lab.do("extractIso", id=iso["id"], mode="HTTP_DOWNLOAD", zoneid=lab.zone)
    assert shown["url"].endswith(".iso")
    lab.do("destroyVirtualMachine", id=vm["id"])
    assert lab.code("attachIso", id=iso["id"], virtualmachineid=vm["id"]) == 431
    assert lab.do("deleteIso", id=iso["id"], zoneid=lab.zone) is True
    assert lab.do("listIsos", isofilter="self", id=iso["id"]) == []
