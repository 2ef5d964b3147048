"""Which revisions to run next: those expected to tell most, taken together, for their cost.

What a set of runs tells is the mutual information between each test's culprit and that test's outcomes in all of these
runs, summed over the tests. It is submodular (the outcomes are independent once the culprit is known), so taking the
best next run one at a time is within 1 - 1/e of the best set (G. Nemhauser, L. Wolsey, M. Fisher, 1978; A. Krause,
C. Guestrin, "Near-optimal nonmyopic value of information in graphical models", 2005), and a gain once computed is an
upper bound later on, so few are computed again (M. Minoux, 1978).

A posterior's median is not what tells most: with noise it may be a revision already run twice, beside a suspect that
needs one more look, and all pools would be sent to the same place.
"""

from __future__ import annotations

from bisect import bisect_right
from heapq import heapify, heapreplace
from itertools import pairwise
from math import inf, log2
from typing import TYPE_CHECKING

from .question import Revision

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from .spread import Spread

NEGLIGIBLE = 1e-3
"""Joint outcomes less likely than this are left out of the sums."""

SUSPECT = 0.2
"""A posterior from which it may pay to run everything without a unit."""

AFFORDABLE = 64
"""Tests times joint outcomes up to which a choice is reconsidered when it is complete."""

WORTH = 1e-3
"""Bits below which a pool is better left idle."""

TRIFLE = 1e-6
"""Bits that are no reason to reconsider."""

LEVELS = 24
"""Candidates inside one test's posterior: as many quantiles; fewer each where there are several tests."""


def entropy(p: float) -> float:
    """Of a bit that is 1 with probability p, in bits."""
    return 0.0 if p <= 0.0 or p >= 1.0 else -p * log2(p) - (1 - p) * log2(1 - p)


class JointOutcomes:
    """The outcomes of one test in runs not yet made, and what one more would tell.

    The runs chosen cut the posterior's line into cells. Each row is one combination of their outcomes: its probability;
    its likelihood in each cell; and its joint probability with all that comes before each cell.
    """

    def __init__(self, spread: Spread) -> None:
        self._fail_if_bad, self._fail_if_good = 1 - spread.missed_failure, spread.false_fail
        self._noise_bad, self._noise_good = entropy(spread.missed_failure), entropy(spread.false_fail)
        self._edges = [0.0, 1.0]
        self._rows: list[tuple[float, list[float], list[float]]] = [(1.0, [1.0], [0.0])]

    def gain(self, cuts: Sequence[float]) -> float:
        """Bits that a run says, beyond those chosen, of a revision that is bad between these cuts (`Spread.cuts`)."""
        places: list[tuple[int, float, float]] = []
        bad, sign = 0.0, 1.0
        for cut in cuts:
            place = min(bisect_right(self._edges, cut), len(self._edges) - 1) - 1
            places.append((place, sign * (cut - self._edges[place]), sign))
            bad += sign * cut
            sign = -sign
        good_fails, slope = self._fail_if_good, self._fail_if_bad - self._fail_if_good
        told = 0.0
        for likely, likelihoods, before in self._rows:
            joint = 0.0
            for place, inside, sign in places:
                joint += sign * before[place] + inside * likelihoods[place]
            fails = good_fails + slope * joint / likely
            if 0.0 < fails < 1.0:
                told -= likely * (fails * log2(fails) + (1 - fails) * log2(1 - fails))
        return told - bad * self._noise_bad - (1 - bad) * self._noise_good

    def choose(self, cuts: Sequence[float]) -> None:
        """A run of such a revision will be made."""
        edges = sorted({*self._edges, *cuts})
        middles = [(low + high) / 2 for low, high in pairwise(edges)]
        parents = [bisect_right(self._edges, middle) - 1 for middle in middles]
        bad = [bisect_right(cuts, middle) % 2 == 0 for middle in middles]
        rows: list[tuple[float, list[float], list[float]]] = []
        for _likely, likelihoods, _before in self._rows:
            for fails in (True, False):
                if_bad = self._fail_if_bad if fails else 1 - self._fail_if_bad
                if_good = self._fail_if_good if fails else 1 - self._fail_if_good
                row = [
                    likelihoods[parent] * (if_bad if is_bad else if_good)
                    for parent, is_bad in zip(parents, bad, strict=True)
                ]
                total, before = 0.0, []
                for value, (low, high) in zip(row, pairwise(edges), strict=True):
                    before.append(total)
                    total += value * (high - low)
                if total > NEGLIGIBLE:
                    rows.append((total, row, before))
        self._edges, self._rows = edges, rows


def candidates(spreads: Sequence[Spread], barred: Collection[int], aside: Sequence[int], units: int) -> list[Revision]:
    """The revisions worth a thought, without duplicates, in a fixed order.

    These end on both sides of each suspect, and at quantiles of the posteriors: between two of these they tell nearly
    the same as one of them. Others are head without one suspect, and without all tests' suspects: where they pass, what
    was taken out is guilty, whatever comes before and after it, so they tell as much as the two beside the suspect.

    Args:
        barred: units that no revision may end with.
        aside: units that every revision leaves out.
    """
    ends = {-1, units - 1}
    levels = LEVELS if len(spreads) == 1 else max(3, LEVELS // len(spreads))
    suspects: set[int] = set()
    for spread in spreads:
        for segment in spread.segments:
            if segment.mass > 0.01:
                ends |= {segment.start - 1, segment.end - 1}
            if segment.mass > SUSPECT and segment.end == segment.start + 1 and segment.start not in aside:
                suspects.add(segment.start)
        low, high = spread.old, 1 - spread.none
        ends.update(spread.quantile(low + (high - low) * step / levels) for step in range(1, levels))
    found = {Revision(end, tuple(aside)): None for end in sorted(ends) if end not in barred}
    if any(spread.whole_only for spread in spreads):
        found |= {Revision(end): None for end in sorted(ends) if end not in barred}
    found |= {Revision(units - 1, (*aside, suspect)): None for suspect in sorted(suspects)}
    if suspects:
        found[Revision(units - 1, (*aside, *suspects))] = None
    return list(found)


def best_runs(
    spreads: Sequence[Spread],
    revisions: Sequence[Revision],
    running: Sequence[Revision],
    wanted: int,
    cost: Callable[[Revision], float],
) -> list[tuple[Revision, float]]:
    """The revisions to run next, each with its gain in bits given those before it; the same may come twice.

    Args:
        revisions: the candidates.
        running: revisions under way.
        cost: infinite for one that cannot be made.
    """
    options = [Option(revision, cost(revision), spreads) for revision in revisions]
    options = [option for option in options if option.cost < inf]
    base = [Option(revision, 1.0, spreads) for revision in running]
    chosen = _greedy(spreads, options, base, wanted)
    if len(chosen) > 1 and len(spreads) << (len(base) + wanted) <= AFFORDABLE:
        chosen = _exchanged(spreads, options, base, chosen)
    joint = Joint(spreads, base)
    found: list[tuple[Revision, float]] = []
    for option in chosen:
        if (gain := joint.gain(option)) >= WORTH:
            found.append((option.revision, gain))
            joint.choose(option)
    return found


class Option:
    """A candidate, its cost, and where it is bad for each test."""

    def __init__(self, revision: Revision, cost: float, spreads: Sequence[Spread]) -> None:
        self.revision, self.cost = revision, cost
        self.cuts = [spread.cuts(revision) for spread in spreads]


class Joint:
    """What is chosen so far, for all tests."""

    def __init__(self, spreads: Sequence[Spread], options: Iterable[Option] = ()) -> None:
        self._tests = [JointOutcomes(spread) for spread in spreads]
        for option in options:
            self.choose(option)

    def gain(self, option: Option) -> float:
        """Bits over all tests that it says beyond what is chosen."""
        return sum(test.gain(cuts) for test, cuts in zip(self._tests, option.cuts, strict=True))

    def choose(self, option: Option) -> None:
        """It will be run."""
        for test, cuts in zip(self._tests, option.cuts, strict=True):
            test.choose(cuts)


def _greedy(spreads: Sequence[Spread], options: Sequence[Option], base: Sequence[Option], wanted: int) -> list[Option]:
    """One after the other, each that tells most for its cost given those before it."""
    joint = Joint(spreads, base)
    heap = [(-joint.gain(option) / option.cost, place, 0) for place, option in enumerate(options)]
    heapify(heap)
    chosen: list[Option] = []
    while heap and len(chosen) < wanted:
        _value, place, computed = heap[0]
        option = options[place]
        if computed < len(chosen):
            heapreplace(heap, (-joint.gain(option) / option.cost, place, len(chosen)))
            continue
        chosen.append(option)
        joint.choose(option)
    return chosen


def _exchanged(
    spreads: Sequence[Spread], options: Sequence[Option], base: Sequence[Option], chosen: Sequence[Option]
) -> list[Option]:
    """The same with each in turn replaced by what tells more given the others: the first were taken without them."""
    found = list(chosen)
    for place in range(len(found)):
        joint = Joint(spreads, [*base, *found[:place], *found[place + 1 :]])
        values = [joint.gain(option) / option.cost for option in options]
        best = max(range(len(options)), key=values.__getitem__)
        if values[best] > joint.gain(found[place]) / found[place].cost + TRIFLE:
            found[place] = options[best]
    return found
