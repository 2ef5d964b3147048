"""Leases between processes that are killed, stopped and outlived by their children."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from itertools import groupby, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_qacloud.leasing import SqlLeaseStore, acquire, attach
from pytest_qacloud.model import Claim, Lease

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Process = subprocess.Popen[str]

CONTENDER = Path(__file__).parents[1] / "helpers" / "contender.py"
LONG_TTL_S = 600.0
"""Far longer than any test may run, so that what gets free does so for another reason."""


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/leases.db"
    SqlLeaseStore(url).leases()
    return url


@pytest.fixture
def store(url: str) -> SqlLeaseStore:
    return SqlLeaseStore(url)


@pytest.fixture
def start(url: str) -> Iterator[Callable[..., Process]]:
    with contextlib.ExitStack() as stack:

        def start(mode: str, ttl_s: float = LONG_TTL_S) -> Process:
            command = [sys.executable, str(CONTENDER), mode, url, str(ttl_s)]
            process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            stack.callback(process.kill)
            return process

        yield start


def line(process: Process) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def kill(process: Process) -> None:
    process.kill()
    process.wait()


def mine(*pools: str) -> Claim:
    return Claim(pools or ("rack1",), "me", "", LONG_TTL_S)


def test_a_killed_owners_pool_is_free_at_once(store: SqlLeaseStore, start: Callable[..., Process]) -> None:
    owner = start("act")
    assert line(owner) == "acted"
    kill(owner)
    assert store.leases() == []
    with acquire(store, mine()) as held:
        assert held.lease.epoch == 2
    assert [str(ended.ending) for ended in store.history("rack1")] == ["released", "died"]


def test_a_killed_waiter_is_in_nobodys_way(store: SqlLeaseStore, start: Callable[..., Process]) -> None:
    waiter = start("wait")
    assert line(waiter) == "waiting"
    assert len(store.waiting()) == 1
    kill(waiter)
    assert store.waiting() == []
    with acquire(store, mine()) as held:
        assert held.lease.epoch == 1


def test_children_that_outlive_the_owner_keep_nothing(store: SqlLeaseStore, start: Callable[..., Process]) -> None:
    owner = start("spawn")
    children = [int(word) for word in line(owner).split()]
    try:
        kill(owner)
        for child in children:
            os.kill(child, 0)
        with acquire(store, mine()) as held:
            assert held.lease.epoch == 2
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)


def test_a_stopped_owner_never_acts_after_it_was_replaced(
    store: SqlLeaseStore, tmp_path: Path, start: Callable[..., Process]
) -> None:
    owner = start("act", 2.0)
    assert line(owner) == "acted"  # and now it sleeps for a while
    owner.send_signal(signal.SIGSTOP)
    os.waitpid(owner.pid, os.WUNTRACED)
    acts = size(tmp_path / "log")
    with acquire(store, mine(), wait_s=60, poll_s=0.05) as held:
        assert held.lease.epoch == 2
        owner.send_signal(signal.SIGCONT)
        assert "\nlost " in f"\n{owner.communicate()[0]}"
        held.check()
    assert size(tmp_path / "log") == acts


def test_a_detached_lease_outlives_its_process(store: SqlLeaseStore, url: str, start: Callable[..., Process]) -> None:
    process = start("detach")
    epoch, token = line(process).split()
    assert process.wait() == 0
    (left,) = store.leases()
    assert (left.epoch, left.detached, left.token) == (int(epoch), True, "")
    lease = Lease(left.pool, token, left.owner, "", left.epoch, left.acquired_at, left.expires_at, left.ttl_s, True)
    with attach(store, lease) as held:
        held.check()
    store.release(lease)
    assert store.leases() == []


def test_many_contend_and_some_are_killed(url: str, tmp_path: Path, start: Callable[..., Process]) -> None:
    """All that anybody did, in the order it was done: one owner at a time, and every epoch is a new and higher one."""
    log = tmp_path / "log"
    contenders = [start("contend") for _ in range(4)]
    for victim in contenders:
        grow_by(log, 20)
        if random.random() < 0.7:
            seize(log, victim)
        kill(victim)
    acts = [tuple(map(int, act.split())) for act in log.read_text().splitlines()]
    turns = [turn for turn, _ in groupby(acts)]
    epochs = [epoch for epoch, _ in turns]
    assert all(earlier < later for earlier, later in pairwise(epochs))
    assert len({pid for _, pid in turns}) >= 2
    with acquire(SqlLeaseStore(url), mine()) as held:
        assert held.lease.epoch > epochs[-1]
    assert list(tmp_path.glob("leases.db.locks/*")) == []


def grow_by(log: Path, acts: int) -> None:
    """Wait until so many more actions are in the log."""
    wanted = size(log) + acts
    while size(log) < wanted:
        time.sleep(0.005)


def size(log: Path) -> int:
    return log.read_bytes().count(b"\n") if log.exists() else 0


def seize(log: Path, process: Process) -> None:
    """Wait until it is that process that acts."""
    while not log.read_text().splitlines()[-1].endswith(f" {process.pid}"):
        time.sleep(0.001)


def test_runs_that_each_want_two_pools_never_wait_for_each_other(start: Callable[..., Process]) -> None:
    contenders = [start("several") for _ in range(2)]

    assert [line(contender) for contender in contenders] == ["done"] * 2
