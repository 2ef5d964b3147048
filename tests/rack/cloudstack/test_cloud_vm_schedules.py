"""Cron lines, and the VMs that follow them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vmlab import VmLab

from pytest_qacloud.rack.cloudstack.cron import parse

NOW = datetime(2024, 1, 31, 12, 34, 56, tzinfo=UTC).timestamp()


@pytest.fixture
def lab() -> VmLab:
    return VmLab(hosts=1)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("* * * * *", "2024-01-31 12:35"),
        ("0 * * * *", "2024-01-31 13:00"),
        ("*/15 * * * *", "2024-01-31 12:45"),
        ("0 0 1 * *", "2024-02-01 00:00"),
        ("30 6-8 * * *", "2024-02-01 06:30"),
        ("0 0 31 * *", "2024-03-31 00:00"),
        ("0 0 29 2 *", "2024-02-29 00:00"),
        ("0 9 * * 1-5", "2024-02-01 09:00"),
        ("0 9 * * 7", "2024-02-04 09:00"),
        ("0 9 13 * 5", "2024-02-02 09:00"),
        ("5,10 12/4 * * *", "2024-01-31 16:05"),
    ],
)
def test_the_next_moment_of_a_line(line: str, expected: str) -> None:
    found = parse(line).next_after(NOW, ZoneInfo("UTC"))
    assert found is not None
    assert datetime.fromtimestamp(found, UTC).strftime("%Y-%m-%d %H:%M") == expected


def test_a_day_that_never_comes() -> None:
    assert parse("0 0 30 2 *").next_after(NOW, ZoneInfo("UTC")) is None


@pytest.mark.parametrize("line", ["", "* * * *", "60 * * * *", "* 24 * * *", "5-1 * * * *", "*/0 * * * *", "a * * * *"])
def test_what_is_no_line(line: str) -> None:
    with pytest.raises(ValueError, match=r"fields|within|number"):
        parse(line)


@given(
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    now=st.floats(1.5e9, 2.0e9),
    zone=st.sampled_from(["UTC", "Asia/Kolkata", "America/New_York"]),
)
def test_a_daily_line_comes_within_two_days_on_its_minute(minute: int, hour: int, now: float, zone: str) -> None:
    found = parse(f"{minute} {hour} * * *").next_after(now, ZoneInfo(zone))
    assert found is not None
    assert now < found <= now + 2 * 86_400 + 3600
    assert datetime.fromtimestamp(found, ZoneInfo(zone)).minute == minute


def schedule(lab: VmLab, vm: str, action: str, **params: Any) -> dict[str, Any]:
    wanted = {"schedule": "*/10 * * * *", "timezone": "UTC", **params}
    made = lab.do("createVMSchedule", virtualmachineid=vm, action=action, **wanted)
    assert isinstance(made, dict)
    return made


def test_a_vm_stops_and_starts_by_itself(lab: VmLab) -> None:
    vm = lab.deploy()["id"]
    stop = schedule(lab, vm, "stop", enddate="2023-11-15")
    lab.cloud.clock.time += 700
    assert lab.vm(vm)["state"] == "Stopped"
    lab.do("updateVMSchedule", id=stop["id"], enabled=False)
    begin = schedule(lab, vm, "start")
    lab.cloud.clock.time += 700
    assert lab.vm(vm)["state"] == "Running"
    lab.cloud.clock.time += 700
    assert lab.vm(vm)["state"] == "Running", "the stop is disabled, the start skipped"
    assert lab.do("listEvents", type="VM.SCHEDULE.START", level="WARN", **lab.mine)
    assert [item["id"] for item in lab.do("listVMSchedule", virtualmachineid=vm, action="START")] == [begin["id"]]
    assert lab.do("deleteVMSchedule", virtualmachineid=vm) is True
    assert lab.do("listVMSchedule", virtualmachineid=vm) == []


def test_a_reboot_and_a_start_that_fails(lab: VmLab) -> None:
    vm = lab.deploy()["id"]
    reboot = schedule(lab, vm, "force_reboot")
    before = lab.vm(vm)["lastupdated"]
    lab.cloud.clock.time += 700
    assert lab.vm(vm)["lastupdated"] > before
    lab.do("deleteVMSchedule", virtualmachineid=vm, id=reboot["id"])
    lab.do("stopVirtualMachine", id=vm)
    schedule(lab, vm, "START")
    lab.do("updateHost", id=lab.built.hosts[0], allocationstate="Disable")
    lab.cloud.clock.time += 700
    assert lab.vm(vm)["state"] == "Stopped"
    assert lab.do("listEvents", type="VM.SCHEDULE.START", level="ERROR", **lab.mine)


def test_of_plans_for_the_same_minute_the_oldest_acts(lab: VmLab) -> None:
    vm = lab.deploy()
    for action, line in (("start", "*/2 * * * *"), ("stop", "* * * * *")):
        lab.do("createVMSchedule", virtualmachineid=vm["id"], action=action, schedule=line, timezone="UTC")
    lab.cloud.clock.time += 120 - lab.cloud.clock.time % 120 + 30
    seen = []
    for _ in range(4):
        seen.append(lab.vm(vm["id"])["state"])
        lab.cloud.advance(60)
    assert seen == ["Running", "Stopped", "Running", "Stopped"]


def test_wrong_plans(lab: VmLab) -> None:
    vm, other = lab.deploy()["id"], lab.deploy()["id"]
    right = {"virtualmachineid": vm, "action": "STOP", "schedule": "0 * * * *", "timezone": "UTC"}
    for wrong in (
        {"action": "SING"},
        {"schedule": "often"},
        {"timezone": "Atlantis/Capital"},
        {"startdate": "2030-01-02", "enddate": "2030-01-01"},
        {"enddate": "2001-01-01"},
    ):
        assert lab.code("createVMSchedule", **{**right, **wrong}) == 431
    made = lab.do("createVMSchedule", **right)["id"]
    assert lab.code("updateVMSchedule", id=made, startdate="2001-01-01") == 431
    assert lab.code("updateVMSchedule", id=made, schedule="often") == 431
    assert lab.one("listVMSchedule", virtualmachineid=vm, id=made)["schedule"] == "0 * * * *"
    assert lab.code("deleteVMSchedule", virtualmachineid=other, ids=made) == 431
    lab.do("destroyVirtualMachine", id=vm, expunge=True)
    assert lab.code("updateVMSchedule", id=made, enabled=False) == 431
