"""One HTML page that shows a gate: the end, who is named and why, and the drawing of each search. Pure."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from .drawing import draw
from .report import SHORT, headline

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .drawing import Panel
    from .report import Behind, Blamed, Report, RunLine

STYLE = Path(__file__).with_name("page.css")

TONE = {"promoted": "good", "passed": "good", "nothing": "warn", "moved": "warn", "": "warn"}


def page(told: Report, searches: Sequence[Panel]) -> str:
    """The page, whole in one file: no scripts, nothing loaded from elsewhere."""
    body = [*_head(told)]
    if told.culprits:
        body.append("<h2>Culprits</h2>")
        body += [_culprit(told, blamed) for blamed in told.culprits]
    if told.left_behind:
        body.append("<h2>Left behind, not to blame</h2>")
        body += [_left_behind(behind) for behind in told.left_behind]
    body += _tests(told)
    if searches:
        body += _searches(searches)
    body += _runs(told.runs)
    if told.skipped:
        rows = "".join(f"<tr><td><code>{_short(c)}</code></td><td>{escape(why)}</td></tr>" for c, why in told.skipped)
        body.append(f"<h2>Not looked at</h2><table>{rows}</table>")
    title, style = escape(f"Gate {told.gate}"), STYLE.read_text(encoding="utf-8")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style></head>'
        f"<body>{''.join(body)}</body></html>\n"
    )


def _head(told: Report) -> Iterator[str]:
    tone = TONE.get(told.result, "bad")
    yield f"<h1>{escape(headline(told))}</h1>"
    yield f'<p><span class="chip {tone}">{escape(told.result or "under way")}</span> {escape(told.reason)}</p>'
    facts = [
        ("gate", told.gate),
        ("repository", told.repository),
        (told.staging_branch, told.staging),
        (f"{told.stable_branch} before", told.stable),
    ]
    if told.promoted:
        facts.append((f"{told.stable_branch} now", told.promoted))
    yield "<dl>" + "".join(f"<dt>{escape(k)}</dt><dd><code>{escape(v)}</code></dd>" for k, v in facts) + "</dl>"


def _culprit(told: Report, blamed: Blamed) -> str:
    tests = "".join(f"<li><code>{escape(test)}</code></li>" for test in blamed.tests)
    shown = f"fails with it in {_numbers(blamed.failed)}, passes without it in {_numbers(blamed.passed)}"
    others = [each for each in blamed.among if each != blamed.commit]
    either = f"<p>It or {', '.join(map(_short, others))}: no revision between them builds.</p>" if others else ""
    return (
        f'<div class="card bad"><h3>{escape(blamed.subject)}</h3><p class="soft"><code>{_short(blamed.commit)}</code>'
        f" by {escape(blamed.author)}</p><p>breaks</p><ul>{tests}</ul>{either}"
        f"<p>posterior {blamed.posterior:.4f}; {shown}</p>"
        f'<p class="soft">To take it out of {escape(told.staging_branch)}: <code>{escape(blamed.revert)}</code></p>'
        "</div>"
    )


def _left_behind(behind: Behind) -> str:
    needs = ", ".join(f"<code>{_short(each)}</code>" for each in behind.because)
    without = f"without {needs}" if needs else "to the stable branch"
    return (
        f'<div class="card warn"><h3>{escape(behind.subject)}</h3><p class="soft"><code>{_short(behind.commit)}</code>'
        f" by {escape(behind.author)}</p><p>does not apply {without}: {escape(', '.join(behind.paths))}</p>"
        f'<p class="soft">Once it applies: <code>{escape(behind.pick)}</code></p></div>'
    )


def _tests(told: Report) -> Iterator[str]:
    named = (("Flaky", told.flaky), ("Fails at stable too", told.old), ("Undecided", told.undecided))
    for name, tests in named:
        if tests:
            items = "".join(f"<li><code>{escape(test)}</code></li>" for test in tests)
            yield f"<h2>{name}</h2><ul>{items}</ul>"


def _searches(searches: Iterable[Panel]) -> Iterator[str]:
    yield (
        "<h2>The search</h2><p>A line is a run, a column a unit. The darker, the surer that this unit broke the test,"
        ' after that run.</p><p class="key soft"><span style="background:var(--in)"></span>in the run'
        '<span style="background:var(--out)"></span>not in it<span style="background:var(--sure)"></span>believed'
        '<span style="border:2px solid var(--bad)"></span>named</p>'
    )
    for panel in searches:
        name = escape(panel.test)
        yield f'<div class="card"><h3><code>{name}</code></h3><div class="scroll">{draw(panel)}</div></div>'


def _runs(runs: Sequence[RunLine]) -> Iterator[str]:
    if not runs:
        return
    yield (
        '<h2>Runs</h2><div class="scroll"><table><tr><th class="number">#</th><th>for</th><th>commit</th>'
        '<th class="number">units</th><th class="number">good</th><th class="number">bad</th>'
        '<th class="number">untestable</th><th>pool</th><th class="number">seconds</th><th></th></tr>'
    )
    for line in runs:
        numbers = (line.good, line.bad, line.untestable)
        cells = "".join(f'<td class="number">{number}</td>' for number in numbers)
        yield (
            f'<tr><td class="number">{line.run}</td><td>{escape(line.purpose)}</td>'
            f'<td><code>{_short(line.commit)}</code></td><td class="number">{line.units}</td>{cells}'
            f"<td>{escape(line.pool)}</td>"
            f'<td class="number">{line.elapsed_s:.1f}</td><td>{escape(line.failure)}</td></tr>'
        )
    yield "</table></div>"


def _short(commit: str) -> str:
    return escape(commit[:SHORT])


def _numbers(runs: Sequence[int]) -> str:
    return " ".join(f"#{run}" for run in runs) or "no run"
