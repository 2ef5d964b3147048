from __future__ import annotations

import getpass
import os
import re
import socket
from typing import TYPE_CHECKING

import pytest

from pytest_qacloud.errors import PoolBusyError
from pytest_qacloud.leasing import Heartbeat, SqlLeaseStore, acquire, default_owner
from pytest_qacloud.leasing.database import Database
from pytest_qacloud.model import Claim, WaitStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class StepClock:
    """`deadline.Clock` whose sleeping takes no time; what a test planned for a moment happens then."""

    def __init__(self) -> None:
        self.time_s = 100.0
        self.plan: dict[float, Callable[[], object]] = {}

    def now(self) -> float:
        return self.time_s

    def sleep(self, seconds: float) -> None:
        self.time_s += seconds
        for moment in [moment for moment in self.plan if moment <= self.time_s - 100.0]:
            self.plan.pop(moment)()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/leases.db"


@pytest.fixture
def store(url: str) -> SqlLeaseStore:
    return SqlLeaseStore(url)


@pytest.fixture
def clock() -> StepClock:
    return StepClock()


def claim(owner: str, *pools: str) -> Claim:
    return Claim(pools or ("rack1",), owner, "bvt", 300.0)


def test_a_free_pool_is_held_at_once(store: SqlLeaseStore) -> None:
    with acquire(store, claim("ann")) as held:
        held.check()
        assert [lease.owner for lease in store.leases()] == ["ann"]
    assert store.leases() == []


def test_without_waiting_a_busy_pool_is_refused(store: SqlLeaseStore, clock: StepClock) -> None:
    told: list[WaitStatus] = []
    with acquire(store, claim("ann")), pytest.raises(PoolBusyError) as refused:
        acquire(store, claim("bob"), clock=clock, on_wait=lambda status, _: told.append(status))
    message = str(refused.value)
    assert re.search(r"rack1 is held by ann/bvt since \d{4}-.*, until \d{4}-.* unless renewed", message)
    assert "nobody ahead in line" in message
    assert "--qacloud-wait" in message
    assert "`qacloud leases release rack1`" in message
    assert refused.value.__cause__ is None
    assert told == []
    assert clock.now() == 100.0
    assert store.waiting() == []


def test_every_pool_of_the_claim_is_named(store: SqlLeaseStore) -> None:
    with (
        acquire(store, claim("ann")),
        acquire(store, claim("bob", "rack2")),
        pytest.raises(PoolBusyError, match=r"rack1 is held by ann/bvt .*; rack2 is held by bob/bvt"),
    ):
        acquire(store, claim("cem", "rack1", "rack2"))


def test_a_free_pool_with_a_line_is_refused(store: SqlLeaseStore) -> None:
    store.enqueue(claim("ann"))
    with pytest.raises(PoolBusyError, match=r"rack1 is about to change hands; 1 ahead in line\..*--qacloud-wait$"):
        acquire(store, claim("bob"))


def test_it_waits_its_turn(store: SqlLeaseStore, clock: StepClock) -> None:
    told: list[tuple[WaitStatus, float]] = []
    first = acquire(store, claim("ann"))
    ticket = store.enqueue(claim("bob"))
    clock.plan = {2.0: first.close, 4.0: lambda: store.withdraw(ticket)}
    with acquire(
        store,
        claim("cem"),
        wait_s=None,
        clock=clock,
        on_wait=lambda status, waited_s: told.append((status, waited_s)),
    ) as held:
        assert held.lease.owner == "cem"
    assert [(status.held_by, status.ahead, waited_s) for status, waited_s in told] == [
        ("ann/bvt", 1, 0.0),
        ("ann/bvt", 1, 1.0),
        (None, 1, 2.0),
        (None, 1, 3.0),
    ]


def test_waiting_ends_in_time(store: SqlLeaseStore, clock: StepClock) -> None:
    with acquire(store, claim("ann")), pytest.raises(PoolBusyError, match="no pool is free after waiting 10 s"):
        acquire(store, claim("bob"), wait_s=10.0, clock=clock)
    assert clock.now() == pytest.approx(110.0, abs=0.01)
    assert store.waiting() == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ZeroDivisionError])
def test_whatever_stops_the_waiting_leaves_no_ticket(
    store: SqlLeaseStore, clock: StepClock, error: type[BaseException]
) -> None:
    def stop() -> None:
        if clock.now() >= 103.0:
            raise error

    with acquire(store, claim("ann")) as held:
        with pytest.raises(error):
            acquire(store, claim("bob"), wait_s=None, clock=clock, stop=stop)
        assert store.waiting() == []
        held.check()


def test_an_interrupt_right_after_the_grant_leaves_no_lease(
    store: SqlLeaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: Heartbeat) -> Heartbeat:
        raise KeyboardInterrupt

    monkeypatch.setattr(Heartbeat, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        acquire(store, claim("ann"))
    assert store.leases() == []


def test_who_lost_its_place_stands_in_line_again(store: SqlLeaseStore, url: str, clock: StepClock) -> None:
    first = acquire(store, claim("ann"))

    def lose_place() -> None:
        with Database(url).writing() as connection:
            connection.exec_driver_sql("DELETE FROM tickets")

    clock.plan = {1.0: lose_place, 3.0: first.close}
    with acquire(store, claim("bob"), wait_s=None, clock=clock) as held:
        assert held.lease.owner == "bob"
    assert store.waiting() == []


def test_the_owner_of_a_jenkins_build() -> None:
    assert default_owner({"JOB_NAME": "bvt", "BUILD_NUMBER": "812"}) == "jenkins/bvt-812"


def test_the_owner_elsewhere() -> None:
    assert default_owner({}) == f"{getpass.getuser()}@{socket.gethostname()}:{os.getpid()}"


def test_the_owner_where_the_user_has_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise OSError("no name")

    monkeypatch.setattr(getpass, "getuser", nameless)
    assert default_owner({}).startswith(f"{os.getuid()}@")
