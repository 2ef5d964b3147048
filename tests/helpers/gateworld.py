"""A repository, builds and test runs for the gate to work on, without git, compilers and clouds."""

from __future__ import annotations

import hashlib
import random
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_qacloud.gate.decide import Rules
from pytest_qacloud.gate.gate import Gate
from pytest_qacloud.gate.ledger import Ledger
from pytest_qacloud.gate.parts import BuildResult, Moved, Pushed, Refused
from pytest_qacloud.gate.question import UNKNOWN_RATE, Beta
from pytest_qacloud.gate.record import Closed, Event, Opened, Promoting, RunEnded, RunStarted
from pytest_qacloud.model import Composed, Conflict, Outcome, Unit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

STABLE = "stable0"
SURE = Beta(0.01, 9.99)


def commit(number: int) -> str:
    """The commit of a unit."""
    return f"c{number}"


@dataclass
class World:
    """What is true, which the gate has to find out.

    Args:
        units: how many.
        breaks: per test, the sets of units that break it when all of a set are in.
        unbuildable: units that do not build.
        needs: unit to the units without which it does not apply.
        flaky: per test, how often it fails with nothing wrong.
        missed: per test, how often it passes though broken.
        old: tests that fail at stable too.
        dead_runs: how many runs, from the first, have no zone.
    """

    units: int
    breaks: dict[str, list[set[int]]] = field(default_factory=dict)
    unbuildable: set[int] = field(default_factory=set)
    needs: dict[int, set[int]] = field(default_factory=dict)
    flaky: dict[str, float] = field(default_factory=dict)
    missed: dict[str, float] = field(default_factory=dict)
    old: set[str] = field(default_factory=set)
    dead_runs: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        self.stable = STABLE
        self.pushed: list[str] = []
        self.contents: dict[str, frozenset[int]] = {STABLE: frozenset()}
        self.tests = sorted({"test_always", *self.breaks, *self.flaky, *self.old})
        self.chance = random.Random(self.seed)
        self.guard = threading.Lock()
        self.ran: list[RunStarted] = []
        self.builds: list[str] = []
        self.refuses = ""

    def numbers(self, commits: Sequence[str]) -> frozenset[int]:
        return frozenset(int(each[1:]) for each in commits)

    def fails(self, test: str, inside: frozenset[int]) -> bool:
        """Whether a test is broken, chance apart."""
        return test in self.old or any(culprits <= inside for culprits in self.breaks.get(test, []))

    # The repository.

    def compose(self, base: str, commits: Sequence[str]) -> Composed | Conflict:
        inside = self.numbers(commits) | self.contents[base]
        for each in commits:
            if not self.needs.get(int(each[1:]), set()) <= inside:
                return Conflict(each, (f"file{each[1:]}",))
        name = "-".join(sorted(map(str, inside)))
        made = hashlib.sha1(f"{base} {name}".encode(), usedforsecurity=False).hexdigest()
        self.contents[made] = frozenset(inside)
        return Composed(made, f"tree-{name}")

    def branch(self, _name: str) -> str:
        return self.stable

    def push(self, promoting: Promoting, _branch: str, _note: str) -> Pushed | Moved | Refused:
        if self.refuses:
            return Refused(self.refuses)
        if self.stable != promoting.expected:
            return Moved(self.stable)
        self.stable = promoting.commit
        self.pushed.append(promoting.commit)
        return Pushed()

    # Builds.

    def build(self, made: str, tree: str, *, again: bool = False) -> BuildResult:
        self.builds.append(tree)
        broken = self.contents[made] & self.unbuildable
        return BuildResult(not broken, "error: it does not compile" if broken else "")

    # Runs.

    def run(self, started: RunStarted, _stop: Callable[[], None]) -> RunEnded:
        with self.guard:
            self.ran.append(started)
            if len(self.ran) <= self.dead_runs:
                return RunEnded(started.run, {}, failure="the BMC is silent")
            return RunEnded(started.run, {test: self.outcome(test, started) for test in started.tests or self.tests})

    def outcome(self, test: str, started: RunStarted) -> Outcome:
        """By what is in and by chance; the chance of a run is its own, whenever it comes."""
        chance = random.Random(f"{self.seed} {started.run} {test}").random()
        if self.fails(test, self.contents[started.commit]):
            return Outcome.GOOD if chance < self.missed.get(test, 0.0) else Outcome.BAD
        return Outcome.BAD if chance < self.flaky.get(test, 0.0) else Outcome.GOOD

    def recover(self, started: RunStarted, stop: Callable[[], None]) -> RunEnded | None:
        return None

    def unit(self, number: int) -> Unit:
        """A unit, which changes its own file and those of the units that need it."""
        paths = [f"file{other}" for other, needs in self.needs.items() if number in needs]
        subject = f"change {number}"
        return Unit(commit(number), f"p{number}", "A <a@example.org>", 0.0, subject, (f"file{number}", *paths))

    def opened(self) -> Opened:
        """The gate's question."""
        return Opened(
            gate="g1",
            repository="repo",
            stable_branch="stable",
            staging_branch="staging",
            stable=self.stable,
            staging="tip",
            units=tuple(map(self.unit, range(self.units))),
            suites=("bvt/",),
        )

    def rules(self, bisect: bool = True, promote: bool = True) -> Rules:
        """Promote, and know how sure the tests are where they are sure."""
        rates = (
            (lambda _test: (UNKNOWN_RATE, UNKNOWN_RATE)) if self.flaky or self.missed else (lambda _test: (SURE, SURE))
        )
        return Rules(bisect, promote, 3, weights=lambda _test, commits: (1.0,) * len(commits), rates=rates)

    def gate(
        self,
        ledger: Ledger,
        *,
        parallel: int = 1,
        stop: Callable[[], None] = lambda: None,
        bisect: bool = True,
        promote: bool = True,
    ) -> Gate:
        """A gate of this world."""
        return Gate(
            ledger,
            self,
            self,
            self,
            self.rules(bisect, promote),
            parallel=parallel,
            tag=lambda made: f"qacloud/{made[:8]}",
            note=lambda _record: "note",
            stop=stop,
        )


def work(world: World, folder: Path, *, parallel: int = 1, listen: Callable[[Event], None] = lambda _event: None,
         bisect: bool = True, promote: bool = True) -> Closed:  # fmt: skip
    """A whole gate, or the rest of one that was begun in this folder."""
    with Ledger(folder, listen) as ledger:
        if not ledger.record.events:
            ledger.add(world.opened())
        return world.gate(ledger, parallel=parallel, bisect=bisect, promote=promote).run()
