"""Service and disk offerings; tags and details."""

from __future__ import annotations

from typing import Any

import pytest
from vmlab import VmLab

IOPS = {"miniops": 10, "maxiops": 20}


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
    made = lab.do("createDiskOffering", name="o", displaytext="o", disksize=2, tags="ssd", customizediops=False, **IOPS)
    assert (made["disksize"], made["iscustomized"], made["maxiops"], made["tags"]) == (2, False, 20, "ssd")
    changed = lab.do("updateDiskOffering", id=made["id"], displaytext="n", tags="", displayoffering=False)
    assert (changed["displaytext"], changed["displayoffering"]) == ("n", False)
    assert "tags" not in changed
    assert lab.code("updateDiskOffering", id=made["id"], state="Odd") == 431
    assert lab.do("deleteDiskOffering", id=made["id"]) is True
    assert lab.do("listDiskOfferings", id=made["id"]) == []
    assert lab.do("deleteDiskOffering", id=made["id"]) is True, "it is there, only withdrawn"
    wrong: list[dict[str, object]] = [
        {},
        {"disksize": 0},
        {"disksize": 99_999},
        {"disksize": 1, "customized": True},
        {"disksize": 1, "customizediops": False, "miniops": 5},
        {"disksize": 1, "customizediops": False, "maxiops": 5},
        {"disksize": 1, "customizediops": False, "miniops": 5, "maxiops": 4},
        {"disksize": 1, "bytesreadrate": 5, "bytesreadratemax": 4},
        {"disksize": 1, "cachemode": "sometimes"},
    ]
    for params in wrong:
        assert lab.code("createDiskOffering", name="w", displaytext="w", **params) == 431


def test_iops_count_only_where_the_offering_sets_them(lab: VmLab) -> None:
    free = lab.do("createDiskOffering", name="o", displaytext="o", disksize=1, **IOPS)
    assert "maxiops" not in free
    size = {"cpunumber": 1, "cpuspeed": 100, "memory": 64}
    made = lab.do("createServiceOffering", name="o", displaytext="o", customizediops=False, **size, **IOPS)
    assert (made["iscustomizediops"], made["miniops"], made["maxiops"]) == (False, 10, 20)
    zero = lab.do("createServiceOffering", name="z", displaytext="o", customizediops=False, **size)
    assert (zero["miniops"], zero["maxiops"]) == (0, 0)


def test_rates_are_shown_and_bounded(lab: VmLab) -> None:
    rates = {"bytesreadrate": 500, "bytesreadratemax": 900, "bytesreadratemaxlength": 5, "iopswriterate": 7}
    disk = lab.do("createDiskOffering", name="o", displaytext="o", disksize=1, cachemode="WriteBack", **rates)
    size = {"cpunumber": 1, "cpuspeed": 100, "memory": 64}
    service = lab.do("createServiceOffering", name="o", displaytext="o", **size, **rates, byteswriterate=0)
    for made in (disk, service):
        assert (made["diskBytesReadRate"], made["diskBytesReadRateMax"], made["diskIopsWriteRate"]) == (500, 900, 7)
        assert made["diskBytesReadRateMaxLength"] == 5
        assert "diskBytesWriteRate" not in made
    assert disk["cacheMode"] == "writeback"
    changed = lab.do("updateDiskOffering", id=disk["id"], iopswriterate=8, cachemode="none")
    assert (changed["diskIopsWriteRate"], changed["diskBytesReadRate"], changed["cacheMode"]) == (8, 500, "none")
    assert lab.code("updateDiskOffering", id=disk["id"], cachemode="sometimes") == 431
    lab.do("updateConfiguration", name="vm.disk.bytes.maximum.read.length", value=4)
    assert lab.code("updateDiskOffering", id=disk["id"], bytesreadratemaxlength=5) == 431


def test_leases_count_where_they_are_enabled(lab: VmLab) -> None:
    wanted = {"name": "o", "displaytext": "o", "cpunumber": 1, "cpuspeed": 100, "memory": 64}
    assert "leaseduration" not in lab.do("createServiceOffering", **wanted, leaseduration=9, leaseexpiryaction="stop")
    lab.do("updateConfiguration", name="instance.lease.enabled", value="true")
    made = lab.do("createServiceOffering", **wanted, leaseduration=9, leaseexpiryaction="stop")
    assert (made["leaseduration"], made["leaseexpiryaction"]) == (9, "STOP")
    for wrong in (
        {"leaseduration": 9},
        {"leaseexpiryaction": "STOP"},
        {"leaseduration": 0, "leaseexpiryaction": "STOP"},
        {"leaseduration": 9, "leaseexpiryaction": "SELL"},
    ):
        assert lab.code("createServiceOffering", **wanted, **wrong) == 431
    lab.do("updateConfiguration", name="instance.lease.enabled", value="false")
    assert "leaseduration" not in lab.one("listServiceOfferings", id=made["id"])


class Tree:
    """ROOT/top/low with a user each and a domain admin of top, and an offering for each domain."""

    def __init__(self, lab: VmLab) -> None:
        cloud, self.lab = lab.cloud, lab
        self.top = cloud.do("createDomain", name="top")["id"]
        self.low = cloud.do("createDomain", name="low", parentdomainid=self.top)["id"]
        self.users = {name: cloud.account(name, domain=domain) for name, domain in self.domains().items()}
        cloud.account("boss", kind=2, domain=self.top)
        kinds: dict[str, dict[str, Any]] = {
            "createDiskOffering": {"disksize": 1},
            "createServiceOffering": {"cpunumber": 1, "cpuspeed": 100, "memory": 64},
        }
        self.made = {
            (kind[6:], name): cloud.do(kind, name=name, displaytext="o", domainid=domain, **size)["id"]
            for kind, size in kinds.items()
            for name, domain in self.domains().items()
        }

    def domains(self) -> dict[str, str]:
        return {"top": self.top, "low": self.low}

    def seen(self, kind: str, by: str, **params: object) -> set[str]:
        found = self.lab.do(f"list{kind}s", by=by, **params)
        return {item["name"] for item in found} & {"top", "low"}

    def owner(self, name: str) -> dict[str, str]:
        return {"account": name, "domainid": self.domains()[name]}


@pytest.mark.parametrize("kind", ["DiskOffering", "ServiceOffering"])
def test_lists_follow_the_tree_of_domains(lab: VmLab, kind: str) -> None:
    tree = Tree(lab)
    assert tree.seen(kind, "admin") == {"top", "low"}
    assert tree.seen(kind, "admin", domainid=tree.low) == {"low"}
    assert tree.seen(kind, "admin", domainid=-1) == set()
    assert [item["name"] for item in lab.do(f"list{kind}s", domainid=tree.top)] == ["top"]
    assert tree.seen(kind, "boss") == tree.seen(kind, "top") == {"top"}
    assert tree.seen(kind, "low") == tree.seen(kind, "boss", isrecursive=True) == {"top", "low"}
    assert tree.seen(kind, "joe") == set()
    assert lab.code(f"list{kind}s", by="low", isrecursive=True) == 431
    assert lab.code(f"list{kind}s", by="top", domainid=tree.low) == 531
    assert lab.code(f"list{kind}s", state="odd") == 431
    assert tree.seen(kind, "admin", id=-1) == set()
    both = lab.do(f"update{kind}", id=tree.made[kind, "top"], domainid=f"{tree.low},{tree.top}")
    assert both["domainid"] == tree.top, "low is below top"


def test_only_those_of_its_domains_get_an_offering(lab: VmLab) -> None:
    tree = Tree(lab)
    disk, service = tree.made["DiskOffering", "top"], tree.made["ServiceOffering", "low"]
    assert lab.code("createVolume", name="v", diskofferingid=disk, zoneid=lab.zone, **lab.mine) == 531
    for name in ("top", "low"):
        lab.do("createVolume", name="v", diskofferingid=disk, zoneid=lab.zone, **tree.owner(name))
    assert lab.code("deployVirtualMachine", **lab.wanted(serviceofferingid=service)) == 531
    assert lab.code("deployVirtualMachine", **lab.wanted(diskofferingid=disk)) == 531
    network = lab.new_network(tree.owner("low"))
    lab.deploy(serviceofferingid=service, networkids=network, **tree.owner("low"))


def test_service_offerings_that_hold_enough(lab: VmLab) -> None:
    bounds = {"mincpunumber": 1, "maxcpunumber": 4, "minmemory": 64, "maxmemory": 2048}
    lab.do("createServiceOffering", name="bounded", displaytext="o", cpuspeed=2000, **bounds)
    lab.do("createServiceOffering", name="free", displaytext="o")

    def names(**params: object) -> set[str]:
        return {item["name"] for item in lab.do("listServiceOfferings", **params)}

    assert names(cpunumber=1) == {"Small Instance", "Medium Instance", "bounded", "free"}
    assert names(cpunumber=2) == {"bounded", "free"}
    assert names(memory=1024, cpuspeed=1000) == {"Medium Instance", "bounded", "free"}
    assert names(memory=4096) == {"free"}
    assert names(keyword="BOUND") == {"bounded"}
    assert lab.code("listServiceOfferings", by="joe", issystem=True) == 431


def test_what_a_vm_or_a_volume_may_change_to(lab: VmLab) -> None:
    vm = lab.deploy(serviceofferingid=lab.medium)
    lab.do("createServiceOffering", name="big", displaytext="o", cpunumber=2, cpuspeed=1000, memory=2048)
    strict = {"cpunumber": 2, "cpuspeed": 1000, "memory": 2048, "diskofferingstrictness": True}
    lab.do("createServiceOffering", name="strict", displaytext="o", **strict)

    def names(what: str, **params: object) -> list[str]:
        return [item["name"] for item in lab.do(what, **params)]

    assert names("listServiceOfferings", virtualmachineid=vm["id"]) == ["big"]
    lab.do("stopVirtualMachine", id=vm["id"])
    assert names("listServiceOfferings", virtualmachineid=vm["id"]) == ["Small Instance", "big"]
    volume = lab.volume()["id"]
    assert names("listDiskOfferings", volumeid=volume) == ["Medium", "Large", "Custom"]
    assert lab.code("listDiskOfferings", volumeid=volume, storageid=lab.built.pool) == 431
    fixed = lab.do("createDiskOffering", name="f", displaytext="f", disksize=5, disksizestrictness=True)["id"]
    lab.do("createDiskOffering", name="same", displaytext="f", disksize=5, disksizestrictness=True)
    lab.do("createDiskOffering", name="other", displaytext="f", disksize=6, disksizestrictness=True)
    assert names("listDiskOfferings", volumeid=lab.volume(diskofferingid=fixed)["id"]) == ["same"]


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
