"""What the gate takes from a git repository, and asks of it: values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unit:
    """One first-parent commit between stable and staging; a merge is one unit with all that it brings.

    Args:
        commit: full id.
        patch_id: what `git patch-id --stable` makes of its change against its first parent; empty for an empty change.
        author: name and address.
        at: author's date, UNIX seconds.
        paths: files that it changes.
        merge: it has several parents.
    """

    commit: str
    patch_id: str
    author: str
    at: float
    subject: str
    paths: tuple[str, ...] = ()
    merge: bool = False


@dataclass(frozen=True, slots=True)
class Composed:
    """Units put onto a base.

    Args:
        commit: with them on top; the same units on the same base give the same commit, in any process.
        tree: its tree's id, which verdicts are bound to.
    """

    commit: str
    tree: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """A unit that does not apply without those that are missing.

    Args:
        commit: the unit's.
        paths: where it does not apply.
    """

    commit: str
    paths: tuple[str, ...]
