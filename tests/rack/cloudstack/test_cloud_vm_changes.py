"""Changing VMs: names, sizes, disks, owners, interfaces, keys, user data, groups, lists, snapshots of VMs."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_ssh_public_key,
)
from vmlab import VmLab


@pytest.fixture
def lab() -> VmLab:
    return VmLab()


@pytest.fixture
def stopped(lab: VmLab) -> str:
    return str(lab.deploy(name="web", startvm=False)["id"])


def test_names_and_details(lab: VmLab, stopped: str) -> None:
    lab.deploy(name="other", startvm=False)
    assert lab.code("updateVirtualMachine", id=stopped, name="other") == 431
    assert lab.code("updateVirtualMachine", id=stopped, name="-") == 431
    changed = lab.do(
        "updateVirtualMachine",
        id=stopped,
        name="web2",
        displayname="Web 2",
        group="front",
        ostypeid=lab.os,
        **{"details[0].nicAdapter": "virtio"},
    )
    assert (changed["name"], changed["displayname"], changed["group"]) == ("web2", "Web 2", "front")
    assert (changed["ostypeid"], changed["details"]) == (lab.os, {"nicAdapter": "virtio"})
    assert lab.do("updateVirtualMachine", id=stopped, cleanupdetails=True)["details"] == {}
    assert lab.code("updateVirtualMachine", id=stopped, **{"details[0].extraconfig-1": "x"}) == 431
    assert lab.code("updateVirtualMachine", by="joe", id=stopped, **{"details[0].rootDiskController": "ide"}) == 431
    assert lab.code("updateVirtualMachine", id=stopped, haenable=True) == 431
    assert lab.code("updateVirtualMachine", id=stopped, isdynamicallyscalable=True) == 431
    assert "group" not in lab.do("updateVirtualMachine", id=stopped, group="")
    lab.do("destroyVirtualMachine", id=stopped)
    assert lab.code("updateVirtualMachine", id=stopped, displayname="x") == 431


def test_groups(lab: VmLab) -> None:
    vm = lab.deploy(group="front")
    made = lab.do("createInstanceGroup", name="back", **lab.mine)["id"]
    assert lab.code("createInstanceGroup", name="front", **lab.mine) == 431
    assert [item["id"] for item in lab.do("listVirtualMachines", groupid=vm["groupid"], listall=True)] == [vm["id"]]
    assert lab.code("updateInstanceGroup", id=made, name="front") == 530
    assert lab.do("updateInstanceGroup", id=made, name="rear")["name"] == "rear"
    assert lab.do("deleteInstanceGroup", id=vm["groupid"]) is True
    assert "groupid" not in lab.vm(vm["id"])
    assert [item["name"] for item in lab.do("listInstanceGroups", listall=True)] == ["rear"]


def test_another_offering(lab: VmLab, stopped: str) -> None:
    changed = lab.do("changeServiceForVirtualMachine", id=stopped, serviceofferingid=lab.medium)
    assert (changed["serviceofferingid"], changed["cpuspeed"], changed["memory"]) == (lab.medium, 1000, 1024)
    assert lab.code("changeServiceForVirtualMachine", id=stopped, serviceofferingid=lab.medium) == 431
    assert lab.do("scaleVirtualMachine", id=stopped, serviceofferingid=lab.small) is True
    lab.do("startVirtualMachine", id=stopped)
    assert lab.code("changeServiceForVirtualMachine", id=stopped, serviceofferingid=lab.medium) == 431
    assert lab.code("scaleVirtualMachine", id=stopped, serviceofferingid=lab.medium) == 531
    system = lab.do("listServiceOfferings", issystem=True)[0]["id"]
    lab.do("stopVirtualMachine", id=stopped)
    assert lab.code("changeServiceForVirtualMachine", id=stopped, serviceofferingid=system) == 431


def test_a_withdrawn_offering_stays_with_its_vms(lab: VmLab, stopped: str) -> None:
    lab.do("deleteServiceOffering", id=lab.small)
    assert lab.do("listServiceOfferings", id=lab.small) == []
    assert lab.one("listServiceOfferings", id=lab.small, state="all")["state"] == "Inactive"
    assert lab.do("deleteServiceOffering", id=lab.small) is True, "it is there, only withdrawn"
    assert lab.do("startVirtualMachine", id=stopped)["serviceofferingid"] == lab.small
    assert lab.code("deployVirtualMachine", **lab.wanted()) == 431
    assert lab.do("rebootVirtualMachine", id=stopped)["state"] == "Running"


def test_scaling_while_it_runs(lab: VmLab) -> None:
    lab.do("updateTemplate", id=lab.template, isdynamicallyscalable=True)
    rigid = lab.deploy()
    lab.do("updateConfiguration", name="enable.dynamic.scale.vm", value="true")
    assert lab.code("scaleVirtualMachine", id=rigid["id"], serviceofferingid=lab.medium) == 530
    vm = lab.deploy()
    assert vm["isdynamicallyscalable"] is True
    assert lab.code("scaleVirtualMachine", id=vm["id"], serviceofferingid=lab.small) == 431
    lab.do("scaleVirtualMachine", id=vm["id"], serviceofferingid=lab.medium)
    grown = lab.vm(vm["id"])
    assert (grown["state"], grown["memory"]) == ("Running", 1024)
    assert lab.code("scaleVirtualMachine", id=vm["id"], serviceofferingid=lab.small) == 431, "it would shrink"
    huge = lab.do("createServiceOffering", name="h", displaytext="h", cpunumber=8, cpuspeed=3000, memory=1024)["id"]
    assert lab.code("scaleVirtualMachine", id=vm["id"], serviceofferingid=huge) == 530


def test_restore_makes_a_fresh_root_volume(lab: VmLab) -> None:
    vm = lab.deploy()
    old = lab.root(vm["id"])["id"]
    assert lab.do("restoreVirtualMachine", virtualmachineid=vm["id"])["state"] == "Running"
    fresh = lab.root(vm["id"])
    assert fresh["id"] != old
    assert fresh["state"] == "Ready"
    lab.do("restoreVirtualMachine", virtualmachineid=vm["id"], rootdisksize=9)
    assert lab.root(vm["id"])["size"] == 9 << 30
    assert lab.code("restoreVirtualMachine", virtualmachineid=vm["id"], rootdisksize=1) == 431
    lab.do("stopVirtualMachine", id=vm["id"])
    made = lab.do("createTemplate", name="t", displaytext="t", ostypeid=lab.os, volumeid=lab.root(vm["id"])["id"])["id"]
    assert lab.do("restoreVirtualMachine", virtualmachineid=vm["id"], templateid=made)["templateid"] == made
    assert lab.vm(vm["id"])["state"] == "Stopped"
    lab.do("destroyVirtualMachine", id=vm["id"])
    assert lab.code("restoreVirtualMachine", virtualmachineid=vm["id"]) == 530


def test_restore_keeps_the_old_root_volume_for_a_while_or_expunges_it(lab: VmLab) -> None:
    vm = lab.deploy()
    first = lab.root(vm["id"])["id"]
    lab.do("restoreVirtualMachine", virtualmachineid=vm["id"])
    assert lab.one("listVolumes", id=first)["state"] == "Destroy"
    second = lab.root(vm["id"])["id"]
    lab.do("restoreVirtualMachine", virtualmachineid=vm["id"], expunge=True)
    assert lab.do("listVolumes", id=second) == []


def test_restore_with_a_disk_offering(lab: VmLab) -> None:
    vm, eight = lab.deploy(), lab.do("createDiskOffering", name="8", displaytext="8", disksize=8)["id"]
    lab.do("restoreVirtualMachine", virtualmachineid=vm["id"], diskofferingid=eight)
    assert (lab.root(vm["id"])["size"], lab.root(vm["id"])["diskofferingid"]) == (8 << 30, eight)
    strict = lab.do(
        "createServiceOffering",
        name="s",
        displaytext="s",
        cpunumber=1,
        cpuspeed=100,
        memory=64,
        diskofferingid=lab.disk,
        diskofferingstrictness=True,
    )["id"]
    bound = lab.deploy(serviceofferingid=strict)
    assert lab.code("restoreVirtualMachine", virtualmachineid=bound["id"], diskofferingid=eight) == 431


def test_a_volatile_offering_makes_the_root_volume_anew(lab: VmLab) -> None:
    offering = lab.do(
        "createServiceOffering", name="v", displaytext="v", cpunumber=1, cpuspeed=100, memory=64, isvolatile=True
    )["id"]
    vm = lab.deploy(serviceofferingid=offering)
    old = lab.root(vm["id"])["id"]
    lab.do("rebootVirtualMachine", id=vm["id"])
    assert lab.root(vm["id"])["id"] != old


def test_another_owner(lab: VmLab) -> None:
    vm = lab.deploy()
    data = lab.attached(vm["id"])
    ann = lab.account("ann")
    network = lab.new_network(ann)
    wanted = {"virtualmachineid": vm["id"], "networkids": network, **ann}
    assert lab.code("assignVirtualMachine", **wanted) == 431, "it runs"
    lab.do("stopVirtualMachine", id=vm["id"])
    assert lab.code("assignVirtualMachine", **{**wanted, **lab.mine}) == 431
    snapshot = lab.do("createSnapshot", volumeid=data["id"])["id"]
    assert lab.code("assignVirtualMachine", **wanted) == 431
    lab.do("deleteSnapshot", id=snapshot)
    lab.do("updateResourceLimit", resourcetype=2, max=1, **ann)
    assert lab.code("assignVirtualMachine", **wanted) == 535
    lab.do("updateResourceLimit", resourcetype=2, max=2, **ann)
    moved = lab.do("assignVirtualMachine", **wanted)
    assert (moved["account"], [nic["networkid"] for nic in moved["nic"]]) == ("ann", [network])
    assert lab.one("listVolumes", id=data["id"])["account"] == "ann"
    assert [lab.count(kind) for kind in (0, 2)] == [0, 0]
    assert lab.do("startVirtualMachine", id=vm["id"])["state"] == "Running"


def test_interfaces(lab: VmLab) -> None:
    vm, second = lab.deploy(name="web"), lab.new_network()
    first = vm["nic"][0]
    nics = lab.do("addNicToVirtualMachine", virtualmachineid=vm["id"], networkid=second)["nic"]
    assert [(nic["networkid"], nic["isdefault"]) for nic in nics] == [(lab.network, True), (second, False)]
    added = nics[1]
    assert lab.code("addNicToVirtualMachine", virtualmachineid=vm["id"], networkid=second) == 530
    assert lab.code("removeNicFromVirtualMachine", virtualmachineid=vm["id"], nicid=first["id"]) == 431
    assert lab.code("updateDefaultNicForVirtualMachine", virtualmachineid=vm["id"], nicid=first["id"]) == 530
    lab.do("updateDefaultNicForVirtualMachine", virtualmachineid=vm["id"], nicid=added["id"])
    assert lab.vm(vm["id"])["ipaddress"] == added["ipaddress"]
    lab.do("removeNicFromVirtualMachine", virtualmachineid=vm["id"], nicid=first["id"])
    assert [nic["id"] for nic in lab.do("listNics", virtualmachineid=vm["id"])] == [added["id"]]
    other = lab.deploy(name="other")
    foreign = other["nic"][0]["id"]
    assert lab.code("removeNicFromVirtualMachine", virtualmachineid=vm["id"], nicid=foreign) == 431
    lab.do("destroyVirtualMachine", id=vm["id"])
    assert lab.code("addNicToVirtualMachine", virtualmachineid=vm["id"], networkid=lab.network) == 530


def test_further_addresses(lab: VmLab) -> None:
    vm = lab.deploy()
    nic = vm["nic"][0]
    extra = lab.do("addIpToNic", nicid=nic["id"])
    assert extra["ipaddress"] != nic["ipaddress"]
    (shown,) = lab.do("listNics", virtualmachineid=vm["id"], nicid=nic["id"])
    assert [item["ipaddress"] for item in shown["secondaryip"]] == [extra["ipaddress"]]
    assert lab.code("addIpToNic", nicid=nic["id"], ipaddress=extra["ipaddress"]) == 431
    assert lab.do("removeIpFromNic", id=extra["id"]) is True
    assert lab.code("updateVmNicIp", nicid=nic["id"], ipaddress=extra["ipaddress"]) == 431, "it runs"
    lab.do("stopVirtualMachine", id=vm["id"])
    lab.do("updateVmNicIp", nicid=nic["id"], ipaddress=extra["ipaddress"])
    assert lab.vm(vm["id"])["ipaddress"] == extra["ipaddress"]
    assert lab.code("updateVmNicIp", nicid=nic["id"], ipaddress=extra["ipaddress"]) == 431


def test_ssh_keys(lab: VmLab) -> None:
    made = lab.do("createSSHKeyPair", name="k", **lab.mine)
    key = load_pem_private_key(made["privatekey"].encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    assert isinstance(load_ssh_public_key(public.encode()), rsa.RSAPublicKey)
    listed = lab.one("listSSHKeyPairs", name="k", listall=True)
    assert listed["fingerprint"] == made["fingerprint"]
    assert "privatekey" not in listed
    assert lab.code("createSSHKeyPair", name="k", **lab.mine) == 431
    assert lab.code("registerSSHKeyPair", name="same", publickey=public, **lab.mine) == 431
    assert lab.code("registerSSHKeyPair", name="bad", publickey="rsa key", **lab.mine) == 431
    assert lab.code("registerSSHKeyPair", name="bad", publickey="ssh-rsa", **lab.mine) == 431
    odd = lab.do("registerSSHKeyPair", name="odd", publickey="ssh-rsa: e6:9a joe@home", **lab.mine)
    assert len(odd["fingerprint"].split(":")) == 16, "what is registered need not be a key"
    ann = lab.account("ann")
    encoded = base64.b64encode(public.encode()).decode()
    assert lab.do("registerSSHKeyPair", name="k", publickey=encoded, **ann)["fingerprint"] == made["fingerprint"]
    vm = lab.deploy(keypair="k")
    assert vm["keypairs"] == "k"
    assert lab.code("resetSSHKeyForVirtualMachine", id=vm["id"], keypair="k", **lab.mine) == 431
    lab.do("stopVirtualMachine", id=vm["id"])
    lab.do("createSSHKeyPair", name="l", **lab.mine)
    assert lab.code("resetSSHKeyForVirtualMachine", id=vm["id"], **lab.mine) == 431
    assert lab.do("resetSSHKeyForVirtualMachine", id=vm["id"], keypairs="k,l", **lab.mine)["keypairs"] == "k,l"
    assert [item["id"] for item in lab.do("listVirtualMachines", keypair="l", listall=True)] == [vm["id"]]
    assert lab.do("deleteSSHKeyPair", name="l", **lab.mine) is True
    assert lab.code("deleteSSHKeyPair", name="l", **lab.mine) == 431


def test_the_password_opens_with_the_private_key(lab: VmLab) -> None:
    pem = lab.do("createSSHKeyPair", name="k", **lab.mine)["privatekey"]
    lab.do("updateTemplate", id=lab.template, passwordenabled=True)
    vm = lab.deploy(keypair="k")
    secret = base64.b64decode(lab.do("getVMPassword", id=vm["id"])["encryptedpassword"])
    key = load_pem_private_key(pem.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.decrypt(secret, padding.PKCS1v15()).decode() == vm["password"]


def test_user_data(lab: VmLab) -> None:
    text, other = (base64.b64encode(item).decode() for item in (b"#cloud-config", b"other"))
    kept = lab.do("registerUserData", name="u", userdata=text, **lab.mine)
    assert lab.code("registerUserData", name="u", userdata=other, **lab.mine) == 431
    assert lab.code("registerUserData", name="v", userdata=text, **lab.mine) == 431
    assert lab.code("registerUserData", name="v", userdata="?", **lab.mine) == 431
    vm = lab.deploy(userdataid=kept["id"])
    assert vm["userdataname"] == "u"
    assert lab.do("getVirtualMachineUserData", virtualmachineid=vm["id"])["userdata"] == text
    assert lab.code("deleteUserData", id=kept["id"], **lab.mine) == 530
    assert lab.code("resetUserDataForVirtualMachine", id=vm["id"], userdata=other) == 431, "it runs"
    lab.do("stopVirtualMachine", id=vm["id"])
    assert lab.code("resetUserDataForVirtualMachine", id=vm["id"], userdata=other, userdataid=kept["id"]) == 431
    lab.do("resetUserDataForVirtualMachine", id=vm["id"], userdata=other)
    assert lab.do("getVirtualMachineUserData", virtualmachineid=vm["id"])["userdata"] == other
    assert lab.do("deleteUserData", id=kept["id"], **lab.mine) is True
    assert lab.do("listUserData", listall=True) == []


def test_lists_filter(lab: VmLab) -> None:
    web, back = lab.deploy(name="web", displayname="Front"), lab.deploy(name="back", startvm=False)

    def ids(**params: object) -> list[str]:
        return [item["id"] for item in lab.do("listVirtualMachines", listall=True, **params)]

    assert ids(name="web") == ids(name="front") == ids(state="Running") == ids(hostid=web["hostid"]) == [web["id"]]
    assert ids(state="stopped") == [back["id"]]
    assert ids(keyword="a") == [back["id"]]
    assert ids(ids=f"{web['id']},{back['id']}") == [web["id"], back["id"]]
    assert ids(networkid=lab.network) == [web["id"], back["id"]]
    assert ids(clusterid=lab.built.cluster, podid=lab.built.pod, storageid=lab.built.pool) == [web["id"]]
    assert ids(serviceofferingid=lab.medium) == []
    assert ids(templateid=lab.template, zoneid=lab.zone, hypervisor="kvm") == [web["id"], back["id"]]
    assert lab.code("listVirtualMachines", by="joe", hostid=web["hostid"]) == 531
    lab.do("destroyVirtualMachine", id=back["id"])
    assert ids(state="present") == [web["id"]]
    least = lab.one("listVirtualMachines", id=web["id"], details="min")
    assert "nic" not in least
    assert least["state"] == "Running"
    metrics = lab.do("listVirtualMachinesMetrics", id=web["id"])[0]
    assert (metrics["cputotal"], metrics["memorytotal"]) == ("0.50 GHz", "0.50 GB")


def test_snapshots_of_vms(lab: VmLab) -> None:
    vm = lab.deploy(startvm=False)
    assert lab.code("createVMSnapshot", virtualmachineid=vm["id"], snapshotmemory=True) == 431
    first = lab.do("createVMSnapshot", virtualmachineid=vm["id"], name="one")
    assert (first["state"], first["type"], first["current"]) == ("Ready", "Disk", True)
    assert lab.code("createVMSnapshot", virtualmachineid=vm["id"], name="one") == 431
    assert lab.code("attachVolume", id=lab.volume()["id"], virtualmachineid=vm["id"]) == 431
    assert lab.code("restoreVirtualMachine", virtualmachineid=vm["id"]) == 431
    assert lab.code("resizeVolume", id=lab.root(vm["id"])["id"], size=9) == 431
    lab.do("startVirtualMachine", id=vm["id"])
    assert lab.code("createVMSnapshot", virtualmachineid=vm["id"]) == 431, "a running VM's disks alone, on KVM"
    second = lab.do("createVMSnapshot", virtualmachineid=vm["id"], snapshotmemory=True)
    assert (second["type"], second["parent"]) == ("DiskAndMemory", first["id"])
    assert lab.code("revertToVMSnapshot", vmsnapshotid=first["id"]) == 431, "it runs"
    lab.do("stopVirtualMachine", id=vm["id"])
    assert lab.code("revertToVMSnapshot", vmsnapshotid=second["id"]) == 431, "it is stopped"
    assert lab.do("revertToVMSnapshot", vmsnapshotid=first["id"])["state"] == "Stopped"
    current = {
        item["id"]: item["current"] for item in lab.do("listVMSnapshot", virtualmachineid=vm["id"], listall=True)
    }
    assert current == {first["id"]: True, second["id"]: False}
    assert lab.do("deleteVMSnapshot", vmsnapshotid=first["id"]) is True
    assert "parent" not in lab.one("listVMSnapshot", vmsnapshotid=second["id"], listall=True)
    lab.do("destroyVirtualMachine", id=vm["id"], expunge=True)
    assert lab.do("listVMSnapshot", listall=True) == []


def test_a_revert_brings_the_offering_back(lab: VmLab) -> None:
    vm = lab.deploy(startvm=False)
    snapshot = lab.do("createVMSnapshot", virtualmachineid=vm["id"])
    lab.do("changeServiceForVirtualMachine", id=vm["id"], serviceofferingid=lab.medium)
    reverted = lab.do("revertToVMSnapshot", vmsnapshotid=snapshot["id"])
    assert reverted["serviceofferingid"] == lab.small


def test_a_vm_has_only_so_many_snapshots(lab: VmLab) -> None:
    vm = lab.deploy(startvm=False)
    lab.do("updateConfiguration", name="vmsnapshot.max", value="2")
    for _ in range(2):
        lab.do("createVMSnapshot", virtualmachineid=vm["id"])
    assert lab.code("createVMSnapshot", virtualmachineid=vm["id"]) == 530
