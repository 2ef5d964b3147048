"""The import hook: stands in for Apache Marvin and nose where they are absent, and completes them where they are."""

from __future__ import annotations

import sys
import warnings
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MarvinError
from .installed import LANDMARK, STAND_IN, Kind, for_python_2, recognise

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType, ModuleType

API_PACKAGE = "marvin.cloudstackAPI"
API_FOLDER = str(STAND_IN.joinpath(*API_PACKAGE.split(".")))
ROOTS = ("marvin", "nose", "ipmisim")
APACHE_MODULES = (
    *("asyncJobMgr", "cloudstackAPI", "cloudstackConnection", "cloudstackException", "cloudstackTestCase"),
    *("cloudstackTestClient", "codes", "config", "configGenerator", "dbConnection", "deployDataCenter", "jsonHelper"),
    *("lib", "marvinInit", "marvinLog", "marvinPlugin", "sshClient"),
)
"""What suites import from Apache Marvin: asking any other `marvin` for these is a mistake that is worth explaining."""


class StandInFinder:
    """Finds `marvin`, `nose` and `ipmisim` in the stand-in folder, and `marvin.cloudstackAPI` in the API's description.

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
        root = fullname.partition(".")[0]
        if root not in ROOTS:
            return None
        if path and path[0] == API_FOLDER and (made := _command(fullname)) is not None:
            return made
        installed = self._elsewhere(fullname, path, target)
        if fullname in ROOTS:
            if installed is None or installed.origin is None:
                return _stand_in(fullname)
            if fullname == "nose" and installed.loader is not None:
                installed.loader = _NoseLoader(installed.loader)
        if installed is not None and root == "marvin":
            if path and for_python_2(Path(path[0])):
                raise ModuleNotFoundError(f"cannot import {fullname}: {recognise(Path(path[0])).advice}")
            return _quiet(installed)
        if installed is not None:
            return installed
        return _completed(fullname, path) if path and root == "marvin" else None

    def _elsewhere(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
        others = sys.meta_path[sys.meta_path.index(self) + 1 :]  # those before have been asked already
        return next((spec for finder in others if (spec := finder.find_spec(fullname, path, target))), None)


class _QuietLoader(SourceFileLoader):
    """Compiles Apache Marvin without its warnings of invalid escapes, which would be errors where warnings are."""

    # typeshed tells only how importlib.abc calls it
    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> CodeType:  # type: ignore[override]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # until Python 3.11
            warnings.simplefilter("ignore", SyntaxWarning)
            return super().source_to_code(data, path, _optimize=_optimize)


class _NoseLoader(Loader):
    """Loads an installed nose; where this Python cannot import that (1.3.7 needs `imp`), the stand-in in its place."""

    def __init__(self, installed: Any) -> None:
        self._installed = installed

    def create_module(self, spec: ModuleSpec) -> None:
        """`None`: an ordinary module will do."""
        del spec

    def exec_module(self, module: ModuleType) -> None:
        """Run the package's own code, and ours when that fails."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._installed.exec_module(module)
        except Exception:  # noqa: BLE001  however it is broken, suites need only what the stand-in has
            for name in [name for name in sys.modules if name.startswith("nose.")]:
                del sys.modules[name]
            stand_in = _stand_in("nose")
            module.__spec__, module.__path__ = stand_in, list(stand_in.submodule_search_locations or ())
            module.__file__ = stand_in.origin
            SourceFileLoader("nose", str(stand_in.origin)).exec_module(module)


def provide(source: Path | None = None) -> None:
    """From now on `import marvin…` and `import nose.plugins.attrib` succeed. Cheap; a second call changes nothing.

    An installed Apache Marvin or nose is used instead of the stand-in. Where another library is called `marvin` it
    stays importable, and only asking it for Apache Marvin's modules fails, with the reason.

    Args:
        source: a checkout of CloudStack, or its `tools/marvin`: the Marvin in it is used, without being built.

    Raises:
        MarvinError: there is no Marvin in `source`, or another one has been imported already.
    """
    if source is not None:
        folder = marvin_folder(source)
        loaded = sys.modules.get("marvin")
        if loaded is not None and folder not in map(Path, getattr(loaded, "__path__", ())):
            raise MarvinError(
                f"the marvin in {folder} cannot be used: another one, {loaded.__spec__ and loaded.__spec__.origin}, "
                f"has been imported already; leave out what imports it (a plugin, a conftest.py)"
            )
        if str(folder.parent) not in sys.path:
            sys.path.insert(0, str(folder.parent))
            _on_path.append(str(folder.parent))
    if not any(isinstance(finder, StandInFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, StandInFinder())


_on_path: list[str] = []
"""What `provide` has put on `sys.path`."""


def withdraw() -> None:
    """Undo `provide()`, and forget the stand-in's modules: later imports see only what is installed."""
    while _on_path:
        if (entry := _on_path.pop()) in sys.path:
            sys.path.remove(entry)
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, StandInFinder)]
    for name in [name for name in sys.modules if name.split(".")[0] in ROOTS]:
        origin = getattr(sys.modules[name].__spec__, "origin", None)
        if origin == API_PACKAGE or (origin and Path(origin).is_relative_to(STAND_IN)):
            del sys.modules[name]


def marvin_folder(source: Path) -> Path:
    """The package `marvin` in a checkout of CloudStack, or in its `tools/marvin`.

    Raises:
        MarvinError: there is none.
    """
    for folder in (source / "tools" / "marvin" / "marvin", source / "marvin", source):
        if folder.name == "marvin" and (folder / f"{LANDMARK}.py").is_file():
            return folder.resolve()
    raise MarvinError(
        f"there is no Marvin in {source}: give the folder of a CloudStack checkout, or of its tools/marvin "
        f"(which has marvin/{LANDMARK}.py in it)"
    )


def _stand_in(name: str) -> ModuleSpec:
    folder = STAND_IN.joinpath(*name.split("."))
    found = spec_from_file_location(
        name,
        folder / "__init__.py",
        loader=SourceFileLoader(name, str(folder / "__init__.py")),
        submodule_search_locations=[str(folder)],
    )
    if found is None:
        raise ImportError(f"{folder} is incomplete; reinstall pytest-qacloud")
    return found


def _quiet(spec: ModuleSpec) -> ModuleSpec:
    """The spec, with a loader that is quiet where the module is Apache Marvin's source."""
    if spec.origin and spec.origin.endswith(".py") and not Path(spec.origin).is_relative_to(STAND_IN):
        spec.loader = _QuietLoader(spec.name, spec.origin)  # also in the place of pytest's, which rewrites assertions
    return spec


def _completed(fullname: str, path: Sequence[str]) -> ModuleSpec | None:
    """A module of `marvin` that is on no disk: of its API, which we make, or missing, which we explain."""
    parent, _, name = fullname.rpartition(".")
    found = recognise(Path(path[0]))
    if found.kind is Kind.APACHE and fullname == API_PACKAGE:
        return _stand_in(API_PACKAGE)
    if found.kind is Kind.OTHER and parent == "marvin" and name in APACHE_MODULES:
        raise ModuleNotFoundError(f"cannot import {fullname}: {found.advice}")
    if found.kind is not Kind.STAND_IN:
        return None
    if parent == API_PACKAGE:
        from .commands import command_spec

        return command_spec(fullname, name)
    raise ModuleNotFoundError(_missing(fullname))


def _command(fullname: str) -> ModuleSpec | None:
    """A command's module, without asking the other finders: suites that `import *` have nine hundred of them made."""
    from .commands import catalogue, command_spec

    name = fullname.rpartition(".")[2]
    return command_spec(fullname, name) if name in catalogue.entries() else None


def _missing(fullname: str) -> str:
    return (
        f"{fullname} is a part of Apache CloudStack's Marvin that pytest-qacloud's stand-in does not have. "
        f"Give a CloudStack checkout with --qacloud-marvin=PATH to have Marvin itself"
    )
