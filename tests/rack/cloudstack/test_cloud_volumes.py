"""Volumes: made, attached, resized, moved, destroyed, recovered."""

from __future__ import annotations

import pytest
from vmlab import VmLab


@pytest.fixture
def lab() -> VmLab:
    return VmLab()


def listed(lab: VmLab, volume_id: str) -> dict[str, object]:
    return lab.one("listVolumes", id=volume_id, listall=True)


def test_a_new_volume_is_only_allocated(lab: VmLab) -> None:
    volume = lab.volume(name="d")
    assert (volume["state"], volume["size"], volume["name"], volume["type"]) == ("Allocated", 5 << 30, "d", "DATADISK")
    assert "storage" not in volume
    assert "virtualmachineid" not in volume
    assert lab.volume(name="")["name"]


@pytest.mark.parametrize("size", [None, 0, -1, 99_999])
def test_sizes_of_customized_volumes(lab: VmLab, size: int | None) -> None:
    extra = {} if size is None else {"size": size}
    assert lab.code("createVolume", name="c", diskofferingid=lab.custom, zoneid=lab.zone, **lab.mine, **extra) == 431
    assert lab.volume(diskofferingid=lab.custom, size=3)["size"] == 3 << 30


def test_what_cannot_be_made(lab: VmLab) -> None:
    made = {"name": "d", "zoneid": lab.zone, **lab.mine}
    assert lab.code("createVolume", **made) == 431
    assert lab.code("createVolume", **made, diskofferingid=lab.disk, size=9) == 431
    assert lab.code("createVolume", name="d", diskofferingid=lab.disk, **lab.mine) == 431
    assert lab.code("createVolume", by="joe", **made, diskofferingid=lab.disk, displayvolume=False) == 531
    lab.do("updateConfiguration", name="storage.max.volume.size", value="4")
    assert lab.code("createVolume", **made, diskofferingid=lab.disk) == 431
    lab.do("updateConfiguration", name="storage.max.volume.size", value="2000")
    lab.do("deleteDiskOffering", id=lab.disk)
    assert lab.code("createVolume", **made, diskofferingid=lab.disk) == 431
    domain = lab.do("createDomain", name="d")["id"]
    private = lab.do("createDiskOffering", name="p", displaytext="p", disksize=1, domainid=domain)["id"]
    assert lab.code("createVolume", by="joe", **made, diskofferingid=private) in (431, 531)
    lab.do("updateZone", id=lab.zone, allocationstate="Disabled")
    assert lab.code("createVolume", by="joe", **made, diskofferingid=lab.custom, size=1) == 531


def test_limits(lab: VmLab) -> None:
    lab.do("updateResourceLimit", resourcetype=2, max=1, **lab.mine)
    volume = lab.volume()
    wanted = {"name": "d", "diskofferingid": lab.disk, "zoneid": lab.zone, **lab.mine}
    assert lab.code("createVolume", **wanted) == 535
    lab.do("updateResourceLimit", resourcetype=2, max=9, **lab.mine)
    lab.do("updateResourceLimit", resourcetype=10, max=9, **lab.mine)
    assert lab.code("createVolume", **wanted) == 535
    assert (lab.count(2), lab.count(10)) == (1, 5 << 30)
    lab.do("deleteVolume", id=volume["id"])
    assert (lab.count(2), lab.count(10)) == (0, 0)


def test_attach_and_detach(lab: VmLab) -> None:
    vm = lab.deploy()
    volume = lab.attached(vm["id"])
    assert (volume["state"], volume["virtualmachineid"], volume["deviceid"]) == ("Ready", vm["id"], 1)
    assert volume["storageid"] == lab.built.pool
    assert lab.code("attachVolume", id=volume["id"], virtualmachineid=vm["id"]) == 431
    assert lab.code("deleteVolume", id=volume["id"]) == 431
    assert lab.code("destroyVolume", id=volume["id"]) == 431
    assert "virtualmachineid" not in lab.do("detachVolume", id=volume["id"])
    assert lab.code("detachVolume", id=volume["id"]) == 431
    lab.do("attachVolume", id=volume["id"], virtualmachineid=vm["id"], deviceid=4)
    assert listed(lab, volume["id"])["deviceid"] == 4
    second = lab.volume()["id"]
    for number in (0, 3, 4, -1):
        assert lab.code("attachVolume", id=second, virtualmachineid=vm["id"], deviceid=number) == 431
    assert lab.code("detachVolume", virtualmachineid=vm["id"], deviceid=7) == 431
    assert lab.code("detachVolume") == 431
    assert lab.do("detachVolume", virtualmachineid=vm["id"], deviceid=4)["id"] == volume["id"]


def test_device_ids_leave_the_cd_drive_free(lab: VmLab) -> None:
    vm = lab.deploy()
    assert [lab.attached(vm["id"])["deviceid"] for _ in range(3)] == [1, 2, 4]


def test_a_vm_takes_only_so_many(lab: VmLab) -> None:
    tiny = lab.do("createDiskOffering", name="t", displaytext="t", disksize=1)["id"]
    vm = lab.deploy(startvm=False)
    lab.do("updateConfiguration", name="max.account.volumes", value="-1")
    for _ in range(64):
        lab.attached(vm["id"], diskofferingid=tiny)
    last = lab.volume(diskofferingid=tiny)
    assert lab.code("attachVolume", id=last["id"], virtualmachineid=vm["id"]) == 431


def test_root_volumes_change_their_vm_while_it_is_stopped(lab: VmLab) -> None:
    vm = lab.deploy()
    root = lab.root(vm["id"])["id"]
    assert lab.code("detachVolume", id=root) == 431
    lab.do("stopVirtualMachine", id=vm["id"])
    lab.do("detachVolume", id=root)
    lab.do("attachVolume", id=root, virtualmachineid=vm["id"], deviceid=0)
    assert lab.root(vm["id"])["id"] == root
    assert lab.do("startVirtualMachine", id=vm["id"])["state"] == "Running"


def test_only_ones_own_can_be_attached(lab: VmLab) -> None:
    ann = lab.account("ann")
    foreign = lab.volume(**ann)
    vm = lab.deploy()
    assert lab.code("attachVolume", id=foreign["id"], virtualmachineid=vm["id"]) == 431
    assert lab.code("attachVolume", by="joe", id=foreign["id"], virtualmachineid=vm["id"]) == 531
    own = lab.volume()
    lab.do("destroyVirtualMachine", id=vm["id"])
    assert lab.code("attachVolume", id=own["id"], virtualmachineid=vm["id"]) == 431
    assert listed(lab, own["id"])["state"] == "Allocated"


def test_resize(lab: VmLab) -> None:
    custom = lab.volume(diskofferingid=lab.custom, size=3)["id"]
    assert lab.do("resizeVolume", id=custom, size=9)["size"] == 9 << 30
    assert lab.code("resizeVolume", id=custom, size=4) == 431
    assert lab.do("resizeVolume", id=custom, size=4, shrinkok=True)["size"] == 4 << 30
    for size in ({}, {"size": 0}, {"size": 9999}):
        assert lab.code("resizeVolume", id=custom, **size) == 431
    fixed = lab.volume()["id"]
    assert lab.code("resizeVolume", id=fixed, size=9) == 431
    large = lab.one("listDiskOfferings", name="Medium")["id"]
    assert lab.code("resizeVolume", id=fixed, diskofferingid=large, size=30) == 431
    assert lab.code("resizeVolume", id=fixed, diskofferingid=lab.custom) == 431
    grown = lab.do("resizeVolume", id=fixed, diskofferingid=large)
    assert (grown["size"], grown["diskofferingid"]) == (20 << 30, large)
    lab.do("updateResourceLimit", resourcetype=10, max=25, **lab.mine)
    assert lab.code("resizeVolume", id=custom, size=9) == 535


def test_resize_of_what_is_in_use(lab: VmLab) -> None:
    vm = lab.deploy()
    root = lab.root(vm["id"])["id"]
    assert lab.do("resizeVolume", id=root, size=6)["size"] == 6 << 30
    lab.do("updateStoragePool", id=lab.built.pool, capacitybytes=8 << 30)
    assert lab.code("resizeVolume", id=root, size=60) == 530
    tagged = lab.do("createDiskOffering", name="t", displaytext="t", disksize=1, tags="ssd")["id"]
    volume = lab.volume(diskofferingid=tagged)["id"]
    assert lab.code("resizeVolume", id=volume, diskofferingid=lab.one("listDiskOfferings", name="Large")["id"]) == 431
    strict = lab.do("createDiskOffering", name="s", displaytext="s", disksize=1, disksizestrictness=True)["id"]
    kept = lab.volume(diskofferingid=strict)["id"]
    assert lab.code("resizeVolume", id=kept, size=2) == 431
    assert lab.code("resizeVolume", id=kept, diskofferingid=lab.disk) == 431


def test_another_offering(lab: VmLab) -> None:
    volume = lab.volume(diskofferingid=lab.custom, size=7)["id"]
    assert lab.code("changeOfferingForVolume", id=volume, diskofferingid=lab.disk) == 431, "it would shrink"
    shrunk = lab.do("changeOfferingForVolume", id=volume, diskofferingid=lab.disk, shrinkok=True)
    assert (shrunk["size"], shrunk["diskofferingid"]) == (5 << 30, lab.disk)
    assert lab.code("changeOfferingForVolume", id=volume, diskofferingid=lab.disk) == 431
    assert lab.do("changeOfferingForVolume", id=volume, diskofferingid=lab.custom)["size"] == 5 << 30
    assert lab.do("changeOfferingForVolume", id=volume, diskofferingid=lab.custom, size=8)["size"] == 8 << 30


def test_ids_do_not_reach_beyond_what_one_lists(lab: VmLab) -> None:
    mine = lab.volume()["id"]
    own = lab.do("createVolume", name="own", diskofferingid=lab.disk, zoneid=lab.zone)["id"]
    assert [item["id"] for item in lab.do("listVolumes", ids=f"{mine},{own}")] == [own]
    assert len(lab.do("listVolumes", ids=f"{mine},{own}", listall=True)) == 2
    assert len(lab.do("listVolumes", id=mine)) == 1


def test_system_vms_have_root_volumes_that_root_admins_may_list(lab: VmLab) -> None:
    vm = lab.deploy()
    assert len(lab.do("listVolumes", listall=True)) == 1
    found = lab.do("listVolumes", listall=True, listsystemvms=True)
    kinds = sorted(item["vmtype"] for item in found)
    assert kinds == ["ConsoleProxy", "DomainRouter", "SecondaryStorageVm", "User"]
    assert {item["storageid"] for item in found} == {lab.built.pool}
    assert {item["state"] for item in found} == {"Ready"}
    assert len(lab.do("listVolumes", by="joe", listsystemvms=True)) == 1
    lab.do("enableStorageMaintenance", id=lab.built.pool)
    waiting = [item for item in lab.do("listVolumes", listall=True, listsystemvms=True) if item["vmtype"] != "User"]
    assert {item["state"] for item in waiting} == {"Allocated"}
    lab.do("destroyVirtualMachine", id=vm["id"], expunge=True)


def test_destroyed_volumes_can_come_back(lab: VmLab) -> None:
    vm = lab.deploy()
    volume = lab.attached(vm["id"])["id"]
    lab.do("detachVolume", id=volume)
    assert lab.code("recoverVolume", id=volume) == 431
    assert lab.do("destroyVolume", id=volume)["state"] == "Destroy"
    assert lab.count(2) == 1
    assert lab.code("attachVolume", id=volume, virtualmachineid=vm["id"]) == 431
    assert lab.do("recoverVolume", id=volume)["state"] == "Ready"
    assert lab.count(2) == 2
    lab.do("destroyVolume", id=volume, expunge=True)
    assert lab.do("listVolumes", id=volume) == []
    fresh = lab.volume()["id"]
    assert lab.code("destroyVolume", id=fresh) == 431, "it has nothing to recover"
    lab.do("destroyVolume", id=fresh, expunge=True)
    assert lab.do("listVolumes", id=fresh) == []


def test_destroyed_volumes_are_cleaned_up_after_a_while_unless_settings_keep_them(lab: VmLab) -> None:
    vm = lab.deploy()
    volume = lab.attached(vm["id"])["id"]
    lab.do("detachVolume", id=volume)
    lab.do("destroyVolume", id=volume)
    lab.do("updateConfiguration", name="storage.cleanup.delay", value="40")
    lab.do("updateConfiguration", name="storage.cleanup.enabled", value="false")
    lab.cloud.advance(60)
    assert lab.one("listVolumes", id=volume)["state"] == "Destroy"
    lab.do("updateConfiguration", name="storage.cleanup.enabled", value="true")
    assert lab.do("listVolumes", id=volume) == []


def test_a_setting_keeps_users_from_expunging(lab: VmLab) -> None:
    volume = lab.volume()["id"]
    lab.do("updateConfiguration", name="allow.user.expunge.recover.volume", value="false")
    assert lab.code("destroyVolume", by="joe", id=volume, expunge=True) == 531
    assert lab.code("recoverVolume", by="joe", id=volume) == 531


def test_time_expunges_destroyed_volumes(lab: VmLab) -> None:
    volume = lab.attached(lab.deploy()["id"])["id"]
    lab.do("detachVolume", id=volume)
    lab.do("destroyVolume", id=volume)
    lab.cloud.clock.time += 90_000
    assert lab.do("listVolumes", type="DATADISK", listall=True) == []


def test_updates(lab: VmLab) -> None:
    volume = lab.volume()["id"]
    assert lab.do("updateVolume", id=volume, name="n")["name"] == "n"
    assert lab.code("updateVolume", by="joe", id=volume, name="x") == 432
    assert lab.code("updateVolume", id=volume, state="Sparkling") == 431
    assert lab.do("updateVolume", id=volume, path="/x", deleteprotection=True)["path"] == "/x"
    assert lab.code("deleteVolume", id=volume) == 431
    lab.do("updateVolume", id=volume, deleteprotection=False)
    assert lab.do("deleteVolume", id=volume) is True


def test_another_owner(lab: VmLab) -> None:
    volume = lab.attached(lab.deploy()["id"])["id"]
    ann = lab.account("ann")
    account = lab.one("listAccounts", name="ann", listall=True)["id"]
    assert lab.code("assignVolume", volumeid=volume, accountid=account) == 531
    lab.do("detachVolume", id=volume)
    snapshot = lab.do("createSnapshot", volumeid=volume)["id"]
    assert lab.code("assignVolume", volumeid=volume, accountid=account) == 531
    lab.do("deleteSnapshot", id=snapshot)
    assert lab.code("assignVolume", volumeid=volume) == 431
    lab.do("updateResourceLimit", resourcetype=2, max=0, **ann)
    assert lab.code("assignVolume", volumeid=volume, accountid=account) == 535
    lab.do("updateResourceLimit", resourcetype=2, max=1, **ann)
    assert lab.do("assignVolume", volumeid=volume, accountid=account)["account"] == "ann"
    assert lab.code("assignVolume", volumeid=volume, accountid=account) == 431


def test_up_and_down(lab: VmLab) -> None:
    wanted = {"name": "u", "zoneid": lab.zone, **lab.mine}
    url = "http://x.org/disk.qcow2"
    assert lab.code("uploadVolume", **wanted, format="ISO", url=url) == 431
    assert lab.code("uploadVolume", **wanted, format="VHD", url="http://x.org/disk.vhd") == 431, "no XenServer here"
    assert lab.code("uploadVolume", **wanted, format="QCOW2", url="http://x.org/disk.txt") == 431
    assert lab.code("uploadVolume", **wanted, format="QCOW2", url="gopher://x.org/disk.qcow2") == 431
    volume = lab.do("uploadVolume", **wanted, format="QCOW2", url=url)
    assert volume["state"] == "Uploaded"
    get = {"zoneid": lab.zone, "mode": "HTTP_DOWNLOAD"}
    assert lab.code("extractVolume", id=volume["id"], **get) == 431, "it is on no pool"
    vm = lab.deploy()
    assert lab.do("attachVolume", id=volume["id"], virtualmachineid=vm["id"])["state"] == "Ready"
    assert lab.code("extractVolume", id=volume["id"], **get) == 531, "its VM runs"
    lab.do("stopVirtualMachine", id=vm["id"])
    assert lab.code("extractVolume", id=volume["id"], zoneid=lab.zone, mode="PIGEON") == 431
    shown = lab.do("extractVolume", id=volume["id"], **get)
    assert shown["state"] == "DOWNLOAD_URL_CREATED"
    assert shown["url"].startswith("http://10.2.0.")


def test_lists_filter(lab: VmLab) -> None:
    vm = lab.deploy()
    volume = lab.attached(vm["id"], name="d")

    def ids(**params: object) -> list[str]:
        return [item["id"] for item in lab.do("listVolumes", listall=True, **params)]

    assert ids(type="DATADISK") == ids(name="d") == ids(diskofferingid=lab.disk) == [volume["id"]]
    assert len(ids(virtualmachineid=vm["id"], hostid=vm["hostid"], storageid=lab.built.pool)) == 2
    assert len(ids(podid=lab.built.pod, clusterid=lab.built.cluster, state="Ready", zoneid=lab.zone)) == 2
    (metrics,) = lab.do("listVolumesMetrics", id=volume["id"])
    assert metrics["sizegb"] == "5.00 GB"
    shown = lab.do("listVolumes", by="joe", id=volume["id"])[0]
    assert "storage" not in shown
    assert shown["vmname"] == vm["name"]
