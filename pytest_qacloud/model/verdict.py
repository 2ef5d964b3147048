"""What one test says about one build."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """Good, bad, or nothing said."""

    GOOD = "GOOD"
    BAD = "BAD"
    UNTESTABLE = "UNTESTABLE"

    @property
    def bisect_code(self) -> int:
        """The exit code that `git bisect run` takes for it."""
        return {"GOOD": 0, "BAD": 1, "UNTESTABLE": 125}[self.value]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One test on one build, with its evidence.

    Args:
        test: pytest's node id.
        build: the build's commit, or its name where no commit is known.
        evidence: why, in a line: the error's last line, or the infrastructure's fault.
        pool, epoch: where it was observed.
        not_simulated: commands that the simulated management server does not have: a run there again ends the same.
    """

    test: str
    build: str
    outcome: Outcome
    evidence: str
    pool: str
    epoch: int
    duration_s: float
    not_simulated: tuple[str, ...] = ()
