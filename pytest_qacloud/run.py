"""The part of the plugin that lives only while a pool or a zone is asked for: it makes the zone and takes it down.

`Run` is what every process has that makes zones; `LoneRun` makes one, and runs the tests on it itself. The zones of
workers are made in `xdist`.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import pytest

from . import progress
from .errors import EXIT_NO_ZONE, ConfigError, QacloudError
from .onzone import OnZone, needs_zone
from .report import Report, failure_report, paragraphs
from .session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .progress import View
    from .settings import Settings


class Run:
    """One pytest session that makes zones.

    Args:
        settings: with a pool or a zone in it.
    """

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self.config = config
        self.settings = settings
        self.report = Report(config)
        self.failed = False
        self._sigterm_before: Any = None
        config.pluginmanager.register(self.report, "qacloud-report")

    def close(self) -> None:
        """Undo what was made; a second call does nothing."""
        raise NotImplementedError

    def show(self, view: View) -> None:
        """Show what is undone in another view than what was made."""
        raise NotImplementedError

    def pytest_report_header(self) -> list[str]:
        """The settings, each with its source."""
        return [f"qacloud: {', '.join(self.settings.shown())}"]

    def make(self, start: Callable[[View], None]) -> bool:
        """Make what the tests need; whether it is there now.

        Args:
            start: makes it; from its first moment on, `close` must undo what it did.

        Raises:
            pytest.UsageError: a pool file, zone config or setting is wrong.
        """
        self._sigterm_before = signal.signal(signal.SIGTERM, _terminate)
        with self._uncaptured() as view:
            try:
                start(view)
            except ConfigError as error:
                raise pytest.UsageError(self.report.redact(str(error))) from error
            except (QacloudError, ExceptionGroup) as error:
                self.fail("\n\n".join(paragraphs(error)))
        self.report.zones_made()
        return not self.failed

    def fail(self, text: str) -> None:
        """There is no zone."""
        self.failed = True
        self.report.no_zone = self.report.redact(text)

    def tell_failure(self) -> None:
        """Report that there is no zone, as an error of a test case of its own."""
        for report in failure_report(self.settings["pool"] or self.settings["zone"], self.report.no_zone):
            self.config.hook.pytest_runtest_logreport(report=report)

    def stop(self) -> None:
        """Undo all, a second call does nothing."""
        self.close()
        if self._sigterm_before is not None:
            signal.signal(signal.SIGTERM, self._sigterm_before)
            self._sigterm_before = None

    def finish(self, session: pytest.Session) -> None:
        """Take the zones down, and tell Jenkins when there was none."""
        with self._uncaptured() as view:
            self.show(view)
            self.stop()
        if self.failed or self.report.leases_lost():
            session.exitstatus = EXIT_NO_ZONE
        self.report.ended(int(session.exitstatus))

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
                yield view


class LoneRun(Run):
    """One pytest session with one zone, on which it runs its tests itself."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        super().__init__(config, settings)
        self.on_zone = OnZone(config)
        self.session: Session | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> object | None:
        """Make the zone before the first test, if any test needs it; without it no test runs."""
        option = self.config.option
        stopped = session.testsfailed and not option.continue_on_collection_errors
        if option.collectonly or stopped or not any(map(needs_zone, session.items)):
            return None
        if self.make(self._start):
            return None
        self.tell_failure()
        session.shouldfail = False  # --maxfail counts tests, and this is none
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Take the zone down."""
        self.finish(session)

    def close(self) -> None:
        """Close what suites opened, and take the zone down."""
        self.on_zone.close()
        if self.session is not None:
            self.session.stop()

    def show(self, view: View) -> None:
        """Show the teardown in `view`."""
        if self.session is not None:
            self.session.view = view

    def _start(self, view: View) -> None:
        self.session = run = Session(self.settings, view)
        self.report.of(run.run_id, run.folder, [run])
        if self.settings["zone"]:
            from .handover import read_handover

            zone = run.attach(read_handover(self.settings.path("zone")))
        else:
            zone = run.start()
        self.on_zone.use(run, zone)


def _terminate(_number: int, _frame: object) -> None:
    """SIGTERM ends pytest as Ctrl-C does, so that the zones are taken down."""
    raise KeyboardInterrupt("SIGTERM")
