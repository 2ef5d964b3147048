"""The way round of a gate: which units are promoted, who is named, what a death costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from gateworld import STABLE, World, commit, work
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_qacloud.errors import ConfigError, QacloudError
from pytest_qacloud.gate.decide import decide
from pytest_qacloud.gate.ledger import Ledger, gates, is_open, read
from pytest_qacloud.gate.record import BUILD_TEST, Event, Record, RunEnded, RunStarted

if TYPE_CHECKING:
    from pathlib import Path


def record_of(folder: Path) -> Record:
    return Record(read(folder))


def promoted(world: World) -> set[int]:
    """Numbers of the units that are in stable now."""
    return set(world.contents[world.stable])


def culprits(folder: Path) -> dict[str, set[str]]:
    """Tests of each named commit."""
    return {"+".join(named.commits): set(named.tests) for named in record_of(folder).named}


def test_what_is_good_is_promoted_in_one_run(tmp_path: Path) -> None:
    world = World(5)
    closed = work(world, tmp_path)
    assert (closed.result, closed.commit) == ("promoted", world.stable)
    assert promoted(world) == {0, 1, 2, 3, 4}
    assert len(world.ran) == 1


def test_a_culprit_is_named_and_left_out(tmp_path: Path) -> None:
    world = World(8, breaks={"test_a": [{5}]})
    assert work(world, tmp_path).result == "promoted"
    assert promoted(world) == set(range(8)) - {5}
    assert culprits(tmp_path) == {commit(5): {"test_a"}}


def test_two_culprits_of_two_tests(tmp_path: Path) -> None:
    world = World(8, breaks={"test_a": [{2}], "test_b": [{6}]})
    work(world, tmp_path, parallel=2)
    assert promoted(world) == set(range(8)) - {2, 6}
    assert culprits(tmp_path) == {commit(2): {"test_a"}, commit(6): {"test_b"}}


def test_two_culprits_of_one_test(tmp_path: Path) -> None:
    world = World(8, breaks={"test_a": [{2}, {6}]})
    work(world, tmp_path)
    assert promoted(world) == set(range(8)) - {2, 6}


def test_units_that_fail_only_together_lose_one(tmp_path: Path) -> None:
    world = World(8, breaks={"test_a": [{2, 6}]})
    work(world, tmp_path)
    assert len(promoted(world)) == 7
    assert len(promoted(world) & {2, 6}) == 1


def test_a_commit_that_does_not_build_is_named_and_left_out(tmp_path: Path) -> None:
    world = World(6, unbuildable={3}, breaks={"test_a": [{1}]})
    work(world, tmp_path)
    assert promoted(world) == {0, 2, 4, 5}
    assert culprits(tmp_path) == {commit(3): {BUILD_TEST}, commit(1): {"test_a"}}


def test_what_depends_on_a_culprit_is_left_out_without_blame(tmp_path: Path) -> None:
    world = World(6, breaks={"test_a": [{2}]}, needs={4: {2}})
    work(world, tmp_path)
    assert promoted(world) == {0, 1, 3, 5}
    assert culprits(tmp_path) == {commit(2): {"test_a"}}
    assert len([run for run in world.ran if not run.tests]) == 2, "whole runs are dear"
    (left_out,) = record_of(tmp_path).left_out.values()
    assert (left_out.commit, left_out.needs) == (commit(4), (commit(2),))


def test_a_flaky_test_keeps_nobody_out(tmp_path: Path) -> None:
    for seed in range(8):
        world, folder = World(6, flaky={"test_f": 0.25}, seed=seed), tmp_path / str(seed)
        assert work(world, folder).result == "promoted"
        assert promoted(world) == set(range(6))
        assert culprits(folder) == {}


def test_a_test_that_nobody_can_make_sense_of_blames_nobody_and_blocks(tmp_path: Path) -> None:
    for seed in range(10):
        world, folder = World(4, flaky={"test_f": 0.5}, seed=seed), tmp_path / str(seed)
        closed = work(world, folder)
        assert culprits(folder) == {}
        if closed.result == "blocked":
            assert "test_f fails" in closed.reason
            return
    pytest.fail("it always made sense of it")


def test_an_old_failure_blocks_and_blames_nobody(tmp_path: Path) -> None:
    world = World(4, old={"test_old"})
    closed = work(world, tmp_path)
    assert (closed.result, world.pushed) == ("blocked", [])
    assert "test_old fails at stable too" in closed.reason
    assert culprits(tmp_path) == {}


def test_a_run_without_a_zone_is_repeated(tmp_path: Path) -> None:
    world = World(3, dead_runs=2)
    assert work(world, tmp_path).result == "promoted"
    assert len(world.ran) == 3


def test_too_many_runs_without_a_zone_end_it(tmp_path: Path) -> None:
    world = World(3, dead_runs=99)
    closed = work(world, tmp_path)
    assert closed.result == "stopped"
    assert "the BMC is silent" in closed.reason
    assert len(world.ran) == 3


def test_without_units_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert work(World(0), tmp_path).result == "nothing"


def test_a_stable_that_moved_is_not_overwritten(tmp_path: Path) -> None:
    world = World(3)

    def somebody_pushes(event: Event) -> None:
        if isinstance(event, RunEnded):
            world.stable = "somebody else's"

    closed = work(world, tmp_path, listen=somebody_pushes)
    assert (closed.result, closed.commit, world.pushed) == ("moved", "somebody else's", [])


def test_a_refused_push_is_said(tmp_path: Path) -> None:
    world = World(3)
    world.refuses = "protected branch"
    closed = work(world, tmp_path)
    assert (closed.result, closed.reason) == ("refused", "protected branch")


def test_bisecting_alone_promotes_nothing(tmp_path: Path) -> None:
    world = World(8, breaks={"test_a": [{5}]})
    closed = work(world, tmp_path, promote=False)
    assert (closed.result, world.pushed) == ("passed", [])
    assert culprits(tmp_path) == {commit(5): {"test_a"}}


def test_reporting_alone_searches_nothing(tmp_path: Path) -> None:
    world = World(8, breaks={"test_a": [{5}]})
    closed = work(world, tmp_path, bisect=False)
    assert (closed.result, world.pushed, len(world.ran)) == ("failed", [], 1)
    assert "test_a" in closed.reason


class KilledError(Exception):
    """The process dies."""


def test_a_second_process_is_kept_out(tmp_path: Path) -> None:
    with Ledger(tmp_path), pytest.raises(ConfigError, match="another process works on the gate"):
        Ledger(tmp_path)


def test_a_line_cut_short_is_dropped(tmp_path: Path) -> None:
    world = World(2)
    folder = tmp_path / "g1"
    work(world, folder)
    journal = folder / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-1]) + lines[-1][:10])
    assert is_open(folder)
    assert gates(tmp_path) == [folder]
    assert work(world, folder).result == "promoted"
    assert not is_open(folder)


worlds = st.builds(
    World,
    units=st.integers(1, 9),
    breaks=st.dictionaries(
        st.sampled_from(["test_a", "test_b", "test_c"]),
        st.lists(st.sets(st.integers(0, 8), min_size=1, max_size=2), max_size=2),
        max_size=3,
    ),
    unbuildable=st.sets(st.integers(0, 8), max_size=1),
    needs=st.dictionaries(st.integers(1, 8), st.integers(0, 7).map(lambda unit: {unit}), max_size=2).map(
        lambda needs: {unit: {other for other in others if other < unit} for unit, others in needs.items()}
    ),
    dead_runs=st.integers(0, 2),
)


def check(world: World, folder: Path) -> None:
    """What must hold of every gate whose tests are sure."""
    record, inside = record_of(folder), promoted(world)
    assert len(world.pushed) <= 1
    assert not any(world.fails(test, frozenset(inside)) for test in world.breaks)
    assert not inside & world.unbuildable
    if world.pushed:
        made = next(each for each in record.made.values() if each.commit == world.stable)
        assert record.is_good(made.tree)
    guilty = {int(each[1:]) for named in record.named for each in named.commits}
    suspects = world.unbuildable.union(*(culprits for sets in world.breaks.values() for culprits in sets))
    assert guilty <= suspects, "an innocent was named"
    lost = set(range(world.units)) - inside - guilty
    assert {commit(unit) for unit in lost} <= set(record.left_out), "a good unit was lost"
    for unit in lost:
        assert not world.needs[unit] <= inside


@settings(max_examples=60, deadline=None)
@given(world=worlds, parallel=st.integers(1, 3))
def test_no_bad_unit_gets_in_and_no_good_one_is_lost(
    tmp_path_factory: pytest.TempPathFactory, world: World, parallel: int
) -> None:
    folder = tmp_path_factory.mktemp("gate")
    work(world, folder, parallel=parallel)
    check(world, folder)


@settings(max_examples=60, deadline=None)
@given(world=worlds, data=st.data())
def test_a_killed_gate_goes_on_where_it_was(
    tmp_path_factory: pytest.TempPathFactory, world: World, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("gate")
    for _ in range(data.draw(st.integers(1, 3), label="deaths")):
        left = data.draw(st.integers(1, 25), label="events until it dies")

        def die(_event: Event) -> None:
            nonlocal left
            left -= 1
            if not left:
                raise KilledError

        try:
            work(world, folder, listen=die)
        except KilledError:
            continue
        break
    work(world, folder)
    check(world, folder)
    events = list(read(folder))
    seen = [event.run for event in events if isinstance(event, RunEnded)]
    assert len(seen) == len(set(seen)), "a run ended twice"
    numbers = [event.run for event in events if isinstance(event, RunStarted)]
    assert len(numbers) == len(set(numbers)), "a run was started twice"


@settings(max_examples=30, deadline=None)
@given(world=worlds)
def test_the_same_record_says_the_same_next(tmp_path_factory: pytest.TempPathFactory, world: World) -> None:
    folder = tmp_path_factory.mktemp("gate")
    work(world, folder)
    events = list(read(folder))
    assert events == list(record_of(folder).events)
    for end in range(1, len(events)):
        first, again = (decide(Record(events[:end]), world.rules(), pools=1) for _ in range(2))
        assert first == again


def test_no_verdict_no_push(tmp_path: Path) -> None:
    """Whatever led there: the last look before a push is the record's."""
    from pytest_qacloud.gate.record import Promoting

    world = World(2)
    with Ledger(tmp_path) as ledger:
        ledger.add(world.opened())
        gate = world.gate(ledger)
        with pytest.raises(QacloudError, match="no recorded GOOD verdict"):
            gate._push(Promoting("c", "tree-x", STABLE, "tag"))
    assert world.pushed == []
