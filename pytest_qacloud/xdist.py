"""Fan-out with pytest-xdist: the controller makes a zone for each worker, which finds its own in `workerinput`.

The zones are made before the workers are started, so before tests are collected: also where no test needs one. What
goes to a worker holds keys, and goes through execnet's pipe: no argument, no variable, no file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .errors import QacloudError
from .model import Outcome, Verdict
from .onzone import POOL, VERDICT, OnZone, blame_infrastructure, needs_zone, verdict_line
from .report import paragraphs
from .run import Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    import execnet
    from xdist.workermanage import WorkerController

    from .progress import View
    from .session import Session
    from .sessions import Sessions
    from .settings import Settings

KEY = "qacloud"
"""Of `workerinput` and `workeroutput`."""

WHOLE_CLASSES = frozenset({"loadfile", "loadscope", "each"})
"""Distributions that run all tests of a class on one worker, or on each."""

CRASHED = "qacloud_crashed"
"""The attribute of the report of a test in which its worker died."""


def distributes(config: pytest.Config) -> bool:
    """Whether pytest-xdist runs the tests in workers."""
    option = config.option
    return not option.collectonly and getattr(option, "dist", "no") != "no" and bool(getattr(option, "tx", None))


class Controller(Run):
    """One pytest session whose tests run in workers, each on a zone of its own.

    A worker that dies is replaced by xdist, and the new one gets the zone of the dead, as its tests left it.
    """

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        super().__init__(config, settings)
        self.zones: Sessions | None = None
        self._free: list[Session] = []
        self._given: dict[str, Session] = {}

    @pytest.hookimpl(trylast=True)
    def pytest_xdist_setupnodes(self, specs: list[execnet.XSpec]) -> None:
        """Make a zone for each worker before the first is started; without them none is."""
        refuse(self.config.option.dist, self.settings, specs)
        if not self.make(lambda view: self._start(view, len(specs))):
            specs.clear()  # the list by which xdist starts them

    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Distribute as asked for, but run no test again in which a worker died."""
        from .schedule import FilesOnce, ScopesOnce

        made = {"loadfile": FilesOnce, "loadscope": ScopesOnce}.get(config.option.dist)
        return made(config, log) if made else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> object | None:
        """Run no test where there are no zones."""
        if not self.failed:
            return None
        self.tell_failure()
        return True

    def pytest_configure_node(self, node: WorkerController) -> None:
        """Give a worker its zone."""
        session = self._given[node.gateway.id] = self._free.pop(0)
        from .handover import to_text

        folder = session.folder / node.gateway.id
        node.workerinput[KEY] = {"zone": to_text(session.handover()), "folder": str(folder)}

    def pytest_testnodedown(self, node: WorkerController) -> None:
        """Take a worker's zone back, for the one that may replace it."""
        session = self._given[node.gateway.id]
        if session not in self._free:
            self._free.append(session)
        no_zone = getattr(node, "workeroutput", {}).get(KEY)  # a worker that crashed has no output
        if no_zone:
            self.fail(no_zone)
            self.tell_failure()

    @pytest.hookimpl(tryfirst=True)
    def pytest_handlecrashitem(self, crashitem: str, report: Any) -> None:
        """A test in which its worker died says nothing about the build."""
        session = self._given[report.node.gateway.id]
        zone = session.zone
        if zone is None:
            return
        ailment = "the worker's process died, which no management server can bring about"
        report.user_properties.append((POOL, zone.pool))
        blame_infrastructure(report, ailment, report.longreprtext)
        build = zone.build.commit or zone.build.name
        verdict = Verdict(crashitem, build, Outcome.UNTESTABLE, ailment, zone.pool, zone.epoch, 0.0)
        setattr(report, VERDICT, verdict_line(verdict))
        setattr(report, CRASHED, True)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Let a test in which its worker died come to its end, as JUnit files have properties only then."""
        if not getattr(report, CRASHED, False):
            return
        end = pytest.TestReport(
            report.nodeid, report.location, {}, "passed", None, "teardown", user_properties=report.user_properties
        )
        end.node = report.node  # type: ignore[attr-defined]  # by which xdist's reports are told apart
        self.config.hook.pytest_runtest_logreport(report=end)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Take the zones down, when xdist has ended the workers."""
        self.finish(session)

    def close(self) -> None:
        """Take the zones down."""
        if self.zones is not None:
            self.zones.stop()

    def show(self, view: View) -> None:
        """Show the teardown in `view`."""
        if self.zones is not None:
            self.zones.show(view)

    def _start(self, view: View, count: int) -> None:
        from .sessions import Sessions

        self.zones = zones = Sessions(self.settings, view, count)
        self.report.of(zones.run_id, zones.folder, zones.sessions)
        zones.start()
        self._free = list(zones.sessions)


def refuse(dist: str, settings: Settings, specs: Sequence[execnet.XSpec]) -> None:
    """Refuse what cannot work.

    Args:
        dist: how xdist distributes tests.
        specs: a worker's each.

    Raises:
        pytest.UsageError: with what to do instead.
    """
    if dist not in WHOLE_CLASSES:
        implied = ", which -n means by itself," if dist == "load" else ""
        raise pytest.UsageError(
            f"--dist {dist}{implied} spreads the tests of a class over workers, and each has a zone of its own;"
            " add --dist loadfile"
        )
    if settings["zone"]:
        raise pytest.UsageError(
            "--qacloud-zone names one zone, which workers cannot share: run without -n, or name a pool for each"
            " worker with --qacloud-pool"
        )
    if settings["config-out"] and len(specs) > 1:
        raise pytest.UsageError(
            f"--qacloud-config-out names one file, and {len(specs)} workers have as many zones; leave it out"
        )
    if any(not spec.popen or spec.via for spec in specs):
        raise pytest.UsageError(
            "workers on other hosts (--tx ssh=, socket=, via=) see neither the pool files nor the leases of this one;"
            " use -n, or --tx popen"
        )


class Worker:
    """One worker's part: it runs its tests on the zone that the controller made for it.

    Args:
        given: what the controller's `pytest_configure_node` put into `workerinput`.
    """

    def __init__(self, config: pytest.Config, settings: Settings, given: dict[str, str]) -> None:
        self.config = config
        self.settings = settings
        self.on_zone = OnZone(config)
        self.session: Session | None = None
        self._given = given

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> object | None:
        """Take the zone over, if any test needs it; without it no test runs."""
        if not any(map(needs_zone, session.items)):
            return None
        try:
            self._attach()
        except QacloudError as error:
            text = self.session.redact(paragraphs(error)[0]) if self.session else str(error)
            self.config.workeroutput[KEY] = session.shouldstop = text  # type: ignore[attr-defined]  # xdist's
            return True
        return None

    def pytest_sessionfinish(self) -> None:
        """Let go of the zone; the controller takes it down."""
        self.stop()

    def stop(self) -> None:
        """Close what is open; a second call does nothing."""
        self.on_zone.close()
        if self.session is not None:
            self.session.stop()

    def _attach(self) -> None:
        from pathlib import Path

        from .handover import from_text
        from .progress import NoView
        from .session import Session

        self.session = Session(self.settings, NoView(), folder=Path(self._given["folder"]))
        zone = self.session.attach(from_text(self._given["zone"], "workerinput"))
        self.on_zone.use(self.session, zone)
