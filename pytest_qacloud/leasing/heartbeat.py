"""A held lease: a thread renews it, and every step asks it before it acts."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import LeaseError, LeaseLostError
from ..model import LeaseLoss
from .clock import SYSTEM_LEASE_CLOCK, LeaseClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from ..model import Lease
    from ..ports import LeaseStore

LOG = logging.getLogger(__name__)

RENEWALS_PER_TTL = 3
LONGEST_PAUSE_S = 10.0
"""Renewals come at least this often, whatever the TTL, so that a lease released by hand stops its run soon."""

SURE_SHARE = 0.9
"""The share of the TTL, counted from before the last renewal was asked for, in which the lease is surely held.

The rest is for an action that was checked at its very end to be over before somebody else may begin, and for clocks
that do not run equally fast."""


class Heartbeat:
    """A lease kept alive by a thread until it is closed, released or lost; fulfils `ports.LeaseGuard`.

    It is lost when the store says so, or when no renewal succeeded for `SURE_SHARE` of the TTL (store unreachable,
    process stopped, machine asleep). The latter is seen by `check` itself from `LeaseClock.steady`, not only by the
    thread, so a process that was stopped sees the loss before it acts. Loss is final.

    *Not guaranteed*: that a process which is stopped between `check` and the action it guards does not act late. What
    is written to machines therefore carries the lease's epoch.

    Args:
        store: where the lease lives; kept, as it may hold the lock that shows the owner alive.
        lease: with its token.
        release: whether `close` gives the lease back; `False` for one that somebody else took (`attach`).
    """

    def __init__(
        self, store: LeaseStore, lease: Lease, *, clock: LeaseClock = SYSTEM_LEASE_CLOCK, release: bool = True
    ) -> None:
        self._store = store
        self._lease = lease
        self._clock = clock
        self._release = release
        self._sure_until = float("-inf")
        self._loss: LeaseLoss | None = None
        self._trouble = ""
        self._callbacks: list[Callable[[LeaseLoss], None]] = []
        self._guard = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def lease(self) -> Lease:
        """The lease as last renewed."""
        return self._lease

    @property
    def loss(self) -> LeaseLoss | None:
        """Why it is lost; `None` while it is held, and after it was closed unlost."""
        return self._loss

    def start(self) -> Self:
        """Renew once, so that the time it is held is measured from here, then start the thread.

        Raises:
            LeaseLostError: the store does not know the lease, or no more.
            LeaseError: the store cannot be used.
        """
        self._renew()
        self._thread = threading.Thread(target=self._beat, name=f"qacloud-lease-{self._lease.pool}", daemon=True)
        self._thread.start()
        return self

    def check(self) -> None:
        """Called right before every action.

        Raises:
            LeaseLostError: the lease is lost, or was closed.
        """
        if self._loss is None and self._clock.steady() >= self._sure_until:
            self._lose(f"no renewal succeeded in time{self._trouble}")
        if self._loss is not None:
            raise LeaseLostError(self._loss.pool, self._loss.epoch, self._loss.reason)
        if self._stop.is_set():
            raise LeaseLostError(self._lease.pool, self._lease.epoch, "this run gave it back")

    def confirm(self) -> None:
        """As `check`, but asks the store now: what took the lease away since the last renewal is known then.

        Raises:
            LeaseLostError: the lease is lost, or was closed.
        """
        self.check()
        try:
            self._renew()
        except LeaseLostError as lost:
            self._lose(lost.reason)
            raise
        except LeaseError as error:  # `check` knows how long it is sure without the store
            self._trouble = f": {error}"

    def on_loss(self, callback: Callable[[LeaseLoss], None]) -> None:
        """Call `callback` once when the lease is lost, from the thread that notices; at once where it is already."""
        with self._guard:
            loss = self._loss
            if loss is None:
                self._callbacks.append(callback)
        if loss is not None:
            callback(loss)

    def close(self) -> None:
        """Stop the thread and give the lease back, unless `release=False`; a second call does nothing.

        A store that cannot be reached is logged, not raised: the lease then ends by itself.
        """
        if self._end_thread() and self._release:
            try:
                self._store.release(self._lease)
            except LeaseError as error:
                LOG.warning("the lease on %s could not be given back, it ends by itself: %s", self._lease.pool, error)

    def detach(self, ttl_s: float | None = None) -> Lease:
        """Stop the thread and leave the lease to whoever is given it (`attach`): it outlives this process.

        Args:
            ttl_s: seconds it lives from here on without a renewal; `None` leaves its TTL as it is.

        Returns:
            The lease, with its token.

        Raises:
            LeaseLostError: it is lost.
            LeaseError: the store cannot be used; the lease then ends with this process.
        """
        self.check()
        self._end_thread()
        ttl_s = self._lease.ttl_s if ttl_s is None else ttl_s
        self._lease = self._store.renew(replace(self._lease, ttl_s=ttl_s, detached=True))
        return self._lease

    def __enter__(self) -> Self:
        """Start, unless it was started."""
        return self if self._thread else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def _end_thread(self) -> bool:
        """Stop the thread; whether this call was the first."""
        with self._guard:
            first = not self._stop.is_set()
            self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        return first

    def _renew(self) -> None:
        asked = self._clock.steady()
        self._lease = self._store.renew(self._lease)
        self._sure_until = asked + self._lease.ttl_s * SURE_SHARE
        self._trouble = ""

    def _beat(self) -> None:
        reason = "its heartbeat ended by an error"
        try:
            while not self._stop.wait(self._pause_s()):
                # Asked first: after a long stop the store may not have noticed yet, and renew what `check` calls lost.
                self.check()
                try:
                    self._renew()
                except LeaseLostError:
                    raise
                except LeaseError as error:
                    self._trouble = f": {error}"
        except LeaseLostError as lost:
            reason = lost.reason
        finally:
            if not self._stop.is_set():
                self._lose(reason)

    def _pause_s(self) -> float:
        usual = min(self._lease.ttl_s / RENEWALS_PER_TTL, LONGEST_PAUSE_S)
        # After a failure more often; and when the time is nearly over, just to its end.
        pause = usual / RENEWALS_PER_TTL if self._trouble else usual
        return max(0.001, min(pause, self._sure_until - self._clock.steady()))

    def _lose(self, reason: str) -> None:
        with self._guard:
            if self._loss is not None:
                return
            self._loss = LeaseLoss(self._lease.pool, self._lease.epoch, reason)
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(self._loss)
