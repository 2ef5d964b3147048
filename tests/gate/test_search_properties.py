"""What holds of the search whatever was observed."""

from __future__ import annotations

from math import ceil, isclose, log2

from gate_histories import History, Truth, play
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from pytest_qacloud.gate.belief import WEIGHT_RATIO, capped
from pytest_qacloud.gate.choice import Joint, Option, entropy
from pytest_qacloud.gate.question import Beta, FailingTest, Observation, Purpose, Revision, Standing
from pytest_qacloud.gate.search import Search
from pytest_qacloud.model import Outcome

UNITS = 8
NAMES = ("a", "b", "c")
SAID = st.sampled_from([Outcome.GOOD, Outcome.BAD])

revisions = st.builds(Revision, st.integers(-1, UNITS - 1), st.lists(st.integers(0, UNITS - 1), max_size=2).map(tuple))
prefixes = st.builds(Revision, st.integers(-1, UNITS - 1))
betas = st.builds(Beta, st.floats(0.1, 5.0), st.floats(5.0, 100.0))
tests_asked = st.lists(
    st.tuples(st.tuples(*[st.sampled_from((0.0, 1.0, 50.0))] * UNITS), betas, betas),
    min_size=1,
    max_size=3,
).map(lambda found: [FailingTest(name, *rest) for name, rest in zip(NAMES, found, strict=False)])
observations = st.lists(
    st.builds(Observation, revisions, st.fixed_dictionaries(dict.fromkeys(NAMES, SAID))), max_size=8
)


few = settings(max_examples=30, deadline=None)


def whole_state(search: Search, tests: list[FailingTest]) -> object:
    names = [test.name for test in tests]
    return [(search.finding(name), search.posterior(name)) for name in names], search.next_runs(3)


@few
@given(tests_asked, observations)
def test_a_search_made_again_from_its_journal_is_the_same(tests: list[FailingTest], seen: list[Observation]) -> None:
    one = Search(UNITS, tests)
    for observation in seen:
        one.next_runs(2)
        one.observe(observation)

    assert whole_state(one, tests) == whole_state(Search(UNITS, tests, seen), tests)


@few
@given(tests_asked, observations)
def test_a_posterior_is_one(tests: list[FailingTest], seen: list[Observation]) -> None:
    search = Search(UNITS, tests, seen)

    for test in tests:
        posterior = search.posterior(test.name)
        assert isclose(sum(posterior.units) + posterior.none + posterior.old, 1.0, abs_tol=1e-9)
        assert min(*posterior.units, posterior.none, posterior.old) >= 0


@given(st.lists(st.tuples(prefixes, SAID), max_size=10), st.randoms(use_true_random=False))
def test_the_order_of_observations_is_nothing_to_the_posterior(
    seen: list[tuple[Revision, Outcome]], dice: object
) -> None:
    told = [Observation(revision, {"a": outcome}) for revision, outcome in seen]
    other = list(told)
    dice.shuffle(other)  # type: ignore[attr-defined]  # a random.Random, which hypothesis does not say
    one, two = (Search(UNITS, [FailingTest("a")], order) for order in (told, other))
    # A test that was decided on the way takes nothing in any more.
    assume(all(search.finding("a").standing in {Standing.OPEN, Standing.SETTLED} for search in (one, two)))

    before, after = one.posterior("a"), two.posterior("a")

    assert all(isclose(x, y, abs_tol=1e-9) for x, y in zip(before.units, after.units, strict=True))
    assert isclose(before.none, after.none, abs_tol=1e-9)
    assert isclose(before.old, after.old, abs_tol=1e-9)


@few
@given(tests_asked, observations, revisions)
def test_untestable_changes_nothing(tests: list[FailingTest], seen: list[Observation], revision: Revision) -> None:
    search = Search(UNITS, tests, seen)
    before = whole_state(search, tests)

    search.observe(Observation(revision, dict.fromkeys(NAMES, Outcome.UNTESTABLE)))

    assert whole_state(search, tests) == before


@few
@given(tests_asked, observations)
def test_nobody_is_named_without_both_confirming_outcomes(tests: list[FailingTest], seen: list[Observation]) -> None:
    search = Search(UNITS, tests, seen)
    shown = {
        (observation.revision, name, outcome) for observation in seen for name, outcome in observation.outcomes.items()
    }

    for culprit in {culprit for test in tests for culprit in search.finding(test.name).culprits}:
        assert any(
            {(culprit.child, name, Outcome.BAD), (culprit.parent, name, Outcome.GOOD)} <= shown for name in NAMES
        )
        assert all(unit in culprit.child and unit not in culprit.parent for unit in culprit.units)


@given(st.data(), st.integers(1, 200), st.integers(1, 4))
@settings(max_examples=30, deadline=None)
@example(data=None, units=1, pools=1)
def test_without_noise_it_is_exact_and_short(data: st.DataObject | None, units: int, pools: int) -> None:
    culprit = 0 if data is None else data.draw(st.integers(0, units - 1))
    quiet = Beta(0.01, 99.99)
    search = Search(units, [FailingTest("a", (), quiet, quiet)])

    runs = play(search, History(units, {"a": Truth((frozenset({culprit}),))}, 0.0, 0.0, 1), pools)

    finding = search.finding("a")
    assert finding.standing is Standing.NAMED
    assert [one.units for one in finding.culprits] == [(culprit,)]
    if pools == 1:
        assert [run.purpose for run in runs].count(Purpose.SEARCH) <= ceil(log2(units + 1)) + 3


@few
@given(tests_asked, observations, prefixes)
def test_a_failure_makes_what_is_in_it_more_suspect_than_what_is_not(
    tests: list[FailingTest], seen: list[Observation], revision: Revision
) -> None:
    test = tests[0]
    assume(test.false_fail.mean + test.missed_failure.mean < 0.5)
    search = Search(UNITS, [test])
    before = sum(search.posterior(test.name).units[: revision.last + 1])

    search.observe(Observation(revision, {test.name: Outcome.BAD}))

    assert sum(search.posterior(test.name).units[: revision.last + 1]) >= before - 1e-12 or revision.last < 0


@few
@given(tests_asked, observations, st.integers(1, 5))
def test_no_more_runs_are_asked_for_than_pools_and_each_has_something_to_run(
    tests: list[FailingTest], seen: list[Observation], pools: int
) -> None:
    search = Search(UNITS, tests, seen)

    runs = search.next_runs(pools)

    assert len(runs) <= pools
    assert all(run.tests for run in runs)
    assert bool(runs) or all(search.finding(test.name).standing is not Standing.SETTLED for test in tests)


@few
@given(tests_asked, observations, st.lists(revisions, min_size=2, max_size=4))
def test_a_run_tells_less_when_others_are_made_too(
    tests: list[FailingTest], seen: list[Observation], wanted: list[Revision]
) -> None:
    search = Search(UNITS, tests, seen)
    spreads = [one.spread for one in search._inquiries.values()]
    first, *others = (Option(revision, 1.0, spreads) for revision in wanted)

    alone, beside = Joint(spreads).gain(first), Joint(spreads, others).gain(first)

    assert -0.05 <= beside <= alone + 1e-6  # outcomes that are hardly possible are left out of the sums


@given(st.floats(0.0, 1.0))
def test_a_bit_is_at_most_one_bit(p: float) -> None:
    assert 0.0 <= entropy(p) <= 1.0
    assert isclose(entropy(p), entropy(1 - p), abs_tol=1e-9)


@given(st.lists(st.floats(0.0, 1e12), min_size=1, max_size=50))
def test_no_prior_is_so_strong_that_it_is_not_overruled(weights: list[float]) -> None:
    found = capped(weights, len(weights))

    assert max(found) <= WEIGHT_RATIO * min(found) * (1 + 1e-9)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.0, 0.5), st.floats(0.0, 0.5))
def test_it_always_comes_to_an_end(seed: int, false_fail: float, missed: float) -> None:
    truths = {"a": Truth((frozenset({3}),)), "b": Truth((frozenset({3, 7}),)), "c": Truth()}
    search = Search(UNITS, [FailingTest(name) for name in truths], limit=20)

    runs = play(search, History(UNITS, truths, false_fail, missed, seed), 2)

    assert search.done
    assert len(runs) <= 3 * 21
