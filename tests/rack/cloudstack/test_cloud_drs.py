"""Plans that even out or concentrate the load of a cluster's hosts."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vmlab import VmLab

from pytest_qacloud.rack.cloudstack.areas.compute.balance import Load, Measure

USED = Measure(algorithm="balanced", free=False, ratio=True, threshold=0.4, skip=0.95)
CONDENSED = Measure(algorithm="condensed", free=False, ratio=True, threshold=0.4, skip=0.95)


@pytest.fixture
def lab() -> VmLab:
    return VmLab(hosts=2)


def test_imbalance_is_deviation_over_mean() -> None:
    assert USED.imbalance([Load(1, 10), Load(3, 10)]) == pytest.approx(0.5)
    assert USED.imbalance([Load(2, 10), Load(4, 20)]) == 0
    assert math.isnan(USED.imbalance([Load(0, 10), Load(0, 10)]))
    assert math.isnan(USED.imbalance([]))
    amounts = Measure(algorithm="balanced", free=False, ratio=False, threshold=0.4, skip=0.95)
    assert amounts.imbalance([Load(2, 10), Load(4, 20)]) > 0
    free = Measure(algorithm="balanced", free=True, ratio=True, threshold=0.4, skip=0.95)
    assert free.imbalance([Load(9, 10), Load(7, 10)]) == pytest.approx(0.5)


def test_what_needs_moves() -> None:
    even, uneven, lopsided = [Load(5, 10), Load(5, 10)], [Load(4, 10), Load(6, 10)], [Load(0, 10), Load(6, 10)]
    assert [USED.needs_moves(loads) for loads in (even, uneven, lopsided)] == [False, False, True]
    assert [CONDENSED.needs_moves(loads) for loads in (even, uneven, lopsided)] == [True, True, False]
    assert not CONDENSED.needs_moves([Load(10, 10), Load(10, 10)]), "full hosts do not count"
    free = Measure(algorithm="condensed", free=True, ratio=True, threshold=0.4, skip=0.95)
    assert free.needs_moves([Load(0, 10), Load(0, 10)])
    assert not free.needs_moves([Load(6, 10), Load(6, 10)]), "hosts with less left do not count"


@given(st.lists(st.integers(1, 100), min_size=2, max_size=6), st.integers(1, 50))
def test_what_helps_one_algorithm_harms_the_other(used: list[int], amount: int) -> None:
    before = [Load(item, 200) for item in used]
    after = [before[0].plus(amount), before[1].plus(-amount), *before[2:]]
    assert USED.improvement(before, after) == -CONDENSED.improvement(before, after)


def settings(lab: VmLab, **values: str) -> None:
    for name, value in values.items():
        lab.do("updateConfiguration", name=f"drs.{name.replace('_', '.')}", value=value, clusterid=lab.built.cluster)


def plan(lab: VmLab, **params: Any) -> dict[str, Any]:
    made = lab.do("generateClusterDrsPlan", id=lab.built.cluster, **params)
    assert isinstance(made, dict)
    return made


def crowd(lab: VmLab, count: int = 4) -> list[str]:
    """VMs on the first host, which the system VMs are made to leave alone."""
    here = lab.built.hosts[0]
    return [lab.deploy(hostid=here, serviceofferingid=lab.medium)["id"] for _ in range(count)]


def execute(lab: VmLab, moves: list[dict[str, str]]) -> dict[str, Any]:
    rows = {
        f"migrateto[{number}].{name}": move[field]
        for number, move in enumerate(moves)
        for name, field in (("vm", "virtualmachineid"), ("host", "destinationhostid"))
    }
    done = lab.do("executeClusterDrsPlan", id=lab.built.cluster, **rows)
    assert isinstance(done, dict)
    return done


def test_a_plan_evens_out_and_is_carried_out(lab: VmLab) -> None:
    vms = crowd(lab)
    settings(lab, imbalance="1.0")
    made = plan(lab, migrations=2)
    assert (made["status"], made["type"], "id" in made) == ("UNDER_REVIEW", "MANUAL", False)
    moves = made["migrations"]
    assert 1 <= len(moves) <= 2
    assert {move["sourcehostid"] for move in moves} == {lab.built.hosts[0]}
    assert lab.vm(vms[0])["hostid"] == lab.built.hosts[0], "nothing has moved yet"
    assert lab.do("listClusterDrsPlan") == []
    assert lab.one("listEvents", id=made["eventid"], listall=True)["type"] == "CLUSTER.DRS.GENERATE"
    done = execute(lab, moves)
    assert done["status"] == "IN_PROGRESS"
    found = lab.one("listClusterDrsPlan", clusterid=lab.built.cluster)
    assert (found["id"], found["status"]) == (done["id"], "COMPLETED")
    assert {move["migrationjobstatus"] for move in found["migrations"]} == {"SUCCEEDED"}
    assert lab.vm(moves[0]["virtualmachineid"])["hostid"] == lab.built.hosts[1]


def test_a_plan_concentrates(lab: VmLab) -> None:
    first = lab.deploy(hostid=lab.built.hosts[0])["id"]
    second = lab.deploy(hostid=lab.built.hosts[1])["id"]
    settings(lab, algorithm="condensed", imbalance="1.0", metric="cpu")
    execute(lab, plan(lab)["migrations"])
    lab.do("listClusterDrsPlan")
    assert lab.vm(first)["hostid"] == lab.vm(second)["hostid"]
    assert plan(lab)["migrations"] == []


def test_a_balanced_cluster_needs_no_plan(lab: VmLab) -> None:
    crowd(lab, 1)
    settings(lab, imbalance="0")
    assert plan(lab)["migrations"] == []


def test_a_vm_may_stay_out_of_it(lab: VmLab) -> None:
    crowd_ids = crowd(lab, 2)
    settings(lab, imbalance="1.0")
    for vm in crowd_ids:
        lab.do("stopVirtualMachine", id=vm)
        lab.do("updateVirtualMachine", id=vm, **{"details[0].skip.drs": "true"})
        lab.do("startVirtualMachine", id=vm, hostid=lab.built.hosts[0])
    assert plan(lab)["migrations"] == []


def test_a_move_that_is_no_longer_possible_fails_alone(lab: VmLab) -> None:
    here, there = lab.built.hosts
    one, two = lab.deploy(hostid=here)["id"], lab.deploy(hostid=here)["id"]
    moves = [{"virtualmachineid": vm, "destinationhostid": there} for vm in (one, two)]
    rows = {
        f"migrateto[{number}].{name}": move[field]
        for number, move in enumerate(moves)
        for name, field in (("vm", "virtualmachineid"), ("host", "destinationhostid"))
    }
    lab.cloud.ask("executeClusterDrsPlan", id=lab.built.cluster, **rows)
    lab.cloud.ask("stopVirtualMachine", id=one, forced=True)
    lab.cloud.clock.time += 1
    states = {
        item["virtualmachineid"]: item["migrationjobstatus"] for item in lab.one("listClusterDrsPlan")["migrations"]
    }
    assert states[two] == "SUCCEEDED"
    assert lab.vm(two)["hostid"] == there
    assert states[one] == "FAILED"


def test_wrong_plans(lab: VmLab) -> None:
    cluster, vm = lab.built.cluster, lab.deploy(hostid=lab.built.hosts[0])["id"]
    assert lab.code("generateClusterDrsPlan", id=cluster, migrations=0) == 431
    assert lab.code("executeClusterDrsPlan", id=cluster) == 431
    unknown = {"migrateto[0].vm": vm, "migrateto[0].host": "nothing"}
    assert lab.code("executeClusterDrsPlan", id=cluster, **unknown) == 431
    lab.do("stopVirtualMachine", id=vm)
    stopped = {"migrateto[0].vm": vm, "migrateto[0].host": lab.built.hosts[1]}
    assert lab.code("executeClusterDrsPlan", id=cluster, **stopped) == 431
    assert lab.cloud.refused("generateClusterDrsPlan", by="joe", id=cluster).code == 432
    for name, value in (("metric", "smell"), ("algorithm", "magic")):
        settings(lab, **{name: value})
        assert lab.code("generateClusterDrsPlan", id=cluster) == 530
        settings(lab, metric="memory", algorithm="balanced")
    lab.do("updateCluster", id=cluster, allocationstate="Disabled")
    assert lab.code("generateClusterDrsPlan", id=cluster) == 431
