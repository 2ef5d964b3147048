"""Global settings, and their values for single zones, clusters, domains and so on."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .errors import invalid

if TYPE_CHECKING:
    from .store import Entity

_FILE = Path(__file__).parent / "facts" / "configuration.tsv"
_NONE = "\\N"
_INTEGER, _DECIMAL = re.compile(r"[+-]?\d+"), re.compile(r"[+-]?\d+(\.\d*)?")
_PATTERNS = {
    "Integer": _INTEGER,
    "Long": _INTEGER,
    "Short": _INTEGER,
    "Float": _DECIMAL,
    "Double": _DECIMAL,
    "Boolean": re.compile(r"true|false", re.IGNORECASE),
}


class Setting(NamedTuple):
    """One setting as CloudStack declares it. `scope` names the narrowest kind of entity that may differ."""

    name: str
    category: str
    type: str
    scope: str
    dynamic: bool
    default: str | None


@lru_cache(maxsize=1)
def declared() -> dict[str, Setting]:
    """All settings, by name."""
    rows = (line.split("\t") for line in _FILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return {
        name: Setting(name, category, kind, scope, dynamic == "1", None if default == _NONE else default)
        for name, category, kind, scope, dynamic, default in rows
    }


class Settings:
    """The values that differ from the defaults."""

    def __init__(self) -> None:
        self._global: dict[str, str] = {}
        self._scoped: dict[tuple[str, str], str] = {}

    def value(self, name: str, scope: Entity | None = None) -> str:
        """The value for an entity, else the global one, else the default; empty where there is none."""
        if scope is not None and (scope.id, name) in self._scoped:
            return self._scoped[scope.id, name]
        if name in self._global:
            return self._global[name]
        setting = declared().get(name)
        return "" if setting is None else setting.default or ""

    def set(self, name: str, value: str, scope: Entity | None = None) -> Setting:
        """Change a value.

        Raises:
            ApiError: no such setting, not for that scope, or the value is of the wrong type (431).
        """
        setting = declared().get(name)
        if setting is None:
            raise invalid(f"Config parameter with name {name} doesn't exist")
        _check(setting, value)
        if scope is None:
            self._global[name] = value
        else:
            if setting.scope == "Global":
                raise invalid(f"Invalid scope id provided for the parameter {name}")
            self._scoped[scope.id, name] = value
        return setting

    def reset(self, name: str, scope: Entity | None = None) -> Setting:
        """Back to the default, or for an entity to the global value.

        Raises:
            ApiError: no such setting.
        """
        setting = declared().get(name)
        if setting is None:
            raise invalid(f"Config parameter with name {name} doesn't exist")
        if scope is None:
            self._global.pop(name, None)
        else:
            self._scoped.pop((scope.id, name), None)
        return setting


def _check(setting: Setting, value: str) -> None:
    pattern = _PATTERNS.get(setting.type)
    if value and pattern is not None and not pattern.fullmatch(value.strip()):
        raise invalid(f"Invalid value [{value}] for configuration {setting.name}: it has to be of type {setting.type}")
