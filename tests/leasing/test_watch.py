"""A lease as another process sees that works under it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_qacloud.errors import LeaseError, LeaseLostError
from pytest_qacloud.leasing import SqlLeaseStore, Watch, acquire
from pytest_qacloud.model import Claim, Lease

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_qacloud.ports import LeaseGuard

CLAIM = Claim(("rack1",), "ann", "bvt", 300.0)


class SetClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time_s = 5_000.0

    def wall(self) -> float:
        return self.time_s

    def steady(self) -> float:
        return self.time_s


class DeafStore(SqlLeaseStore):
    """A store that can be cut off."""

    deaf = False

    def verify(self, lease: Lease) -> None:
        if self.deaf:
            raise LeaseError("the database is locked")
        super().verify(lease)


@pytest.fixture
def store(tmp_path: Path) -> DeafStore:
    return DeafStore(f"sqlite:///{tmp_path}/leases.db")


def test_it_sees_the_loss_at_once_and_leaves_the_answer_to_the_owner(store: DeafStore) -> None:
    with acquire(store, CLAIM) as held:
        watch: LeaseGuard = Watch(store, held.lease)
        watch.check()
        assert watch.loss is None
        store.revoke("rack1")

        with pytest.raises(LeaseLostError, match="by hand"):
            watch.check()
        held.check()  # it has not asked yet
        with pytest.raises(LeaseLostError):
            held.confirm()
        assert held.loss is not None
    assert watch.loss is not None, "loss is final"


def test_a_store_that_is_away_for_a_while_is_no_loss(store: DeafStore) -> None:
    clock = SetClock()
    with acquire(store, CLAIM) as held:
        watch = Watch(store, held.lease, clock=clock)
        store.deaf = True
        clock.time_s += 269
        watch.check()
        store.deaf = False
        watch.check()
        store.deaf = True
        clock.time_s += 271
        with pytest.raises(LeaseLostError, match="could not be seen: the database is locked"):
            watch.check()


def test_confirming_without_a_store_keeps_the_lease_for_its_time(store: DeafStore, tmp_path: Path) -> None:
    class Cut(SqlLeaseStore):
        cut = False

        def renew(self, lease: Lease) -> Lease:
            if self.cut:
                raise LeaseError("the database is locked")
            return super().renew(lease)

    cut = Cut(f"sqlite:///{tmp_path}/leases.db")
    with acquire(cut, CLAIM) as held:
        cut.cut = True
        held.confirm()
        assert held.loss is None
