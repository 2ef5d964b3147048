"""The gate on real repositories and simulated racks, as its users start it; most take long, and are slow tests."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from runs import environment

from pytest_qacloud.demo import Change, Planted, make
from pytest_qacloud.demo.repository import DETACH_FAILS, STOP_DOES_NOTHING
from pytest_qacloud.gate.record import Closed, Event, Found, Made, Promoting, Record, RunEnded, RunStarted, from_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

pytestmark = [pytest.mark.gate, pytest.mark.timeout(600)]

LIMIT_S = 400.0
FLAKY_STOP = STOP_DOES_NOTHING + "rate = 0.3\n"
SUITE = "bvt/test_machines.py::TestMachines"
STOP = f"{SUITE}::test_a_stopped_machine_is_stopped"
VOLUME = f"{SUITE}::test_a_volume_is_attached_and_detached"


def good(*names: str) -> list[Change]:
    return [Change(name, f"Add {name}") for name in names]


@dataclass
class Site:
    """A demo's folder and what is known of its gates."""

    planted: Planted
    state: Path

    @classmethod
    def of(cls, folder: Path, changes: Sequence[Change]) -> Site:
        return cls(make(folder / "site", changes), folder / "state")

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "pytest_qacloud", "gate", *arguments]

    @property
    def env(self) -> dict[str, str]:
        return environment(self.state.parent)

    def gate(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `qacloud gate …` to its end."""
        return subprocess.run(
            self.command(*arguments), cwd=self.planted.folder, env=self.env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S,
        )  # fmt: skip

    def git(self, *arguments: str) -> str:
        argv = ["git", "-c", "user.name=T", "-c", "user.email=t@example.org", *arguments]
        return subprocess.run(
            argv, cwd=self.planted.repository, check=True, capture_output=True, text=True, env=self.env
        ).stdout.strip()

    @property
    def events(self) -> list[Event]:
        """Of the latest gate; a line that is being written is left out."""
        (journal,) = sorted((self.state / "gates").glob("*/journal.jsonl"))[-1:] or (None,)
        if journal is None:
            return []
        lines = journal.read_text(encoding="utf-8").split("\n")[:-1]
        return [from_plain(json.loads(line)) for line in lines]

    @property
    def record(self) -> Record:
        return Record(self.events)

    @property
    def stable(self) -> str:
        return self.git("rev-parse", "refs/heads/stable")

    def features(self) -> set[str]:
        """What is in stable."""
        names = self.git("ls-tree", "--name-only", "stable:features").split()
        return {name.removesuffix(".toml") for name in names} - {"README"}

    def culprits(self) -> dict[str, set[str]]:
        """Names of the changes that were named, and the tests they break."""
        names = {commit: name for name, commit in self.planted.commits.items()}
        return {names[commit]: set(named.tests) for named in self.record.named for commit in named.commits}

    def check(self) -> None:
        """What is in stable is, byte for byte, a tree with a recorded GOOD verdict of all suites."""
        record = self.record
        assert record.closed is not None
        assert record.closed.result == "promoted", record.closed
        assert self.stable == record.closed.commit
        tree = self.git("rev-parse", "stable^{tree}")
        assert record.is_good(tree)
        whole = [run for run in record.over(tree) if run.whole]
        assert whole
        note = json.loads(self.git("notes", "--ref=refs/notes/qacloud", "show", self.stable))
        assert (note["tree"], note["commit"]) == (tree, self.stable)
        assert self.git("cat-file", "-t", next(iter(self.git("tag", "--points-at", "stable").split()))) == "tag"


@pytest.mark.slow
def test_one_culprit_and_what_depends_on_it_stay_behind(tmp_path: Path) -> None:
    changes = [
        *good("one", "two"),
        Change("bad", "Stop gracefully", behaviours=STOP_DOES_NOTHING),
        Change("more", "Stop more gracefully", changes="bad"),
        *good("three"),
    ]
    site = Site.of(tmp_path, changes)

    ended = site.gate("promote")

    assert ended.returncode == 1, ended.stdout
    site.check()
    assert site.features() == {"one", "two", "three"}
    assert site.culprits() == {"bad": {STOP}}
    assert set(site.record.left_out) == {site.planted.commits["more"]}
    for told in ("culprit", "Stop gracefully", f"git revert {site.planted.commits['bad']}", "left behind", "page: "):
        assert told in ended.stdout
    assert "3 of 5 units promoted" in ended.stdout
    assert "1 units to look at, 2 not" in site.gate("status").stdout, "what depends on the culprit may be mended"


@pytest.mark.slow
def test_two_culprits_of_two_tests(tmp_path: Path) -> None:
    changes = [
        *good("one"),
        Change("stop", "Stop gracefully", behaviours=STOP_DOES_NOTHING),
        *good("two"),
        Change("detach", "Lock volumes", behaviours=DETACH_FAILS),
    ]
    site = Site.of(tmp_path, changes)

    assert site.gate("promote", "--parallel=1").returncode == 1

    site.check()
    assert site.features() == {"one", "two"}
    assert site.culprits() == {"stop": {STOP}, "detach": {VOLUME}}


@pytest.mark.slow
def test_two_that_fail_only_together_lose_one(tmp_path: Path) -> None:
    changes = [
        *good("one"),
        Change("half", "One half", behaviours="# nothing alone\n"),
        *good("two"),
        Change("other", "The other half", behaviours=STOP_DOES_NOTHING + 'needs = ["half"]\n'),
    ]
    site = Site.of(tmp_path, changes)

    site.gate("promote")

    site.check()
    assert {"one", "two"} < site.features()
    assert len(site.features()) == 3


@pytest.mark.slow
def test_a_flaky_test_keeps_nobody_out(tmp_path: Path) -> None:
    site = Site.of(tmp_path, [*good("one"), Change("flaky", "Stop now and then", behaviours="# fine\n"), *good("two")])
    (site.planted.repository / "features" / "always.toml").write_text(FLAKY_STOP, encoding="utf-8")
    site.git("checkout", "-q", "stable")
    site.git("add", "-A")
    site.git("commit", "-q", "-m", "Stable stops now and then, too")
    site.git("checkout", "-q", "--detach")

    ended = site.gate("promote")

    assert site.culprits() == {}
    if site.record.closed is not None and site.record.closed.result == "promoted":
        site.check()
    else:  # the test failed at stable, too, when it was looked at
        assert "blocked" in ended.stdout


def test_a_commit_that_does_not_build_stays_behind(tmp_path: Path) -> None:
    changes = [*good("one", "two"), Change("broken", "Forget a bracket", behaviours="[[behaviour\n"), *good("three")]
    site = Site.of(tmp_path, changes)

    ended = site.gate("promote")

    site.check()
    assert site.features() == {"one", "two", "three"}
    assert site.culprits() == {"broken": {"qacloud::build"}}
    assert "broken.toml" in "".join(built.observed for built in site.record.built)
    assert ended.returncode == 1


@pytest.mark.slow
def test_a_merge_is_one_unit(tmp_path: Path) -> None:
    site = Site.of(tmp_path, good("one"))
    site.git("checkout", "-q", "-b", "topic", "staging")
    for name, behaviours in (("in-topic", ""), ("bad-in-topic", STOP_DOES_NOTHING)):
        (site.planted.repository / "features" / f"{name}.toml").write_text(behaviours, encoding="utf-8")
        site.git("add", "-A")
        site.git("commit", "-q", "-m", name)
    site.git("checkout", "-q", "staging")
    site.git("merge", "-q", "--no-ff", "-m", "Merge topic", "topic")
    merge = site.git("rev-parse", "HEAD")
    site.git("checkout", "-q", "--detach")

    ended = site.gate("promote")

    site.check()
    assert site.features() == {"one"}
    assert [named.commits for named in site.record.named] == [(merge,)]
    assert f"git revert -m 1 {merge}" in ended.stdout


@pytest.mark.slow
def test_a_stable_that_moved_is_planned_anew(tmp_path: Path) -> None:
    site = Site.of(tmp_path, good("one", "two"))

    def urgent(events: Sequence[Event]) -> bool:
        if not any(isinstance(event, RunStarted) for event in events):
            return False
        site.git("checkout", "-q", "stable")
        (site.planted.repository / "features" / "urgent.toml").write_text("", encoding="utf-8")
        site.git("add", "-A")
        site.git("commit", "-q", "-m", "An urgent fix")
        site.git("checkout", "-q", "--detach")
        return True

    process = start(site, "promote")
    until(site, process, urgent)
    output, _ = process.communicate(timeout=LIMIT_S)

    assert process.returncode == 0, output
    site.check()
    assert site.features() == {"one", "two", "urgent"}
    assert len(list((site.state / "gates").glob("*/journal.jsonl"))) == 2


def test_a_remote_that_refuses_is_quoted(tmp_path: Path) -> None:
    site = Site.of(tmp_path, good("one"))
    before = site.stable
    hook = site.planted.repository / ".git" / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho stable is frozen >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)

    ended = site.gate("promote")

    assert ended.returncode == 1
    assert "stable is frozen" in ended.stdout
    assert site.stable == before


@pytest.mark.slow
def test_a_session_asks_the_gate(tmp_path: Path) -> None:
    changes = [*good("one"), Change("bad", "Stop gracefully", behaviours=STOP_DOES_NOTHING)]
    site = Site.of(tmp_path, changes)
    junit = tmp_path / "junit.xml"

    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:randomly", "-p", "no:cacheprovider", "--qacloud-build=staging",
         "--qacloud-gate=promote", f"--junitxml={junit}", "bvt/"],
        cwd=site.planted.folder, env=site.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S,
    )  # fmt: skip

    assert ended.returncode == 1, ended.stdout
    site.check()
    assert site.culprits() == {"bad": {STOP}}
    assert site.record.runs[1].started.purpose == "session", "what has just run is not run again"
    assert f'name="qacloud.gate.culprit.1" value="{site.planted.commits["bad"]}' in junit.read_text(encoding="utf-8")


def test_a_branch_of_ones_own_is_not_gated(tmp_path: Path) -> None:
    site = Site.of(tmp_path, good("one", "two"))
    site.git("branch", "mine", "staging~1")
    before = site.stable

    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:randomly", "-p", "no:cacheprovider", "--qacloud-build=mine",
         "--qacloud-gate=promote", "bvt/"],
        cwd=site.planted.folder, env=site.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S,
    )  # fmt: skip

    assert ended.returncode == 0, ended.stdout
    assert "not gated: mine" in ended.stdout
    assert (site.stable, site.events) == (before, [])


@pytest.mark.slow
def test_another_machine_goes_on(tmp_path: Path) -> None:
    changes = [*good("one"), Change("bad", "Stop gracefully", behaviours=STOP_DOES_NOTHING)]
    site = Site.of(tmp_path, changes)
    process = start(site, "promote")
    try:
        until(site, process, lambda events: sum(isinstance(event, RunEnded) for event in events) > 1)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    first = site.record
    other = Site(site.planted, tmp_path / "other" / "state")
    other.state.parent.mkdir()
    name = first.opened.gate
    assert name in other.gate("status").stdout

    ended = other.gate("resume", name)

    assert ended.returncode == 1, ended.stdout
    other.check()
    assert other.culprits() == {"bad": {STOP}}
    known = {number: run for number, run in first.runs.items() if run.ended is not None}
    assert {number: other.record.runs[number] for number in list(known)[:-1]} == dict(list(known.items())[:-1])


def start(site: Site, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        site.command(*arguments), cwd=site.planted.folder, env=site.env, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def until(site: Site, process: subprocess.Popen[Any], seen: Callable[[Sequence[Event]], bool]) -> None:
    until_s = time.monotonic() + LIMIT_S
    while not seen(site.events):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < until_s
        time.sleep(0.02)


PHASES: dict[str, Callable[[Event], bool]] = {
    "composed": lambda event: isinstance(event, Made),
    "first run under way": lambda event: isinstance(event, RunStarted),
    "first run over": lambda event: isinstance(event, RunEnded),
    "search under way": lambda event: isinstance(event, RunStarted) and bool(event.tests),
    "found": lambda event: isinstance(event, Found),
    "pushing": lambda event: isinstance(event, Promoting),
    "over": lambda event: isinstance(event, Closed),
}


@pytest.mark.slow
@pytest.mark.parametrize("phase", PHASES)
def test_a_killed_gate_is_resumed(tmp_path: Path, phase: str) -> None:
    changes = [*good("one"), Change("bad", "Stop gracefully", behaviours=STOP_DOES_NOTHING), *good("two")]
    site = Site.of(tmp_path, changes)
    process = start(site, "promote")
    try:
        until(site, process, lambda events: any(map(PHASES[phase], events)))
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    before = {run.started.run for run in site.record.runs.values() if run.ended is not None}

    ended = site.gate("resume")

    if phase != "over":
        assert ended.returncode == 1, ended.stdout
    site.check()
    assert site.features() == {"one", "two"}
    assert site.culprits() == {"bad": {STOP}}
    ends = [event.run for event in site.events if isinstance(event, RunEnded)]
    assert len(ends) == len(set(ends))
    assert before <= set(ends)
