"""Rows of the lease database as values: what a row says at a given moment."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import delete, insert, select

from ..model import Lease
from .queue import Holding, Waiter, holder_text
from .schema import HISTORY

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

HISTORY_LENGTH = 200
"""Ended leases kept for each pool."""


class Ending(StrEnum):
    """How a lease ended."""

    RELEASED = "released"
    EXPIRED = "expired"
    REVOKED = "revoked"
    DIED = "died"


class Ended(NamedTuple):
    """One line of a pool's history; times are UNIX time, seconds."""

    pool: str
    epoch: int
    owner: str
    purpose: str
    acquired_at: float
    ended_at: float
    ending: Ending


class Now(NamedTuple):
    """The moment of a transaction, as its writer's clocks show it.

    Args:
        wall: UNIX time, seconds.
        steady: seconds since the boot that `host` names.
        host: see `clock.host_id`; empty compares with no row.
    """

    wall: float
    steady: float
    host: str

    def same_boot(self, row: Row[Any]) -> bool:
        """Whether the row was written by this host in this boot."""
        return bool(self.host) and row.host == self.host

    def left_s(self, lease: Row[Any]) -> float:
        """Seconds until a lease runs out; not positive once it has."""
        left: float = lease.expires_steady - self.steady if self.same_boot(lease) else lease.expires_at - self.wall
        return left

    def silent_s(self, ticket: Row[Any]) -> float:
        """Seconds since a waiter showed itself."""
        silent: float = self.steady - ticket.seen_steady if self.same_boot(ticket) else self.wall - ticket.seen_at
        return silent


def waiter_of(row: Row[Any], now: Now, *, ended: bool) -> Waiter:
    """A ticket, as the policy sees it."""
    return Waiter(row.place, tuple(row.pools), row.owner, row.purpose, now.silent_s(row), ended)


def holding_of(row: Row[Any], now: Now) -> Holding:
    """A lease, as the policy sees it."""
    return Holding(holder_text(row.owner, row.purpose), max(0.0, now.wall - row.acquired_at))


def lease_of(row: Row[Any], token: str = "") -> Lease:
    """A lease, as its owner sees it; without its token, as everybody else does."""
    return Lease(
        pool=row.pool,
        token=token,
        owner=row.owner,
        purpose=row.purpose,
        epoch=row.epoch,
        acquired_at=row.acquired_at,
        expires_at=row.expires_at,
        ttl_s=row.ttl_s,
        detached=row.detached,
    )


def keep_in_history(connection: Connection, row: Row[Any], now: Now, ending: Ending) -> None:
    """Write down how a lease ended; the pool's oldest line goes when there are too many."""
    connection.execute(
        insert(HISTORY).values(
            pool=row.pool,
            epoch=row.epoch,
            owner=row.owner,
            purpose=row.purpose,
            acquired_at=row.acquired_at,
            ended_at=now.wall,
            ending=str(ending),
        )
    )
    newest = select(HISTORY.c.id).where(HISTORY.c.pool == row.pool).order_by(HISTORY.c.id.desc()).limit(HISTORY_LENGTH)
    connection.execute(delete(HISTORY).where(HISTORY.c.pool == row.pool, HISTORY.c.id.not_in(newest)))


def history(connection: Connection, pool: str, limit: int) -> list[Ended]:
    """The last ended leases of a pool, the latest first."""
    rows = connection.execute(
        select(*(HISTORY.c[name] for name in Ended._fields))
        .where(HISTORY.c.pool == pool)
        .order_by(HISTORY.c.id.desc())
        .limit(limit)
    )
    return [Ended(*row)._replace(ending=Ending(row.ending)) for row in rows]


def reason_of_loss(connection: Connection, lease: Lease) -> str:
    """Why a lease that has no row any more is lost, in words."""
    ended = connection.execute(
        select(HISTORY.c.ending, HISTORY.c.ended_at).where(HISTORY.c.pool == lease.pool, HISTORY.c.epoch == lease.epoch)
    ).first()
    if ended is None:
        return "the store knows nothing of it"
    at = dt.datetime.fromtimestamp(ended.ended_at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return {
        Ending.RELEASED: f"it was given back at {at}",
        Ending.EXPIRED: f"it was not renewed in time and ended at {at}",
        Ending.REVOKED: f"somebody released it by hand at {at}",
        Ending.DIED: f"at {at} the process that took it was no longer there",
    }[Ending(ended.ending)]
