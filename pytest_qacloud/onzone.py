"""Tests on a zone: Marvin is tied to it, and each test judged. The same in a lone process and in each worker.

What is found goes with the tests' reports, so that it reaches the process that writes it down wherever that is.
"""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest

from . import marvin
from .callreports import CallReports, full_id
from .calls import CallLog, RecordedApi, not_simulated
from .errors import LeaseLostError, UnreachableError
from .model import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from .model import LeaseLoss, Zone
    from .ports import CloudApi
    from .session import Session

POOL = "qacloud_pool"
"""The property of a report, in JUnit files too, that says where the test ran."""

UNTESTABLE = ("qacloud_verdict", Outcome.UNTESTABLE.value)
"""The property of a report, in JUnit files too, that says nothing about the build."""

NOT_SIMULATED = "qacloud_not_simulated"
"""The property of a report, in JUnit files too, that names a command which the simulated management server has not."""

MARKS = frozenset({UNTESTABLE[0], NOT_SIMULATED})

TEST = "qacloud_test"
"""The property of a test whose id is not its own, since its file is outside of pytest's root folder: one that is."""

VERDICT = "qacloud_verdict"
"""The attribute of a test's last report that holds its verdict as a line of JSON."""

_FIELDS = tuple(field.name for field in fields(Verdict))

NEEDS_ZONE = frozenset({"qacloud_zone", "qacloud_api", "qacloud_lease", "qacloud_pool", "qacloud_build"})

ON_ZONE = pytest.StashKey[bool]()
"""Whether an item needs a zone, once it was asked for: each of its phases asks."""


class OnZone:
    """The zone that this process's tests run on, and the hooks around each of them; registers itself.

    Attributes:
        api: for tests; what they call is recorded.
        session: whose zone it is; `None` until `use`.
        suites: what Marvin suites are given.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.session: Session | None = None
        self.api: CloudApi | None = None
        self.zone: Zone | None = None
        self.suites: marvin.RunContext | None = None
        self._calls: CallReports | None = None
        self._verdicts: dict[str, Verdict] = {}
        config.pluginmanager.register(self, "qacloud-zone")

    def use(self, session: Session, zone: Zone) -> None:
        """Run tests on a zone from here on.

        Raises:
            QacloudError: Marvin cannot be tied to it.
        """
        self.session, self.zone = session, zone
        if session.api is not None and session.services is not None:
            calls = CallLog(session.folder / "api-calls.jsonl", session.redact)
            self.api, self._calls = RecordedApi(session.api, calls), CallReports(calls)
            self.config.pluginmanager.register(self._calls, "qacloud-calls")
            self.suites = marvin.bind(session.api, zone, session.services.cloud_api, calls=calls)

    def close(self) -> None:
        """Close what suites opened; a second call does nothing."""
        suites, self.suites = self.suites, None
        if suites is not None:
            suites.close()
        if self._calls is not None:
            self._calls.calls.close()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> object | None:
        """Run no test without a lease."""
        if self.zone is None:
            return None
        loss = self._loss()
        if loss is None:
            if needs_zone(item):
                item.user_properties.append((POOL, self.zone.pool))
                if full_id(item) != item.nodeid:
                    item.user_properties.append((TEST, full_id(item)))
            return None
        item.session.shouldstop = str(loss)
        return True

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Name the test whose API calls follow."""
        cls = getattr(item, "cls", None)
        if self.suites is not None and cls is not None and marvin.is_suite(cls):
            marvin.set_identifier(self.suites, cls, getattr(item, "originalname", item.name))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Judge each test; what failed on a sick zone is an error of the infrastructure, not of the commit."""
        report = yield
        if self.session is None or self.zone is None or not needs_zone(item):
            return report
        ailment, missing = self._ailment(self.session, call, report), self._not_simulated(item, call, report)
        if ailment is None and missing:
            before = self._verdicts.get(test_of(report))
            if call.when == "teardown" and before is not None and before.not_simulated:
                # It has been counted, and what was never made cannot be cleaned up.
                report.outcome, report.longrepr = "passed", None
                self._judge(self.session, self.zone, report, call, None, [])
                return report
            ailment = f"not simulated: {', '.join(missing)}"
            _mark(item, report, *((NOT_SIMULATED, name) for name in missing))
        if ailment is not None:
            blame_infrastructure(report, self.session.redact(ailment), self.session.redact(report.longreprtext))
            _mark(item, report, UNTESTABLE)
        elif report.failed:
            report.longrepr = _redacted(self.session, report)
            # What an earlier phase was marked with says nothing of this one.
            report.user_properties = [mark for mark in report.user_properties if mark[0] not in MARKS]
        self._judge(self.session, self.zone, report, call, ailment, missing)
        return report

    def _loss(self) -> LeaseLoss | None:
        guard = self.session.guard if self.session is not None else None
        return guard.loss if guard is not None else None

    def _ailment(self, session: Session, call: pytest.CallInfo[None], report: pytest.TestReport) -> str | None:
        """Why this outcome is not the build's; `None` where it is."""
        if not report.failed and report.when != "call":
            return None
        loss = self._loss()
        if loss is not None:
            return str(loss)
        if not report.failed:
            return None
        for error in _causes(call.excinfo.value if call.excinfo else None):
            if isinstance(error, UnreachableError | LeaseLostError):
                return str(error)
        return session.ailment()

    def _not_simulated(self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> list[str]:
        """Commands that made a test fail since the simulated management server does not have them.

        A command that was refused so counts also where the test caught the error: what it saw afterwards is no cloud's
        doing.
        """
        if not report.failed or self._calls is None:
            return []
        told = [not_simulated(str(error)) for error in _causes(call.excinfo.value if call.excinfo else None)]
        return [*dict.fromkeys([*filter(None, told), *self._calls.not_simulated(item, call.when)])]

    def _judge(
        self,
        session: Session,
        zone: Zone,
        report: pytest.TestReport,
        call: pytest.CallInfo[None],
        ailment: str | None,
        missing: list[str],
    ) -> None:
        """Keep the worst that a test's phases say, and send it with the report of the last of them."""
        if call.when == "setup" and not report.failed:
            return
        outcome = Outcome.UNTESTABLE if ailment else Outcome.BAD if report.failed else Outcome.GOOD
        test = test_of(report)
        before = self._verdicts.get(test)
        if not report.skipped and (call.when == "call" or report.failed) and _worse(outcome, before):
            evidence = ailment or (str(call.excinfo.value) if call.excinfo else "") or "passed"
            self._verdicts[test] = Verdict(
                test=test,
                build=zone.build.commit or zone.build.name,
                outcome=outcome,
                evidence=session.redact(evidence.splitlines()[0]),
                pool=zone.pool,
                epoch=zone.epoch,
                duration_s=round(call.duration, 6),
                not_simulated=tuple(missing),
            )
        if call.when == "teardown" and test in self._verdicts:
            setattr(report, VERDICT, verdict_line(self._verdicts.pop(test)))


def verdict_line(verdict: Verdict) -> str:
    """A verdict as it stands in `verdicts.jsonl`."""
    return json.dumps({name: getattr(verdict, name) for name in _FIELDS})  # `asdict` copies, which takes longer


def blame_infrastructure(report: pytest.TestReport, ailment: str, said: str) -> None:
    """Make an error of a test's outcome: JUnit files have failures of the call phase only.

    Args:
        said: what the test itself reported, without secrets.
    """
    text = f"UNTESTABLE: {ailment}"
    report.longrepr = f"{text}\n\nThe test itself said:\n{said}" if said else text
    report.outcome, report.when = "failed", "teardown" if report.when == "teardown" else "setup"
    if UNTESTABLE not in report.user_properties:
        report.user_properties.append(UNTESTABLE)


def is_untestable(report: pytest.TestReport | pytest.CollectReport) -> bool:
    """Whether a report is of a failure that says nothing about the build."""
    return report.failed and UNTESTABLE in map(tuple, getattr(report, "user_properties", ()))  # a list from a worker


def test_of(report: pytest.TestReport) -> str:
    """The id of a report's test, which no other has."""
    return str(dict(report.user_properties).get(TEST, report.nodeid))


def lacking(report: pytest.TestReport) -> list[str]:
    """Commands that the simulated management server lacks, of a report of a failure that came of it."""
    return [str(value) for name, value in report.user_properties if name == NOT_SIMULATED] if report.failed else []


def needs_zone(item: pytest.Item) -> bool:
    """Whether a collected item is of a Marvin suite, or asks for one of the zone's fixtures; looked for once."""
    known = item.stash.get(ON_ZONE, None)
    if known is None:
        cls = getattr(item, "cls", None)
        known = cls is not None and marvin.is_suite(cls)
        known = known or not NEEDS_ZONE.isdisjoint(getattr(item, "fixturenames", ()))
        item.stash[ON_ZONE] = known
    return known


def _mark(item: pytest.Item, report: pytest.TestReport, *marks: tuple[str, object]) -> None:
    """Put marks on a report, and on the test itself: JUnit files have the properties of its last report."""
    for mark in marks:
        for properties in (report.user_properties, item.user_properties):
            if mark not in properties:
                properties.append(mark)


def _redacted(session: Session, report: pytest.TestReport) -> Any:
    """The failure's text without secrets; kept as pytest made it where it shows none."""
    if report.longrepr is None:
        return None
    shown = session.redact(report.longreprtext)
    return report.longrepr if shown == report.longreprtext else shown


def _worse(outcome: Outcome, before: Verdict | None) -> bool:
    """Whether `outcome` says more against the build than what was found before."""
    order = (Outcome.GOOD, Outcome.UNTESTABLE, Outcome.BAD)
    return before is None or order.index(outcome) > order.index(before.outcome)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
