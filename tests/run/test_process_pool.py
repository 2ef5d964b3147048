"""Runs on the management server that a commit builds: pools of kind `process`, as a user starts them."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
import zone_configs
from processlab import HELPERS, PACKAGE, ProcessLab, command, suite
from runs import LIMIT_S, argv_of, environment, journal_of, run

from pytest_qacloud.leasing import SqlLeaseStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NO_ZONE = 75
ROUNDS = int(os.environ.get("QACLOUD_KILL_ROUNDS", "50"))


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[ProcessLab]:
    made = ProcessLab(tmp_path / "lab")
    yield made
    made.close()


def wait_for(what: Callable[[], Any]) -> Any:
    """The first true value of `what`."""
    until_s = time.monotonic() + LIMIT_S
    while time.monotonic() < until_s:
        if value := what():
            return value
        time.sleep(0.02)
    raise AssertionError("it did not come")


def nothing_left(lab: ProcessLab, folder: Path) -> None:
    """No process, no record, no work folder and no work tree."""
    assert lab.processes() == []
    assert lab.records() == []
    assert list(folder.glob("state/processes/*/*")) == []
    assert list(folder.glob("state/repositories/*.trees/*")) == []


def test_the_suite_runs_on_what_the_commit_builds(lab: ProcessLab) -> None:
    folder = lab.folder / "feature"

    ended = run(folder, lab.pool(), "--qacloud-build=feature", suite=suite(42))

    assert ended.code == 0, ended.output
    assert "1 passed" in ended.output
    assert f"epoch 1, on this machine, build feature (commit {lab.feature[:12]})" in ended.output
    steps = [step for machine, step in ended.steps("end") if machine == "local"]
    assert steps == [
        *("lease", "preflight", "source", "build", "start", "ready", "management", "zone", "healthy"),
        *("undo start", "undo source", "teardown"),
    ]
    assert ended.verdicts[0]["build"] == lab.feature
    nothing_left(lab, folder)
    [logs] = (folder / "runs").iterdir()
    assert "building" in (logs / "build.log").read_text(encoding="utf-8")
    assert "serving on" in (logs / "start.log").read_text(encoding="utf-8")


def test_a_commit_that_does_not_build_gives_no_verdict(lab: ProcessLab) -> None:
    folder = lab.folder / "broken"

    ended = run(folder, lab.pool(), "--qacloud-build=broken", suite=suite(42))

    assert ended.code == NO_ZONE, ended.output
    assert ended.verdicts == []
    assert "No zone: pool local, step build, after" in ended.output
    assert [event["build_failed"] for event in ended.journal if event["phase"] == "fail"] == [True]
    assert "ended with exit status 3" in ended.output
    assert "delay: this is no number" in ended.output
    [log] = (folder / "runs").glob("*/build.log")
    assert str(log) in ended.output
    nothing_left(lab, folder)


def test_zones_of_a_configuration_are_deployed_on_it(lab: ProcessLab) -> None:
    folder = lab.folder / "configured"
    folder.mkdir()
    (folder / "zone.cfg").write_text(json.dumps(zone_configs.two_zones()), encoding="utf-8")

    ended = run(
        folder, lab.pool(), f"--qacloud-zone-config={folder / 'zone.cfg'}",
        f"--qacloud-config-out={folder / 'out.json'}", suite=suite(17),
    )  # fmt: skip

    assert ended.code == 0, ended.output
    written = json.loads((folder / "out.json").read_text(encoding="utf-8"))
    assert [zone["name"] for zone in written["zones"]] == ["a", "b"]
    assert written["mgtSvr"][0]["mgtSvrIp"] == "127.0.0.1"
    assert written["mgtSvr"][0]["port"] != 8080


def test_two_runs_at_once_do_not_meet(lab: ProcessLab) -> None:
    """Two pools of one repository, in one user's state folder, each on another commit."""
    folders = [lab.folder / "shared" / name for name in ("one", "two")]
    env = environment(lab.folder / "shared")
    builds = {"main": suite(17), "feature": suite(42)}
    with ExitStack() as stack:
        runs = [
            stack.enter_context(
                subprocess.Popen(
                    argv_of(folder, lab.pool(folder.name), f"--qacloud-build={rev}", suite=text),
                    cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                )
            )
            for folder, (rev, text) in zip(folders, builds.items(), strict=True)
        ]  # fmt: skip
        outputs = [process.communicate(timeout=LIMIT_S)[0].decode() for process in runs]

    assert [process.returncode for process in runs] == [0, 0], "\n".join(outputs)
    ports = [
        {event["ports"]["api"] for event in journal_of(folder) if event["step"] == "source" and "ports" in event}
        for folder in folders
    ]
    assert len(set.union(*ports)) == 2
    nothing_left(lab, lab.folder / "shared")


WAITS = """
import pathlib, time
import pytest


def test_waits(qacloud_zone):
    pathlib.Path("begun").touch()
    time.sleep(600)
"""


@pytest.fixture
def killed(lab: ProcessLab) -> Path:
    """The folder of a run that was killed in the middle of a test; its server still serves."""
    folder = lab.folder / "killed"
    pool = lab.pool(stop={"argv": [*command("import os; open(os.environ['SEEN'], 'a').write('stopped\\n')")],
                          "limit_s": 30},
                    env={"PYTHONPATH": f"{PACKAGE}:{HELPERS}", "SEEN": str(lab.folder / "seen")})  # fmt: skip
    process = subprocess.Popen(
        argv_of(folder, pool, "--qacloud-build=feature", suite=WAITS), cwd=folder, env=environment(folder),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for((folder / "begun").exists)
    finally:
        process.kill()
        process.wait()
    return folder


def free(lab: ProcessLab) -> None:
    """End the dead run's lease as time would."""
    SqlLeaseStore(f"sqlite:///{lab.folder / 'leases.db'}").revoke("local")


def test_what_a_killed_run_left_is_ended_by_the_next_one(lab: ProcessLab, killed: Path) -> None:
    (record,) = lab.records()
    server = record["programs"][-1]
    before = lab.processes()
    assert server[0] == "start"
    assert {"pid", "start", "boot", "mark"} == set(server[1])
    assert server[1]["pid"] in before
    assert len(before) == 2, "the server and its child"
    free(lab)

    ended = run(killed, lab.folder / "local.toml", "--qacloud-build=main", suite=suite(17))

    assert ended.code == 0, ended.output
    assert [event["left_over"] for event in ended.journal if "left_over" in event] == [record["name"]]
    assert (lab.folder / "seen").read_text(encoding="utf-8") == "stopped\n" * 2, "of the dead run, then of this one"
    nothing_left(lab, killed)


@pytest.mark.slow
def test_a_run_that_is_killed_at_any_moment_costs_the_next_one_nothing(lab: ProcessLab) -> None:
    folder, pool = lab.folder / "killed", lab.pool(stop={"argv": command("pass"), "limit_s": 30})
    began_s = time.monotonic()
    assert run(folder, pool, "--qacloud-build=feature", suite=suite(42)).code == 0
    length_s = time.monotonic() - began_s
    seed = random.randrange(2**32)
    sys.stdout.write(f"\nseed {seed}; an undisturbed run takes {length_s:.1f} s\n")
    moments, killed = random.Random(seed), 0
    for number in range(ROUNDS):
        process = subprocess.Popen(
            argv_of(folder, pool, "--qacloud-build=feature", suite=suite(42)), cwd=folder, env=environment(folder),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            process.wait(moments.uniform(0.3, length_s))
        except subprocess.TimeoutExpired:
            killed += 1
        process.kill()
        process.wait()
        free(lab)
        following = run(folder, pool, "--qacloud-build=main", suite=suite(17))
        assert following.code == 0, f"round {number}, seed {seed}\n{following.output}"
        nothing_left(lab, folder)
    sys.stdout.write(f"{killed} of {ROUNDS} were killed alive\n")


def test_ctrl_c_ends_the_server_and_its_children(lab: ProcessLab) -> None:
    folder = lab.folder / "interrupted"
    process = subprocess.Popen(
        argv_of(folder, lab.pool(), "--qacloud-build=feature", suite=WAITS), cwd=folder, env=environment(folder),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        wait_for((folder / "begun").exists)
        process.terminate()
        output = process.communicate(timeout=LIMIT_S)[0].decode()
    finally:
        process.kill()
        process.wait()

    assert process.returncode == 2, output
    nothing_left(lab, folder)


def test_a_zone_can_be_handed_over_and_taken_down_later(lab: ProcessLab) -> None:
    folder = lab.folder / "phases"
    (folder / "runs").mkdir(parents=True)
    zone, env = folder / "zone.json", environment(folder)

    def qacloud(*arguments: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "pytest_qacloud", "zone", *arguments],
            cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True,
            timeout=LIMIT_S,
        ).stdout  # fmt: skip

    qacloud("up", str(lab.pool()), "--build=feature", "-o", str(zone))
    assert len(lab.processes()) == 2
    ended = subprocess.run(
        [*argv_of(folder, "none", suite=suite(42))[:-2], f"--qacloud-zone={zone}"], cwd=folder, env=env,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout
    assert len(lab.processes()) == 2
    assert "is down" in qacloud("down", str(zone))
    nothing_left(lab, folder)
