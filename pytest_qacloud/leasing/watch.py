"""A lease that another process holds and renews, as seen by one that works under it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import LeaseError, LeaseLostError
from ..model import LeaseLoss
from .clock import SYSTEM_LEASE_CLOCK, LeaseClock
from .heartbeat import SURE_SHARE

if TYPE_CHECKING:
    from ..model import Lease
    from ..ports import LeaseStore


class Watch:
    """Looks whether a lease is still held, and never touches it; fulfils `ports.LeaseGuard`.

    A second heartbeat would not do: it would keep the lease alive when its owner hangs, and answer for the owner, who
    does not know it yet, when the lease is taken away. Each question reads the store. It is also lost when the store
    could not be read for `SURE_SHARE` of the TTL. Loss is final.
    """

    def __init__(self, store: LeaseStore, lease: Lease, *, clock: LeaseClock = SYSTEM_LEASE_CLOCK) -> None:
        self._store = store
        self._lease = lease
        self._clock = clock
        self._seen_s = clock.steady()
        self._loss: LeaseLoss | None = None

    @property
    def lease(self) -> Lease:
        """The lease as it was handed over."""
        return self._lease

    @property
    def loss(self) -> LeaseLoss | None:
        """Why it is lost; `None` while it is held."""
        if self._loss is None:
            asked_s = self._clock.steady()
            try:
                self._store.verify(self._lease)
                self._seen_s = asked_s
            except LeaseLostError as lost:
                self._loss = LeaseLoss(lost.pool, lost.epoch, lost.reason)
            except LeaseError as error:
                if asked_s - self._seen_s >= self._lease.ttl_s * SURE_SHARE:
                    self._loss = LeaseLoss(self._lease.pool, self._lease.epoch, f"it could not be seen: {error}")
        return self._loss

    def check(self) -> None:
        """Called right before every action.

        Raises:
            LeaseLostError: the lease is lost.
        """
        loss = self.loss
        if loss is not None:
            raise LeaseLostError(loss.pool, loss.epoch, loss.reason)
