"""What a failing test's report shows of the run: its folder, and the API calls that the test made.

Runs where the tests run, in xdist's workers too: all that it finds goes into the reports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from _pytest.nodes import Node

    from .calls import CallLog

SECTION = "qacloud"
"""Heading of the section in a report; the terminal shows it, JUnit files have it as the test case's `system-out`."""

OUTSIDE = pytest.StashKey[bool]()
"""Whether a file is outside of the root folder, once it was asked for: comparing paths takes time, for each test."""


class CallReports:
    """Tells the log of calls which test runs, and shows its calls where it fails."""

    def __init__(self, calls: CallLog) -> None:
        self.calls = calls

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Calls are the test's, from its setup to its teardown."""
        test = full_id(item)
        self.calls.forget(test)
        with self.calls.during(test):
            answer = yield
        self.calls.forget(test)
        return answer

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
    ) -> Generator[None, object, object]:
        """Calls of a fixture that several tests share, such as `setUpClass`, are those of the class or module."""
        if fixturedef.scope == "function":
            return (yield)
        with self.calls.during(full_id(request.node)):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add the section to a report of a failure."""
        report = yield
        if report.failed:
            report.sections.append((SECTION, self._text(item, call.when)))
        return report

    def not_simulated(self, item: pytest.Item, when: str) -> list[str]:
        """Commands that the simulated management server refused as not simulated, called up to this phase's end."""
        return list(dict.fromkeys(name for node in _nodes(item, when) for name in self.calls.made(node).not_simulated))

    def _text(self, item: pytest.Item, when: str) -> str:
        parts = [f"logs of this run: {self.calls.path.parent}"]
        for node in _nodes(item, when):
            made = self.calls.made(node)
            if made.count or node == full_id(item):
                parts.append(made.text(node, self.calls.path))
        return "\n".join(parts)


def _nodes(item: pytest.Item, when: str) -> Iterator[str]:
    """Ids of those whose calls may have made a phase fail: in the setup also what holds the test, its class first."""
    if when == "setup":
        yield from map(full_id, item.listchain()[-2::-1])
    yield full_id(item)


def full_id(node: Node) -> str:
    """A node's id, with the whole path of a file outside the root folder: two of these may have one id in pytest."""
    file = node.getparent(pytest.Module)
    if file is None:
        return node.nodeid
    if OUTSIDE not in file.stash:
        file.stash[OUTSIDE] = not file.path.is_relative_to(node.config.rootpath)
    return f"{file.path}{node.nodeid.removeprefix(file.nodeid)}" if file.stash[OUTSIDE] else node.nodeid
