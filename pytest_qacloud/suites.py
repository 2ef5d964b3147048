"""How Marvin suites are collected, selected and marked: as nose does it with Marvin's plugin.

It concerns modules in which there is a Marvin suite, and no other; where Marvin is not imported nothing happens.
"""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from . import marvin
from .marvin.attributes import marks, parse_selection
from .marvin.unavailable import unavailable

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path
    from types import FunctionType

    from .marvin.attributes import Selection
    from .settings import Settings

TEST_NAME = re.compile(r"(?:^|[\b_./-])[Tt]est")
"""nose's default pattern of the names of test functions."""

IN_EXTRA = frozenset(
    {"ddt", "distutils", "dns", "kubernetes", "lxml", "mysql", "netaddr", "pyVim", "pyVmomi", "pytz", "telnetlib"}
)
"""Modules that the extra `pytest-qacloud[cloudstack]` brings."""

HAS_SUITES = pytest.StashKey[bool]()
"""Whether a module is one with suites: it is asked for each of its names, of which `import *` brings a thousand."""


def register(config: pytest.Config, settings: Settings) -> None:
    """Take CloudStack's own Marvin if asked to, and collect suites as nose does.

    Raises:
        ConfigError: an attribute filter that is none.
        MarvinError: there is no Marvin where it should be.
    """
    source = settings.path("marvin") if settings["marvin"] else None
    marvin.provide(source)
    suites = Suites(config, parse_selection(settings["attr"]), quiet=source is not None)
    config.pluginmanager.register(suites, "qacloud-suites")


class Suites:
    """Collection of Marvin suites.

    Args:
        selection: which tests run; `None` for all.
        quiet: whether invalid escapes in modules pass in silence: upstream's suites have many, and where warnings are
            errors they could not be imported.
    """

    def __init__(self, config: pytest.Config, selection: Selection | None, *, quiet: bool = False) -> None:
        self.config = config
        self.selection = selection
        self.quiet = quiet
        self._marks: set[str] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makeitem(self, collector: pytest.Collector, name: str, obj: object) -> list[Any] | None:
        """Of a module with suites take only these, and functions that are called tests."""
        if not isinstance(collector, pytest.Module) or not has_suites(collector):
            return None
        if isinstance(obj, type):
            wanted = marvin.is_suite(obj)
        else:
            wanted = not name.startswith("_") and TEST_NAME.search(getattr(obj, "__name__", name)) is not None
        return None if wanted else []

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Order a module's tests as nose does, and say which package is missing where it cannot be imported."""
        if not isinstance(collector, pytest.Module):
            return (yield)
        with warnings.catch_warnings():
            if self.quiet:
                for category in (DeprecationWarning, SyntaxWarning):  # the latter from Python 3.12 on
                    warnings.filterwarnings("ignore", ".*invalid escape sequence", category)
            report = yield
        if report.passed and has_suites(collector):
            report.result.sort(key=_rank)
        elif report.failed and (advice := missing_package(collector.path, _cause(report))):
            report.longrepr = f"{advice}\n\n{report.longreprtext}"
        return report

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Let `-m` find a test of a suite by its attributes."""
        cls = getattr(item, "cls", None)
        if cls is None or not marvin.is_suite(cls):
            return
        for name in marks(getattr(item, "obj", None), cls):
            if name not in self._marks:
                self._marks.add(name)
                self.config.addinivalue_line("markers", f"{name}: an attribute of a Marvin suite's tests")
            item.add_marker(name)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Skip a test that needs what there is not, also where the suite wraps the reason into an error."""
        report = yield
        reason = unavailable(call.excinfo.value) if report.failed and call.excinfo else None
        if reason is not None:
            path, line, _ = item.reportinfo()
            report.outcome, report.longrepr = "skipped", (str(path), (line or 0) + 1, f"Skipped: {reason}")
        return report

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Deselect what the attribute filter leaves out."""
        if self.selection is None:
            return
        kept: list[pytest.Item] = []
        left: list[pytest.Item] = []
        for item in items:
            accepted = self.selection.accepts(getattr(item, "obj", None), getattr(item, "cls", None))
            (kept if accepted else left).append(item)
        if left:
            self.config.hook.pytest_deselected(items=left)
            items[:] = kept


def has_suites(module: pytest.Module) -> bool:
    """Whether a module that has been imported has a Marvin suite in it; looked for once."""
    known = module.stash.get(HAS_SUITES, None)
    if known is None:
        members = vars(module.obj).values()
        known = any(isinstance(member, type) and marvin.is_suite(member) for member in members)
        module.stash[HAS_SUITES] = known
    return known


def missing_package(path: Path, error: BaseException | None) -> str:
    """What to tell somebody whose Marvin suite cannot be imported; empty where no package is missing."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    try:
        is_suite = b"marvin" in path.read_bytes()
    except OSError:
        is_suite = False
    if not is_suite:
        return ""
    if error.name.partition(".")[0] in IN_EXTRA:
        how = "pip install 'pytest-qacloud[cloudstack]'"
    else:
        how = "install the package that provides it"
    return f"{path.name} cannot be imported: module {error.name} is missing; {how}"


def _cause(report: pytest.CollectReport) -> BaseException | None:
    """What an import raised, below pytest's own error."""
    call = getattr(report, "call", None)
    error = call.excinfo.value if call is not None and call.excinfo is not None else None
    return (error.__cause__ or error) if error is not None else None


def _rank(node: pytest.Item | pytest.Collector) -> tuple[bool, str, int]:
    """Classes by name, then functions in their order."""
    obj: FunctionType | type = getattr(node, "obj", None)  # type: ignore[assignment]  # of a module's members
    if isinstance(obj, type):
        return False, obj.__name__, 0
    return True, "", getattr(getattr(obj, "__code__", None), "co_firstlineno", 0)
