from __future__ import annotations

import pytest
from cloudlab import BuiltZone, Cloud, JobFailedError, add_host, build_zone


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def built(cloud: Cloud) -> BuiltZone:
    return build_zone(cloud)


def states(cloud: Cloud) -> dict[str, str]:
    return {item["systemvmtype"]: item["state"] for item in cloud.do("listSystemVms")}


def test_an_enabled_zone_gets_its_system_vms_and_its_template(cloud: Cloud) -> None:
    built = build_zone(cloud, enable=False)
    assert cloud.do("listSystemVms") == []
    cloud.do("updateZone", id=built.zone, allocationstate="Enabled")
    assert states(cloud) == {"secondarystoragevm": "Starting", "consoleproxy": "Starting"}
    featured = {"templatefilter": "featured", "zoneid": built.zone}
    assert [item["isready"] for item in cloud.do("listTemplates", **featured)] == [False]
    cloud.advance()
    assert states(cloud) == {"secondarystoragevm": "Running", "consoleproxy": "Running"}
    template = cloud.do("listTemplates", **featured)[0]
    assert (template["name"], template["isready"]) == ("CentOS 5.5(64-bit) no GUI (KVM)", True)
    vm = cloud.do("listSystemVms", systemvmtype="consoleproxy")[0]
    assert vm["publicip"].startswith("10.2.0.")
    assert vm["privateip"].startswith("10.1.0.")
    assert vm["hostname"] in ("host1", "host2")
    agents = cloud.do("listHosts", type="SecondaryStorageVM")
    assert [(item["state"], item["zoneid"]) for item in agents] == [("Up", built.zone)]


@pytest.mark.parametrize("lacking", ["template", "host", "fault"])
def test_system_vms_wait_for_what_they_need(cloud: Cloud, lacking: str) -> None:
    if lacking == "template":
        cloud.machines.seeded.clear()
    if lacking == "fault":
        cloud.faults.set["systemvm_stuck"] = 1.0
    built = build_zone(cloud, enable=False)
    if lacking == "host":
        cloud.machines.running = dict.fromkeys(cloud.machines.running, False)
    cloud.do("updateZone", id=built.zone, allocationstate="Enabled")
    cloud.advance()
    assert "Running" not in states(cloud).values()
    cloud.faults.set.clear()
    cloud.machines.seeded.add("nfs://storage/secondary")
    cloud.machines.running = dict.fromkeys(cloud.machines.running, True)
    cloud.advance()
    assert set(states(cloud).values()) == {"Running"}


def test_a_system_vm_moves_when_its_host_dies(cloud: Cloud, built: BuiltZone) -> None:
    vm = cloud.do("listSystemVms", systemvmtype="secondarystoragevm")[0]
    address = cloud.do("listHosts", id=vm["hostid"])[0]["ipaddress"]
    cloud.machines.running[address] = False
    assert cloud.do("listHosts", id=vm["hostid"])[0]["state"] == "Down"
    cloud.advance()
    moved = cloud.do("listSystemVms", id=vm["id"])[0]
    assert moved["state"] == "Running"
    assert moved["hostid"] != vm["hostid"]
    assert moved["publicip"] == vm["publicip"]


def test_system_vms_are_stopped_started_rebooted_moved_and_replaced(cloud: Cloud, built: BuiltZone) -> None:
    vm = cloud.do("listSystemVms", systemvmtype="consoleproxy")[0]
    assert cloud.do("stopSystemVm", id=vm["id"])["state"] == "Stopped"
    cloud.advance()
    assert states(cloud)["consoleproxy"] == "Stopped"
    with pytest.raises(JobFailedError, match="unable to migrate"):
        cloud.do("migrateSystemVm", virtualmachineid=vm["id"])
    with pytest.raises(JobFailedError, match="it is Stopped"):
        cloud.do("rebootSystemVm", id=vm["id"])
    assert cloud.do("startSystemVm", id=vm["id"])["state"] == "Running"
    assert cloud.do("rebootSystemVm", id=vm["id"])["state"] == "Running"
    here = cloud.do("listSystemVms", id=vm["id"])[0]["hostid"]
    there = next(host for host in built.hosts if host != here)
    assert cloud.do("migrateSystemVm", virtualmachineid=vm["id"], hostid=there)["hostid"] == there
    cloud.do("destroySystemVm", id=vm["id"])
    cloud.advance()
    fresh = cloud.do("listSystemVms", systemvmtype="consoleproxy")
    assert [(item["state"], item["id"] == vm["id"]) for item in fresh] == [("Running", False)]


def test_a_host_is_probed_before_it_is_added(cloud: Cloud) -> None:
    built = build_zone(cloud, hosts=1)
    where = {"zoneid": built.zone, "podid": built.pod, "clusterid": built.cluster, "hypervisor": "KVM"}
    login = {"username": "root", "password": "secret"}
    silent = cloud.refused("addHost", **where, **login, url="http://127.1.0.9")
    assert silent.code == 530
    assert "Could not connect to host at 127.1.0.9: no answer" in silent.text
    cloud.machines.running["127.1.0.9"] = True
    wrong = cloud.refused("addHost", **where, username="root", password="x", url="http://127.1.0.9")
    assert "root was refused" in wrong.text
    assert "added before" in cloud.refused("addHost", **where, **login, url="http://127.1.0.1").text
    other = cloud.refused("addHost", **{**where, "hypervisor": "VMware"}, **login, url="http://127.1.0.9")
    assert "hypervisor type is: VMware" in other.text
    assert "uri.scheme is null" in cloud.refused("addHost", **where, **login, url="127.1.0.9").text
    assert len(cloud.do("listHosts", type="Routing")) == 1


def test_maintenance_empties_a_host(cloud: Cloud, built: BuiltZone) -> None:
    vm = cloud.do("listSystemVms", systemvmtype="consoleproxy")[0]
    host = cloud.do("prepareHostForMaintenance", id=vm["hostid"])
    assert host["resourcestate"] == "Maintenance"
    cloud.advance()
    assert cloud.do("listSystemVms", id=vm["id"])[0]["hostid"] != vm["hostid"]
    assert "already in state Maintenance" in cloud.refused("prepareHostForMaintenance", id=vm["hostid"]).text
    assert cloud.do("cancelHostMaintenance", id=vm["hostid"])["resourcestate"] == "Enabled"


def test_maintenance_of_the_last_host_fails(cloud: Cloud) -> None:
    built = build_zone(cloud, hosts=1)
    with pytest.raises(JobFailedError, match="fits on no other host"):
        cloud.do("prepareHostForMaintenance", id=built.hosts[0])
    assert cloud.do("listHosts", id=built.hosts[0])[0]["resourcestate"] == "ErrorInMaintenance"
    assert set(states(cloud).values()) == {"Running"}


def test_hosts_leave_only_from_maintenance_or_by_force(cloud: Cloud, built: BuiltZone) -> None:
    first, second = built.hosts
    assert "not in maintenance mode" in cloud.refused("deleteHost", id=first).text
    cloud.do("prepareHostForMaintenance", id=first)
    cloud.do("deleteHost", id=first)
    cloud.do("deleteHost", id=second, forced="true")
    assert cloud.do("listHosts", type="Routing") == []
    assert add_host(cloud, built.zone, built.pod, built.cluster, 1) not in built.hosts
    cloud.advance()
    assert set(states(cloud).values()) == {"Running"}


def test_hosts_can_be_changed(cloud: Cloud, built: BuiltZone) -> None:
    host = built.hosts[0]
    changed = cloud.do("updateHost", id=host, hosttags="ssd,fast", allocationstate="Disable")
    assert (changed["hosttags"], changed["resourcestate"]) == ("ssd,fast", "Disabled")
    assert cloud.refused("updateHost", id=host, allocationstate="Perhaps").code == 431
    assert cloud.do("updateHost", id=host, allocationstate="Enable")["resourcestate"] == "Enabled"
    assert cloud.do("reconnectHost", id=host)["state"] == "Up"
    cloud.machines.running["127.1.0.1"] = False
    with pytest.raises(JobFailedError) as caught:
        cloud.do("reconnectHost", id=host)
    assert caught.value.code == 534


def test_nothing_is_deleted_while_something_is_in_it(cloud: Cloud, built: BuiltZone) -> None:
    assert "pods" in cloud.refused("deleteZone", id=built.zone).text
    assert "clusters" in cloud.refused("deletePod", id=built.pod).text
    assert "hosts" in cloud.refused("deleteCluster", id=built.cluster).text
    assert "Maintenance state" in cloud.refused("deleteStoragePool", id=built.pool).text
    with pytest.raises(JobFailedError) as caught:
        cloud.do("deletePhysicalNetwork", id=built.physical)
    assert caught.value.code == 536


def test_a_zone_is_taken_down_in_reverse(cloud: Cloud, built: BuiltZone) -> None:
    cloud.do("updateZone", id=built.zone, allocationstate="Disabled")
    for vm in cloud.do("listSystemVms"):
        cloud.do("destroySystemVm", id=vm["id"])
    for host in built.hosts:
        cloud.do("prepareHostForMaintenance", id=host)
        cloud.do("deleteHost", id=host)
    cloud.do("enableStorageMaintenance", id=built.pool)
    cloud.do("deleteStoragePool", id=built.pool)
    cloud.do("deleteCluster", id=built.cluster)
    cloud.do("deletePod", id=built.pod)
    cloud.do("deleteVlanIpRange", id=cloud.do("listVlanIpRanges")[0]["id"])
    cloud.do("deleteImageStore", id=built.image_store)
    cloud.do("deletePhysicalNetwork", id=built.physical)
    cloud.do("deleteZone", id=built.zone)
    assert cloud.do("listZones") == []
    assert cloud.do("listNetworkServiceProviders") == []


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"networktype": "Flat"}, "Invalid zone type"),
        ({"dns1": "x"}, "Please enter a valid IP address for DNS1"),
        ({"guestcidraddress": "10.0.0.0/99"}, "Please enter a valid guest cidr"),
        ({"name": "zone1"}, "A zone with that name already exists"),
        ({"networktype": "Basic", "guestcidraddress": "10.0.0.0/24"}, "not supported for Basic zone"),
        ({"allocationstate": "Perhaps"}, "Unable to resolve Allocation State"),
    ],
)
def test_wrong_zones_are_refused(cloud: Cloud, change: dict[str, str], text: str) -> None:
    build_zone(cloud, hosts=1, enable=False)
    right = {"name": "z", "dns1": "1.1.1.1", "internaldns1": "1.1.1.1", "networktype": "Advanced"}
    assert text in cloud.refused("createZone", **{**right, **change}).text


def test_a_zone_is_not_enabled_before_its_network_is(cloud: Cloud) -> None:
    zone = cloud.do("createZone", name="z", dns1="1.1.1.1", internaldns1="1.1.1.1", networktype="Advanced")["id"]
    assert "Cannot enable this Zone" in cloud.refused("updateZone", id=zone, allocationstate="Enabled").text
    changed = cloud.do("updateZone", id=zone, name="y", **{"details[0].key": "a", "details[0].value": "b"})
    assert (changed["name"], changed["resourcedetails"]) == ("y", {"a": "b"})


def test_a_users_zones_are_the_enabled_ones(cloud: Cloud, built: BuiltZone) -> None:
    cloud.account("bob")
    assert [item["id"] for item in cloud.do("listZones", by="bob", available="true")] == [built.zone]
    cloud.do("updateZone", id=built.zone, allocationstate="Disabled")
    assert cloud.do("listZones", by="bob", available="true") == []


def test_traffic_and_providers(cloud: Cloud) -> None:
    built = build_zone(cloud, hosts=1, enable=False)
    assert "already" in cloud.refused("addTrafficType", physicalnetworkid=built.physical, traffictype="Public").text
    assert cloud.refused("addTrafficType", physicalnetworkid=built.physical, traffictype="Smoke").code == 431
    public = next(item for item in cloud.do("listTrafficTypes", physicalnetworkid=built.physical))
    assert cloud.do("updateTrafficType", id=public["id"], kvmnetworklabel="br1")["kvmnetworklabel"] == "br1"
    cloud.do("deleteTrafficType", id=public["id"])
    assert len(cloud.do("listTrafficTypes", physicalnetworkid=built.physical)) == 2
    internal = cloud.do("listNetworkServiceProviders", name="InternalLbVm")[0]
    with pytest.raises(JobFailedError, match="not ready"):
        cloud.do("updateNetworkServiceProvider", id=internal["id"], state="Enabled")
    element = cloud.do("listInternalLoadBalancerElements", nspid=internal["id"])[0]
    cloud.do("configureInternalLoadBalancerElement", id=element["id"], enabled="true")
    assert cloud.do("updateNetworkServiceProvider", id=internal["id"], state="Enabled")["state"] == "Enabled"
    added = cloud.do("addNetworkServiceProvider", physicalnetworkid=built.physical, name="Netscaler", servicelist="Lb")
    assert added["servicelist"] == ["Lb"]
    assert (
        "already exists"
        in cloud.refused("addNetworkServiceProvider", physicalnetworkid=built.physical, name="Netscaler").text
    )
    cloud.do("deleteNetworkServiceProvider", id=added["id"])
    assert cloud.do("listNetworkServiceProviders", name="Netscaler") == []
    services = cloud.do("listSupportedNetworkServices", provider="VpcVirtualRouter")
    assert "NetworkACL" in {item["name"] for item in services}


@pytest.mark.parametrize("vlan", ["x", "300-200", "1-5000"])
def test_wrong_vlans_are_refused(cloud: Cloud, vlan: str) -> None:
    built = build_zone(cloud, hosts=1, enable=False)
    assert cloud.refused("createPhysicalNetwork", name="p2", zoneid=built.zone, vlan=vlan).code == 431


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        ("10.1.0.90", "10.1.0.80", "must have a lower value"),
        ("10.7.0.10", "10.7.0.20", "start address of the IP range is not in the CIDR"),
        ("10.1.0.200", "10.1.1.10", "end address of the IP range is not in the CIDR"),
        ("10.1.0.1", "10.1.0.5", "gateway shouldn't overlap"),
        ("10.1.0.40", "10.1.0.50", "overlaps with the range of pod"),
        ("ten", "10.1.0.5", "valid IP address for start IP"),
    ],
)
def test_wrong_pod_ranges_are_refused(cloud: Cloud, start: str, end: str, text: str) -> None:
    built = build_zone(cloud, hosts=1, enable=False)
    where = {"zoneid": built.zone, "gateway": "10.1.0.1", "netmask": "255.255.255.0", "name": "pod2"}
    assert text in cloud.refused("createPod", **where, startip=start, endip=end).text


def test_pods_keep_the_addresses_that_are_taken(cloud: Cloud, built: BuiltZone) -> None:
    assert "have been allocated" in cloud.refused("updatePod", id=built.pod, startip="10.1.0.30").text
    assert cloud.do("updatePod", id=built.pod, endip="10.1.0.50", name="p")["endip"] == ["10.1.0.50"]
    more = {"podid": built.pod, "startip": "10.1.0.60", "endip": "10.1.0.70"}
    cloud.do("createManagementNetworkIpRange", **more, gateway="10.1.0.1", netmask="255.255.255.0")
    assert len(cloud.do("listPods", id=built.pod)[0]["ipranges"]) == 2
    cloud.do("deleteManagementNetworkIpRange", **more, vlan="untagged")
    with pytest.raises(JobFailedError, match="has been allocated"):
        cloud.do(
            "deleteManagementNetworkIpRange", podid=built.pod, startip="10.1.0.10", endip="10.1.0.50", vlan="untagged"
        )


def test_public_ranges(cloud: Cloud, built: BuiltZone) -> None:
    first = cloud.do("listVlanIpRanges", vlan="50")[0]
    assert (first["cidr"], first["forvirtualnetwork"]) == ("10.2.0.0/24", True)
    assert "in use" in cloud.refused("deleteVlanIpRange", id=first["id"]).text
    where = {"zoneid": built.zone, "gateway": "10.2.0.1", "netmask": "255.255.255.0", "vlan": "50"}
    assert "overlapped" in cloud.refused("createVlanIpRange", **where, startip="10.2.0.60", endip="10.2.0.70").text
    second = cloud.do("createVlanIpRange", **where, startip="10.2.0.61", endip="10.2.0.70")
    bob = cloud.account("bob")
    dedicated = cloud.do("dedicatePublicIpRange", id=second["id"], account="bob", domainid=bob["domainid"])
    assert dedicated["account"] == "bob"
    assert [item["id"] for item in cloud.do("listVlanIpRanges", account="bob", domainid=bob["domainid"])] == [
        second["id"]
    ]
    assert "already dedicated" in cloud.refused("dedicatePublicIpRange", id=second["id"], domainid=bob["domainid"]).text
    cloud.do("releasePublicIpRange", id=second["id"])
    assert cloud.refused("releasePublicIpRange", id=second["id"]).code == 431
    assert cloud.do("updateVlanIpRange", id=second["id"], endip="10.2.0.65")["endip"] == "10.2.0.65"
    cloud.do("deleteVlanIpRange", id=second["id"])


def test_storage_ranges(cloud: Cloud, built: BuiltZone) -> None:
    found = cloud.do(
        "createStorageNetworkIpRange", podid=built.pod, gateway="10.3.0.1", netmask="255.255.255.0", startip="10.3.0.5"
    )
    assert (found["endip"], found["zoneid"]) == ("10.3.0.5", built.zone)
    assert cloud.do("updateStorageNetworkIpRange", id=found["id"], endip="10.3.0.9")["endip"] == "10.3.0.9"
    assert len(cloud.do("listStorageNetworkIpRange", zoneid=built.zone)) == 1
    cloud.do("deleteStorageNetworkIpRange", id=found["id"])
    assert cloud.do("listStorageNetworkIpRange") == []


def test_clusters(cloud: Cloud, built: BuiltZone) -> None:
    where = {"zoneid": built.zone, "podid": built.pod, "clustertype": "CloudManaged"}
    assert "one of that name" in cloud.refused("addCluster", **where, clustername="c1", hypervisor="KVM").text
    assert cloud.refused("addCluster", **where, clustername="c2", hypervisor="Abacus").code == 431
    assert "VMware DC" in cloud.refused("addCluster", **where, clustername="c2", hypervisor="VMware").text
    cloud.do("addVmwareDc", name="dc", vcenter="10.0.0.9", zoneid=built.zone, username="u", password="p")
    second = cloud.do("addCluster", **where, clustername="c2", hypervisor="vmware")[0]
    assert second["hypervisortype"] == "VMware"
    assert {item["name"] for item in cloud.do("listHypervisors", zoneid=built.zone)} == {"KVM", "VMware"}
    assert "uses it" in cloud.refused("removeVmwareDc", zoneid=built.zone).text
    changed = cloud.do("updateCluster", id=second["id"], clustername="c3", allocationstate="Disabled")
    assert (changed["name"], changed["allocationstate"]) == ("c3", "Disabled")
    cloud.do("deleteCluster", id=second["id"])
    cloud.do("removeVmwareDc", zoneid=built.zone)
    assert cloud.do("listVmwareDcs", zoneid=built.zone) == []


def test_storage_pools(cloud: Cloud, built: BuiltZone) -> None:
    where = {"zoneid": built.zone, "podid": built.pod, "clusterid": built.cluster, "name": "p2"}
    assert "cannot be mounted" in cloud.refused("createStoragePool", **where, url="nfs://storage/none").text
    assert "already in use" in cloud.refused("createStoragePool", **where, url="nfs://storage/primary").text
    assert "nfs://hostname/path" in cloud.refused("createStoragePool", **where, url="nfs://").text
    assert "scheme" in cloud.refused("createStoragePool", **where, url="/srv").text
    assert "hypervisor" in cloud.refused("createStoragePool", name="z", zoneid=built.zone, url="nfs://storage/z").text
    cloud.machines.exports.add("nfs://storage/z")
    wide = cloud.do(
        "createStoragePool", name="z", zoneid=built.zone, url="nfs://storage/z", scope="zone", hypervisor="KVM"
    )
    assert (wide["scope"], wide["state"], wide["disksizetotal"]) == ("ZONE", "Up", 2**40)
    assert {item["name"] for item in cloud.do("listStoragePools", hostid=built.hosts[0])} == {"ps0", "z"}
    changed = cloud.do("updateStoragePool", id=wide["id"], tags="a,b", enabled="false")
    assert (changed["tags"], changed["state"]) == ("a,b", "Disabled")
    assert cloud.refused("updateStoragePool", id=wide["id"], enabled="false").code == 431
    cloud.do("updateStoragePool", id=wide["id"], enabled="true")
    assert cloud.do("enableStorageMaintenance", id=wide["id"])["state"] == "Maintenance"
    with pytest.raises(JobFailedError, match="is not ready"):
        cloud.do("enableStorageMaintenance", id=wide["id"])
    assert cloud.do("cancelStorageMaintenance", id=wide["id"])["state"] == "Up"
    with pytest.raises(JobFailedError, match="not in maintenance"):
        cloud.do("cancelStorageMaintenance", id=wide["id"])


def test_metrics_of_clusters_and_zones(cloud: Cloud, built: BuiltZone) -> None:
    cloud.advance(5)
    (cluster,) = cloud.do("listClustersMetrics", id=built.cluster)
    assert (cluster["hosts"], cluster["state"]) == ("2 / 2", "Enabled")
    assert (cluster["cputotal"], cluster["memorytotal"]) == ("38.40 Ghz", "64.00 GB")
    (zone,) = cloud.do("listZonesMetrics", id=built.zone)
    assert (zone["clusters"], zone["cputotal"]) == ("1 / 1", "38.40 Ghz")
    assert zone["cpuallocated"] == cluster["cpuallocated"] == "2.60%", "two system VMs with 500 MHz each"
    cloud.do("updateCluster", id=built.cluster, managedstate="Unmanaged")
    assert cloud.do("listClustersMetrics")[0]["state"] == "Unmanaged"
    assert cloud.do("listZonesMetrics")[0]["clusters"] == "0 / 1"


def test_the_infrastructure_is_counted(cloud: Cloud, built: BuiltZone) -> None:
    cloud.advance(5)
    counts = cloud.do("listInfrastructure")
    assert {name: counts[name] for name in ("zones", "pods", "clusters", "hosts", "storagepools", "systemvms")} == {
        "zones": 1,
        "pods": 1,
        "clusters": 1,
        "hosts": 2,
        "storagepools": 1,
        "systemvms": 2,
    }


def test_the_server_measures_itself(cloud: Cloud) -> None:
    (server,) = cloud.do("listManagementServersMetrics")
    assert server["heapmemoryused"] <= server["heapmemorytotal"]
    assert server["threadsrunnablecount"] + server["threadswaitingcount"] == server["threadstotalcount"]
    assert len(server["systemloadaverages"]) == len(server["systemcycleusage"]) == 3
    assert server["lastboottime"] < server["lastserverstart"] <= server["collectiontime"]
    cloud.advance(60)
    assert cloud.do("listDbMetrics")["uptime"] == 60
    assert cloud.do("listUsageServerMetrics")["state"] == "Down"


def test_lists_of_pools_know_their_words(cloud: Cloud, built: BuiltZone) -> None:
    assert [item["id"] for item in cloud.do("listStoragePools", scope="cluster", status="UP")] == [built.pool]
    assert cloud.refused("listStoragePools", scope="odd").code == 431
    assert cloud.refused("listStoragePools", status="odd").code == 431


def test_over_provisioning_is_what_the_setting_says_for_the_pool(cloud: Cloud, built: BuiltZone) -> None:
    def factor() -> str:
        return str(cloud.do("listStoragePools", id=built.pool)[0]["overprovisionfactor"])

    usual = factor()
    cloud.do("updateConfiguration", name="storage.overprovisioning.factor", value="3.5", storageid=built.pool)
    assert (float(usual), factor()) == (2, "3.5")


def test_tags_name_who_has_them_by_its_number(cloud: Cloud, built: BuiltZone) -> None:
    cloud.do("updateStoragePool", id=built.pool, tags="fast,near")
    cloud.do("updateHost", id=built.hosts[0], hosttags="gpu")
    held = cloud.do("listStorageTags", keyword="FA")
    assert [(item["name"], item["poolid"]) for item in held] == [("fast", 1)]
    assert [(item["name"], item["hostid"]) for item in cloud.do("listHostTags")] == [("gpu", 1)]


def test_an_unknown_hypervisor_filters_no_hosts(cloud: Cloud, built: BuiltZone) -> None:
    every = len(cloud.do("listHosts"))
    assert len(cloud.do("listHosts", hypervisor="kvm")) == len(built.hosts)
    assert len(cloud.do("listHosts", hypervisor="odd")) == every


def test_what_a_store_holds_moves_to_another_that_is_writable(cloud: Cloud, built: BuiltZone) -> None:
    cloud.machines.exports.add("nfs://storage/second")
    other = cloud.do("addImageStore", provider="NFS", url="nfs://storage/second", zoneid=built.zone)["id"]
    move = {"srcpool": built.image_store, "destpools": other}
    assert cloud.do("migrateSecondaryStorageData", **move)["success"] is True
    for wrong in ({"migrationtype": "odd"}, {"destpools": built.image_store}):
        with pytest.raises(JobFailedError) as caught:
            cloud.do("migrateSecondaryStorageData", **{**move, **wrong})
        assert caught.value.code == 530
    cloud.do("updateImageStore", id=other, readonly="true")
    with pytest.raises(JobFailedError, match="No destination valid store"):
        cloud.do("migrateSecondaryStorageData", **move, migrationtype="balance")


def test_a_pool_needs_a_host_that_runs(cloud: Cloud, built: BuiltZone) -> None:
    cloud.machines.running.clear()
    error = cloud.refused(
        "createStoragePool", zoneid=built.zone, podid=built.pod, clusterid=built.cluster, name="x", url="nfs://a/b"
    )
    assert "No host up" in error.text


def test_image_and_staging_stores(cloud: Cloud, built: BuiltZone) -> None:
    assert cloud.refused("addImageStore", provider="tape", url="x").code == 431
    assert "Zone Id is missing" in cloud.refused("addImageStore", provider="NFS", url="nfs://a/b").text
    assert (
        "cannot be mounted" in cloud.refused("addImageStore", provider="NFS", url="nfs://a/b", zoneid=built.zone).text
    )
    assert (
        "in use"
        in cloud.refused("addImageStore", provider="NFS", url="nfs://storage/secondary", zoneid=built.zone).text
    )
    cloud.machines.exports.add("nfs://a/b")
    staging = cloud.do("createSecondaryStagingStore", url="nfs://a/b", zoneid=built.zone, provider="NFS")
    assert [item["url"] for item in cloud.do("listSecondaryStagingStores")] == ["nfs://a/b"]
    assert [item["id"] for item in cloud.do("listImageStores", provider="nfs")] == [built.image_store]
    assert cloud.do("updateImageStore", id=built.image_store, readonly="true")["readonly"] is True
    cloud.do("deleteSecondaryStagingStore", id=staging["id"])
    assert cloud.do("listSecondaryStagingStores") == []


def test_capacity(cloud: Cloud, built: BuiltZone) -> None:
    rows = {item["name"]: item for item in cloud.do("listCapacity", zoneid=built.zone)}
    assert rows["CPU"]["capacitytotal"] == 2 * 8 * 2400
    assert rows["CPU"]["capacityused"] == 2 * 500
    assert rows["PRIVATE_IP"]["capacityused"] == 2
    assert rows["VIRTUAL_NETWORK_PUBLIC_IP"]["capacitytotal"] == 51
    assert rows["VLAN"]["capacitytotal"] == 100
    narrow = cloud.do("listCapacity", clusterid=built.cluster, type=1)
    assert [(item["name"], item["clusterid"]) for item in narrow] == [("CPU", built.cluster)]


def test_hosts_have_no_gpus(cloud: Cloud) -> None:
    host = build_zone(cloud, hosts=1).hosts[0]
    assert cloud.do("discoverGpuDevices", id=host) == []
    cloud.machines.running["127.1.0.1"] = False
    assert cloud.refused("discoverGpuDevices", id=host).code == 530
