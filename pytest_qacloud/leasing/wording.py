"""What people read about leases: progress lines and refusals."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from .queue import holder_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..model import Claim, Lease, WaitStatus

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400


def duration_text(seconds: float) -> str:
    """Two units at most: `42 s`, `12 min`, `2 h 10 min`, `3 d 4 h`."""
    whole = max(0, int(seconds))
    if whole < MINUTE_S:
        return f"{whole} s"
    if whole < HOUR_S:
        return f"{whole // MINUTE_S} min"
    if whole < DAY_S:
        return f"{whole // HOUR_S} h {whole % HOUR_S // MINUTE_S} min"
    return f"{whole // DAY_S} d {whole % DAY_S // HOUR_S} h"


def time_text(unix_s: float) -> str:
    """A UNIX time in the local zone."""
    return dt.datetime.fromtimestamp(unix_s).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def waiting_text(status: WaitStatus) -> str:
    """Such as `waiting for rack1: held by jenkins/bvt-812 for 2 h 10 min, 1 ahead`."""
    where = "free" if status.held_by is None else f"held by {status.held_by} for {duration_text(status.held_s)}"
    return f"waiting for {status.pool}: {where}, {f'{status.ahead} ahead' if status.ahead else 'next in line'}"


def busy_text(claim: Claim, status: WaitStatus, leases: Sequence[Lease], waited_s: float) -> str:
    """Why a claim was refused: each pool's holder, since when, until when, the line, and what to do.

    Args:
        leases: the live leases, as the store lists them.
    """
    by_pool = {lease.pool: lease for lease in leases}
    pools = "; ".join(_pool_text(pool, by_pool.get(pool)) for pool in claim.pools)
    line = f"{status.ahead} ahead in line" if status.ahead else "nobody ahead in line"
    waited = f" after waiting {duration_text(waited_s)}" if waited_s >= 1 else ""
    held = [pool for pool in claim.pools if pool in by_pool]
    release = f", or end a lease with `qacloud leases release {held[0]}`" if held else ""
    longer = " longer" if waited else ""
    return f"no pool is free{waited}: {pools}; {line}. Wait{longer} with --qacloud-wait{release}"


def several_busy_text(claim: Claim, count: int, leases: Sequence[Lease], waited_s: float) -> str:
    """Why a claim on several pools at once was refused, and what to do.

    Args:
        leases: the live leases, without those that the claim had and gave back.
    """
    by_pool = {lease.pool: lease for lease in leases}
    pools = "; ".join(_pool_text(pool, by_pool[pool]) if pool in by_pool else f"{pool} is free" for pool in claim.pools)
    waited = f" after waiting {duration_text(waited_s)}" if waited_s >= 1 else ""
    return (
        f"{count} pools are needed at once, and so many are not free{waited}: {pools}."
        f" Wait{' longer' if waited else ''} with --qacloud-wait, or ask for fewer workers with -n"
    )


def _pool_text(pool: str, lease: Lease | None) -> str:
    if lease is None:
        return f"{pool} is about to change hands"
    return (
        f"{pool} is held by {holder_text(lease.owner, lease.purpose)} since {time_text(lease.acquired_at)}, "
        f"until {time_text(lease.expires_at)} unless renewed"
    )
