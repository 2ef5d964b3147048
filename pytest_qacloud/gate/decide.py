"""What a gate does next: a function of its record alone.

The way round: put the candidate's units onto stable, build it, run all gating suites on it. If some test failed, search
for the units that broke it; what is left without them is the next candidate, and is run whole again. It ends when a
candidate is good, when nothing is left, or when a failure is nobody's fault that could be left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from ..model import Outcome
from .question import Beta, FailingTest, Observation, Purpose, Revision, Standing
from .record import BUILD_TEST, Closed, Found, Judged, Named
from .search import Search

if TYPE_CHECKING:
    from .question import Culprit
    from .record import Event, Record, Run

WHOLE = "whole"
REPEAT = "repeat"

BUILDS_ARE_SURE = Beta(0.01, 9.99)
"""The rates at which a build fails or succeeds by chance: hardly ever."""

OBSERVATIONS = 60
"""Of one failing test, after which it is given up as undecided."""

TO_BUILD = 1.25
"""What a run of a revision costs that is not built yet, as a multiple of one that is."""

Weights = Callable[[str, tuple[str, ...]], tuple[float, ...]]
"""How suspect each of some commits is of having broken a test."""

Rates = Callable[[str], tuple[Beta, Beta]]
"""A test's rates of false failures and of missed ones, as far as they are known."""


@dataclass(frozen=True, slots=True)
class Compose:
    """Put these commits onto stable."""

    commits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Build:
    """See whether these commits on stable build.

    Args:
        again: although it is known, since the answer is about to be held against somebody.
    """

    commits: tuple[str, ...]
    again: bool = False


@dataclass(frozen=True, slots=True)
class StartRun:
    """Run tests on these commits on stable; all gating suites where none is named."""

    commits: tuple[str, ...]
    tests: tuple[str, ...]
    purpose: str


@dataclass(frozen=True, slots=True)
class Note:
    """Write down what follows from the record."""

    event: Event


@dataclass(frozen=True, slots=True)
class Promote:
    """The candidate is good: make it the stable branch."""

    commit: str
    tree: str


Action = Compose | Build | StartRun | Note | Promote


@dataclass(frozen=True, slots=True)
class Rules:
    """How a gate works.

    Args:
        bisect: search for culprits; else a failure ends it.
        promote: push what is good; else that is only said.
        attempts: of a run that says nothing.
        weights, rates: what is believed beforehand.
    """

    bisect: bool
    promote: bool
    attempts: int
    weights: Weights
    rates: Rates


def decide(record: Record, rules: Rules, *, pools: int, running: Collection[int] = ()) -> list[Action]:
    """What to do now; empty while what is under way must end first, and after the end.

    Args:
        pools: that are free.
        running: numbers of the runs under way in this process.
    """
    if record.closed is not None:
        return []
    failed = _failed_whole(record)
    if failed is not None:
        return _search(record, rules, failed, pools, running)
    return _candidate(record, rules, pools, running)


def _failed_whole(record: Record) -> Run | None:
    """The whole run whose failures are still unexplained."""
    run = record.last_whole
    if run is None or _untestable(record, run.started.tree) or not _unexplained(record, run):
        return None
    return run


def _untestable(record: Record, tree: str) -> tuple[str, ...]:
    outcomes = record.whole_run(tree) or {}
    return tuple(test for test, outcome in outcomes.items() if outcome is Outcome.UNTESTABLE)


def _unexplained(record: Record, run: Run) -> tuple[str, ...]:
    """Failures of a whole run whose search is not over."""
    over = {found.tree for found in record.found}
    return () if run.started.tree in over else record.failures(run.started.tree)


def _candidate(record: Record, rules: Rules, pools: int, running: Collection[int]) -> list[Action]:
    commits = record.candidate
    if not commits:
        return [Note(Closed("nothing", _why_nothing(record)))]
    made = record.made.get(commits)
    if made is None:
        return [Compose(commits)]
    builds = record.builds(made.tree)
    if builds is None:
        return [Build(commits)]
    if not builds:
        return _search_build(record, rules, commits)
    outcomes = record.whole_run(made.tree)
    tests = () if outcomes is None else _untestable(record, made.tree)
    if outcomes is None or tests:
        return _run_it(record, rules, commits, tests, pools, running)
    failures = record.failures(made.tree)
    if not failures and record.is_good(made.tree):
        if rules.promote:
            return [Promote(made.commit, made.tree)]
        return [Note(Closed("passed", f"all of {len(commits)} units passed", made.commit))]
    return [Note(Closed("blocked", _why_blocked(record, made.tree)))]


def _run_it(
    record: Record,
    rules: Rules,
    commits: tuple[str, ...],
    tests: tuple[str, ...],
    pools: int,
    running: Collection[int],
) -> list[Action]:
    """Run the candidate whole, or the rest of it that said nothing."""
    if any(record.runs[number].started.commits == commits for number in running) or not pools:
        return []
    gone = _given_up(record, rules, commits)
    return [gone or StartRun(commits, tests, REPEAT if tests else WHOLE)]


def _given_up(record: Record, rules: Rules, commits: tuple[str, ...]) -> Note | None:
    """The end, where the last runs of a revision all said nothing."""
    runs = [run for run in record.runs.values() if run.started.commits == commits and run.ended is not None]
    last = [run for run in runs if run.ended is not None and not run.ended.lost][-rules.attempts :]
    silent = [run for run in last if not _says_something(run)]
    if len(silent) < rules.attempts:
        return None
    why = next((run.ended.failure for run in reversed(silent) if run.ended is not None and run.ended.failure), "")
    told = why or "its tests were UNTESTABLE each time"
    return Note(Closed("stopped", f"{rules.attempts} runs in a row said nothing about {commits[-1]:.12}: {told}"))


def _says_something(run: Run) -> bool:
    outcomes = run.ended.outcomes.values() if run.ended is not None else ()
    return any(outcome is not Outcome.UNTESTABLE for outcome in outcomes)


def _search(record: Record, rules: Rules, whole: Run, pools: int, running: Collection[int]) -> list[Action]:
    """The next step towards the culprits of a whole run's failures."""
    universe = whole.started.commits
    failures = record.failures(whole.started.tree)
    if not rules.bisect:
        return [Note(Closed("failed", f"{len(failures)} tests failed: {', '.join(failures)}"))]
    tests = []
    for name in failures:
        false_fail, missed = rules.rates(name)
        tests.append(FailingTest(name, rules.weights(name, universe), false_fail, missed))
    seen = _observations(record, universe, whole.started.run)
    search = Search(len(universe), tests, seen, limit=OBSERVATIONS)
    for built in record.built:
        revision = revision_of(built.commits, universe)
        if not built.good and revision is not None and not revision.without:
            search.bar(revision.last)
    if search.done:
        return _findings(record, search, whole, tests)
    under_way = [revision_of(record.runs[number].started.commits, universe) for number in running]
    runs = search.next_runs(
        pools,
        running=[each for each in under_way if each is not None],
        cost=lambda revision: _cost(record, commits_of(revision, universe)),
    )
    if not runs and pools and not running:  # nothing that can be run tells more
        return _findings(record, search, whole, tests)
    actions: list[Action] = []
    for run in runs:
        actions += _search_run(record, rules, commits_of(run.revision, universe), run.tests, run.purpose)
    return actions


def _cost(record: Record, commits: tuple[str, ...]) -> float:
    """Of a run; what is built already is cheaper, and what does not build cannot be run."""
    made = record.made.get(commits)
    builds = None if made is None else record.builds(made.tree)
    return {True: 1.0, False: inf, None: TO_BUILD}[builds]


def _search_run(
    record: Record, rules: Rules, commits: tuple[str, ...], tests: tuple[str, ...], purpose: Purpose
) -> list[Action]:
    made = record.made.get(commits)
    if made is None:
        return [Compose(commits)]
    if record.builds(made.tree) is None:
        return [Build(commits)]
    return [_given_up(record, rules, commits) or StartRun(commits, tests, str(purpose))]


def _search_build(record: Record, rules: Rules, universe: tuple[str, ...]) -> list[Action]:
    """The next step towards the unit that does not build."""
    if not rules.bisect:
        return [Note(Closed("failed", "it does not build"))]
    test = FailingTest(BUILD_TEST, (), BUILDS_ARE_SURE, BUILDS_ARE_SURE)
    seen = []
    for built in record.built:
        revision = revision_of(built.commits, universe)
        if revision is not None:
            seen.append(Observation(revision, {BUILD_TEST: Outcome.GOOD if built.good else Outcome.BAD}))
    search = Search(len(universe), [test], seen)
    if search.done:
        return _build_finding(record, search, universe)
    actions: list[Action] = []
    for run in search.next_runs(1):
        commits = commits_of(run.revision, universe)
        made = record.made.get(commits)
        known = made is not None and record.builds(made.tree) is not None
        actions.append(Build(commits, again=known) if made is not None else Compose(commits))
    return actions


def _build_finding(record: Record, search: Search, universe: tuple[str, ...]) -> list[Action]:
    finding = search.finding(BUILD_TEST)
    if finding.culprits:
        named = tuple(_named(record, (BUILD_TEST,), each, universe) for each in finding.culprits)
        return [Note(Found(record.made[universe].tree, named))]
    reason = {
        Standing.OLD: "stable itself does not build",
        Standing.FLAKY: "its build fails now and then; mend that first",
    }.get(finding.standing, "its build fails at some times and not at others; mend that first")
    return [Note(Closed("blocked", reason))]


def _findings(record: Record, search: Search, whole: Run, tests: list[FailingTest]) -> list[Action]:
    """Everything that a search that is done says."""
    blamed: dict[Culprit, list[str]] = {}
    judged = []
    for test in tests:
        finding = search.finding(test.name)
        for culprit in finding.culprits:
            blamed.setdefault(culprit, []).append(test.name)
        if finding.standing is not Standing.NAMED:
            is_open = finding.standing in {Standing.OPEN, Standing.SETTLED}
            judged.append(Judged(test.name, str(Standing.UNDECIDED if is_open else finding.standing)))
    universe = whole.started.commits
    named = tuple(_named(record, tuple(names), culprit, universe) for culprit, names in blamed.items())
    return [Note(Found(whole.started.tree, named, tuple(judged)))]


def _named(record: Record, tests: tuple[str, ...], culprit: Culprit, universe: tuple[str, ...]) -> Named:
    return Named(
        commits=tuple(universe[unit] for unit in culprit.units),
        tests=tests,
        posterior=round(culprit.posterior, 6),
        failed=_commit(record, commits_of(culprit.child, universe)),
        passed=_commit(record, commits_of(culprit.parent, universe)),
    )


def _commit(record: Record, commits: tuple[str, ...]) -> str:
    return record.made[commits].commit if commits in record.made else record.opened.stable


def _observations(record: Record, universe: tuple[str, ...], but: int) -> list[Observation]:
    """What the runs so far say about revisions of these commits; `but` is the run that raised the question."""
    seen = []
    for number, run in record.runs.items():
        revision = revision_of(run.started.commits, universe)
        if number != but and run.ended is not None and revision is not None:
            seen.append(observation_of(run, revision))
    return seen


def observation_of(run: Run, revision: Revision) -> Observation:
    """What a run that is over showed of a revision."""
    return Observation(revision, run.ended.outcomes if run.ended is not None else {})


def revision_of(commits: tuple[str, ...], universe: tuple[str, ...]) -> Revision | None:
    """Commits as a revision of a universe; `None` where some are not in it."""
    place = {commit: index for index, commit in enumerate(universe)}
    if not all(commit in place for commit in commits):
        return None
    inside = {place[commit] for commit in commits}
    last = max(inside, default=-1)
    return Revision(last, tuple(unit for unit in range(last) if unit not in inside))


def commits_of(revision: Revision, universe: tuple[str, ...]) -> tuple[str, ...]:
    """The commits of a revision, in their order."""
    return tuple(commit for unit, commit in enumerate(universe) if unit in revision)


def _why_nothing(record: Record) -> str:
    total = len(record.opened.units)
    return f"none of {total} units is left to promote" if total else "staging has nothing that stable has not"


def _why_blocked(record: Record, tree: str) -> str:
    told = []
    for test in record.failures(tree):
        standing = next((each.standing for found in record.found for each in found.judged if each.test == test), "")
        reason = "fails at stable too" if standing == Standing.OLD else "fails at some times and not at others"
        told.append(f"{test} {reason}")
    return f"{'; '.join(told)}: no unit that could be left out is to blame"
