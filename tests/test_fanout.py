"""Many machines at once: everything to its end, outcomes in order, first causes kept."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_qacloud.errors import LeaseLostError
from pytest_qacloud.fanout import Outcome, for_each, raise_all
from pytest_qacloud.interrupts import Interrupts


@given(st.lists(st.integers(-5, 5), max_size=20), st.integers(1, 8))
def test_every_item_has_its_outcome_in_order_whatever_fails(items: list[int], width: int) -> None:
    def action(item: int) -> int:
        if item < 0:
            raise ValueError(item)
        return item * 2

    outcomes = for_each(items, action, width=width)

    assert [outcome.item for outcome in outcomes] == items
    assert [outcome.value for outcome in outcomes] == [item * 2 if item >= 0 else None for item in items]
    assert [outcome.error is None for outcome in outcomes] == [item >= 0 for item in items]


def test_items_run_side_by_side() -> None:
    together = threading.Barrier(5, timeout=30)

    assert raise_all(for_each(range(5), lambda _: together.wait()), "never") is not None
    assert not together.broken


def test_no_more_threads_run_than_allowed() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def action(_: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1

    for_each(range(9), action, width=3)

    assert 1 <= most <= 3


def test_the_lease_is_checked_before_every_action() -> None:
    begun: list[int] = []

    def check() -> None:
        if begun:
            raise LeaseLostError("rack1", 7, "expired")

    outcomes = for_each(range(4), begun.append, check=check, width=1)

    assert begun == [0]
    assert [type(outcome.error) for outcome in outcomes] == [type(None), *[LeaseLostError] * 3]


@pytest.mark.parametrize("after_s", [0.0, 0.2], ids=["while threads start", "while they run"])
def test_an_interrupt_drops_what_has_not_begun_and_waits_for_the_rest(after_s: float) -> None:
    begun: list[int] = []
    ended: list[int] = []
    with Interrupts() as interrupts:

        def action(item: int) -> None:
            begun.append(item)
            if item == 0:
                time.sleep(after_s)
                os.kill(os.getpid(), signal.SIGINT)
            interrupts.sleep(30)
            time.sleep(0.1)  # while the main thread, which has the signal, takes the others back
            ended.append(item)

        with pytest.raises(KeyboardInterrupt):
            for_each(range(100), action, width=2)

    assert sorted(begun) == sorted(ended)
    assert 0 in begun
    assert len(begun) < 100


def test_one_failure_is_raised_as_it_is_and_several_as_a_group_in_order() -> None:
    one, two = ValueError("one"), KeyError("two")

    assert raise_all([Outcome("a", value=1), Outcome("b", value=None)], "x") == [1, None]
    with pytest.raises(ValueError, match="one"):
        raise_all([Outcome("a", value=1), Outcome("b", error=one)], "x")
    with pytest.raises(ExceptionGroup, match="several") as raised:
        raise_all([Outcome("a", error=one), Outcome("b", error=two)], "several")
    assert raised.value.exceptions == (one, two)


def test_an_interrupt_among_several_failures_is_no_mere_exception() -> None:
    with pytest.raises(BaseExceptionGroup) as raised:
        raise_all([Outcome("a", error=KeyboardInterrupt()), Outcome("b", error=ValueError())], "x")

    assert not isinstance(raised.value, ExceptionGroup)


def test_nothing_to_do_is_done() -> None:
    assert for_each([], lambda _: pytest.fail("acted")) == []
