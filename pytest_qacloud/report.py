"""What a run leaves for people and for Jenkins: terminal section, JUnit properties, the error of a zone not had."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .errors import ConfigError, LeaseError, ProvisionError
from .progress import STEPS, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .provision import StepTime
    from .session import Session

BEFORE, AFTER = ("rack", "lease"), ("teardown",)


class Report:
    """Collects what is shown at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.no_zone = ""
        self.untestable: list[pytest.TestReport] = []

    def zone_made(self, run: Session) -> None:
        """Put what is known of the run into the JUnit file, if one is written."""
        from _pytest.junitxml import xml_key  # pytest offers no other way to a suite property outside a fixture

        xml = self.config.stash.get(xml_key, None)
        if xml is None:
            return
        for name, value in properties(run):
            xml.add_global_property(f"qacloud.{name}", run.redact(value))

    def summary(self, terminal: pytest.TerminalReporter, run: Session | None) -> None:
        """The terminal section."""
        if run is None:
            return
        for report in self.untestable:
            terminal.section(f"UNTESTABLE {report.nodeid}", sep="_", red=True)
            terminal.write_line(report.longreprtext)
        terminal.section("qacloud")
        if self.no_zone:
            terminal.write_line(self.no_zone, red=True)
            terminal.write_line("")
        if run.zone is not None:
            zone = run.zone
            terminal.write_line(
                f"zone {zone.name} ({zone.hypervisor}) of pool {zone.pool}, epoch {zone.epoch},"
                f" machines {', '.join(zone.machines)}, build {zone.build.name}"
            )
        for line in stage_table(run.times):
            terminal.write_line(line)
        if run.ready_s is not None:
            terminal.write_line(
                f"  {'zone ready':<10} {seconds(run.ready_s):>12}  from asking for the lease to a healthy zone"
            )
        if self.untestable:
            terminal.write_line(
                f"{len(self.untestable)} UNTESTABLE: the infrastructure failed, the build is not blamed"
            )
        for warning in run.warnings:
            terminal.write_line(f"warning: {warning}", yellow=True)
        terminal.write_line(f"journal and logs: {run.folder}")


def properties(run: Session) -> Iterator[tuple[str, str]]:
    """Name and value of each JUnit property."""
    yield "run", run.run_id
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


def stage_table(times: Sequence[StepTime]) -> list[str]:
    """A line a stage: how long the slowest machine took, and which one it was."""
    lines = []
    for step, found in _by_step(times):
        slowest = max(found, key=lambda time: time.elapsed_s)
        who = slowest.machine if len(found) == 1 else f"slowest of {len(found)}: {slowest.machine}"
        lines.append(f"  {step:<10} {seconds(slowest.elapsed_s):>12}  {who}")
    return lines


def paragraphs(error: BaseException) -> list[str]:
    """A paragraph for the error; for each one of a group, however deep."""
    if isinstance(error, BaseExceptionGroup):
        return [text for each in error.exceptions for text in paragraphs(each)]
    return [_paragraph(error)]


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


def _by_step(times: Sequence[StepTime]) -> Iterator[tuple[str, list[StepTime]]]:
    for step in (*BEFORE, *STEPS, *AFTER):
        found = [time for time in times if time.step == step]
        if found:
            yield step, found
