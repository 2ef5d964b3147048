"""Deadlines and polling on a clock that tests turn."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_qacloud.deadline import SYSTEM_CLOCK, Deadline, Waiting, poll
from pytest_qacloud.errors import DeadlineError, StoppedError


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.at_s = 100.0

    def now(self) -> float:
        return self.at_s

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.at_s += seconds


def test_a_deadline_counts_from_when_it_was_made() -> None:
    clock = Clock()
    deadline = Deadline(10, clock)

    clock.at_s += 4
    assert (deadline.elapsed_s, deadline.left_s, deadline.over) == (4, 6, False)
    clock.at_s += 6
    assert (deadline.left_s, deadline.over) == (0, True)
    clock.at_s += 1
    assert (deadline.left_s, deadline.over) == (0, True)


@given(
    limit_s=st.floats(0, 100),
    interval_s=st.floats(0.01, 50),
    ready_s=st.floats(0, 200),
)
def test_what_becomes_true_in_time_is_seen_and_what_does_not_is_given_up(
    limit_s: float, interval_s: float, ready_s: float
) -> None:
    clock = Clock()

    def probe() -> float | Waiting:
        elapsed_s = clock.at_s - 100.0
        return elapsed_s if elapsed_s >= ready_s else Waiting(f"not at {elapsed_s}")

    try:
        seen_s = poll(probe, what="it", deadline=Deadline(limit_s, clock), interval_s=interval_s)
    except DeadlineError as error:
        late_s, last = error.elapsed_s, error.last
    else:
        assert ready_s <= seen_s <= min(ready_s + interval_s, limit_s + 0.001) + 1e-6
        return
    assert ready_s > limit_s
    assert limit_s <= late_s <= limit_s + 0.0011
    assert last.startswith("not at")


def test_the_message_has_the_last_observation() -> None:
    with pytest.raises(DeadlineError, match=r"^the chassis: not within 0\.0 s; last seen: it is on$"):
        poll(lambda: Waiting("it is on"), what="the chassis", deadline=Deadline(0, Clock()), interval_s=1)


def test_a_false_value_is_a_value() -> None:
    assert poll(lambda: None, what="it", deadline=Deadline(0, Clock()), interval_s=1) is None


def test_the_check_comes_before_every_look_and_ends_the_waiting() -> None:
    looks: list[str] = []

    def check() -> None:
        looks.append("check")
        if len(looks) > 4:
            raise StoppedError("told to stop")

    def probe() -> Waiting:
        looks.append("look")
        return Waiting("nothing")

    with pytest.raises(StoppedError):
        poll(probe, what="it", deadline=Deadline(60, Clock()), interval_s=1, check=check)

    assert looks == ["check", "look", "check", "look", "check"]


def test_an_error_of_the_look_passes() -> None:
    with pytest.raises(ZeroDivisionError):
        poll(lambda: 1 / 0, what="it", deadline=Deadline(60, Clock()), interval_s=1)


def test_the_systems_clock_goes_on_and_sleeps() -> None:
    before_s, real_s = SYSTEM_CLOCK.now(), time.monotonic()
    SYSTEM_CLOCK.sleep(0.01)
    SYSTEM_CLOCK.sleep(-1)

    assert SYSTEM_CLOCK.now() - before_s >= 0.01
    assert before_s <= real_s
