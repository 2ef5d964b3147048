"""Child runs: started, read, stopped, and taken up after the gate's death; by a stand-in for pytest."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_qacloud.drivers.process import LocalPrograms
from pytest_qacloud.errors import QacloudError
from pytest_qacloud.gate.childrun import Child, PytestRunner
from pytest_qacloud.gate.record import RunStarted
from pytest_qacloud.model import Outcome

STAND_IN = """
import json, pathlib, sys, time
options = dict(word[2:].split("=", 1) for word in sys.argv if word.startswith("--") and "=" in word)
print("asked", sys.argv[1:], flush=True)
folder = pathlib.Path(options["qacloud-runs-dir"], "run1")
folder.mkdir(parents=True)
lines = []
for test, outcome in OUTCOMES.items():
    lines.append(json.dumps({"test": test, "outcome": outcome, "evidence": f"{test} saw it", "pool": "sim"}))
    (folder / "verdicts.jsonl").write_text("\\n".join(lines) + "\\n")
pathlib.Path("started").touch()
WAIT
if STATUS in (0, 1, 75):
    (folder / "ended.json").write_text(json.dumps({"exit_status": STATUS}))
if STATUS == 75:
    print("No zone: machine node1, step ipmi: the BMC is silent.")
sys.exit(STATUS)
"""


class Lab:
    """Runs of a stand-in with outcomes and an end that a test chooses."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started = RunStarted(
            1, ("c0",), "f" * 40, "tree", "search", ("bvt/test_a.py::T::test_a",), str(folder / "runs" / "1"),
            socket.gethostname(),
        )  # fmt: skip

    def runner(
        self, outcomes: dict[str, str] | None = None, status: int = 0, wait: str = "", limit_s: float = 60
    ) -> PytestRunner:
        program = STAND_IN.replace("OUTCOMES", repr(outcomes or {})).replace("STATUS", str(status))
        child = Child(
            folder=self.folder,
            arguments=("--qacloud-pools-dir=/pools",),
            pool="sim",
            suites=("bvt/",),
            env={},
            limit_s=limit_s,
            command=(sys.executable, "-c", program.replace("WAIT", wait)),
        )
        return PytestRunner(LocalPrograms(), child)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_a_run_is_read_from_its_folder(lab: Lab) -> None:
    ended = lab.runner({"t1": "GOOD", "t2": "BAD"}, 1).run(lab.started, lambda: None)
    assert ended.outcomes == {"t1": Outcome.GOOD, "t2": Outcome.BAD}
    assert ended.evidence == {"t2": "t2 saw it"}
    assert (ended.failure, ended.pool) == ("", "sim")
    asked = (lab.folder / "runs" / "1" / "output.txt").read_text(encoding="utf-8")
    for word in (
        "--qacloud-gate=off",
        f"--qacloud-build={'f' * 40}",
        "--qacloud-pool=sim",
        "--qacloud-pools-dir=/pools",
    ):
        assert repr(word) in asked
    assert "'bvt/test_a.py::T::test_a']" in asked


def test_a_whole_run_runs_the_suites(lab: Lab) -> None:
    lab.runner({"t": "GOOD"}).run(replace(lab.started, tests=()), lambda: None)
    assert "'bvt/']" in (lab.folder / "runs" / "1" / "output.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (75, "no zone: No zone: machine node1, step ipmi: the BMC is silent."),
        (3, "pytest ended with 3"),
        (0, "no test"),
    ],
)
def test_a_run_that_says_nothing_says_why(lab: Lab, status: int, said: str) -> None:
    ended = lab.runner({}, status).run(lab.started, lambda: None)
    assert ended.outcomes == {}
    assert said in ended.failure


def test_a_run_that_takes_too_long_is_ended(lab: Lab) -> None:
    ended = lab.runner({"t": "GOOD"}, wait="time.sleep(600)", limit_s=1.5).run(lab.started, lambda: None)
    assert ended.failure == "the run did not end within 1.5 s"


def test_a_run_that_is_stopped_is_ended_and_lost(lab: Lab) -> None:
    runner = lab.runner({"t": "GOOD"}, wait="time.sleep(600)")

    def stop() -> None:
        if (lab.folder / "started").exists():
            raise QacloudError("stop")

    with pytest.raises(QacloudError, match="stop"):
        runner.run(lab.started, stop)
    assert runner.recover(lab.started, lambda: None) is None


WAITING = "while not pathlib.Path('go').exists(): time.sleep(.01)"


def gate_that_dies(lab: Lab) -> subprocess.Popen[bytes]:
    """Another process starts the run; the test kills it."""
    program = (
        f"import sys; sys.path[:0] = {[str(Path(__file__).parent), *sys.path]!r}\n"
        f"from pathlib import Path; from test_childrun import Lab; lab = Lab(Path({str(lab.folder)!r}))\n"
        f"lab.runner({{'t': 'GOOD'}}, wait={WAITING!r}).run(lab.started, lambda: None)\n"
    )
    return subprocess.Popen([sys.executable, "-c", program], cwd=lab.folder)


def test_a_run_that_outlived_its_gate_is_waited_for(lab: Lab) -> None:
    gate = gate_that_dies(lab)
    looks = 0

    def stop() -> None:
        nonlocal looks
        looks += 1
        (lab.folder / "go").touch()

    try:
        while not (lab.folder / "started").exists():
            assert gate.poll() is None
            time.sleep(0.02)
    finally:
        gate.kill()
        gate.wait()
    ended = lab.runner().recover(lab.started, stop)
    assert ended is not None
    assert ended.outcomes == {"t": Outcome.GOOD}
    assert looks


def test_a_run_that_ended_is_not_waited_for(lab: Lab) -> None:
    runner = lab.runner({"t": "BAD"}, 1)
    first = runner.run(lab.started, lambda: None)
    assert runner.recover(lab.started, lambda: None) == first


def test_a_run_of_another_machine_or_that_never_began_is_lost(lab: Lab) -> None:
    runner = lab.runner({"t": "GOOD"})
    assert runner.recover(lab.started, lambda: None) is None
    runner.run(lab.started, lambda: None)
    assert runner.recover(replace(lab.started, host="elsewhere"), lambda: None) is None


def test_a_line_that_was_cut_short_is_left_out(lab: Lab) -> None:
    runner = lab.runner({"t1": "GOOD", "t2": "GOOD"})
    runner.run(lab.started, lambda: None)
    verdicts = lab.folder / "runs" / "1" / "runs" / "run1" / "verdicts.jsonl"
    verdicts.write_text(verdicts.read_text(encoding="utf-8")[:-10], encoding="utf-8")
    ended = runner.recover(lab.started, lambda: None)
    assert ended is not None
    assert ended.outcomes == {"t1": Outcome.GOOD}
    assert json.loads(verdicts.read_text(encoding="utf-8").splitlines()[0])["test"] == "t1"
