"""A basic zone: one guest network, whose addresses come with the pods."""

from __future__ import annotations

import pytest
from cloudlab import Cloud


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


def test_the_guest_network_is_made_without_addresses_and_gets_each_pods(cloud: Cloud) -> None:
    zone = cloud.do("createZone", name="z", dns1="10.9.0.1", internaldns1="10.9.0.2", networktype="Basic")["id"]
    physical = cloud.do("createPhysicalNetwork", name="phys", zoneid=zone)["id"]
    cloud.do("addTrafficType", physicalnetworkid=physical, traffictype="Guest")
    cloud.do("updatePhysicalNetwork", id=physical, state="Enabled")
    for provider in cloud.do("listNetworkServiceProviders", physicalnetworkid=physical):
        for element in cloud.do("listVirtualRouterElements", nspid=provider["id"]):
            cloud.do("configureVirtualRouterElement", id=element["id"], enabled="true")
        if provider["name"] in ("VirtualRouter", "SecurityGroupProvider"):
            cloud.do("updateNetworkServiceProvider", id=provider["id"], state="Enabled")
    offering = cloud.do("listNetworkOfferings", name="DefaultSharedNetworkOfferingWithSGService")[0]["id"]
    network = cloud.do("createNetwork", name="guests", zoneid=zone, networkofferingid=offering)
    pod = cloud.do(
        "createPod", name="pod", zoneid=zone, gateway="10.1.0.1", netmask="255.255.255.0", startip="10.1.0.10",
        endip="10.1.0.40",
    )["id"]  # fmt: skip
    addresses = cloud.do(
        "createVlanIpRange", zoneid=zone, podid=pod, networkid=network["id"], forvirtualnetwork="false",
        gateway="10.3.0.1", netmask="255.255.255.0", startip="10.3.0.10", endip="10.3.0.20",
    )  # fmt: skip

    assert (network["type"], network.get("vlan"), network.get("gateway")) == ("Shared", None, None)
    assert (addresses["networkid"], addresses["podid"], addresses["forvirtualnetwork"]) == (network["id"], pod, False)
    second = cloud.refused("createNetwork", name="more", zoneid=zone, networkofferingid=offering)
    assert "more than one Guest network" in second.text
