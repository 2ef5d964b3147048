"""What is particular to `SqlLeaseStore`; what it shares with every store is in `tests/contract`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from pytest_qacloud.errors import LeaseLostError
from pytest_qacloud.leasing import SqlLeaseStore
from pytest_qacloud.leasing.database import Database
from pytest_qacloud.leasing.records import HISTORY_LENGTH, Ending
from pytest_qacloud.model import Claim, Lease, WaitStatus

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/leases.db"


@pytest.fixture
def store(url: str) -> SqlLeaseStore:
    return SqlLeaseStore(url, host="here/boot1")


def claim(owner: str = "ann", *pools: str) -> Claim:
    return Claim(pools or ("rack1",), owner, "bvt", 300.0)


def take(store: SqlLeaseStore, owner: str = "ann", *pools: str) -> Lease:
    lease = store.try_grant(store.enqueue(claim(owner, *pools)))
    assert isinstance(lease, Lease)
    return lease


@pytest.mark.parametrize("wrong", [Claim((), "ann", "", 300.0), Claim(("rack1",), "ann", "", 0.0)])
def test_a_claim_that_makes_no_sense_is_refused(store: SqlLeaseStore, wrong: Claim) -> None:
    with pytest.raises(ValueError, match="at least one pool"):
        store.enqueue(wrong)


def test_a_pool_named_twice_counts_once(store: SqlLeaseStore) -> None:
    take(store)
    store.enqueue(claim("bob", "rack1", "rack1"))
    assert [waiter.pools for waiter in store.waiting()] == [("rack1",)]


def test_the_epoch_outlives_the_rows_of_leases(store: SqlLeaseStore, url: str) -> None:
    lease = take(store)
    with Database(url).writing() as connection:
        connection.execute(text("DELETE FROM leases"))
        connection.execute(text("DELETE FROM history"))
    with pytest.raises(LeaseLostError, match="knows nothing"):
        store.renew(lease)
    assert take(store).epoch == 2


def test_no_token_is_in_any_file(store: SqlLeaseStore, tmp_path: Path) -> None:
    lease, ticket = take(store), store.enqueue(claim("bob"))
    store.renew(lease)
    with Database(f"sqlite:///{tmp_path}/leases.db").reading():  # keeps the write-ahead log from being folded in
        take(store, "cem", "rack2")
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        content = b"".join(path.name.encode() + path.read_bytes() for path in files)
    assert b"ann" in content
    assert lease.token.encode() not in content
    assert ticket.encode() not in content
    assert lease.token not in repr(lease)


def test_the_history_says_how_each_lease_ended(store: SqlLeaseStore) -> None:
    store.release(take(store))
    revoked = take(store, "bob")
    store.revoke("rack1")
    with pytest.raises(LeaseLostError):
        store.renew(revoked)
    assert [(line.epoch, line.owner, line.ending) for line in store.history("rack1")] == [
        (2, "bob", Ending.REVOKED),
        (1, "ann", Ending.RELEASED),
    ]
    assert all(line.acquired_at <= line.ended_at for line in store.history("rack1"))
    assert store.history("rack2") == []


def test_a_revoked_lease_that_is_given_back_was_revoked(store: SqlLeaseStore) -> None:
    lease = take(store)
    store.revoke("rack1")
    store.release(lease)
    assert [line.ending for line in store.history("rack1")] == [Ending.REVOKED]


def test_the_history_is_bounded_for_each_pool(store: SqlLeaseStore, url: str) -> None:
    store.release(take(store, "ann", "rack2"))
    with Database(url).writing() as connection:
        for epoch in range(HISTORY_LENGTH):
            connection.execute(
                text("INSERT INTO history VALUES (NULL, 'rack1', :epoch, 'x', '', 0, 0, 'expired')"), {"epoch": epoch}
            )
        connection.execute(text("INSERT INTO pools VALUES ('rack1', 500)"))
    store.release(take(store))
    kept = store.history("rack1", limit=1000)
    assert len(kept) == HISTORY_LENGTH
    assert (kept[0].epoch, kept[-1].epoch) == (501, 1)
    assert len(store.history("rack2")) == 1


def test_the_line_is_shown_in_order_without_the_dead(store: SqlLeaseStore, url: str, tmp_path: Path) -> None:
    take(store)
    for owner in ("bob", "cem"):
        store.enqueue(claim(owner))
    dead = SqlLeaseStore(url, host="here/boot1")
    dead.enqueue(claim("dee"))
    del dead  # with it goes its lock
    assert [waiter.owner for waiter in store.waiting()] == ["bob", "cem"]


def test_nothing_is_left_of_a_lease_that_is_over(store: SqlLeaseStore, tmp_path: Path) -> None:
    lease = take(store)
    ticket = store.enqueue(claim("bob"))
    assert isinstance(store.try_grant(ticket), WaitStatus)
    assert len(list(tmp_path.glob("leases.db.locks/*"))) == 2
    store.withdraw(ticket)
    store.release(lease)
    assert list(tmp_path.glob("leases.db.locks/*")) == []


def test_a_host_that_cannot_tell_its_boots_apart_trusts_no_lock(url: str) -> None:
    store = SqlLeaseStore(url, host="")
    take(store)
    del store  # its lock is gone, but whose lock that was cannot be known
    answer = SqlLeaseStore(url, host="").try_grant(SqlLeaseStore(url, host="").enqueue(claim("bob")))
    assert isinstance(answer, WaitStatus)
