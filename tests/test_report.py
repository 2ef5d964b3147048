"""What a run leaves for people and for Jenkins."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from pytest_qacloud.errors import ConfigError, LeaseLostError, PoolBusyError, ProvisionError, QacloudError
from pytest_qacloud.journal import Redactor
from pytest_qacloud.model import Build, Endpoint, Zone
from pytest_qacloud.provision import StepTime
from pytest_qacloud.report import Report, failure_report, not_simulated_table, paragraphs, properties, stage_table

if TYPE_CHECKING:
    from pytest_qacloud.session import Session

ZONE = Zone(
    pool="rack1",
    epoch=7,
    id="0b1c",
    name="rack1-e7",
    hypervisor="KVM",
    endpoint=Endpoint("http://10.1.0.10:8080/client/api", "an-api-key", "a-secret-key"),
    machines=("node1", "node2"),
    hosts=1,
    build=Build("master"),
    marvin_config={},
)
TIMES = [
    StepTime("teardown-pool", "teardown", 0.5),
    StepTime("node2", "ipmi", 1.0),
    StepTime("node3", "ipmi", 75.0),
    StepTime("rack1", "lease", 0.25),
]


def run(**members: Any) -> Session:
    """A run as the report sees it."""
    held = SimpleNamespace(lease=SimpleNamespace(epoch=7))
    known: dict[str, Any] = {
        "run_id": "20260101-000000-abcd",
        "folder": "/runs/1",
        "pool": SimpleNamespace(name="rack1"),
        "guard": held,
        "zone": ZONE,
        "times": TIMES,
        "ready_s": None,
        "warnings": [],
        "settings": {"build": "my-branch"},
        "redact": Redactor(["master"]),
    }
    return cast("Session", SimpleNamespace(**{**known, **members}))


def test_the_table_has_a_line_a_stage_in_the_order_of_the_run_with_the_slowest() -> None:
    assert [line.split() for line in stage_table(TIMES)] == [
        ["lease", "0.25", "s", "rack1"],
        ["ipmi", "1", "min", "15", "s", "slowest", "of", "2:", "node3"],
        ["teardown", "0.50", "s", "teardown-pool"],
    ]
    assert len({line.index(line.split()[0]) for line in stage_table(TIMES)}) == 1


def test_the_properties_of_a_run_with_a_zone() -> None:
    assert dict(properties("20260101-000000-abcd", Path("/runs/1"), [run()])) == {
        "run": "20260101-000000-abcd",
        "folder": "/runs/1",
        "pool": "rack1",
        "epoch": "7",
        "machines": "node1,node2",
        "zone": "rack1-e7",
        "zone_id": "0b1c",
        "hypervisor": "KVM",
        "build": "master",
        "time.lease": "0.250",
        "time.ipmi": "75.000",
        "time.teardown": "0.500",
    }


def test_the_properties_of_a_run_that_got_nowhere() -> None:
    assert dict(
        properties("20260101-000000-abcd", Path("/runs/1"), [run(pool=None, guard=None, zone=None, times=[])])
    ) == {
        "run": "20260101-000000-abcd",
        "folder": "/runs/1",
        "build": "my-branch",
    }


def test_a_failure_of_a_machine_is_one_paragraph_with_all_that_is_known() -> None:
    error = ProvisionError("node2", "installed", "waited 2700.0 s for the new system; it is off.", 2700, "Look at it.")

    [text] = paragraphs(error)

    assert text == (
        "No zone: machine node2, step installed, after 45 min 0 s: waited 2700.0 s for the new system; it is off."
        " Look at it."
    )


def test_a_failure_of_the_pool_does_not_call_it_a_machine() -> None:
    [text] = paragraphs(ProvisionError("sim", "healthy", "no host is Up", 1.5, "", of_pool=True))

    assert text == "No zone: pool sim, step healthy, after 1.50 s: no host is Up."


def test_each_of_several_failures_has_a_paragraph_however_deep() -> None:
    group = ExceptionGroup(
        "several",
        [
            ProvisionError("node2", "ipmi", "no answer", 1, "Go there."),
            ExceptionGroup("more", [LeaseLostError("rack1", 7, "expired"), PoolBusyError("rack1 is held")]),
            ConfigError("is not TOML", file="rack1.toml"),
            QacloudError("the disk is full"),
        ],
    )

    assert paragraphs(group) == [
        "No zone: machine node2, step ipmi, after 1.00 s: no answer. Go there.",
        "No lease: the lease on rack1 (epoch 7) is lost: expired",
        "No lease: rack1 is held",
        "rack1.toml: is not TOML",
        "No zone: the disk is full",
    ]


def test_a_zone_not_had_is_an_error_of_a_test_case_of_its_own() -> None:
    setup, teardown = failure_report("rack1", "No zone: …")

    assert (setup.nodeid, setup.when, setup.failed, setup.longreprtext) == (
        "qacloud::zone[rack1]",
        "setup",
        True,
        "No zone: …",
    )
    assert (teardown.nodeid, teardown.when, teardown.passed) == (setup.nodeid, "teardown", True)


class Terminal:
    """What is written to a terminal."""

    def __init__(self) -> None:
        self.text: list[str] = []

    def section(self, title: str, **_: object) -> None:
        self.text.append(f"== {title} ==")

    def write_line(self, line: str, **_: bool) -> None:
        self.text.append(line)


@pytest.fixture
def report(pytestconfig: pytest.Config) -> Report:
    return Report(pytestconfig)


def summary(report: Report, session: Session | None) -> list[str]:
    terminal = Terminal()
    if session is not None:
        report.of(session.run_id, session.folder, [session])
    report.pytest_terminal_summary(cast("pytest.TerminalReporter", terminal))
    return terminal.text


def test_a_session_without_a_run_has_no_section(report: Report) -> None:
    assert summary(report, None) == []


def test_the_section_of_a_run(report: Report) -> None:
    report.untestable = [pytest.TestReport("a::b", ("a", None, "b"), {}, "failed", "the host is Down", "call")]

    text = summary(report, run(warnings=["node2 is still on"]))

    assert text[:3] == ["== UNTESTABLE a::b ==", "the host is Down", "== qacloud =="]
    assert "zone rack1-e7 (KVM) of pool rack1, epoch 7, machines node1, node2, build master" in text
    assert "1 UNTESTABLE: the infrastructure failed, the build is not blamed" in text
    assert "warning: node2 is still on" in text
    assert text[-1] == "journal and logs: /runs/1"
    assert [line for line in text if line in stage_table(TIMES)] == stage_table(TIMES)


def test_the_section_of_a_run_that_got_no_zone_says_so_first(report: Report) -> None:
    report.no_zone = "No zone: machine node2, step ipmi"

    text = summary(report, run(zone=None, times=[]))

    assert text == ["== qacloud ==", report.no_zone, "", "journal and logs: /runs/1"]


def test_the_junit_file_gets_the_properties_without_secrets(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})

        def pytest_sessionstart(session):
            from pytest_qacloud.report import Report
            from test_report import run
            report = Report(session.config)
            report.of("1", None, [run()])
            report.zones_made()
        """
    )
    pytester.makepyfile("def test_x(): pass")

    assert pytester.runpytest_subprocess("--junitxml=x.xml").ret == 0
    xml = (pytester.path / "x.xml").read_text(encoding="utf-8")
    assert '<property name="qacloud.zone" value="rack1-e7"' in xml
    assert '<property name="qacloud.build" value="[hidden]"' in xml
    assert pytester.runpytest_subprocess().ret == 0  # and no harm is done where none is written


def test_a_zone_that_was_ready_says_after_how_long(report: Report) -> None:
    assert "  zone ready       2.50 s  from asking for the lease to a healthy zone" in summary(report, run(ready_s=2.5))
    assert ("time.ready", "2.500") in list(properties("1", Path("/runs/1"), [run(ready_s=2.5)]))


def test_what_is_not_simulated_is_listed_by_how_many_tests_want_it() -> None:
    assert not_simulated_table({}) == []
    table = not_simulated_table({"b": ["one"], "a": ["two"], "c": ["one", "two", "three"]})
    assert table[0].startswith("3 NOT SIMULATED: ")
    assert table[1:] == ["  c: 3 tests", "  a: 1 test", "  b: 1 test"]


def test_the_properties_of_several_runs_are_there_for_all_and_for_each() -> None:
    other = run(pool=SimpleNamespace(name="rack2"), times=[StepTime("node2", "ipmi", 80.0)])

    found = dict(properties("1", Path("/runs/1"), [run(), other]))

    assert found["pool"] == "rack1,rack2"
    assert found["epoch"] == "7"
    assert found["time.ipmi"] == "80.000"
    assert found["rack1.time.ipmi"] == "75.000"
    assert found["rack2.pool"] == "rack2"


def test_a_failure_of_one_of_several_pools_says_which() -> None:
    error = ProvisionError("node2", "ipmi", "no answer", 1, "Go there.")
    error.add_note("pool rack2")

    assert paragraphs(error) == ["No zone: machine node2, step ipmi, after 1.00 s: no answer. Go there. (pool rack2)"]
