"""How evenly a cluster's hosts are loaded: the deviation of their loads from the mean, over the mean."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean, pstdev
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Load:
    """What of a host's processor or memory is given out."""

    used: float
    total: float

    def plus(self, amount: float) -> Load:
        """The load with that much more."""
        return Load(self.used + amount, self.total)


@dataclass(frozen=True)
class Measure:
    """How a cluster's settings measure load.

    Args:
        algorithm: `balanced` loads all hosts alike, `condensed` as few as possible.
        free: measure what is left rather than what is used.
        ratio: as a share of the host rather than as an amount.
        threshold: from 0 to 1, how imbalanced the cluster may be.
        skip: condensed: hosts with a larger share than that do not count.
    """

    algorithm: str
    free: bool
    ratio: bool
    threshold: float
    skip: float

    def value(self, load: Load) -> float:
        """A host's load as a number."""
        amount = load.total - load.used if self.free else load.used
        return amount / load.total if self.ratio and load.total else amount

    def imbalance(self, loads: Iterable[Load]) -> float:
        """Standard deviation over mean; not a number where nothing is loaded at all."""
        values = [self.value(load) for load in loads]
        mean = fmean(values) if values else 0.0
        return pstdev(values, mean) / mean if mean else math.nan

    def needs_moves(self, loads: Iterable[Load]) -> bool:
        """Whether the cluster is beyond its threshold."""
        if self.algorithm == "balanced":
            return self.imbalance(loads) > 1 - self.threshold
        return self.imbalance(load for load in loads if not self._skipped(load)) < self.threshold

    def _skipped(self, load: Load) -> bool:
        if self.free:
            return load.total - load.used < self.skip * load.total
        return load.used > self.skip * load.total

    def improvement(self, before: Iterable[Load], after: Iterable[Load]) -> float:
        """How much better a cluster is after a move; negative where it is worse."""
        change = self.imbalance(before) - self.imbalance(after)
        return change if self.algorithm == "balanced" else -change
