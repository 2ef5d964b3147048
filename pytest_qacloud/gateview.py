"""A gate's events as lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .gate.record import Built, Closed, Found, LeftOut, Opened, Promoting, RunEnded, RunStarted
from .model import Outcome

if TYPE_CHECKING:
    from .gate.record import Event

SHORT = 12


def line(event: Event) -> str:
    """What happened, in a line; empty for what only programs want to know."""
    match event:
        case Opened():
            return (
                f"gate {event.gate}: {len(event.units)} units between {event.stable_branch} {event.stable[:SHORT]}"
                f" and {event.staging_branch} {event.staging[:SHORT]}"
            )
        case RunStarted():
            what = "all suites" if not event.tests else f"{len(event.tests)} tests" if event.tests[1:] else "1 test"
            return f"run {event.run} ({event.purpose}): {what} on {event.commit[:SHORT]}, {len(event.commits)} units"
        case RunEnded():
            return f"run {event.run}: {_outcomes(event)}"
        case Built():
            return "" if event.good else f"does not build: {event.observed}"
        case LeftOut():
            needs = ", ".join(each[:SHORT] for each in event.needs)
            return f"{event.commit[:SHORT]} does not apply {f'without {needs}' if needs else 'to stable'}"
        case Found():
            named = [f"culprit {each[:SHORT]}" for found in event.named for each in found.commits]
            judged = [f"{each.test} is {each.standing}" for each in event.judged]
            return "; ".join(named + judged)
        case Promoting():
            return f"pushing {event.commit[:SHORT]}, tag {event.tag}"
        case Closed():
            return f"{event.result}: {event.reason}"
        case _:
            return ""


def _outcomes(ended: RunEnded) -> str:
    seen = list(ended.outcomes.values())
    counts = [(seen.count(outcome), outcome.value) for outcome in Outcome]
    told = ", ".join(f"{count} {name}" for count, name in counts if count)
    return "; ".join(part for part in (told, ended.failure) if part) or "nothing"
