"""What the search is asked, what it is told, and what it answers: frozen values.

Units are the candidates between the stable build and staging's head, numbered from 0 in their order. Whatever a unit
is made of (a commit, a merge), only the caller knows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..model import Outcome

STABLE_END = -1
"""`Revision.last` of the stable build itself."""


@dataclass(frozen=True, slots=True, order=True)
class Revision:
    """Stable plus the units 0 to `last`, but those in `without`.

    Two revisions of the same units are equal however they were asked for: units in `without` that come after `last`
    are dropped, and `last` is always in.
    """

    last: int
    without: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        last, out = self.last, set(self.without)
        while last in out:
            last -= 1
        object.__setattr__(self, "last", last)
        object.__setattr__(self, "without", tuple(sorted(unit for unit in out if 0 <= unit < last)))

    def __contains__(self, unit: int) -> bool:
        return 0 <= unit <= self.last and unit not in self.without


STABLE = Revision(STABLE_END)


@dataclass(frozen=True, slots=True)
class Observation:
    """What one run of a revision on one zone showed.

    Args:
        outcomes: per test, by name. UNTESTABLE ones are no observation; tests that did not run are left out.
    """

    revision: Revision
    outcomes: Mapping[str, Outcome]


@dataclass(frozen=True, slots=True)
class Beta:
    """What is known of a rate: as if `hits` of `hits + misses` trials had been hits. Both above 0, fractions too."""

    hits: float
    misses: float

    @property
    def mean(self) -> float:
        """The expected rate."""
        return self.hits / self.strength

    @property
    def strength(self) -> float:
        """As if so many trials had been seen."""
        return self.hits + self.misses

    def after(self, hits: int, misses: int) -> Beta:
        """The same after so many more trials, such as the runs of a test in the journal."""
        return Beta(self.hits + hits, self.misses + misses)


UNKNOWN_RATE = Beta(0.25, 4.75)
"""A rate of which nothing was seen: .05 on average, and soon overruled by what is seen."""


@dataclass(frozen=True, slots=True)
class FailingTest:
    """A test that failed at head.

    That failure is no observation: it is why there is a question, and the priors are what is believed after it.

    Args:
        name: pytest's node id.
        weights: how suspect each unit is beforehand, one for each unit, in any scale; all the same if empty. The search
            caps how much they may differ.
        false_fail: how often it fails on a revision that is good for it.
        missed_failure: how often it passes on one that is bad for it.
    """

    name: str
    weights: tuple[float, ...] = ()
    false_fail: Beta = UNKNOWN_RATE
    missed_failure: Beta = UNKNOWN_RATE


class Standing(StrEnum):
    """What the search says of a failing test."""

    OPEN = "open"
    """There is more to run."""
    SETTLED = "settled"
    """One unit is as good as sure; it and its parent are being run once more."""
    NAMED = "named"
    """Its culprits are confirmed, and without them it passes."""
    FLAKY = "flaky"
    """No unit broke it: it passes at head."""
    OLD = "old"
    """It fails at stable too."""
    UNDECIDED = "undecided"
    """It ran as often as allowed, and what it showed is too contradictory to say. Nobody new is blamed."""


@dataclass(frozen=True, slots=True)
class Culprit:
    """A unit that broke a test, and the two runs that confirmed it.

    Args:
        units: one; several only where no revision between them can be run: then it is one or more of these.
        child: the revision with it, seen to fail.
        parent: the same without it, seen to pass.
        posterior: that it is to blame, when it was named.
    """

    units: tuple[int, ...]
    child: Revision
    parent: Revision
    posterior: float = 1.0


@dataclass(frozen=True, slots=True)
class Posterior:
    """What is believed of one test; all add up to 1.

    Args:
        units: per unit, that it is the first culprit in what is left when those already named are removed.
        none: that nothing is wrong with what is left.
        old: that it was broken in stable already.
    """

    units: tuple[float, ...]
    none: float
    old: float


@dataclass(frozen=True, slots=True)
class Finding:
    """Where one test stands.

    Args:
        culprits: confirmed ones, in the order of their naming. They may be there while `standing` is OPEN: then it is
            not yet known whether there are more.
        suspect: units that the search takes for the next culprit, while SETTLED; else empty.
        runs: observations of it so far.
    """

    test: str
    standing: Standing
    culprits: tuple[Culprit, ...] = ()
    suspect: tuple[int, ...] = ()
    runs: int = 0


class Purpose(StrEnum):
    """Why a run is asked for."""

    SEARCH = "search"
    CONFIRM = "confirm"
    """Of a settled test's suspect, or of its parent."""
    REMAINDER = "remainder"
    """Everything but the culprits named so far: is there another?"""


@dataclass(frozen=True, slots=True)
class Run:
    """A run worth having next.

    Args:
        tests: names of those to run: all that are not decided.
        gain: bits expected from it over all tests, given the others of its round.
    """

    revision: Revision
    purpose: Purpose
    tests: tuple[str, ...] = field(repr=False)
    gain: float = 0.0
