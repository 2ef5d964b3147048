"""Which units broke the failing tests, from as few runs as possible: values in, values out.

`Search` is a function of what it is given: the same question and the same observations in the same order give the same
findings and the same next runs, in any process. A gate that was killed makes it again from its journal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .question import FailingTest, Finding, Observation, Posterior, Revision, Run


class Search:
    """The search for the culprits of some failing tests.

    Args:
        units: how many there are between stable and head.
        tests: that failed at head.
        observations: made so far, in their order.
        limit: observations of one test after which it is given up as undecided.
    """

    def __init__(
        self, units: int, tests: Sequence[FailingTest], observations: Iterable[Observation] = (), *, limit: int = 100
    ) -> None:
        raise NotImplementedError

    def observe(self, observation: Observation) -> None:
        """Take in what one run showed. Outcomes that are UNTESTABLE, and tests not asked about, change nothing."""
        raise NotImplementedError

    def bar(self, last: int) -> None:
        """No revision that ends with this unit can be run (it does not build): its unit and the next stay together."""
        raise NotImplementedError

    def next_runs(
        self, pools: int, *, running: Iterable[Revision] = (), cost: Callable[[Revision], float] = lambda _revision: 1.0
    ) -> list[Run]:
        """The runs to start now, at most one a pool; empty when all is decided, or what is running must end first.

        Args:
            pools: that are free.
            running: revisions under way, whose outcomes are not known yet.
            cost: of a run of a revision, above 0; less for one already built or already on a zone.
        """
        raise NotImplementedError

    def finding(self, test: str) -> Finding:
        """Where a test stands."""
        raise NotImplementedError

    def posterior(self, test: str) -> Posterior:
        """What is believed of a test, for people to read."""
        raise NotImplementedError

    @property
    def culprits(self) -> tuple[int, ...]:
        """All units named so far, ascending: those that later revisions leave out."""
        raise NotImplementedError

    @property
    def done(self) -> bool:
        """Every test is decided."""
        raise NotImplementedError
