"""Random ranges of units with failing tests, for the gate's search: what is true, and what runs show."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_qacloud.gate.question import UNKNOWN_RATE, FailingTest, Observation
from pytest_qacloud.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_qacloud.gate.question import Beta, Revision, Run
    from pytest_qacloud.gate.search import Search

WITHOUT_CULPRIT, OLD_AMONG = 0.4, 0.25


@dataclass(frozen=True)
class Truth:
    """Why a test failed at head: sets of units that each break it, all of a set together; if none, by chance."""

    causes: tuple[frozenset[int], ...] = ()
    old: bool = False

    def bad(self, revision: Revision) -> bool:
        return self.old or any(all(unit in revision for unit in cause) for cause in self.causes)


@dataclass
class History:
    """A range, and the dice of its runs: the k-th run of a revision shows the same to whoever asks for it."""

    units: int
    truths: dict[str, Truth]
    false_fail: float
    missed_failure: float
    seed: int
    counts: dict[Revision, int] = field(default_factory=dict)

    def run(self, revision: Revision) -> Observation:
        count = self.counts[revision] = self.counts.get(revision, 0) + 1
        dice = random.Random(hash((self.seed, revision.last, *revision.without, -7, count)))
        outcomes = {}
        for name, truth in self.truths.items():
            bad, chance = truth.bad(revision), dice.random()
            failed = chance >= self.missed_failure if bad else chance < self.false_fail
            outcomes[name] = Outcome.BAD if failed else Outcome.GOOD
        return Observation(revision, outcomes)

    def again(self) -> History:
        return History(self.units, self.truths, self.false_fail, self.missed_failure, self.seed)


def draw_single(dice: random.Random, units: int, false_fail: float, missed_failure: float) -> History:
    """One failing test, and one culprit or none: exactly the search's prior."""
    truth = Truth((frozenset({dice.randrange(units)}),))
    if dice.random() < WITHOUT_CULPRIT:
        truth = Truth(old=dice.random() < OLD_AMONG)
    return History(units, {"t0": truth}, false_fail, missed_failure, dice.getrandbits(48))


def draw_mixed(
    dice: random.Random,
    units: int,
    false_fail: float,
    missed_failure: float,
    *,
    tests: int | None = None,
    culprits: int | None = None,
) -> History:
    """1 to 20 failing tests; 40 % of ranges without culprit, others with 1 to 4, each breaking a test of its own.

    Further tests: 1 of 10 failed by chance, 1 of 10 is broken by two culprits each alone, 1 of 10 by two together, and
    the others by one.
    """
    count = tests or dice.randint(1, 20)
    if culprits is None:
        culprits = 0 if dice.random() < WITHOUT_CULPRIT else min(dice.randint(1, 4), count)
        plain = False
    else:
        plain = True
    found = dice.sample(range(units), culprits)
    truths = [Truth((frozenset({unit}),)) for unit in found]
    while len(truths) < count:
        kind = 1.0 if plain else dice.random()
        if not found:
            truths.append(Truth(old=dice.random() < OLD_AMONG))
        elif kind < 0.1:
            truths.append(Truth())
        elif kind < 0.2 and len(found) > 1:
            truths.append(Truth(tuple(frozenset({unit}) for unit in dice.sample(found, 2))))
        elif kind < 0.3 and len(found) > 1:
            truths.append(Truth((frozenset(dice.sample(found, 2)),)))
        else:
            truths.append(Truth((frozenset({dice.choice(found)}),)))
    dice.shuffle(truths)
    named = {f"t{number}": truth for number, truth in enumerate(truths)}
    return History(units, named, false_fail, missed_failure, dice.getrandbits(48))


def learned(dice: random.Random, rate: float, runs: int) -> Beta:
    """What so many earlier runs of a test taught of a rate."""
    hits = sum(dice.random() < rate for _ in range(runs))
    return UNKNOWN_RATE.after(hits, runs - hits)


def question(
    history: History, dice: random.Random, *, runs: int = 100, assumed: tuple[float, float] | None = None
) -> Sequence[FailingTest]:
    """The failing tests, with rates learned from earlier runs, at the true rates or at those assumed."""
    false_fail, missed = assumed or (history.false_fail, history.missed_failure)
    return [
        FailingTest(name, (), learned(dice, false_fail, runs), learned(dice, missed, runs)) for name in history.truths
    ]


def play(search: Search, history: History, pools: int) -> list[Run]:
    """Run what the search asks for until it asks for nothing more; gives all runs in their order."""
    runs: list[Run] = []
    while found := search.next_runs(pools):
        runs += found
        for run in found:
            search.observe(history.run(run.revision))
    return runs
