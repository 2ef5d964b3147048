"""What a user of pytest sees: help, collection, settings, usage errors, fixtures, reports, signals."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest
from runs import argv_of, environment, journal_of, run

if TYPE_CHECKING:
    from pathlib import Path

    from rackclient import Rack


def plain(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=folder, env=environment(folder), capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_help_works_beside_a_broken_settings_file(tmp_path: Path) -> None:
    (tmp_path / "qacloud.toml").write_text("pol = 'sim'", encoding="utf-8")

    shown = plain(tmp_path, "--help")

    assert shown.returncode == 0
    assert "--qacloud-pool=NAME" in shown.stdout


def test_a_setting_that_does_not_exist_is_refused_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "qacloud.toml").write_text("pol = 'sim'", encoding="utf-8")

    ended = plain(tmp_path)

    assert ended.returncode == 4
    assert "pol: there is no such setting; did you mean pool?" in ended.stderr


def test_collecting_starts_nothing(tmp_path: Path) -> None:
    ended = run(tmp_path, "sim", "--collect-only")

    assert ended.code == 0
    assert "test_zone_is_enabled" in ended.output
    assert not (tmp_path / "runs").exists()


def test_collecting_for_workers_starts_nothing(tmp_path: Path) -> None:
    ended = run(tmp_path, "sim", "--collect-only", "-n2")

    assert ended.code == 0
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("arguments", [["-n0"], ["-p", "no:xdist"]], ids=["no workers", "no xdist"])
def test_no_fan_out_is_a_run_as_ever(idle_rack: Rack, tmp_path: Path, arguments: list[str]) -> None:
    ended = run(tmp_path, idle_rack.pool_file, *arguments)

    assert ended.code == 0, ended.output


def test_without_a_test_that_needs_a_zone_none_is_made(tmp_path: Path) -> None:
    ended = run(tmp_path, "sim", suite="def test_nothing():\n    pass\n")

    assert ended.code == 0
    assert not (tmp_path / "runs").exists()


def test_a_suite_without_a_pool_says_what_to_add(tmp_path: Path) -> None:
    argv = [part for part in argv_of(tmp_path, "sim") if not part.startswith("--qacloud-")]

    ended = subprocess.run(argv, cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, timeout=60)

    assert ended.returncode != 0
    assert "run pytest with --qacloud-pool=NAME" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "nowhere"),
        (["sim", "--qacloud-wait=soon"], "wait=soon"),
        (["sim", "--qacloud-sim-machines=1"], "at least 2 machines"),
        (["sim,sim"], "name it alone"),
        (["sim", "--qacloud-build=a b"], "one word"),
        (["sim", "-n2"], "add --dist loadfile"),
        (["sim", "-n2", "--dist=loadfile"], "there are 2 workers, and each needs a pool of its own"),
    ],
)
def test_what_cannot_work_is_a_usage_error(tmp_path: Path, arguments: list[str], words: str) -> None:
    ended = run(tmp_path, arguments[0], *arguments[1:])

    assert ended.code == 4, ended.output
    assert words in ended.output
    assert "Traceback" not in ended.output


def test_a_broken_pool_file_is_a_usage_error_with_file_line_and_key(idle_rack: Rack, tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    text = idle_rack.pool_file.read_text(encoding="utf-8").replace("hypervisor = ", "hypervizor = ", 1)
    broken.write_text(text, encoding="utf-8")

    ended = run(tmp_path, broken)

    assert ended.code == 4, ended.output
    assert re.search(r"broken\.toml:\d+: hypervizor", ended.output)
    assert "Traceback" not in ended.output


def test_a_suite_that_cannot_be_imported_is_an_error_of_its_own(tmp_path: Path) -> None:
    ended = run(tmp_path, "sim", suite="import nothing_of_that_name\n")

    assert ended.code == 2, ended.output
    assert "No module named 'nothing_of_that_name'" in ended.output
    assert "INTERNALERROR" not in ended.output
    assert not (tmp_path / "runs").exists()


FIXTURES = """
def test_fixtures(qacloud_pool, qacloud_lease, qacloud_build, qacloud_zone, qacloud_api):
    assert qacloud_pool.name == qacloud_zone.pool == qacloud_lease.pool
    assert qacloud_build.name == "my-branch"
    assert [zone["id"] for zone in qacloud_api.list("listZones")] == [qacloud_zone.id]


class TestPlain:
    def test_not_a_suite(self):
        assert not hasattr(self, "testClient")
"""


def test_fixtures_and_sources_of_settings(idle_rack: Rack, tmp_path: Path) -> None:
    ended = run(tmp_path, idle_rack.pool_file, suite=FIXTURES, QACLOUD_BUILD="my-branch")

    assert ended.code == 0, ended.output
    assert "build=my-branch ($QACLOUD_BUILD)" in ended.output
    assert "pool=" in ended.output
    assert "(--qacloud-pool)" in ended.output


def test_junit_tells_pool_machines_epoch_build_zone_and_the_time_of_each_stage(idle_rack: Rack, tmp_path: Path) -> None:
    ended = run(tmp_path, idle_rack.pool_file, f"--junitxml={tmp_path / 'bvt.xml'}")

    assert ended.code == 0, ended.output
    found = {
        item.attrib["name"]: item.attrib["value"] for item in ET.parse(tmp_path / "bvt.xml").getroot().iter("property")
    }
    for name in ("pool", "machines", "epoch", "build", "zone", "run"):
        assert found[f"qacloud.{name}"]
    assert found["qacloud_pool"] == "sim", "of the test itself"
    for step in ("lease", "preflight", "storage", "cobbler", "puppet", "ipmi", "installed", "converge", "zone"):
        assert float(found[f"qacloud.time.{step}"]) >= 0


def test_the_terminal_section_has_a_line_for_each_stage(idle_rack: Rack, tmp_path: Path) -> None:
    ended = run(tmp_path, idle_rack.pool_file)

    section = ended.output.partition(" qacloud =")[2]
    for step in ("lease", "preflight", "installed", "healthy", "teardown"):
        assert re.search(rf"^  {step} +[\d.]+ s", section, re.MULTILINE), section


SLOW = """
import time
from marvin.cloudstackTestCase import cloudstackTestCase


class TestSlow(cloudstackTestCase):
    def test_slow(self):
        print("the test runs", flush=True)
        time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
@pytest.mark.parametrize("moment", ["installed", "verdict"])
def test_a_signal_takes_the_zone_down_and_frees_the_pool(
    idle_rack: Rack, tmp_path: Path, number: signal.Signals, moment: str
) -> None:
    argv = argv_of(tmp_path, idle_rack.pool_file, suite=SLOW)
    process = subprocess.Popen(
        argv, cwd=tmp_path, env=environment(tmp_path), text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        wait_for_step(tmp_path, "installed" if moment == "installed" else "zone")
        time.sleep(0.0 if moment == "installed" else 1.0)
        process.send_signal(number)
        output, _ = process.communicate(timeout=30)
    finally:
        process.kill()

    assert process.returncode == 2, output
    events = journal_of(tmp_path)
    assert events[-1]["step"] == "run", output
    assert ("teardown", "end") in {(event["step"], event["phase"]) for event in events}
    assert {machine["power"] for machine in idle_rack.state()["machines"].values()} == {"off"}
    assert run(tmp_path / "next", idle_rack.pool_file).code == 0


def wait_for_step(folder: Path, step: str) -> None:
    until_s = time.monotonic() + 30
    while not any(event["step"] == step for event in journal_of(folder)):
        assert time.monotonic() < until_s, f"{step} was never begun"
        time.sleep(0.02)
