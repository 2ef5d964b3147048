"""What is believed before a search begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateworld import World, commit, work

from pytest_qacloud.gate.history import MOST_SUSPECT, candidates, rates, rejected, suspicion
from pytest_qacloud.gate.ledger import read
from pytest_qacloud.gate.question import UNKNOWN_RATE
from pytest_qacloud.gate.record import Found, Named, Record
from pytest_qacloud.model import Unit

if TYPE_CHECKING:
    from pathlib import Path


def unit(name: str, patch: str, subject: str = "", *paths: str) -> Unit:
    return Unit(name, patch, "A <a@example.org>", 0.0, subject, paths)


def test_what_is_in_stable_or_was_rejected_or_is_empty_is_no_candidate() -> None:
    units = [unit("a", "1"), unit("b", "2"), unit("c", "3"), unit("d", "")]
    kept, skipped = candidates(units, {"1"}, {"3": "at gate g7"})
    assert [each.commit for each in kept] == ["b"]
    assert dict(skipped) == {
        "a": "stable has it already",
        "c": "named a culprit at gate g7 and not changed since",
        "d": "it changes nothing",
    }


def test_a_culprit_that_was_changed_is_a_candidate_again(tmp_path: Path) -> None:
    work(World(4, breaks={"test_a": [{2}]}), tmp_path)
    known = rejected([Record(read(tmp_path))])
    assert known == {"p2": "at gate g1"}
    kept, _ = candidates([unit("new", "p2b"), unit("same", "p2")], (), known)
    assert [each.commit for each in kept] == ["new"]


def test_one_of_several_is_not_rejected_for_good() -> None:
    record = Record([World(3).opened(), Found("tree", (Named((commit(0), commit(1)), ("test_a",), 0.99, "x", "y"),))])
    assert rejected([record]) == {}


def test_who_changes_what_a_test_is_about_is_more_suspect_but_not_by_much() -> None:
    units = [
        unit("docs", "1", "Mend a typo", "README.md"),
        unit("snap", "2", "Queue snapshots", "engine/SnapshotManagerImpl.java"),
        unit("all", "3", "Snapshot policy recurring volumes backup", "volume/RecurringSnapshotPolicy.java"),
    ]
    weights = suspicion(
        units, {"bvt/test_snapshots.py::TestSnapshot::test_recurring": "backup policy of volume failed"}
    )
    docs, snapshot, everything = weights("bvt/test_snapshots.py::TestSnapshot::test_recurring", ("docs", "snap", "all"))
    assert docs == 1.0
    assert docs < snapshot < everything == MOST_SUSPECT
    assert weights("test_other", ("unknown",)) == (1.0,)


def test_rates_are_learned_from_what_turned_out_good_and_bad(tmp_path: Path) -> None:
    work(World(8, breaks={"test_a": [{3}]}), tmp_path)
    of = rates([Record(read(tmp_path))])
    false_fail, missed = of("test_a")
    assert false_fail.hits == UNKNOWN_RATE.hits
    assert false_fail.misses > UNKNOWN_RATE.misses
    assert missed.misses > UNKNOWN_RATE.misses
    assert of("test_never_seen") == (UNKNOWN_RATE, UNKNOWN_RATE)


def test_a_gate_that_is_not_over_teaches_nothing(tmp_path: Path) -> None:
    work(World(4), tmp_path)
    record = Record(list(read(tmp_path))[:-1])
    assert rates([record])("test_always") == (UNKNOWN_RATE, UNKNOWN_RATE)
