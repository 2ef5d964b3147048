"""Which units broke the failing tests, from as few runs as possible: values in, values out.

`Search` is a function of what it is given: the same question and the same observations in the same order give the same
findings and the same next runs, in any process. A gate that was killed makes it again from its journal.

A test is searched until one unit, or none, or old has 99 % of its posterior. A unit is then run once more, and its
parent too: only if both come out as predicted it is named, otherwise what they showed is evidence like any other. What
is named is left out of every later revision, and the search goes on for what may still be wrong.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from ..model import Outcome
from .belief import together
from .choice import best_runs, candidates
from .inquiry import Inquiry
from .question import STABLE, Finding, Posterior, Purpose, Revision, Run, Standing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .question import Culprit, FailingTest, Observation


class Search:
    """The search for the culprits of some failing tests.

    Args:
        units: how many there are between stable and head.
        tests: that failed at head.
        observations: made so far, in their order.
        limit: observations of one test after which it is given up as undecided.

    Raises:
        ValueError: there is no unit, a test comes twice, or its weights are not one for each unit.
    """

    def __init__(
        self, units: int, tests: Sequence[FailingTest], observations: Iterable[Observation] = (), *, limit: int = 200
    ) -> None:
        if units < 1:
            raise ValueError("a search needs a unit")
        self.units = units
        self.head = units - 1
        self._limit = limit
        self._inquiries = {test.name: Inquiry(units, test) for test in tests}
        if len(self._inquiries) < len(tests):
            raise ValueError("a test is asked about twice")
        self._barred: set[int] = set()
        self._believe()
        for observation in observations:
            self.observe(observation)

    def observe(self, observation: Observation) -> None:
        """Take in what one run showed. Outcomes that are UNTESTABLE, and tests not asked about, change nothing."""
        told = False
        for name, inquiry in self._inquiries.items():
            outcome = observation.outcomes.get(name, Outcome.UNTESTABLE)
            if outcome is not Outcome.UNTESTABLE and not inquiry.decided:
                inquiry.see(observation.revision, bad=outcome is Outcome.BAD)
                told = True
        if told:
            self._judge()

    def bar(self, last: int) -> None:
        """No revision that ends with this unit can be run (it does not build): its unit and the next stay together.

        Raises:
            ValueError: it is the head or not among the units.
        """
        if not 0 <= last < self.head:
            raise ValueError(f"unit {last} is not between stable and head")
        self._barred.add(last)
        self._judge()

    def _judge(self) -> None:
        """Draw the conclusions; what is named for one test may decide another."""
        known = -1
        while known != (known := sum(one.lessons for one in self._inquiries.values())):
            self._believe()
            for inquiry in self._undecided:
                inquiry.judge(self._named(), self._barred, self._limit)
        if not self._open or any(one.impatient for one in self._undecided):
            for inquiry in self._undecided:
                inquiry.ask(self.culprits)

    def _believe(self) -> None:
        """Bring the posteriors up to date."""
        undecided = self._undecided
        known = [culprit.units[0] for one in self._inquiries.values() for culprit in one.culprits]
        spreads = together([one.belief for one in undecided], known, self.units)
        for one, spread in zip(undecided, spreads, strict=True):
            one.spread = spread

    @property
    def _undecided(self) -> list[Inquiry]:
        return [one for one in self._inquiries.values() if not one.decided]

    @property
    def _open(self) -> list[Inquiry]:
        return [one for one in self._inquiries.values() if one.standing is Standing.OPEN]

    def _named(self) -> tuple[Culprit, ...]:
        return tuple({culprit.units: culprit for one in self._inquiries.values() for culprit in one.culprits}.values())

    def next_runs(
        self, pools: int, *, running: Iterable[Revision] = (), cost: Callable[[Revision], float] = lambda _revision: 1.0
    ) -> list[Run]:
        """The runs to start now, at most one a pool.

        Empty when all is decided or what is running must end first. If it is empty otherwise, nothing that can be made
        tells more, and tests that are not decided stay so.

        Tests that are settled wait a while for the others before they are confirmed: one pair of runs often does for
        several.

        Args:
            pools: that are free.
            running: revisions under way, whose outcomes are not known yet.
            cost: of a run of a revision, above 0; less for one already built or already on a zone, infinite for one
                that cannot be made.
        """
        under_way = list(running)
        tests = tuple(one.test for one in self._undecided)
        found = [one for one in self._confirming(under_way) if cost(one[0]) < inf][:pools]
        under_way += [revision for revision, _purpose, _gain in found]
        if self._open:
            ends = [end for end in self._ends_unseen(under_way) if cost(end) < inf][: pools - len(found)]
            under_way += ends
            found += [(revision, Purpose.SEARCH, 0.0) for revision in ends]
            found += self._telling(pools - len(found), under_way, cost)
        return [Run(revision, purpose, tests, gain) for revision, purpose, gain in found]

    def _ends_unseen(self, under_way: list[Revision]) -> list[Revision]:
        """Head and stable, where an open test was not repeated on them yet."""
        ends = (Revision(self.head, self.culprits), STABLE)
        return [end for end in ends if end not in under_way and any(one.unsure_of(end) for one in self._open)]

    def _telling(
        self, pools: int, under_way: Sequence[Revision], cost: Callable[[Revision], float]
    ) -> list[tuple[Revision, Purpose, float]]:
        """The runs that tell most of the open tests."""
        spreads, aside = [one.spread for one in self._open], self.culprits
        revisions = candidates(spreads, self._barred, aside, self.units)
        rest = Revision(self.head, aside) if aside else None
        return [
            (revision, Purpose.REMAINDER if revision == rest else Purpose.SEARCH, gain)
            for revision, gain in best_runs(spreads, revisions, under_way, pools, cost)
        ]

    def _confirming(self, under_way: Sequence[Revision]) -> list[tuple[Revision, Purpose, float]]:
        """What the settled tests wait for; and, for pools to spare, what is left without all suspects."""
        settled = [one for one in self._undecided if one.standing is Standing.SETTLED]
        awaited = dict.fromkeys(revision for one in settled for revision in one.awaited)
        found = [(revision, Purpose.CONFIRM, 0.0) for revision in awaited if revision not in under_way]
        rest = Revision(self.head, (*self.culprits, *(unit for one in settled for unit in one.suspect)))
        if not self._open and rest not in under_way and not all(one.belief.seen(rest) for one in settled):
            found.append((rest, Purpose.REMAINDER, 0.0))
        return found

    def finding(self, test: str) -> Finding:
        """Where a test stands."""
        return self._inquiries[test].finding

    def posterior(self, test: str) -> Posterior:
        """What is believed of a test, for people to read."""
        spread = self._inquiries[test].spread
        return Posterior(tuple(spread.per_unit()), spread.none, spread.old)

    @property
    def culprits(self) -> tuple[int, ...]:
        """All units named so far, ascending: those that later revisions leave out."""
        return tuple(sorted({unit for culprit in self._named() for unit in culprit.units}))

    @property
    def done(self) -> bool:
        """Every test is decided."""
        return not self._undecided
