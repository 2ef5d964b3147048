"""What happened at a gate: events, append-only, and what they add up to.

`Record` is a pure fold over its events, so whoever has them goes on where the last one stopped. Revisions are written
as lists of commits, in the order of staging, on top of the gate's stable commit.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import ConfigError
from ..model import Outcome, Unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

T = TypeVar("T")

FLAKY = "flaky"

BUILD_TEST = "qacloud::build"
"""The name under which a commit that does not build fails."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The question: what of `units` may go from staging to stable?

    Args:
        gate: its id.
        suites: what gates, as pytest takes it.
        skipped: commits between stable and staging that are no candidates, with the reason.
    """

    gate: str
    repository: str
    stable_branch: str
    staging_branch: str
    stable: str
    staging: str
    units: tuple[Unit, ...]
    suites: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """Units of a revision were put onto stable: this commit and tree came of it.

    Args:
        commits: that were asked for.
        dropped: those of them that do not apply without others that were not asked for.
    """

    commits: tuple[str, ...]
    commit: str
    tree: str
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A child run is about to start; its folder is known before it is made.

    Args:
        run: its number in this gate.
        commits: of the revision, on top of stable.
        tests: node ids; empty for all gating suites.
        host: where the folder is.
    """

    run: int
    commits: tuple[str, ...]
    commit: str
    tree: str
    purpose: str
    tests: tuple[str, ...]
    folder: str
    host: str


@dataclass(frozen=True, slots=True)
class RunEnded:
    """A run is over.

    Args:
        outcomes: per node id; empty where it had no zone.
        evidence: a line for each test that did not pass.
        failure: why it says nothing at all; empty where it says something.
        lost: the gate's own process died while it ran.
    """

    run: int
    outcomes: Mapping[str, Outcome]
    evidence: Mapping[str, str] = field(default_factory=dict)
    failure: str = ""
    lost: bool = False
    pool: str = ""
    elapsed_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Built:
    """Whether a revision builds; `observed` is the end of the build's output where it does not."""

    commits: tuple[str, ...]
    tree: str
    good: bool
    observed: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A unit that does not apply without others.

    Args:
        paths: where it does not.
        needs: the units it needs; none where it does not apply to stable whatever is there.
    """

    commit: str
    paths: tuple[str, ...]
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """A culprit, confirmed by two runs.

    Args:
        commits: one; several only where no revision between them builds, so that it is one of these.
        tests: that it breaks.
        posterior: of its being so, when it was settled.
        failed, passed: commits of the runs with it and without.
    """

    commits: tuple[str, ...]
    tests: tuple[str, ...]
    posterior: float
    failed: str
    passed: str


@dataclass(frozen=True, slots=True)
class Judged:
    """A failing test that no unit is to blame for: it is flaky, old or undecided."""

    test: str
    standing: str


@dataclass(frozen=True, slots=True)
class Found:
    """All that a search found out.

    Args:
        tree: whose failures it was about.
    """

    tree: str
    named: tuple[Named, ...] = ()
    judged: tuple[Judged, ...] = ()


@dataclass(frozen=True, slots=True)
class Promoting:
    """A push is about to happen."""

    commit: str
    tree: str
    expected: str
    tag: str


@dataclass(frozen=True, slots=True)
class Closed:
    """The end.

    Args:
        result: promoted, nothing, blocked, moved, refused or stopped.
        commit: what stable is now, where it was promoted.
        reason: in words.
    """

    result: str
    reason: str
    commit: str = ""


Event = Opened | Made | RunStarted | RunEnded | Built | LeftOut | Found | Promoting | Closed

KINDS: dict[str, type[Any]] = {
    "opened": Opened,
    "made": Made,
    "run-started": RunStarted,
    "run-ended": RunEnded,
    "built": Built,
    "left-out": LeftOut,
    "found": Found,
    "promoting": Promoting,
    "closed": Closed,
}
_NAMES = {kind: name for name, kind in KINDS.items()}


def to_plain(event: Event) -> dict[str, Any]:
    """An event as JSON holds it."""
    return {"event": _NAMES[type(event)], **asdict(event)}


def from_plain(plain: Mapping[str, Any]) -> Event:
    """An event out of JSON; keys of a newer version are left out.

    Raises:
        ConfigError: no such event, or a member is missing.
    """
    kind = KINDS.get(str(plain.get("event")))
    if kind is None:
        raise ConfigError(f"the gate's journal has an event {plain.get('event')!r}, which this version does not know")
    known = {each.name for each in fields(kind)}
    values = {name: _frozen(value) for name, value in plain.items() if name in known}
    if kind is Opened:
        values["units"] = tuple(_of(Unit, unit) for unit in plain["units"])
    if kind is Found:
        values["named"] = tuple(_of(Named, named) for named in plain["named"])
        values["judged"] = tuple(_of(Judged, judged) for judged in plain["judged"])
    if kind is RunEnded:
        values["outcomes"] = {test: Outcome(value) for test, value in plain["outcomes"].items()}
    try:
        made: Event = kind(**values)
    except TypeError as error:
        raise ConfigError(f"an event of the gate's journal is not whole: {error}") from error
    return made


def _of(kind: type[T], plain: Mapping[str, Any]) -> T:
    return kind(**{name: _frozen(value) for name, value in plain.items()})


def _frozen(value: Any) -> Any:
    return tuple(_frozen(member) for member in value) if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class Run:
    """A run of the gate, under way or over.

    Args:
        ended: `None` while it is under way, or was when the process died.
    """

    started: RunStarted
    ended: RunEnded | None = None

    @property
    def whole(self) -> bool:
        """It was of all gating suites."""
        return not self.started.tests


class Record:
    """All that is known at a gate.

    Args:
        events: in their order; the first is `Opened`.
    """

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.events: list[Event] = []
        self.runs: dict[int, Run] = {}
        self.made: dict[tuple[str, ...], Made] = {}
        self.built: list[Built] = []
        self.left_out: dict[str, LeftOut] = {}
        self.found: list[Found] = []
        self.promoting: Promoting | None = None
        self.closed: Closed | None = None
        for event in events:
            self.add(event)

    @property
    def opened(self) -> Opened:
        """The question."""
        first = self.events[0]
        if not isinstance(first, Opened):
            raise ConfigError("the gate's journal does not begin with its question")
        return first

    def add(self, event: Event) -> None:
        """Take in what happened next."""
        self.events.append(event)
        match event:
            case RunStarted():
                self.runs[event.run] = Run(event)
            case RunEnded():
                self.runs[event.run] = Run(self.runs[event.run].started, event)
            case Made():
                self.made[event.commits] = event
            case Built():
                self.built.append(event)
            case LeftOut():
                self.left_out[event.commit] = event
            case Found():
                self.found.append(event)
            case Promoting():
                self.promoting = event
            case Closed():
                self.closed = event

    @property
    def named(self) -> tuple[Named, ...]:
        """All culprits, in the order of their naming."""
        return tuple(named for found in self.found for named in found.named)

    @property
    def out(self) -> frozenset[str]:
        """Commits of units that are not promoted: culprits, and those that do not apply without them."""
        out = {commit for named in self.named for commit in named.commits}
        for unit in self.opened.units:  # what it needs comes before it
            left_out = self.left_out.get(unit.commit)
            if left_out is not None and (not left_out.needs or not out.isdisjoint(left_out.needs)):
                out.add(unit.commit)
        return frozenset(out)

    def builds(self, tree: str) -> bool | None:
        """Whether a tree builds, as it was seen last; `None` where nobody tried."""
        return next((built.good for built in reversed(self.built) if built.tree == tree), None)

    @property
    def last_whole(self) -> Run | None:
        """The latest run of all gating suites that said something."""
        runs = [run for run in self.runs.values() if run.whole and run.ended is not None and run.ended.outcomes]
        return runs[-1] if runs else None

    @property
    def candidate(self) -> tuple[str, ...]:
        """Commits of the units that may be promoted as far as is known."""
        out = self.out
        return tuple(unit.commit for unit in self.opened.units if unit.commit not in out)

    def whole_run(self, tree: str) -> dict[str, Outcome] | None:
        """What each gating test showed on a tree; `None` before a whole run of it said something.

        Later runs of single tests on the same tree count where the whole run said nothing of them.
        """
        found: dict[str, Outcome] | None = None
        for run in self.over(tree):
            if run.ended is None:
                continue
            if run.whole and run.ended.outcomes and found is None:
                found = dict(run.ended.outcomes)
            elif found is not None:
                for test, outcome in run.ended.outcomes.items():
                    if found.get(test) is Outcome.UNTESTABLE:
                        found[test] = outcome
        return found

    def over(self, tree: str) -> list[Run]:
        """The runs of a tree that have ended, in their order."""
        return [run for run in self.runs.values() if run.ended is not None and run.started.tree == tree]

    def failures(self, tree: str) -> tuple[str, ...]:
        """Tests that failed in a tree's whole run and were not judged flaky since."""
        outcomes = self.whole_run(tree) or {}
        judged = [each for found in self.found if found.tree == tree for each in found.judged]
        flaky = {each.test for each in judged if each.standing == FLAKY}
        return tuple(test for test, outcome in outcomes.items() if outcome is Outcome.BAD and test not in flaky)

    def is_good(self, tree: str) -> bool:
        """Whether a tree passed all gating suites: every test of a whole run passed, or is flaky and passed since."""
        outcomes = self.whole_run(tree)
        if not outcomes or Outcome.UNTESTABLE in outcomes.values() or self.failures(tree):
            return False
        failed = {test for test, outcome in outcomes.items() if outcome is Outcome.BAD}
        return all(self._passed(test, tree) for test in failed)

    def _passed(self, test: str, tree: str) -> bool:
        return any(run.ended.outcomes.get(test) is Outcome.GOOD for run in self.over(tree) if run.ended is not None)
