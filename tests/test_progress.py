"""What a person sees: lines in a log, a table on a terminal."""

from __future__ import annotations

import io
import os
import pty
import sys
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from pytest_qacloud.journal import Event
from pytest_qacloud.progress import BAR_WIDTH, LiveView, LogView, NoView, OfPool, bar, describe, going_on, seconds, view


def event(step: str, phase: str, machine: str = "node2", elapsed_s: float | None = None, **detail: Any) -> Event:
    return Event(0.0, step, phase, machine, elapsed_s, detail)


@pytest.mark.parametrize(
    ("elapsed_s", "text"),
    [
        (0.0, "0.00 s"),
        (0.314, "0.31 s"),
        (9.99, "9.99 s"),
        (9.999, "10 s"),
        (42.4, "42 s"),
        (59.7, "1 min 0 s"),
        (200, "3 min 20 s"),
        (3599.6, "1 h 0 min"),
        (7800, "2 h 10 min"),
    ],
)
def test_durations_for_people(elapsed_s: float, text: str) -> None:
    assert seconds(elapsed_s) == text


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (event("ipmi", "begin"), None),
        (event("zone", "note", url="http://x"), None),
        (event("run", "begin", ""), None),
        (event("run", "end", ""), None),
        (event("ipmi", "end", elapsed_s=1.5), "node2: ipmi done in 1.50 s"),
        (event("ipmi", "end"), "node2: ipmi done"),
        (event("undo ipmi", "end", elapsed_s=1.5), "node2: ipmi undone in 1.50 s"),
        (event("ipmi", "fail", elapsed_s=75, observed="no answer"), "node2: ipmi FAILED after 1 min 15 s: no answer"),
        (event("ipmi", "fail", observed="x", stopped=True), "node2: ipmi stopped: x"),
        (event("undo ipmi", "fail", elapsed_s=3, observed="x"), "node2: ipmi could NOT be undone after 3.00 s: x"),
        (event("setup", "fail", "", observed="x"), "setup FAILED: x"),
        (event("ipmi", "retry", observed="no answer"), "node2: ipmi is tried again: no answer"),
        (event("replace", "note", by="node4", failed_step="ipmi"), "node2: replaced by node4, since ipmi failed"),
    ],
)
def test_an_event_is_a_line_where_it_says_something_new(told: Event, line: str | None) -> None:
    assert describe(told) == line


@given(st.integers(0, 20), st.integers(0, 20))
def test_a_bar_is_as_full_as_what_is_done(done: int, whole: int) -> None:
    drawn = bar(min(done, whole), whole)

    assert len(drawn) == BAR_WIDTH
    assert drawn == "━" * drawn.count("━") + "─" * drawn.count("─")
    assert ("─" not in drawn) == (whole > 0 and done >= whole)


def test_a_log_has_a_line_for_each_step() -> None:
    lines: list[str] = []
    log = LogView(lines.append)

    with log:
        log(event("ipmi", "begin"))
        log(event("ipmi", "end", elapsed_s=1))
        log.say("taking the zone down")

    assert lines == ["node2: ipmi done in 1.00 s", "taking the zone down"]


def test_a_log_does_not_repeat_a_line_whose_numbers_grow() -> None:
    lines: list[str] = []
    now_s = 0.0
    log = LogView(lines.append, quiet_s=60, now=lambda: now_s)

    for now_s in range(130):
        log.say(f"waiting for rack1: held by me for {now_s} s")
    log.say("waiting for rack2")

    assert lines == [
        "waiting for rack1: held by me for 0 s",
        "waiting for rack1: held by me for 60 s",
        "waiting for rack1: held by me for 120 s",
        "waiting for rack2",
    ]


def test_a_log_that_was_quiet_for_long_says_what_goes_on_and_nothing_when_nothing_does() -> None:
    lines: list[str] = []
    written = threading.Event()

    def write(line: str) -> None:
        lines.append(line)
        if line.startswith("still at"):
            written.set()

    log = LogView(write, quiet_s=0.02, now=lambda: 300.0)
    with log:
        log(event("run", "begin", ""))
        log(event("preflight", "begin", "node2"))
        log(event("preflight", "end", "node2"))
        log(event("installed", "begin", "node2"))
        log(event("installed", "begin", "node3"))
        assert written.wait(30)
        log(event("installed", "fail", "node2", observed="x"))

    assert "still at installed (node2, node3, for 0.00 s)" in lines
    assert not any("preflight" in line for line in lines[1:])
    assert not log._thread.is_alive()  # nothing else shows that it has ended


def test_a_log_that_was_quiet_while_nothing_went_on_stays_quiet() -> None:
    lines: list[str] = []
    looked = threading.Event()

    class Nothing(dict[tuple[str, str], float]):
        def __bool__(self) -> bool:
            looked.set()
            return False

    log = LogView(lines.append, quiet_s=0.01)
    log._running = Nothing()  # to know that it has looked
    with log:
        assert looked.wait(30)

    assert lines == []


def test_what_goes_on_names_few_machines_and_counts_many() -> None:
    running = {("installed", f"node{number}"): 100.0 + number for number in range(5)} | {("storage", "rack1"): 130.0}

    assert going_on(running, 160.0) == "installed (5 machines, for 1 min 0 s); storage (rack1, for 30 s)"
    assert going_on({("ipmi", "a"): 0.0, ("ipmi", "b"): 50.0}, 60.0) == "ipmi (a, b, for 1 min 0 s)"


class Screen:
    """A live view on a terminal of a given width."""

    def __init__(self, rows: tuple[str, ...] = (), width: int = 80) -> None:
        self.output = io.StringIO()
        self.now_s = 100.0
        self.width = width
        self.console = Console(file=self.output, force_terminal=True, width=width, height=24, color_system=None)
        self.live = LiveView(self.console, rows, lambda: self.now_s)

    def lines(self) -> list[str]:
        with self.console.capture() as captured:
            self.console.print(self.live.table())
        lines = captured.get().splitlines()
        assert all(cell_len(line) <= self.width for line in lines)
        return lines

    def words(self) -> list[list[str]]:
        """Each row without its bar."""
        return [[word for word in line.split() if not set(word) <= set("━─")] for line in self.lines()]


def test_a_row_moves_on_with_its_machines_steps() -> None:
    screen = Screen(("node1", "node2"))
    screen.live(event("ipmi", "begin"))
    screen.now_s += 12
    assert screen.words()[1] == ["node2", "ipmi", "12", "s"]
    screen.live(event("ipmi", "retry", observed="no answer"))
    assert screen.words()[1] == ["node2", "ipmi", "12", "s", "tried", "again:", "no", "answer"]
    screen.live(event("ipmi", "end", elapsed_s=12.5))
    screen.now_s += 1000
    assert screen.words()[1] == ["node2", "ipmi", "12", "s", "done"]
    screen.live(event("installed", "begin"))
    screen.live(event("installed", "fail", elapsed_s=2700, observed="the chassis is off"))
    assert screen.words()[1] == ["node2", "installed", "45", "min", "0", "s", "FAILED:", "the", "chassis", "is", "off"]
    screen.live(event("replace", "note", by="node4", failed_step="installed"))
    assert screen.words()[1][-4:] == ["FAILED:", "replaced", "by", "node4"]


def test_a_row_that_waits_shows_no_time() -> None:
    assert Screen(("node1",)).words() == [["node1", "waiting"]]


def test_a_step_that_was_stopped_is_not_called_failed() -> None:
    screen = Screen()

    screen.live(event("ipmi", "begin"))
    screen.live(event("ipmi", "fail", elapsed_s=1, observed="another machine failed", stopped=True))

    assert screen.words() == [["node2", "ipmi", "1.00", "s", "stopped:", "another", "machine", "failed"]]


def test_what_is_not_of_a_machine_or_only_a_note_makes_no_row() -> None:
    screen = Screen()

    screen.live(event("run", "begin", ""))
    screen.live(event("zone", "note", "rack1", url="http://x"))

    assert screen.lines() == []


@pytest.mark.parametrize(
    "steps",
    [
        ("lease", "preflight", "storage", "zone", "healthy"),
        ("preflight", "cobbler", "puppet", "ipmi", "installed", "converge"),
        ("preflight", "cobbler", "puppet", "ipmi", "installed", "converge", "management"),
    ],
    ids=["pool", "hypervisor", "management"],
)
def test_the_bar_is_full_when_the_last_step_is_done_and_not_before(steps: tuple[str, ...]) -> None:
    screen = Screen()

    for step in steps:
        screen.live(event(step, "begin"))
        assert "─" in screen.lines()[0]
        screen.live(event(step, "end", elapsed_s=1))
        assert "━" in screen.lines()[0]

    assert "─" not in screen.lines()[0]


def test_a_long_observation_is_cut_so_that_a_machine_keeps_to_its_line() -> None:
    screen = Screen(width=80)

    screen.live(event("installed", "fail", elapsed_s=2700, observed="the installer\nhas [not] ended " * 20))

    assert len(screen.lines()) == 1
    assert "FAILED: the installer has [not] ended" in screen.lines()[0]


def test_the_live_view_draws_while_it_is_entered_and_leaves_the_last_state() -> None:
    screen = Screen()

    with screen.live as live:
        live(event("ipmi", "begin"))
        live.say("waiting for rack1")
        live._live.refresh()  # now, and not some time later
        assert "waiting for rack1" in screen.output.getvalue()
        live(event("ipmi", "end", elapsed_s=1))

    last = screen.output.getvalue().rpartition("ipmi")[2]
    assert "done" in last
    assert "waiting" not in last


def test_a_pipe_gets_lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with view() as shown:
        shown.say("hello")

    assert capsys.readouterr().out == "qacloud: hello\n"


@pytest.mark.parametrize(("term", "kind"), [("xterm", LiveView), ("dumb", LogView)])
def test_a_terminal_gets_the_table_where_it_can_draw_it(monkeypatch: pytest.MonkeyPatch, term: str, kind: type) -> None:
    leader, follower = pty.openpty()
    try:
        with os.fdopen(follower, "w") as terminal:
            monkeypatch.setattr(sys, "stdout", terminal)
            monkeypatch.setenv("TERM", term)
            assert isinstance(view(), kind)
    finally:
        os.close(leader)


def test_machines_of_several_pools_are_told_apart_in_one_log() -> None:
    lines: list[str] = []
    log = LogView(lines.append)
    for pool in ("one", "two"):
        with OfPool(log, pool) as shown:
            shown(event("ipmi", "end"))
            shown(event("lease", "end", pool))
            shown(event("run", "end", ""))
            shown.say(f"taking {pool} down")

    assert lines == [
        "one/node2: ipmi done",
        "one: lease done",
        "taking one down",
        "two/node2: ipmi done",
        "two: lease done",
        "taking two down",
    ]


def test_the_table_keeps_the_rows_of_a_pool_together() -> None:
    live = LiveView(Console(file=io.StringIO()))
    for machine in ("one", "two", "one/node1", "two/node1", "one/node2"):
        live(event("preflight", "begin", machine))

    names = [str(cell) for cell in live.table().columns[0].cells]

    assert names == ["one", "one/node1", "one/node2", "two", "two/node1"]


def test_no_view_shows_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with NoView() as shown:
        shown(event("ipmi", "end"))
        shown.say("hello")

    assert capfd.readouterr() == ("", "")
