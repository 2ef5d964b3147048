"""The gate after a session: `--qacloud-gate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .errors import ConfigError, QacloudError
from .model import Outcome
from .settings import SETTINGS_FILE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .gate.record import Event
    from .gate.report import Report as GateReport
    from .gatework import GateWork, SessionRun
    from .interrupts import Interrupts
    from .model import GateSettings
    from .report import Report
    from .settings import Settings

OFF = "off"
MODES = ("report", "bisect", "promote")
SAID_SOMETHING = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)


def wanted(settings: Settings) -> GateSettings:
    """What the gate works by.

    Raises:
        ConfigError: an unknown word, or there is no `[gate]`.
    """
    mode = settings["gate"]
    if mode not in MODES:
        raise ConfigError(f"gate={mode} (from {settings.source('gate')}): must be {OFF}, {', '.join(MODES)}")
    from .config import load_gate

    path = settings.folder / SETTINGS_FILE
    gate = load_gate(path)
    if gate is None:
        raise ConfigError(
            f"--qacloud-gate={mode} needs [gate] with a repository and a build command; see the README", file=str(path)
        )
    return gate


class GateHook:
    """Works on the gate once the session's pools are free again, and tells of it.

    Args:
        report: of the session.
    """

    def __init__(self, config: pytest.Config, settings: Settings, gate: GateSettings, report: Report) -> None:
        self.config, self.settings, self.gate, self.report = config, settings, gate, report
        self.told: GateReport | None = None
        self.said: list[str] = []
        self._deselected = 0

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Count what was left out: then it was not the whole of the gating suites."""
        self._deselected += len(items)

    @pytest.hookimpl(tryfirst=True)  # before the JUnit file is written; the zone is down by then, see `plugin`
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Ask the gate, if this session says something about staging's tip."""
        if session.exitstatus not in SAID_SOMETHING or self.report.folder is None:
            return
        from .interrupts import Interrupts

        interrupts = Interrupts()
        try:
            with interrupts:
                self._ask(session, interrupts)
        except QacloudError as error:
            self.said.append(f"the gate stopped: {self.report.redact(str(error))}")
            self.said.append("go on with `qacloud gate resume`")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """What became of the commits."""
        if not self.said:
            return
        terminalreporter.section("qacloud gate")
        for line in self.said:
            terminalreporter.write_line(line)

    def _ask(self, session: pytest.Session, interrupts: Interrupts) -> None:
        from .gate.report import text
        from .gatework import PAGE, GateWork

        work = GateWork(self.gate, self.settings, interrupts.check, self._say)
        run = self._session_run(session, work)
        if run is None:
            return
        self.told, folder = work.work(self.settings["gate"], run)
        self.said += [*text(self.told), f"page: {folder / PAGE}"]
        self.said += [f"warning: {failed}" for failed in work.notify(self.told, folder)]
        self._properties(self.told, folder)

    def _session_run(self, session: pytest.Session, work: GateWork) -> SessionRun | None:
        """What this session says of staging's tip; `None`, with the reason said, where it says nothing of it."""
        from .gatework import SessionRun

        build = next((run.zone.build for run in self.report.runs if run.zone is not None), None)
        if build is None or build.commit is None:
            self.said.append("not gated: name the commit that was tested, as with --qacloud-build=staging")
            return None
        _, staging = work.heads()
        if build.commit != staging:
            self.said.append(
                f"not gated: {build.name} ({build.commit[:12]}) is not the tip of {self.gate.staging} ({staging[:12]})"
            )
            return None
        outcomes: dict[str, Outcome] = {}
        evidence: dict[str, str] = {}
        pool, elapsed_s = "", 0.0
        for verdict in _verdicts(self.report.folder):
            name = verdict["test"]
            outcomes[name], pool = Outcome(verdict["outcome"]), verdict["pool"]
            elapsed_s += verdict["duration_s"]
            if outcomes[name] is not Outcome.GOOD:
                evidence[name] = verdict["evidence"]
        if not self._is_whole(session):
            outcomes = {}  # the gate runs the suites itself
        return SessionRun(build.commit, outcomes, evidence, str(self.report.folder), pool, elapsed_s)

    def _is_whole(self, session: pytest.Session) -> bool:
        """Whether this session ran the gating suites, all of them."""
        if self._deselected or session.shouldstop or session.shouldfail:
            return False
        start, root = self.config.invocation_params.dir, self.settings.folder
        ran = {(start / argument).resolve() for argument in self.config.args}
        return ran == {(root / suite).resolve() for suite in self.gate.suites}

    def _say(self, event: Event) -> None:
        from .gateview import line

        terminal = self.config.pluginmanager.getplugin("terminalreporter")
        told = line(event)
        if told and terminal is not None:
            terminal.write_line(f"qacloud gate: {told}")

    def _properties(self, told: GateReport, folder: Path) -> None:
        """Into the JUnit file, if one is written."""
        xml = self.report.junit()
        if xml is None:
            return
        found = {"gate": told.gate, "gate.result": told.result, "gate.reason": told.reason, "gate.folder": str(folder)}
        if told.promoted:
            found["gate.promoted"] = told.promoted
        for number, blamed in enumerate(told.culprits, 1):
            found[f"gate.culprit.{number}"] = f"{blamed.commit} {blamed.author}: {blamed.subject}"
            found[f"gate.culprit.{number}.tests"] = " ".join(blamed.tests)
        for name, value in found.items():
            xml.add_global_property(f"qacloud.{name}", self.report.redact(value))


def _verdicts(folder: Path | None) -> list[dict[str, Any]]:
    path = (folder or Path()) / "verdicts.jsonl"
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
