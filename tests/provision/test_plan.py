"""The plan: pure, complete, and the same for the same lease."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_qacloud.config import load_pool
from pytest_qacloud.errors import ProvisionError
from pytest_qacloud.model import Build, Hypervisor, Lease, Pool, Role
from pytest_qacloud.provision.plan import (
    CLUSTER_SIZE,
    MARKER_PATH,
    assign,
    classification,
    make_plan,
    marvin_config,
    plan_machine,
    replan,
    substitute,
)

RACK1 = Path(__file__).parents[2] / "pools" / "rack1.toml"
BUILD = Build("master", repository="http://repo.example/master/")


@pytest.fixture(scope="module")
def pool() -> Pool:
    found = load_pool(RACK1)
    assert isinstance(found, Pool)
    return found


def lease(epoch: int = 7, token: str = "not-a-real-token") -> Lease:
    return Lease("rack1", token, "somebody", "bvt", epoch, 0.0, 300.0, 300.0)


def with_hypervisors(pool: Pool, count: int) -> Pool:
    first = pool.with_role(Role.HYPERVISOR)[0]
    hosts = tuple(
        replace(first, name=f"host{number}", mac=f"52:54:00:00:{number:02x}:01", ip=IPv4Address("10.1.0.20") + number)
        for number in range(count)
    )
    return replace(pool, machines=(*pool.with_role(Role.MANAGEMENT), *hosts))


def test_the_management_machine_comes_first_and_every_name_is_in_the_domain(pool: Pool) -> None:
    plan = make_plan(pool, BUILD, lease())

    assert plan.management.role is Role.MANAGEMENT
    assert [p.role for p in plan.machines[1:]] == [Role.HYPERVISOR] * len(pool.with_role(Role.HYPERVISOR))
    assert all(p.hostname == f"{p.name}.{pool.network.domain}" for p in plan.machines)


def test_machines_that_are_not_used_are_named_so_that_they_are_switched_off(pool: Pool) -> None:
    plan = make_plan(pool, BUILD, lease())

    assert {m.name for m in plan.idle} == {m.name for m in pool.with_role(Role.SPARE)}


def test_a_storage_machine_is_neither_reimaged_nor_switched_off(pool: Pool) -> None:
    storage = replace(pool.with_role(Role.SPARE)[0], role=Role.STORAGE, name="nfs1")

    plan = make_plan(replace(pool, machines=(*pool.machines, storage)), BUILD, lease())

    assert "nfs1" not in {p.name for p in plan.machines} | {m.name for m in plan.idle}


def test_the_autoinstall_is_told_epoch_marker_and_repository_in_words_without_spaces(pool: Pool) -> None:
    machine = make_plan(pool, BUILD, lease()).machines[1]

    assert machine.autoinstall_meta["qacloud_epoch"] == "7"
    assert machine.autoinstall_meta["qacloud_marker"] == machine.marker
    assert machine.autoinstall_meta["qacloud_marker_path"] == machine.marker_path == MARKER_PATH
    assert machine.autoinstall_meta["qacloud_repository"] == BUILD.repository
    assert not any(" " in value for value in machine.autoinstall_meta.values())


@given(
    first=st.tuples(st.integers(1, 10**6), st.text(min_size=1)),
    second=st.tuples(st.integers(1, 10**6), st.text(min_size=1)),
)
def test_markers_and_host_keys_are_the_leases_own(first: tuple[int, str], second: tuple[int, str]) -> None:
    found = load_pool(RACK1)
    assert isinstance(found, Pool)
    machine = found.machines[0]
    one = plan_machine(found, BUILD, lease(*first), machine, Role.MANAGEMENT)
    other = plan_machine(found, BUILD, lease(*second), machine, Role.MANAGEMENT)

    assert len(one.host_key_seed) == 32
    assert (one.marker == other.marker) == (one.host_key_seed == other.host_key_seed) == (first == second)


def test_neither_token_nor_seed_shows_in_a_plans_text(pool: Pool) -> None:
    plan = make_plan(pool, BUILD, lease(token="a-token-that-must-not-show"))

    assert "a-token-that-must-not-show" not in repr(plan)
    assert repr(plan.machines[0].host_key_seed) not in repr(plan)


def test_a_suspect_gives_way_to_a_spare_and_stays_as_the_last_resort(pool: Pool) -> None:
    suspect, spare = pool.with_role(Role.HYPERVISOR)[0], pool.with_role(Role.SPARE)[0]

    chosen = assign(pool, {suspect.name})

    assert (Role.HYPERVISOR, spare) in chosen.slots
    assert (Role.HYPERVISOR, suspect) not in chosen.slots
    assert chosen.spares[-1] == suspect


def test_suspects_are_used_when_there_is_nobody_else(pool: Pool) -> None:
    everybody = {machine.name for machine in pool.machines}

    assert assign(pool, everybody).slots == assign(pool).slots


@given(st.sets(st.integers(0, 20)), st.data())
def test_every_role_is_filled_once_and_nobody_plays_twice(suspects: set[int], data: st.DataObject) -> None:
    found = load_pool(RACK1)
    assert isinstance(found, Pool)
    machines = found.machines
    names = {machines[number % len(machines)].name for number in suspects}

    chosen = assign(found, names)
    while chosen is not None:
        playing = [machine.name for _, machine in chosen.slots]
        wanted = [Role.MANAGEMENT] + [Role.HYPERVISOR] * len(found.with_role(Role.HYPERVISOR))
        assert [role for role, _ in chosen.slots] == wanted
        assert len(set(playing)) == len(playing)
        assert not set(playing) & {machine.name for machine in chosen.spares}
        failed = data.draw(st.sampled_from([machine for _, machine in chosen.slots]))
        following = substitute(chosen, failed)
        assert (following is None) == (not chosen.spares)
        if following is not None:
            assert failed not in [machine for _, machine in following.slots] + list(following.spares)
        chosen = following  # type: ignore[assignment]  # ends the loop when it is None


def test_a_spare_takes_the_profile_of_the_role_it_plays(pool: Pool) -> None:
    spare = replace(pool.with_role(Role.SPARE)[0], profile="for-spares-only")

    plan = plan_machine(pool, BUILD, lease(), spare, Role.HYPERVISOR)

    assert plan.profile == pool.cobbler.profiles[Role.HYPERVISOR]


def test_a_role_without_a_profile_is_refused_with_the_key_to_set(pool: Pool) -> None:
    bare = replace(pool, cobbler=replace(pool.cobbler, profiles={}))
    machine = replace(bare.with_role(Role.HYPERVISOR)[0], profile=None)

    with pytest.raises(ProvisionError, match=r"\[cobbler.profiles\] hypervisor"):
        plan_machine(bare, BUILD, lease(), machine, Role.HYPERVISOR)


def test_the_classifier_is_told_the_roles_classes_and_no_secret(pool: Pool) -> None:
    plan = make_plan(pool, BUILD, lease())

    management, host = classification(plan.management), classification(plan.machines[1])

    assert management["classes"]["qacloud::management"] == {
        "port": pool.management.port,
        "repository": BUILD.repository,
    }
    assert "qacloud::kvm" in host["classes"]
    assert host["environment"] == pool.puppet.environment
    assert "password" not in str([management, host])


def test_the_config_names_every_hypervisor_and_shows_where_passwords_are_not_what_they_are(pool: Pool) -> None:
    plan = make_plan(pool, BUILD, lease())
    zone = plan.marvin_config["zones"][0]
    hosts = [host for cluster in zone["pods"][0]["clusters"] for host in cluster["hosts"]]

    assert [host["url"] for host in hosts] == [f"http://{p.machine.ip}" for p in plan.machines[1:]]
    assert {host["password"] for host in hosts} == {str(pool.hosts.password)}
    given = marvin_config(pool, "z", plan.machines, {str(pool.hosts.password): "sesame"})
    assert given["zones"][0]["pods"][0]["clusters"][0]["hosts"][0]["password"] == "sesame"


def test_a_replanned_zone_names_its_new_machine(pool: Pool) -> None:
    plan = make_plan(pool, BUILD, lease())
    spare = pool.with_role(Role.SPARE)[0]
    other = plan_machine(pool, BUILD, lease(), spare, Role.HYPERVISOR)

    again = replan(plan, [plan.machines[0], *plan.machines[2:], other])

    assert f"http://{spare.ip}" in str(again.marvin_config)
    assert plan.machines[1].machine in again.idle
    assert spare not in again.idle


def test_many_hosts_make_several_clusters_that_share_zone_wide_storage(pool: Pool) -> None:
    zone = make_plan(with_hypervisors(pool, 2 * CLUSTER_SIZE + 1), BUILD, lease()).marvin_config["zones"][0]
    clusters = zone["pods"][0]["clusters"]

    assert [len(cluster["hosts"]) for cluster in clusters] == [CLUSTER_SIZE, CLUSTER_SIZE, 1]
    assert all(storage["scope"] == "ZONE" for storage in zone["primaryStorages"])
    assert not any("primaryStorages" in cluster for cluster in clusters)


def test_xenserver_clusters_get_exports_of_their_own_or_the_plan_says_so(pool: Pool) -> None:
    xen = replace(with_hypervisors(pool, CLUSTER_SIZE + 1), hypervisor=Hypervisor.XENSERVER)
    export = xen.storage.primary[0]
    two = (export, replace(export, name="second", path="/export/second"))

    one_each = make_plan(replace(xen, storage=replace(xen.storage, primary=two)), BUILD, lease())
    clusters = one_each.marvin_config["zones"][0]["pods"][0]["clusters"]
    assert [len(cluster["primaryStorages"]) for cluster in clusters] == [1, 1]
    with pytest.raises(ProvisionError, match=r"2 XenServer clusters need an export each"):
        make_plan(replace(xen, storage=replace(xen.storage, primary=two[:1])), BUILD, lease())


def test_planning_twice_gives_the_same(pool: Pool) -> None:
    assert make_plan(pool, BUILD, lease()) == make_plan(pool, BUILD, lease())


def test_a_machine_that_is_not_there_is_a_key_error(pool: Pool) -> None:
    plan = make_plan(pool, BUILD, lease())

    assert plan.machine(plan.management.name) is plan.management
    with pytest.raises(KeyError):
        plan.machine("nobody")
