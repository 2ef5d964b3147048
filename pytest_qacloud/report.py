"""What a run leaves for people and for Jenkins: terminal section, JUnit properties, the error of a zone not had."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

import pytest

from .callreports import SECTION
from .errors import ConfigError, LeaseError, ProvisionError
from .onzone import VERDICT, is_untestable, lacking, test_of
from .progress import STEPS, seconds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from _pytest.junitxml import LogXML

    from .provision import StepTime
    from .session import Session

ENDED = "ended.json"
"""The file in a run's folder that holds pytest's exit status."""

BEFORE, AFTER = ("rack", "lease"), ("teardown",)


class Report:
    """Collects what tests said, in the process that has the terminal; shows it at the end and writes it down."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.no_zone = ""
        self.untestable: list[pytest.TestReport] = []
        self.not_simulated: dict[str, dict[str, None]] = {}
        self.run_id = ""
        self.folder: Path | None = None
        self.runs: Sequence[Session] = ()
        self._verdicts: TextIO | None = None

    def of(self, run_id: str, folder: Path, runs: Sequence[Session]) -> None:
        """Tell of these runs from here on.

        Args:
            folder: of the whole run; it gets `verdicts.jsonl`, and `ended.json` at the end.
        """
        self.run_id, self.folder, self.runs = run_id, folder, runs

    def redact(self, text: str) -> str:
        """`text` without the secrets of the runs."""
        for run in self.runs:
            text = run.redact(text)
        return text

    def leases_lost(self) -> bool:
        """Whether any run lost its lease."""
        return any(run.guard is not None and run.guard.loss is not None for run in self.runs)

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """`U` for a test that says nothing about the build, `N` where the simulated management server is why."""
        if not is_untestable(report):
            return None
        return ("not simulated", "N", "NOT SIMULATED") if lacking(report) else ("untestable", "U", "UNTESTABLE")

    @pytest.hookimpl(tryfirst=True)  # before the JUnit file's test case is closed
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what says nothing about the build, and write verdicts into the run's folder, a line of JSON each."""
        missing = lacking(report)
        for command in missing:
            self.not_simulated.setdefault(command, {})[test_of(report)] = None
        if not missing and is_untestable(report):
            self.untestable.append(report)
        self._sections_into_junit(report)
        verdict = getattr(report, VERDICT, None)
        if verdict is not None and self.folder is not None:
            self._write(self.folder, verdict)

    def _write(self, folder: Path, verdict: str) -> None:
        """Append a verdict; each is in the file at once, should this process die."""
        if self._verdicts is None:
            self._verdicts = (folder / "verdicts.jsonl").open("a", buffering=1, encoding="utf-8")
            self.config.add_cleanup(self._verdicts.close)
        self._verdicts.write(verdict + "\n")

    def ended(self, status: int) -> None:
        """Leave a word, for who finds the run's folder, that it came to its end, and how."""
        if self.folder is not None:
            with suppress(OSError):  # on a full disk
                (self.folder / ENDED).write_text(json.dumps({"exit_status": status}) + "\n", encoding="utf-8")

    def zones_made(self) -> None:
        """Put what is known of the run into the JUnit file, if one is written."""
        xml = self.junit()
        if xml is None or not self.runs:
            return
        for name, value in properties(self.run_id, self.folder, self.runs):
            xml.add_global_property(f"qacloud.{name}", self.redact(value))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The terminal section: what was UNTESTABLE, the times of the stages, and where the run is kept."""
        terminal = terminalreporter
        if self.folder is None:
            return
        for report in self.untestable:
            terminal.section(f"UNTESTABLE {report.nodeid}", sep="_", red=True)
            terminal.write_line(report.longreprtext)
            for text in _sections(report):
                terminal.write_line(text)
        terminal.section("qacloud")
        if self.no_zone:
            terminal.write_line(self.no_zone, red=True)
            terminal.write_line("")
        for run in self.runs:
            for line in zone_lines(run):
                terminal.write_line(line)
        if self.untestable:
            terminal.write_line(
                f"{len(self.untestable)} UNTESTABLE: the infrastructure failed, the build is not blamed"
            )
        for line in not_simulated_table(self.not_simulated):
            terminal.write_line(line)
        for warning in (warning for run in self.runs for warning in run.warnings):
            terminal.write_line(f"warning: {warning}", yellow=True)
        terminal.write_line(f"journal and logs: {self.folder}")

    def junit(self) -> LogXML | None:
        """The JUnit file that is being written; pytest offers no other way into it outside a fixture."""
        from _pytest.junitxml import xml_key

        return self.config.stash.get(xml_key, None)

    def _sections_into_junit(self, report: pytest.TestReport) -> None:
        """Put what the report of a failure shows of the run into the test case, as its `system-out`."""
        texts = _sections(report)
        xml = self.junit() if texts else None
        if xml is None:
            return
        from xml.etree.ElementTree import Element

        from _pytest.junitxml import bin_xml_escape

        for text in texts:
            element = Element("system-out")
            element.text = bin_xml_escape(text)
            xml.node_reporter(report).append(element)


def zone_lines(run: Session) -> Iterator[str]:
    """Which zone it was, and how long it took to make."""
    zone = run.zone
    if zone is not None:
        where = f"machines {', '.join(zone.machines)}" if zone.machines else "on this machine"
        commit = f" (commit {zone.build.commit[:12]})" if zone.build.commit else ""
        yield (
            f"zone {zone.name} ({zone.hypervisor}) of pool {zone.pool}, epoch {zone.epoch},"
            f" {where}, build {zone.build.name}{commit}"
        )
    yield from stage_table(run.times)
    if run.ready_s is not None:
        yield f"  {'zone ready':<10} {seconds(run.ready_s):>12}  from asking for the lease to a healthy zone"


def properties(run_id: str, folder: Path | None, runs: Sequence[Session]) -> Iterator[tuple[str, str]]:
    """Name and value of each JUnit property.

    Those of several runs are there twice: for all of them (texts joined with commas, times the longest), by the names
    that a lone run has, and for each, with its pool and a dot before the name.
    """
    yield "run", run_id
    yield "folder", str(folder)
    found = [dict(_properties(run)) for run in runs]
    for name in dict.fromkeys(name for each in found for name in each):
        values = [each[name] for each in found if name in each]
        yield name, max(values, key=float) if name.startswith("time.") else ",".join(dict.fromkeys(values))
    if len(runs) > 1:
        for run, each in zip(runs, found, strict=True):
            yield from ((f"{run.pool.name if run.pool else run.run_id}.{name}", value) for name, value in each.items())


def _properties(run: Session) -> Iterator[tuple[str, str]]:
    if run.pool is not None:
        yield "pool", run.pool.name
    if run.guard is not None:
        yield "epoch", str(run.guard.lease.epoch)
    if run.zone is not None:
        yield "machines", ",".join(run.zone.machines)
        yield "zone", run.zone.name
        yield "zone_id", run.zone.id
        yield "hypervisor", run.zone.hypervisor
        yield "build", run.zone.build.commit or run.zone.build.name
    else:
        yield "build", run.settings["build"]
    if run.ready_s is not None:
        yield "time.ready", f"{run.ready_s:.3f}"
    for step, times in _by_step(run.times):
        yield f"time.{step}", f"{max(time.elapsed_s for time in times):.3f}"


def not_simulated_table(found: Mapping[str, Collection[str]]) -> list[str]:
    """How many tests needed what the simulated management server has not, and a line a command, the most wanted first.

    Args:
        found: for each command the tests that called it.
    """
    if not found:
        return []
    tests = {test for each in found.values() for test in each}
    lines = [
        f"{len(tests)} NOT SIMULATED: the simulated management server has no such command, the build is not blamed"
    ]
    most_wanted = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    return lines + [f"  {command}: {len(wanted)} test{'s'[: len(wanted) > 1]}" for command, wanted in most_wanted]


def stage_table(times: Sequence[StepTime]) -> list[str]:
    """A line a stage: how long the slowest machine took, and which one it was."""
    lines = []
    for step, found in _by_step(times):
        slowest = max(found, key=lambda time: time.elapsed_s)
        who = slowest.machine if len(found) == 1 else f"slowest of {len(found)}: {slowest.machine}"
        lines.append(f"  {step:<10} {seconds(slowest.elapsed_s):>12}  {who}")
    return lines


def paragraphs(error: BaseException) -> list[str]:
    """A paragraph for the error, its notes in brackets behind it; for each one of a group, however deep."""
    notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    if isinstance(error, BaseExceptionGroup):
        return [text + notes for each in error.exceptions for text in paragraphs(each)]
    return [_paragraph(error) + notes]


def _paragraph(error: BaseException) -> str:
    if isinstance(error, ProvisionError):
        kind = "pool" if error.of_pool else "machine"
        where = f"{kind} {error.machine}, step {error.step}, after {seconds(error.elapsed_s)}"
        return f"No zone: {where}: {error.observed.rstrip('.')}. {error.action}".rstrip()
    if isinstance(error, LeaseError):
        return f"No lease: {error}"
    if isinstance(error, ConfigError):
        return str(error)
    return f"No zone: {error}"


def failure_report(pool: str, text: str) -> tuple[pytest.TestReport, pytest.TestReport]:
    """A test case of its own that ends in an error: its setup, and the teardown that closes it in JUnit files."""
    node = f"qacloud::zone[{pool}]"
    place = ("qacloud", None, f"zone[{pool}]")
    setup = pytest.TestReport(node, place, {}, "failed", text, "setup")
    return setup, pytest.TestReport(node, place, {}, "passed", None, "teardown")


def _sections(report: pytest.TestReport) -> list[str]:
    return [text for name, text in report.sections if name == SECTION]


def _by_step(times: Sequence[StepTime]) -> Iterator[tuple[str, list[StepTime]]]:
    for step in (*BEFORE, *STEPS, *AFTER):
        found = [time for time in times if time.step == step]
        if found:
            yield step, found
