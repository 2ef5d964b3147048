"""What a gate tells people and programs: from its record alone."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..model import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..model import Unit
    from .record import Record, Run

SHORT = 12


@dataclass(frozen=True, slots=True)
class Blamed:
    """A unit that broke something, with all that shows it.

    Args:
        among: commits of which it is one, where no revision between them builds; else only its own.
        failed, passed: numbers of the runs that show it: with it and without.
        revert: the command that takes it out of staging.
    """

    commit: str
    author: str
    subject: str
    tests: tuple[str, ...]
    posterior: float
    failed: tuple[int, ...]
    passed: tuple[int, ...]
    among: tuple[str, ...]
    revert: str


@dataclass(frozen=True, slots=True)
class Behind:
    """A unit that stays behind without being to blame.

    Args:
        because: commits that it needs, and that are out themselves.
        pick: the command that puts it onto stable once it applies.
    """

    commit: str
    author: str
    subject: str
    paths: tuple[str, ...]
    because: tuple[str, ...]
    pick: str


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run, in a line.

    Args:
        units: of the gate's units, how many were in.
        good, bad, untestable: tests.
    """

    run: int
    purpose: str
    commit: str
    units: int
    good: int
    bad: int
    untestable: int
    pool: str
    elapsed_s: float
    failure: str
    folder: str


@dataclass(frozen=True, slots=True)
class Report:
    """All of it.

    Args:
        result: as `record.Closed` has it; empty while the gate is open.
        flaky, old, undecided: tests that failed and blame nobody.
    """

    gate: str
    result: str
    reason: str
    repository: str
    stable_branch: str
    staging_branch: str
    stable: str
    staging: str
    promoted: str
    units: int
    kept: int
    culprits: tuple[Blamed, ...]
    left_behind: tuple[Behind, ...]
    skipped: tuple[tuple[str, str], ...]
    flaky: tuple[str, ...]
    old: tuple[str, ...]
    undecided: tuple[str, ...]
    runs: tuple[RunLine, ...]


def report(record: Record) -> Report:
    """What a record amounts to."""
    opened, closed = record.opened, record.closed
    units = {unit.commit: unit for unit in opened.units}
    judged: dict[str, str] = {each.test: each.standing for found in record.found for each in found.judged}
    return Report(
        gate=opened.gate,
        result=closed.result if closed else "",
        reason=closed.reason if closed else "",
        repository=opened.repository,
        stable_branch=opened.stable_branch,
        staging_branch=opened.staging_branch,
        stable=opened.stable,
        staging=opened.staging,
        promoted=closed.commit if closed and closed.result == "promoted" else "",
        units=len(opened.units),
        kept=len(record.candidate),
        culprits=tuple(_blamed(record, units)),
        left_behind=tuple(_behind(record, units)),
        skipped=opened.skipped,
        flaky=tuple(test for test, standing in judged.items() if standing == "flaky"),
        old=tuple(test for test, standing in judged.items() if standing == "old"),
        undecided=tuple(test for test, standing in judged.items() if standing == "undecided"),
        runs=tuple(_line(run) for run in record.runs.values()),
    )


def _blamed(record: Record, units: dict[str, Unit]) -> Iterator[Blamed]:
    for named in record.named:
        for commit in named.commits:
            unit = units[commit]
            yield Blamed(
                commit=commit,
                author=unit.author,
                subject=unit.subject,
                tests=named.tests,
                posterior=named.posterior,
                failed=_showing(record, named.failed, named.tests, Outcome.BAD),
                passed=_showing(record, named.passed, named.tests, Outcome.GOOD),
                among=named.commits,
                revert=f"git revert {'-m 1 ' if unit.merge else ''}{commit}",
            )


def _showing(record: Record, commit: str, tests: tuple[str, ...], outcome: Outcome) -> tuple[int, ...]:
    """Numbers of the runs of a commit in which one of the tests had that outcome."""
    return tuple(
        number
        for number, run in record.runs.items()
        if run.started.commit == commit
        and run.ended is not None
        and any(run.ended.outcomes.get(test) is outcome for test in tests)
    )


def _behind(record: Record, units: dict[str, Unit]) -> Iterator[Behind]:
    for left_out in (each for each in record.left_out.values() if each.commit in record.out):
        unit = units[left_out.commit]
        merge = "-m 1 " if unit.merge else ""
        yield Behind(
            commit=unit.commit,
            author=unit.author,
            subject=unit.subject,
            paths=left_out.paths,
            because=left_out.needs,
            pick=f"git cherry-pick -x {merge}{unit.commit}",
        )


def _line(run: Run) -> RunLine:
    ended = run.ended
    outcomes = list(ended.outcomes.values()) if ended else []
    return RunLine(
        run=run.started.run,
        purpose=run.started.purpose,
        commit=run.started.commit,
        units=len(run.started.commits),
        good=outcomes.count(Outcome.GOOD),
        bad=outcomes.count(Outcome.BAD),
        untestable=outcomes.count(Outcome.UNTESTABLE),
        pool=ended.pool if ended else "",
        elapsed_s=ended.elapsed_s if ended else 0.0,
        failure=ended.failure if ended else "under way",
        folder=run.started.folder,
    )


def to_plain(told: Report) -> dict[str, Any]:
    """As JSON holds it."""
    return asdict(told)


def text(told: Report) -> list[str]:
    """Lines for a terminal or a mail."""
    lines = [f"gate {told.gate}: {headline(told)}"]
    if told.reason:
        lines.append(f"  {told.reason}")
    for blamed in told.culprits:
        lines += ["", f"culprit {blamed.commit[:SHORT]} by {blamed.author}: {blamed.subject}"]
        if len(blamed.among) > 1:
            others = ", ".join(each[:SHORT] for each in blamed.among if each != blamed.commit)
            lines.append(f"  it or {others}: no revision between them builds")
        lines += [f"  breaks {test}" for test in blamed.tests]
        with_it, without = (" ".join(f"#{run}" for run in runs) or "-" for runs in (blamed.failed, blamed.passed))
        lines.append(f"  posterior {blamed.posterior:.4f}; fails with it in {with_it}, passes without it in {without}")
        lines.append(f"  to take it out of {told.staging_branch}: {blamed.revert}")
    for behind in told.left_behind:
        lines += ["", f"left behind {behind.commit[:SHORT]} by {behind.author}: {behind.subject}"]
        needs = ", ".join(each[:SHORT] for each in behind.because)
        without = f"without {needs}" if needs else f"to {told.stable_branch}"
        lines.append(f"  does not apply {without} ({', '.join(behind.paths)})")
        lines.append(f"  once it applies: {behind.pick}")
    for name, tests in (("flaky", told.flaky), ("fails at stable too", told.old), ("undecided", told.undecided)):
        lines += [f"{name}: {test}" for test in tests]
    lines += [f"not looked at: {commit[:SHORT]}: {why}" for commit, why in told.skipped]
    return lines


def headline(told: Report) -> str:
    """The end in a few words."""
    kept = f"{told.kept} of {told.units} units"
    words = {
        "promoted": f"{kept} promoted to {told.stable_branch}, now {told.promoted[:SHORT]}",
        "passed": f"{kept} could be promoted",
        "failed": "some tests failed",
        "nothing": "nothing to promote",
        "blocked": "nothing promoted",
        "moved": f"{told.stable_branch} moved meanwhile",
        "refused": "the repository refused the push",
        "stopped": "stopped",
        "": "under way",
    }
    return f"{words.get(told.result, told.result)}, after {len(told.runs)} runs"
