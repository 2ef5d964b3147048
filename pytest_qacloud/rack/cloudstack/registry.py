"""Where areas register what they bring: commands, the state of a fresh installation, and what time does to it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from . import schema

if TYPE_CHECKING:
    from .context import Context
    from .params import Params
    from .server import ManagementServer

Work = Callable[["Context", "Params"], Any]
"""What a command does; see the package's docstring for what it may return or yield."""

W = TypeVar("W", bound=Work)
S = TypeVar("S", bound=Callable[["ManagementServer"], None])

_COMMANDS: dict[str, Work] = {}
_INSTALLERS: list[tuple[int, Callable[[ManagementServer], None]]] = []
_SETTLERS: list[Callable[[ManagementServer], None]] = []


def command(*names: str) -> Callable[[W], W]:
    """Make a function the work of one or more commands of the schema."""
    for name in names:
        if name not in schema.load().commands:
            raise ValueError(f"CloudStack has no command {name}")

    def register(work: W) -> W:
        for name in names:
            if name in _COMMANDS:
                raise ValueError(f"{name} has an implementation already: {_COMMANDS[name].__module__}")
            _COMMANDS[name] = work
        return work

    return register


def installs(order: int = 50) -> Callable[[S], S]:
    """A function that puts into a new server what a fresh installation has; lower orders run first."""

    def register(install: S) -> S:
        _INSTALLERS.append((order, install))
        return install

    return register


def settles(settle: S) -> S:
    """A function that brings the state up to the server's clock; runs before every command, so it must be quick."""
    _SETTLERS.append(settle)
    return settle


@lru_cache(maxsize=1)
def load_areas() -> None:
    """Import every module under `areas`, so that all have registered; may run in several threads."""
    from . import areas

    for module in pkgutil.walk_packages(areas.__path__, f"{areas.__name__}."):
        importlib.import_module(module.name)


def work_of(name: str) -> Work | None:
    """What a command does; `None` where nothing is registered for it."""
    return _COMMANDS.get(name)


def implemented() -> frozenset[str]:
    """Names of all commands that have work."""
    load_areas()
    return frozenset(_COMMANDS)


def installers() -> list[Callable[[ManagementServer], None]]:
    """All installers, in their order."""
    return [install for _, install in sorted(_INSTALLERS, key=lambda item: (item[0], item[1].__module__))]


def settlers() -> list[Callable[[ManagementServer], None]]:
    """All settlers."""
    return _SETTLERS
