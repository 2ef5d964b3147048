"""What every `ports.LeaseStore` does, run against each implementation."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Protocol

import pytest

from pytest_qacloud.errors import LeaseLostError, TicketLostError
from pytest_qacloud.leasing import SqlLeaseStore
from pytest_qacloud.model import Claim, Lease, Mark, WaitStatus
from pytest_qacloud.ports import LeaseStore

if TYPE_CHECKING:
    from pathlib import Path

TTL_S = 300.0


@dataclasses.dataclass
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

    def set_wall(self, by_s: float) -> None:
        self.wall_s += by_s


class StoreMaker(Protocol):
    """One more process's store on the same leases."""

    def __call__(self, host: str = "here/boot1", clock: SetClock | None = None) -> LeaseStore: ...


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture(params=["sqlite"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path, clock: SetClock) -> StoreMaker:
    def make(host: str = "here/boot1", clock: SetClock | None = clock) -> LeaseStore:
        assert clock is not None
        return SqlLeaseStore(f"sqlite:///{tmp_path}/state/leases.db", clock=clock, host=host)

    return make


@pytest.fixture
def store(make_store: StoreMaker) -> LeaseStore:
    return make_store()


def claim(owner: str = "ann", *pools: str, detached: bool = False) -> Claim:
    return Claim(pools or ("rack1",), owner, "bvt", TTL_S, detached)


def granted(store: LeaseStore, ticket: str) -> Lease:
    answer = store.try_grant(ticket)
    assert isinstance(answer, Lease)
    return answer


def waits(store: LeaseStore, ticket: str) -> WaitStatus:
    answer = store.try_grant(ticket)
    assert isinstance(answer, WaitStatus)
    return answer


def take(store: LeaseStore, owner: str = "ann", *pools: str, detached: bool = False) -> Lease:
    return granted(store, store.enqueue(claim(owner, *pools, detached=detached)))


def test_it_fulfils_the_port(store: LeaseStore) -> None:
    assert isinstance(store, LeaseStore)


def test_a_free_pool_is_granted(store: LeaseStore, clock: SetClock) -> None:
    lease = take(store)
    assert (lease.pool, lease.owner, lease.purpose, lease.epoch) == ("rack1", "ann", "bvt", 1)
    assert (lease.acquired_at, lease.expires_at, lease.ttl_s) == (clock.wall_s, clock.wall_s + TTL_S, TTL_S)
    assert store.leases() == [dataclasses.replace(lease, token="")]


def test_a_token_is_long_and_never_the_same(store: LeaseStore) -> None:
    tokens = {take(store, "ann", f"rack{number}").token for number in range(8)}
    assert len(tokens) == 8
    assert min(map(len, tokens)) >= 32


def test_a_held_pool_is_not_granted(store: LeaseStore, clock: SetClock) -> None:
    take(store)
    clock.pass_by(60)
    first, second = store.enqueue(claim("bob")), store.enqueue(claim("cem"))
    assert waits(store, first) == WaitStatus("rack1", "ann/bvt", 60.0, 0)
    assert waits(store, second) == WaitStatus("rack1", "ann/bvt", 60.0, 1)


def test_first_come_first_served(store: LeaseStore) -> None:
    lease = take(store)
    tickets = [store.enqueue(claim(owner)) for owner in ("bob", "cem", "dee")]
    for place in range(3):
        store.release(lease)
        for later in tickets[place + 1 :]:
            assert waits(store, later).held_by is None
        lease = granted(store, tickets[place])
    assert lease.owner == "dee"


def test_epochs_only_grow_however_a_lease_ends(store: LeaseStore, clock: SetClock) -> None:
    expired = take(store)
    clock.pass_by(TTL_S)
    released = take(store)
    store.release(released)
    revoked = take(store)
    store.revoke("rack1")
    with pytest.raises(LeaseLostError):
        store.renew(revoked)
    assert [lease.epoch for lease in (expired, released, revoked, take(store))] == [1, 2, 3, 4]


def test_epochs_of_pools_are_their_own(store: LeaseStore) -> None:
    store.release(take(store))
    assert take(store, "bob", "rack2").epoch == 1


def test_any_of_several_pools_in_order_of_preference(store: LeaseStore) -> None:
    first, second = (take(store, owner, "rack2", "rack1") for owner in ("ann", "bob"))
    third = store.enqueue(claim("cem", "rack2", "rack1"))
    assert (first.pool, second.pool) == ("rack2", "rack1")
    assert waits(store, third).pool == "rack2"
    store.release(second)
    assert granted(store, third).pool == "rack1"


def test_a_waiter_for_another_pool_is_in_nobodys_way(store: LeaseStore) -> None:
    take(store)
    store.enqueue(claim("bob"))
    assert take(store, "cem", "rack2").pool == "rack2"


def test_a_granted_ticket_answers_with_its_lease_again(store: LeaseStore) -> None:
    ticket = store.enqueue(claim())
    assert granted(store, ticket) == granted(store, ticket)
    assert len(store.leases()) == 1


def test_leaving_the_line(store: LeaseStore) -> None:
    lease = take(store)
    first, second = store.enqueue(claim("bob")), store.enqueue(claim("cem"))
    store.withdraw(first)
    store.withdraw(first)
    assert waits(store, second).ahead == 0
    store.release(lease)
    assert granted(store, second).owner == "cem"


def test_leaving_the_line_after_a_grant_gives_the_pool_back(store: LeaseStore) -> None:
    ticket = store.enqueue(claim())
    granted(store, ticket)
    store.withdraw(ticket)
    assert store.leases() == []
    assert take(store, "bob").epoch == 2


def test_a_withdrawn_ticket_is_never_granted(store: LeaseStore) -> None:
    ticket = store.enqueue(claim())
    store.withdraw(ticket)
    with pytest.raises(TicketLostError):
        store.try_grant(ticket)


def test_a_silent_waiter_of_another_host_loses_its_place(make_store: StoreMaker, clock: SetClock) -> None:
    here, there = make_store(), make_store("there/boot9")
    lease = take(here)
    silent, lively = there.enqueue(claim("bob")), here.enqueue(claim("cem"))
    clock.pass_by(29)
    assert waits(here, lively).ahead == 1
    clock.pass_by(1)
    assert waits(here, lively).ahead == 0
    here.release(lease)
    granted(here, lively)
    with pytest.raises(TicketLostError):
        there.try_grant(silent)


def test_a_waiter_that_asks_keeps_its_place(make_store: StoreMaker, clock: SetClock) -> None:
    here, there = make_store(), make_store("there/boot9")
    lease = take(here)
    first, second = there.enqueue(claim("bob")), here.enqueue(claim("cem"))
    for _ in range(4):
        clock.pass_by(29)
        waits(there, first)
        assert waits(here, second).ahead == 1
        lease = here.renew(lease)


def test_a_lease_lives_as_long_as_it_is_renewed(store: LeaseStore, clock: SetClock) -> None:
    lease = take(store)
    ticket = store.enqueue(claim("bob"))
    for _ in range(5):
        clock.pass_by(TTL_S - 1)
        lease = store.renew(lease)
        assert lease.expires_at == clock.wall_s + TTL_S
        waits(store, ticket)


def test_an_expired_lease_is_lost_and_its_pool_free(make_store: StoreMaker, clock: SetClock) -> None:
    here, there = make_store(), make_store("there/boot9")
    lease = take(here)
    clock.pass_by(TTL_S)
    assert there.leases() == []
    with pytest.raises(LeaseLostError, match="not renewed in time") as lost:
        here.renew(lease)
    assert (lost.value.pool, lost.value.epoch) == ("rack1", 1)
    assert take(there, "bob").epoch == 2


def test_a_lease_that_another_took_over_is_lost(make_store: StoreMaker, clock: SetClock) -> None:
    here, there = make_store(), make_store("there/boot9")
    lease = take(here)
    clock.pass_by(TTL_S)
    successor = take(there, "bob")
    with pytest.raises(LeaseLostError, match="not renewed in time"):
        here.renew(lease)
    here.release(lease)
    assert there.renew(successor).epoch == 2


def test_looking_at_a_lease_tells_whether_it_is_held_and_changes_nothing(
    make_store: StoreMaker, clock: SetClock
) -> None:
    store, other = make_store(), make_store()
    lease = granted(store, store.enqueue(claim()))
    other.verify(lease)
    clock.pass_by(TTL_S / 2)
    other.verify(lease)
    clock.pass_by(TTL_S / 2 - 1)
    assert other.leases(), "nobody renewed it"
    other.revoke("rack1")

    with pytest.raises(LeaseLostError, match="by hand"):
        other.verify(lease)
    waiter = other.enqueue(claim("bob"))
    assert waits(other, waiter), "its owner does not know yet"
    clock.pass_by(1)
    with pytest.raises(LeaseLostError, match="by hand"):
        other.verify(lease)
    granted(other, waiter)
    with pytest.raises(LeaseLostError, match="rack1"):
        store.verify(lease)


def test_only_the_token_renews_and_releases(store: LeaseStore) -> None:
    lease = take(store)
    for forged in (dataclasses.replace(lease, token="x"), dataclasses.replace(lease, epoch=2)):
        with pytest.raises(LeaseLostError):
            store.renew(forged)
    store.release(dataclasses.replace(lease, token=""))
    assert store.renew(lease).epoch == 1


def test_releasing_twice_is_no_error_and_takes_nothing_from_a_successor(store: LeaseStore) -> None:
    lease = take(store)
    store.release(lease)
    successor = take(store, "bob")
    store.release(lease)
    assert store.renew(successor).owner == "bob"


def test_a_revoked_lease_blocks_the_pool_until_its_owner_knows(make_store: StoreMaker) -> None:
    here, there = make_store(), make_store("there/boot9")
    lease = take(here)
    ticket = there.enqueue(claim("bob"))
    taken = there.revoke("rack1")
    assert taken == dataclasses.replace(lease, token="")
    assert there.leases() == []
    assert waits(there, ticket).held_by == "ann/bvt"
    with pytest.raises(LeaseLostError, match="by hand"):
        here.renew(lease)
    assert granted(there, ticket).epoch == 2


def test_a_revoked_lease_blocks_the_pool_for_a_while_at_most(make_store: StoreMaker, clock: SetClock) -> None:
    here, there = make_store(), make_store("there/boot9")
    lease = take(here, detached=True)
    there.revoke("rack1")
    ticket = here.enqueue(claim("bob"))
    clock.pass_by(29)
    waits(here, ticket)
    clock.pass_by(1)
    assert granted(here, ticket).epoch == 2
    with pytest.raises(LeaseLostError, match="by hand"):
        here.renew(lease)


def test_revoking_does_not_prolong_a_lease(store: LeaseStore, clock: SetClock) -> None:
    take(store)
    clock.pass_by(TTL_S - 5)
    store.revoke("rack1")
    store.revoke("rack1")
    clock.pass_by(5)
    assert take(store, "bob").epoch == 2


def test_revoking_a_free_pool_takes_nothing(store: LeaseStore, clock: SetClock) -> None:
    assert store.revoke("rack1") is None
    take(store)
    clock.pass_by(TTL_S)
    assert store.revoke("rack1") is None


@pytest.mark.parametrize("by_s", [86_400.0, -86_400.0])
def test_setting_the_clock_changes_nothing_on_one_machine(store: LeaseStore, clock: SetClock, by_s: float) -> None:
    lease = take(store)
    first, second = store.enqueue(claim("bob")), store.enqueue(claim("cem"))
    clock.set_wall(by_s)
    assert waits(store, second).ahead == 1
    assert waits(store, first).held_by == "ann/bvt"
    clock.pass_by(TTL_S - 1)
    lease = store.renew(lease)
    clock.pass_by(TTL_S)
    ticket = store.enqueue(claim("dee", "rack1"))
    assert granted(store, ticket).epoch == 2


def test_after_a_reboot_the_time_of_day_counts(make_store: StoreMaker, clock: SetClock) -> None:
    take(make_store())
    rebooted = SetClock(wall_s=clock.wall_s, steady_s=3.0)
    after = make_store("here/boot2", rebooted)
    ticket = after.enqueue(claim("bob"))
    rebooted.pass_by(TTL_S - 20)
    waits(after, ticket)
    rebooted.pass_by(20)
    assert granted(after, ticket).epoch == 2


def test_marks(store: LeaseStore) -> None:
    first = Mark("rack1", "node2", "ipmi", "BMC silent", 3, 1_760_000_000.5)
    other = Mark("rack2", "node2", "ssh", "no answer", 1, 1_760_000_001.0)
    store.mark(other)
    store.mark(first)
    store.mark(dataclasses.replace(first, machine="node1"))
    store.mark(dataclasses.replace(first, epoch=4))
    assert store.marks("rack1") == [
        dataclasses.replace(first, machine="node1"),
        dataclasses.replace(first, epoch=4),
    ]
    store.unmark("rack1", "node2")
    store.unmark("rack1", "node2")
    assert [mark.machine for mark in store.marks("rack1")] == ["node1"]
    assert store.marks("rack2") == [other]
