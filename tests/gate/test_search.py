"""The search as its caller sees it: what it asks for, and what it concludes from what it is shown."""

from __future__ import annotations

from math import ceil, inf, log2
from typing import TYPE_CHECKING

import pytest
from gate_histories import History, Truth, play

from pytest_qacloud.gate.question import STABLE, Beta, FailingTest, Observation, Purpose, Revision, Standing
from pytest_qacloud.gate.search import Search
from pytest_qacloud.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

QUIET = Beta(0.01, 99.99)


def asked(*names: str, rate: Beta = QUIET) -> Sequence[FailingTest]:
    return [FailingTest(name, (), rate, rate) for name in names]


def history(units: int, **causes: Sequence[Sequence[int]]) -> History:
    """Without noise; per test, the sets of units that break it."""
    truths = {name: Truth(tuple(frozenset(cause) for cause in sets)) for name, sets in causes.items()}
    return History(units, truths, 0.0, 0.0, 1)


def found(search: Search, test: str) -> tuple[str, set[int]]:
    finding = search.finding(test)
    return finding.standing, {unit for culprit in finding.culprits for unit in culprit.units}


@pytest.mark.parametrize("pools", [1, 3])
@pytest.mark.parametrize("culprit", [0, 1, 20, 62, 63])
def test_a_culprit_is_named_wherever_it_is(culprit: int, pools: int) -> None:
    search = Search(64, asked("t"))

    play(search, history(64, t=[[culprit]]), pools)

    assert found(search, "t") == ("named", {culprit})


def test_a_culprits_confirming_runs_are_it_and_its_parent() -> None:
    search = Search(64, asked("t"))

    play(search, history(64, t=[[20]]), 1)

    (culprit,) = search.finding("t").culprits
    assert (culprit.child, culprit.parent) == (Revision(20), Revision(19))


@pytest.mark.parametrize("culprit", [0, 11, 37, 63])
def test_without_noise_it_is_as_short_as_a_bisection(culprit: int) -> None:
    search = Search(64, asked("t"))

    runs = play(search, history(64, t=[[culprit]]), 1)

    searching = [run for run in runs if run.purpose is Purpose.SEARCH]
    assert len(searching) <= ceil(log2(65)) + 2  # head and stable


def test_head_and_stable_are_repeated_first() -> None:
    assert [run.revision for run in Search(9, asked("t")).next_runs(1)] == [Revision(8)]
    assert [run.revision for run in Search(9, asked("t")).next_runs(4)][:2] == [Revision(8), STABLE]


def test_what_passes_at_head_is_a_flake() -> None:
    search = Search(64, asked("t"))

    runs = play(search, history(64, t=[]), 1)

    assert found(search, "t") == ("flaky", set())
    assert [run.revision for run in runs] == [Revision(63)]


def test_what_fails_at_stable_too_is_old() -> None:
    search = Search(64, asked("t"))

    play(search, History(64, {"t": Truth(old=True)}, 0.0, 0.0, 1), 1)

    assert found(search, "t") == ("old", set())


def test_a_second_culprit_of_a_test_is_found_when_the_first_is_out() -> None:
    search = Search(64, asked("t"))

    play(search, history(64, t=[[9], [40]]), 1)

    assert found(search, "t") == ("named", {9, 40})
    second = search.finding("t").culprits[1]
    assert 9 not in second.child
    assert second.child != second.parent


def test_of_two_that_fail_only_together_the_later_is_named_and_that_is_enough() -> None:
    search = Search(64, asked("t"))

    play(search, history(64, t=[[9, 40]]), 1)

    assert found(search, "t") == ("named", {40})


@pytest.mark.parametrize("pools", [1, 4])
def test_a_test_broken_by_two_together_is_told_from_a_flake_when_one_breaks_another_test(pools: int) -> None:
    search = Search(64, asked("alone", "both"))

    play(search, history(64, alone=[[9]], both=[[9, 40]]), pools)

    standing, culprits = found(search, "both")
    assert found(search, "alone") == ("named", {9})
    assert standing == "named"
    assert culprits <= {9, 40}


def test_several_tests_with_culprits_of_their_own() -> None:
    search = Search(256, asked("a", "b", "c", "flake"))

    play(search, history(256, a=[[9]], b=[[130]], c=[[9]], flake=[]), 2)

    assert [found(search, name) for name in "abc"] == [("named", {9}), ("named", {130}), ("named", {9})]
    assert found(search, "flake") == ("flaky", set())
    assert search.culprits == (9, 130)


def test_tests_of_one_culprit_share_their_confirming_runs() -> None:
    search = Search(256, asked(*"abcdefgh"))

    runs = play(search, history(256, **{name: [[77]] for name in "abcdefgh"}), 1)

    assert len([run for run in runs if run.purpose is Purpose.CONFIRM]) == 2


def test_every_run_asks_for_all_tests_that_are_not_decided() -> None:
    search = Search(8, asked("a", "b"))
    search.observe(Observation(Revision(7), {"a": Outcome.GOOD, "b": Outcome.BAD}))

    (run,) = search.next_runs(1)

    assert search.finding("a").standing is Standing.FLAKY
    assert run.tests == ("b",)


def settled(culprit: int = 5) -> Search:
    """A search that has just settled on this unit of 16."""
    search = Search(16, asked("t"))
    truth = history(16, t=[[culprit]])
    while search.finding("t").standing is not Standing.SETTLED:
        (run,) = search.next_runs(1)
        search.observe(truth.run(run.revision))
    return search


def shown(revision: Revision, outcome: Outcome) -> Observation:
    return Observation(revision, {"t": outcome})


def test_a_settled_test_asks_for_its_suspect_and_the_suspects_parent() -> None:
    search = settled()

    runs = [(run.revision, run.purpose) for run in search.next_runs(2)]

    assert search.finding("t").suspect == (5,)
    assert not search.finding("t").culprits
    assert runs == [(Revision(5), Purpose.CONFIRM), (Revision(4), Purpose.CONFIRM)]


@pytest.mark.parametrize("first", [(Revision(5), Outcome.BAD), (Revision(4), Outcome.GOOD)])
def test_one_confirming_run_names_nobody(first: tuple[Revision, Outcome]) -> None:
    search = settled()

    search.observe(shown(*first))

    assert not search.finding("t").culprits


@pytest.mark.parametrize("wrong", [(Revision(5), Outcome.GOOD), (Revision(4), Outcome.BAD)])
def test_a_confirming_run_that_comes_out_otherwise_is_evidence_and_both_are_needed_again(
    wrong: tuple[Revision, Outcome],
) -> None:
    search = settled()
    before = search.posterior("t").units[5]
    right = {Revision(5): Outcome.BAD, Revision(4): Outcome.GOOD}
    (other,) = set(right) - {wrong[0]}

    search.observe(shown(other, right[other]))
    search.observe(shown(*wrong))
    after = search.posterior("t").units[5]
    search.observe(shown(wrong[0], right[wrong[0]]))

    assert after < before
    assert not search.finding("t").culprits


def test_untestable_is_no_observation() -> None:
    search = Search(16, asked("t"))
    before = search.posterior("t"), search.next_runs(3)

    search.observe(shown(Revision(15), Outcome.UNTESTABLE))
    search.observe(Observation(Revision(7), {"another": Outcome.BAD}))

    assert (search.posterior("t"), search.next_runs(3)) == before
    assert search.finding("t").runs == 0


def test_what_is_running_is_not_asked_for_again() -> None:
    search = settled()

    assert not {Revision(5), Revision(4)} & {
        run.revision for run in search.next_runs(9, running=[Revision(5), Revision(4)])
    }
    assert Search(1, asked("t")).next_runs(1, running=[Revision(0), STABLE])[0].purpose is Purpose.SEARCH


def test_runs_under_way_move_the_choice_elsewhere() -> None:
    search = Search(64, asked("t"))
    both = [Revision(63), STABLE]
    (first,) = search.next_runs(1, running=both)

    (second,) = search.next_runs(1, running=[*both, first.revision])

    assert second.revision != first.revision
    assert 0 < second.gain < first.gain


def test_a_cheap_revision_is_preferred_to_an_equal_one() -> None:
    search = Search(64, asked("t"), [shown(Revision(63), Outcome.BAD), shown(STABLE, Outcome.GOOD)])
    (best,) = search.next_runs(1)
    cheap = Revision(best.revision.last - 3)

    (run,) = search.next_runs(1, cost=lambda revision: 0.1 if revision.last < best.revision.last else 1.0)

    assert run.revision.last <= cheap.last + 3
    assert run.revision != best.revision


def test_what_cannot_be_made_is_never_asked_for() -> None:
    def cost(revision: Revision) -> float:
        return inf if revision.without else 1.0

    search = Search(64, asked("t", rate=Beta(5, 95)))
    truth = History(64, {"t": Truth((frozenset({40}),))}, 0.05, 0.05, 3)

    while search.finding("t").standing in {Standing.OPEN, Standing.SETTLED} and not search.culprits:
        (run,) = search.next_runs(1, cost=cost)
        assert not run.revision.without
        search.observe(truth.run(run.revision))

    assert search.culprits == (40,)


def test_where_nothing_that_tells_more_can_be_made_nothing_is_asked_for() -> None:
    search = settled()

    assert search.next_runs(4, cost=lambda _revision: inf) == []
    assert Search(8, asked("t"), [shown(Revision(7), Outcome.BAD)]).next_runs(4, cost=lambda _revision: inf) == []


def test_units_between_which_nothing_can_be_run_are_named_together() -> None:
    search = Search(16, asked("t"))
    search.bar(6)
    search.bar(7)

    runs = play(search, history(16, t=[[7]]), 1)

    assert found(search, "t") == ("named", {6, 7, 8})
    assert not [run for run in runs if run.revision.last in {6, 7}]
    (culprit,) = search.finding("t").culprits
    assert (culprit.child, culprit.parent) == (Revision(8), Revision(5))


def test_a_test_that_cannot_be_understood_is_given_up_and_blames_nobody() -> None:
    search = Search(64, asked("t"), limit=30)
    dice = History(64, {"t": Truth()}, 0.5, 0.5, 11)

    runs = play(search, dice, 1)

    assert search.done
    assert len(runs) <= 30
    assert not search.next_runs(4)


def test_priors_lead_but_are_overruled() -> None:
    weights = [0.0] * 64
    weights[50] = 1e9
    wrong = [FailingTest("t", tuple(weights), QUIET, QUIET)]
    right = history(64, t=[[50]]), history(64, t=[[3]])

    hit, miss = Search(64, wrong), Search(64, wrong)
    short, longer = play(hit, right[0], 1), play(miss, right[1], 1)

    assert found(hit, "t") == ("named", {50})
    assert found(miss, "t") == ("named", {3})
    assert len(short) < len(longer)
    assert hit.posterior("t").units[50] < 1.0


@pytest.mark.parametrize("weights", [(1.0,), (1.0, -1.0), (1.0, inf)])
def test_weights_that_are_none_are_refused(weights: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="2 finite weights"):
        Search(2, [FailingTest("t", weights)])


def test_questions_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="needs a unit"):
        Search(0, asked("t"))
    with pytest.raises(ValueError, match="twice"):
        Search(3, asked("t", "t"))
    with pytest.raises(ValueError, match="not between"):
        Search(3, asked("t")).bar(2)


def test_no_question_is_answered_at_once() -> None:
    search = Search(3, [])

    assert search.done
    assert search.next_runs(2) == []


def test_equal_revisions_are_equal_however_they_were_asked_for() -> None:
    assert Revision(5, (9, 3, 3)) == Revision(5, (3,))
    assert Revision(5, (5, 4)) == Revision(3)
    assert Revision(0, (0,)) == STABLE
    assert [unit for unit in range(-1, 8) if unit in Revision(5, (3,))] == [0, 1, 2, 4, 5]
