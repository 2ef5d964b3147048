"""Asynchronous jobs: accepted at once, done when their time has come and somebody looks.

There is no thread and no timer. A job's work runs when any call reaches the server after the job's due time, in the
order of due times, so that a simulated cloud with a stopped clock stands still.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from .errors import ApiError
from .identity import Owned, User
from .store import Entity, OnRemove, relation

if TYPE_CHECKING:
    from collections.abc import Callable

    from .store import Store

PENDING, SUCCEEDED, FAILED = 0, 1, 2
"""`jobstatus`."""

_KEPT = 5_000
"""Finished jobs beyond that many are forgotten, oldest first."""


@dataclass(eq=False, kw_only=True)
class Job(Owned):
    """One asynchronous call."""

    RESPONSE: ClassVar[str] = "AsyncJobResponse"
    LABEL: ClassVar[str] = "Job"

    user: User | None = relation(OnRemove.CLEAR, optional=True)
    cmd: str
    jobstatus: int = PENDING
    jobprocstatus: int = 0
    jobresultcode: int = 0
    jobresulttype: str | None = None
    jobresult: dict[str, Any] | None = field(default=None, repr=False)
    jobinstancetype: str | None = None
    jobinstanceid: str | None = None
    completed: float | None = None

    @property
    def jobid(self) -> str:
        """Its id, as job replies call it."""
        return self.id

    @property
    def accountid(self) -> str:
        """Its owner's id."""
        return self.owner.id


class JobQueue:
    """Jobs that wait for their time."""

    def __init__(self, store: Store, delay_s: float) -> None:
        self._store, self.delay_s = store, delay_s
        self._waiting: list[tuple[float, int, Job, Callable[[], dict[str, Any]]]] = []
        self._sequence = 0

    def submit(self, job: Job, work: Callable[[], dict[str, Any]], now: float, delay_s: float | None = None) -> Job:
        """Accept a job; `work` returns its result and is called once, `delay_s` later at the earliest."""
        self._store.add(job, now)
        self._store.trim(Job, _KEPT)
        self._sequence += 1
        due = now + (self.delay_s if delay_s is None else delay_s)
        heapq.heappush(self._waiting, (due, self._sequence, job, work))
        return job

    def advance(self, now: float) -> None:
        """Do the work of every job that is due."""
        while self._waiting and self._waiting[0][0] <= now:
            _, _, job, work = heapq.heappop(self._waiting)
            try:
                job.jobresult = work()
                job.jobstatus, job.jobresultcode, job.jobresulttype = SUCCEEDED, 0, "object"
            except ApiError as error:
                job.jobresult = error.body(unique=False)
                job.jobstatus, job.jobresultcode, job.jobresulttype = FAILED, int(error.code), "object"
            job.completed = now

    def pending(self, entity: Entity) -> Job | None:
        """The job that waits to work on an entity."""
        return next((job for _, _, job, _ in self._waiting if job.jobinstanceid == entity.id), None)
