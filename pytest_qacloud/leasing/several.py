"""Several pools at once, for one run: all of them or none."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from ..deadline import SYSTEM_CLOCK, Clock, Deadline
from ..errors import PoolBusyError
from ..fanout import for_each, raise_all
from .acquire import acquire
from .wording import several_busy_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..model import Claim, WaitStatus
    from ..ports import LeaseStore
    from .heartbeat import Heartbeat

TURN = "several pools at once"
"""What a run that waits for several pools leases first, as if it were a pool; no pool's name has spaces in it."""


def acquire_several(
    store: LeaseStore,
    claim: Claim,
    count: int,
    *,
    wait_s: float | None = 0.0,
    on_wait: Callable[[WaitStatus, float], None] = lambda _status, _waited_s: None,
    poll_s: float = 1.0,
    clock: Clock = SYSTEM_CLOCK,
    stop: Callable[[], None] = lambda: None,
) -> list[Heartbeat]:
    """Get so many of the claim's pools; their heartbeats have started.

    Two runs never wait for each other's pools: whoever would hold one and wait for the next needs the turn (`TURN`)
    first, and only one has it; runs that want one pool hold none while they wait. A run that does not wait holds
    nothing back, so it needs no turn. The turn, and every pool's line, is first come, first served, so nobody is passed
    by for ever as long as runs end.

    *Not guaranteed*: that pools are used well meanwhile. Those that are had first stand idle until the last is had, and
    others who want several wait for the turn even where their pools are free. Two runs that ask in the same moment
    without waiting may both be refused. Nor is anything guaranteed for a process that takes one lease after the other
    by itself.

    Args:
        count: how many of `claim.pools`.
        wait_s, on_wait, poll_s, stop: as for `acquire`; `on_wait` and `stop` are called from several threads.

    Raises:
        PoolBusyError: not all are free, or were in time; none is kept then.
        LeaseError: the store cannot be used.
    """
    deadline = Deadline(float("inf") if wait_s is None else wait_s, clock)

    def get(wanted: Claim, check: Callable[[], None]) -> Heartbeat:
        left_s = None if wait_s is None else deadline.left_s
        return acquire(store, wanted, wait_s=left_s, on_wait=on_wait, poll_s=poll_s, clock=clock, stop=check)

    with ExitStack() as mine, ExitStack() as turn:
        check = stop
        if count > 1 and wait_s != 0:
            held = turn.enter_context(get(replace(claim, pools=(TURN,)), stop))
            check = _both(stop, held.check)
        # Kept on the way, as an interrupt loses what the threads return.
        outcomes = for_each(range(count), lambda _: mine.enter_context(get(claim, check)))
        busy = [outcome for outcome in outcomes if isinstance(outcome.error, PoolBusyError)]
        if busy and count > 1:
            mine.close()
            raise PoolBusyError(several_busy_text(claim, count, store.leases(), deadline.elapsed_s))
        found = raise_all(outcomes, f"{count} pools could not be leased")
        mine.pop_all()
    return found


def _both(first: Callable[[], None], second: Callable[[], None]) -> Callable[[], None]:
    def check() -> None:
        first()
        second()

    return check
