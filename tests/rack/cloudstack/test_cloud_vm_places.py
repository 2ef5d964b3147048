"""Which host a VM runs on, and how it moves."""

from __future__ import annotations

import pytest
from cloudlab import JobFailedError, add_host
from vmlab import VmLab


@pytest.fixture
def lab() -> VmLab:
    return VmLab()


def group(lab: VmLab, kind: str, name: str = "g") -> str:
    return str(lab.do("createAffinityGroup", name=name, type=kind, **lab.mine)["id"])


def failure(lab: VmLab, command: str, **params: object) -> str:
    """What the failed job of a call says."""
    with pytest.raises(JobFailedError) as caught:
        lab.do(command, **params)
    return str(caught.value.text)


def address(lab: VmLab, host: str) -> str:
    return str(lab.one("listHosts", id=host)["ipaddress"])


def test_vms_spread_over_hosts_and_a_full_host_takes_none(lab: VmLab) -> None:
    assert {lab.deploy()["hostid"] for _ in range(2)} == set(lab.built.hosts)
    big = lab.do("createServiceOffering", name="b", displaytext="b", cpunumber=8, cpuspeed=1500, memory=1024)["id"]
    assert {lab.deploy(serviceofferingid=big)["hostid"] for _ in range(2)} == set(lab.built.hosts)
    assert lab.code("deployVirtualMachine", **lab.wanted(serviceofferingid=big, name="late")) == 533
    (late,) = lab.do("listVirtualMachines", name="late", listall=True)
    assert late["state"] == "Error"
    assert lab.do("listVolumes", virtualmachineid=late["id"], listall=True) == []
    assert lab.count(0) == 4
    lab.do("destroyVirtualMachine", id=late["id"])
    assert lab.do("listVirtualMachines", name="late", listall=True) == []


def test_a_named_host(lab: VmLab) -> None:
    first, second = lab.built.hosts
    assert [lab.deploy(hostid=second)["hostid"] for _ in range(2)] == [second, second]
    lab.do("updateHost", id=first, allocationstate="Disable")
    assert lab.code("deployVirtualMachine", **lab.wanted(hostid=first)) == 431
    assert lab.deploy()["hostid"] == second
    lab.do("updateHost", id=first, allocationstate="Enable")
    vm = lab.deploy(startvm=False)
    assert lab.do("startVirtualMachine", id=vm["id"], hostid=first)["hostid"] == first
    assert lab.deploy(clusterid=lab.built.cluster, podid=lab.built.pod)["state"] == "Running"


def test_a_start_that_fails_leaves_the_vm_stopped(lab: VmLab) -> None:
    vm = lab.deploy(startvm=False)
    for host in lab.built.hosts:
        lab.do("updateHost", id=host, allocationstate="Disable")
    assert lab.code("startVirtualMachine", id=vm["id"]) == 533
    assert lab.vm(vm["id"])["state"] == "Stopped"


def test_host_tags(lab: VmLab) -> None:
    offering = lab.do(
        "createServiceOffering", name="t", displaytext="t", cpunumber=1, cpuspeed=100, memory=64, hosttags="gpu"
    )["id"]
    assert lab.code("deployVirtualMachine", **lab.wanted(serviceofferingid=offering)) == 530
    lab.do("updateHost", id=lab.built.hosts[1], hosttags="ssd,gpu")
    vm = lab.deploy(serviceofferingid=offering)
    assert vm["hostid"] == lab.built.hosts[1]
    lab.do("updateHost", id=lab.built.hosts[1], allocationstate="Disable")
    assert "No destination found" in failure(lab, "deployVirtualMachine", **lab.wanted(serviceofferingid=offering))
    lab.do("stopVirtualMachine", id=vm["id"])
    assert "Unable to create a deployment" in failure(lab, "startVirtualMachine", id=vm["id"])
    lab.do("updateHost", id=lab.built.hosts[1], hosttags="")
    assert "Unable to orchestrate the start" in failure(lab, "startVirtualMachine", id=vm["id"])
    lab.do("updateHost", id=lab.built.hosts[1], allocationstate="Enable")
    assert lab.do("startVirtualMachine", id=vm["id"])["hostid"] == lab.built.hosts[1], "where it ran last, tags aside"


def test_host_tags_of_a_template(lab: VmLab) -> None:
    lab.do("updateTemplate", id=lab.template, templatetag="win")
    assert "No destination found" in failure(lab, "deployVirtualMachine", **lab.wanted())
    lab.do("updateHost", id=lab.built.hosts[1], hosttags="win")
    assert lab.deploy()["hostid"] == lab.built.hosts[1]


def test_only_strict_host_tags_bind_who_names_the_host(lab: VmLab) -> None:
    first, second = lab.built.hosts
    lab.do("updateTemplate", id=lab.template, templatetag="win")
    vm = lab.deploy(hostid=first)
    assert vm["hostid"] == first
    lab.do("updateConfiguration", name="vm.strict.host.tags", value="win,mac")
    words = f"destination host: {lab.one('listHosts', id=second)['name']} is not compatible for the VM"
    assert words in failure(lab, "deployVirtualMachine", **lab.wanted(hostid=second))
    assert lab.code("migrateVirtualMachine", virtualmachineid=vm["id"], hostid=second) == 431
    lab.do("updateHost", id=second, hosttags="win")
    assert lab.do("migrateVirtualMachine", virtualmachineid=vm["id"], hostid=second)["hostid"] == second
    lab.do("updateTemplate", id=lab.template, templatetag="mac")
    failed = failure(lab, "restoreVirtualMachine", virtualmachineid=vm["id"])
    assert "Unable to start VM with specified id" in failed
    assert lab.vm(vm["id"])["state"] == "Stopped"


def test_a_named_host_goes_before_cluster_and_pod_and_before_affinity(lab: VmLab) -> None:
    first, second = lab.built.hosts
    other = lab.do(
        "addCluster",
        clustername="c2",
        clustertype="CloudManaged",
        hypervisor="KVM",
        podid=lab.built.pod,
        zoneid=lab.zone,
    )[0]["id"]
    assert lab.deploy(hostid=first, clusterid=other)["hostid"] == first
    assert "No destination found" in failure(lab, "deployVirtualMachine", **lab.wanted(clusterid=other))
    apart = group(lab, "host anti-affinity")
    assert {lab.deploy(hostid=second, affinitygroupids=apart)["hostid"] for _ in range(2)} == {second}


def test_a_full_named_host_takes_none_unless_settings_let_another(lab: VmLab) -> None:
    first, second = lab.built.hosts
    big = lab.do("createServiceOffering", name="b", displaytext="b", cpunumber=8, cpuspeed=2000, memory=1024)["id"]
    lab.deploy(hostid=first, serviceofferingid=big)
    words = failure(lab, "deployVirtualMachine", **lab.wanted(hostid=first, serviceofferingid=big))
    assert "does not have enough free CPU or RAM" in words
    lab.do("updateConfiguration", name="allow.deploy.vm.if.deploy.on.given.host.fails", value="true")
    assert lab.deploy(hostid=first, serviceofferingid=big)["hostid"] == second


def test_storage_tags_and_room(lab: VmLab) -> None:
    offering = lab.do("createDiskOffering", name="t", displaytext="t", disksize=1, tags="ssd")["id"]
    assert lab.code("deployVirtualMachine", **lab.wanted(diskofferingid=offering)) == 533
    lab.do("updateStoragePool", id=lab.built.pool, tags="ssd")
    assert lab.deploy(diskofferingid=offering)["state"] == "Running"
    lab.do("updateStoragePool", id=lab.built.pool, capacitybytes=4 << 30)
    assert lab.code("deployVirtualMachine", **lab.wanted(rootdisksize=20)) == 533


def test_anti_affinity(lab: VmLab) -> None:
    apart = group(lab, "host anti-affinity")
    hosts = [lab.deploy(affinitygroupids=apart)["hostid"] for _ in range(2)]
    assert set(hosts) == set(lab.built.hosts)
    assert lab.code("deployVirtualMachine", **lab.wanted(affinitygroupids=apart)) == 533
    shown = lab.one("listAffinityGroups", id=apart)
    assert len(shown["virtualmachineIds"]) == 3
    third = add_host(lab.cloud, lab.zone, lab.built.pod, lab.built.cluster, 3)
    assert lab.deploy(affinitygroupnames="g")["hostid"] == third


def test_affinity_and_wishes(lab: VmLab) -> None:
    together = group(lab, "host affinity")
    assert len({lab.deploy(affinitygroupids=together)["hostid"] for _ in range(3)}) == 1
    rather_apart = group(lab, "non-strict host anti-affinity", "soft")
    assert len([lab.deploy(affinitygroupids=rather_apart)["hostid"] for _ in range(3)]) == 3
    rather_together = group(lab, "non-strict host affinity", "near")
    assert len({lab.deploy(affinitygroupids=rather_together)["hostid"] for _ in range(2)}) == 1


def test_groups_are_kept(lab: VmLab) -> None:
    first = group(lab, "host anti-affinity")
    types = {item["type"] for item in lab.do("listAffinityGroupTypes")}
    assert "host anti-affinity" in types
    assert lab.code("createAffinityGroup", name="g", type="host anti-affinity", **lab.mine) == 431
    assert lab.code("createAffinityGroup", name="h", type="nearby", **lab.mine) == 431
    vm = lab.deploy(affinitygroupids=first)
    assert [item["id"] for item in vm["affinitygroup"]] == [first]
    assert lab.code("updateVMAffinityGroup", id=vm["id"], affinitygroupids=first) == 431, "it runs"
    lab.do("stopVirtualMachine", id=vm["id"])
    second = group(lab, "host affinity", "h")
    lab.do("updateVMAffinityGroup", id=vm["id"], affinitygroupids=second)
    found = lab.do("listAffinityGroups", virtualmachineid=vm["id"], listall=True)
    assert [item["id"] for item in found] == [second]
    assert lab.do("listVirtualMachines", affinitygroupid=first, listall=True) == []
    lab.do("deleteAffinityGroup", id=second)
    assert lab.vm(vm["id"])["affinitygroup"] == []
    assert lab.code("deleteAffinityGroup", name="h", **lab.mine) == 431
    assert lab.code("deleteAffinityGroup") == 431
    lab.do("deleteAffinityGroup", name="g", **lab.mine)
    ann = lab.account("ann")
    foreign = lab.do("createAffinityGroup", name="a", type="host affinity", **ann)["id"]
    assert lab.code("deployVirtualMachine", **lab.wanted(affinitygroupids=foreign)) == 531


def test_migration(lab: VmLab) -> None:
    vm = lab.deploy()
    (other,) = (host for host in lab.built.hosts if host != vm["hostid"])
    found = lab.do("findHostsForMigration", virtualmachineid=vm["id"])
    assert [(item["id"], item["suitableformigration"]) for item in found] == [(other, True)]
    lab.cloud.ask("migrateVirtualMachine", virtualmachineid=vm["id"], hostid=other)
    assert lab.vm(vm["id"])["state"] == "Migrating"
    lab.cloud.advance()
    moved = lab.vm(vm["id"])
    assert (moved["state"], moved["hostid"]) == ("Running", other)
    assert lab.code("migrateVirtualMachine", virtualmachineid=vm["id"], hostid=other) == 431
    back = lab.do("migrateVirtualMachine", virtualmachineid=vm["id"], autoselect=True)
    assert back["hostid"] == vm["hostid"]
    lab.do("updateHost", id=other, allocationstate="Disable")
    assert lab.do("findHostsForMigration", virtualmachineid=vm["id"])[0]["suitableformigration"] is False
    assert lab.code("migrateVirtualMachine", virtualmachineid=vm["id"], hostid=other) == 431
    assert lab.code("migrateVirtualMachine", virtualmachineid=vm["id"]) == 530
    assert lab.vm(vm["id"])["state"] == "Running"
    lab.do("stopVirtualMachine", id=vm["id"])
    assert lab.code("migrateVirtualMachine", virtualmachineid=vm["id"], hostid=other) == 431
    assert lab.code("findHostsForMigration", virtualmachineid=vm["id"]) == 431


def second_pool(lab: VmLab) -> str:
    lab.cloud.machines.exports.add("nfs://storage/second")
    pool = lab.do(
        "createStoragePool",
        name="ps1",
        zoneid=lab.zone,
        podid=lab.built.pod,
        clusterid=lab.built.cluster,
        url="nfs://storage/second",
    )
    return str(pool["id"])


def test_storage_moves(lab: VmLab) -> None:
    vm, pool = lab.deploy(), second_pool(lab)
    root = lab.root(vm["id"])
    old = root["storageid"]
    (other,) = (host for host in lab.built.hosts if host != vm["hostid"])
    moves = {"migrateto[0].volume": root["id"], "migrateto[0].pool": pool}
    lab.do("migrateVirtualMachineWithVolume", virtualmachineid=vm["id"], hostid=other, **moves)
    assert (lab.vm(vm["id"])["hostid"], lab.root(vm["id"])["storageid"]) == (other, pool)
    assert lab.code("migrateVirtualMachineWithVolume", virtualmachineid=vm["id"]) == 431
    assert lab.code("migrateVolume", volumeid=root["id"], storageid=old) == 431, "it runs"
    assert lab.code("migrateVirtualMachine", virtualmachineid=vm["id"], storageid=old) == 431
    lab.do("stopVirtualMachine", id=vm["id"])
    assert lab.do("migrateVirtualMachine", virtualmachineid=vm["id"], storageid=old)["state"] == "Stopped"
    found = lab.do("findStoragePoolsForMigration", id=root["id"])
    assert [(item["id"], item["suitableformigration"]) for item in found] == [(pool, True)]
    assert lab.code("findStoragePoolsForMigration", by="joe", id=root["id"]) in (432, 531)
    assert lab.do("migrateVolume", volumeid=root["id"], storageid=pool)["storageid"] == pool
    assert lab.code("migrateVolume", volumeid=root["id"], storageid=pool) == 431
    lab.do("enableStorageMaintenance", id=old)
    assert lab.code("migrateVolume", volumeid=root["id"], storageid=old) == 431
    assert lab.root(vm["id"])["storageid"] == pool


def test_a_volume_on_a_zone_wide_pool_may_move_to_the_cluster_of_its_vm(lab: VmLab) -> None:
    lab.cloud.machines.exports.add("nfs://storage/wide")
    wide = lab.do(
        "createStoragePool", name="w", zoneid=lab.zone, url="nfs://storage/wide", scope="zone", hypervisor="KVM"
    )["id"]
    vm = lab.deploy()
    root = lab.root(vm["id"])
    assert lab.do("findStoragePoolsForMigration", id=root["id"]) == [], "KVM moves no volume of a VM that runs"
    lab.do("stopVirtualMachine", id=vm["id"])
    lab.do("migrateVirtualMachine", virtualmachineid=vm["id"], storageid=wide)
    found = lab.do("findStoragePoolsForMigration", id=root["id"])
    assert [(item["id"], item["suitableformigration"]) for item in found] == [(lab.built.pool, True)]
    lab.do("enableStorageMaintenance", id=lab.built.pool)
    assert lab.do("findStoragePoolsForMigration", id=root["id"])[0]["suitableformigration"] is False


def test_maintenance_moves_vms_or_says_that_it_cannot(lab: VmLab) -> None:
    vms = [lab.deploy() for _ in range(4)]
    first, second = lab.built.hosts
    lab.do("prepareHostForMaintenance", id=first)
    assert lab.one("listHosts", id=first)["resourcestate"] == "Maintenance"
    assert {lab.vm(vm["id"])["hostid"] for vm in vms} == {second}
    assert {lab.vm(vm["id"])["state"] for vm in vms} == {"Running"}
    assert lab.do("listVirtualMachines", hostid=first, listall=True) == []
    assert lab.code("prepareHostForMaintenance", id=second) == 530
    assert {lab.vm(vm["id"])["hostid"] for vm in vms} == {second}


def test_a_host_that_goes_down_takes_its_vms_with_it(lab: VmLab) -> None:
    offering = lab.do(
        "createServiceOffering", name="ha", displaytext="ha", cpunumber=1, cpuspeed=100, memory=64, offerha=True
    )["id"]
    first, second = lab.built.hosts
    plain, available = lab.deploy(hostid=first), lab.deploy(hostid=first, serviceofferingid=offering)
    elsewhere = lab.deploy(hostid=second)
    lab.cloud.machines.running[address(lab, first)] = False
    assert lab.vm(plain["id"])["state"] == "Stopped"
    assert (lab.vm(available["id"])["state"], lab.vm(available["id"])["hostid"]) == ("Running", second)
    assert lab.vm(elsewhere["id"])["state"] == "Running"
    assert lab.do("startVirtualMachine", id=plain["id"])["hostid"] == second
    lab.cloud.machines.running[address(lab, second)] = False
    assert {lab.vm(vm["id"])["state"] for vm in (plain, available, elsewhere)} == {"Stopped"}
    assert lab.code("startVirtualMachine", id=plain["id"]) in (530, 533)


def test_removing_a_host_by_force_stops_what_fits_nowhere(lab: VmLab) -> None:
    vm = lab.deploy()
    (other,) = (host for host in lab.built.hosts if host != vm["hostid"])
    lab.do("updateHost", id=other, allocationstate="Disable")
    lab.do("deleteHost", id=vm["hostid"], forced=True)
    assert lab.vm(vm["id"])["state"] == "Stopped"


def test_a_host_that_goes_down_under_a_migration(lab: VmLab) -> None:
    vm = lab.deploy()
    job = lab.cloud.ask("migrateVirtualMachine", virtualmachineid=vm["id"])["jobid"]
    lab.cloud.machines.running[address(lab, vm["hostid"])] = False
    assert lab.vm(vm["id"])["state"] == "Stopped"
    lab.cloud.advance()
    assert lab.cloud.ask("queryAsyncJobResult", jobid=job)["jobstatus"] == 2
    assert lab.vm(vm["id"])["state"] == "Stopped"
