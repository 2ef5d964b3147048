"""What custom actions take: parameters declared with a type, a format and a choice of values, and values checked."""

from __future__ import annotations

import re
import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ...errors import invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TYPES = ("STRING", "NUMBER", "BOOLEAN", "DATE")
_BASES = {"UUID": "STRING", "EMAIL": "STRING", "PASSWORD": "STRING", "URL": "STRING", "DECIMAL": "NUMBER"}
"""The type that each format is of; NONE is of all."""

_EMAIL = re.compile(r"[A-Za-z0-9+_.-]+@[A-Za-z0-9.-]+")


def declare(row: Mapping[str, str]) -> dict[str, Any]:
    """A parameter as replies show it, from a request's row.

    Raises:
        ApiError: no name, an unknown type or format, one that does not go with the other, or a wrong choice (431).
    """
    name, kind = row.get("name", "").strip(), row.get("type", "").upper()
    if not name:
        raise invalid("Invalid parameter specified with empty name")
    if not kind:
        raise invalid(f"No type specified for parameter: {name}")
    if kind not in _TYPES:
        raise invalid(f"Invalid type: {row['type']} specified for parameter: {name}")
    form = (row.get("validationformat") or "NONE").upper()
    if form != "NONE" and _BASES.get(form) != kind:
        raise invalid(f"Invalid validation format: {row['validationformat']} specified for type: {kind}")
    declared: dict[str, Any] = {
        "name": name,
        "type": kind,
        "validationformat": form,
        "required": row.get("required", "").lower() == "true",
    }
    options = [option.strip() for option in row.get("valueoptions", "").split(",") if option.strip()]
    if options:
        declared["valueoptions"] = _options(name, kind, form, options)
    return declared


def _options(name: str, kind: str, form: str, options: list[str]) -> list[Any]:
    if kind not in ("STRING", "NUMBER"):
        raise invalid(f"Options not supported for type: {kind} for parameter: {name}")
    try:
        return [_READERS[kind](option, form) for option in options]
    except ValueError:
        raise invalid(f"Invalid value options with validation format: {form} for parameter: {name}") from None


def check(declared: list[dict[str, Any]], given: Mapping[str, str]) -> dict[str, Any]:
    """The values of a run, each of its parameter's type; those of no declared parameter stay as they are.

    Raises:
        ApiError: one that is required is missing, or one does not fit (431).
    """
    for parameter in declared:
        if parameter["required"] and not given.get(parameter["name"], "").strip():
            raise invalid(f"Missing or empty required parameter: {parameter['name']}")
    known = {parameter["name"]: parameter for parameter in declared}
    return {name: _checked(known[name], value) if name in known else value for name, value in given.items()}


def _checked(parameter: dict[str, Any], text: str) -> Any:
    name = parameter["name"]
    try:
        value = _READERS[parameter["type"]](text, parameter["validationformat"])
    except ValueError:
        raise invalid(f"Invalid value for parameter '{name}': {text}") from None
    options = parameter.get("valueoptions")
    if options and value not in options:
        listed = ", ".join(str(option) for option in options)
        raise invalid(f"Invalid value for parameter '{name}': {text}. Valid options are: {listed}")
    return value


def _string(text: str, form: str) -> str:
    fits = True
    if form == "UUID":
        uuid.UUID(text)
    elif form == "EMAIL":
        fits = _EMAIL.fullmatch(text) is not None
    elif form == "URL":
        fits = bool(urlsplit(text).scheme)
    if not fits or not text.strip():
        raise ValueError(text)
    return text


def _number(text: str, form: str) -> float:
    return float(text) if form == "DECIMAL" else int(text)


def _boolean(text: str, _form: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


def _date(text: str, _form: str) -> str:
    datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z")
    return text


_READERS: dict[str, Callable[[str, str], Any]] = {
    "STRING": _string,
    "NUMBER": _number,
    "BOOLEAN": _boolean,
    "DATE": _date,
}
