"""A noise rate that is not known but learned: how likely what was seen of it is, and what to expect after it."""

from __future__ import annotations

from math import exp, log, log1p
from typing import NamedTuple

from .question import Beta

FIRM = 8.0
"""Doubt is the square of this over the trials seen (`Beta.strength`). Chosen by measurement: with less doubt, wrong
verdicts are more where the history misleads; with more, every search is longer."""

MOST_DOUBT = 0.5
"""However little was seen."""

ANY = Beta(5.0, 20.0)
"""What is known of a rate where what was learned does not hold: a history is of other revisions and other zones."""


class Seen(NamedTuple):
    """Log of the likelihood of hits and misses in one order; and the rate to expect after them."""

    log: float
    mean: float


class NoiseRate:
    """A rate, the Beta learned of it, and doubt; the rate is integrated out: a sum of two beta-binomials."""

    def __init__(self, learned: Beta) -> None:
        self._learned, self._any = BetaBinomial(learned), BetaBinomial(ANY)
        self._doubt = min(MOST_DOUBT, (FIRM / learned.strength) ** 2)
        self._seen: dict[tuple[int, int], Seen] = {}

    def seen(self, hits: int, misses: int) -> Seen:
        """What so many hits and misses say."""
        found = self._seen.get((hits, misses))
        if found is None:
            found = self._seen[hits, misses] = self._infer(hits, misses)
        return found

    def _infer(self, hits: int, misses: int) -> Seen:
        trusted = log1p(-self._doubt) + self._learned.log(hits, misses)
        doubted = log(self._doubt) + self._any.log(hits, misses)
        both = log_sum(trusted, doubted)
        share = exp(doubted - both)
        mean = (1 - share) * self._learned.rate.after(hits, misses).mean + share * ANY.after(hits, misses).mean
        return Seen(both, mean)


class BetaBinomial:
    """How likely hits and misses are, in one order, at a rate of which a Beta is known."""

    def __init__(self, rate: Beta) -> None:
        self.rate = rate
        self._hits, self._misses = RisingLog(rate.hits), RisingLog(rate.misses)
        self._both = RisingLog(rate.hits + rate.misses)

    def log(self, hits: int, misses: int) -> float:
        """Log of the likelihood."""
        return self._hits.of(hits) + self._misses.of(misses) - self._both.of(hits + misses)


class RisingLog:
    """log of a (a + 1) … (a + k - 1), for one a and any k."""

    def __init__(self, a: float) -> None:
        self._a = a
        self._values = [0.0]

    def of(self, k: int) -> float:
        """The value for k."""
        values = self._values
        while len(values) <= k:
            values.append(values[-1] + log(self._a + len(values) - 1))
        return values[k]


def log_sum(one: float, other: float) -> float:
    """log(exp(one) + exp(other))."""
    return max(one, other) + log1p(exp(-abs(one - other)))
