"""`{name}` in the commands and variables of a pool file: what stands there, and what a run puts in its place. Pure.

`{{` and `}}` are braces themselves. Nothing else is replaced: no shell ever sees the texts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

FIXED = ("commit", "database", "work", "worktree")
"""The names that every run knows; `port.NAME` comes with each port that the file names."""

_PART = re.compile(r"\{\{|\}\}|\{(?P<name>[^{}]*)\}|[{}]")


def names_in(text: str) -> list[str]:
    """The placeholders of a text, in its order.

    Raises:
        ValueError: a brace stands alone.
    """
    found = []
    for part in _PART.finditer(text):
        if part["name"] is not None:
            found.append(part["name"])
        elif len(part[0]) == 1:
            raise ValueError(f"a {part[0]} stands alone; write {part[0] * 2} for the brace itself")
    return found


def expand(text: str, values: Mapping[str, str]) -> str:
    """The text with each placeholder's value in its place.

    Raises:
        KeyError: there is no value of that name.
    """
    return _PART.sub(lambda part: part[0][0] if part["name"] is None else values[part["name"]], text)
