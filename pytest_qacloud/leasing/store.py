"""Leases in an SQL database.

A ticket becomes the token of the lease it is granted, so an answer that got lost on its way can be asked for again.
The database keeps only its hash, which also names the lock file that shows the owner alive (`presence`).

Time. Every moment is read from the writer's clocks inside the transaction, twice: time of day, and seconds since boot.
A row of this host and boot is judged by the latter, so setting the clock neither ends nor prolongs a lease between
processes of one machine. Between hosts only the time of day can be compared, so their clocks must be kept in step
(NTP), and it is *not guaranteed* that

- a lease is safe when a host whose clock is ahead asks for the pool: it may be granted that much too early (a guard
  gives up a tenth of the TTL before its lease ends, which covers smaller differences);
- the lease of a dead owner ends in time when a clock was set back: it lives longer by that much;
- an owner that was revoked while it could not reach the database knows it once the pool is granted again, which is
  at most `REVOKE_GRACE_S` later.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from ..errors import LeaseLostError, TicketLostError
from ..model import Lease, Mark, WaitStatus
from . import queue
from .clock import SYSTEM_LEASE_CLOCK, LeaseClock, host_id
from .database import Database, default_url
from .presence import PresenceLocks
from .records import Ending, Now, history, holding_of, keep_in_history, lease_of, reason_of_loss, waiter_of
from .schema import LEASES, MARKS, POOLS, TICKETS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Row

    from ..model import Claim
    from .records import Ended

SILENT_S = 30.0
"""A waiter that has not asked for this long has lost its place."""

REVOKE_GRACE_S = 30.0
"""How long a revoked lease still blocks its pool at most, unless its owner answers before: three of its heartbeats."""

ENTROPY_BYTES = 32


@dataclass
class _Writing:
    """A transaction that changes something: its moment, and the lock files that go with it once it is committed."""

    connection: Connection
    now: Now
    over: list[str] = field(default_factory=list)


class SqlLeaseStore:
    """Leases in an SQLite file; fulfils `ports.LeaseStore`.

    Keep the store that took a lease for as long as the lease: it holds the lock that shows its owner alive, and when
    that goes the pool is free.

    Args:
        url: SQLAlchemy URL of an SQLite file; `None` takes the one in the user's state folder.
        clock: the clocks of this process.
        host: names this host in this boot (`clock.host_id`).

    Raises:
        ConfigError: any other URL. Every method raises LeaseError where the database cannot be used.
    """

    def __init__(
        self, url: str | None = None, *, clock: LeaseClock = SYSTEM_LEASE_CLOCK, host: str | None = None
    ) -> None:
        self._database = Database(default_url() if url is None else url)
        self._clock = clock
        self._host = host_id() if host is None else host
        self._presence = PresenceLocks(self._database.locks)
        self._swept = False

    def enqueue(self, claim: Claim) -> str:
        """Stand in line; returns the ticket, which is secret.

        Raises:
            ValueError: the claim names no pool, or its TTL is not positive.
        """
        if not claim.pools or claim.ttl_s <= 0:
            raise ValueError(f"a claim names at least one pool and has a positive TTL, not {claim}")
        ticket = secrets.token_urlsafe(ENTROPY_BYTES)
        name = _hash(ticket)
        try:
            with self._writing() as writing:
                # Taken before the row is there to be seen: a row without a held lock is a dead waiter's.
                self._presence.hold(name)
                self._sweep(writing.connection)
                values = asdict(claim) | {"pools": list(dict.fromkeys(claim.pools))}
                writing.connection.execute(insert(TICKETS).values(**values, token_hash=name, **_seen(writing.now)))
        except BaseException:
            self._presence.drop(name)
            raise
        return ticket

    def try_grant(self, ticket: str) -> Lease | WaitStatus:
        """The lease, if it is this ticket's turn; otherwise where it stands.

        Also shows that the waiter lives. A ticket that was granted before answers with its lease again.

        Raises:
            TicketLostError: it was silent for `SILENT_S`, or it was withdrawn.
        """
        name = _hash(ticket)
        with self._writing() as writing:
            connection, now = writing.connection, writing.now
            connection.execute(update(TICKETS).where(TICKETS.c.token_hash == name).values(_seen(now)))
            self._end_leases(writing)
            line, mine = self._line(writing, name)
            if mine is None:
                granted = connection.execute(select(LEASES).where(LEASES.c.token_hash == name)).first()
                if granted is not None:
                    return lease_of(granted, ticket)
            else:
                held = {row.pool: holding_of(row, now) for row in connection.execute(select(LEASES))}
                wanted = {pool for waiter in line for pool in waiter.pools}
                pool = queue.assign(line, wanted - held.keys()).get(mine.place)
                if pool is None:
                    return queue.standing(line, waiter_of(mine, now, ended=False), held)
                return self._grant(writing, mine, pool, ticket)
        raise TicketLostError("the place in line is lost: the waiter did not ask for its turn for too long")

    def withdraw(self, ticket: str) -> None:
        """Leave the line, and give back what the ticket was granted meanwhile; a ticket that is gone is no error."""
        name = _hash(ticket)
        try:
            with self._writing() as writing:
                writing.connection.execute(delete(TICKETS).where(TICKETS.c.token_hash == name))
                self._end_owned(writing, name)
        finally:
            self._presence.drop(name)

    def renew(self, lease: Lease) -> Lease:
        """Push `expires_at` to now + ttl; the lease's `ttl_s` and `detached` are taken over.

        Raises:
            LeaseLostError: it expired, was revoked, or a later epoch exists; with the reason.
        """
        name = _hash(lease.token)
        with self._writing() as writing:
            connection, now = writing.connection, writing.now
            row = connection.execute(
                select(LEASES).where(LEASES.c.token_hash == name, LEASES.c.epoch == lease.epoch)
            ).first()
            if row is not None and not row.revoked and now.left_s(row) > 0:
                times = _expiry(now, lease.ttl_s)
                changed = times | {"ttl_s": lease.ttl_s, "detached": lease.detached}
                connection.execute(update(LEASES).where(LEASES.c.pool == row.pool).values(changed))
                return replace(lease, expires_at=times["expires_at"])
            if row is not None:
                # This is the owner's answer that a revoked lease waits for: the pool is free from here on.
                self._end(writing, row, Ending.REVOKED if row.revoked else Ending.EXPIRED)
            reason = reason_of_loss(connection, lease)
        self._presence.drop(name)
        raise LeaseLostError(lease.pool, lease.epoch, reason)

    def verify(self, lease: Lease) -> None:
        """Look whether it is held, and change nothing.

        Raises:
            LeaseLostError: it expired, was revoked, or a later epoch exists; with the reason.
        """
        name = _hash(lease.token)
        with self._reading() as (connection, now):
            row = connection.execute(
                select(LEASES).where(LEASES.c.token_hash == name, LEASES.c.epoch == lease.epoch)
            ).first()
            if row is None:
                raise LeaseLostError(lease.pool, lease.epoch, reason_of_loss(connection, lease))
            if row.revoked:
                raise LeaseLostError(lease.pool, lease.epoch, "somebody released it by hand")
            if self._ending(row, now) is not None:
                raise LeaseLostError(lease.pool, lease.epoch, "it was not renewed in time, or its owner is gone")

    def release(self, lease: Lease) -> None:
        """Give it back; one that is gone is no error."""
        self.withdraw(lease.token)

    def revoke(self, pool: str) -> Lease | None:
        """Take a pool from whoever holds it; the lease taken, with an empty token.

        The pool is granted again once the owner has learnt of it (its next heartbeat), is known to be dead, or
        `REVOKE_GRACE_S` have passed, so that two owners do not act at once.
        """
        with self._writing() as writing:
            self._end_leases(writing)
            row = writing.connection.execute(select(LEASES).where(LEASES.c.pool == pool)).first()
            if row is None:
                return None
            cut_s = max(0.0, writing.now.left_s(row) - REVOKE_GRACE_S)
            writing.connection.execute(
                update(LEASES)
                .where(LEASES.c.pool == pool)
                .values(
                    revoked=True,
                    expires_at=LEASES.c.expires_at - cut_s,
                    expires_steady=LEASES.c.expires_steady - cut_s,
                )
            )
            return lease_of(row)

    def leases(self) -> list[Lease]:
        """All live leases by pool, with empty tokens; without revoked ones and those of owners known to be dead."""
        with self._reading() as (connection, now):
            rows = connection.execute(select(LEASES).order_by(LEASES.c.pool)).all()
            return [lease_of(row) for row in rows if not row.revoked and self._ending(row, now) is None]

    def waiting(self) -> list[queue.Waiter]:
        """All living waiters, in line."""
        with self._reading() as (connection, now):
            line = [self._waiter(row, now) for row in connection.execute(select(TICKETS).order_by(TICKETS.c.place))]
        dead = queue.dead(line, SILENT_S)
        return [waiter for waiter in line if waiter not in dead]

    def history(self, pool: str, limit: int = 20) -> list[Ended]:
        """The last ended leases of a pool, the latest first; at most `records.HISTORY_LENGTH` are kept."""
        with self._reading() as (connection, _):
            return history(connection, pool, limit)

    def marks(self, pool: str) -> list[Mark]:
        """The pool's marked machines, by name."""
        with self._reading() as (connection, _):
            rows = connection.execute(select(MARKS).where(MARKS.c.pool == pool).order_by(MARKS.c.machine))
            return [Mark(**row._mapping) for row in rows]

    def mark(self, mark: Mark) -> None:
        """Mark a machine; an earlier mark of it is replaced."""
        with self._writing() as writing:
            self._unmark(writing.connection, mark.pool, mark.machine)
            writing.connection.execute(insert(MARKS).values(**asdict(mark)))

    def unmark(self, pool: str, machine: str) -> None:
        """Wipe a mark; none there is no error."""
        with self._writing() as writing:
            self._unmark(writing.connection, pool, machine)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[_Writing]:
        with self._database.writing() as connection:
            writing = _Writing(connection, self._now())
            yield writing
        for name in writing.over:
            self._presence.tidy(name)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[tuple[Connection, Now]]:
        with self._database.reading() as connection:
            yield connection, self._now()

    def _now(self) -> Now:
        return Now(self._clock.wall(), self._clock.steady(), self._host)

    def _line(self, writing: _Writing, mine: str) -> tuple[list[queue.Waiter], Row[Any] | None]:
        """The living waiters and the ticket whose hash is `mine`; the dead are taken out."""
        rows = writing.connection.execute(select(TICKETS)).all()
        waiters = {row.token_hash: self._waiter(row, writing.now) for row in rows}
        names = {waiter.place: name for name, waiter in waiters.items()}
        for waiter in queue.dead(waiters.values(), SILENT_S):
            name = names[waiter.place]
            del waiters[name]
            writing.over.append(name)
            writing.connection.execute(delete(TICKETS).where(TICKETS.c.token_hash == name))
        return list(waiters.values()), next((row for row in rows if row.token_hash == mine), None)

    def _waiter(self, row: Row[Any], now: Now) -> queue.Waiter:
        return waiter_of(row, now, ended=now.same_boot(row) and self._presence.ended(row.token_hash))

    def _grant(self, writing: _Writing, ticket_row: Row[Any], pool: str, ticket: str) -> Lease:
        connection, now = writing.connection, writing.now
        epoch = connection.execute(select(POOLS.c.epoch).where(POOLS.c.name == pool)).scalar()
        if epoch is None:
            epoch = 0
            connection.execute(insert(POOLS).values(name=pool, epoch=0))
        connection.execute(update(POOLS).where(POOLS.c.name == pool).values(epoch=epoch + 1))
        connection.execute(delete(TICKETS).where(TICKETS.c.place == ticket_row.place))
        connection.execute(
            insert(LEASES).values(
                pool=pool,
                epoch=epoch + 1,
                token_hash=ticket_row.token_hash,
                owner=ticket_row.owner,
                purpose=ticket_row.purpose,
                ttl_s=ticket_row.ttl_s,
                detached=ticket_row.detached,
                revoked=False,
                acquired_at=now.wall,
                **_expiry(now, ticket_row.ttl_s),
            )
        )
        return lease_of(connection.execute(select(LEASES).where(LEASES.c.pool == pool)).one(), ticket)

    def _ending(self, row: Row[Any], now: Now) -> Ending | None:
        """How a lease has ended by now; `None` while it has not."""
        if now.left_s(row) <= 0:
            return Ending.REVOKED if row.revoked else Ending.EXPIRED
        if not row.detached and now.same_boot(row) and self._presence.ended(row.token_hash):
            return Ending.DIED
        return None

    def _end_leases(self, writing: _Writing) -> None:
        for row in writing.connection.execute(select(LEASES)).all():
            ending = self._ending(row, writing.now)
            if ending is not None:
                self._end(writing, row, ending)

    def _end_owned(self, writing: _Writing, name: str) -> None:
        row = writing.connection.execute(select(LEASES).where(LEASES.c.token_hash == name)).first()
        if row is not None:
            self._end(writing, row, Ending.REVOKED if row.revoked else Ending.RELEASED)

    @staticmethod
    def _end(writing: _Writing, row: Row[Any], ending: Ending) -> None:
        writing.connection.execute(delete(LEASES).where(LEASES.c.pool == row.pool))
        keep_in_history(writing.connection, row, writing.now, ending)
        writing.over.append(row.token_hash)

    def _sweep(self, connection: Connection) -> None:
        if not self._swept:
            self._swept = True
            rows = connection.execute(select(TICKETS.c.token_hash).union(select(LEASES.c.token_hash)))
            self._presence.sweep(set(rows.scalars()))

    @staticmethod
    def _unmark(connection: Connection, pool: str, machine: str) -> None:
        connection.execute(delete(MARKS).where(MARKS.c.pool == pool, MARKS.c.machine == machine))


def _hash(token: str) -> str:
    # The token is 32 random bytes, so nothing slower is needed.
    return hashlib.sha256(token.encode()).hexdigest()


def _seen(now: Now) -> dict[str, Any]:
    return {"seen_at": now.wall, "seen_steady": now.steady, "host": now.host}


def _expiry(now: Now, ttl_s: float) -> dict[str, Any]:
    return {"expires_at": now.wall + ttl_s, "expires_steady": now.steady + ttl_s, "host": now.host}
