"""A pool as plain data, in the form its file has."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from ..model import SecretRef
from .schema import SimulatedPool

if TYPE_CHECKING:
    from . import AnyPool

SIMULATED_KEYS = ("machines", "hypervisor", "install_time_s")


def describe(pool: AnyPool) -> dict[str, Any]:
    """The pool as its file would say it, defaults written out: dicts, lists, texts, numbers and booleans.

    Secrets are shown by their places. What is not set is not there.
    """
    data: dict[str, Any] = _plain(pool)
    del data["path"]
    if isinstance(pool, SimulatedPool):
        return {name: value for name, value in data.items() if name not in SIMULATED_KEYS} | {
            "simulated": {name: data[name] for name in SIMULATED_KEYS}
        }
    return data


def _plain(value: Any) -> Any:
    if isinstance(value, SecretRef):
        return {value.kind: value.name}
    if is_dataclass(value) and type(value).__str__ is object.__str__:
        members = {field.name: getattr(value, field.name) for field in fields(value)}
        return {name: _plain(member) for name, member in members.items() if member is not None}
    if isinstance(value, dict):
        return {str(name): _plain(member) for name, member in value.items()}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [_plain(member) for member in value]
    return value if isinstance(value, bool | int | float) else str(value)
