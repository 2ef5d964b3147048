"""From a claim to a held lease: stand in line, wait, hold."""

from __future__ import annotations

import contextlib
import getpass
import math
import os
import socket
from typing import TYPE_CHECKING

from ..deadline import SYSTEM_CLOCK, Clock, Deadline, Waiting, poll
from ..errors import DeadlineError, LeaseError, PoolBusyError, TicketLostError
from ..model import Lease
from .heartbeat import Heartbeat
from .wording import busy_text, waiting_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..model import Claim, WaitStatus
    from ..ports import LeaseStore


def default_owner(environment: Mapping[str, str] = os.environ) -> str:
    """`jenkins/<job>-<number>` in a Jenkins build, else `user@host:pid`."""
    job, number = environment.get("JOB_NAME"), environment.get("BUILD_NUMBER")
    if job and number:
        return f"jenkins/{job}-{number}"
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that has no name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}:{os.getpid()}"


def acquire(
    store: LeaseStore,
    claim: Claim,
    *,
    wait_s: float | None = 0.0,
    on_wait: Callable[[WaitStatus, float], None] = lambda _status, _waited_s: None,
    poll_s: float = 1.0,
    clock: Clock = SYSTEM_CLOCK,
    stop: Callable[[], None] = lambda: None,
) -> Heartbeat:
    """Get one of the claim's pools; its heartbeat has started.

    Args:
        wait_s: seconds to wait; 0 does not wait, `None` waits for ever. First come, first served.
        on_wait: told after each look where the claim stands and how many seconds it has waited.
        poll_s: seconds between looks; well below the time after which the store gives up a silent waiter.
        stop: called before each look; what it raises ends the waiting.

    Raises:
        PoolBusyError: none is free, or none was in time; names the holders and what to do.
        LeaseError: the store cannot be used.
    """
    deadline = Deadline(math.inf if wait_s is None else wait_s, clock)
    last: WaitStatus | None = None
    ticket = store.enqueue(claim)

    def look() -> Lease | Waiting:
        nonlocal last, ticket
        try:
            answer = store.try_grant(ticket)
        except TicketLostError:  # this process was stopped for long: to the end of the line
            ticket = store.enqueue(claim)
            answer = store.try_grant(ticket)
        if isinstance(answer, Lease):
            return answer
        last = answer
        if wait_s != 0:
            on_wait(answer, deadline.elapsed_s)
        return Waiting(waiting_text(answer))

    try:
        lease = poll(look, what="a free pool", deadline=deadline, interval_s=poll_s, check=stop)
        return Heartbeat(store, lease).start()
    except BaseException as error:
        # Whatever comes in the way, a signal included, must not leave a ticket or a lease that nobody knows of.
        with contextlib.suppress(LeaseError):
            store.withdraw(ticket)
        if isinstance(error, DeadlineError) and last is not None:
            raise PoolBusyError(busy_text(claim, last, store.leases(), error.elapsed_s)) from None
        raise


def attach(store: LeaseStore, lease: Lease) -> Heartbeat:
    """Keep alive a lease that another process took and left (`Heartbeat.detach`); closing does not give it back.

    Args:
        lease: with its token.

    Raises:
        LeaseLostError: it is held no more.
    """
    return Heartbeat(store, lease, release=False).start()
