"""Runs with workers, as a user starts them: a zone for each, on racks of their own."""

from __future__ import annotations

import signal
import subprocess
import time
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest
from rackclient import Rack
from runs import LIMIT_S, SMALL_SUITE, Ended, argv_of, environment, journal_of, run

from pytest_qacloud.launcher import classifier_argv
from pytest_qacloud.leasing import SqlLeaseStore, acquire
from pytest_qacloud.model import Claim

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORKERS = ("-n2", "--dist=loadfile")

POOL_FILE = """
name = "{name}"
[simulated]
machines = 2
install_time_s = 0.1
"""

MEETS_TROUBLE = """
import os
from marvin.cloudstackTestCase import cloudstackTestCase
from pytest_qacloud.errors import UnreachableError


class TestTrouble(cloudstackTestCase):
    def test_1_passes(self):
        pass

    def test_2_finds_no_service(self):
        raise UnreachableError("CloudStack", "no answer")

    def test_3_kills_its_worker(self):
        os._exit(1)

    def test_4_runs_on(self):
        open({began!r}, "a").close()

    def test_5_runs_on(self):  # xdist holds a worker's last test back until the others are done
        pass
"""

KEEPS_THE_OTHER_BUSY = """
import os, time
from marvin.cloudstackTestCase import cloudstackTestCase


class TestBusy(cloudstackTestCase):
    def test_1_waits(self):
        until_s = time.monotonic() + 60
        while not os.path.exists({began!r}):
            self.assertLess(time.monotonic(), until_s)
            time.sleep(0.05)

    def test_2(self):
        pass

    test_3 = test_4 = test_2
"""

LOSES_ITS_LEASE = """
import subprocess, sys, time
from marvin.cloudstackTestCase import cloudstackTestCase


class TestLoses(cloudstackTestCase):
    def test_1_loses_the_lease(self):
        pool, file = self.config.zones[0].name.rpartition("-")[0], {files}
        argv = [sys.executable, "-m", "pytest_qacloud", "leases", "release", pool, "--yes", "--pool-file", file[pool]]
        subprocess.run(argv, check=True)

    def test_2_is_not_run(self):
        pass
"""

SLOW = """
import time
from marvin.cloudstackTestCase import cloudstackTestCase


class TestSlow(cloudstackTestCase):
    def test_slow(self):
        open({began!r}, "a").close()
        time.sleep(60)
"""


@pytest.fixture(scope="module")
def racks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Rack]]:
    """Two small racks, by the names of their pools."""
    folder = tmp_path_factory.mktemp("racks")
    with (
        Rack.start(folder / "one", machines=2, node_classifier=classifier_argv(folder / "one")) as one,
        Rack.start(folder / "two", machines=2, node_classifier=classifier_argv(folder / "two")) as two,
    ):
        yield {"one": one, "two": two}


@pytest.fixture
def pools(racks: dict[str, Rack], tmp_path: Path) -> dict[str, Path]:
    """Their pool files, with one store of leases."""
    files = {}
    for name, rack in racks.items():
        rack.clear_faults()
        text = rack.pool_file.read_text(encoding="utf-8")
        store = f"sqlite:///{rack.folder / 'leases.db'}"
        for before, after in (('name = "sim"', f'name = "{name}"'), (store, f"sqlite:///{tmp_path / 'leases.db'}")):
            assert before in text
            text = text.replace(before, after, 1)
        files[name] = tmp_path / f"{name}.toml"
        files[name].write_text(text, encoding="utf-8")
    return files


def both(pools: dict[str, Path]) -> str:
    return ",".join(map(str, pools.values()))


def fan_out(folder: Path, pool: str, *arguments: str, second: str = SMALL_SUITE, suite: str = SMALL_SUITE) -> Ended:
    """Run two files with two workers."""
    return run(folder, pool, *second_file(folder, second), *WORKERS, *arguments, suite=suite)


def second_file(folder: Path, suite: str) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "test_second.py"
    path.write_text(suite, encoding="utf-8")
    return [str(path)]


def powers(racks: dict[str, Rack]) -> set[str]:
    return {machine["power"] for rack in racks.values() for machine in rack.state()["machines"].values()}


def test_two_workers_have_a_zone_each_of_simulated_pools(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.toml").write_text(POOL_FILE.format(name=name), encoding="utf-8")
    junit = tmp_path / "bvt.xml"

    ended = fan_out(tmp_path, "a,b", f"--qacloud-pools-dir={tmp_path}", f"--junitxml={junit}")

    assert ended.code == 0, ended.output
    assert {verdict["pool"] for verdict in ended.verdicts} == {"a", "b"}
    assert [verdict["outcome"] for verdict in ended.verdicts] == ["GOOD", "GOOD"]
    (whole,) = (tmp_path / "runs").iterdir()
    for name in ("a", "b"):
        assert (whole / name / "rack.log").exists()
        assert f"{name}/node1: installed done" in ended.output
        assert f"of pool {name}, epoch 1" in ended.output
    cases = {case.attrib["classname"]: properties(case) for case in ET.parse(junit).getroot().iter("testcase")}
    assert {found["qacloud_pool"] for found in cases.values()} == {"a", "b"}
    (suite,) = ET.parse(junit).getroot().findall("testsuite")
    found = properties(suite)
    assert found["qacloud.pool"] == "a,b"
    assert found["qacloud.a.zone"] == "a-e1"
    assert float(found["qacloud.time.zone"]) == max(float(found[f"qacloud.{name}.time.zone"]) for name in ("a", "b"))


def properties(element: ET.Element) -> dict[str, str]:
    (listed,) = element.findall("properties")
    return {item.attrib["name"]: item.attrib["value"] for item in listed}


def test_the_replacement_of_a_dead_worker_has_its_zone(
    racks: dict[str, Rack], pools: dict[str, Path], tmp_path: Path
) -> None:
    junit = tmp_path / "bvt.xml"

    began = str(tmp_path / "began")
    trouble, busy = MEETS_TROUBLE.format(began=began), KEEPS_THE_OTHER_BUSY.format(began=began)

    ended = fan_out(tmp_path, both(pools), f"--junitxml={junit}", suite=trouble, second=busy)

    assert ended.code == 1, ended.output
    of_trouble = [verdict for verdict in ended.verdicts if "TestTrouble" in verdict["test"]]
    outcomes = {verdict["test"].rpartition("::")[2]: verdict["outcome"] for verdict in of_trouble}
    assert outcomes == {
        "test_1_passes": "GOOD",
        "test_2_finds_no_service": "UNTESTABLE",
        "test_3_kills_its_worker": "UNTESTABLE",
        "test_4_runs_on": "GOOD",
        "test_5_runs_on": "GOOD",
    }
    troubled = {verdict["pool"] for verdict in of_trouble}
    assert len(troubled) == 1, "the replacement got another zone"
    assert [verdict["outcome"] for verdict in ended.verdicts if verdict not in of_trouble] == ["GOOD"] * 4
    (pool,) = troubled
    cases = {case.attrib["name"]: case for case in ET.parse(junit).getroot().iter("testcase")}
    for name in ("test_2_finds_no_service", "test_3_kills_its_worker"):
        assert properties(cases[name]) == {"qacloud_pool": pool, "qacloud_verdict": "UNTESTABLE"}
        assert cases[name].find("error") is not None
    assert "2 UNTESTABLE" in ended.output
    assert powers(racks) == {"off"}


def test_a_zone_that_cannot_be_made_undoes_the_other(
    racks: dict[str, Rack], pools: dict[str, Path], tmp_path: Path
) -> None:
    racks["two"].set_fault("install_fails")
    junit = tmp_path / "bvt.xml"

    ended = fan_out(tmp_path, both(pools), f"--junitxml={junit}")

    assert ended.code == 75, ended.output
    assert "No zone: machine node" in ended.output
    assert "(pool two)" in ended.output
    assert "(pool one)" not in ended.output, "that one was only stopped"
    assert ended.verdicts == []
    (case,) = ET.parse(junit).getroot().iter("testcase")
    assert case.find("error") is not None
    assert powers(racks) == {"off"}
    racks["two"].clear_faults()
    again = fan_out(tmp_path / "again", both(pools))
    assert again.code == 0, again.output


def test_a_held_pool_refuses_all(pools: dict[str, Path], tmp_path: Path) -> None:
    store = SqlLeaseStore(f"sqlite:///{tmp_path / 'leases.db'}")
    with acquire(store, Claim(("one",), "ann", "a-test", 60.0)):
        ended = fan_out(tmp_path, both(pools))

        assert [lease.owner for lease in store.leases()] == ["ann"]
    assert ended.code == 75, ended.output
    assert "No lease: 2 pools are needed at once" in ended.output
    assert "one is held by ann/a-test" in ended.output


def test_a_lost_lease_ends_the_run_and_the_other_zone_is_taken_down(
    racks: dict[str, Rack], pools: dict[str, Path], tmp_path: Path
) -> None:
    files = {name: str(path) for name, path in pools.items()}

    ended = fan_out(tmp_path, both(pools), suite=LOSES_ITS_LEASE.format(files=files))

    assert ended.code == 75, ended.output
    outcomes = {verdict["test"].rpartition("::")[2]: verdict["outcome"] for verdict in ended.verdicts}
    assert outcomes.get("test_1_loses_the_lease") == "UNTESTABLE"
    assert "test_2_is_not_run" not in outcomes
    assert "nothing was taken down" in ended.output
    (lost,) = {verdict["pool"] for verdict in ended.verdicts if "loses" in verdict["test"]}
    (kept,) = {"one", "two"} - {lost}
    assert powers({kept: racks[kept]}) == {"off"}
    assert "on" in powers({lost: racks[lost]}), "it is somebody else's by now"


@pytest.mark.parametrize(
    ("number", "moment"),
    [(signal.SIGINT, "installing"), (signal.SIGTERM, "testing")],
    ids=["ctrl-c while installing", "sigterm while testing"],
)
def test_a_signal_takes_all_zones_down(
    racks: dict[str, Rack], pools: dict[str, Path], tmp_path: Path, number: signal.Signals, moment: str
) -> None:
    began = tmp_path / "began"
    slow = SLOW.format(began=str(began))
    argv = argv_of(tmp_path, both(pools), *second_file(tmp_path, slow), *WORKERS, suite=slow)
    process = subprocess.Popen(
        argv, cwd=tmp_path, env=environment(tmp_path), text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        until_s = time.monotonic() + LIMIT_S
        while not (began.exists() if moment == "testing" else has_begun(tmp_path, "installed")):
            assert time.monotonic() < until_s
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.02)
        process.send_signal(number)
        output, _ = process.communicate(timeout=LIMIT_S)
    finally:
        process.kill()

    assert process.returncode == 2, output
    assert powers(racks) == {"off"}
    begun = {event["machine"] for event in journal_of(tmp_path) if event["step"] == "teardown"}
    assert begun == {"one", "two"}, output


def has_begun(folder: Path, step: str) -> bool:
    return any(event["step"] == step for event in journal_of(folder))


@pytest.mark.slow
def test_two_runs_that_want_the_same_pools_take_turns(pools: dict[str, Path], tmp_path: Path) -> None:
    orders = {"first": both(pools), "second": ",".join(reversed(both(pools).split(",")))}
    processes = {}
    try:
        for name, order in orders.items():
            folder = tmp_path / name
            argv = argv_of(folder, order, *second_file(folder, SMALL_SUITE), *WORKERS, "--qacloud-wait")
            processes[name] = subprocess.Popen(
                argv, cwd=folder, env=environment(folder), text=True, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
        outputs = {name: process.communicate(timeout=LIMIT_S)[0] for name, process in processes.items()}
    finally:
        for process in processes.values():
            process.kill()
            process.wait()

    for name, process in processes.items():
        assert process.returncode == 0, outputs[name]
