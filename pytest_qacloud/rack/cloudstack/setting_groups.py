"""Groups and subgroups of settings, and to which a setting belongs by the words of its name."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

_FILE = Path(__file__).parent / "facts" / "setting_groups.tsv"


class Subgroup(NamedTuple):
    """One subgroup, and its group. Lower precedences come first."""

    name: str
    precedence: int
    group: str
    group_precedence: int
    keywords: tuple[str, ...]


@lru_cache(maxsize=1)
def subgroups() -> tuple[Subgroup, ...]:
    """All subgroups in the order of CloudStack's tables; the first takes what fits nowhere else."""
    rows = (line.split("\t") for line in _FILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return tuple(
        Subgroup(name, int(precedence), group, int(above), () if words == "-" else tuple(words.lower().split(",")))
        for name, precedence, group, above, words in rows
    )


@lru_cache(maxsize=2048)
def subgroup_of(setting: str, named: str) -> Subgroup:
    """The subgroup of a setting.

    The first word of its name decides that is a subgroup's name, or one of its keywords, or begins with one.

    Args:
        named: the subgroup that its declaration names; `-` for none.
    """
    if named != "-":
        return next(item for item in subgroups() if item.name == named)
    for word in setting.lower().split("."):
        for fits in (_has_name, _has_keyword, _begins_with_keyword):
            for item in subgroups():
                if fits(item, word):
                    return item
    return subgroups()[0]


def _has_name(item: Subgroup, word: str) -> bool:
    return item.name.lower() == word


def _has_keyword(item: Subgroup, word: str) -> bool:
    return word in item.keywords


def _begins_with_keyword(item: Subgroup, word: str) -> bool:
    return word.startswith(item.keywords) if item.keywords else False
