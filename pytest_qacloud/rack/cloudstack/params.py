"""From a request's strings to a command's typed values, refused in CloudStack's words where they do not fit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import invalid, malformed
from .store import Entity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .schema import Command, Parameter
    from .store import Store

E = TypeVar("E", bound=Entity)

ANY_PROJECT = "-1"
"""`projectid=-1`: all projects that the caller may see."""

EVERYWHERE = "-1"
"""`zoneid=-1`: all zones, where a template is registered."""

_MAP_KEY = re.compile(r"([^\[\]]+)\[(\w+)\](?:\.(.+))?")
_DATE_FORMATS = ("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d'T'%H:%M:%S'%z'", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d")
_INTEGER_BITS = {"short": 15, "integer": 31, "long": 63}
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_CONTROL = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Unknown:
    """An id that may be one and names nothing: of something removed, `-1`, or a number in the database."""

    id: str


class Params:
    """A command's parameters, by name. Only parameters that the schema knows are in it.

    Args:
        unknown: ids that name nothing, by parameter; they are not among the values. In a list, only where it has
            no others.
    """

    def __init__(self, values: Mapping[str, Any], unknown: Mapping[str, str] | None = None) -> None:
        self._values = values
        self.unknown = unknown or {}

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def get(self, name: str) -> Any:
        """Whatever type it has; `None` where it was not given."""
        return self._values.get(name)

    def without(self, *names: str) -> Params:
        """All but some."""
        return Params({name: value for name, value in self._values.items() if name not in names}, self.unknown)

    def text(self, name: str, default: str = "") -> str:
        """A string."""
        value = self._values.get(name)
        return default if value is None else str(value)

    def optional(self, name: str) -> str | None:
        """A string, or `None` where it was not given or is empty."""
        value = self._values.get(name)
        return None if value in (None, "") else str(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A boolean."""
        value = self._values.get(name)
        return default if value is None else bool(value)

    def number(self, name: str, default: int = 0) -> int:
        """An integer."""
        value = self._values.get(name)
        return default if value is None else int(value)

    def optional_number(self, name: str) -> int | None:
        """An integer, or `None` where it was not given."""
        value = self._values.get(name)
        return None if value is None else int(value)

    def strings(self, name: str) -> list[str]:
        """A list's elements."""
        value = self._values.get(name)
        return [str(item) for item in value] if isinstance(value, list) else []

    def entity(self, name: str, kind: type[E]) -> E | None:
        """The entity that a uuid parameter names, or `None` where it was not given.

        Raises:
            ApiError: it names something of another class.
        """
        value: Any = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, kind):
            return value
        raise _no_entity(name, getattr(value, "id", value))

    def need(self, name: str, kind: type[E]) -> E:
        """As `entity`, and it must be given."""
        found = self.entity(name, kind)
        if found is None:
            raise invalid(f"Parameter {name} has to be specified")
        return found

    def entities(self, name: str, kind: type[E]) -> list[E]:
        """The entities that a list of uuids names."""
        return [item for item in self._values.get(name) or () if isinstance(item, kind)]

    def rows(self, name: str) -> list[dict[str, str]]:
        """A map parameter's rows, `name[i].key=value` each, in the order of `i`."""
        return list(self._values.get(name) or ())

    def pairs(self, name: str) -> dict[str, str]:
        """A map parameter as one mapping: `name[i].key=k` with `name[i].value=v`, or `name[i].k=v`."""
        merged: dict[str, str] = {}
        for row in self.rows(name):
            if set(row) >= {"key", "value"}:
                merged[row["key"]] = row["value"]
            else:
                merged.update(row)
        return merged


def parse(command: Command, raw: Mapping[str, str], store: Store) -> Params:
    """A command's typed parameters.

    Raises:
        ApiError: a required one is missing, or a value does not fit its type or names no entity (431).
    """
    for name, value in raw.items():
        if _CONTROL.search(value):
            raise malformed(f"Received value containing illegal ASCII non-printable characters for parameter {name}")
    given = _unfold(raw)
    values: dict[str, Any] = {}
    unknown: dict[str, str] = {}
    for parameter in command.parameters:
        given_value = given.get(parameter.name)
        if given_value is None:
            if parameter.required:
                raise malformed(
                    f"Unable to execute API command {command.name.lower()} due to missing parameter {parameter.name}"
                )
            continue
        if parameter.required and given_value == "":
            raise malformed(
                f"Unable to execute API command {command.name.lower()} due to invalid value. "
                f"Invalid value provided for API arg: {parameter.name}"
            )
        typed = _coerce(command, parameter, given_value, store)
        if isinstance(typed, list) and any(isinstance(item, Unknown) for item in typed):
            typed = [item for item in typed if not isinstance(item, Unknown)] or Unknown(given_value)
        if isinstance(typed, Unknown):
            unknown[parameter.name] = typed.id
        elif typed is not None:
            values[parameter.name] = typed
    return Params(values, unknown)


def _unfold(raw: Mapping[str, str]) -> dict[str, Any]:
    """Plain parameters as they are, indexed ones gathered into rows; names are matched in lower case."""
    plain: dict[str, Any] = {}
    rows: dict[str, dict[str, dict[str, str]]] = {}
    for name, value in raw.items():
        match = _MAP_KEY.fullmatch(name) if "[" in name else None
        if match is None:
            plain[name] = value
            plain.setdefault(name.lower(), value)
        else:
            base, index, key = match.groups()
            if key is None:
                rows.setdefault(base.lower(), {}).setdefault("0", {})[index] = value
            else:
                rows.setdefault(base.lower(), {}).setdefault(index, {})[key] = value
    for base, indexed in rows.items():
        plain[base] = [
            indexed[index] for index in sorted(indexed, key=lambda item: (not item.isdigit(), item.zfill(9)))
        ]
    return plain


def _coerce(command: Command, parameter: Parameter, value: Any, store: Store) -> Any:
    try:
        if isinstance(value, list):
            return value if parameter.type in ("map", "object") else [_scalar_rows(row) for row in value]
        if parameter.type == "list":
            items = [item for item in value.split(",") if item]
            return [_scalar(parameter, parameter.of, item, store) for item in items]
        if value == "" and parameter.type in ("integer", "double"):
            return None
        return _scalar(parameter, parameter.type, value, store)
    except ValueError:
        if parameter.type == "date":
            raise malformed(
                f"Unable to parse date {value} for command {command.name.lower()}, "
                "please pass dates in the format mentioned in the api documentation"
            ) from None
        raise malformed(
            f"Unable to execute API command {command.name.lower()} due to invalid value {value} "
            f"for parameter {parameter.name}"
        ) from None
    except _NoEntityError as error:
        raise malformed(f"Unable to execute API command {command.name.lower()} due to invalid value. {error}") from None


def _scalar_rows(row: dict[str, str]) -> str:
    return row.get("value", next(iter(row.values()), ""))


def _scalar(parameter: Parameter, kind: str, value: str, store: Store) -> Any:
    if kind == "uuid":
        return _entity(parameter, value, store)
    if kind == "boolean":
        return value.lower() == "true"
    if kind in _INTEGER_BITS:
        number = int(value)
        if not -(2 ** _INTEGER_BITS[kind]) <= number < 2 ** _INTEGER_BITS[kind]:
            raise ValueError(value)
        return number
    if kind in ("double", "float"):
        return float(value)
    if kind == "date":
        return parse_date(value)
    if kind == "map":
        return [dict(pair.split("=", 1) for pair in value.split(",") if "=" in pair)]
    if len(value) > parameter.length:
        raise _NoEntityError(f"Value greater than max allowed length {parameter.length} for param: {parameter.name}")
    return value


def parse_date(value: str) -> float:
    """Seconds since the epoch of a date as CloudStack takes it: ISO 8601, or a day with or without a time.

    Raises:
        ValueError: it is none.
    """
    for pattern in _DATE_FORMATS:
        try:
            parsed = datetime.strptime(value, pattern)  # noqa: DTZ007 - a zone is added below where none is given
        except ValueError:
            continue
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    raise ValueError(value)


class _NoEntityError(Exception):
    """A value that has the right form and stands for nothing."""


def _entity(parameter: Parameter, value: str, store: Store) -> Entity | Unknown | str | None:
    """What an id names. As the real server has it, parameters older than its version 3 also take database numbers."""
    if value == "" and not parameter.required:
        return None
    if value == "-1":
        return value if parameter.name in ("projectid", "zoneid") else Unknown(value)
    related = parameter.related or ""
    found = store.find(related, value)
    if found is not None:
        return found
    if parameter.since and not _UUID.fullmatch(value):
        return None
    if value.isdecimal() and int(value) > 0:
        return store.find_numbered(related, int(value)) or Unknown(value)
    if store.is_gone(related, value):
        return Unknown(value)
    raise _NoEntityError(_no_entity_text(parameter.name, value))


def _no_entity_text(name: str, value: object) -> str:
    return (
        f"Invalid parameter {name} value={value} due to incorrect long value format, or entity does not exist or "
        "due to incorrect parameter annotation for the field in api cmd class."
    )


def _no_entity(name: str, value: object) -> Exception:
    return malformed(f"Unable to execute API command due to invalid value. {_no_entity_text(name, value)}")
