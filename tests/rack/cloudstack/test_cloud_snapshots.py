"""Snapshots of volumes, and the policies that take them."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vmlab import VmLab

from pytest_qacloud.rack.cloudstack.areas.storage.policies import next_run


@pytest.fixture
def lab() -> VmLab:
    return VmLab()


def test_a_snapshot_outlives_its_volume(lab: VmLab) -> None:
    vm = lab.deploy()
    volume = lab.attached(vm["id"])["id"]
    begun = lab.cloud.ask("createSnapshot", volumeid=volume, name="s")
    assert lab.one("listSnapshots", id=begun["id"])["state"] == "BackingUp"
    assert lab.code("createSnapshot", volumeid=volume) == 530, "one at a time"
    lab.cloud.advance()
    assert lab.one("listSnapshots", id=begun["id"])["state"] == "BackedUp"
    assert (lab.count(3), lab.count(11)) == (1, 5 << 30)
    lab.do("detachVolume", id=volume)
    lab.do("deleteVolume", id=volume)
    snapshot = lab.one("listSnapshots", name="s", listall=True)
    assert (snapshot["state"], snapshot["virtualsize"], snapshot["snapshottype"]) == ("BackedUp", 5 << 30, "MANUAL")
    made = lab.do("createVolume", name="c", snapshotid=snapshot["id"], **lab.mine)
    assert (made["state"], made["size"], made["snapshotid"]) == ("Ready", 5 << 30, snapshot["id"])
    assert lab.code("createVolume", name="c", snapshotid=snapshot["id"], size=1, **lab.mine) == 431
    larger = lab.do("createVolume", snapshotid=snapshot["id"], size=8, virtualmachineid=vm["id"], **lab.mine)
    assert (larger["size"], larger["virtualmachineid"]) == (8 << 30, vm["id"])
    assert lab.do("deleteSnapshot", id=snapshot["id"]) is True
    assert lab.do("listSnapshots", id=snapshot["id"]) == []
    assert "snapshotid" not in lab.one("listVolumes", id=made["id"])


def test_what_cannot_be_snapshot(lab: VmLab) -> None:
    assert lab.code("createSnapshot", volumeid=lab.volume()["id"]) == 431
    vm = lab.deploy()
    root = lab.root(vm["id"])["id"]
    assert lab.code("createSnapshot", volumeid=root, locationtype="primary") == 431
    lab.do("updateResourceLimit", resourcetype=3, max=0, **lab.mine)
    assert lab.code("createSnapshot", volumeid=root) == 535
    lab.do("updateResourceLimit", resourcetype=3, max=1, **lab.mine)
    lab.do("updateImageStore", id=lab.built.image_store, readonly=True)
    assert lab.code("createSnapshot", volumeid=root) == 530
    assert lab.do("listSnapshots", listall=True) == []


def test_revert(lab: VmLab) -> None:
    vm = lab.deploy()
    root = lab.root(vm["id"])["id"]
    snapshot = lab.do("createSnapshot", volumeid=root)["id"]
    assert lab.code("revertSnapshot", id=snapshot) == 431
    lab.do("stopVirtualMachine", id=vm["id"])
    lab.do("resizeVolume", id=root, size=9)
    lab.do("revertSnapshot", id=snapshot)
    assert lab.root(vm["id"])["size"] == 2 << 30
    lab.do("destroyVirtualMachine", id=vm["id"], expunge=True)
    assert lab.code("revertSnapshot", id=snapshot) == 431


def test_other_ways(lab: VmLab) -> None:
    vm = lab.deploy()
    root = lab.root(vm["id"])["id"]
    snapshot = lab.do("createSnapshot", volumeid=root)["id"]
    assert lab.code("archiveSnapshot", id=snapshot) == 530
    shown = lab.do("extractSnapshot", id=snapshot, zoneid=lab.zone)
    assert shown["url"].endswith(".qcow2")
    lab.do("stopVirtualMachine", id=vm["id"])
    whole = lab.do("createVMSnapshot", virtualmachineid=vm["id"])["id"]
    part = lab.do("createSnapshotFromVMSnapshot", vmsnapshotid=whole, volumeid=root, name="part")
    assert (part["state"], part["volumeid"]) == ("BackedUp", root)
    foreign = lab.attached(lab.deploy()["id"])["id"]
    assert lab.code("createSnapshotFromVMSnapshot", vmsnapshotid=whole, volumeid=foreign) == 431


def test_lists_filter(lab: VmLab) -> None:
    vm = lab.deploy()
    root = lab.root(vm["id"])["id"]
    snapshot = lab.do("createSnapshot", volumeid=root)["id"]
    for wanted in ({"volumeid": root}, {"snapshottype": "manual"}, {"intervaltype": "MANUAL"}, {"zoneid": lab.zone}):
        assert [item["id"] for item in lab.do("listSnapshots", listall=True, **wanted)] == [snapshot]
    assert lab.do("listSnapshots", listall=True, snapshottype="RECURRING") == []
    assert lab.code("listSnapshots", snapshottype="ODD") == 431


WANTED = {"intervaltype": "HOURLY", "schedule": "30", "timezone": "UTC", "maxsnaps": 2}


def test_a_policy_takes_snapshots_and_keeps_the_newest(lab: VmLab) -> None:
    root = lab.root(lab.deploy()["id"])["id"]
    policy = lab.do("createSnapshotPolicy", volumeid=root, **WANTED)
    assert (policy["intervaltype"], policy["schedule"], policy["maxsnaps"]) == (0, "30", 2)
    by_hand = lab.do("createSnapshot", volumeid=root)["id"]
    seen: set[str] = set()
    for _ in range(4):
        lab.cloud.clock.time += 3600
        taken = lab.do("listSnapshots", volumeid=root, snapshottype="HOURLY", listall=True)
        seen |= {item["id"] for item in taken}
    assert (len(taken), len(seen)) == (2, 4)
    assert lab.do("deleteSnapshotPolicies", id=policy["id"]) is True
    lab.cloud.clock.time += 7200
    left = {item["id"] for item in lab.do("listSnapshots", volumeid=root, listall=True)}
    assert left == {by_hand, *(item["id"] for item in taken)}


def test_a_policy_that_cannot_work_says_so_in_the_events(lab: VmLab) -> None:
    root = lab.root(lab.deploy()["id"])["id"]
    lab.do("createSnapshotPolicy", volumeid=root, **WANTED)
    lab.do("updateResourceLimit", resourcetype=3, max=0, **lab.mine)
    lab.cloud.clock.time += 3600
    assert lab.do("listSnapshots", listall=True) == []
    assert lab.do("listEvents", type="SNAPSHOT.CREATE", level="ERROR", **lab.mine)


def test_a_volume_has_one_policy_an_interval(lab: VmLab) -> None:
    root = lab.root(lab.deploy()["id"])["id"]
    first = lab.do("createSnapshotPolicy", volumeid=root, **WANTED)["id"]
    again = lab.do("createSnapshotPolicy", volumeid=root, **{**WANTED, "schedule": "45"})
    daily = lab.do("createSnapshotPolicy", volumeid=root, **{**WANTED, "intervaltype": "DAILY", "schedule": "00:07"})
    assert (again["id"], again["schedule"]) == (first, "45")
    assert [item["id"] for item in lab.do("listSnapshotPolicies", volumeid=root)] == [first, daily["id"]]
    assert lab.do("updateSnapshotPolicy", id=first, fordisplay=False)["fordisplay"] is False
    assert lab.do("deleteSnapshotPolicies", ids=f"{first},{daily['id']}") is True
    assert lab.do("listSnapshotPolicies", volumeid=root) == []
    assert lab.code("deleteSnapshotPolicies") == 431
    assert lab.code("listSnapshotPolicies") == 431


@pytest.mark.parametrize(
    "wrong",
    [
        {"maxsnaps": 0},
        {"maxsnaps": 9},
        {"intervaltype": "YEARLY"},
        {"schedule": "60"},
        {"schedule": "10:20"},
        {"schedule": "x"},
        {"timezone": "Atlantis/Capital"},
    ],
    ids=str,
)
def test_a_wrong_policy_is_refused(lab: VmLab, wrong: dict[str, object]) -> None:
    root = lab.root(lab.deploy()["id"])["id"]
    assert lab.code("createSnapshotPolicy", volumeid=root, **{**WANTED, **wrong}) == 431
    assert lab.code("createSnapshotPolicy", volumeid=lab.volume()["id"], **WANTED) == 431


@given(
    now=st.integers(1_500_000_000, 2_000_000_000),
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    weekday=st.integers(1, 7),
    day=st.integers(1, 28),
)
def test_the_next_run_is_the_next_moment_that_fits(now: int, minute: int, hour: int, weekday: int, day: int) -> None:
    zone = ZoneInfo("Asia/Kolkata")
    longest = {0: 3600, 1: 86_400, 2: 7 * 86_400, 3: 31 * 86_400}
    for interval, parts in enumerate(((minute,), (minute, hour), (minute, hour, weekday), (minute, hour, day))):
        found = next_run(interval, parts, zone, now)
        moment = datetime.fromtimestamp(found, zone)
        assert now < found <= now + longest[interval]
        assert moment.minute == minute
        assert interval == 0 or moment.hour == hour
        assert interval != 2 or moment.isoweekday() % 7 + 1 == weekday
        assert interval != 3 or moment.day == day


def test_an_hour_that_is_twice_in_autumn_is_met(lab: VmLab) -> None:
    zone = ZoneInfo("Europe/Berlin")
    before = datetime(2024, 10, 27, 0, 40, tzinfo=UTC).timestamp()
    runs = [before]
    for _ in range(3):
        runs.append(next_run(0, (30,), zone, runs[-1]))
    assert [later - earlier for earlier, later in itertools.pairwise(runs[1:])] == [3600, 3600]
