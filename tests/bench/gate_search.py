"""How many runs the gate's search takes and how often it is right, beside `git bisect` and three votes, and the bound.

Run by hand:

    python tests/bench/gate_search.py [--quick] [--repeats 400] [--seed 1] [--processes 2]

A cell is a number of units, a false-fail and a missed-failure rate, and a number of pools. In each, two kinds of ranges
are drawn (`tests/helpers/gate_histories.py` draws them):

single  One test failed at head. In 40 % of the ranges no unit broke it: in 3 of 4 of these it failed by chance, else it
        is old. In the others one unit did, each as likely. The search's prior is the same, so the bound holds for it.
mixed   1 to 20 tests failed, each number as likely. 40 % of the ranges have no culprit. The others have 1 to 4, each
        breaks a test of its own, and of the further tests 1 of 10 failed by chance, 1 of 10 is broken by two culprits
        each alone, 1 of 10 by two only together, and the others by one.

eight   8 failing tests, 3 culprits, each test broken by one of them.
wrong   As single, but what the search has learned of the rates is wrong.

The rates known to the search are those learned of 100 earlier runs of each kind, drawn at the true rates; of 20 runs
drawn at .05, both rates, where they are wrong.

Run      One revision on one zone, all undecided tests at once. Counted are runs of the search; apart, those that
         confirm (a settled suspect and its parent), and those of what is left when all culprits are out, which only ask
         whether there is another culprit: that tree must pass all suites anyway before it is promoted.
Round    What the pools run at the same time, if there is a run of the search among it.
Right    Of one failing test: old or flaky, if it is. Else: named, at least one of its culprits and nobody else, and it
         passes on what is left when everything named for whatever test is out.
Innocent A unit was named that breaks no test, alone or with others; counted by ranges.
Bound    Entropy of what is unknown of a single test (chance, old, or which unit), over the capacity of one run as a
         binary channel with these rates (C. Shannon, 1948; for searches: M. Burnashev, K. Zigangirov, 1974).

Both bisections are given the first step too, which `git bisect` leaves to the user: they repeat the failing tests at
head and at stable. They run for each test apart, but a run made for one test serves the others. Three votes: each
revision three times, the majority counts. They see the same outcomes: the k-th run of a revision is the same for all.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from math import log2
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))

from gate_histories import OLD_AMONG, WITHOUT_CULPRIT, draw_mixed, draw_single, question

from pytest_qacloud.gate.choice import entropy
from pytest_qacloud.gate.question import STABLE, Purpose, Revision, Standing
from pytest_qacloud.gate.search import Search
from pytest_qacloud.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gate_histories import History

UNITS, FALSE_FAIL, MISSED, POOLS = (16, 64, 256, 1024), (0.0, 0.02, 0.05, 0.1, 0.2), (0.0, 0.02, 0.1), (1, 4)


@dataclass(frozen=True)
class Cell:
    """What is measured: `kind` is single, mixed, eight (8 tests, 3 culprits), or wrong (rates assumed .05)."""

    kind: str
    units: int
    false_fail: float
    missed: float
    pools: int

    @property
    def bound(self) -> float:
        """Runs that no search can do without, on average."""
        old, chance = WITHOUT_CULPRIT * OLD_AMONG, WITHOUT_CULPRIT * (1 - OLD_AMONG)
        unknown = -sum(p * log2(p) for p in (old, chance)) - (1 - old - chance) * log2((1 - old - chance) / self.units)
        f, m = self.false_fail, self.missed
        told = (entropy(q * (1 - m) + (1 - q) * f) - q * entropy(m) - (1 - q) * entropy(f) for q in _grid())
        return unknown / max(told)


def _grid() -> Iterable[float]:
    return (step / 1000 for step in range(1, 1000))


@dataclass
class Score:
    """Sums over ranges."""

    ranges: int = 0
    tests: int = 0
    right: int = 0
    innocent: int = 0
    runs: int = 0
    rounds: int = 0
    confirming: int = 0
    remainder: int = 0

    def add(self, history: History, verdicts: dict[str, tuple[Standing, frozenset[int]]]) -> None:
        """Judge the verdicts on one range."""
        blamed = frozenset[int]().union(*(units for _standing, units in verdicts.values()))
        guilty = {unit for truth in history.truths.values() for cause in truth.causes for unit in cause}
        rest = Revision(history.units - 1, tuple(blamed))
        self.ranges += 1
        self.tests += len(history.truths)
        self.innocent += not blamed <= guilty
        for name, truth in history.truths.items():
            standing, units = verdicts[name]
            if truth.old or not truth.causes:
                self.right += standing is (Standing.OLD if truth.old else Standing.FLAKY)
            else:
                own = {unit for cause in truth.causes for unit in cause}
                self.right += standing is Standing.NAMED and bool(units) and units <= own and not truth.bad(rest)

    def mean(self, name: str) -> float:
        """Of a count, per range."""
        return float(getattr(self, name)) / self.ranges


@dataclass
class Result:
    """Of one cell: the search, and where pools are 1 both bisections."""

    cell: Cell
    search: Score = field(default_factory=Score)
    bisect: Score = field(default_factory=Score)
    votes: Score = field(default_factory=Score)


def draw(cell: Cell, dice: random.Random) -> History:
    """One range of a cell."""
    if cell.kind == "mixed":
        return draw_mixed(dice, cell.units, cell.false_fail, cell.missed)
    if cell.kind == "eight":
        return draw_mixed(dice, cell.units, cell.false_fail, cell.missed, tests=8, culprits=3)
    return draw_single(dice, cell.units, cell.false_fail, cell.missed)


def measure(cell: Cell, repeats: int, seed: int) -> Result:
    """All sides on the same ranges."""
    result = Result(cell)
    dice = random.Random(f"{seed} {cell}")
    for _ in range(repeats):
        history = draw(cell, dice)
        tests = question(history, dice, runs=20 if cell.kind == "wrong" else 100, assumed=_assumed(cell))
        searched(Search(cell.units, tests), history.again(), cell.pools, result.search)
        if cell.pools == 1:
            bisected(history.again(), 1, result.bisect)
            bisected(history.again(), 3, result.votes)
    return result


def _assumed(cell: Cell) -> tuple[float, float] | None:
    return (0.05, 0.05) if cell.kind == "wrong" else None


def searched(search: Search, history: History, pools: int, score: Score) -> None:
    """One range by the search."""
    while found := search.next_runs(pools):
        purposes = [run.purpose for run in found]
        score.runs += purposes.count(Purpose.SEARCH)
        score.confirming += purposes.count(Purpose.CONFIRM)
        score.remainder += purposes.count(Purpose.REMAINDER)
        score.rounds += Purpose.SEARCH in purposes
        for run in found:
            search.observe(history.run(run.revision))
    findings = {name: search.finding(name) for name in history.truths}
    score.add(
        history,
        {
            name: (one.standing, frozenset(unit for culprit in one.culprits for unit in culprit.units))
            for name, one in findings.items()
        },
    )


def bisected(history: History, votes: int, score: Score) -> None:
    """One range by bisection, after a look at head and stable."""
    seen: dict[Revision, dict[str, bool]] = {}

    def bad(test: str, revision: Revision) -> bool:
        if revision not in seen:
            runs = [history.run(revision).outcomes for _ in range(votes)]
            seen[revision] = {
                name: sum(run[name] is Outcome.BAD for run in runs) * 2 > votes for name in history.truths
            }
        return seen[revision][test]

    verdicts = {name: _bisect(history.units, partial(bad, name)) for name in history.truths}
    score.add(history, verdicts)
    score.runs += votes * len(seen)


def _bisect(units: int, bad: Callable[[Revision], bool]) -> tuple[Standing, frozenset[int]]:
    if not bad(Revision(units - 1)):
        return Standing.FLAKY, frozenset()
    if bad(STABLE):
        return Standing.OLD, frozenset()
    good_end, bad_end = -1, units - 1
    while bad_end - good_end > 1:
        middle = (good_end + bad_end) // 2
        if bad(Revision(middle)):
            bad_end = middle
        else:
            good_end = middle
    return Standing.NAMED, frozenset({bad_end})


def choosing_ms(seed: int) -> float:
    """The longest choice of a search of 1024 units, 20 tests, 8 pools, milliseconds of CPU time."""
    dice = random.Random(seed)
    worst = 0.0
    for _ in range(3):
        history = draw_mixed(dice, 1024, 0.05, 0.05, tests=20, culprits=4)
        search, found = Search(1024, question(history, dice)), True
        while found:
            began = time.process_time()
            runs = search.next_runs(8)
            worst, found = max(worst, time.process_time() - began), bool(runs)
            for run in runs:
                search.observe(history.run(run.revision))
    return worst * 1000


def all_cells(*, quick: bool) -> list[tuple[Cell, float]]:
    """The cells, each with the share of the repeats it gets."""
    units, rates, missed = (UNITS, FALSE_FAIL, MISSED) if not quick else ((64,), (0.0, 0.1, 0.2), (0.02, 0.1))
    cells = [(Cell("single", *rest), 1.0) for rest in product(units, rates, missed, POOLS)]
    if quick:
        cells += [(Cell("mixed", 64, f, 0.02, pools), 0.3) for f, pools in product((0.05, 0.2), POOLS)]
    else:
        cells += [(Cell("mixed", *rest), 1.0) for rest in product(units, rates, missed, POOLS)]
    cells += [(Cell("eight", 64, 0.05, m, 1), 0.5 if quick else 1.0) for m in ((0.02,) if quick else (0.0, 0.02, 0.05))]
    return [*cells, (Cell("wrong", 64, 0.2, 0.2, 1), 1.0), (Cell("wrong", 64, 0.2, 0.05, 1), 1.0)]


HEADER = (
    "kind      n    f    m  p |  bound   runs ratio rounds confirm  rest  right% innocent% |"
    " bisect: runs right% innoc% | 3 votes: runs right% innoc%"
)


def line(result: Result) -> str:
    """One row of the table."""
    cell, score = result.cell, result.search
    bound = f"{cell.bound:6.2f}" if cell.kind in {"single", "wrong"} else " " * 6
    ratio = f"{score.mean('runs') / cell.bound:5.2f}" if bound.strip() and cell.pools == 1 else " " * 5
    text = (
        f"{cell.kind:6} {cell.units:4} {cell.false_fail:4.2f} {cell.missed:4.2f} {cell.pools:2} | {bound} "
        f"{score.mean('runs'):6.2f} {ratio} {score.mean('rounds'):6.2f} {score.mean('confirming'):7.2f} "
        f"{score.mean('remainder'):5.2f} {100 * score.right / score.tests:7.2f} {100 * score.mean('innocent'):9.2f} |"
    )
    for side in (result.bisect, result.votes):
        if side.ranges:
            text += (
                f"{side.mean('runs'):13.2f} {100 * side.right / side.tests:6.2f} {100 * side.mean('innocent'):6.2f} |"
            )
    return text


def judged(results: list[Result], choice_ms: float) -> list[tuple[str, float, float, bool]]:
    """The requirements: what, the worst measured, the limit, and whether it is kept."""

    def worst(
        what: str, limit: float, value: Callable[[Result], float], which: Callable[[Cell], bool], *, least: bool = False
    ) -> tuple[str, float, float, bool]:
        values = [value(result) for result in results if which(result.cell)]
        found = min(values) if least else max(values)
        return what, found, limit, found >= limit if least else found <= limit

    def right(result: Result) -> float:
        return 100 * result.search.right / result.search.tests

    def rounds(result: Result) -> float:
        return result.search.mean("rounds")

    def usual(cell: Cell) -> bool:
        return cell.kind == "single" and cell.units == 64 and cell.false_fail <= 0.1

    drawn = ("single", "mixed", "eight")
    return [
        worst("right verdicts, f <= .10 (%)", 99, right, lambda c: c.kind in drawn and c.false_fail <= 0.1, least=True),
        worst(
            "ranges with innocents blamed (%)", 1, lambda r: 100 * r.search.mean("innocent"), lambda c: c.kind in drawn
        ),
        worst("runs over bound, n = 64, f <= .10", 1.4, _ratio, lambda c: usual(c) and c.pools == 1),
        worst("rounds, 4 pools, m <= .02", 3.5, rounds, lambda c: usual(c) and c.pools == 4 and c.missed <= 0.02),
        worst("rounds, 4 pools, m = .10", 4.5, rounds, lambda c: usual(c) and c.pools == 4 and c.missed > 0.02),
        worst("runs, 8 tests, 3 culprits, f = .05", 22, lambda r: r.search.mean("runs"), lambda c: c.kind == "eight"),
        worst("right, rates assumed .05, f = .20 (%)", 98, right, lambda c: c.kind == "wrong", least=True),
        ("longest choice, n = 1024 (ms)", choice_ms, 100, choice_ms < 100),
    ]


def _ratio(result: Result) -> float:
    return result.search.mean("runs") / result.cell.bound


def main() -> int:
    """Measure all cells and print the table; 1 if a requirement is not met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="a subset of the cells, a minute")
    parser.add_argument("--repeats", type=int, help="ranges a cell (400; 200 with --quick)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, choices=(1, 2), default=2)
    chosen = parser.parse_args()
    repeats = chosen.repeats or (200 if chosen.quick else 400)
    choice_ms = choosing_ms(chosen.seed)
    results: list[Result] = []
    print(f"seed {chosen.seed}, {repeats} ranges a cell\n{HEADER}", flush=True)
    with ProcessPoolExecutor(chosen.processes) as workers:
        waiting = [
            workers.submit(measure, cell, max(1, round(repeats * share)), chosen.seed)
            for cell, share in all_cells(quick=chosen.quick)
        ]
        for future in waiting:
            results.append(future.result())
            print(line(results[-1]), flush=True)
    verdicts = judged(results, choice_ms)
    for what, value, limit, kept in verdicts:
        print(f"{'PASS' if kept else 'FAIL'}  {what:40} {value:8.2f}  required {limit:g}")
    return 0 if all(kept for *_rest, kept in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
