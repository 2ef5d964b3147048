"""The import hook: stands in for Apache Marvin and nose where they are not installed."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

from .installed import STAND_IN, Kind, recognise

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

API_PACKAGE = "marvin.cloudstackAPI"
ROOTS = ("marvin", "nose")
APACHE_MODULES = (
    *("asyncJobMgr", "cloudstackAPI", "cloudstackConnection", "cloudstackException", "cloudstackTestCase"),
    *("cloudstackTestClient", "codes", "config", "configGenerator", "dbConnection", "deployDataCenter", "jsonHelper"),
    *("lib", "marvinInit", "marvinLog", "marvinPlugin", "sshClient"),
)
"""What suites import from Apache Marvin: asking any other `marvin` for these is a mistake that is worth explaining."""


class StandInFinder:
    """Finds `marvin` and `nose` in the stand-in folder, and `marvin.cloudstackAPI`'s modules in the API's description.

    What the other finders know comes first, except for a folder that merely has the name (a namespace package, such
    as `tests/marvin`). So the finder is the first one, and asks the others.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module's spec; `None` for all that is not ours.

        Errors name no module: where `from … import …` finds a name in one, it replaces our words by its own.

        Raises:
            ImportError: the parent is another company's `marvin`, or a stand-in that lacks the module.
        """
        if fullname.partition(".")[0] not in ROOTS:
            return None
        installed = self._elsewhere(fullname, path, target)
        if fullname in ROOTS:
            if installed is not None and installed.origin is not None:
                return installed
            folder = STAND_IN / fullname
            return spec_from_file_location(
                fullname,
                folder / "__init__.py",
                loader=SourceFileLoader(fullname, str(folder / "__init__.py")),
                submodule_search_locations=[str(folder)],
            )
        if installed is not None or not path or not fullname.startswith("marvin."):
            return installed
        parent, _, name = fullname.rpartition(".")
        found = recognise(Path(path[0]))
        if found.kind is Kind.OTHER and parent == "marvin" and name in APACHE_MODULES:
            raise ModuleNotFoundError(f"cannot import {fullname}: {found.advice}")
        if found.kind is not Kind.STAND_IN:
            return None
        if parent == API_PACKAGE:
            from .commands import command_spec

            return command_spec(fullname, name)
        raise ModuleNotFoundError(_missing(fullname))

    def _elsewhere(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
        others = sys.meta_path[sys.meta_path.index(self) + 1 :]  # those before have been asked already
        return next((spec for finder in others if (spec := finder.find_spec(fullname, path, target))), None)


def provide() -> None:
    """From now on `import marvin…` and `import nose.plugins.attrib` succeed. Cheap; a second call changes nothing.

    An installed Apache Marvin or nose is used instead of the stand-in. Where another library is called `marvin` it
    stays importable, and only asking it for Apache Marvin's modules fails, with the reason.
    """
    if not any(isinstance(finder, StandInFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, StandInFinder())


def withdraw() -> None:
    """Undo `provide()`, and forget the stand-in's modules: later imports see only what is installed."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, StandInFinder)]
    for name in [name for name in sys.modules if name.split(".")[0] in ROOTS]:
        origin = getattr(sys.modules[name].__spec__, "origin", None)
        if origin == API_PACKAGE or (origin and Path(origin).is_relative_to(STAND_IN)):
            del sys.modules[name]


def _missing(fullname: str) -> str:
    return (
        f"{fullname} is a part of Apache CloudStack's Marvin that pytest-qacloud's stand-in does not have. "
        f"Install Marvin from a CloudStack checkout (tools/marvin); it is then used instead"
    )
