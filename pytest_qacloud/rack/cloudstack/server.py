"""The management server: takes a caller and a request's parameters, and answers as the wire shows it."""

from __future__ import annotations

import inspect
import secrets
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

from . import access, registry, schema
from .auth import Sessions
from .builds import Build
from .context import Context
from .errors import ApiError, Code, not_simulated
from .events import Trail
from .identity import Account, AccountType, Domain, PasswordHash, Role, User
from .jobs import PENDING, Job, JobQueue
from .lists import Page, check_unknown
from .params import Params, parse
from .replies import plain, shape
from .settings import Settings
from .store import Entity, Store

if TYPE_CHECKING:
    from .hardware import Clock, Faults, Hardware


_SHOW_THEIR_JOB = frozenset(
    {"AccountResponse", "DomainRouterResponse", "HostResponse", "SecurityGroupResponse", "StoragePoolResponse"}
    | {"UserResponse", "UserVmResponse", "VolumeResponse"}
)
"""What is shown with the job that works on it; a job's own result is written while the job still works."""


class ManagementServer:
    """A simulated CloudStack management server, as freshly installed.

    Args:
        hardware: the machines and exports that it can reach.
        faults: faults set from outside.
        clock: where its time comes from.
        admin_user: the root admin's user name.
        admin_password: the root admin's password.
        version: what listCapabilities tells.
        job_delay_s: how long an asynchronous job takes, seconds.
        build: what it does otherwise than it should.
    """

    def __init__(
        self,
        hardware: Hardware,
        faults: Faults,
        clock: Clock,
        *,
        admin_user: str,
        admin_password: str,
        version: str = "4.22.0.0",
        job_delay_s: float = 0.005,
        build: Build | None = None,
    ) -> None:
        registry.load_areas()
        self.hardware, self.faults, self.clock, self.version = hardware, faults, clock, version
        self.schema = schema.load()
        self.build = build or Build()
        self.store = Store()
        self.trail = Trail(self.store)
        self.jobs = JobQueue(self.store, job_delay_s)
        self.settings = Settings()
        self.sessions = Sessions()
        _first_identities(self, admin_user, admin_password)
        for install in registry.installers():
            install(self)

    def settle(self) -> None:
        """Bring the state up to the clock: jobs that are due, system VMs that have started …"""
        self.jobs.advance(self.clock.now())
        for settle in registry.settlers():
            settle(self)

    def execute(self, raw: Mapping[str, str], user: User) -> tuple[str, dict[str, Any]]:
        """Do one command for a caller.

        Args:
            raw: the request's parameters, `command` among them.

        Returns:
            The reply's outermost key and its content.

        Raises:
            ApiError: refused or failed.
        """
        self.settle()
        name = raw.get("command", "")
        if not name:
            raise ApiError(Code.UNSUPPORTED, "Invalid request, no command sent")
        command = self.schema.commands.get(name)
        if command is None:
            raise ApiError(
                Code.UNSUPPORTED, f"The given command '{name}' either does not exist, is not available for user."
            )
        if not access.may_call(self.store, user.account.role, command):
            raise ApiError(
                Code.UNSUPPORTED,
                f"The API [{name}] does not exist or is not available for the account for user id [{user.id}].",
                4555,
            )
        work = registry.work_of(name)
        if work is None:
            raise not_simulated(name)
        params = parse(command, raw, self.store)
        if params.unknown:
            check_unknown(command, params)
            return command.reply_name, {}
        ctx = Context(self, command, user)
        access.check_project(ctx, command, params)
        access.check_entities(ctx, command, params)
        defect = self.build.strikes(name)
        if defect is not None:
            work = defect.instead_of(work)
        if command.is_async:
            return command.reply_name, self._begin(ctx, params, work, defect.seconds if defect else 0.0)
        return command.reply_name, self._do_now(ctx, params, work)

    def _do_now(self, ctx: Context, params: Params, work: registry.Work) -> dict[str, Any]:
        try:
            result = work(ctx, params)
        except ApiError:
            self._record(ctx, params, "Completed", "Error while performing", level="ERROR")
            raise
        self._record(ctx, params, "Completed", "Successfully completed")
        return self.reply(ctx, result)

    def _begin(self, ctx: Context, params: Params, work: registry.Work, longer_s: float) -> dict[str, Any]:
        """Accept a job. A generator runs to its first `yield` now; a function runs wholly when the job is due.

        Args:
            longer_s: than usual that the job takes.
        """
        steps: Generator[Any, None, Any] | None = None
        subject: Any = None
        if inspect.isgeneratorfunction(work):
            steps = work(ctx, params)
            subject = next(steps)
        target = subject if isinstance(subject, Entity) else params.get("id")
        ctx.subject = target if isinstance(target, Entity) else None
        started = self._record(ctx, params, "Created" if ctx.command.creates else "Scheduled", "Scheduled")

        def run() -> dict[str, Any]:
            try:
                self._record(ctx, params, "Started", "Starting job for", parent=started)
                result = work(ctx, params) if steps is None else _finish(steps, subject)
            except ApiError:
                self._record(ctx, params, "Completed", "Error while performing", parent=started, level="ERROR")
                raise
            self._record(ctx, params, "Completed", "Successfully completed", parent=started)
            if job.jobinstanceid is None and ctx.subject is not None:
                job.jobinstanceid = ctx.subject.id
            content = self.reply(ctx, result)
            shown = content.get(ctx.command.wrapper)
            if isinstance(shown, dict) and shown and ctx.command.response in _SHOW_THEIR_JOB:
                shown.update(jobid=job.id, jobstatus=PENDING)
            return content

        job = Job(
            owner=ctx.caller,
            user=ctx.user,
            cmd=f"org.apache.cloudstack.api.command.{ctx.command.name[0].upper()}{ctx.command.name[1:]}Cmd",
            jobinstancetype=ctx.command.resource or "None",
            jobinstanceid=None if ctx.subject is None else ctx.subject.id,
        )
        self.jobs.submit(job, run, ctx.now, self.jobs.delay_s + longer_s)
        reply = {"jobid": job.id}
        if ctx.command.creates and ctx.subject is not None:
            reply["id"] = ctx.subject.id
        return reply

    def reply(self, ctx: Context, result: Any) -> dict[str, Any]:
        """What a command returned, as the content of its reply."""
        admin = ctx.caller.is_root_admin
        if isinstance(result, bool):
            return {"success": result}
        if isinstance(result, Page):
            if not result.items:
                return {"count": result.count} if result.count else {}
            key = result.wrapper or ctx.command.wrapper
            items = [
                {**shape(item, admin=admin, response=result.response), **self._pending(item)}
                if isinstance(item, Entity)
                else plain(item)
                for item in result.items
            ]
            return {"count": result.count, key: items}
        if isinstance(result, Entity):
            response = ctx.command.response if ctx.command.response in self.schema.responses else None
            shown = shape(result, admin=admin, response=None if response == "SuccessResponse" else response)
            return {ctx.command.wrapper: shown}
        if isinstance(result, Mapping):
            content: dict[str, Any] = plain(result, admin=admin)
            return content
        raise TypeError(f"{ctx.command.name} returned {type(result).__name__}")

    def _pending(self, entity: Entity) -> dict[str, Any]:
        """The fields that tell of a job that works on an entity."""
        job = self.jobs.pending(entity)
        return {} if job is None else {"jobid": job.id, "jobstatus": job.jobstatus}

    def _record(
        self, ctx: Context, params: Params, state: str, words: str, *, parent: Any = None, level: str = "INFO"
    ) -> Any:
        if not ctx.command.event:
            return None
        target = ctx.subject or params.get("id")
        resource = target if isinstance(target, Entity) else None
        owner = getattr(resource, "owner", None)
        return self.trail.record(
            ctx.now,
            ctx.user,
            owner if isinstance(owner, Account) and owner in self.store else ctx.caller,
            ctx.command.event,
            state,
            f"{words} {ctx.command.name}" + (f" {resource.id}" if resource is not None else ""),
            resource=resource,
            resource_type=ctx.command.resource,
            parent=parent,
            level=level,
        )


def _finish(steps: Generator[Any, None, Any], last: Any) -> Any:
    """Run a command's generator to its end; its result is what it returns, else what it yielded last."""
    try:
        while True:
            last = next(steps)
    except StopIteration as stop:
        return last if stop.value is None else stop.value


def _first_identities(server: ManagementServer, admin_user: str, admin_password: str) -> None:
    now = server.clock.now()
    store = server.store
    root = store.add(Domain(name="ROOT"), now)
    roles = (
        ("Root Admin", "Admin", "A"),
        ("Resource Admin", "ResourceAdmin", "R"),
        ("Domain Admin", "DomainAdmin", "D"),
        ("User", "User", "U"),
    )
    for name, kind, letter in roles:
        store.add(
            Role(name=name, type=kind, isdefault=True, default_letter=letter, description=f"Default {name} role"), now
        )
    admin_role = store.first(Role, name="Root Admin")
    for account_name, user_name, password in (("system", "system", None), ("admin", admin_user, admin_password)):
        account = store.add(
            Account(name=account_name, accounttype=AccountType.ADMIN, domain=root, role=admin_role, isdefault=True), now
        )
        user = User(
            username=user_name,
            password=PasswordHash.of(password or secrets.token_hex()),
            account=account,
            firstname=account_name,
            lastname="cloud",
            isdefault=True,
        )
        if password is None:
            user.state = "disabled"
        store.add(user, now)
