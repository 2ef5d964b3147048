"""Asks every service and machine of a pool whether a run could use it, and changes nothing."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from .errors import AccessDeniedError, ConfigError, DriverError, HostKeyError, QacloudError, UnreachableError
from .fanout import for_each, raise_all
from .model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .model import Machine, Pool, ProcessPool, SecretRef
    from .ports import Services, Shell
    from .ports_process import ProcessServices

GIB = 1024**3
SHELL_LIMIT_S = 20.0


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one question brought.

    Args:
        subject: the machine or service asked.
        check: what was asked of it, such as `bmc` or `profile debian12-kvm`.
        observed: what it said, or what it did instead.
        action: what a person does next; empty where `ok`.
        elapsed_s: seconds until the answer.
    """

    subject: str
    check: str
    ok: bool
    observed: str
    action: str = ""
    elapsed_s: float = 0.0


class Probe(NamedTuple):
    """One question.

    Args:
        key: the key of the pool file that names what is asked.
        ask: returns the answer in words; raises where it is not the one wanted.
    """

    subject: str
    check: str
    key: str
    ask: Callable[[], str]


def check_pool(
    pool: Pool, services: Services, *, on_result: Callable[[CheckResult], None] = lambda _: None
) -> list[CheckResult]:
    """Ask all of them, side by side.

    Args:
        on_result: told of each answer when it comes, from another thread.

    Returns:
        The answers: machines first, in the file's order. A service that cannot be reached is asked nothing further.
    """

    def run(chain: list[Probe]) -> list[CheckResult]:
        results = []
        for probe in chain:
            result, further = _answer(probe, pool)
            on_result(result)
            results.append(result)
            if not further:
                break
        return results

    answered = raise_all(for_each(list(_chains(pool, services)), run), f"checking {pool.name}")
    return [result for results in answered for result in results]


def _answer(probe: Probe, pool: Pool | ProcessPool) -> tuple[CheckResult, bool]:
    """The answer, and whether it makes sense to ask the same service more."""
    started_s = time.monotonic()

    def result(ok: bool, observed: str, action: str = "") -> CheckResult:
        return CheckResult(probe.subject, probe.check, ok, observed, action, time.monotonic() - started_s)

    try:
        return result(True, probe.ask()), True
    except ConfigError as error:
        return result(False, str(error), f"correct what {probe.key} in {pool.path} names"), False
    except DriverError as error:
        reached = not isinstance(error, UnreachableError | AccessDeniedError | HostKeyError)
        return result(False, error.observed, error.action or _advice(error, f"{probe.key} in {pool.path}")), reached
    except QacloudError as error:
        return result(False, str(error), f"look at it, or correct {probe.key} in {pool.path}"), False


def _advice(error: DriverError, place: str) -> str:
    """What to do about an error whose driver could not say."""
    match error:
        case UnreachableError():
            return f"see that it is on and that a firewall lets this host through, or correct {place}"
        case AccessDeniedError():
            return f"correct user and password of {place}"
        case HostKeyError():
            return f"find out why its key changed before you correct host_key of {place}"
        case _:
            return f"look at its log, or correct {place}"


def _chains(pool: Pool, services: Services) -> Iterator[list[Probe]]:
    """The questions; those of one list go to one service, one after the other."""
    for index, machine in enumerate(pool.machines):
        yield [Probe(machine.name, "bmc", f"machines[{index}].bmc", _power_of(services, machine))]
    profiles = _profiles(pool)
    yield [
        Probe("Cobbler", "login", "cobbler", _cobbler_answers(services, next(iter(profiles)))),
        *(
            Probe("Cobbler", f"profile {profile}", "cobbler", _profile_known(services, profile, users))
            for profile, users in profiles.items()
        ),
    ]
    yield [Probe("Puppet CA", "certificates", "puppet", _certificate_known(pool, services))]
    bastion = pool.ssh.bastion
    if bastion is not None:
        endpoint = bastion
        yield [Probe("SSH bastion", "login", "ssh.bastion", lambda: _logged_in(services.shell(endpoint)))]
    yield [
        Probe("storage", "login", "storage.shell", lambda: _logged_in(services.shell(pool.storage.shell))),
        *(
            Probe("storage", f"space on {export.name}", "storage", _space_free(pool, services, export.path))
            for export in (*pool.storage.primary, pool.storage.secondary)
        ),
    ]
    for key, ref in _other_secrets(pool):
        yield [Probe("secrets", key, key, _readable(services, ref))]


def _power_of(services: Services, machine: Machine) -> Callable[[], str]:
    return lambda: f"power is {services.bmc(machine).power_state()}"


def _profiles(pool: Pool) -> dict[str, list[str]]:
    """The machines that each Cobbler profile may be put on."""
    roles = [role for role in Role if role is not Role.SPARE and pool.with_role(role)]
    users: dict[str, list[str]] = {}
    for machine in pool.machines:
        for role in roles if machine.role is Role.SPARE else [machine.role]:
            names = users.setdefault(machine.profile or pool.cobbler.profiles[role], [])
            if machine.name not in names:
                names.append(machine.name)
    return users


def _cobbler_answers(services: Services, profile: str) -> Callable[[], str]:
    def ask() -> str:
        services.install_server().has_profile(profile)
        return "logged in"

    return ask


def _profile_known(services: Services, profile: str, users: list[str]) -> Callable[[], str]:
    def ask() -> str:
        if services.install_server().has_profile(profile):
            return f"there, for {', '.join(users)}"
        raise DriverError(
            "Cobbler",
            f"it has no profile {profile}, which {', '.join(users)} would be installed with",
            f"add it there (cobbler profile add --name={profile} …), or name another in the pool file",
        )

    return ask


def _certificate_known(pool: Pool, services: Services) -> Callable[[], str]:
    name = f"{pool.machines[0].name}.{pool.network.domain}"

    def ask() -> str:
        state = services.certificate_authority().state(name)
        return f"{name} is {state}" if state else f"{name} has none"

    return ask


def _logged_in(shell: Shell) -> str:
    result = shell.run(["true"], timeout_s=SHELL_LIMIT_S)
    return "logged in" if result.exit_status == 0 else "logged in; it runs no commands"


def _space_free(pool: Pool, services: Services, path: str) -> Callable[[], str]:
    def ask() -> str:
        free_gib, wanted_gib = services.storage().free_bytes(path) / GIB, pool.storage.min_free_gib
        if free_gib >= wanted_gib:
            return f"{free_gib:.1f} GiB free on {path}"
        raise DriverError(
            "storage",
            f"{free_gib:.1f} GiB free on {path}, where {wanted_gib:.1f} are needed",
            "make room there, or lower storage.min_free_gib",
        )

    return ask


def _other_secrets(pool: Pool) -> Iterator[tuple[str, SecretRef]]:
    """Those that none of the questions above needs."""
    yield "management.password", pool.management.password
    yield "hosts.password", pool.hosts.password
    if pool.vmware:
        yield "vmware.password", pool.vmware.password


def _readable(services: Services, ref: SecretRef) -> Callable[[], str]:
    def ask() -> str:
        services.secret(ref)
        return f"readable: {ref}"

    return ask


def check_process(pool: ProcessPool, make: Callable[[], ProcessServices]) -> list[CheckResult]:
    """Ask what a pool of kind `process` needs on this machine: its repository, its programs, its password.

    Args:
        make: its drivers; fails where there is no such repository.
    """
    services: list[ProcessServices] = []

    def repository() -> str:
        services.append(make())
        return f"HEAD is {services[0].sources.look()}"

    def password() -> str:
        pool.management.password.read()
        return f"readable: {pool.management.password}"

    recipe = pool.process
    commands = {"build": recipe.build, "prepare": recipe.prepare, "start": recipe.start, "stop": recipe.stop}
    programs = [
        Probe("programs", program, f"process.{step}", partial(_program_found, program))
        for step, command in commands.items()
        if command is not None and "/" not in (program := command.argv[0]) and "{" not in program
    ]
    questions = [
        Probe("repository", "HEAD", "process.repository", repository),
        *programs,
        Probe("secrets", "management.password", "management.password", password),
    ]
    return [_answer(question, pool)[0] for question in questions]


def _program_found(program: str) -> str:
    """A program without a folder in its name; others may come with the sources."""
    found = shutil.which(program)
    if found is None:
        raise DriverError("this machine", f"there is no program {program} on the PATH", "install it")
    return found
