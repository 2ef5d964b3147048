from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from pytest_qacloud.errors import LeaseError, LeaseLostError
from pytest_qacloud.leasing import Heartbeat, SqlLeaseStore, attach
from pytest_qacloud.model import Claim, Lease, LeaseLoss, WaitStatus
from pytest_qacloud.ports import LeaseGuard

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE_S = 30.0
"""How long a test waits for what a thread does; only a failing test waits so long."""


@dataclass
class SetClock:
    """Time of day and time since boot, standing still until a test moves them."""

    wall_s: float = 1_760_000_000.0
    steady_s: float = 5_000.0

    def wall(self) -> float:
        return self.wall_s

    def steady(self) -> float:
        return self.steady_s

    def pass_by(self, seconds: float) -> None:
        self.wall_s += seconds
        self.steady_s += seconds


class NotingStore(SqlLeaseStore):
    """Lets a test wait for a renewal that succeeds or fails."""

    def __init__(self, url: str, clock: SetClock) -> None:
        super().__init__(url, clock=clock)
        self.renewed, self.failed = threading.Event(), threading.Event()

    def renew(self, lease: Lease) -> Lease:
        try:
            lease = super().renew(lease)
        except LeaseError:
            self.failed.set()
            raise
        self.renewed.set()
        return lease


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "leases.db"


@pytest.fixture
def store(path: Path) -> SqlLeaseStore:
    return SqlLeaseStore(f"sqlite:///{path}")


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def noting(path: Path, clock: SetClock) -> NotingStore:
    return NotingStore(f"sqlite:///{path}", clock)


SHORT_TTL_S = 0.6
"""The thread renews every 0.2 s by the real clock; nothing runs out while the set clock stands still."""


def take(store: SqlLeaseStore, ttl_s: float = 300.0, *, detached: bool = False) -> Lease:
    lease = store.try_grant(store.enqueue(Claim(("rack1",), "ann", "bvt", ttl_s, detached)))
    assert isinstance(lease, Lease)
    return lease


class Losses:
    """Notes losses; a test can wait for the first."""

    def __init__(self) -> None:
        self.seen: list[LeaseLoss] = []
        self._first = threading.Event()

    def __call__(self, loss: LeaseLoss) -> None:
        self.seen.append(loss)
        self._first.set()

    def wait(self) -> LeaseLoss:
        assert self._first.wait(PATIENCE_S)
        return self.seen[0]


def test_it_fulfils_the_port(store: SqlLeaseStore) -> None:
    with Heartbeat(store, take(store)) as guard:
        assert isinstance(guard, LeaseGuard)


def test_a_lease_outlives_its_ttl_while_it_beats(noting: NotingStore, clock: SetClock) -> None:
    lease = take(noting, SHORT_TTL_S)
    with Heartbeat(noting, lease, clock=clock) as guard:
        for _ in range(4):
            clock.pass_by(SHORT_TTL_S / 2)
            noting.renewed.clear()
            assert noting.renewed.wait(PATIENCE_S)
            guard.check()
        assert [held.epoch for held in noting.leases()] == [lease.epoch]
        assert guard.loss is None


def test_closing_gives_it_back_and_stops_the_thread(store: SqlLeaseStore) -> None:
    with Heartbeat(store, take(store)) as guard:
        assert [thread for thread in threading.enumerate() if thread.name == "qacloud-lease-rack1"]
    assert not [thread for thread in threading.enumerate() if thread.name == "qacloud-lease-rack1"]
    assert store.leases() == []
    assert guard.loss is None
    with pytest.raises(LeaseLostError, match="gave it back"):
        guard.check()


def test_closing_twice_takes_nothing_from_a_successor(store: SqlLeaseStore) -> None:
    guard = Heartbeat(store, take(store)).start()
    guard.close()
    successor = take(store)
    guard.close()
    assert store.renew(successor).epoch == 2


def test_before_it_is_started_nothing_is_held(store: SqlLeaseStore) -> None:
    with pytest.raises(LeaseLostError):
        Heartbeat(store, take(store)).check()


def test_a_lease_that_is_gone_cannot_be_started(store: SqlLeaseStore) -> None:
    lease = take(store)
    store.release(lease)
    with pytest.raises(LeaseLostError, match="given back"):
        Heartbeat(store, lease).start()


def test_a_revoked_lease_is_lost_and_tells_once(noting: NotingStore, clock: SetClock) -> None:
    losses = Losses()
    with Heartbeat(noting, take(noting, SHORT_TTL_S), clock=clock) as guard:
        guard.on_loss(losses)
        noting.revoke("rack1")
        loss = losses.wait()
        assert loss == guard.loss
        assert (loss.pool, loss.epoch) == ("rack1", 1)
        assert "by hand" in loss.reason
        with pytest.raises(LeaseLostError, match=r"the lease on rack1 \(epoch 1\) is lost: .*by hand"):
            guard.check()
    assert losses.seen == [loss]


def test_who_asks_after_the_loss_is_told_at_once(store: SqlLeaseStore, clock: SetClock) -> None:
    losses = Losses()
    with Heartbeat(store, take(store), clock=clock) as guard:
        clock.pass_by(300)
        with pytest.raises(LeaseLostError):
            guard.check()
        guard.on_loss(losses)
        assert losses.seen == [guard.loss]


def test_an_unreachable_store_loses_it_within_the_ttl(noting: NotingStore, clock: SetClock, path: Path) -> None:
    losses = Losses()
    with Heartbeat(noting, take(noting, SHORT_TTL_S), clock=clock) as guard:
        guard.on_loss(losses)
        path.unlink()
        assert noting.failed.wait(PATIENCE_S)
        guard.check()
        clock.pass_by(0.55)
        assert losses.wait().reason.startswith("no renewal succeeded in time: the lease database")
        with pytest.raises(LeaseLostError):
            guard.check()


def test_an_outage_shorter_than_the_ttl_is_survived(
    noting: NotingStore, clock: SetClock, path: Path, tmp_path: Path
) -> None:
    with Heartbeat(noting, take(noting, SHORT_TTL_S), clock=clock) as guard:
        path.rename(tmp_path / "aside.db")
        assert noting.failed.wait(PATIENCE_S)
        clock.pass_by(0.5)
        (tmp_path / "aside.db").rename(path)
        noting.renewed.clear()
        assert noting.renewed.wait(PATIENCE_S)
        guard.check()


def test_a_process_that_was_stopped_sees_the_loss_before_it_acts(store: SqlLeaseStore, clock: SetClock) -> None:
    with Heartbeat(store, take(store), clock=clock) as guard:
        clock.pass_by(269)
        guard.check()
        clock.pass_by(1)
        with pytest.raises(LeaseLostError, match="no renewal succeeded in time"):
            guard.check()
        clock.pass_by(-270)
        with pytest.raises(LeaseLostError):
            guard.check()


@pytest.mark.parametrize("stopped_s", [0.0, 150.0, 269.9, 270.0, 299.9, 300.0, 1e6])
def test_it_is_lost_before_anybody_else_can_have_it(path: Path, clock: SetClock, stopped_s: float) -> None:
    mine, other = (SqlLeaseStore(f"sqlite:///{path}", clock=clock, host=host) for host in ("a/1", "b/1"))
    with Heartbeat(mine, take(mine), clock=clock) as guard:
        clock.pass_by(stopped_s)
        answer = other.try_grant(other.enqueue(Claim(("rack1",), "bob", "", 300.0)))
        assert isinstance(answer, Lease) == (stopped_s >= 300)
        if stopped_s < 270:
            guard.check()
        else:
            with pytest.raises(LeaseLostError):
                guard.check()


def test_the_time_counts_from_before_the_renewal_was_asked_for(path: Path, clock: SetClock) -> None:
    class SlowStore(SqlLeaseStore):
        """The answer takes a minute on its way."""

        def renew(self, lease: Lease) -> Lease:
            renewed = super().renew(lease)
            clock.pass_by(60)
            return renewed

    store = SlowStore(f"sqlite:///{path}", clock=clock)
    with Heartbeat(store, take(store), clock=clock) as guard:
        clock.pass_by(209)
        guard.check()
        clock.pass_by(1)
        with pytest.raises(LeaseLostError):
            guard.check()


def test_an_unexpected_error_in_the_thread_loses_the_lease(
    path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _: None)  # pytest would make a warning of it

    class BrokenStore(NotingStore):
        """Has a bug that shows at the second renewal."""

        def renew(self, lease: Lease) -> Lease:
            if self.renewed.is_set():
                raise ZeroDivisionError
            return super().renew(lease)

    losses = Losses()
    broken = BrokenStore(f"sqlite:///{path}", clock)
    with Heartbeat(broken, take(broken, SHORT_TTL_S), clock=clock) as guard:
        guard.on_loss(losses)
        assert losses.wait().reason == "its heartbeat ended by an error"


def test_closing_does_not_fail_where_the_store_cannot_be_reached(
    store: SqlLeaseStore, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    guard = Heartbeat(store, take(store)).start()
    path.unlink()
    guard.close()
    assert "could not be given back" in caplog.text


def test_closing_from_a_callback_does_not_wait_for_itself(store: SqlLeaseStore) -> None:
    closed = threading.Event()
    guard = Heartbeat(store, take(store, SHORT_TTL_S)).start()

    def close(_: LeaseLoss) -> None:
        guard.close()
        closed.set()

    guard.on_loss(close)
    store.revoke("rack1")
    assert closed.wait(PATIENCE_S)


def test_a_detached_lease_goes_from_hand_to_hand(store: SqlLeaseStore, path: Path) -> None:
    left = Heartbeat(store, take(store)).start().detach(ttl_s=7200.0)
    assert (left.detached, left.ttl_s, left.expires_at - left.acquired_at > 7100) == (True, 7200.0, True)
    later = SqlLeaseStore(f"sqlite:///{path}")
    with attach(later, left) as guard:
        guard.check()
        assert guard.lease.epoch == 1
    assert [(lease.detached, lease.ttl_s) for lease in store.leases()] == [(True, 7200.0)]
    later.release(left)
    assert store.leases() == []
    with pytest.raises(LeaseLostError, match="given back"):
        attach(later, left)


def test_what_was_detached_is_not_given_back(store: SqlLeaseStore) -> None:
    with Heartbeat(store, take(store)) as guard:
        left = guard.detach()
    assert left.ttl_s == 300.0
    assert len(store.leases()) == 1


def test_a_lost_lease_cannot_be_detached(store: SqlLeaseStore, clock: SetClock) -> None:
    with Heartbeat(store, take(store), clock=clock) as guard:
        clock.pass_by(300)
        with pytest.raises(LeaseLostError):
            guard.detach()


def test_attaching_verifies_the_token(store: SqlLeaseStore) -> None:
    lease = take(store, detached=True)
    with pytest.raises(LeaseLostError):
        attach(store, replace(lease, token="guessed"))


def test_a_lease_held_elsewhere_is_in_the_way(store: SqlLeaseStore, path: Path) -> None:
    with Heartbeat(store, take(store)):
        other = SqlLeaseStore(f"sqlite:///{path}")
        assert isinstance(other.try_grant(other.enqueue(Claim(("rack1",), "bob", "", 1.0))), WaitStatus)


def test_a_loss_is_a_lease_error() -> None:
    assert issubclass(LeaseLostError, LeaseError)
