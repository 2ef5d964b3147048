"""Which `marvin` an import would give, told from files and metadata alone: nothing of it is imported."""

from __future__ import annotations

import ast
import importlib.util
import warnings
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

STAND_IN = Path(__file__).parent / "stand_in"
"""Folder of the packages that stand for Apache Marvin and nose."""

LANDMARK = "cloudstackTestCase"
"""The module that every Apache Marvin has, and nothing else that is called `marvin`."""

HEART = (LANDMARK, "cloudstackTestClient", "cloudstackConnection", "cloudstackException", "dbConnection")
"""Modules of Marvin that show which Python it is for."""

FROM_CHECKOUT = "To have Marvin itself, give a CloudStack checkout with --qacloud-marvin=PATH"


class Kind(StrEnum):
    """Whose `marvin` it is."""

    STAND_IN = "built in"
    APACHE = "Apache CloudStack's"
    PYTHON2 = "Apache CloudStack's for Python 2"
    OTHER = "another library"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class MarvinFound:
    """What an import of `marvin` would give.

    Args:
        kind: whose it is.
        folder: the package's folder; `None` where it is absent.
        distribution: such as `marvin 3.1.0 (…its summary…)`, from its metadata; empty where it has none.
    """

    kind: Kind
    folder: Path | None
    distribution: str = ""

    @property
    def advice(self) -> str:
        """What to tell somebody whose suite needs Apache Marvin and got this; empty where all is well."""
        if self.kind is Kind.PYTHON2:
            return (
                f"the `marvin` in {self.folder} is Apache CloudStack's of the time of Python 2, which cannot be "
                f"imported (PyPI's cloudstack-marvin is the same). {FROM_CHECKOUT}"
            )
        if self.kind is not Kind.OTHER:
            return ""
        name = self.distribution or "a library without metadata"
        return (
            f"the `marvin` installed in {self.folder} is not Apache CloudStack's test library but {name}, which only "
            f"shares the name. Run `pip uninstall marvin` to have pytest-qacloud's own stand-in instead (or use a "
            f"separate virtual environment for the suites). {FROM_CHECKOUT}"
        )


def which() -> MarvinFound:
    """What `import marvin` gives in this process, or would give."""
    try:
        spec = importlib.util.find_spec("marvin")
    except ValueError:  # a module without a spec was put into sys.modules: somebody's fake
        spec = None
    if spec is None or spec.origin is None:  # the latter is a folder that only has the name
        return MarvinFound(Kind.ABSENT, None)
    places = list(spec.submodule_search_locations or ())
    if not places:
        return MarvinFound(Kind.OTHER, Path(spec.origin), _distribution())
    return recognise(Path(places[0]))


def recognise(folder: Path) -> MarvinFound:
    """Whose `marvin` the package in `folder` is."""
    if folder.is_relative_to(STAND_IN):
        return MarvinFound(Kind.STAND_IN, folder)
    if any((folder / f"{LANDMARK}{suffix}").is_file() for suffix in (".py", ".pyc")):
        return MarvinFound(Kind.PYTHON2 if for_python_2(folder) else Kind.APACHE, folder, _distribution())
    return MarvinFound(Kind.OTHER, folder, _distribution())


@cache
def for_python_2(folder: Path) -> bool:
    """Whether one of the modules at Marvin's heart is in no syntax of this Python."""
    for name in HEART:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ast.parse((folder / f"{name}.py").read_bytes())
        except OSError:  # compiled only, or not there
            continue
        except SyntaxError:
            return True
    return False


def _distribution() -> str:
    from importlib import metadata

    try:
        found = metadata.metadata("marvin")
    except metadata.PackageNotFoundError:
        return ""
    name = f"{found['Name']} {found['Version']}"
    return f"{name} ({found['Summary']})" if "Summary" in found else name
