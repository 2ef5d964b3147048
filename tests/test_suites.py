"""How suites are collected, selected and marked, as a user of pytest sees it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from marvin_checkout import write_checkout

from pytest_qacloud.suites import missing_package

if TYPE_CHECKING:
    from pathlib import Path

SUITE = """
import unittest
from marvin.cloudstackTestCase import cloudstackTestCase
from marvin.cloudstackAPI import *
from nose.plugins.attrib import attr

PATTERN = "\\s+"


class TestZebra(cloudstackTestCase):
    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_02_second(self):
        pass

    @attr(tags=["Advanced"], required_hardware="true")
    def test_01_first(self):
        pass

    @attr(tags=["basic"])
    def test_03_third(self):
        pass


@attr(tags=["advanced"])
class Antelope(cloudstackTestCase):
    def test_zones(self):
        zones = self.testClient.getApiClient().listZones(listZones.listZonesCmd())
        self.assertEqual([zone.name for zone in zones], [self.testClient.getZoneForTests()])
        self.debug("seen " + zones[0].name)


class TestOfNoCloud(unittest.TestCase):
    def test_never(self):
        raise AssertionError


class TestData:
    def test_neither(self):
        raise AssertionError


def test_later():
    pass


def test_a_function():
    pass


def helper_of_tests():
    raise AssertionError
"""

INI = """
[pytest]
addopts = -p no:randomly -p no:cacheprovider --strict-markers
filterwarnings = error
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with one suite, in a module that is not called a test, and a checkout beside it."""
    write_checkout(tmp_path / "cloudstack")
    project = tmp_path / "project"
    project.mkdir()
    (project / "pytest.ini").write_text(INI, encoding="utf-8")
    (project / "find_hosts.py").write_text(SUITE, encoding="utf-8")
    return project


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("QACLOUD_", "PYTEST_"))}
    environment |= {"QACLOUD_STATE_DIR": str(folder / "state"), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=90, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def collected(folder: Path, *arguments: str) -> list[str]:
    """The tests that would run."""
    ended = run(folder, "--collect-only", "-q", "--qacloud-marvin=../cloudstack", *arguments, "find_hosts.py")
    assert ended.returncode in (0, 5), ended.stdout + ended.stderr
    return [line.partition("::")[2] for line in ended.stdout.splitlines() if "::" in line]


def test_suites_are_collected_as_nose_does(folder: Path) -> None:
    assert collected(folder) == [
        "Antelope::test_zones",
        "TestZebra::test_01_first",
        "TestZebra::test_02_second",
        "TestZebra::test_03_third",
        "test_later",
        "test_a_function",
    ]


def test_invalid_escapes_are_no_errors_where_warnings_are(folder: Path) -> None:
    assert len(collected(folder, "-W", "error")) == 6


def test_a_module_without_suites_is_collected_as_pytest_does(folder: Path) -> None:
    text = "class TestB:\n    def test_b(self): ...\nclass TestA:\n    def test_a(self): ...\ndef test_it(): ...\n"
    (folder / "find_hosts.py").write_text(text, encoding="utf-8")
    assert collected(folder) == ["TestB::test_b", "TestA::test_a", "test_it"]


def test_a_filter_selects_by_attributes(folder: Path) -> None:
    both = collected(folder, "--qacloud-attr=tags=advanced,required_hardware=false")
    assert both == ["Antelope::test_zones", "TestZebra::test_02_second"]
    either = collected(folder, "--qacloud-attr=tags=smoke", "--qacloud-attr", "tags=basic")
    assert either == ["TestZebra::test_02_second", "TestZebra::test_03_third"]


def test_attributes_are_marks(folder: Path) -> None:
    assert collected(folder, "-m", "smoke or basic") == ["TestZebra::test_02_second", "TestZebra::test_03_third"]
    assert collected(folder, "-m", "advanced") == ["Antelope::test_zones", "TestZebra::test_02_second"]


def test_a_suite_that_cannot_be_imported_is_an_error_that_names_the_package(folder: Path) -> None:
    (folder / "test_other.py").write_text("import marvin\nimport acme_of_nobody\n", "utf-8")
    (folder / "test_plain.py").write_text("import acme_of_nobody\n", "utf-8")
    ended = run(folder, "--junitxml=result.xml", "test_other.py", "test_plain.py")
    assert ended.returncode == 2
    for text in (ended.stdout, (folder / "result.xml").read_text("utf-8")):
        assert "test_other.py cannot be imported: module acme_of_nobody is missing; install the package" in text
        assert "test_plain.py cannot be imported" not in text


UNAVAILABLE = """
import unittest
from pytest_qacloud.marvin.unavailable import NoDatabase

class Suite(unittest.TestCase):
    def tearDown(self):
        if self.id().endswith("skipped"):
            try:
                NoDatabase("rack1").execute("delete from users")
            except Exception as error:
                raise Exception("Warning: %s" % error)

    def test_skipped(self):
        pass

    def test_failed(self):
        raise Exception("wrong")
"""


def test_a_test_that_needs_what_there_is_not_is_skipped_with_the_reason(folder: Path) -> None:
    (folder / "test_sql.py").write_text(UNAVAILABLE, "utf-8")
    ended = run(folder, "-rs", "test_sql.py")
    assert "1 failed, 1 skipped" in ended.stdout
    assert "needs SQL on the management server's database, and the configuration of zone rack1" in ended.stdout


def test_what_the_extra_brings_is_told(tmp_path: Path) -> None:
    path = tmp_path / "test_it.py"
    path.write_text("import marvin\n", encoding="utf-8")
    missing = missing_package(path, ModuleNotFoundError("…", name="mysql.connector"))
    assert missing.endswith("module mysql.connector is missing; pip install 'pytest-qacloud[cloudstack]'")
    assert missing_package(path, SyntaxError("…")) == ""
    assert missing_package(tmp_path / "gone.py", ModuleNotFoundError("…", name="mysql")) == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--qacloud-marvin=nowhere",), "there is no Marvin in"),
        (("--qacloud-attr=tags=a,=b",), "has a condition without an attribute's name: `=b`"),
    ],
)
def test_wrong_options_are_usage_errors(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    ended = run(folder, *arguments, "find_hosts.py")
    assert ended.returncode == 4
    assert said in ended.stderr


def test_a_checkout_s_marvin_runs_on_a_zone_beside_suites_that_cannot_be_imported(folder: Path) -> None:
    (folder / "test_other.py").write_text("import marvin\nimport acme_of_nobody\n", "utf-8")
    ended = run(
        folder, "--qacloud-pool=sim", "--qacloud-marvin=../cloudstack", "-k", "test_zones or test_later",
        "--continue-on-collection-errors", "--log-level=DEBUG", "-rP", "find_hosts.py", "test_other.py",
    )  # fmt: skip
    assert "2 passed, 4 deselected, 1 error" in ended.stdout, ended.stdout + ended.stderr
    assert "seen sim-e1" in ended.stdout
    (log,) = (folder / ".qacloud" / "runs").glob("*/marvin.log")
    assert "listZones" in log.read_text("utf-8")
    assert "'signature': '…'" in log.read_text("utf-8")
