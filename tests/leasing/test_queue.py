from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_qacloud.leasing.queue import Holding, Waiter, ahead, assign, dead, holder_text, standing

POOLS = ("rack1", "rack2", "rack3", "rack4")


def waiter(place: int, *pools: str, silent_s: float = 0.0, ended: bool = False) -> Waiter:
    return Waiter(place, pools, f"owner{place}", "", silent_s, ended)


@st.composite
def lines(draw: st.DrawFn, longest: int = 7) -> list[Waiter]:
    wanted = draw(st.lists(st.lists(st.sampled_from(POOLS), min_size=1, unique=True), max_size=longest))
    places = draw(st.lists(st.integers(1, 1000), min_size=len(wanted), max_size=len(wanted), unique=True))
    return [waiter(place, *pools) for place, pools in zip(places, wanted, strict=True)]


free_pools = st.sets(st.sampled_from(POOLS))


def most_served(line: list[Waiter], free: set[str]) -> int:
    """The size of the largest set of waiters that can be served at once, by Hall's condition on every subset."""

    def servable(group: tuple[Waiter, ...]) -> bool:
        return all(
            len(free & {pool for one in part for pool in one.pools}) >= size
            for size in range(1, len(group) + 1)
            for part in combinations(group, size)
        )

    return max(
        size for size in range(len(free) + 1) if size == 0 or any(servable(group) for group in combinations(line, size))
    )


@given(lines(), free_pools)
def test_a_pool_goes_to_one_who_wants_it_and_is_free(line: list[Waiter], free: set[str]) -> None:
    given_out = assign(line, free)
    wanted = {one.place: one.pools for one in line}
    assert len(set(given_out.values())) == len(given_out)
    assert all(pool in free and pool in wanted[place] for place, pool in given_out.items())


@given(lines(), free_pools)
def test_nobody_is_overtaken(line: list[Waiter], free: set[str]) -> None:
    given_out = assign(line, free)
    for place, pool in given_out.items():
        passed_over = [one for one in line if one.place < place and one.place not in given_out and pool in one.pools]
        assert not passed_over


@given(lines(), free_pools)
def test_as_many_as_possible_are_served(line: list[Waiter], free: set[str]) -> None:
    assert len(assign(line, free)) == most_served(line, free)


@given(lines(), free_pools, st.lists(st.sampled_from(POOLS), min_size=1, unique=True))
def test_a_newcomer_takes_nobodys_turn(line: list[Waiter], free: set[str], pools: list[str]) -> None:
    assert assign(line, free).keys() <= assign([*line, waiter(2000, *pools)], free).keys()


@given(lines(), st.lists(st.sampled_from(POOLS), min_size=1))
def test_everybody_is_served_though_newcomers_never_stop(line: list[Waiter], returned: list[str]) -> None:
    """One pool comes back a round, round robin, and each round somebody new wants all of them."""
    waiting = list(line)
    for round_ in range(len(POOLS) * (len(line) + 1)):
        served = assign(waiting, {POOLS[round_ % len(POOLS)]})
        waiting = [one for one in waiting if one.place not in served] + [waiter(2000 + round_, *POOLS)]
    assert not {one.place for one in waiting} & {one.place for one in line}


@given(st.permutations(range(5)))
def test_the_line_is_the_order_of_places_not_of_the_list(order: list[int]) -> None:
    assert assign([waiter(place, "rack1") for place in order], {"rack1"}) == {0: "rack1"}


def test_the_first_free_pool_of_the_list_is_given() -> None:
    assert assign([waiter(1, "rack3", "rack1", "rack2")], {"rack1", "rack2"}) == {1: "rack1"}


def test_one_who_can_take_another_pool_leaves_the_first_to_who_cannot() -> None:
    line = [waiter(1, "rack1", "rack2"), waiter(2, "rack1")]
    assert assign(line, {"rack1", "rack2"}) == {1: "rack2", 2: "rack1"}


def test_one_gets_its_first_choice_when_that_costs_nobody_a_pool() -> None:
    line = [waiter(1, "rack1", "rack2"), waiter(2, "rack1", "rack3")]
    assert assign(line, {"rack1", "rack2", "rack3"}) == {1: "rack1", 2: "rack3"}


def test_who_is_dead() -> None:
    lively, silent, gone = waiter(1, "a", silent_s=29.9), waiter(2, "a", silent_s=30.0), waiter(3, "a", ended=True)
    assert dead([lively, silent, gone], 30.0) == [silent, gone]


def test_only_those_who_want_the_pool_are_ahead() -> None:
    line = [waiter(1, "rack1"), waiter(2, "rack2"), waiter(3, "rack1", "rack2"), waiter(4, "rack1")]
    assert (ahead(line, 4, "rack1"), ahead(line, 3, "rack2"), ahead(line, 1, "rack1")) == (2, 1, 0)


def test_standing_is_at_the_pool_with_the_shortest_line() -> None:
    line = [waiter(1, "rack1"), waiter(2, "rack1", "rack2")]
    held = {"rack1": Holding("me", 1.0), "rack2": Holding("jenkins/bvt-812", 7.5)}
    status = standing(line, line[1], held)
    assert (status.pool, status.held_by, status.held_s, status.ahead) == ("rack2", "jenkins/bvt-812", 7.5, 0)


def test_standing_without_a_holder_says_so() -> None:
    line = [waiter(1, "rack1"), waiter(2, "rack1")]
    status = standing(line, line[1], {})
    assert (status.held_by, status.ahead) == (None, 1)


@pytest.mark.parametrize(("purpose", "text"), [("bvt-812", "jenkins/bvt-812"), ("", "jenkins")])
def test_holder_text(purpose: str, text: str) -> None:
    assert holder_text("jenkins", purpose) == text
