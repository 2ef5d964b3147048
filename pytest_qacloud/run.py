"""The part of the plugin that lives only while a pool or a zone is asked for: one session, one zone, its verdicts."""

from __future__ import annotations

import signal
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import pytest

from . import marvin, progress
from .errors import EXIT_NO_ZONE, ConfigError, LeaseLostError, QacloudError, UnreachableError
from .model import Outcome, Verdict
from .report import Report, failure_report, paragraphs
from .session import Session

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from .model import LeaseLoss, Zone
    from .progress import View
    from .settings import Settings

UNTESTABLE = ("qacloud_verdict", Outcome.UNTESTABLE.value)
"""What marks a report, in JUnit files too."""

NEEDS_ZONE = frozenset({"qacloud_zone", "qacloud_api", "qacloud_lease", "qacloud_pool", "qacloud_build"})


class RunPlugin:
    """One pytest session with a zone.

    Args:
        settings: with a pool or a zone in it.
    """

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self.config = config
        self.settings = settings
        self.session: Session | None = None
        self.zone: Zone | None = None
        self.suites: marvin.RunContext | None = None
        self.report = Report(config)
        self._failed = False
        self._verdicts: dict[str, Verdict] = {}
        self._sigterm_before: Any = None

    def pytest_report_header(self) -> list[str]:
        """The settings, each with its source."""
        return [f"qacloud: {', '.join(self.settings.shown())}"]

    def pytest_sessionstart(self) -> None:
        """Refuse what cannot work before anything is collected."""
        if self.config.getoption("numprocesses", None):
            raise pytest.UsageError(
                "-n needs a pool for every worker, and one zone cannot be shared by several; run without -n"
            )

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> object | None:
        """Make the zone before the first test, if any test needs it; without it no test runs."""
        option = self.config.option
        stopped = session.testsfailed and not option.continue_on_collection_errors
        if option.collectonly or stopped or not any(map(needs_zone, session.items)):
            return None
        self._sigterm_before = signal.signal(signal.SIGTERM, _terminate)
        with self._uncaptured() as view:
            self.session = Session(self.settings, view)
            try:
                self._open(self.session)
            except ConfigError as error:
                raise pytest.UsageError(self.session.redact(str(error))) from error
            except (QacloudError, ExceptionGroup) as error:
                self._fail(session, error)
        return True if self._failed else None

    def _open(self, run: Session) -> None:
        if self.settings["zone"]:
            from .handover import read_handover

            self.zone = run.attach(read_handover(self.settings.path("zone")))
        else:
            self.zone = run.start()
        services = run.services
        if run.api is not None and services is not None:
            self.suites = marvin.bind(run.api, self.zone, services.cloud_api)
        self.report.zone_made(run)

    def _fail(self, session: pytest.Session, error: Exception) -> None:
        """Report that there is no zone: an error of a test case of its own, and pytest's end."""
        self._failed = True
        redact = self.session.redact if self.session else str
        text = redact("\n\n".join(paragraphs(error)))
        self.report.no_zone = text
        if self.session is not None:
            self.report.zone_made(self.session)
        for report in failure_report(self.settings["pool"] or self.settings["zone"], text):
            self.config.hook.pytest_runtest_logreport(report=report)
        session.shouldfail = False  # --maxfail counts tests, and this is none

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> object | None:
        """Run no test without a lease."""
        loss = self._loss()
        if loss is None or self.zone is None:
            return None
        item.session.shouldstop = str(loss)
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Judge each test; what failed on a sick zone is an error of the infrastructure, not of the commit."""
        report = yield
        if self.session is None or self.zone is None or not needs_zone(item):
            return report
        ailment = self._ailment(call, report)
        if ailment is not None:
            self._blame_infrastructure(report, ailment)
        elif report.longrepr is not None and report.failed:
            report.longrepr = self._redacted(report)
        self._judge(report, call, ailment)
        return report

    def _blame_infrastructure(self, report: pytest.TestReport, ailment: str) -> None:
        """Make an error of it: JUnit files have failures of the call phase only."""
        redact = self.session.redact if self.session else str
        text = redact(f"UNTESTABLE: {ailment}")
        report.longrepr = f"{text}\n\nThe test itself said:\n{redact(report.longreprtext)}" if report.longrepr else text
        report.outcome, report.when = "failed", "setup" if report.when == "call" else report.when
        report.user_properties.append(UNTESTABLE)
        self.report.untestable.append(report)

    def _loss(self) -> LeaseLoss | None:
        guard = self.session.guard if self.session is not None else None
        return guard.loss if guard is not None else None

    def _ailment(self, call: pytest.CallInfo[None], report: pytest.TestReport) -> str | None:
        """Why this outcome is not the build's; `None` where it is."""
        loss = self._loss()
        if loss is not None and (report.failed or report.when == "call"):
            return str(loss)
        if not report.failed or self.session is None:
            return None
        for error in _causes(call.excinfo.value if call.excinfo else None):
            if isinstance(error, UnreachableError | LeaseLostError):
                return str(error)
        return self.session.ailment()

    def _redacted(self, report: pytest.TestReport) -> Any:
        """The failure's text without secrets; kept as pytest made it where it shows none."""
        if self.session is None:
            return report.longrepr
        shown = self.session.redact(report.longreprtext)
        return report.longrepr if shown == report.longreprtext else shown

    def _judge(self, report: pytest.TestReport, call: pytest.CallInfo[None], ailment: str | None) -> None:
        """Keep the worst that a test's phases say, and write it down after the last of them."""
        run, zone = self.session, self.zone
        if run is None or zone is None:
            return
        outcome = Outcome.UNTESTABLE if ailment else Outcome.BAD if report.failed else Outcome.GOOD
        before = self._verdicts.get(report.nodeid)
        if not report.skipped and (call.when == "call" or report.failed) and _worse(outcome, before):
            evidence = ailment or (str(call.excinfo.value) if call.excinfo else "") or "passed"
            self._verdicts[report.nodeid] = Verdict(
                test=report.nodeid,
                build=zone.build.commit or zone.build.name,
                outcome=outcome,
                evidence=run.redact(evidence.splitlines()[0]),
                pool=zone.pool,
                epoch=zone.epoch,
                duration_s=round(call.duration, 6),
            )
        if call.when == "teardown" and report.nodeid in self._verdicts:
            run.record_verdict(self._verdicts.pop(report.nodeid))

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Name the test whose API calls follow."""
        cls = getattr(item, "cls", None)
        if self.suites is not None and cls is not None and marvin.is_suite(cls):
            marvin.set_identifier(self.suites, cls, getattr(item, "originalname", item.name))

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """`U` for a test that says nothing about the build."""
        if UNTESTABLE in getattr(report, "user_properties", ()):  # reports of collection have none
            return "untestable", "U", "UNTESTABLE"
        return None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Take the zone down, and tell Jenkins when there was none."""
        with self._uncaptured():
            self.stop()
        if self._failed or self._loss() is not None:
            session.exitstatus = EXIT_NO_ZONE

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The times of the stages, and where the run is kept."""
        self.report.summary(terminalreporter, self.session)

    def stop(self) -> None:
        """Close what is open; a second call does nothing."""
        if self.suites is not None:
            self.suites.close()
            self.suites = None
        if self.session is not None:
            self.session.stop()
        if self._sigterm_before is not None:
            signal.signal(signal.SIGTERM, self._sigterm_before)
            self._sigterm_before = None

    @contextmanager
    def _uncaptured(self) -> Iterator[View]:
        """A view on the real terminal, below what pytest has written, while pytest's capture is off."""
        manager = self.config.pluginmanager
        capture, terminal = manager.getplugin("capturemanager"), manager.getplugin("terminalreporter")
        with capture.global_and_fixture_disabled() if capture else nullcontext():
            if terminal is not None:
                terminal.write_line("")  # so that nothing is drawn over, or sticks to, a line of dots
                terminal.flush()
            with progress.view() as view:
                if self.session is not None:
                    self.session.view = view
                yield view


def _worse(outcome: Outcome, before: Verdict | None) -> bool:
    """Whether `outcome` says more against the build than what was found before."""
    order = (Outcome.GOOD, Outcome.UNTESTABLE, Outcome.BAD)
    return before is None or order.index(outcome) > order.index(before.outcome)


def needs_zone(item: pytest.Item) -> bool:
    """Whether an item is of a Marvin suite, or asks for one of the zone's fixtures."""
    cls = getattr(item, "cls", None)
    if cls is not None and marvin.is_suite(cls):
        return True
    return not NEEDS_ZONE.isdisjoint(getattr(item, "fixturenames", ()))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _terminate(_number: int, _frame: object) -> None:
    """SIGTERM ends pytest as Ctrl-C does, so that the zone is taken down."""
    raise KeyboardInterrupt("SIGTERM")
