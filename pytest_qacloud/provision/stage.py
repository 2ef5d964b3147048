"""Runs steps: announced in the journal before they act, timed, retried where that can help, failures explained."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ..errors import (
    BuildError,
    DeadlineError,
    DriverError,
    LeaseLostError,
    ProvisionError,
    QacloudError,
    StoppedError,
    UnreachableError,
)

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
    "source": "Look at the git repository that the pool file names.",
    "start": "Look at the free space and the number of processes on this machine.",
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
            ExceptionGroup: of `ProvisionError`s, where the action raised a group.
            LeaseLostError: or whatever `check` raises.
        """
        self.check()
        started_s = self.clock.now()
        with self._lock:
            self.begun.append(Done(machine, step))
        self.journal.record(step, "begin", machine)
        try:
            value = self._retrying(step, machine, limit_s)(action)
        except BaseException as error:
            elapsed_s = self.clock.now() - started_s
            failure = self._explain(step, machine, error, elapsed_s, ADVICE.get(step, "").format(pool=self.pool))
            self._record_failure(step, machine, failure, elapsed_s)
            if failure is error:
                raise
            self.check()  # a lease that is lost explains more than the failure it led to
            raise failure from error
        elapsed_s = self.clock.now() - started_s
        with self._lock:
            self.times.append(StepTime(machine, step, elapsed_s))
        self.journal.record(step, "end", machine, elapsed_s=elapsed_s)
        return value

    def undo(self, done: Done, action: Callable[[], object], advice: str = NEXT_LEASE) -> ProvisionError | None:
        """Undo one step; a failure is recorded and returned, not raised, so that the other undoings go on.

        Args:
            advice: what a person does about a failure.

        Raises:
            LeaseLostError: or whatever `check` raises; nothing may be touched any more.
        """
        self.check()
        started_s = self.clock.now()
        name = f"undo {done.step}"
        self.journal.record(name, "begin", done.machine)
        try:
            self._retrying(name, done.machine, UNDO_LIMIT_S)(action)
        except BaseException as error:
            elapsed_s = self.clock.now() - started_s
            failure = self._explain(name, done.machine, error, elapsed_s, advice)
            self._record_failure(name, done.machine, failure, elapsed_s)
            if isinstance(failure, ProvisionError):
                return failure
            raise
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

        started_s = self.clock.now()

        def enough(state: RetryCallState) -> bool:
            next_s = self.clock.now() + state.upcoming_sleep - started_s
            return state.attempt_number >= TRIES or next_s > limit_s

        def tell(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            self.journal.record(step, "retry", machine, observed=_words(error))

        def pause(seconds: float) -> None:
            self.check()
            self.clock.sleep(seconds)
            self.check()

        return tenacity.Retrying(
            retry=tenacity.retry_if_exception(_may_pass),
            stop=enough,
            wait=tenacity.wait_random_exponential(multiplier=min(0.5, limit_s / 20), max=30),
            sleep=pause,
            before_sleep=tell,
            reraise=True,
        )

    def _explain(self, step: str, machine: str, error: BaseException, elapsed_s: float, advice: str) -> BaseException:
        """What a driver raised, as a failure of this step; anything else as it is."""
        if isinstance(error, ExceptionGroup):
            explained = [self._explain(step, machine, each, elapsed_s, advice) for each in error.exceptions]
            failures = [each for each in explained if isinstance(each, ProvisionError | ExceptionGroup)]
            return ExceptionGroup(error.message, failures) if len(failures) == len(explained) else error
        if isinstance(error, ProvisionError):  # it knows whose it is, and not how long the step has taken
            return type(error)(
                error.machine, step, error.observed, elapsed_s, error.action or advice, of_pool=error.of_pool
            )
        if isinstance(error, DriverError):
            observed = f"{error.service}: {error.observed}"
            advice = f"{error.action[:1].upper()}{error.action[1:]}." if error.action else advice
        elif isinstance(error, DeadlineError):
            observed = f"waited {error.elapsed_s:.1f} s for {error.what}" + (f"; {error.last}" if error.last else "")
        else:
            return error
        return ProvisionError(machine, step, observed, elapsed_s, advice, of_pool=machine == self.pool)

    def _record_failure(self, step: str, machine: str, failure: BaseException, elapsed_s: float) -> None:
        detail: dict[str, object] = {"observed": _words(failure)}
        if isinstance(failure, ProvisionError):
            detail["action"] = failure.action
        if isinstance(failure, BuildError):
            detail["build_failed"] = True  # tells the commit's fault from the machines' to those who read the journal
        if isinstance(failure, StoppedError | LeaseLostError | KeyboardInterrupt):
            detail["stopped"] = True
        self.journal.record(step, "fail", machine, elapsed_s=elapsed_s, **detail)


def _may_pass(error: BaseException) -> bool:
    """Whether another try may help: nobody answered."""
    if isinstance(error, ExceptionGroup):
        return all(_may_pass(each) for each in error.exceptions)
    return isinstance(error, UnreachableError)


def _words(error: BaseException | None) -> str:
    """An error in a line for the journal."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(_words(each) for each in error.exceptions)
    if isinstance(error, ProvisionError):
        return error.observed
    return str(error) if isinstance(error, QacloudError) else f"{type(error).__name__}: {error}"
