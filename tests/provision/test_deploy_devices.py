"""What the simulated management server has not: devices of providers, Tungsten Fabric, racks, VMware."""

from __future__ import annotations

from typing import Any

import pytest
import zone_configs
from fakes import FakeCloud

from pytest_qacloud.provision.deploy import Site, deploy_zones

NETSCALER = {
    "username": "nsroot",
    "password": "ns-secret",
    "networkdevicetype": "NetscalerVPXLoadBalancer",
    "hostname": "10.9.0.77",
    "publicinterface": "1/1",
    "inline": "false",
}
NICIRA = {"hostname": "10.9.0.78", "username": "admin", "password": "nvp", "transportzoneuuid": "a-uuid"}


def network_of(config: dict[str, Any]) -> dict[str, Any]:
    network: dict[str, Any] = config["zones"][0]["physical_networks"][0]
    return network


def deployed_twice(config: dict[str, Any]) -> FakeCloud:
    """The cloud after two deployments; the second must have made nothing."""
    cloud = FakeCloud()
    deploy_zones(Site(cloud), config)
    count = len(cloud.changes)
    deploy_zones(Site(cloud), config)
    made = [command for command in cloud.changes[count:] if command.startswith(("add", "create"))]
    assert not [command for command in made if "Tungsten" not in command]
    return cloud


def providers(cloud: FakeCloud) -> dict[str, str]:
    return {one["name"]: one["state"] for one in cloud.objects["networkserviceprovider"].values()}


def test_a_netscaler_is_added_with_its_options_and_without_its_password_in_the_url() -> None:
    config = zone_configs.advanced()
    network_of(config)["providers"].append({"name": "Netscaler", "devices": [NETSCALER]})

    cloud = deployed_twice(config)

    [device] = cloud.objects["netscalerloadbalancer"].values()
    assert device["url"] == (
        "http://10.9.0.77?networkdevicetype=NetscalerVPXLoadBalancer&hostname=10.9.0.77&publicinterface=1/1&inline=false"
    )
    assert (device["username"], device["password"]) == ("nsroot", "ns-secret")
    assert providers(cloud)["Netscaler"] == "Enabled"


def test_a_nicira_controller_is_added() -> None:
    config = zone_configs.advanced()
    network_of(config)["providers"].append({"name": "NiciraNvp", "devices": [NICIRA]})

    cloud = deployed_twice(config)

    [device] = cloud.objects["niciranvpdevice"].values()
    assert NICIRA.items() <= device.items()
    assert providers(cloud)["NiciraNvp"] == "Enabled"


def test_contrail_needs_no_device() -> None:
    config = zone_configs.advanced()
    network_of(config)["providers"].append({"name": "JuniperContrailRouter"})

    assert providers(deployed_twice(config))["JuniperContrailRouter"] == "Enabled"


@pytest.mark.parametrize("kind", ["advanced", "groups"])
def test_tungsten_fabric_gets_its_provider_and_networks(kind: str) -> None:
    config = zone_configs.KINDS[kind]()
    network_of(config)["isolationmethods"] = ["TF"]
    config["zones"][0]["tungstenprovider"] = {"name": "tf", "hostname": "10.9.0.5", "gateway": "10.9.0.6"}
    cloud = FakeCloud()
    cloud.put("networkoffering", "o", name="DefaultSharedNetworkOfferingWithSGService")
    network = f"physicalnetwork:zone:{config['zones'][0]['name']}/{network_of(config)['name']}"
    cloud.put("networkserviceprovider", "tungsten", name="Tungsten", state="Disabled", physicalnetworkid=network)

    deploy_zones(Site(cloud), config)

    [provider] = cloud.objects["tungstenProvider"].values()
    assert (provider["tungstenproviderhostname"], provider["tungstengateway"]) == ("10.9.0.5", "10.9.0.6")
    assert "configTungstenFabricService" in cloud.changes
    assert cloud.changes.count("createTungstenFabricManagementNetwork") == 1
    assert cloud.changes.count("createTungstenFabricPublicNetwork") == (kind == "advanced")
    assert providers(cloud)["Tungsten"] == ("Enabled" if kind == "groups" else "Disabled")


def test_the_description_of_bare_metal_racks_is_added() -> None:
    config = zone_configs.advanced()
    config["zones"][0]["baremetalrcturl"] = "http://10.9.0.9/rack.rct"

    cloud = deployed_twice(config)

    assert [one["baremetalrcturl"] for one in cloud.objects["baremetalrct"].values()] == ["http://10.9.0.9/rack.rct"]


@pytest.mark.parametrize("place", ["pod", "zone"])
def test_a_data_centre_of_vmware_stands_in_a_pod_or_the_zone(place: str) -> None:
    config = zone_configs.advanced()
    zone = config["zones"][0]
    holder = zone["pods"][0] if place == "pod" else zone
    holder["vmwaredc"] = {"name": "dc", "vcenter": "10.9.0.4", "username": "root", "password": "vc-secret"}
    [cluster, _] = zone["pods"][0]["clusters"]
    cluster |= {"hypervisor": "VMware", "url": "http://10.9.0.4/dc/c1", "clustertype": "ExternalManaged", "hosts": []}

    cloud = deployed_twice(config)

    [datacenter] = cloud.objects["vmwaredc"].values()
    assert (datacenter["name"], datacenter["vcenter"], datacenter["password"]) == ("dc", "10.9.0.4", "vc-secret")
    assert cloud.changes.index("addVmwareDc") < cloud.changes.index("addCluster")
    assert {host["hypervisor"] for host in cloud.objects["host"].values()} == {"simulator"}


def test_a_bare_metal_cluster_has_no_storage() -> None:
    config = zone_configs.advanced()
    for cluster in config["zones"][0]["pods"][0]["clusters"]:
        cluster["hypervisor"] = "BareMetal"
        cluster["hosts"] = []

    assert "storagepool" not in deployed_twice(config).objects
