"""The drawing of a search: units across, runs down, and how sure it was of each after each run. Pure; SVG."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from ..model import Outcome
from .decide import observation_of, revision_of
from .question import FailingTest
from .search import Search

if TYPE_CHECKING:
    from .decide import Rules
    from .record import Record, Run

WIDTH, ROW, HEAD, LEFT, RIGHT = 900.0, 18.0, 26.0, 130.0, 120.0


@dataclass(frozen=True, slots=True)
class Row:
    """One run, as a panel shows it.

    Args:
        inside: per unit, whether it was in.
        outcome: of the panel's test; `None` where it did not run or said nothing.
        posterior: per unit, after this run.
        none: that no unit is to blame, after this run.
    """

    run: int
    purpose: str
    inside: tuple[bool, ...]
    outcome: Outcome | None
    posterior: tuple[float, ...]
    none: float


@dataclass(frozen=True, slots=True)
class Panel:
    """The search for what broke one test.

    Args:
        units: labels, in their order.
        culprits: indices of those named.
    """

    test: str
    units: tuple[str, ...]
    rows: tuple[Row, ...]
    culprits: frozenset[int]


def panels(record: Record, rules: Rules) -> list[Panel]:
    """A panel for each failing test of each whole run that was searched."""
    found = []
    for whole in [run for run in record.runs.values() if run.whole and run.ended is not None]:
        tests = [test for test, seen in (whole.ended.outcomes if whole.ended else {}).items() if seen is Outcome.BAD]
        after = [run for run in record.runs.values() if run.started.run > whole.started.run and not run.whole]
        if tests and after:
            found += _panels(record, rules, whole, tests)
    return found


def _panels(record: Record, rules: Rules, whole: Run, tests: list[str]) -> list[Panel]:
    universe = whole.started.commits
    asked = [FailingTest(name, rules.weights(name, universe), *rules.rates(name)) for name in tests]
    search = Search(len(universe), asked)
    rows: dict[str, list[Row]] = {name: [] for name in tests}
    for number, run in record.runs.items():
        revision = revision_of(run.started.commits, universe)
        if number == whole.started.run or run.ended is None or revision is None:
            continue
        search.observe(observation_of(run, revision))
        for name in tests:
            if name in run.ended.outcomes:
                believed = search.posterior(name)
                inside = tuple(unit in revision for unit in range(len(universe)))
                outcome = run.ended.outcomes[name]
                rows[name].append(
                    Row(number, run.started.purpose, inside, outcome, believed.units, believed.none + believed.old)
                )
    subjects = {unit.commit: unit.subject for unit in record.opened.units}
    labels = tuple(f"{commit[:12]} {subjects.get(commit, '')}" for commit in universe)
    culprits = {
        name: frozenset(
            universe.index(commit)
            for named in record.named
            if name in named.tests
            for commit in named.commits
            if commit in universe
        )
        for name in tests
    }
    return [Panel(name, labels, tuple(rows[name]), culprits[name]) for name in tests if rows[name]]


def draw(panel: Panel) -> str:
    """A panel as SVG; its colours come from the page's style sheet."""
    count = len(panel.units)
    cell = (WIDTH - LEFT - RIGHT) / count
    height = HEAD + ROW * len(panel.rows) + 6
    parts = [f'<svg viewBox="0 0 {WIDTH:g} {height:g}" role="img" aria-label="{escape(panel.test, quote=True)}">']
    for unit in sorted(panel.culprits):
        x = LEFT + unit * cell
        parts.append(f'<rect class="culprit" x="{x:.2f}" y="2" width="{max(cell, 2):.2f}" height="{height - 4:g}"/>')
    parts += [
        f'<text class="axis" x="{LEFT + (unit + 0.5) * cell:.2f}" y="16">{unit + 1}</text>' for unit in _labelled(count)
    ]
    parts.append(f'<text class="axis" x="{WIDTH - RIGHT + 58:g}" y="16">none</text>')
    for number, row in enumerate(panel.rows):
        parts += _draw_row(panel, row, HEAD + number * ROW, cell)
    return "".join([*parts, "</svg>"])


def _draw_row(panel: Panel, row: Row, y: float, cell: float) -> list[str]:
    outcome = (row.outcome or "").lower()
    parts = [f'<text class="run" x="{LEFT - 8:g}" y="{y + 13:g}">#{row.run} {escape(row.purpose)}</text>']
    for unit, inside in enumerate(row.inside):
        x, sure = LEFT + unit * cell, row.posterior[unit]
        kind = "in" if inside else "out"
        title = f"{panel.units[unit]}: {'in' if inside else 'out'}; believed {sure:.3f}"
        gap = 1 if cell > 4 else 0  # pixels
        parts.append(
            f'<g><title>{escape(title)}</title><rect class="{kind}" x="{x:.2f}" y="{y:g}" width="{cell - gap:.2f}"'
            f' height="{ROW - 2:g}"/><rect class="sure" opacity="{sure:.3f}" x="{x:.2f}" y="{y:g}"'
            f' width="{cell - gap:.2f}" height="{ROW - 2:g}"/></g>'
        )
    end = WIDTH - RIGHT
    parts.append(f'<circle class="{outcome}" cx="{end + 16:g}" cy="{y + 8:g}" r="6"/>')
    mark = {Outcome.GOOD: "passes", Outcome.BAD: "fails"}.get(row.outcome, "") if row.outcome else ""
    parts.append(
        f'<rect class="in" x="{end + 40:g}" y="{y:g}" width="36" height="{ROW - 2:g}"/>'
        f'<rect class="sure" opacity="{row.none:.3f}" x="{end + 40:g}" y="{y:g}" width="36" height="{ROW - 2:g}"/>'
        f'<text class="run start" x="{end + 82:g}" y="{y + 13:g}">{mark}</text>'
    )
    return parts


def _labelled(count: int) -> range:
    """Units whose number stands at the top: at most some thirty."""
    return range(0, count, max(1, -(-count // 30)))
