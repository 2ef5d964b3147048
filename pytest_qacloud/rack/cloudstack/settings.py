"""Global settings, and their values for single zones, clusters, domains and so on."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .errors import invalid
from .identity import Account, Domain

if TYPE_CHECKING:
    from .store import Entity

_FILE = Path(__file__).parent / "facts" / "configuration.tsv"
_NONE = "\\N"
_BITS = {"Integer": 31, "Long": 63, "Short": 15}
_TYPES = {"Boolean": "Boolean", "Float": "Decimal", "Double": "Decimal", **dict.fromkeys(_BITS, "Number")}
_LEAST = {"vm.password.length": 6, "remote.access.vpn.psk.length": 8}
_MOST = {"remote.access.vpn.psk.length": 256, "vm.userdata.max.length": 1_048_576}


class Setting(NamedTuple):
    """One setting as CloudStack declares it.

    Args:
        type: the Java class of its values.
        scopes: kinds of entities that may differ, such as `StoragePool` and `Zone`; only `Global` where none may.
        subgroup: as its declaration names it; `-` for none.
        parent: the setting that it belongs under.
        kind: how a text is made up: CSV, Select, Order.
        check: `share` for 0 to 1, `factor` for more than 0, `positive` for at least 1.
    """

    name: str
    category: str
    type: str
    scopes: tuple[str, ...]
    dynamic: bool
    default: str | None
    subgroup: str
    parent: str | None
    kind: str | None
    options: str | None
    check: str | None

    @property
    def shown_type(self) -> str:
        """The type that replies tell."""
        if self.check == "share":
            return "Range"
        return _TYPES.get(self.type) or self.kind or "String"


@lru_cache(maxsize=1)
def declared() -> dict[str, Setting]:
    """All settings, by name."""
    rows = (line.split("\t") for line in _FILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return {
        name: Setting(
            name,
            category,
            kind,
            tuple(scopes.split(",")),
            dynamic == "1",
            None if default == _NONE else default,
            subgroup,
            *(None if cell == "-" else cell for cell in rest),
        )
        for name, category, kind, scopes, dynamic, default, subgroup, *rest in rows
    }


@lru_cache(maxsize=1)
def _in_lower_case() -> dict[str, Setting]:
    return {name.lower(): setting for name, setting in declared().items()}


def named(name: str) -> Setting:
    """The setting of a name, letter case apart.

    Raises:
        ApiError: there is none (431).
    """
    setting = declared().get(name) or _in_lower_case().get(name.lower())
    if setting is None:
        raise invalid(f"Config parameter with name {name} doesn't exist")
    return setting


class Settings:
    """The values that differ from the defaults."""

    def __init__(self) -> None:
        self._global: dict[str, str] = {}
        self._scoped: dict[tuple[str, str], str] = {}

    def value(self, name: str, scope: Entity | None = None) -> str:
        """The value for an entity or one that it takes it from, else the global one; empty where there is none."""
        while scope is not None:
            if (scope.id, name) in self._scoped:
                return self._scoped[scope.id, name]
            scope = self._above(name, scope)
        if name in self._global:
            return self._global[name]
        setting = declared().get(name)
        return "" if setting is None else setting.default or ""

    def _above(self, name: str, scope: Entity) -> Entity | None:
        """From where an entity takes a value that it has not: domains from their parents, if settings say so."""
        if isinstance(scope, Account | Domain):
            inherits = self._is_true("enable.domain.settings.for.child.domain")
            if isinstance(scope, Domain):
                return scope.parentdomain if inherits else None
            return scope.domain if inherits and self._is_true("enable.account.settings.for.domain") else None
        setting = declared().get(name)
        zone: Entity | None = getattr(scope, "zone", None)
        return zone if setting is not None and "Zone" in setting.scopes and len(setting.scopes) > 1 else None

    def _is_true(self, name: str) -> bool:
        return self.value(name).lower() == "true"

    def fits(self, setting: Setting, scope: str) -> bool:
        """Whether entities of a kind may have a value of their own."""
        if scope == "Domain" and "Account" in setting.scopes and self._is_true("enable.account.settings.for.domain"):
            return True
        return scope in setting.scopes

    def set(self, setting: Setting, value: str, scope: Entity | None = None) -> None:
        """Change a value.

        Raises:
            ApiError: it is of the wrong type or out of range (431).
        """
        value = value.strip()
        if setting.type == "Boolean":
            value = value.lower()
        value = "" if value == "null" else value
        _check(setting, value)
        if scope is None:
            self._global[setting.name] = value
        else:
            self._scoped[scope.id, setting.name] = value

    def reset(self, setting: Setting, scope: Entity | None = None) -> None:
        """Back to the default, or for an entity to what it takes from above."""
        if scope is None:
            self._global.pop(setting.name, None)
        else:
            self._scoped.pop((scope.id, setting.name), None)


def _check(setting: Setting, value: str) -> None:
    if setting.name == "commands.timeout":
        _check_timeouts(value)
    number = _parsed(setting, value)
    if number is None:
        return
    if setting.check == "share" and setting.type == "Float" and not 0 <= number <= 1:
        raise invalid(f"Please enter a value between 0 and 1 for the configuration parameter: [{setting.name}].")
    if setting.check == "factor" and number <= 0:
        raise invalid(f"Value for configuration [{setting.name}] should be greater than 0.")
    if setting.check == "positive" and setting.type == "Integer":
        least, most = _LEAST.get(setting.name, 1), _MOST.get(setting.name, math.inf)
        if not least <= number <= most:
            raise invalid(
                f"Please enter a value from {least} to {most} for the configuration parameter: {setting.name}"
            )


def _parsed(setting: Setting, value: str) -> float | None:
    """The number that a value is; nothing for booleans and texts."""
    wrong = invalid(f"Value [{value}] is not a valid [{setting.type}].")
    if setting.type == "Boolean" and value not in ("true", "false"):
        raise wrong
    if _TYPES.get(setting.type) not in ("Number", "Decimal"):
        return None
    try:
        number = int(value) if setting.type in _BITS else float(value)
    except ValueError:
        raise wrong from None
    bits = _BITS.get(setting.type)
    if "_" in value or math.isinf(number) or (bits is not None and not -(2**bits) <= number < 2**bits):
        raise wrong
    return number


def _check_timeouts(value: str) -> None:
    """Seconds by the names of agents' commands: `StartCommand=600, StopCommand=300`."""
    for item in value.split(",") if value else ():
        name, sign, seconds = (part.strip() for part in item.partition("="))
        if not sign:
            raise invalid(f"Validation failed: Command '{item.strip()}' does not contain '='.")
        if not name or "=" in seconds:
            raise invalid(f"Validation failed: Command '{item.strip()}' is not properly formatted.")
        if not seconds.isdecimal() or int(seconds) <= 0:
            raise invalid(f"Validation failed: the value of '{item.strip()}' has to be a positive integer.")
