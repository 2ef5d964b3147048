from __future__ import annotations

import logging
import unittest
from typing import TYPE_CHECKING, Any

import pytest
from marvin_fakes import FakeApi

from pytest_qacloud.marvin import bind, inject, is_suite, set_identifier

if TYPE_CHECKING:
    from pathlib import Path

    from marvin_fakes import Importer, Python

    from pytest_qacloud.marvin import RunContext
    from pytest_qacloud.model import Zone


@pytest.fixture
def base(marvin: Importer) -> Any:
    return marvin("marvin.cloudstackTestCase").cloudstackTestCase


@pytest.fixture
def context(base: Any, api: FakeApi, zone: Zone) -> RunContext:
    return bind(api, zone, lambda _: FakeApi())


def run(cls: type[unittest.TestCase], name: str = "test") -> unittest.TestResult:
    result = unittest.TestResult()
    unittest.TestSuite([cls(name)]).run(result)
    return result


def test_a_suite_has_all_that_marvin_s_plugin_gives(base: Any, context: RunContext) -> None:
    seen: dict[str, Any] = {}

    class Suite(base):  # type: ignore[misc]  # imported at run time
        @classmethod
        def setUpClass(cls) -> None:
            seen.update(client=cls.testClient, cls=cls.getClsTestClient(), config=cls.getClsConfig())
            cls.debug("debug")
            cls.info("info")
            cls.warn("warn")
            cls.error("error")

        def test(self) -> None:
            self.assertIs(self.testClient, seen["client"])

    inject(Suite, context)
    assert run(Suite).wasSuccessful()
    assert seen["client"] is seen["cls"] is context.test_client
    assert seen["config"].zones[0].pods[0].clusters[0].hosts[0].url == "http://h1"
    assert seen["config"].dbSvr is None


def test_what_a_suite_says_is_logged(base: Any, context: RunContext, caplog: pytest.LogCaptureFixture) -> None:
    suite = type("Suite", (base,), {})
    inject(suite, context)
    with caplog.at_level(logging.DEBUG, "marvin"):
        for name in ("debug", "info", "warn", "error"):
            getattr(suite, name)("said by %s", name)
    assert [record.levelname for record in caplog.records] == ["DEBUG", "INFO", "WARNING", "ERROR"]


def test_the_test_client_names_the_test(base: Any, context: RunContext) -> None:
    suite = type("Suite", (base,), {})
    inject(suite, context)
    assert context.test_client.identifier == "Suite"
    inject(type("Other", (base,), {}), context)
    set_identifier(context, suite, "test_it")
    assert context.test_client.getApiClient().id == "Suite-test_it"


def test_suites_are_told_from_other_classes(base: Any) -> None:
    assert is_suite(type("Suite", (base,), {}))
    assert not is_suite(base)
    assert not is_suite(unittest.TestCase)
    assert not is_suite(int)


def test_there_is_no_suite_where_marvin_was_not_imported(python: Python) -> None:
    printed = python("""
        import sys
        from pytest_qacloud.marvin import is_suite, provide
        provide()
        print(is_suite(int), "marvin" in sys.modules)
    """)
    assert printed == "False False"


def test_binding_takes_the_endpoint_s_commands(marvin: Importer, api: FakeApi, zone: Zone) -> None:
    api.answers["listApis"] = [{"name": "listZones", "isasync": True, "params": [], "response": []}]
    context = bind(api, zone, lambda _: FakeApi())
    assert marvin("marvin.cloudstackAPI").__all__ == ["listZones", "cloudstackAPIClient"]
    assert marvin("marvin.cloudstackAPI.listZones").listZonesCmd().isAsync == "true"
    with pytest.raises(AttributeError, match="deleteZone"):
        _ = context.test_client.getApiClient().deleteZone


def test_binding_another_marvin_is_refused(python: Python, tmp_path: Path) -> None:
    (tmp_path / "marvin").mkdir()
    (tmp_path / "marvin" / "__init__.py").touch()
    printed = python(
        """
        from pytest_qacloud.errors import MarvinError
        from pytest_qacloud.marvin import bind, provide
        provide()
        try:
            bind(None, None, None)
        except MarvinError as error:
            print(error)
        """,
        tmp_path,
    )
    assert "which only shares the name" in printed
    assert "pip uninstall marvin" in printed
    assert "--qacloud-marvin=PATH" in printed


def test_binding_comes_after_providing(python: Python) -> None:
    printed = python("""
        from pytest_qacloud.errors import MarvinError
        from pytest_qacloud.marvin import bind
        try:
            bind(None, None, None)
        except MarvinError as error:
            print(error)
    """)
    assert printed == "there is no marvin: `provide()` must come before `bind()`"


def test_a_suite_that_names_its_user_runs_as_it(base: Any, context: RunContext, marvin: Importer) -> None:
    asked: list[tuple[Any, ...]] = []
    context.test_client.getUserApiClient = lambda *names: asked.append(names)
    user = marvin("marvin.cloudstackTestCase").user
    attr = marvin("nose.plugins.attrib").attr
    suite = attr(user="yes")(user("somebody", "domain", 2)(type("Suite", (base,), {"test": lambda self: None})))
    suite("test")
    inject(suite, context)
    assert asked == [("somebody", "domain", 2)]


class Thing:
    def __init__(self, name: str, log: list[str], error: Exception | None = None) -> None:
        self.name, self.log, self.error = name, log, error

    def delete(self, client: object) -> None:
        self.log.append(self.name)
        if self.error:
            raise self.error


@pytest.mark.parametrize("attribute", ["apiclient", "api_client"])
def test_a_class_s_things_are_deleted_last_first(base: Any, context: RunContext, attribute: str) -> None:
    log: list[str] = []
    things = [Thing("first", log), Thing("second", log, ValueError("stuck")), Thing("third", log)]
    suite = type("Suite", (base,), {"test": lambda self: None, "_cleanup": things, attribute: object()})
    inject(suite, context)
    result = run(suite)
    assert log == ["third", "second", "first"]
    assert "stuck" in result.errors[0][1]


def test_a_test_s_things_are_deleted(base: Any, context: RunContext) -> None:
    log: list[str] = []

    def test(self: Any) -> None:
        self.apiclient, self.cleanup = object(), [Thing("first", log), Thing("second", log)]

    suite = type("Suite", (base,), {"test": test})
    inject(suite, context)
    assert run(suite).wasSuccessful()
    assert log == ["second", "first"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (([1, 2], 2, None, 1), None),
        (([1, 2], 1), None),
        ((None, 1), "INVALID INPUT"),
        (([1], None), "INVALID INPUT"),
        (([], 1), "EMPTY_LIST"),
        (([1], 1, None, 1), "ELEMENT NOT FOUND IN THE INPUT"),
        (([1], 2), "ELEMENT NOT FOUND IN THE INPUT"),
        (([Thing("x", [])], "x", "name"), None),
        (([Thing("x", [])], "y", "name"), "ELEMENT NOT FOUND IN THE INPUT"),
    ],
)
def test_an_element_is_looked_for(base: Any, arguments: tuple[Any, ...], reason: str | None) -> None:
    case = base("assertElementInList")
    if reason is None:
        case.assertElementInList(*arguments)
        return
    with pytest.raises(AssertionError, match=reason):
        case.assertElementInList(*arguments)


def test_attributes_are_set_as_nose_sets_them(marvin: Importer) -> None:
    attr = marvin("nose.plugins.attrib").attr

    @attr("slow", tags=["advanced"], required_hardware="false")
    class Suite: ...

    decorated: Any = Suite
    assert (decorated.slow, decorated.tags, decorated.required_hardware) == (True, ["advanced"], "false")
    assert attr("slow")(test_attributes_are_set_as_nose_sets_them).slow is True
    del test_attributes_are_set_as_nose_sets_them.slow  # type: ignore[attr-defined]  # set the line before


def test_nose_s_other_parts_do_nothing(marvin: Importer) -> None:
    plugin = type("Marvin", (marvin("nose.plugins.base").Plugin,), {})()
    plugin.options(None, {})
    plugin.configure(None, None)
    assert (plugin.name, plugin.enabled, plugin.enableOpt) == ("marvin", False, "enable_plugin_marvin")
    assert marvin("nose.core").TextTestRunner(config="c").config == "c"


def test_texts_for_logs(marvin: Importer) -> None:
    module = marvin("marvin.cloudstackException")
    error = module.dbException("no database")
    assert module.GetDetailExceptionInfo(None) == "Exception Occurred"
    assert module.GetDetailExceptionInfo("text") == "text"
    assert "no database" in module.GetDetailExceptionInfo((type(error), error, None))
    assert (str(module.internalError()), str(module.InvalidParameterException("p"))) == ("", "p")
