"""Several pools for one run: all or none, whoever else is in line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_qacloud.errors import LeaseLostError, PoolBusyError, StoppedError
from pytest_qacloud.leasing import SqlLeaseStore, acquire, acquire_several
from pytest_qacloud.leasing.several import TURN
from pytest_qacloud.model import Claim

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_qacloud.model import WaitStatus


@pytest.fixture
def store(tmp_path: Path) -> SqlLeaseStore:
    return SqlLeaseStore(f"sqlite:///{tmp_path}/leases.db")


def claim(*pools: str, owner: str = "ann") -> Claim:
    return Claim(pools, owner, "bvt", 300.0)


def held_pools(store: SqlLeaseStore) -> list[str]:
    return [lease.pool for lease in store.leases()]


@pytest.mark.parametrize("wait_s", [0.0, None], ids=["at once", "waiting"])
def test_as_many_as_asked_for_are_held_and_nothing_else(store: SqlLeaseStore, wait_s: float | None) -> None:
    found = acquire_several(store, claim("rack1", "rack2", "rack3"), 2, wait_s=wait_s)

    assert sorted(held.lease.pool for held in found) == held_pools(store)
    assert len(held_pools(store)) == 2
    for held in found:
        held.check()
        held.close()
    assert held_pools(store) == []


def test_none_is_kept_where_not_all_are_free(store: SqlLeaseStore) -> None:
    with acquire(store, claim("rack1", owner="bob")), pytest.raises(PoolBusyError) as refused:
        acquire_several(store, claim("rack1", "rack2"), 2)

    assert "2 pools are needed at once" in str(refused.value)
    assert "rack1 is held by bob/bvt" in str(refused.value)
    assert "rack2 is free" in str(refused.value)
    assert store.waiting() == []
    assert held_pools(store) == []


def test_a_wait_that_ends_gives_everything_back(store: SqlLeaseStore) -> None:
    with acquire(store, claim("rack1", owner="bob")), pytest.raises(PoolBusyError, match="rack1 is held by bob"):
        acquire_several(store, claim("rack1", "rack2"), 2, wait_s=0.05, poll_s=0.01)

    assert store.waiting() == []
    assert held_pools(store) == []


def test_whoever_waits_for_several_waits_alone(store: SqlLeaseStore) -> None:
    seen: list[tuple[str, list[str]]] = []

    def look(status: WaitStatus, _waited_s: float) -> None:
        seen.append((status.pool, held_pools(store)))
        if len(seen) > 3:
            raise StoppedError("seen enough")

    with acquire(store, claim(TURN, owner="bob")), pytest.raises(StoppedError):
        acquire_several(store, claim("rack1", "rack2"), 2, wait_s=None, on_wait=look, poll_s=0.01)

    assert {pool for pool, _ in seen} == {TURN}
    assert all(held == [TURN] for _, held in seen), "it holds nothing while it has not the turn"


def test_one_pool_needs_no_turn(store: SqlLeaseStore) -> None:
    with acquire(store, claim(TURN, owner="bob")):
        (held,) = acquire_several(store, claim("rack1"), 1, wait_s=None)
        held.close()


def test_a_turn_that_is_taken_away_ends_the_waiting(store: SqlLeaseStore) -> None:
    def take(status: WaitStatus, _waited_s: float) -> None:
        if status.pool == "rack1":
            store.revoke(TURN)

    with acquire(
        store,
        claim(
            "rack1",
            owner="bob",
        ),
    ) as other:
        short = Claim(("rack1", "rack2"), "ann", "bvt", 0.3)
        with pytest.raises(LeaseLostError, match=TURN):
            acquire_several(store, short, 2, wait_s=None, on_wait=take, poll_s=0.01)
        other.check()

    assert held_pools(store) == []
