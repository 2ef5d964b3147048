"""Every error this package raises on purpose.

QacloudError
    ConfigError              a pool file, option or environment variable is wrong (exit code 4)
    LeaseError
        PoolBusyError        every pool asked for is held by somebody else (exit code 75)
        LeaseLostError       the lease ended under us: expired, revoked, or taken over (exit code 75)
        TicketLostError      a waiter did not show itself for too long and lost its place in line
    DriverError              a service or machine did not do what it was asked
        UnreachableError     no answer: worth a retry
        AccessDeniedError    it answered and refused our credentials or key: no retry helps
        ServiceFaultError    it answered with a fault of its own
            CloudApiError    CloudStack's error reply, with its codes
        HostKeyError         SSH: another host key than the one this run put there
    DeadlineError            something did not become true in time
    ProvisionError           a step failed for good: machine, step, observation, time, next action (exit code 75)
        BuildError           the commit's build command failed: neither a verdict on a test nor the machines' fault
    StoppedError             the run was told to stop, or going on makes no sense
    MarvinError              Marvin, or what stands for it, cannot be loaded or used

Only the standard library is imported here. Messages carry no secrets.
"""

from __future__ import annotations

EXIT_USAGE = 4
"""pytest's own code for a wrong command line; used for wrong pool files too."""

EXIT_NO_ZONE = 75
"""`EX_TEMPFAIL` of sysexits.h: the zone could not be had; nothing is said about the commit."""


class QacloudError(Exception):
    """Base of all errors raised on purpose."""

    exit_code = EXIT_NO_ZONE


class ConfigError(QacloudError):
    """A pool file, an option or an environment variable is wrong.

    Args:
        message: what is wrong and what to change, one paragraph.
        file: the file it stands in, as the user named it.
        line: 1-based line, where it is known.
        key: dotted path of the key, such as `machines[2].bmc.port`.
    """

    exit_code = EXIT_USAGE

    def __init__(
        self, message: str, *, file: str | None = None, line: int | None = None, key: str | None = None
    ) -> None:
        self.message, self.file, self.line, self.key = message, file, line, key
        place = "" if file is None else f"{file}:{line}: " if line else f"{file}: "
        super().__init__(f"{place}{key + ': ' if key else ''}{message}")


class LeaseError(QacloudError):
    """A lease could not be had or kept."""


class PoolBusyError(LeaseError):
    """Every pool asked for is held by somebody else, and waiting was not asked for or took too long."""


class LeaseLostError(LeaseError):
    """The lease ended under its owner; whatever it was doing must stop."""

    def __init__(self, pool: str, epoch: int, reason: str) -> None:
        self.pool, self.epoch, self.reason = pool, epoch, reason
        super().__init__(f"the lease on {pool} (epoch {epoch}) is lost: {reason}")


class TicketLostError(LeaseError):
    """The ticket is in line no more: its waiter was silent for too long, or withdrew. It may stand in line again."""


class DriverError(QacloudError):
    """A service or a machine did not do what it was asked.

    Args:
        service: what was talked to, such as `BMC 10.0.0.7:623` or `Cobbler http://…`.
        observed: what it did instead, in words for a person.
        action: what that person does next; empty where only the caller can say.
    """

    def __init__(self, service: str, observed: str, action: str = "") -> None:
        self.service, self.observed, self.action = service, observed, action
        super().__init__(f"{service}: {observed}" + (f" ({action})" if action else ""))


class UnreachableError(DriverError):
    """No answer, or a connection that broke: worth another try."""


class AccessDeniedError(DriverError):
    """The credentials or the key were refused: no retry helps."""


class ServiceFaultError(DriverError):
    """An answer came, and it was a fault of the service's own."""


class CloudApiError(ServiceFaultError):
    """CloudStack refused a command, or an asynchronous job of it failed.

    Args:
        command: the API command, such as `deployVirtualMachine`.
        errorcode: HTTP-like code (401, 431, 432, 530 …).
        errortext: CloudStack's own words.
        cserrorcode: its exception's number (9999 where it is unknown).
        job: id of the job that failed; empty where the command itself was refused.
    """

    def __init__(
        self, service: str, command: str, errorcode: int, errortext: str, cserrorcode: int = 9999, *, job: str = ""
    ) -> None:
        self.command, self.errorcode, self.errortext = command, errorcode, errortext
        self.cserrorcode, self.job = cserrorcode, job
        super().__init__(service, f"{command} failed with {errorcode}: {errortext}")


class HostKeyError(DriverError):
    """SSH: the host shows another key than the one this run put on it, so it is not the system expected."""


class DeadlineError(QacloudError):
    """Something did not become true in time.

    Args:
        what: what was waited for.
        elapsed_s: how long, seconds.
        last: the last observation, in words.
    """

    def __init__(self, what: str, elapsed_s: float, last: str = "") -> None:
        self.what, self.elapsed_s, self.last = what, elapsed_s, last
        super().__init__(f"{what}: not within {elapsed_s:.1f} s" + (f"; last seen: {last}" if last else ""))


class ProvisionError(QacloudError):
    """A step failed for good.

    Args:
        machine: its name, or the name of the pool for a step of the whole pool.
        step: the step's name, such as `ipmi`.
        observed: what was seen, in words.
        elapsed_s: seconds spent in the step.
        action: what a person does next.
        of_pool: whether `machine` is the pool's name.
    """

    def __init__(
        self, machine: str, step: str, observed: str, elapsed_s: float, action: str, *, of_pool: bool = False
    ) -> None:
        self.machine, self.step, self.observed = machine, step, observed
        self.elapsed_s, self.action, self.of_pool = elapsed_s, action, of_pool
        super().__init__(f"{machine}: step {step} failed after {elapsed_s:.1f} s: {observed}. {action}")


class BuildError(ProvisionError):
    """The build command of a commit ran to its end, and its end was a failure.

    It gives no verdict on any test. It is the commit's fault unless the same command fails on its parent too; a build
    that takes too long, or cannot be run at all, is a plain `ProvisionError`.
    """


class StoppedError(QacloudError):
    """The run was told to stop (a signal), or going on makes no sense since another part of it has failed."""


class MarvinError(QacloudError):
    """Marvin, or what stands for it, cannot be loaded or used as asked."""

    exit_code = EXIT_USAGE
