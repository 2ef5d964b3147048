"""What a person sees while a zone is made: a live table on a terminal, a line a step elsewhere."""

from __future__ import annotations

import math
import os
import re
import sys
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

    from .journal import Event

STEPS = (
    "preflight", "storage", "cobbler", "puppet", "ipmi", "installed", "converge", "source", "build", "prepare", "start",
    "ready", "management", "zone", "healthy",
)  # fmt: skip
"""Of a machine or of its pool, in order."""

PROCESS_STEPS = (
    "lease", "preflight", "source", "build", "prepare", "start", "ready", "management", "zone", "healthy",
)  # fmt: skip
"""Of a pool whose management server runs on this machine."""

POOL_STEPS = ("lease", "preflight", "storage", "zone", "healthy")
MACHINE_STEPS = ("preflight", "cobbler", "puppet", "ipmi", "installed", "converge")
MANAGEMENT_STEPS = (*MACHINE_STEPS, "management")

BAR_WIDTH = 12
REFRESH_HZ = 8.0
QUIET_S = 60.0
"""Seconds after which a log is told what is still going on; Jenkins ends jobs that say nothing for long."""
MOST_NAMES = 4
"""Machines that are named in a line; more are counted."""
UNDO = "undo "
OF_POOL = "/"


class View(Protocol):
    """Shows events while it is entered.

    Args:
        repeat_s: seconds after which a line that only counts time is worth showing again.
    """

    repeat_s: float

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


class OfPool:
    """One of several pools in a view that others share: machines are shown as `POOL/MACHINE`.

    Entering and leaving it does nothing; that is the shared view's business.
    """

    def __init__(self, view: View, pool: str) -> None:
        self.repeat_s = view.repeat_s
        self._view = view
        self._pool = pool

    def __enter__(self) -> Self:
        """Do nothing."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing."""

    def __call__(self, event: Event) -> None:
        """Pass the event on."""
        of_machine = event.machine and event.machine != self._pool
        self._view(replace(event, machine=f"{self._pool}{OF_POOL}{event.machine}") if of_machine else event)

    def say(self, text: str) -> None:
        """Show the line."""
        self._view.say(text)


class NoView:
    """Shows nothing."""

    repeat_s = math.inf

    def __enter__(self) -> Self:
        """Do nothing."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing."""

    def __call__(self, event: Event) -> None:
        """Do nothing."""

    def say(self, text: str) -> None:
        """Do nothing."""


def seconds(elapsed_s: float) -> str:
    """A short duration for a person: `0.31 s`, `42 s`, `3 min 20 s`, `2 h 10 min`."""
    if round(elapsed_s, 2) < 10:  # where a fraction stops to matter
        return f"{elapsed_s:.2f} s"
    whole = round(elapsed_s)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def describe(event: Event) -> str | None:
    """An event as a line of a log; `None` for those that say nothing new to a person."""
    observed = event.detail.get("observed", "")
    took = "" if event.elapsed_s is None else seconds(event.elapsed_s)
    undone = event.step.startswith(UNDO)
    name = f"{event.machine}: {event.step.removeprefix(UNDO)}" if event.machine else event.step
    if event.step == "replace":
        return f"{event.machine}: replaced by {event.detail.get('by')}, since {event.detail.get('failed_step')} failed"
    if event.phase == "end":
        return f"{name} {'undone' if undone else 'done'}{took and f' in {took}'}" if event.machine else None
    if event.phase == "fail":
        ended = "stopped" if event.detail.get("stopped") else "could NOT be undone" if undone else "FAILED"
        return f"{name} {ended}{took and f' after {took}'}: {observed}"
    if event.phase == "retry":
        return f"{name} is tried again: {observed}"
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


class LogView:
    """A line for each step that ended, failed, or is tried again; and one for what goes on when nothing ends for long.

    Args:
        write: takes a line without its newline; called from several threads, one at a time.
        quiet_s: seconds without a line after which one says what is going on.
    """

    repeat_s = 60.0

    def __init__(
        self, write: Callable[[str], None], quiet_s: float = QUIET_S, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._write = write
        self._quiet_s = quiet_s
        self._now = now
        self._lock = threading.Lock()
        self._running: dict[tuple[str, str], float] = {}
        self._said = ("", -math.inf)
        self._spoke = threading.Event()
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._break_silence, name="qacloud-progress", daemon=True)

    def __enter__(self) -> Self:
        """Begin to watch for silence."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop watching; events are still shown."""
        self._left.set()
        self._spoke.set()
        self._thread.join()

    def __call__(self, event: Event) -> None:
        """Write the event's line, if it has one."""
        line = describe(event)
        with self._lock:
            if event.phase == "begin" and event.machine:
                self._running[event.step, event.machine] = self._now()
            elif event.phase in {"end", "fail"}:
                self._running.pop((event.step, event.machine), None)
            if line is not None:
                self._line(line)

    def say(self, text: str) -> None:
        """Write the line; one that differs only in its numbers from the last is left out until it was quiet."""
        shape = re.sub(r"\d+", "0", text)
        with self._lock:
            last, said_s = self._said
            if shape != last or self._now() - said_s >= self._quiet_s:
                self._said = (shape, self._now())
                self._line(text)

    def _line(self, line: str) -> None:
        self._spoke.set()
        self._write(line)

    def _break_silence(self) -> None:
        while not self._left.is_set():
            if self._spoke.wait(self._quiet_s):
                self._spoke.clear()
                continue
            with self._lock:
                if self._running:
                    self._write(f"still at {going_on(self._running, self._now())}")


def going_on(running: Mapping[tuple[str, str], float], now_s: float) -> str:
    """What goes on, such as `installed (node2, node3, for 5 min 0 s)`.

    Args:
        running: when each (step, machine) began.
    """
    parts = []
    for step in dict.fromkeys(step for step, _ in running):
        names = [machine for other, machine in running if other == step]
        since_s = min(began_s for (other, _), began_s in running.items() if other == step)
        who = ", ".join(names) if len(names) <= MOST_NAMES else f"{len(names)} machines"
        parts.append(f"{step} ({who}, for {seconds(now_s - since_s)})")
    return "; ".join(parts)


@dataclass
class _Row:
    """One line of the live table: a machine's, or the pool's."""

    step: str
    since_s: float
    state: str
    done: frozenset[str] = frozenset()
    took_s: float | None = None
    note: str = ""

    @property
    def steps(self) -> tuple[str, ...]:
        """What its bar counts."""
        seen = {self.step, *self.done}
        if seen & {"source", "build", "prepare", "start", "ready"}:
            return PROCESS_STEPS
        if seen & (set(POOL_STEPS) - set(MACHINE_STEPS)):
            return POOL_STEPS
        return MANAGEMENT_STEPS if "management" in seen else MACHINE_STEPS


STYLES = {"run": "cyan", "done": "green", "fail": "bold red", "stop": "yellow", "wait": "dim"}


class LiveView:
    """A table that is drawn again and again: a row a machine, with its step, the time in it, and a bar.

    Args:
        console: a rich console on a terminal.
        rows: names in the order in which they are shown; others are added below.
    """

    repeat_s = 0.0

    def __init__(self, console: Console, rows: Sequence[str] = (), now: Callable[[], float] = time.monotonic) -> None:
        from rich.live import Live

        self._now = now
        self._rows: dict[str, _Row] = {name: _Row("waiting", now(), "wait") for name in rows}
        self._line = ""
        self._live = Live(console=console, get_renderable=self._screen, refresh_per_second=REFRESH_HZ, transient=False)

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
        observed = str(event.detail.get("observed", ""))
        if event.step == "replace":
            row.state, row.note = "fail", f"replaced by {event.detail.get('by')}"
        elif event.phase == "begin":
            row.step, row.since_s, row.state, row.took_s, row.note = event.step, self._now(), "run", None, ""
        elif event.phase == "retry":
            row.note = f"tried again: {observed}"
        elif event.phase == "end":
            row.state, row.done, row.note = "done", row.done | {event.step}, ""
            row.took_s = event.elapsed_s
        elif event.phase == "fail":
            stopped = bool(event.detail.get("stopped"))
            row.state, row.note = ("stop" if stopped else "fail"), observed
            row.took_s = event.elapsed_s

    def _screen(self) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        return Group(self.table(), Text(self._line, style="dim")) if self._line else self.table()

    def table(self) -> Table:
        """The table as it is now; one line a row, so what does not fit is cut."""
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
        for column in ("machine", "bar", "step", "elapsed", "note"):
            table.add_column(column, no_wrap=True, justify="right" if column == "elapsed" else "left")
        for name, row in _by_pool(list(self._rows.items())):
            elapsed_s = self._now() - row.since_s if row.state == "run" else row.took_s
            table.add_row(
                Text(name),
                "" if row.step.startswith("undo ") else bar(len(row.done & set(row.steps)), len(row.steps)),
                Text(row.step, style=STYLES[row.state]),
                "" if elapsed_s is None else seconds(elapsed_s),
                _note(row),
            )
        return table


def _by_pool(rows: list[tuple[str, _Row]]) -> list[tuple[str, _Row]]:
    """Rows with those of one pool together; else in their order."""
    pools = list(dict.fromkeys(name.partition(OF_POOL)[0] for name, _ in rows))
    return sorted(rows, key=lambda row: pools.index(row[0].partition(OF_POOL)[0]))


def _note(row: _Row) -> Text:
    from rich.text import Text

    word = {"done": "done", "fail": "FAILED", "stop": "stopped"}.get(row.state, "")
    text = ": ".join(part for part in (word, row.note) if part)
    return Text(text.replace("\n", " "), style="yellow" if row.state == "run" else STYLES[row.state])


def bar(done: int, whole: int) -> str:
    """A bar of text: `━━━━━━──────`."""
    filled = round(BAR_WIDTH * done / whole) if whole else 0
    return "━" * filled + "─" * (BAR_WIDTH - filled)
