"""Calls on VMs, volumes and snapshots that are refused, and what stays as it was."""

from __future__ import annotations

import pytest
from vmlab import VmLab


@pytest.fixture
def lab() -> VmLab:
    return VmLab()


def test_deployments_with_contradictions(lab: VmLab) -> None:
    two = {"diskofferingid": lab.disk, "datadisksdetails[0].diskofferingid": lab.disk}
    assert lab.code("deployVirtualMachine", **lab.wanted(**two)) == 431
    unknown = {"datadisksdetails[0].diskofferingid": lab.zone}
    assert lab.code("deployVirtualMachine", **lab.wanted(**unknown)) == 431
    odd = {"datadisksdetails[0].diskofferingid": lab.custom, "datadisksdetails[0].size": "big"}
    assert lab.code("deployVirtualMachine", **lab.wanted(**odd)) == 431
    both = {"iptonetworklist[0].networkid": lab.network, "iptonetworklist[0].ip": "10.1.1.9"}
    assert lab.code("deployVirtualMachine", **lab.wanted(**both)) == 431
    assert lab.code("deployVirtualMachine", **lab.wanted(hypervisor="VMware")) == 431
    strict = lab.do(
        "createServiceOffering",
        name="s",
        displaytext="s",
        cpunumber=1,
        cpuspeed=100,
        memory=64,
        diskofferingstrictness=True,
    )["id"]
    chosen = lab.wanted(serviceofferingid=strict, overridediskofferingid=lab.disk)
    assert lab.code("deployVirtualMachine", **chosen) == 431
    assert lab.root(lab.deploy(overridediskofferingid=lab.disk)["id"])["size"] == 5 << 30
    group = lab.do("createAffinityGroup", name="g", type="host affinity", **lab.mine)["id"]
    twice = lab.wanted(affinitygroupids=group, affinitygroupnames="g")
    assert lab.code("deployVirtualMachine", **twice) == 431


def test_disks_that_are_elsewhere(lab: VmLab) -> None:
    other = lab.do("createZone", name="z2", dns1="10.9.0.1", internaldns1="10.9.0.2", networktype="Advanced")["id"]
    there = lab.do("createDiskOffering", name="o", displaytext="o", disksize=1, zoneid=other)["id"]
    assert lab.code("deployVirtualMachine", **lab.wanted(diskofferingid=there)) == 431
    assert lab.code("createVolume", name="d", diskofferingid=there, zoneid=lab.zone, **lab.mine) == 431
    away = lab.volume(zoneid=other)["id"]
    vm = lab.deploy()
    assert lab.code("attachVolume", id=away, virtualmachineid=vm["id"]) == 431
    offering = {"name": "s", "displaytext": "s", "cpunumber": 1, "cpuspeed": 100, "memory": 64}
    there = lab.do("createServiceOffering", **offering, zoneid=other)["id"]
    assert lab.code("deployVirtualMachine", **lab.wanted(serviceofferingid=there)) == 431
    domain = lab.do("createDomain", name="d")["id"]
    theirs = lab.do("createServiceOffering", **offering, domainid=domain)["id"]
    assert lab.code("deployVirtualMachine", by="joe", **lab.wanted(serviceofferingid=theirs)) in (431, 531)


def test_networks_of_others(lab: VmLab) -> None:
    ann = lab.account("ann")
    network = lab.new_network(ann)
    assert lab.code("deployVirtualMachine", **lab.wanted(networkids=network)) == 431
    vm = lab.deploy()
    assert lab.code("addNicToVirtualMachine", virtualmachineid=vm["id"], networkid=network) == 431
    wanted = {"virtualmachineid": vm["id"], "networkids": network, **ann}
    assert lab.code("assignVirtualMachine", by="joe", **wanted) == 432
    lab.do("stopVirtualMachine", id=vm["id"])
    assert lab.code("assignVirtualMachine", **{**wanted, "networkids": lab.network}) == 431
    lab.do("lockAccount", **ann)
    lab.do("disableAccount", lock=False, **ann)
    assert lab.code("assignVirtualMachine", **wanted) == 431
    assert lab.vm(vm["id"])["account"] == "joe"


def test_rules_keep_a_vm_with_its_owner(lab: VmLab) -> None:
    vm, ann = lab.deploy(), lab.account("ann")
    address = lab.do("associateIpAddress", networkid=lab.network, zoneid=lab.zone, **lab.mine)["id"]
    lab.do("enableStaticNat", ipaddressid=address, virtualmachineid=vm["id"])
    lab.do("stopVirtualMachine", id=vm["id"])
    wanted = {"virtualmachineid": vm["id"], "networkids": lab.new_network(ann), **ann}
    assert lab.code("assignVirtualMachine", **wanted) == 431
    assert lab.vm(vm["id"])["account"] == "joe"
    lab.do("disableStaticNat", ipaddressid=address)
    assert lab.do("assignVirtualMachine", **wanted)["account"] == "ann"


def test_migrations(lab: VmLab) -> None:
    vm = lab.deploy()
    (other,) = (host for host in lab.built.hosts if host != vm["hostid"])
    both = {"hostid": other, "storageid": lab.built.pool}
    assert lab.code("migrateVirtualMachine", virtualmachineid=vm["id"], **both) == 431
    assert lab.code("migrateVirtualMachine", virtualmachineid=vm["id"], autoselect=False) == 431
    nowhere = {"migrateto[0].volume": lab.root(vm["id"])["id"], "migrateto[0].pool": lab.zone}
    assert lab.code("migrateVirtualMachineWithVolume", virtualmachineid=vm["id"], **nowhere) == 431
    nothing = {"migrateto[0].volume": lab.volume()["id"], "migrateto[0].pool": lab.built.pool}
    assert lab.code("migrateVirtualMachineWithVolume", virtualmachineid=vm["id"], **nothing) == 431
    lab.attached(vm["id"])
    lab.do("stopVirtualMachine", id=vm["id"])
    assert lab.code("migrateVirtualMachineWithVolume", virtualmachineid=vm["id"], hostid=other) == 431
    assert lab.code("migrateVirtualMachine", virtualmachineid=vm["id"], storageid=lab.built.pool) == 431
    assert lab.code("migrateVolume", volumeid=lab.volume()["id"], storageid=lab.built.pool) == 431
    assert lab.do("findStoragePoolsForMigration", id=lab.volume()["id"]) == []


def test_pools_that_do_not_suit(lab: VmLab) -> None:
    lab.do("updateStoragePool", id=lab.built.pool, tags="ssd")
    offering = lab.do("createDiskOffering", name="t", displaytext="t", disksize=9, tags="ssd")["id"]
    vm = lab.deploy()
    volume = lab.attached(vm["id"], diskofferingid=offering)["id"]
    lab.do("detachVolume", id=volume)
    lab.cloud.machines.exports.add("nfs://storage/second")
    pool = lab.do(
        "createStoragePool",
        name="ps1",
        zoneid=lab.zone,
        podid=lab.built.pod,
        clusterid=lab.built.cluster,
        url="nfs://storage/second",
    )["id"]
    assert lab.code("migrateVolume", volumeid=volume, storageid=pool) == 431, "its tags"
    assert lab.do("findStoragePoolsForMigration", id=volume)[0]["suitableformigration"] is False
    lab.do("updateStoragePool", id=pool, tags="ssd", capacitybytes=1 << 30)
    assert lab.code("migrateVolume", volumeid=volume, storageid=pool) == 530, "its room"
    assert lab.do("findStoragePoolsForMigration", id=volume)[0]["suitableformigration"] is False


def test_interfaces_and_vm_snapshots(lab: VmLab) -> None:
    vm = lab.deploy(startvm=False)
    second = lab.new_network()
    lab.do("createVMSnapshot", virtualmachineid=vm["id"])
    assert lab.code("addNicToVirtualMachine", virtualmachineid=vm["id"], networkid=second) == 431
    volume = lab.root(vm["id"])["id"]
    assert lab.code("detachVolume", id=volume) == 431
    lab.do("destroyVirtualMachine", id=vm["id"])
    assert lab.code("createVMSnapshot", virtualmachineid=vm["id"]) == 431
    (snapshot,) = lab.do("listVMSnapshot", listall=True)
    assert lab.code("revertToVMSnapshot", vmsnapshotid=snapshot["id"]) == 431
    assert lab.code("stopVirtualMachine", id=vm["id"], forced=True) == 530
    assert lab.code("stopVirtualMachine", id=vm["id"]) == 530


def test_an_interface_whose_network_cannot_be_made_live_is_taken_away(lab: VmLab) -> None:
    vm, second = lab.deploy(), lab.new_network()
    lab.do("updateResourceLimit", resourcetype=1, max=lab.count(1), **lab.mine)
    assert lab.code("addNicToVirtualMachine", virtualmachineid=vm["id"], networkid=second) == 535, "no source NAT"
    assert len(lab.vm(vm["id"])["nic"]) == 1


def test_snapshots_in_states_between(lab: VmLab) -> None:
    vm = lab.deploy()
    root = lab.root(vm["id"])["id"]
    begun = lab.cloud.ask("createSnapshot", volumeid=root)["id"]
    for command, params in (
        ("deleteSnapshot", {"id": begun}),
        ("resizeVolume", {"id": root, "size": 9}),
        ("createVolume", {"name": "c", "snapshotid": begun, **lab.mine}),
        ("createTemplate", {"name": "t", "displaytext": "t", "ostypeid": lab.os, "snapshotid": begun}),
        ("destroyVirtualMachine", {"id": vm["id"]}),
        ("restoreVirtualMachine", {"virtualmachineid": vm["id"]}),
    ):
        assert lab.code(command, **params) in (431, 530), command
    lab.cloud.advance()
    assert lab.one("listSnapshots", id=begun)["state"] == "BackedUp"
    assert lab.do("deleteSnapshot", id=begun) is True


def test_restores(lab: VmLab) -> None:
    vm = lab.deploy()
    (iso,) = lab.do("registerIso", name="i", url="http://x.org/i.iso", zoneid=lab.zone, ostypeid=lab.os, ispublic=True)
    assert lab.code("restoreVirtualMachine", virtualmachineid=vm["id"], templateid=iso["id"]) == 431
    lab.cloud.advance(5)
    assert lab.code("restoreVirtualMachine", virtualmachineid=vm["id"], templateid=iso["id"]) == 431
    ann = lab.account("ann")
    (private,) = lab.do(
        "registerTemplate",
        name="p",
        url="http://x.org/p.qcow2",
        format="QCOW2",
        hypervisor="KVM",
        ostypeid=lab.os,
        zoneid=lab.zone,
        **ann,
    )
    lab.cloud.advance(5)
    assert lab.code("restoreVirtualMachine", virtualmachineid=vm["id"], templateid=private["id"]) == 531
    lab.do("updateResourceLimit", resourcetype=10, max=4, **lab.mine)
    assert lab.code("restoreVirtualMachine", virtualmachineid=vm["id"], rootdisksize=9) == 535
    lab.do("updateResourceLimit", resourcetype=10, max=-1, **lab.mine)
    restored = lab.do("restoreVirtualMachine", virtualmachineid=vm["id"], diskofferingid=lab.disk)
    assert lab.root(restored["id"])["size"] == 5 << 30
    lab.do("updateStoragePool", id=lab.built.pool, capacitybytes=8 << 30)
    assert lab.code("restoreVirtualMachine", virtualmachineid=vm["id"], rootdisksize=200) == 533
    assert lab.vm(vm["id"])["state"] == "Running"


def test_offerings_that_do_not_fit_the_one_before(lab: VmLab) -> None:
    vm = lab.deploy(startvm=False)
    base = {"name": "s", "displaytext": "s", "cpunumber": 1, "cpuspeed": 100, "memory": 64}
    for extra in ({"storagetype": "local"}, {"diskofferingstrictness": True}):
        other = lab.do("createServiceOffering", **base, **extra)["id"]
        assert lab.code("changeServiceForVirtualMachine", id=vm["id"], serviceofferingid=other) == 431
    custom = lab.do("createServiceOffering", name="c", displaytext="c")["id"]
    details = {"details[0].cpuNumber": "2", "details[0].cpuSpeed": "200", "details[0].memory": "96"}
    wanted = {"id": vm["id"], "serviceofferingid": custom, **details}
    changed = lab.do("changeServiceForVirtualMachine", **wanted)
    assert (changed["cpunumber"], changed["memory"], changed["details"]["memory"]) == (2, 96, "96")
    assert lab.code("changeServiceForVirtualMachine", **wanted) == 431
    assert lab.do("changeServiceForVirtualMachine", id=vm["id"], serviceofferingid=lab.small)["details"] == {}


def test_volumes_and_their_machines(lab: VmLab) -> None:
    vm = lab.deploy()
    volume = lab.attached(vm["id"])
    lab.do("detachVolume", id=volume["id"])
    assert lab.code("createVolume", name="d", snapshotid=lab.zone, **lab.mine) == 431
    other = lab.do("createZone", name="z2", dns1="10.9.0.1", internaldns1="10.9.0.2", networktype="Advanced")["id"]
    wanted = {"name": "d", "diskofferingid": lab.disk, "virtualmachineid": vm["id"], **lab.mine}
    assert lab.code("createVolume", **wanted, zoneid=other) == 431
    assert lab.do("createVolume", **wanted)["virtualmachineid"] == vm["id"], "the VM's zone"
    assert lab.code("extractVolume", id=volume["id"], zoneid=other, mode="HTTP_DOWNLOAD") == 431
    assert lab.code("updateVolume", id=volume["id"], state="Gone") == 431
    lab.do("destroyVirtualMachine", id=vm["id"])
    assert lab.code("createVolume", **wanted) == 431
    assert lab.code("resizeVolume", id=lab.root(vm["id"])["id"], size=0) == 431
    lab.do("destroyVolume", id=volume["id"])
    assert lab.code("resizeVolume", id=volume["id"], diskofferingid=lab.disk) == 431
    assert lab.code("migrateVolume", volumeid=volume["id"], storageid=lab.built.pool) == 431


def test_a_volume_that_vanishes_while_its_job_waits(lab: VmLab) -> None:
    volume = lab.volume(diskofferingid=lab.custom, size=3)["id"]
    job = lab.cloud.ask("resizeVolume", id=volume, size=9)["jobid"]
    lab.cloud.ask("deleteVolume", id=volume)
    lab.cloud.advance()
    failed = lab.cloud.ask("queryAsyncJobResult", jobid=job)
    assert (failed["jobstatus"], failed["jobresult"]["errorcode"]) == (2, 530)


def test_a_vm_that_is_destroyed_while_it_starts(lab: VmLab) -> None:
    begun = lab.cloud.ask("deployVirtualMachine", **lab.wanted())
    lab.cloud.ask("destroyVirtualMachine", id=begun["id"], expunge=True)
    lab.cloud.advance()
    assert lab.do("listVirtualMachines", listall=True) == []
    assert lab.do("listVolumes", listall=True) == []


def test_a_snapshot_is_not_reverted_under_a_vm_that_started(lab: VmLab) -> None:
    vm = lab.deploy()
    root = lab.root(vm["id"])["id"]
    snapshot = lab.do("createSnapshot", volumeid=root)["id"]
    lab.do("stopVirtualMachine", id=vm["id"])
    lab.do("resizeVolume", id=root, size=9)
    start = lab.cloud.ask("startVirtualMachine", id=vm["id"])["jobid"]
    assert lab.code("revertSnapshot", id=snapshot) == 431
    lab.cloud.advance()
    assert lab.cloud.ask("queryAsyncJobResult", jobid=start)["jobstatus"] == 1
    assert lab.root(vm["id"])["size"] == 9 << 30
