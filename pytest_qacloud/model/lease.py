"""An expiring claim on a whole pool."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Claim:
    """What somebody asks for.

    Args:
        pools: names of pools, any one of which will do, in order of preference.
        owner: who asks, such as `jenkins@build7:4711`.
        purpose: what for, such as `bvt-812`.
        ttl_s: seconds the lease lives without a renewal.
        detached: the lease outlives the process that takes it (`qacloud zone up`), so a dead owner does not free it.
    """

    pools: tuple[str, ...]
    owner: str
    purpose: str
    ttl_s: float
    detached: bool = False


@dataclass(frozen=True, slots=True)
class Lease:
    """A granted claim.

    Args:
        pool: the pool's name.
        token: random, secret; proves ownership to the store.
        epoch: number of this lease among all leases of this pool; it only grows.
        acquired_at: UNIX time, seconds.
        expires_at: UNIX time, seconds, unless renewed.
    """

    pool: str
    token: str = field(repr=False)
    owner: str
    purpose: str
    epoch: int
    acquired_at: float
    expires_at: float
    ttl_s: float
    detached: bool = False


@dataclass(frozen=True, slots=True)
class LeaseLoss:
    """Why a lease is no longer ours."""

    pool: str
    epoch: int
    reason: str

    def __str__(self) -> str:
        """A sentence for a report."""
        return f"the lease on {self.pool} is lost: {self.reason}"


@dataclass(frozen=True, slots=True)
class WaitStatus:
    """Where a waiting claim stands.

    Args:
        pool: the pool looked at.
        held_by: owner/purpose of the lease in the way; `None` where only the queue is.
        held_s: seconds it has been held.
        ahead: claims before ours.
    """

    pool: str
    held_by: str | None
    held_s: float
    ahead: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A machine that failed a step: the next plan prefers others, and a success wipes the mark."""

    pool: str
    machine: str
    step: str
    reason: str
    epoch: int
    at: float
    """UNIX time, seconds."""
