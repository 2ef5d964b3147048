"""Each fault of the rack: the stated outcome and exit code, the state after, and a next run that needs no help."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from runs import Ended, pool_file, run, without_spare

from pytest_qacloud.leasing import SqlLeaseStore

if TYPE_CHECKING:
    from pathlib import Path

    from rackclient import Rack

    from pytest_qacloud.model import Mark

NO_ZONE = 75
SHORT = {
    "ipmi_s": 2.0,
    "preflight_s": 4.0,
    "installed_s": 3.0,
    "converge_s": 10.0,
    "management_s": 4.0,
    "healthy_s": 3.0,
}


def assert_switched_off(rack: Rack) -> None:
    assert {machine["power"] for machine in rack.state()["machines"].values()} == {"off"}


def assert_next_run_succeeds(rack: Rack, folder: Path, pool: Path) -> None:
    rack.clear_faults()
    following = run(folder / "next", pool)
    assert following.code == 0, following.output
    assert_switched_off(rack)


def assert_one_paragraph(ended: Ended, *words: str) -> None:
    """The terminal section has one paragraph that says machine, step, observation, time and next action."""
    found = re.search(r"=+ qacloud =+\n(No zone: .*)\n", ended.output)
    assert found, ended.output
    for word in words:
        assert word in found[1], found[1]
    assert "Traceback" not in ended.output


def marks(rack: Rack) -> list[Mark]:
    return SqlLeaseStore(rack.pool().lease.store).marks("sim")


REPLACED = [
    ("bmc_silent", "preflight"),
    ("bmc_refuses", "preflight"),
    ("bmc_lies", "ipmi"),
    ("install_hangs", "installed"),
    ("install_fails", "installed"),
    ("puppet_fails", "converge"),
    ("ssh_drops", "installed"),
]


@pytest.mark.parametrize(("fault", "step"), REPLACED)
def test_a_machine_that_fails_is_replaced_by_the_spare(idle_rack: Rack, tmp_path: Path, fault: str, step: str) -> None:
    pool = pool_file(idle_rack, tmp_path, **SHORT)
    idle_rack.set_fault(fault, "node3")

    ended = run(tmp_path, pool)

    assert ended.code == 0, ended.output
    (replaced,) = [event for event in ended.journal if event["step"] == "replace"]
    assert (replaced["machine"], replaced["by"], replaced["failed_step"]) == ("node3", "node4", step)
    assert ("node4", "converge") in ended.steps("end")
    assert [mark.machine for mark in marks(idle_rack)] == ["node3"]
    assert_switched_off(idle_rack)


@pytest.mark.parametrize(("fault", "step"), REPLACED)
def test_without_a_spare_the_run_ends_with_75_and_says_why(
    idle_rack: Rack, tmp_path: Path, fault: str, step: str
) -> None:
    pool = without_spare(pool_file(idle_rack, tmp_path, **SHORT))
    idle_rack.set_fault(fault, "node3")

    ended = run(tmp_path, pool, f"--junitxml={tmp_path / 'bvt.xml'}")

    assert ended.code == NO_ZONE, ended.output
    assert_one_paragraph(ended, "node3", f"step {step}")
    assert 'errors="1" failures="0"' in (tmp_path / "bvt.xml").read_text(encoding="utf-8")
    assert ended.verdicts == []
    assert_next_run_succeeds(idle_rack, tmp_path, pool)


def test_the_management_machine_is_replaced_as_well(idle_rack: Rack, tmp_path: Path) -> None:
    pool = pool_file(idle_rack, tmp_path, **SHORT)
    idle_rack.set_fault("install_hangs", "node1")

    ended = run(tmp_path, pool)

    assert ended.code == 0, ended.output
    assert ("node4", "management") in ended.steps("end")
    assert_next_run_succeeds(idle_rack, tmp_path, pool)


def test_an_old_system_that_answers_is_not_taken_for_the_new_one(idle_rack: Rack, tmp_path: Path) -> None:
    pool = without_spare(pool_file(idle_rack, tmp_path, **SHORT))
    assert run(tmp_path / "first", pool).code == 0
    idle_rack.set_fault("old_os", "node2")

    ended = run(tmp_path, pool)

    assert ended.code == NO_ZONE, ended.output
    assert_one_paragraph(ended, "node2", "step installed", "another system")
    assert_next_run_succeeds(idle_rack, tmp_path, pool)


POOL_WIDE = [
    ("cobbler_down", "preflight", "Cobbler"),
    ("puppet_ca_down", "preflight", "Puppet"),
    ("disk_full", "preflight", "GiB"),
    ("api_503", "management", "503"),
    ("api_431", "management", "431"),
    ("systemvm_stuck", "healthy", "Starting"),
]


@pytest.mark.parametrize(("fault", "step", "word"), POOL_WIDE)
def test_a_service_that_fails_ends_the_run_with_75_and_blames_no_machine(
    idle_rack: Rack, tmp_path: Path, fault: str, step: str, word: str
) -> None:
    pool = pool_file(idle_rack, tmp_path, **SHORT)
    idle_rack.set_fault(fault)

    ended = run(tmp_path, pool)

    assert ended.code == NO_ZONE, ended.output
    assert_one_paragraph(ended, f"step {step}", word)
    assert not [event for event in ended.journal if event["step"] == "replace"]
    assert_next_run_succeeds(idle_rack, tmp_path, pool)


def test_a_host_that_stays_down_is_named(idle_rack: Rack, tmp_path: Path) -> None:
    pool = pool_file(idle_rack, tmp_path, **SHORT)
    idle_rack.set_fault("host_down", "node2")

    ended = run(tmp_path, pool)

    assert ended.code == NO_ZONE, ended.output
    assert_one_paragraph(ended, idle_rack.machine("node2")["ip"])
    assert_next_run_succeeds(idle_rack, tmp_path, pool)


@pytest.mark.parametrize(("fault", "value"), [("disk_slow", 0.3), ("api_slow", 0.05)])
def test_what_is_only_slow_still_gets_there(idle_rack: Rack, tmp_path: Path, fault: str, value: float) -> None:
    idle_rack.set_fault(fault, value=value)

    ended = run(tmp_path, idle_rack.pool_file)

    assert ended.code == 0, ended.output


@pytest.mark.parametrize(
    ("fault", "machine", "count"), [("api_503", None, 3), ("ssh_drops", "node2", 1), ("puppet_ca_down", None, 1)]
)
def test_what_passes_by_itself_is_tried_again(
    idle_rack: Rack, tmp_path: Path, fault: str, machine: str | None, count: int
) -> None:
    idle_rack.set_fault(fault, machine, count=count)

    ended = run(tmp_path, idle_rack.pool_file)

    assert ended.code == 0, ended.output
    assert not [event for event in ended.journal if event["step"] == "replace"]


BREAKS_THE_ZONE = """
import json, time, urllib.request
from marvin.cloudstackTestCase import cloudstackTestCase
from marvin.cloudstackAPI import listSystemVms

CONTROL = "{control}"


class TestBreaks(cloudstackTestCase):
    def test_1_good(self):
        self.assertTrue(True)

    def test_2_fails_while_the_zone_is_sick(self):
        body = json.dumps({body}).encode()
        request = urllib.request.Request(CONTROL + "/faults", body, {{"Content-Type": "application/json"}})
        urllib.request.urlopen(request).close()
        self.fail("what the test saw of it")

    def test_3_fails_by_itself(self):
        urllib.request.urlopen(urllib.request.Request(CONTROL + "/faults", method="DELETE")).close()
        client = self.testClient.getApiClient()
        while any(vm.state != "Running" for vm in client.listSystemVms(listSystemVms.listSystemVmsCmd())):
            time.sleep(0.05)
        self.fail("a real failure")
"""


@pytest.mark.parametrize(
    "body", [{"fault": "host_down", "machine": "node2"}, {"fault": "api_503"}], ids=["host_down", "api_503"]
)
def test_a_failure_on_a_sick_zone_is_untestable_and_one_on_a_healthy_zone_is_bad(
    idle_rack: Rack, tmp_path: Path, body: dict[str, str]
) -> None:
    suite = BREAKS_THE_ZONE.format(control=idle_rack.control, body=body)

    ended = run(tmp_path, idle_rack.pool_file, f"--junitxml={tmp_path / 'bvt.xml'}", suite=suite)

    assert ended.code == 1, ended.output
    assert [verdict["outcome"] for verdict in ended.verdicts] == ["GOOD", "UNTESTABLE", "BAD"], ended.verdicts
    junit = (tmp_path / "bvt.xml").read_text(encoding="utf-8")
    assert 'errors="1" failures="1"' in junit
    assert_next_run_succeeds(idle_rack, tmp_path, idle_rack.pool_file)
