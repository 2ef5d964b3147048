"""Pools leased for runs: where their leases are kept, what is claimed, and what is said while they wait."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .leasing import Heartbeat
    from .model import Pool, ProcessPool, WaitStatus
    from .ports import LeaseStore
    from .progress import View
    from .settings import Settings


@dataclass(frozen=True, slots=True)
class Loan:
    """A pool that is held.

    Args:
        waited_s: how long it took to get it, seconds.
    """

    pool: Pool | ProcessPool
    store: LeaseStore
    held: Heartbeat
    waited_s: float


def borrow(
    settings: Settings,
    pools: Sequence[Pool | ProcessPool],
    count: int,
    say: Callable[[WaitStatus, float], None],
    stop: Callable[[], None],
) -> list[Loan]:
    """Lease so many of these pools, all or none.

    Args:
        say: told where we stand in line, perhaps from several threads.
        stop: called before each look; what it raises ends the waiting.

    Raises:
        ConfigError: the pools keep their leases in different places.
        PoolBusyError: they could not be had.
    """
    from .leasing import acquire_several, default_owner
    from .model import Claim

    if len({pool.lease.store for pool in pools}) > 1:
        raise ConfigError("the pools named keep their leases in different places; name pools that share [lease] store")
    store = lease_store(pools[0])
    claim = Claim(
        pools=tuple(pool.name for pool in pools),
        owner=settings["owner"] or default_owner(),
        purpose=settings["purpose"],
        ttl_s=min(pool.lease.ttl_s for pool in pools),
    )
    began_s = time.monotonic()
    leased = acquire_several(store, claim, count, wait_s=settings.wait_s(), on_wait=say, stop=stop)
    waited_s = time.monotonic() - began_s
    by_name = {pool.name: pool for pool in pools}
    return [Loan(by_name[held.lease.pool], store, held, waited_s) for held in leased]


def lease_store(pool: Pool | ProcessPool) -> LeaseStore:
    """Where a pool's leases are kept."""
    from .leasing import SqlLeaseStore, default_url

    return SqlLeaseStore(pool.lease.store or default_url())


class Line:
    """Says where we stand in line: when that changes, and else as often as the view wants to hear it."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._lock = threading.Lock()
        self._said: dict[tuple[str, int], tuple[str | None, float]] = {}

    def __call__(self, status: WaitStatus, waited_s: float) -> None:
        """Take a look's result; `waited_s` is how long we have stood in line."""
        from .leasing import waiting_text

        place = (status.pool, status.ahead)
        with self._lock:
            held_by, next_s = self._said.get(place, ("", 0.0))
            if held_by != status.held_by or waited_s >= next_s:
                self._said[place] = (status.held_by, waited_s + self._view.repeat_s)
                self._view.say(waiting_text(status))
