"""Deploying a zone: complete, and whatever breaks on the way, a second call ends where an undisturbed one does."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from fakes import FakeCloud, plan_of, rack1, with_hypervisors

from pytest_qacloud.errors import CloudApiError, ProvisionError, StoppedError, UnreachableError
from pytest_qacloud.model import Hypervisor, Pool, SecretRef, VmwareService
from pytest_qacloud.provision.deploy import Site, deploy_zones
from pytest_qacloud.provision.plan import CLUSTER_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable


def deploy_zone(cloud: FakeCloud, config: dict[str, Any], check: Callable[[], None] = lambda: None) -> str:
    """Deploy the only zone; returns its id."""
    [zone] = deploy_zones(Site(cloud, check), config).zones
    return zone.id


def config_of(pool: Pool) -> dict[str, Any]:
    config = dict(plan_of(pool).marvin_config)
    config["globalConfig"] = [{"name": "expunge.delay", "value": "60"}]
    return config


def vmware_pool() -> Pool:
    vmware = VmwareService("vcenter.example", "datacenter", "cluster", "user", SecretRef("env", "VCENTER"))
    return replace(rack1(), hypervisor=Hypervisor.VMWARE, vmware=vmware)


POOLS = {
    "kvm": rack1(),
    "kvm in two clusters": with_hypervisors(rack1(), CLUSTER_SIZE + 2),
    "no storage network": replace(rack1(), network=replace(rack1().network, storage=None)),
    "vmware": vmware_pool(),
}


@pytest.fixture(params=POOLS)
def config(request: pytest.FixtureRequest) -> dict[str, Any]:
    return config_of(POOLS[request.param])


def test_a_zone_is_made_whole_and_switched_on() -> None:
    pool, cloud = rack1(), FakeCloud()

    zone_id = deploy_zone(cloud, config_of(pool))

    assert list(cloud.objects["zone"]) == [zone_id]
    assert all(state in {"Enabled", True} for _, state in cloud.enabled())
    assert {host["ipaddress"] for host in cloud.objects["host"].values()} == {
        str(plan.machine.ip) for plan in plan_of(pool).machines[1:]
    }
    assert {kind["traffictype"] for kind in cloud.objects["traffictype"].values()} == {
        "Guest",
        "Management",
        "Public",
        "Storage",
    }
    assert len(cloud.objects["storagepool"]) == len(pool.storage.primary)
    assert len(cloud.objects["imagestore"]) == len(cloud.objects["storagenetworkiprange"]) == 1
    assert cloud.settings == {"expunge.delay": "60"}
    assert cloud.changes[-1] == "updateZone"


def test_several_clusters_share_zone_wide_storage() -> None:
    cloud = FakeCloud()

    deploy_zone(cloud, config_of(POOLS["kvm in two clusters"]))

    assert len(cloud.objects["cluster"]) == 2
    assert len(cloud.objects["host"]) == CLUSTER_SIZE + 2
    assert all(pool["scope"] == "zone" and "clusterid" not in pool for pool in cloud.objects["storagepool"].values())


def test_vmware_hosts_come_with_their_data_centre() -> None:
    cloud = FakeCloud()

    deploy_zone(cloud, config_of(vmware_pool()))

    [datacenter] = cloud.objects["vmwaredc"].values()
    assert (datacenter["vcenter"], datacenter["name"]) == ("vcenter.example", "datacenter")
    [cluster] = cloud.objects["cluster"].values()
    assert cluster["clustertype"] == "ExternalManaged"
    assert "host" not in cloud.objects


@pytest.mark.parametrize("lost_reply", [False, True], ids=["not done", "reply lost"])
def test_after_any_fault_a_second_call_ends_where_an_undisturbed_one_does(
    config: dict[str, Any], lost_reply: bool
) -> None:
    undisturbed = FakeCloud()
    deploy_zone(undisturbed, config)

    for number in range(1, len(undisturbed.changes) + 1):
        cloud = FakeCloud(fault_at=number, lost_reply=lost_reply)
        with pytest.raises(UnreachableError):
            deploy_zone(cloud, config)
        cloud.fault_at = None

        zone_id = deploy_zone(cloud, config)

        assert (zone_id, cloud.objects, cloud.settings) == (
            next(iter(undisturbed.objects["zone"])),
            undisturbed.objects,
            undisturbed.settings,
        ), f"after a fault of command {number}, {undisturbed.changes[number - 1]}"


def test_a_zone_that_is_there_is_made_no_second_time(config: dict[str, Any]) -> None:
    cloud = FakeCloud()
    deploy_zone(cloud, config)
    first = len(cloud.changes)

    deploy_zone(cloud, config)

    again = cloud.changes[first:]
    assert not [command for command in again if command.startswith(("create", "add"))]


def test_a_provider_without_elements_is_switched_on_too() -> None:
    cloud, config = FakeCloud(), config_of(rack1())
    config["zones"][0]["physical_networks"][0]["providers"].append({"name": "SecurityGroupProvider"})

    deploy_zone(cloud, config)

    providers = {one["name"]: one["state"] for one in cloud.objects["networkserviceprovider"].values()}
    assert providers["SecurityGroupProvider"] == "Enabled"


def test_a_host_that_cannot_be_added_is_named_with_what_to_do() -> None:
    pool = rack1()
    address = str(plan_of(pool).machines[1].machine.ip)

    with pytest.raises(ProvisionError, match=re.escape(address)) as raised:
        deploy_zone(FakeCloud(refused_hosts=[address]), config_of(pool))

    assert raised.value.machine == address
    assert "the agent does not answer" in raised.value.observed
    assert "[hosts]" in raised.value.action


def test_hosts_that_cannot_be_added_in_several_clusters_are_all_named() -> None:
    pool = POOLS["kvm in two clusters"]
    machines = plan_of(pool).machines
    addresses = [str(machines[1].machine.ip), str(machines[-1].machine.ip)]

    with pytest.raises(ExceptionGroup) as raised:
        deploy_zone(FakeCloud(refused_hosts=addresses), config_of(pool))

    assert [error.machine for error in raised.value.exceptions if isinstance(error, ProvisionError)] == addresses


def test_what_the_server_refuses_passes_with_its_words() -> None:
    cloud, config = FakeCloud(), config_of(rack1())
    zone = config["zones"][0]
    cloud.put("pod", "elsewhere", name="another")
    cloud.put("storagepool", f"zone:{zone['name']}/primary1")  # taken, and not to be found by its name

    with pytest.raises(CloudApiError, match="exists already"):
        deploy_zone(cloud, config)


def test_nothing_is_changed_once_the_run_must_stop(config: dict[str, Any]) -> None:
    undisturbed = FakeCloud()
    deploy_zone(undisturbed, config)

    for allowed in range(len(undisturbed.changes)):
        cloud = FakeCloud()

        def check(cloud: FakeCloud = cloud, allowed: int = allowed) -> None:
            if len(cloud.changes) >= allowed:
                raise StoppedError("stop")

        with pytest.raises((StoppedError, ExceptionGroup)) as raised:
            deploy_zone(cloud, config, check=check)

        errors = raised.value.exceptions if isinstance(raised.value, ExceptionGroup) else [raised.value]
        assert {type(error) for error in errors} == {StoppedError}
        # Two clusters are made side by side, so one command may have passed its check before the last one was sent.
        assert len(cloud.changes) <= allowed + 1
