"""Service and disk offerings; tags and details."""

from __future__ import annotations

import pytest
from vmlab import VmLab


@pytest.fixture
def lab() -> VmLab:
    return VmLab(hosts=1)


def test_a_service_offering_is_as_it_was_asked_for(lab: VmLab) -> None:
    wanted = {"name": "o", "displaytext": "O", "cpunumber": 2, "cpuspeed": 300, "memory": 128, "offerha": True}
    made = lab.do("createServiceOffering", **wanted, tags="ssd", hosttags="gpu", networkrate=10)
    shown = lab.one("listServiceOfferings", id=made["id"])
    assert {name: shown[name] for name in wanted} == wanted
    assert (shown["storagetags"], shown["hosttags"], shown["iscustomized"]) == ("ssd", "gpu", False)
    assert shown["diskofferingid"] not in {item["id"] for item in lab.do("listDiskOfferings")}
    changed = lab.do("updateServiceOffering", id=made["id"], name="p", storagetags="", hosttags="")
    assert changed["name"] == "p"
    assert "storagetags" not in changed
    assert "hosttags" not in changed


@pytest.mark.parametrize(
    "wrong",
    [
        {"memory": 16},
        {"memory": 0},
        {"cpunumber": 0},
        {"cpuspeed": -1},
        {"storagetype": "tape"},
        {"provisioningtype": "odd"},
        {"offerha": True, "storagetype": "local"},
        {"issystem": True, "systemvmtype": "printer"},
        {"networkrate": -5},
        {"customized": True},
    ],
    ids=str,
)
def test_a_wrong_service_offering_is_refused(lab: VmLab, wrong: dict[str, object]) -> None:
    wanted = {"name": "o", "displaytext": "o", "cpunumber": 1, "cpuspeed": 100, "memory": 64}
    assert lab.code("createServiceOffering", **{**wanted, **wrong}) == 431
    assert lab.do("listServiceOfferings", name="o") == []


def test_bounds_of_customized_offerings(lab: VmLab) -> None:
    bounds = {"mincpunumber": 1, "maxcpunumber": 4, "minmemory": 64, "maxmemory": 512}
    made = lab.do("createServiceOffering", name="o", displaytext="o", cpuspeed=500, **bounds)
    assert made["iscustomized"] is True
    assert made["serviceofferingdetails"] == {name: str(value) for name, value in bounds.items()}
    for wrong in ({"maxmemory": 32}, {"mincpunumber": 0}, {"minmemory": 1}):
        assert lab.code("createServiceOffering", name="w", displaytext="w", cpuspeed=500, **{**bounds, **wrong}) == 431
    assert lab.code("createServiceOffering", name="w", displaytext="w", **bounds) == 431
    assert lab.code("createServiceOffering", name="w", displaytext="w", cpuspeed=500, minmemory=64) == 431


def test_for_whom_and_where(lab: VmLab) -> None:
    domain = lab.do("createDomain", name="d")["id"]
    made = lab.do("createDiskOffering", name="o", displaytext="o", disksize=1, domainid=domain, zoneid=lab.zone)
    assert (made["domainid"], made["zoneid"]) == (domain, lab.zone)
    assert lab.do("listDiskOfferings", by="joe", id=made["id"]) == []
    assert lab.code("updateDiskOffering", id=made["id"], domainid="nowhere") == 431
    changed = lab.do("updateDiskOffering", id=made["id"], domainid="public", zoneid="all")
    assert "domainid" not in changed
    assert "zoneid" not in changed
    assert len(lab.do("listDiskOfferings", by="joe", id=made["id"])) == 1


def test_disk_offerings(lab: VmLab) -> None:
    made = lab.do("createDiskOffering", name="o", displaytext="o", disksize=2, miniops=10, maxiops=20, tags="ssd")
    assert (made["disksize"], made["iscustomized"], made["maxiops"], made["tags"]) == (2, False, 20, "ssd")
    changed = lab.do("updateDiskOffering", id=made["id"], displaytext="n", tags="", displayoffering=False)
    assert (changed["displaytext"], changed["displayoffering"]) == ("n", False)
    assert "tags" not in changed
    assert lab.code("updateDiskOffering", id=made["id"], state="Odd") == 431
    assert lab.do("deleteDiskOffering", id=made["id"]) is True
    assert lab.do("listDiskOfferings", id=made["id"]) == []
    assert lab.code("deleteDiskOffering", id=made["id"]) == 431
    wrong: list[dict[str, object]] = [
        {},
        {"disksize": 0},
        {"disksize": 99_999},
        {"disksize": 1, "customized": True},
        {"disksize": 1, "miniops": 5},
        {"disksize": 1, "miniops": 5, "maxiops": 4},
    ]
    for params in wrong:
        assert lab.code("createDiskOffering", name="w", displaytext="w", **params) == 431


def test_system_offerings_stay(lab: VmLab) -> None:
    system = lab.do("listServiceOfferings", issystem=True)[0]["id"]
    assert lab.code("deleteServiceOffering", id=system) == 431


def test_tags(lab: VmLab) -> None:
    vm, volume = lab.deploy(), lab.volume()
    tags = {"tags[0].key": "env", "tags[0].value": "prod", "tags[1].key": "team", "tags[1].value": "a"}
    assert lab.do("createTags", resourcetype="UserVm", resourceids=vm["id"], **tags) is True
    assert lab.code("createTags", resourcetype="UserVm", resourceids=vm["id"], **tags) == 530
    assert lab.code("createTags", resourcetype="UserVm", resourceids=volume["id"], **tags) == 431
    assert lab.code("createTags", resourcetype="Teapot", resourceids=volume["id"], **tags) == 431
    lab.do("createTags", by="joe", resourcetype="Volume", resourceids=volume["id"], **tags)
    assert {item["key"]: item["value"] for item in lab.vm(vm["id"])["tags"]} == {"env": "prod", "team": "a"}
    by_tag = {"tags[0].key": "env", "tags[0].value": "prod"}
    assert [item["id"] for item in lab.do("listVirtualMachines", listall=True, **by_tag)] == [vm["id"]]
    assert lab.do("listVirtualMachines", listall=True, **{**by_tag, "tags[0].value": "test"}) == []
    listed = lab.do("listTags", by="joe", resourcetype="volume", key="env", listall=True)
    assert [(item["resourceid"], item["value"]) for item in listed] == [(volume["id"], "prod")]
    lab.account("ann")
    assert lab.code("createTags", by="ann", resourcetype="UserVm", resourceids=vm["id"], **by_tag) == 531
    assert lab.code("createTags", by="joe", resourcetype="Zone", resourceids=lab.zone, **by_tag) == 531
    assert lab.do("createTags", resourcetype="Zone", resourceids=lab.zone, **by_tag) is True
    wrong = {"tags[0].key": "env", "tags[0].value": "test"}
    assert lab.code("deleteTags", resourcetype="UserVm", resourceids=vm["id"], **wrong) == 431
    lab.do("deleteTags", resourcetype="UserVm", resourceids=vm["id"], **by_tag)
    assert [item["key"] for item in lab.vm(vm["id"])["tags"]] == ["team"]
    lab.do("deleteTags", resourcetype="UserVm", resourceids=vm["id"])
    lab.do("deleteVolume", id=volume["id"])
    assert lab.do("listTags", account="joe", domainid=lab.mine["domainid"]) == []


def test_details(lab: VmLab) -> None:
    volume = lab.volume()["id"]
    which = {"resourcetype": "Volume", "resourceid": volume}
    two = {"details[0].key": "a", "details[0].value": "1", "details[1].key": "b", "details[1].value": "2"}
    assert lab.do("addResourceDetail", **which, **two) is True
    shown = lab.do("listResourceDetails", **which)
    assert [(item["key"], item["value"], item["resourceid"]) for item in shown] == [
        ("a", "1", volume),
        ("b", "2", volume),
    ]
    assert [item["key"] for item in lab.do("listResourceDetails", **which, key="b")] == ["b"]
    assert lab.code("removeResourceDetail", **which, key="c") == 431
    lab.do("removeResourceDetail", **which, key="a")
    lab.do("removeResourceDetail", **which)
    assert lab.do("listResourceDetails", **which) == []
    assert lab.code("listResourceDetails", resourcetype="Volume") == 431
    assert lab.code("addResourceDetail", resourcetype="Domain", resourceid=volume, **two) == 431
    lab.account("ann")
    assert lab.code("listResourceDetails", by="ann", **which) == 531
    group = lab.do("createAffinityGroup", name="g", type="host affinity", **lab.mine)["id"]
    assert lab.code("addResourceDetail", resourcetype="AffinityGroup", resourceid=group, **two) == 431


def test_tags_of_hosts_and_pools(lab: VmLab) -> None:
    assert lab.do("listStorageTags") == lab.do("listHostTags") == []
    lab.do("updateStoragePool", id=lab.built.pool, tags="ssd,fast")
    lab.do("updateHost", id=lab.built.hosts[0], hosttags="gpu")
    assert [item["name"] for item in lab.do("listStorageTags")] == ["fast", "ssd"]
    assert [item["name"] for item in lab.do("listStorageTags", keyword="SS")] == ["ssd"]
    assert [item["name"] for item in lab.do("listHostTags")] == ["gpu"]
