"""Deploying, starting, stopping, destroying, recovering, expunging."""

from __future__ import annotations

import base64

import pytest
from vmlab import VmLab


@pytest.fixture
def lab() -> VmLab:
    return VmLab()


def test_a_deployed_vm_runs_with_an_address_and_a_root_volume(lab: VmLab) -> None:
    vm = lab.deploy(name="web", displayname="the web")
    assert (vm["state"], vm["name"], vm["displayname"], vm["account"]) == ("Running", "web", "the web", "joe")
    assert vm["hostid"] in lab.built.hosts
    (nic,) = vm["nic"]
    assert nic["isdefault"]
    assert nic["networkid"] == lab.network
    assert nic["ipaddress"] == vm["ipaddress"]
    assert nic["ipaddress"] != nic["gateway"]
    root = lab.root(vm["id"])
    assert (root["state"], root["deviceid"], root["templateid"]) == ("Ready", 0, lab.template)
    assert root["storageid"] == lab.built.pool


def test_states_in_between_show_while_the_job_waits(lab: VmLab) -> None:
    vm_id = lab.cloud.ask("deployVirtualMachine", **lab.wanted())["id"]
    assert lab.vm(vm_id)["state"] == "Starting"
    lab.cloud.advance()
    assert lab.vm(vm_id)["state"] == "Running"
    lab.cloud.ask("stopVirtualMachine", id=vm_id)
    assert lab.vm(vm_id)["state"] == "Stopping"
    lab.cloud.advance()
    assert lab.vm(vm_id)["state"] == "Stopped"


def test_jobs_on_one_vm_follow_each_other(lab: VmLab) -> None:
    vm_id = lab.cloud.ask("deployVirtualMachine", **lab.wanted())["id"]
    jobs = [lab.cloud.ask(name, id=vm_id)["jobid"] for name in ("stopVirtualMachine", "startVirtualMachine")]
    lab.cloud.advance()
    assert [lab.do("queryAsyncJobResult", jobid=job)["jobstatus"] for job in jobs] == [1, 1]
    assert lab.vm(vm_id)["state"] == "Running"


def test_jobs_are_found_by_their_command(lab: VmLab) -> None:
    vm = lab.deploy()
    begun = lab.cloud.ask("stopVirtualMachine", id=vm["id"])["jobid"]
    (job,) = lab.do("listAsyncJobs", listall=True, keyword="stopvirtual")
    assert (job["jobid"], job["jobstatus"], job["jobinstanceid"]) == (begun, 0, vm["id"])
    lab.cloud.advance()
    assert lab.one("listAsyncJobs", listall=True, keyword="stopvirtual")["jobstatus"] == 1
    assert lab.do("listAsyncJobs", listall=True, startdate="2030-01-01") == []


def test_a_vm_goes_round_and_starts_where_it_was(lab: VmLab) -> None:
    vm = lab.deploy()
    stopped = lab.do("stopVirtualMachine", id=vm["id"])
    assert stopped["state"] == "Stopped"
    assert "hostid" not in stopped
    assert lab.code("rebootVirtualMachine", id=vm["id"]) == 431
    started = lab.do("startVirtualMachine", id=vm["id"])
    assert (started["state"], started["hostid"]) == ("Running", vm["hostid"])
    assert lab.code("startVirtualMachine", id=vm["id"]) == 431
    assert lab.do("rebootVirtualMachine", id=vm["id"])["hostid"] == vm["hostid"]
    assert lab.vm(vm["id"])["ipaddress"] == vm["ipaddress"]


def test_destroyed_is_kept_until_expunged(lab: VmLab) -> None:
    vm = lab.deploy()
    data = lab.attached(vm["id"])
    assert lab.code("recoverVirtualMachine", id=vm["id"]) == 431
    assert lab.code("expungeVirtualMachine", id=vm["id"]) == 530
    assert lab.do("destroyVirtualMachine", id=vm["id"])["state"] == "Destroyed"
    assert "virtualmachineid" not in lab.one("listVolumes", id=data["id"], listall=True)
    assert lab.code("startVirtualMachine", id=vm["id"]) == 530
    assert lab.do("recoverVirtualMachine", id=vm["id"])["state"] == "Stopped"
    lab.do("destroyVirtualMachine", id=vm["id"])
    root = lab.root(vm["id"])["id"]
    assert lab.do("expungeVirtualMachine", id=vm["id"]) is True
    assert lab.do("listVirtualMachines", id=vm["id"]) == []
    assert lab.do("listVolumes", id=root) == []


def test_destroy_can_expunge_and_take_data_volumes_along(lab: VmLab) -> None:
    vm = lab.deploy()
    data, other = lab.attached(vm["id"]), lab.volume()
    assert lab.code("destroyVirtualMachine", id=vm["id"], volumeids=other["id"]) == 431
    assert lab.do("destroyVirtualMachine", id=vm["id"], expunge=True, volumeids=data["id"]) == {}
    assert lab.do("listVirtualMachines", listall=True) == []
    assert lab.do("listVolumes", id=data["id"]) == []
    kept = lab.deploy()
    data = lab.attached(kept["id"])
    assert lab.do("destroyVirtualMachine", id=kept["id"], volumeids=data["id"])["state"] == "Destroyed"
    assert lab.one("listVolumes", id=data["id"])["state"] == "Destroy"


def test_expunging_is_for_admins_unless_a_setting_says_otherwise(lab: VmLab) -> None:
    vm = lab.deploy()
    assert lab.code("destroyVirtualMachine", by="joe", id=vm["id"], expunge=True) == 531
    lab.do("updateConfiguration", name="allow.user.expunge.recover.vm", value="true")
    lab.do("destroyVirtualMachine", by="joe", id=vm["id"], expunge=True)
    assert lab.do("listVirtualMachines", listall=True) == []


def test_a_role_may_forbid_expunging(lab: VmLab) -> None:
    role = lab.do("createRole", name="keeper", type="DomainAdmin")["id"]
    for rule, permission in (("expungeVirtualMachine", "deny"), ("*", "allow")):
        lab.do("createRolePermission", roleid=role, rule=rule, permission=permission)
    lab.do(
        "createAccount",
        username="kim",
        password="p",
        email="k@example.org",
        firstname="K",
        lastname="L",
        roleid=role,
    )
    vm = lab.deploy()
    assert lab.code("destroyVirtualMachine", by="kim", id=vm["id"], expunge=True) == 531
    assert lab.vm(vm["id"])["state"] == "Running"
    lab.cloud.account("dora", kind=2)
    lab.do("destroyVirtualMachine", by="dora", id=vm["id"], expunge=True)
    assert lab.do("listVirtualMachines", listall=True) == []


def test_time_expunges_what_is_destroyed(lab: VmLab) -> None:
    vm = lab.deploy()
    lab.do("destroyVirtualMachine", id=vm["id"])
    lab.cloud.clock.time += 80_000
    assert lab.vm(vm["id"])["state"] == "Destroyed"
    lab.cloud.clock.time += 10_000
    assert lab.do("listVirtualMachines", listall=True) == []


def test_delete_protection(lab: VmLab) -> None:
    vm = lab.deploy()
    lab.do("updateVirtualMachine", id=vm["id"], deleteprotection=True)
    assert lab.code("destroyVirtualMachine", id=vm["id"]) == 431
    lab.do("updateVirtualMachine", id=vm["id"], deleteprotection=False)
    assert lab.do("destroyVirtualMachine", id=vm["id"])["state"] == "Destroyed"


def test_not_started(lab: VmLab) -> None:
    vm = lab.deploy(startvm=False)
    assert vm["state"] == "Stopped"
    assert "hostid" not in vm
    assert lab.root(vm["id"])["state"] == "Allocated"
    data = lab.attached(vm["id"])
    assert data["state"] == "Allocated"
    assert lab.do("startVirtualMachine", id=vm["id"])["state"] == "Running"
    assert lab.one("listVolumes", id=data["id"])["state"] == "Ready"


def test_names(lab: VmLab) -> None:
    assert lab.deploy()["name"].startswith("VM-")
    lab.deploy(name="web")
    assert lab.code("deployVirtualMachine", **lab.wanted(name="WEB")) == 431
    assert lab.code("deployVirtualMachine", **lab.wanted(name="9to5")) == 431
    assert lab.deploy(name="web", networkids=lab.new_network())["name"] == "web"


def test_what_cannot_be_deployed_leaves_nothing(lab: VmLab) -> None:
    gone = "6f1a4d9e-0000-4000-8000-000000000000"
    assert lab.code("deployVirtualMachine", **lab.wanted(templateid=gone)) == 431
    assert lab.code("deployVirtualMachine", **lab.wanted(ipaddress="10.99.0.1")) == 431
    assert lab.code("deployVirtualMachine", **lab.wanted(networkids=f"{lab.network},{lab.network}")) == 431
    assert lab.code("deployVirtualMachine", **lab.wanted(keypair="none")) == 431
    assert lab.code("deployVirtualMachine", **lab.wanted(userdata="???")) == 431
    assert lab.code("deployVirtualMachine", **lab.wanted(rootdisksize=-1)) == 431
    assert lab.do("listVirtualMachines", listall=True) == []
    assert lab.do("listVolumes", listall=True) == []
    assert [lab.count(kind) for kind in (0, 2, 8, 9, 10)] == [0] * 5


def test_a_wanted_address_and_mac_are_given_once(lab: VmLab) -> None:
    gateway = lab.one("listNetworks", id=lab.network, listall=True)["gateway"]
    address = gateway.rpartition(".")[0] + ".77"
    vm = lab.deploy(ipaddress=address, macaddress="02:00:00:00:00:77")
    assert (vm["ipaddress"], vm["nic"][0]["macaddress"]) == (address, "02:00:00:00:00:77")
    assert lab.code("deployVirtualMachine", **lab.wanted(ipaddress=address)) == 431
    assert lab.code("deployVirtualMachine", **lab.wanted(macaddress="02:00:00:00:00:77")) == 431


def test_addresses_by_network(lab: VmLab) -> None:
    second = lab.new_network()
    gateway = lab.one("listNetworks", id=second, listall=True)["gateway"]
    wanted = lab.wanted()
    del wanted["networkids"]
    address = gateway.rpartition(".")[0] + ".88"
    vm = lab.do(
        "deployVirtualMachine",
        **wanted,
        **{"iptonetworklist[0].networkid": second, "iptonetworklist[0].ip": address},
    )
    assert [(nic["networkid"], nic["ipaddress"]) for nic in vm["nic"]] == [(second, address)]


def test_data_disks_come_along(lab: VmLab) -> None:
    vm = lab.deploy(diskofferingid=lab.custom, size=3)
    volumes = {item["type"]: item for item in lab.do("listVolumes", virtualmachineid=vm["id"], listall=True)}
    assert (volumes["DATADISK"]["size"], volumes["DATADISK"]["deviceid"]) == (3 << 30, 1)
    assert vm["diskofferingid"] == lab.custom
    several = lab.deploy(
        **{
            "datadisksdetails[0].diskofferingid": lab.disk,
            "datadisksdetails[1].diskofferingid": lab.custom,
            "datadisksdetails[1].size": "7",
            "datadisksdetails[1].deviceid": "5",
        }
    )
    data = lab.do("listVolumes", virtualmachineid=several["id"], type="DATADISK", listall=True)
    assert [(item["size"] >> 30, item["deviceid"]) for item in data] == [(5, 1), (7, 5)]


def test_root_disk_sizes(lab: VmLab) -> None:
    assert lab.root(lab.deploy(rootdisksize=12)["id"])["size"] == 12 << 30
    assert lab.root(lab.deploy(**{"details[0].rootdisksize": 9})["id"])["size"] == 9 << 30
    assert lab.code("deployVirtualMachine", **lab.wanted(rootdisksize=0)) == 431
    refused = lab.cloud.refused("deployVirtualMachine", **lab.wanted(rootdisksize=1))
    assert refused.code == 431
    assert "rootdisksize override (1 GB) is smaller than template size" in refused.text
    fixed = lab.do(
        "createServiceOffering", name="r", displaytext="r", cpunumber=1, cpuspeed=100, memory=64, rootdisksize=7
    )["id"]
    assert lab.root(lab.deploy(serviceofferingid=fixed, rootdisksize=12)["id"])["size"] == 7 << 30


def test_a_vm_from_an_iso_needs_a_disk_and_a_hypervisor(lab: VmLab) -> None:
    (iso,) = lab.do("registerIso", name="i", url="http://x.org/i.iso", zoneid=lab.zone, ostypeid=lab.os, ispublic=True)
    assert lab.code("deployVirtualMachine", **lab.wanted(templateid=iso["id"])) == 431, "not downloaded yet"
    lab.cloud.advance(5)
    wanted = lab.wanted(templateid=iso["id"], diskofferingid=lab.disk)
    assert lab.code("deployVirtualMachine", **wanted) == 431
    vm = lab.do("deployVirtualMachine", **wanted, hypervisor="kvm")
    assert (vm["isoid"], vm["hypervisor"]) == (iso["id"], "KVM")
    assert [item["type"] for item in lab.do("listVolumes", virtualmachineid=vm["id"], listall=True)] == ["ROOT"]


def test_from_a_volume_and_from_a_snapshot(lab: VmLab) -> None:
    vm = lab.deploy()
    snapshot = lab.do("createSnapshot", volumeid=lab.root(vm["id"])["id"])
    lab.do("stopVirtualMachine", id=vm["id"])
    root = lab.do("detachVolume", id=lab.root(vm["id"])["id"])
    wanted = lab.wanted()
    del wanted["templateid"]
    assert lab.code("deployVirtualMachine", **wanted) == 431
    second = lab.do("deployVirtualMachine", **wanted, volumeid=root["id"])
    assert lab.root(second["id"])["id"] == root["id"]
    assert lab.code("deployVirtualMachine", **wanted, volumeid=root["id"]) == 431, "attached by now"
    third = lab.do("deployVirtualMachine", **wanted, snapshotid=snapshot["id"])
    assert lab.root(third["id"])["snapshotid"] == snapshot["id"]


def test_custom_offerings(lab: VmLab) -> None:
    offering = lab.do("createServiceOffering", name="any", displaytext="any")["id"]
    wanted = lab.wanted(serviceofferingid=offering)
    assert lab.code("deployVirtualMachine", **wanted) == 431
    details = {"details[0].cpuNumber": "2", "details[0].cpuSpeed": "700", "details[0].memory": "768"}
    vm = lab.do("deployVirtualMachine", **wanted, **details)
    assert (vm["cpunumber"], vm["cpuspeed"], vm["memory"]) == (2, 700, 768)
    assert vm["details"] == {"cpuNumber": "2", "cpuSpeed": "700", "memory": "768"}
    assert lab.code("deployVirtualMachine", **lab.wanted(), **details) == 431
    bounded = lab.do(
        "createServiceOffering",
        name="b",
        displaytext="b",
        cpuspeed=500,
        mincpunumber=1,
        maxcpunumber=2,
        minmemory=64,
        maxmemory=512,
    )["id"]
    wanted = lab.wanted(serviceofferingid=bounded)
    inside = {"details[0].cpuNumber": "2", "details[0].memory": "512"}
    assert lab.do("deployVirtualMachine", **wanted, **inside)["cpuspeed"] == 500
    outside = {"details[0].cpuNumber": "3", "details[0].memory": "512"}
    assert lab.code("deployVirtualMachine", **wanted, **outside) == 431
    assert lab.code("deployVirtualMachine", **wanted, **inside, **{"details[0].cpuSpeed": "700"}) == 431


def test_limits_and_counts(lab: VmLab) -> None:
    vm = lab.deploy()
    assert [lab.count(kind) for kind in (0, 2, 8, 9, 10)] == [1, 1, 1, 512, 2 << 30]
    lab.do("updateResourceLimit", resourcetype=0, max=1, **lab.mine)
    assert lab.code("deployVirtualMachine", **lab.wanted()) == 535
    lab.do("destroyVirtualMachine", id=vm["id"])
    assert [lab.count(kind) for kind in (0, 2, 8, 9, 10)] == [0] * 5
    second = lab.deploy()
    assert lab.code("recoverVirtualMachine", id=vm["id"]) == 535
    lab.do("updateResourceLimit", resourcetype=0, max=-1, **lab.mine)
    lab.do("updateResourceLimit", resourcetype=9, max=600, **lab.mine)
    assert lab.code("deployVirtualMachine", **lab.wanted()) == 535
    lab.do("stopVirtualMachine", id=second["id"])
    assert lab.code("changeServiceForVirtualMachine", id=second["id"], serviceofferingid=lab.medium) == 535


def test_disabled_accounts_and_others_things(lab: VmLab) -> None:
    vm = lab.deploy()
    lab.account("ann")
    assert lab.code("stopVirtualMachine", by="ann", id=vm["id"]) == 531
    assert lab.do("listVirtualMachines", by="ann", listall=True) == []
    shown = lab.do("listVirtualMachines", by="joe")[0]
    assert "hostid" not in shown
    assert "instancename" not in shown
    assert lab.code("deployVirtualMachine", by="joe", **lab.wanted(hostid=vm["hostid"])) == 531
    lab.do("disableAccount", lock=False, **lab.mine)
    assert lab.code("deployVirtualMachine", **lab.wanted()) == 531


def test_a_disabled_zone_is_for_admins(lab: VmLab) -> None:
    lab.do("updateZone", id=lab.zone, allocationstate="Disabled")
    assert lab.code("deployVirtualMachine", by="joe", **lab.wanted()) == 531
    assert lab.deploy()["state"] == "Running"


def test_passwords(lab: VmLab) -> None:
    vm = lab.deploy()
    lab.do("stopVirtualMachine", id=vm["id"])
    assert "password" not in vm
    assert lab.code("resetPasswordForVirtualMachine", id=vm["id"]) == 431
    lab.do("updateTemplate", id=lab.template, passwordenabled=True)
    lab.do("createSSHKeyPair", name="k", **lab.mine)
    second = lab.deploy(keypair="k")
    assert len(second["password"]) >= 6
    assert "password" not in lab.vm(second["id"])
    assert lab.code("resetPasswordForVirtualMachine", id=second["id"]) == 431, "it runs"
    assert base64.b64decode(lab.do("getVMPassword", id=second["id"])["encryptedpassword"])
    lab.do("stopVirtualMachine", id=second["id"])
    assert lab.do("resetPasswordForVirtualMachine", id=second["id"], password="mine")["password"] == "mine"
    assert lab.code("getVMPassword", id=vm["id"]) == 431


def test_events_tell_what_was_done(lab: VmLab) -> None:
    vm = lab.deploy()
    lab.do("stopVirtualMachine", id=vm["id"])
    events = lab.do("listEvents", **lab.mine)
    assert {("VM.CREATE", "Created"), ("VM.CREATE", "Completed"), ("VM.STOP", "Completed")} <= {
        (event["type"], event["state"]) for event in events
    }


def test_an_account_goes_with_all_its_things(lab: VmLab) -> None:
    vm = lab.deploy()
    lab.attached(vm["id"])
    lab.do("createSnapshot", volumeid=lab.root(vm["id"])["id"])
    account = lab.one("listAccounts", name="joe", listall=True)
    assert lab.do("deleteAccount", id=account["id"]) is True
    for command in ("listVirtualMachines", "listVolumes", "listSnapshots", "listNetworks"):
        assert lab.do(command, listall=True) == []
