"""Zones of every kind that Marvin's configurations know, on the simulated management server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import zone_configs
from directcloud import DirectCloud

from pytest_qacloud.errors import CloudApiError, ProvisionError, ServiceFaultError, UnreachableError
from pytest_qacloud.provision.deploy import Ledger, Site, deploy_zones

if TYPE_CHECKING:
    from collections.abc import Callable

LISTED = {
    "listZones": "allocationstate",
    "listPhysicalNetworks": "state",
    "listPods": "name",
    "listVlanIpRanges": "vlan",
    "listNetworks": "name",
    "listClusters": "name",
    "listHosts": "state",
    "listStoragePools": "scope",
    "listImageStores": "url",
    "listSecondaryStagingStores": "url",
}
"""List commands, and what is compared of each object."""


def state(api: DirectCloud) -> dict[str, list[tuple[str, str]]]:
    """All objects of the zones, with their ids."""
    more: dict[str, dict[str, Any]] = {"listHosts": {"type": "Routing"}, "listNetworks": {"listall": True}}
    return {
        command: sorted((str(one["id"]), str(one.get(member))) for one in api.list(command, **more.get(command, {})))
        for command, member in LISTED.items()
    }


def values(api: DirectCloud, command: str, member: str, **params: Any) -> list[Any]:
    return sorted(one[member] for one in api.list(command, **params))


@pytest.fixture(params=zone_configs.KINDS.values(), ids=list(zone_configs.KINDS))
def make(request: pytest.FixtureRequest) -> Callable[[], dict[str, Any]]:
    made: Callable[[], dict[str, Any]] = request.param
    return made


def test_every_kind_of_zone_is_whole_and_comes_up(make: Callable[[], dict[str, Any]]) -> None:
    api, config = DirectCloud(), make()

    deployed = deploy_zones(Site(api), config)
    api.cloud.advance()

    assert [zone.name for zone in deployed.zones] == [zone["name"] for zone in config["zones"]]
    assert [(zone.hosts, zone.enabled) for zone in deployed.zones] == [(4, True)] * len(config["zones"])
    assert values(api, "listZones", "allocationstate") == ["Enabled"] * len(config["zones"])
    assert values(api, "listPhysicalNetworks", "state") == ["Enabled"] * len(config["zones"])
    wanted = {one["name"] for zone in config["zones"] for one in zone["physical_networks"][0]["providers"]}
    enabled = [one["name"] for one in api.list("listNetworkServiceProviders") if one["state"] == "Enabled"]
    assert set(enabled) == wanted
    for zone in deployed.zones:
        assert values(api, "listHosts", "state", zoneid=zone.id, type="Routing") == ["Up"] * 4
        assert values(api, "listSystemVms", "state", zoneid=zone.id) == ["Running"] * 2
        assert len(api.list("listStoragePools", zoneid=zone.id)) == 2


def test_a_second_deployment_makes_nothing(make: Callable[[], dict[str, Any]]) -> None:
    api = DirectCloud()
    first = deploy_zones(Site(api), make())
    before, count = state(api), len(api.changes)

    second = deploy_zones(Site(api), make())

    assert (first, before) == (second, state(api))
    assert not [command for command, _ in api.changes[count:] if command.startswith(("add", "create"))]


def test_what_was_made_is_deleted_again_and_nothing_else(make: Callable[[], dict[str, Any]]) -> None:
    api, ledger = DirectCloud(), Ledger()
    deploy_zones(Site(api), {"zones": [zone_configs.zone("older", 9)]})
    before = state(api)
    deploy_zones(Site(api, ledger=ledger), make())
    api.cloud.advance()

    ledger.undo()

    assert state(api) == before


@pytest.mark.parametrize("lost_reply", [False, True], ids=["not done", "reply lost"])
@pytest.mark.parametrize("kind", ["advanced", "basic"])
def test_after_a_fault_at_any_command_it_goes_on_or_is_deleted(kind: str, lost_reply: bool) -> None:
    undisturbed = DirectCloud()
    deploy_zones(Site(undisturbed), zone_configs.KINDS[kind]())
    whole = {command: len(found) for command, found in state(undisturbed).items()}

    for number in range(1, len(undisturbed.changes) + 1):
        api, ledger = DirectCloud(fault_at=number, lost_reply=lost_reply), Ledger()
        with pytest.raises(UnreachableError):
            deploy_zones(Site(api, ledger=ledger), zone_configs.KINDS[kind]())
        if number % 2:  # another try first
            deploy_zones(Site(api, ledger=ledger), zone_configs.KINDS[kind]())
            assert {command: len(found) for command, found in state(api).items()} == whole

        ledger.undo()

        assert not any(state(api).values()), f"after a fault of command {number}, {undisturbed.changes[number - 1]}"


@pytest.mark.parametrize("lost_reply", [False, True], ids=["not done", "reply lost"])
def test_deleting_goes_on_after_a_fault(lost_reply: bool) -> None:
    undisturbed, ledger = DirectCloud(), Ledger()
    deploy_zones(Site(undisturbed, ledger=ledger), zone_configs.advanced())
    made = len(undisturbed.changes)
    ledger.undo()

    for number in range(made + 1, len(undisturbed.changes) + 1):
        api, ledger = DirectCloud(fault_at=number, lost_reply=lost_reply), Ledger()
        deploy_zones(Site(api, ledger=ledger), zone_configs.advanced())
        with pytest.raises(UnreachableError):
            ledger.undo()

        ledger.undo()

        assert not any(state(api).values()), f"after a fault of command {number}, {undisturbed.changes[number - 1]}"


def test_what_cannot_be_deleted_is_named() -> None:
    api, ledger = DirectCloud(), Ledger()
    deployed = deploy_zones(Site(api, ledger=ledger), zone_configs.advanced())
    pod = api.list("listPods")[0]["id"]
    api.call("addCluster", zoneid=deployed.zones[0].id, podid=pod, clustername="somebody's", hypervisor="KVM",
             clustertype="CloudManaged")  # fmt: skip

    with pytest.raises(ServiceFaultError, match=r"could not delete pod a-pod: .*; zone a: .*"):
        ledger.undo()

    assert values(api, "listClusters", "name") == ["somebody's"]


def test_settings_that_wait_for_a_restart_are_named() -> None:
    api = DirectCloud()
    settings = [{"name": "expunge.workers", "value": "3"}, {"name": "enable.dynamic.scale.vm", "value": "true"}]

    deployed = deploy_zones(Site(api), {**zone_configs.advanced(), "globalConfig": settings})

    assert deployed.restart == ("expunge.workers",)
    assert api.list("listConfigurations", name="expunge.workers")[0]["value"] == "3"


def test_an_advanced_zone_has_its_network() -> None:
    api = DirectCloud()

    deploy_zones(Site(api), zone_configs.advanced())

    [network] = api.list("listPhysicalNetworks")
    labels = {
        one["traffictype"]: one.get("kvmnetworklabel")
        for one in api.list("listTrafficTypes", physicalnetworkid=network["id"])
    }
    assert (network["vlan"], network["isolationmethods"]) == ("100-200", "VLAN")
    assert labels == {"Guest": None, "Management": "cloudbr0", "Public": None}
    [public] = api.list("listVlanIpRanges")
    assert (public["startip"], public["vlan"], public["forvirtualnetwork"]) == ("10.1.2.10", "vlan://50", True)
    assert values(api, "listZones", "guestcidraddress") == ["10.1.1.0/24"]


def test_a_zone_with_security_groups_has_one_shared_network_with_the_last_range() -> None:
    api = DirectCloud()

    deploy_zones(Site(api), zone_configs.groups())

    [network] = api.list("listNetworks")
    [addresses] = api.list("listVlanIpRanges")
    assert (network["name"], network["vlan"]) == ("Shared SG enabled network", "80")
    assert (addresses["startip"], addresses["forvirtualnetwork"]) == ("10.8.2.10", False)
    assert network["networkofferingname"] == "DefaultSharedNetworkOfferingWithSGService"


@pytest.mark.parametrize(
    ("kind", "offering", "public"),
    [
        ("basic", "DefaultSharedNetworkOfferingWithSGService", []),
        ("elastic", "DefaultSharedNetscalerEIPandELBNetworkOffering", ["10.4.0.10"]),
    ],
)
def test_a_basic_zone_has_a_guest_network_with_a_range_for_each_pod(
    kind: str, offering: str, public: list[str]
) -> None:
    api = DirectCloud()

    deploy_zones(Site(api), zone_configs.KINDS[kind]())

    [network] = api.list("listNetworks")
    [pod] = api.list("listPods")
    ranges = api.list("listVlanIpRanges")
    assert (network["name"], network["networkofferingname"]) == ("guestNetworkForBasicZone", offering)
    assert [one["startip"] for one in ranges if one.get("networkid") == network["id"]] == ["10.3.0.10"]
    assert [one["podid"] for one in ranges if one.get("networkid") == network["id"]] == [pod["id"]]
    assert [one["startip"] for one in ranges if one["forvirtualnetwork"]] == public


def test_the_offering_of_the_guest_network_can_be_chosen() -> None:
    api, config = DirectCloud(), zone_configs.basic()
    config["zones"][0]["networkofferingname"] = "DefaultSharedNetworkOffering"

    deploy_zones(Site(api), config)

    assert values(api, "listNetworks", "networkofferingname") == ["DefaultSharedNetworkOffering"]


def test_an_offering_that_is_not_there_is_named() -> None:
    config = zone_configs.basic()
    config["zones"][0]["networkofferingname"] = "Gold"

    with pytest.raises(ProvisionError, match="no network offering Gold"):
        deploy_zones(Site(DirectCloud()), config)


def test_options_of_a_zone_and_its_storage_are_honoured() -> None:
    api, config = DirectCloud(), zone_configs.advanced()
    zone = config["zones"][0]
    zone |= {"localstorageenabled": "true", "domain": "lab.example", "dns2": "10.9.0.3", "internaldns2": "10.9.0.4"}
    zone["details"] = [{"key": "colour", "value": "blue"}]
    zone["physical_networks"][0]["tags"] = ["fast"]
    zone["primaryStorages"] = [
        {"name": "wide", "url": "nfs://10.9.0.9:/wide", "hypervisor": "Simulator", "tags": "t1,t2",
         "details": {"nfsmountopts": "vers=4.1", "__name__": "primaryStorage"}}
    ]  # fmt: skip
    zone["pods"][0]["clusters"][0]["primaryStorages"].append(
        {"name": "also-wide", "url": "nfs://10.9.0.9:/also", "scope": "zone"}
    )
    zone["cacheStorages"] = [{"url": "nfs://10.9.0.9:/cache", "provider": "NFS", "details": {"a": "b"}}]
    zone["secondaryStorages"].append({"provider": "S3", "url": "http://s3.example/b", "details": {"bucket": "b"}})

    deploy_zones(Site(api), config)

    [made] = api.list("listZones")
    assert (made["localstorageenabled"], made["domain"], made["dns2"], made["internaldns2"]) == (
        True,
        "lab.example",
        "10.9.0.3",
        "10.9.0.4",
    )
    assert made["resourcedetails"] == {"colour": "blue"}
    assert values(api, "listPhysicalNetworks", "tags") == ["fast"]
    pools = {one["name"]: one for one in api.list("listStoragePools")}
    assert [pools[name]["scope"] for name in ("wide", "also-wide", "a-c1-ps0")] == ["ZONE", "ZONE", "CLUSTER"]
    assert [pools[name]["hypervisor"] for name in ("wide", "also-wide")] == ["Simulator"] * 2
    assert (pools["wide"]["tags"], pools["wide"]["details"]) == ("t1,t2", {"nfsmountopts": "vers=4.1"})
    assert values(api, "listSecondaryStagingStores", "url") == ["nfs://10.9.0.9:/cache"]
    stores = {one["providername"]: one for one in api.list("listImageStores")}
    assert (stores["NFS"]["zoneid"], stores["S3"].get("zoneid")) == (made["id"], None)
    sent = next(params for params in api.sent("addImageStore") if params["provider"] == "S3")
    assert (sent["details[0].key"], sent["details[0].value"]) == ("bucket", "b")


def test_a_zone_can_be_left_disabled() -> None:
    api, config = DirectCloud(), zone_configs.two_zones()
    config["zones"][1]["enabled"] = "False"

    deployed = deploy_zones(Site(api), config)

    assert [zone.enabled for zone in deployed.zones] == [True, False]
    assert [one["allocationstate"] for one in api.list("listZones")] == ["Enabled", "Disabled"]


def test_a_region_has_one_object_store_of_a_provider() -> None:
    api, config = DirectCloud(), zone_configs.two_zones()
    for zone in config["zones"]:
        zone["secondaryStorages"].append({"provider": "S3", "url": "http://s3.example/b", "details": {"bucket": "b"}})

    deploy_zones(Site(api), config)

    assert values(api, "listImageStores", "providername") == ["NFS", "NFS", "S3"]


def test_simulated_hosts_are_told_apart_by_what_their_configuration_says() -> None:
    api, config = DirectCloud(), zone_configs.advanced()
    hosts = config["zones"][0]["pods"][0]["clusters"][0]["hosts"]
    hosts[0]["hosttags"] = "fast"
    hosts += [{"url": "http://sim/a-c1/cpucore=2&memory=1073741824", "username": "root", "password": "password"}]
    deploy_zones(Site(api), config)
    [small] = [one for one in api.list("listHosts") if one.get("cpunumber") == 2]
    [tagged] = [one for one in api.list("listHosts") if one.get("hosttags") == "fast"]
    api.call("deleteHost", id=small["id"], forced=True)
    api.call("deleteHost", id=tagged["id"], forced=True)
    count = len(api.changes)

    deploy_zones(Site(api), config)

    added = [params for command, params in api.changes[count:] if command == "addHost"]
    assert {params["url"] for params in added} == {hosts[0]["url"], hosts[2]["url"]}


def test_hosts_are_waited_for() -> None:
    api, config = DirectCloud(), zone_configs.advanced()
    api.cloud.machines.running["10.1.0.101"] = True
    made = config["zones"][0]["pods"][0]["clusters"][0]
    made |= {"hypervisor": "KVM", "primaryStorages": [], "hosts": [{"url": "http://10.1.0.101", "username": "root"}]}
    made["hosts"][0]["password"] = "secret"
    seen: list[str] = []

    class Waking:
        """Time at which a machine is down, until somebody waits for it."""

        def now(self) -> float:
            return 0.0

        def sleep(self, seconds: float) -> None:
            seen.append(api.list("listHosts", clusterid=clusters["a-c1"])[0]["state"])
            api.cloud.machines.running["10.1.0.101"] = True

    deploy_zones(Site(api), config)
    clusters = {one["name"]: one["id"] for one in api.list("listClusters")}
    api.cloud.machines.running["10.1.0.101"] = False

    deploy_zones(Site(api, clock=Waking()), config)

    assert seen == ["Down"]


def test_a_provider_that_marvin_leaves_alone_is_left_alone() -> None:
    api, config = DirectCloud(), zone_configs.advanced()
    config["zones"][0]["physical_networks"][0]["providers"].append({"name": "ConfigDrive"})

    deploy_zones(Site(api), config)

    assert [one["state"] for one in api.list("listNetworkServiceProviders", name="ConfigDrive")] == ["Disabled"]


def test_what_the_server_refuses_passes_with_its_words() -> None:
    config = zone_configs.advanced()
    config["zones"][0]["guestcidraddress"] = "nonsense"

    with pytest.raises(CloudApiError, match="guest cidr"):
        deploy_zones(Site(DirectCloud()), config)
