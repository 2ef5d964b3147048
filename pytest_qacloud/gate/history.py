"""What earlier gates and the commits themselves say beforehand: candidates, suspicion, and how sure tests are."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from ..model import Outcome
from .question import UNKNOWN_RATE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from ..model import Unit
    from .decide import Rates, Weights
    from .question import Beta
    from .record import Record

MOST_SUSPECT = 4.0
"""What a unit weighs at most that changes just what a test is about; one that has nothing to do with it weighs 1."""

SHORTEST_WORD = 4
COMMON = frozenset({"test", "tests", "smoke", "component", "integration", "python", "java", "main", "cloud", "apache",
                    "cloudstack", "server", "error", "exception", "failed", "true", "false", "none", "with", "from",
                    "that", "this", "have", "been"})  # fmt: skip
"""Words that say nothing, since they are everywhere."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def candidates(
    units: Sequence[Unit], promoted: Collection[str], rejected: Mapping[str, str]
) -> tuple[tuple[Unit, ...], tuple[tuple[str, str], ...]]:
    """The units that may be promoted, and the commits of the others with the reason.

    Args:
        units: between stable and staging, oldest first.
        promoted: patch ids that stable has already.
        rejected: patch ids of culprits named before, to where they were named.
    """
    kept, skipped = [], []
    for unit in units:
        if not unit.patch_id:
            skipped.append((unit.commit, "it changes nothing"))
        elif unit.patch_id in promoted:
            skipped.append((unit.commit, "stable has it already"))
        elif unit.patch_id in rejected:
            skipped.append((unit.commit, f"named a culprit {rejected[unit.patch_id]} and not changed since"))
        else:
            kept.append(unit)
    return tuple(kept), tuple(skipped)


def rejected(records: Iterable[Record]) -> dict[str, str]:
    """Patch ids of the culprits that earlier gates named, to the name of the gate."""
    found = {}
    for record in records:
        patches = {unit.commit: unit.patch_id for unit in record.opened.units}
        for named in record.named:
            if len(named.commits) == 1:  # one of several may be innocent
                found[patches[named.commits[0]]] = f"at gate {record.opened.gate}"
    return found


def suspicion(units: Sequence[Unit], told: Mapping[str, str]) -> Weights:
    """How suspect a unit is of having broken a test: by the words that its paths and subject share with the failure.

    Args:
        told: per test, what its failure said.
    """
    words = {unit.commit: _words(f"{unit.subject} {' '.join(unit.paths)}") for unit in units}

    def weights(test: str, commits: tuple[str, ...]) -> tuple[float, ...]:
        about = _words(f"{test} {told.get(test, '')}")
        shared = [len(words.get(commit, frozenset()) & about) for commit in commits]
        return tuple(min(1.0 + number, MOST_SUSPECT) for number in shared)

    return weights


def _words(text: str) -> frozenset[str]:
    """Its words in lower case, parts of joined ones apart (`stopVirtualMachine`, `vm_life_cycle`)."""
    found = {word.lower() for word in _WORD.findall(text)}
    return frozenset(word for word in found if len(word) >= SHORTEST_WORD) - COMMON


def rates(records: Iterable[Record]) -> Rates:
    """How often each test failed on what turned out good, and passed on what turned out bad for it."""
    good: dict[str, Counter[Outcome]] = {}
    bad: dict[str, Counter[Outcome]] = {}
    for record in records:
        _count(record, good, bad)

    def of(test: str) -> tuple[Beta, Beta]:
        fine, broken = good.get(test, Counter()), bad.get(test, Counter())
        return (
            UNKNOWN_RATE.after(fine[Outcome.BAD], fine[Outcome.GOOD]),
            UNKNOWN_RATE.after(broken[Outcome.GOOD], broken[Outcome.BAD]),
        )

    return of


def _count(record: Record, good: dict[str, Counter[Outcome]], bad: dict[str, Counter[Outcome]]) -> None:
    """Take in one gate that is over: its promoted commits were good, and a culprit was bad for its tests."""
    if record.closed is None:
        return
    promoted = set(record.candidate) if record.closed.result == "promoted" else None
    for run in record.runs.values():
        if run.ended is None:
            continue
        inside = set(run.started.commits)
        for test, outcome in run.ended.outcomes.items():
            if outcome is Outcome.UNTESTABLE:
                continue
            if any(test in named.tests and inside.issuperset(named.commits) for named in record.named):
                bad.setdefault(test, Counter())[outcome] += 1
            elif promoted is not None and inside <= promoted:
                good.setdefault(test, Counter())[outcome] += 1
