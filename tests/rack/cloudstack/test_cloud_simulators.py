"""Hosts of the hypervisor Simulator: on no machine, with storage that nobody looks for."""

from __future__ import annotations

from typing import Any

import pytest
from cloudlab import Cloud

SCHEMES = ("http://10.1.0.1/c0/h0", "https://sim/c0/h0", "http://sim/c0/cpucore=many")


class SimulatedZone:
    """A zone with one empty cluster of simulated hosts."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.zone = cloud.do("createZone", name="z", dns1="10.9.0.1", internaldns1="10.9.0.2", networktype="Advanced")[
            "id"
        ]
        network = cloud.do("createPhysicalNetwork", name="phys", zoneid=self.zone, vlan="200-299")["id"]
        cloud.do("updatePhysicalNetwork", id=network, state="Enabled")
        self.pod = cloud.do(
            "createPod", name="pod", zoneid=self.zone, gateway="10.1.0.1", netmask="255.255.255.248",
            startip="10.1.0.2", endip="10.1.0.4",
        )["id"]  # fmt: skip
        self.cluster = cloud.do(
            "addCluster", zoneid=self.zone, podid=self.pod, clustername="c", hypervisor="simulator",
            clustertype="CloudManaged",
        )[0]["id"]  # fmt: skip

    def host(self, url: str) -> dict[str, Any]:
        self.params = {"zoneid": self.zone, "podid": self.pod, "clusterid": self.cluster, "url": url}
        return dict(self.cloud.do("addHost", hypervisor="simulator", username="root", password="x", **self.params)[0])


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def simulated(cloud: Cloud) -> SimulatedZone:
    return SimulatedZone(cloud)


def test_each_addition_is_another_host_with_an_address_of_the_pod(simulated: SimulatedZone) -> None:
    hosts = [simulated.host("http://sim/c0/h0") for _ in range(2)]

    assert {(host["hypervisor"], host["state"]) for host in hosts} == {("Simulator", "Up")}
    assert [host["ipaddress"] for host in hosts] == ["10.1.0.6", "10.1.0.5"]
    assert len({host["name"] for host in hosts}) == 2


def test_a_pod_without_addresses_takes_no_more_hosts(cloud: Cloud, simulated: SimulatedZone) -> None:
    for _ in range(5):  # of the network's six addresses one is the gateway's
        simulated.host("http://sim/c0/h0")

    assert "no address left" in str(
        cloud.refused("addHost", hypervisor="simulator", username="root", password="x", **simulated.params).text
    )


def test_the_url_gives_a_host_its_size(simulated: SimulatedZone) -> None:
    host = simulated.host("http://sim/c0/cpuspeed=2000&cpucore=2&memory=1073741824")

    assert (host["cpuspeed"], host["cpunumber"], host["memorytotal"]) == (2000, 2, 1 << 30)


@pytest.mark.parametrize("url", SCHEMES)
def test_other_urls_find_no_host(cloud: Cloud, simulated: SimulatedZone, url: str) -> None:
    refused = cloud.refused(
        "addHost", hypervisor="simulator", username="root", password="x", url=url, zoneid=simulated.zone,
        podid=simulated.pod, clusterid=simulated.cluster,
    )  # fmt: skip

    assert "Cannot find the server resources" in refused.text


def test_storage_of_a_simulated_zone_needs_no_export_and_its_system_vms_start(
    cloud: Cloud, simulated: SimulatedZone
) -> None:
    simulated.host("http://sim/c0/h0")
    where = {"zoneid": simulated.zone, "podid": simulated.pod, "clusterid": simulated.cluster}
    pool = cloud.do("createStoragePool", name="ps", url="nfs://nowhere/primary", **where)
    store = cloud.do("addImageStore", provider="NFS", url="nfs://nowhere/secondary", zoneid=simulated.zone)
    cloud.do("updateZone", id=simulated.zone, allocationstate="Enabled")
    cloud.advance()

    assert (pool["state"], pool["disksizetotal"]) == ("Up", 1 << 40)
    assert store["protocol"] == "nfs"
    assert {vm["state"] for vm in cloud.do("listSystemVms")} == {"Running"}
    offering = cloud.do("listDiskOfferings", name="Small")[0]["id"]
    volume = cloud.do("createVolume", name="v", zoneid=simulated.zone, diskofferingid=offering)
    assert volume["state"] == "Allocated"


def test_a_simulated_agent_that_is_cut_off_comes_back_when_the_server_looks_for_it(
    cloud: Cloud, simulated: SimulatedZone
) -> None:
    simulated.host("http://sim/c0/h0")
    where = {"zoneid": simulated.zone, "podid": simulated.pod, "clusterid": simulated.cluster}
    cloud.do("createStoragePool", name="ps", url="nfs://nowhere/primary", **where)
    cloud.do("addImageStore", provider="NFS", url="nfs://nowhere/secondary", zoneid=simulated.zone)
    cloud.do("updateZone", id=simulated.zone, allocationstate="Enabled")
    cloud.do("updateConfiguration", name="ca.framework.cert.keysize", value="1024")
    cloud.advance(5)
    (agent,) = cloud.do("listHosts", type="SecondaryStorageVM", state="Up")
    cloud.do("provisionCertificate", hostid=agent["id"])
    assert cloud.do("listHosts", id=agent["id"])[0]["state"] == "Up", "it was not told to reconnect"
    cloud.do("provisionCertificate", hostid=agent["id"], reconnect=True)
    assert cloud.do("listHosts", id=agent["id"])[0]["state"] == "Disconnected"
    cloud.clock.time += 100
    assert cloud.do("listHosts", id=agent["id"])[0]["state"] == "Up"
