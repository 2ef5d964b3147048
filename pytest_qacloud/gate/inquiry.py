"""One failing test's way from open to decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .belief import Belief
from .question import Culprit, Finding, Revision, Standing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from .question import FailingTest
    from .spread import Segment, Spread

SURE = 0.99
"""The posterior at which a test is settled."""

PATIENCE = 8
"""Observations for which a settled test waits for those that are open: most are settled by then, and one pair of
confirming runs often does for several."""

DECIDED = frozenset({Standing.NAMED, Standing.FLAKY, Standing.OLD, Standing.UNDECIDED})


class Inquiry:
    """What was observed of one test, and what was concluded."""

    spread: Spread
    """Its posterior, kept up to date by the search until it is decided."""

    def __init__(self, units: int, test: FailingTest) -> None:
        self.test = test.name
        self.belief = Belief(units, test)
        self.standing = Standing.OPEN
        self.culprits: list[Culprit] = []
        self.suspect: tuple[int, ...] = ()
        self.lessons = 0
        self._head = units - 1
        self._runs = self._settled_at = 0
        self._predicted: dict[Revision, bool] = {}
        self._confirmed: set[Revision] = set()

    @property
    def decided(self) -> bool:
        """It needs no more runs."""
        return self.standing in DECIDED

    @property
    def finding(self) -> Finding:
        """Where it stands."""
        return Finding(self.test, self.standing, tuple(self.culprits), self.suspect, self._runs)

    @property
    def impatient(self) -> bool:
        """It has been settled for so long that it waits no more for the others."""
        return self.standing is Standing.SETTLED and self._runs - self._settled_at >= PATIENCE

    @property
    def awaited(self) -> list[Revision]:
        """The confirming runs that are missing: of the suspect, of its parent."""
        return [revision for revision in self._predicted if revision not in self._confirmed]

    def see(self, revision: Revision, *, bad: bool) -> None:
        """Take in one outcome; one that is not as predicted makes both confirming runs necessary again."""
        self._runs += 1
        self.belief.see(revision, bad=bad)
        if revision in self._predicted:
            if self._predicted[revision] is bad:
                self._confirmed.add(revision)
            else:
                self._confirmed.clear()

    def judge(self, named: Collection[Culprit], barred: Collection[int], limit: int) -> None:
        """Conclude what can be concluded.

        Args:
            named: for whatever test.
            barred: units that no revision can end with.
            limit: observations after which it is given up.
        """
        aside = [unit for culprit in named for unit in culprit.units]
        suspect = _suspect(self.spread.segments, barred)
        if suspect:
            self._settle(suspect, named)
        elif self.spread.old >= SURE:
            self._decide(Standing.OLD)
        elif self._passes(Revision(self._head, tuple(aside))) >= SURE:
            self._acquit(named)
        else:
            self._decide(Standing.OPEN)
            self._doubt()
        if self._runs >= limit and not self.decided:
            self._decide(Standing.UNDECIDED)

    def _settle(self, suspect: tuple[int, ...], named: Iterable[Culprit]) -> None:
        """Name the suspect if it is confirmed, or was for another test."""
        if suspect != self.suspect:
            self._predicted, self._confirmed = {}, set()
        known = next((culprit for culprit in named if set(suspect) & set(culprit.units)), None)
        if known is None and self._predicted and not self.awaited:
            child, parent = self._predicted
            per_unit = self.spread.per_unit()
            known = Culprit(suspect, child, parent, min(1.0, sum(per_unit[unit] for unit in suspect)))
        if known is None:
            if self.standing is not Standing.SETTLED:
                self._settled_at = self._runs
            self.standing, self.suspect = Standing.SETTLED, suspect
        else:
            self._name(known)

    def ask(self, aside: tuple[int, ...]) -> None:
        """Ask for the confirming runs of the suspect, if there is one and they are not asked for yet."""
        if self.suspect and not self._predicted:
            child, parent = Revision(self.suspect[-1], aside), Revision(self.suspect[0] - 1, aside)
            self._predicted = {child: True, parent: False}

    def _passes(self, rest: Revision) -> float:
        """How likely it is good on what is left."""
        return self.belief.passes(rest) if self.spread.whole_only and rest.without else 1 - self.spread.bad(rest)

    def unsure_of(self, rest: Revision) -> bool:
        """Only runs of this very revision can say whether it is good for the test."""
        if not self.belief.seen(rest):
            return not self.culprits
        return self.spread.whole_only and bool(rest.without) and 1 - SURE < self.belief.passes(rest) < SURE

    def _acquit(self, named: Collection[Culprit]) -> None:
        """It passes on what is left: it never was broken, or is not any more, now that something is left out.

        In that case it was broken by units that do so only together, and is cured if one of them is named already.
        """
        if self._doubt():
            return
        if named and not self.culprits and self.spread.none < 0.5:
            per_unit = self.spread.per_unit()
            self._name(max(named, key=lambda culprit: (sum(per_unit[unit] for unit in culprit.units), culprit.units)))
        self._decide(Standing.NAMED if self.culprits else Standing.FLAKY)

    def _doubt(self) -> bool:
        """Think again, where one unit by itself explains badly what was seen."""
        if self.spread.whole_only or not self.belief.contradictory:
            return False
        self.lessons += 1
        self.belief.keep_whole()
        self._decide(Standing.OPEN)
        return True

    def _name(self, culprit: Culprit) -> None:
        self.lessons += 1
        self.culprits.append(culprit)
        self.belief.name(culprit.units)
        self._decide(Standing.OPEN)

    def _decide(self, standing: Standing) -> None:
        self.standing, self.suspect = standing, ()
        self._predicted, self._confirmed = {}, set()


def _suspect(segments: Sequence[Segment], barred: Collection[int]) -> tuple[int, ...]:
    """The unit that is as good as sure to be the culprit, with those that cannot be told from it; empty if none is."""
    start, mass = 0, 0.0
    for segment in segments:
        mass += segment.mass
        if segment.end - 1 in barred:
            continue
        if mass >= SURE and all(unit in barred for unit in range(start, segment.end - 1)):
            return tuple(range(start, segment.end))
        start, mass = segment.end, 0.0
    return ()
