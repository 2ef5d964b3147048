"""Attributes on tests, and tests by their attributes, as nose's attribute plugin has them (`nosetests -a`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

OR = ";"
"""Between the alternatives of an attribute filter."""

MARK = re.compile(r"[A-Za-z][\w.:+/-]*")
"""What can be a mark, and be asked for with `-m`."""

RESERVED = frozenset({"skip", "skipif", "xfail", "parametrize", "usefixtures", "filterwarnings", "pytestmark"})
"""Names that are pytest's own as marks."""

FALSE = ("", "false", "no", "none", "0")
"""Texts with which suites say that something is not so."""

_MISSING = object()


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on one attribute.

    Args:
        value: the text that the attribute must be or have; `True` and `False` ask only whether it is true.
    """

    name: str
    value: str | bool

    def holds(self, found: object) -> bool:
        """Whether an attribute's value fulfils it; of one that is missing the value is `False`."""
        if isinstance(self.value, bool):
            return bool(found) is self.value
        wanted = self.value.lower()
        if type(found) in (list, tuple):
            return wanted in [str(member).lower() for member in found]  # type: ignore[attr-defined]  # just looked at
        return wanted == str(found).lower()


@dataclass(frozen=True, slots=True)
class Selection:
    """Which tests run: those that fulfil all conditions of one of the groups."""

    groups: tuple[tuple[Condition, ...], ...]

    def accepts(self, function: object, cls: type | None) -> bool:
        """Whether a test runs; what its function does not say, its class may."""
        return any(all(each.holds(_value(function, cls, each.name)) for each in group) for group in self.groups)


def parse_selection(text: str) -> Selection | None:
    """A filter such as `tags=advanced,required_hardware=false`.

    `,` is and, `;` is or; `name=value` compares without regard to case, and with each member where the attribute is a
    list; `name` and `!name` ask whether it is true. An attribute that a test does not have counts as `False`, so
    `required_hardware=false` takes tests that say nothing about it.

    Returns:
        `None` for an empty text: no filter.

    Raises:
        ConfigError: a condition names no attribute.
    """
    groups = tuple(
        tuple(_condition(item, text) for item in group.split(",") if item) for group in text.split(OR) if group.strip()
    )
    return Selection(groups) if groups else None


def marks(function: object, cls: type | None) -> Iterator[str]:
    """The names by which `-m` finds a test: its tags, its class's, and those of its attributes that are true."""
    tags = _value(function, cls, "tags")
    for tag in tags if isinstance(tags, list | tuple) else [tags]:
        if isinstance(tag, str) and _fit(tag):
            yield tag
    for name, value in getattr(function, "__dict__", {}).items():
        if name != "tags" and _fit(name) and isinstance(value, str | bool) and str(value).lower() not in FALSE:
            yield name


def _condition(item: str, text: str) -> Condition:
    name, equals, value = item.strip().partition("=")
    negated = not equals and name.startswith("!")
    condition = Condition(name.removeprefix("!") if negated else name, value if equals else not negated)
    if not condition.name:
        raise ConfigError(f"the attribute filter `{text}` has a condition without an attribute's name: `{item}`")
    return condition


def _value(function: object, cls: type | None, name: str) -> object:
    value = getattr(function, name, _MISSING)
    if value is _MISSING and cls is not None:
        value = getattr(cls, name, _MISSING)
    return False if value is _MISSING else value


def _fit(name: str) -> bool:
    return MARK.fullmatch(name) is not None and name not in RESERVED
