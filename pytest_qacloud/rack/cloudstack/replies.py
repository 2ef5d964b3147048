"""From entities to replies: the fields that the schema knows, in CloudStack's formats."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from . import schema
from .store import Entity, plain_fields


def timestamp(seconds: float) -> str:
    """A time as CloudStack writes it, such as `2024-01-31T12:00:00+0000`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S%z")


_COLUMNS: dict[tuple[type[Entity], str], tuple[tuple[str, str], ...]] = {}


def _columns(kind: type[Entity], response: str) -> tuple[tuple[str, str], ...]:
    """The fields of a response class that an entity class can fill, with their types."""
    columns = _COLUMNS.get((kind, response))
    if columns is None:
        known = {*plain_fields(kind), *(name for name in dir(kind) if not callable(getattr(kind, name)))}
        fields = schema.load().responses[response]
        columns = _COLUMNS[kind, response] = tuple((item.name, item.type) for item in fields if item.name in known)
    return columns


def shape(entity: Entity, *, admin: bool = True, response: str | None = None) -> dict[str, Any]:
    """An entity as a reply shows it; what is `None` is left away.

    Args:
        admin: whether a root admin asks, who sees `ADMIN_ONLY` fields.
        response: another response class than the entity's own.
    """
    kind = type(entity)
    shown: dict[str, Any] = {}
    for name, field_type in _columns(kind, response or kind.RESPONSE):
        value = getattr(entity, name)
        if value is None or (not admin and name in kind.ADMIN_ONLY):
            continue
        shown[name] = plain(value, field_type, admin=admin)
    return shown


def plain(value: Any, field_type: str = "", *, admin: bool = True) -> Any:
    """A value as JSON has it: entities shaped (or named, in a string field), dates written out."""
    kind = type(value)  # most values are of these types, which cost less to tell than abstract ones
    if kind is str:
        return value
    if kind is dict:
        return {key: plain(item, admin=admin) for key, item in value.items()}
    if isinstance(value, Entity):
        return getattr(value, "name", value.id) if field_type == "string" else shape(value, admin=admin)
    if field_type == "date":
        return timestamp(value) if isinstance(value, int | float) else value
    if field_type == "string" and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, Mapping):
        return {key: plain(item, admin=admin) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [plain(item, admin=admin) for item in value]
    return value


def to_xml(name: str, value: Any) -> str:
    """A reply's content as CloudStack's XML has it: lists are repeated elements."""
    if isinstance(value, Mapping):
        return f"<{name}>{''.join(to_xml(key, item) for key, item in value.items())}</{name}>"
    if isinstance(value, list):
        return "".join(to_xml(name, item) for item in value)
    if isinstance(value, bool):
        value = str(value).lower()
    return f"<{name}>{escape(str(value))}</{name}>"
