"""What a person sees while a zone is made: a live table on a terminal, a line a step elsewhere."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from rich.console import Console
    from rich.table import Table

    from .journal import Event

STEPS = (
    "preflight", "storage", "cobbler", "puppet", "ipmi", "installed", "converge", "management", "zone", "healthy",
)  # fmt: skip
"""Of a machine or of its pool, in order; the bar counts them."""

MACHINE_STEPS = tuple(step for step in STEPS if step not in {"storage", "management", "zone", "healthy"})
BAR_WIDTH = 12
REFRESH_HZ = 8.0


class View(Protocol):
    """Shows events while it is entered."""

    def __enter__(self) -> Self:
        """Begin to show."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the last state on the screen."""
        ...

    def __call__(self, event: Event) -> None:
        """Take an event of the journal."""
        ...

    def say(self, text: str) -> None:
        """Show a line that is no step."""
        ...


def seconds(elapsed_s: float) -> str:
    """A short duration for a person: `0.31 s`, `42 s`, `3 min 20 s`, `2 h 10 min`."""
    if elapsed_s < 10:  # where a fraction stops to matter
        return f"{elapsed_s:.2f} s"
    whole = round(elapsed_s)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def describe(event: Event) -> str | None:
    """An event as a line of a log; `None` for those that say nothing new to a person."""
    detail = event.detail.get("observed", "")
    took = "" if event.elapsed_s is None else f" in {seconds(event.elapsed_s)}"
    name = f"{event.machine}: {event.step}"
    if event.step == "replace":
        return f"{event.machine}: replaced by {event.detail.get('by')}, since {event.detail.get('failed_step')} failed"
    if event.phase == "end":
        return f"{name} done{took}"
    if event.phase == "fail":
        return f"{name} FAILED{' after' + took[3:] if took else ''}: {detail}"
    if event.phase == "retry":
        return f"{name} tried again: {detail}"
    return None


def view() -> View:
    """The live table where standard output is a terminal that can draw it, else lines."""
    if sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        from rich.console import Console

        return LiveView(Console(file=sys.stdout))
    return LogView(_write_line)


def _write_line(line: str) -> None:
    sys.stdout.write(f"qacloud: {line}\n")
    sys.stdout.flush()


@dataclass
class _Row:
    """One machine's line of the live table."""

    step: str
    since_s: float
    state: str
    done: frozenset[str] = frozenset()
    note: str = ""


class LogView:
    """A line for each step that ended, failed, or is tried again; and one for what takes long.

    Args:
        write: takes a line without its newline; called from several threads, one at a time by the journal's order.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def __enter__(self) -> Self:
        """Nothing to prepare."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to leave."""

    def __call__(self, event: Event) -> None:
        """Write the event's line, if it has one."""
        line = describe(event)
        if line is not None:
            self._write(line)

    def say(self, text: str) -> None:
        """Write the line."""
        self._write(text)


class LiveView:
    """A table that is drawn again and again: a row a machine, with its step, the time in it, and a bar.

    Args:
        console: a rich console on a terminal.
        rows: names in the order in which they are shown; others are added below.
    """

    def __init__(self, console: Console, rows: Sequence[str] = (), now: Callable[[], float] = time.monotonic) -> None:
        from rich.live import Live

        self._now = now
        self._rows: dict[str, _Row] = {name: _Row("waiting", now(), "wait") for name in rows}
        self._line = ""
        self._live = Live(console=console, get_renderable=self.table, refresh_per_second=REFRESH_HZ, transient=False)

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Draw a last time, and leave it."""
        self._line = ""
        self._live.stop()

    def say(self, text: str) -> None:
        """Show a line below the table, until the next one."""
        self._line = text

    def __call__(self, event: Event) -> None:
        """Move the event's row on."""
        if not event.machine or (event.phase == "note" and event.step != "replace"):
            return
        row = self._rows.setdefault(event.machine, _Row(event.step, self._now(), "run"))
        if event.step == "replace":
            row.state, row.note = "fail", f"replaced by {event.detail.get('by')}"
        elif event.phase == "begin":
            row.step, row.since_s, row.state, row.note = event.step, self._now(), "run", ""
        elif event.phase == "retry":
            row.note = f"tried again: {event.detail.get('observed', '')}"
        elif event.phase == "end":
            row.state, row.done = "done", row.done | {event.step}
            row.since_s = self._now() - (event.elapsed_s or 0.0)
        elif event.phase == "fail":
            row.state, row.note = "fail", str(event.detail.get("observed", ""))

    def table(self) -> Table:
        """The table as it is now."""
        from rich.table import Table
        from rich.text import Text

        table = Table(
            box=None, padding=(0, 2, 0, 0), show_header=False, caption=self._line or None, caption_justify="left"
        )
        for column in ("machine", "bar", "step", "elapsed", "note"):
            table.add_column(column, no_wrap=column != "note", justify="right" if column == "elapsed" else "left")
        styles = {"run": "cyan", "done": "green", "fail": "bold red", "wait": "dim"}
        for name, row in list(self._rows.items()):
            elapsed = "" if row.state == "wait" else seconds(self._now() - row.since_s if row.state == "run" else 0.0)
            steps = MACHINE_STEPS if row.done <= set(MACHINE_STEPS) else STEPS
            table.add_row(
                name,
                bar(len(row.done & set(steps)), len(steps)),
                Text(row.step, style=styles[row.state]),
                elapsed if row.state == "run" else {"done": "done", "fail": "FAILED"}.get(row.state, ""),
                Text(row.note, style="red" if row.state == "fail" else "yellow"),
            )
        return table


def bar(done: int, whole: int) -> str:
    """A bar of text: `━━━━━━──────`."""
    filled = round(BAR_WIDTH * done / whole) if whole else 0
    return "━" * filled + "─" * (BAR_WIDTH - filled)
