"""Runs steps: announced in the journal before they act, timed, retried where that can help, failures explained."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ..errors import DeadlineError, DriverError, ProvisionError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenacity import RetryCallState

    from ..deadline import Clock
    from ..journal import Journal

T = TypeVar("T")

ADVICE = {
    "preflight": "Check the machine's BMC and the pool's services: qacloud pools check {pool}.",
    "storage": "Look at the NFS server's exports and its free space.",
    "cobbler": "Look at Cobbler's log on the appliance: /var/log/cobbler/cobbler.log.",
    "puppet": "Look at the Puppet CA on the appliance: puppetserver ca list --all.",
    "ipmi": "Look at the machine's BMC, and at the machine itself.",
    "installed": "Look at the machine's console while it installs, and at its autoinstall in Cobbler.",
    "converge": "Read the agent's output in the run's log.",
    "management": "Look at /var/log/cloudstack/management/management-server.log on the machine.",
    "zone": "Look at the management server's log, and at the pool file's network and storage.",
    "healthy": "Look at the management server's log; the zone was deployed and did not come up.",
}

NEXT_LEASE = "Nothing needs to be done: the next lease of the pool powers off and re-images whatever is there."

UNDO_LIMIT_S = 30.0
"""Seconds after which no further try of an undo begins: the next lease does not need it."""

TRIES = 5
"""At most, for steps whose failure may pass by itself."""


class StepTime(NamedTuple):
    """How long one step of one machine (or of the pool) took, seconds."""

    machine: str
    step: str
    elapsed_s: float


class Done(NamedTuple):
    """A step that has begun on a machine, and so may need its undo."""

    machine: str
    step: str


@dataclass
class Stage:
    """Where steps run.

    Args:
        pool: the pool's name, the machine of steps that are the pool's.
        check: raises when the run must stop.
    """

    pool: str
    journal: Journal
    check: Callable[[], None]
    clock: Clock

    def __post_init__(self) -> None:
        """Nothing has begun."""
        self._lock = threading.Lock()
        self.begun: list[Done] = []
        self.times: list[StepTime] = []

    def run(self, step: str, machine: str, action: Callable[[], T], *, limit_s: float) -> T:
        """Run one step of one machine.

        An `UnreachableError` is tried again, with growing pauses, while the limit lasts; other failures are final.

        Args:
            machine: its name; the pool's for a step of the pool.
            limit_s: no new try begins later than this many seconds after the first.

        Raises:
            ProvisionError: the step failed.
            LeaseLostError: or whatever `check` raises.
        """
        self.check()
        started_s = self.clock.now()
        with self._lock:
            self.begun.append(Done(machine, step))
        self.journal.record(step, "begin", machine)
        try:
            value = self._retrying(step, machine, limit_s)(action)
        except (DriverError, DeadlineError, ProvisionError) as error:
            self.check()
            failure = self._explain(step, machine, error, self.clock.now() - started_s)
            self.journal.record(
                step, "fail", machine, elapsed_s=failure.elapsed_s, observed=failure.observed, action=failure.action
            )
            raise failure from error
        except BaseException as error:
            elapsed_s = self.clock.now() - started_s
            self.journal.record(step, "fail", machine, elapsed_s=elapsed_s, observed=f"{type(error).__name__}: {error}")
            raise
        elapsed_s = self.clock.now() - started_s
        with self._lock:
            self.times.append(StepTime(machine, step, elapsed_s))
        self.journal.record(step, "end", machine, elapsed_s=elapsed_s)
        return value

    def undo(self, done: Done, action: Callable[[], object]) -> ProvisionError | None:
        """Undo one step; a failure is recorded and returned, not raised, so that the other undoings go on.

        Raises:
            LeaseLostError: or whatever `check` raises; nothing may be touched any more.
        """
        self.check()
        started_s = self.clock.now()
        name = f"undo {done.step}"
        self.journal.record(name, "begin", done.machine)
        try:
            self._retrying(name, done.machine, UNDO_LIMIT_S)(action)
        except (DriverError, DeadlineError) as error:
            failure = self._explain(done.step, done.machine, error, self.clock.now() - started_s, undo=True)
            self.journal.record(
                name,
                "fail",
                done.machine,
                elapsed_s=failure.elapsed_s,
                observed=failure.observed,
                action=failure.action,
            )
            return failure
        self.journal.record(name, "end", done.machine, elapsed_s=self.clock.now() - started_s)
        return None

    def forget(self, machine: str) -> list[Done]:
        """Take a machine's begun steps out of the list; they are the caller's to undo."""
        with self._lock:
            taken = [done for done in self.begun if done.machine == machine]
            self.begun = [done for done in self.begun if done.machine != machine]
        return taken

    def _retrying(self, step: str, machine: str, limit_s: float) -> Callable[[Callable[[], T]], T]:
        import tenacity

        def tell(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            self.journal.record(step, "retry", machine, observed=str(error))
            self.check()

        return tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(UnreachableError),
            stop=tenacity.stop_after_attempt(TRIES) | tenacity.stop_after_delay(limit_s),
            wait=tenacity.wait_random_exponential(multiplier=min(0.5, limit_s / 20), max=30),
            sleep=self.clock.sleep,
            before_sleep=tell,
            reraise=True,
        )

    def _explain(
        self,
        step: str,
        machine: str,
        error: DriverError | DeadlineError | ProvisionError,
        elapsed_s: float,
        *,
        undo: bool = False,
    ) -> ProvisionError:
        advice = NEXT_LEASE if undo else ADVICE.get(step, "").format(pool=self.pool)
        step = f"undo {step}" if undo else step
        if isinstance(error, ProvisionError):  # of one machine, found in a step of the whole pool
            return ProvisionError(error.machine, step, error.observed, elapsed_s, error.action)
        if isinstance(error, DriverError):
            action = f"{error.action[:1].upper()}{error.action[1:]}." if error.action else advice
            return ProvisionError(machine, step, f"{error.service}: {error.observed}", elapsed_s, action)
        observed = f"{error.what} not there within {error.elapsed_s:.1f} s"
        return ProvisionError(machine, step, f"{observed}; {error.last}" if error.last else observed, elapsed_s, advice)
