"""What is believed of the failing tests after what was observed: Bayes' rule, with the noise rates integrated out.

A hypothesis is a unit, none, or old; it says of each revision whether it is good or bad for the test: bad if the unit
is in it, never, or always. Were the rates known, each observation would count by itself. They are not, but each has a
Beta distribution, so the likelihood of a hypothesis is that of four counts (good revisions that failed and passed, bad
ones that passed and failed): a product of two beta-binomials, exact and free of the observations' order.

Units that no observed revision tells apart have the same likelihood, so all is done by segments between the revisions
observed: a few dozen, however many units there are.
"""

from __future__ import annotations

from bisect import bisect_left
from copy import copy
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import exp, inf, log, log1p
from typing import TYPE_CHECKING

from .noise import NoiseRate, log_sum
from .spread import Segment, Spread

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from .question import FailingTest, Revision

WEIGHT_RATIO = 10.0
"""How much likelier than another a unit may be beforehand: one or two observations overrule it."""

NONE, OLD = 0.30, 0.10
"""Before anything is observed: no unit broke the test; it was broken in stable already."""

ANOTHER = 0.05
"""That a test is broken by one more unit than the one in question."""

TOGETHER = 0.03
"""That units break a test only together."""

OWN_CULPRIT = 2.0
"""How much a test's own prior counts beside another test's posterior: many tests fail for few reasons. It is the
concentration of a Dirichlet process (T. Ferguson, 1973), and for two tests the inference is exact; of more tests, each
is told what each of the others says by itself."""


class Belief:
    """The evidence on one test.

    Runs of a revision with a culprit of this very test in it are left out: the culprit makes the revision bad whatever
    else is in it, so neither a failure nor a pass (then a missed failure) says anything of the others.
    """

    def __init__(self, units: int, test: FailingTest) -> None:
        self.units = units
        self._false_fail, self._missed = NoiseRate(test.false_fail), NoiseRate(test.missed_failure)
        self._seen: dict[Revision, Tally] = {}
        self._named: set[int] = set()
        self.whole_only = False
        self._weights = capped(test.weights, units)
        self._weights_to = list(accumulate(self._weights, initial=0.0))

    def see(self, revision: Revision, *, bad: bool) -> None:
        """Take in one outcome."""
        if any(unit in revision for unit in self._named):
            return
        tally = self._seen.setdefault(revision, Tally())
        if bad:
            tally.failed += 1
        else:
            tally.passed += 1

    def seen(self, revision: Revision) -> bool:
        """Whether it was observed on this revision."""
        return revision in self._seen

    def name(self, units: Collection[int]) -> None:
        """One of these is a culprit of this test: look for the next."""
        self._named |= set(units)
        self.whole_only = False
        left = (0.0 if unit in self._named else weight for unit, weight in enumerate(self._weights))
        self._weights_to = list(accumulate(left, initial=0.0))
        self._seen = {rev: tally for rev, tally in self._seen.items() if not any(unit in rev for unit in self._named)}

    @property
    def contradictory(self) -> bool:
        """It is likelier that units break it only together than that one does by itself.

        In the first case a revision with something left out may be good or bad, whatever is in it. Both cases are
        weighed with all that was observed.
        """
        parted = {rev: tally for rev, tally in self._seen.items() if rev.without}
        if not parted or self._named:
            return False
        whole = self._whole()
        free = whole.evidence() + sum(log_sum(*self._good_or_bad(tally)) - log(2) for tally in parted.values())
        return log(TOGETHER) + free > log1p(-TOGETHER) + self.evidence()

    def evidence(self) -> float:
        """Log of the likelihood of everything that was observed."""
        return self.weigh(sorted({0, self.units, *self.marks()})).evidence()

    def _good_or_bad(self, tally: Tally) -> tuple[float, float]:
        """Logs of the likelihoods of what one revision showed."""
        good = self._false_fail.seen(tally.failed, tally.passed)
        return good.log, self._missed.seen(tally.passed, tally.failed).log

    def keep_whole(self) -> None:
        """What breaks it does so only together: what was seen with something left out is evidence on just that."""
        self.whole_only = True

    def passes(self, revision: Revision) -> float:
        """How likely this very revision is good, by its own runs alone."""
        good, bad = self._good_or_bad(self._seen.get(revision, Tally()))
        return exp(good - log_sum(good, bad))

    def _whole(self) -> Belief:
        found = copy(self)
        found._seen = {revision: tally for revision, tally in self._seen.items() if not revision.without}
        return found

    def marks(self) -> Iterator[int]:
        """Units at which what was observed may begin to differ."""
        for revision in self._seen:
            yield revision.last + 1
            for unit in revision.without:
                yield from (unit, unit + 1)

    def weigh(self, bounds: Sequence[int]) -> Weighed:
        """The evidence by segments; all `marks` are among the bounds, 0 and the number of units too."""
        seen = self._whole()._seen if self.whole_only else self._seen
        in_all = Tally()
        for tally in seen.values():
            in_all.failed += tally.failed
            in_all.passed += tally.passed
        tallies = [*_tallies(bounds, seen), Tally(), in_all]
        likelihood = RatesLikelihood(self._false_fail, self._missed, in_all)
        found = [likelihood.of(tally) for tally in tallies]
        none, old = (1 - ANOTHER, 0.0) if self._named else (NONE, OLD)
        whole = self._weights_to[-1]
        parts = [self._weights_to[end] - self._weights_to[start] for start, end in pairwise(bounds)]
        prior = [part / whole if whole > 0 else 0.0 for part in parts]
        return Weighed(bounds, prior, none, old, self._weights_to, tallies, found, likelihood, self.whole_only)


@dataclass(frozen=True, slots=True)
class Weighed:
    """The evidence on one test by segments, before what other tests say.

    Args:
        prior: of each segment, if a unit is to blame at all; the sum is 1.
        tallies: of each segment, none, and old; `found` likewise: logs of the likelihoods.
    """

    bounds: Sequence[int]
    prior: list[float]
    none: float
    old: float
    weights_to: Sequence[float]
    tallies: list[Tally]
    found: list[tuple[float, float]]
    likelihood: RatesLikelihood
    whole_only: bool

    def spread(self, others: Sequence[float] = ()) -> Spread:
        """The posterior.

        Args:
            others: of each segment, the sum of what other tests by themselves believe of it.
        """
        prior = self.prior
        if others:
            told = OWN_CULPRIT + sum(others)
            prior = [
                (OWN_CULPRIT * own + other) / told if own > 0 else 0.0 for own, other in zip(prior, others, strict=True)
            ]
        logs = self._logs(prior)
        top = max(logs)
        masses = [exp(value - top) for value in logs]
        total = sum(masses)
        masses = [part / total for part in masses]
        segments = tuple(
            Segment(start, end, mass, mass * another)
            for (start, end), mass, (_value, another) in zip(pairwise(self.bounds), masses, self.found, strict=False)
        )
        false_fail, missed = self.likelihood.rates(zip(masses, self.tallies, strict=True))
        return Spread(segments, masses[-2], masses[-1], self.weights_to, false_fail, missed, self.whole_only)

    def evidence(self) -> float:
        """Log of the likelihood of all of it."""
        logs = self._logs(self.prior)
        top = max(logs)
        return top + log(sum(exp(value - top) for value in logs))

    def _logs(self, prior: Sequence[float]) -> list[float]:
        """Priors times likelihoods, logs; of the segments, none, and old."""
        scale = 1 - self.none - self.old
        priors = [*(scale * part for part in prior), self.none, self.old]
        return [
            log(part) + value if part > 0 else -inf for part, (value, _another) in zip(priors, self.found, strict=True)
        ]


def together(beliefs: Sequence[Belief], known: Iterable[int], units: int) -> list[Spread]:
    """The posteriors of tests that may share their culprits.

    Args:
        known: for each culprit of each decided test, a unit; the same unit comes as often as tests were decided so.
    """
    sure = list(known)
    marks = {0, units, *sure, *(unit + 1 for unit in sure)}
    for belief in beliefs:
        marks.update(belief.marks())
    bounds = sorted(marks)
    weighed = [belief.weigh(bounds) for belief in beliefs]
    if len(weighed) + len(sure) < 2 or not weighed:
        return [one.spread() for one in weighed]
    alone = [[segment.mass for segment in one.spread().segments] for one in weighed]
    sums = [sum(column) for column in zip(*alone, strict=True)]
    for unit in sure:
        sums[bisect_left(bounds, unit)] += 1.0
    return [
        one.spread([max(whole - own, 0.0) for whole, own in zip(sums, masses, strict=True)])
        for one, masses in zip(weighed, alone, strict=True)
    ]


@dataclass(slots=True)
class Tally:
    """What runs showed of revisions that are bad under a hypothesis.

    Args:
        removed_failed, removed_passed: of others, that lack its unit but have what comes after.
    """

    failed: int = 0
    passed: int = 0
    removed_failed: int = 0
    removed_passed: int = 0


def _tallies(bounds: Sequence[int], seen: dict[Revision, Tally]) -> list[Tally]:
    """What was seen of revisions with the units of each segment."""
    index = {bound: place for place, bound in enumerate(bounds)}
    failed, passed = [0] * len(bounds), [0] * len(bounds)
    for revision, counts in seen.items():
        place = index[revision.last + 1]
        failed[place] += counts.failed
        passed[place] += counts.passed
    # A revision has every unit before the bound at which it ends.
    failed = list(accumulate(reversed(failed)))[-2::-1]
    passed = list(accumulate(reversed(passed)))[-2::-1]
    tallies = [Tally(*pair) for pair in zip(failed, passed, strict=True)]
    for revision, counts in seen.items():
        for unit in revision.without:
            tally = tallies[index[unit]]
            tally.passed -= counts.passed
            tally.failed -= counts.failed
            tally.removed_passed += counts.passed
            tally.removed_failed += counts.failed
    return tallies


class RatesLikelihood:
    """The likelihood of all that was observed of a test, given what of it was of bad revisions."""

    def __init__(self, false_fail: NoiseRate, missed: NoiseRate, in_all: Tally) -> None:
        self._false_fail, self._missed, self._in_all = false_fail, missed, in_all

    def _log(self, failed: int, passed: int) -> float:
        good = self._false_fail.seen(self._in_all.failed - failed, self._in_all.passed - passed)
        return good.log + self._missed.seen(passed, failed).log

    def of(self, tally: Tally) -> tuple[float, float]:
        """Log of the likelihood; and how likely there is another culprit.

        Where its unit was taken out and what comes after was not, either all is well, or there is another culprit.
        """
        alone = self._log(tally.failed, tally.passed)
        if not tally.removed_failed and not tally.removed_passed:
            return alone, ANOTHER
        alone += log1p(-ANOTHER)
        more = log(ANOTHER)
        more += self._log(tally.failed + tally.removed_failed, tally.passed + tally.removed_passed)
        both = log_sum(alone, more)
        return both, exp(more - both)

    def rates(self, masses: Iterable[tuple[float, Tally]]) -> tuple[float, float]:
        """False-fail and missed-failure rates to expect."""
        false_fail = missed = 0.0
        for mass, tally in masses:
            good = self._false_fail.seen(self._in_all.failed - tally.failed, self._in_all.passed - tally.passed)
            false_fail += mass * good.mean
            missed += mass * self._missed.seen(tally.passed, tally.failed).mean
        return false_fail, missed


def capped(weights: Sequence[float], units: int) -> list[float]:
    """The weights, the small ones raised so that none is more than `WEIGHT_RATIO` times another.

    Raises:
        ValueError: there are not as many as units, or one is negative or not finite.
    """
    if not weights:
        return [1.0] * units
    if len(weights) != units or not all(0 <= weight < inf for weight in weights):
        raise ValueError(f"{units} units need {units} finite weights of 0 or more")
    most = max(weights)
    return [max(weight, most / WEIGHT_RATIO) for weight in weights] if most > 0 else [1.0] * units
