"""SIGKILL at any moment: the next run always succeeds, and no machine is ever powered by two owners."""

from __future__ import annotations

import itertools
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from runs import argv_of, environment, journal_of, run

if TYPE_CHECKING:
    from rackclient import Rack

ROUNDS = int(os.environ.get("QACLOUD_KILL_ROUNDS", "50"))
SLACK_S = 0.05
"""The rack writes its event a little after the command came, on the same machine's clock."""


def kill_after(folder: Path, rack: Rack, delay_s: float) -> tuple[bool, float]:
    """Start a run and SIGKILL it; whether it was still alive, and when it died (UNIX time)."""
    process = subprocess.Popen(
        argv_of(folder, rack.pool_file),
        cwd=folder,
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        process.wait(delay_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True, time.time()
    return False, time.time()


def owner_span(folder: Path, died_at: float) -> tuple[int, float, float] | None:
    """(epoch, from, to) of the lease that a run held; `None` where it never got one."""
    granted = [event for event in journal_of(folder) if event["step"] == "lease" and event["phase"] == "note"]
    return (granted[0]["epoch"], granted[0]["at"], died_at) if granted else None


def power_events(rack: Rack) -> list[dict[str, Any]]:
    return [event for event in rack.events() if str(event["event"]).startswith("power_")]


@pytest.mark.slow
def test_a_killed_run_costs_the_next_one_nothing(run_rack: Rack, tmp_path: Path) -> None:
    started_s = time.monotonic()
    assert run(tmp_path / "undisturbed", run_rack.pool_file).code == 0
    length_s = time.monotonic() - started_s
    seed = random.randrange(2**32)
    sys.stdout.write(f"\nseed {seed}; an undisturbed run takes {length_s:.1f} s\n")
    moments = random.Random(seed)
    first_power, spans, killed, worst_s = len(power_events(run_rack)), [], 0, 0.0
    for number in range(ROUNDS):
        victim = tmp_path / f"victim{number}"
        was_alive, died_at = kill_after(victim, run_rack, moments.uniform(0.3, length_s))
        killed += was_alive
        spans.append(owner_span(victim, died_at))
        began = time.monotonic()
        following = run(tmp_path / f"next{number}", run_rack.pool_file)
        worst_s = max(worst_s, time.monotonic() - began)
        assert following.code == 0, f"round {number}, seed {seed}\n{following.output}"
        spans.append(owner_span(tmp_path / f"next{number}", time.time()))
    sys.stdout.write(f"{killed} of {ROUNDS} were killed alive; the slowest run after a kill took {worst_s:.1f} s\n")

    owners = [span for span in spans if span is not None]
    assert [epoch for epoch, _, _ in owners] == sorted({epoch for epoch, _, _ in owners}), "epochs only grow"
    for (_, _, until), (_, begins, _) in itertools.pairwise(owners):
        assert until <= begins, "two owners at once"
    for event in power_events(run_rack)[first_power:]:
        holders = [epoch for epoch, begins, until in owners if begins <= event["at"] <= until + SLACK_S]
        assert len(holders) == 1, f"{event} while {holders} held the pool"
    assert {machine["power"] for machine in run_rack.state()["machines"].values()} == {"off"}


def test_a_killed_run_takes_its_simulated_rack_with_it(tmp_path: Path) -> None:
    process = subprocess.Popen(
        argv_of(tmp_path, "sim"), cwd=tmp_path, env=environment(tmp_path), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        note = wait_for_rack(tmp_path)
    finally:
        process.kill()
        process.wait()

    until_s = time.monotonic() + 10
    while alive(note["pid"]):
        assert time.monotonic() < until_s, "the rack still runs"
        time.sleep(0.05)


def wait_for_rack(folder: Path) -> dict[str, Any]:
    until_s = time.monotonic() + 30
    while time.monotonic() < until_s:
        for event in journal_of(folder):
            if event["step"] == "rack" and "pid" in event:
                found: dict[str, Any] = json.loads(json.dumps(event))
                return found
        time.sleep(0.05)
    raise AssertionError("no rack was started")


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
