"""A posterior over the units, by segments of units that nothing observed tells apart."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .question import Revision

DIGITS = 12
"""Places on the line are rounded, so that a place reached by two sums is one."""

TRIFLE = 1e-9
"""A stretch of the line that is not worth a cut."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Units `start` to `end - 1`.

    Args:
        mass: the posterior of them all.
        another: the part of it that goes with a second culprit, somewhere after the first.
    """

    start: int
    end: int
    mass: float
    another: float


@dataclass(frozen=True)
class Spread:
    """A posterior by segments, in order and without gaps; `none`, `old` and all masses add up to 1.

    It is laid out on a line from 0 to 1: first old, then the units in their order, then none.

    Args:
        weights_to: sums of the units' weights before unit 0, 1, … n: how the mass of a segment spreads over its units.
        false_fail, missed_failure: the rates now expected.
        whole_only: it is good where any unit is left out, since it is broken by several together.
    """

    segments: tuple[Segment, ...]
    none: float
    old: float
    weights_to: Sequence[float]
    false_fail: float
    missed_failure: float
    whole_only: bool = False

    @cached_property
    def _starts(self) -> list[int]:
        return [segment.start for segment in self.segments]

    @cached_property
    def _before(self) -> list[float]:
        return list(accumulate((segment.mass for segment in self.segments), initial=self.old))

    def upto(self, last: int) -> float:
        """Where a unit ends on the line; where old ends for -1."""
        if last < 0:
            return round(self.old, DIGITS)
        place = bisect_right(self._starts, last) - 1
        segment = self.segments[place]
        end = self._before[place] + segment.mass * self._share(segment, last + 1)
        return min(round(end, DIGITS), 1.0)

    def _share(self, segment: Segment, end: int) -> float:
        """The part of a segment's mass that lies before a unit of it."""
        if end >= segment.end:
            return 1.0
        before = self.weights_to[segment.start]
        whole = self.weights_to[segment.end] - before
        return (self.weights_to[end] - before) / whole if whole > 0 else 1.0

    def cuts(self, revision: Revision) -> tuple[float, ...]:
        """Where on the line a revision is bad: from 0 to the first cut, from the second to the third, and so on."""
        if self.whole_only and revision.without:
            return (0.0,)
        found: list[float] = []
        for unit in revision.without:
            end = self.upto(unit)
            start = min(end, round(self.upto(unit - 1) + self._another(unit), DIGITS))
            if end - start > TRIFLE:
                if found and start - found[-1] <= TRIFLE:
                    found.pop()
                else:
                    found.append(start)
                found.append(end)
        end = self.upto(revision.last)
        if found and end - found[-1] <= TRIFLE:
            found.pop()
        else:
            found.append(end)
        return tuple(found)

    def _another(self, unit: int) -> float:
        """The mass of this unit and another one being culprits."""
        segment = self.segments[bisect_right(self._starts, unit) - 1]
        return segment.another * (self._share(segment, unit + 1) - self._share(segment, unit))

    def bad(self, revision: Revision) -> float:
        """How likely a revision is bad for the test."""
        cuts = self.cuts(revision)
        return sum(cuts[0::2]) - sum(cuts[1::2])

    def quantile(self, level: float) -> int:
        """The unit at this place of the line; the last one if there is none, the first for old."""
        place = bisect_right(self._before, level) - 1
        if place >= len(self.segments):
            return len(self.weights_to) - 2
        segment = self.segments[max(place, 0)]
        low, high = segment.start, segment.end - 1
        while low < high:
            middle = (low + high) // 2
            if self.upto(middle) >= level:
                high = middle
            else:
                low = middle + 1
        return low

    def per_unit(self) -> list[float]:
        """The posterior of each unit."""
        found: list[float] = []
        for segment in self.segments:
            before = self.weights_to[segment.start]
            whole = self.weights_to[segment.end] - before
            for unit in range(segment.start, segment.end):
                weight = self.weights_to[unit + 1] - self.weights_to[unit]
                found.append(segment.mass * weight / whole if whole > 0 else 0.0)
        return found
