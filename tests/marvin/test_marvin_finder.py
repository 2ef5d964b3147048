from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_qacloud.marvin.installed import STAND_IN, Kind, recognise

if TYPE_CHECKING:
    from pathlib import Path

    from marvin_fakes import Python


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder on the path, as `site-packages` is."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    return folder


def package(folder: Path, name: str, **modules: str) -> None:
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text(modules.pop("init", ""))
    for module, text in modules.items():
        (folder / name / f"{module}.py").write_text(text)


def distribution(folder: Path, name: str, version: str, summary: str) -> None:
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: {summary}\n")


def artificial_intelligence(folder: Path) -> None:
    package(folder, "marvin", init="MIND = 'brain the size of a planet'", cli="")
    distribution(folder, "marvin", "3.1.0", "A simple and powerful tool to get things done with AI")


PROVIDED = "from pytest_qacloud.marvin import provide, withdraw, which\nprovide()\n"


def test_suites_import_what_they_need(python: Python) -> None:
    printed = python(
        PROVIDED
        + """
from marvin.cloudstackTestCase import cloudstackTestCase, user
from marvin.cloudstackException import CloudstackAPIException
from marvin.codes import PASS, FAILED
from marvin.cloudstackAPI import listZones
from marvin.cloudstackAPI.listNics import *
from nose.plugins.attrib import attr
from nose.plugins.base import Plugin
import nose.core
print(issubclass(nose.core.TextTestRunner, object), listNicsCmd().isAsync, which().kind)
"""
    )
    assert printed == "True false built in"


def test_providing_twice_changes_nothing_and_withdrawing_undoes_it(python: Python) -> None:
    printed = python(
        PROVIDED
        + """
import sys
provide()
finders = [type(finder).__name__ for finder in sys.meta_path]
import marvin.cloudstackAPI.listZones
import nose
withdraw()
print(finders.count("StandInFinder"), [n for n in sys.modules if n.split(".")[0] in ("marvin", "nose")])
try:
    import marvin
except ModuleNotFoundError as error:
    print(error, which().kind)
"""
    )
    assert printed.splitlines() == ["1 []", "No module named 'marvin' absent"]


def test_providing_imports_only_the_standard_library(python: Python) -> None:
    printed = python(
        """
import sys
before = set(sys.modules)
"""
        + PROVIDED
        + """
new = {name.split(".")[0] for name in set(sys.modules) - before}
print(sorted(new - sys.stdlib_module_names))
"""
    )
    assert printed == "['pytest_qacloud']"


def test_an_installed_apache_marvin_is_used(python: Python, elsewhere: Path) -> None:
    package(elsewhere, "marvin", cloudstackTestCase="class cloudstackTestCase: pass", codes="PASS = 42")
    printed = python(PROVIDED + "from marvin.codes import PASS\nprint(PASS, which().kind)", elsewhere)
    assert printed == "42 Apache CloudStack's"


def test_what_an_installed_apache_marvin_lacks_stays_missing(python: Python, elsewhere: Path) -> None:
    package(elsewhere, "marvin", cloudstackTestCase="")
    printed = python(
        PROVIDED + "try:\n    import marvin.codes\nexcept ModuleNotFoundError as error:\n    print(error)", elsewhere
    )
    assert printed == "No module named 'marvin.codes'"


def test_an_installed_nose_is_used(python: Python, elsewhere: Path) -> None:
    package(elsewhere, "nose", init="version = '1.3.7'")
    assert python(PROVIDED + "import nose\nprint(nose.version)", elsewhere) == "1.3.7"


def test_the_other_marvin_stays_importable(python: Python, elsewhere: Path) -> None:
    artificial_intelligence(elsewhere)
    printed = python(PROVIDED + "import marvin.cli\nprint(marvin.MIND, which().kind)", elsewhere)
    assert printed == "brain the size of a planet another library"


@pytest.mark.parametrize(
    "statement", ["from marvin.cloudstackTestCase import cloudstackTestCase", "from marvin import cloudstackAPI"]
)
def test_the_other_marvin_is_named_when_a_suite_needs_apache_s(python: Python, elsewhere: Path, statement: str) -> None:
    artificial_intelligence(elsewhere)
    printed = python(
        PROVIDED + f"try:\n    {statement}\nexcept ModuleNotFoundError as error:\n    print(error)", elsewhere
    )
    assert "cannot import marvin.cloudstack" in printed
    assert "marvin 3.1.0 (A simple and powerful tool to get things done with AI)" in printed
    assert str(elsewhere / "marvin") in printed
    assert "pip uninstall marvin" in printed


def test_the_other_marvin_is_told_without_importing_it(python: Python, elsewhere: Path) -> None:
    package(elsewhere, "marvin", init="raise SystemExit('imported')")
    printed = python(PROVIDED + "found = which()\nprint(found.kind)\nprint(found.advice)", elsewhere)
    assert printed.splitlines()[0] == "another library"
    assert "a library without metadata" in printed


def test_a_single_file_called_marvin_is_another_library(python: Python, elsewhere: Path) -> None:
    (elsewhere / "marvin.py").write_text("")
    printed = python(PROVIDED + "import marvin\nprint(which().kind, which().folder)", elsewhere)
    assert printed == f"another library {elsewhere / 'marvin.py'}"


def test_a_folder_that_only_has_the_name_does_not_stand_in_the_way(python: Python, elsewhere: Path) -> None:
    (elsewhere / "marvin").mkdir()
    (elsewhere / "nose").mkdir()
    code = "from pytest_qacloud.marvin import which\nprint(which().kind)\n"
    assert python(code, elsewhere) == "absent"
    printed = python(PROVIDED + "import marvin.codes, nose.plugins.attrib\nprint(which().kind)", elsewhere)
    assert printed == "built in"


def test_a_part_that_the_stand_in_lacks_is_named(python: Python) -> None:
    printed = python(
        PROVIDED
        + "try:\n    from marvin.lib.base import VirtualMachine\nexcept ImportError as error:\n    print(error)"
    )
    assert printed.startswith("marvin.lib is a part of Apache CloudStack's Marvin that pytest-qacloud's stand-in")
    assert "--qacloud-marvin=PATH" in printed


def test_a_fake_module_without_a_spec_is_no_marvin(python: Python) -> None:
    printed = python(
        """
import sys, types
sys.modules["marvin"] = types.ModuleType("marvin")
from pytest_qacloud.marvin import which
print(which().kind)
"""
    )
    assert printed == "absent"


def test_apache_s_is_known_by_its_landmark(tmp_path: Path) -> None:
    assert recognise(tmp_path).kind is Kind.OTHER
    (tmp_path / "cloudstackTestCase.py").touch()
    assert recognise(tmp_path).kind is Kind.APACHE
    assert recognise(STAND_IN / "marvin").kind is Kind.STAND_IN


def test_code_completion_of_the_interpreter_is_not_disturbed() -> None:
    # A finder that raises for names it does not own would break tools that probe for modules.
    code = PROVIDED + "import importlib.util as u\nprint(u.find_spec('nosetests'), u.find_spec('marvinette'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "None None"


def test_a_broken_nose_is_replaced(python: Python, elsewhere: Path) -> None:
    package(elsewhere, "nose", init="from nose import core\nimport a_module_that_python_dropped", core="BROKEN = True")
    printed = python(
        PROVIDED
        + """
import nose.core, nose
from nose.plugins.attrib import attr
print(hasattr(nose.core, "BROKEN"), nose.__file__ == nose.__spec__.origin, attr(x=1)(lambda: 0).x)
""",
        elsewhere,
    )
    assert printed == "False True 1"


def test_warnings_of_a_nose_that_works_are_not_ours(python: Python, elsewhere: Path) -> None:
    package(elsewhere, "nose", init="import warnings\nwarnings.warn('old', DeprecationWarning)\nWORKS = 1")
    assert python(PROVIDED + "import nose\nprint(nose.WORKS)", elsewhere) == "1"


def test_invalid_escapes_in_apache_marvin_are_no_errors(python: Python, elsewhere: Path) -> None:
    package(elsewhere, "marvin", cloudstackTestCase=r"SPACES = '\s+'")
    printed = python(PROVIDED + "from marvin.cloudstackTestCase import SPACES\nprint(SPACES)", elsewhere)
    assert printed == r"\s+"


def test_a_suite_that_needs_a_simulated_bmc_is_skipped(python: Python) -> None:
    printed = python(
        PROVIDED
        + """
import unittest
from ipmisim.ipmisim import IpmiServer, IpmiServerContext, ThreadedIpmiServer
for use in (lambda: IpmiServerContext("reset"), lambda: ThreadedIpmiServer(("", 9001), IpmiServer), IpmiServer):
    try:
        use()
    except unittest.SkipTest as reason:
        print(str(reason)[:13])
"""
    )
    assert printed.splitlines() == ["needs ipmisim"] * 3
