"""Who gets which pool: values in, values out.

The line is one, in order of arrival, whatever pools its claims name. A claim may name several pools and gets one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..model import WaitStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Waiter:
    """A claim in line.

    Args:
        place: order of arrival; unique, and it only grows.
        pools: any one of which will do, in order of preference.
        silent_s: seconds since it last showed itself.
        ended: its process is known to be gone.
    """

    place: int
    pools: tuple[str, ...]
    owner: str
    purpose: str
    silent_s: float = 0.0
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Holding:
    """A pool that is not free: by whom (`holder_text`), and for how many seconds."""

    held_by: str
    held_s: float


def holder_text(owner: str, purpose: str) -> str:
    """`owner/purpose`; the owner alone where no purpose was given."""
    return f"{owner}/{purpose}" if purpose else owner


def dead(line: Iterable[Waiter], silent_s: float) -> list[Waiter]:
    """Those that will not come for their turn: their process ended, or they were silent for `silent_s` or more."""
    return [waiter for waiter in line if waiter.ended or waiter.silent_s >= silent_s]


def assign(line: Iterable[Waiter], free: Collection[str]) -> dict[int, str]:
    """Place in line → pool, for each waiter whose turn it is now.

    A waiter gets the first free pool of its list, unless another one for it lets somebody behind it have a pool too:
    as many as possible are served, but never at the cost of somebody further ahead. So no waiter is given a pool that
    one ahead of it wants while that one gets none. These are augmenting paths taken in order of arrival (H. W. Kuhn,
    "The Hungarian method", 1955; what is served first stays served, as transversals form a matroid: J. Edmonds,
    D. R. Fulkerson, 1965).
    """
    taken: dict[str, Waiter] = {}

    def give(waiter: Waiter, tried: set[str]) -> bool:
        wanted = [pool for pool in waiter.pools if pool in free and pool not in tried]
        for pool in wanted:
            if pool not in taken:
                taken[pool] = waiter
                return True
        for pool in wanted:
            if pool in tried:
                continue
            tried.add(pool)
            if give(taken[pool], tried):
                taken[pool] = waiter
                return True
        return False

    for waiter in sorted(line, key=lambda waiter: waiter.place):
        give(waiter, set())
    return {waiter.place: pool for pool, waiter in taken.items()}


def ahead(line: Iterable[Waiter], place: int, pool: str) -> int:
    """How many that want `pool` came before `place`."""
    return sum(waiter.place < place and pool in waiter.pools for waiter in line)


def standing(line: Sequence[Waiter], waiter: Waiter, held: Mapping[str, Holding]) -> WaitStatus:
    """Where a waiter stands: at the pool of its list with the shortest line, the earlier in the list of equal ones."""
    pool = min(waiter.pools, key=lambda name: ahead(line, waiter.place, name))
    holding = held.get(pool)
    return WaitStatus(
        pool=pool,
        held_by=holding.held_by if holding else None,
        held_s=holding.held_s if holding else 0.0,
        ahead=ahead(line, waiter.place, pool),
    )
