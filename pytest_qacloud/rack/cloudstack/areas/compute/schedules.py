"""VM schedules: VMs that start, stop and reboot by themselves, as cron lines say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import cron
from ...context import Context
from ...errors import ApiError, invalid
from ...identity import system_account
from ...models.machines import RUNNING, STARTING, STOPPED, VirtualMachine, VmSchedule
from ...registry import command, settles
from .running import start

if TYPE_CHECKING:
    from ...lists import Page
    from ...params import Params
    from ...server import ManagementServer

ACTIONS = ("START", "STOP", "REBOOT", "FORCE_STOP", "FORCE_REBOOT")


@command("createVMSchedule")
def create_schedule(ctx: Context, params: Params) -> VmSchedule:
    """A plan for a VM."""
    vm, action = params.need("virtualmachineid", VirtualMachine), params.text("action").upper()
    if action not in ACTIONS:
        raise invalid(f"Invalid action {params.text('action')}: it has to be one of {', '.join(ACTIONS)}")
    schedule = VmSchedule(
        virtualmachine=vm,
        action=action,
        schedule=params.text("schedule"),
        timezone=params.text("timezone"),
        description=params.text("description", f"{action} - {params.text('schedule')}"),
        enabled=params.flag("enabled", default=True),
        startdate=params.get("startdate") or ctx.now + 60,
        enddate=params.get("enddate"),
    )
    _plan(schedule, ctx.now)
    return ctx.add(schedule)


def _plan(schedule: VmSchedule, now: float) -> None:
    """Check a schedule, and find when it acts next.

    Raises:
        ApiError: its line, its time zone or its dates are wrong (431).
    """
    try:
        line, zone = cron.parse(schedule.schedule), cron.zone_named(schedule.timezone)
    except ValueError as error:
        raise invalid(f"Invalid schedule: {error}") from None
    if schedule.enddate is not None and schedule.enddate <= max(now, schedule.startdate):
        raise invalid("Invalid end date: it has to be after the start date and not in the past")
    schedule.due = _next(schedule, line.next_after(max(now, schedule.startdate), zone))


def _next(schedule: VmSchedule, due: float | None) -> float | None:
    if due is None or (schedule.enddate is not None and due > schedule.enddate):
        return None
    return due


@command("listVMSchedule")
def list_schedules(ctx: Context, params: Params) -> Page:
    """The plans for a VM."""
    action = params.optional("action")
    return ctx.list(
        VmSchedule,
        params,
        lambda item: item.usable_by(ctx.caller) and action in (None, item.action, item.action.lower()),
        ignore=("action",),
    )


@command("updateVMSchedule")
def update_schedule(ctx: Context, params: Params) -> VmSchedule:
    """When, and whether at all."""
    schedule = params.need("id", VmSchedule)
    start_date = params.get("startdate")
    if start_date is not None and start_date < ctx.now:
        raise invalid("Invalid start date: it is in the past")
    before = (schedule.schedule, schedule.timezone, schedule.startdate, schedule.enddate)
    ctx.assign(schedule, params, "schedule", "timezone", "startdate", "enddate")
    try:
        _plan(schedule, ctx.now)
    except ApiError:
        schedule.schedule, schedule.timezone, schedule.startdate, schedule.enddate = before
        raise
    ctx.assign(schedule, params, "description", "enabled")
    return schedule


@command("deleteVMSchedule")
def delete_schedule(ctx: Context, params: Params) -> bool:
    """Plans of a VM: one, several, or all."""
    vm, one = params.need("virtualmachineid", VirtualMachine), params.entity("id", VmSchedule)
    chosen = params.entities("ids", VmSchedule) or ([one] if one is not None else [])
    for schedule in chosen or ctx.store.all(VmSchedule, virtualmachine=vm):
        if schedule.virtualmachine is not vm:
            raise invalid(f"VM schedule {schedule.id} is not one of VM {vm.name}")
        ctx.remove(schedule)
    return True


@settles
def _act(server: ManagementServer) -> None:
    """Do what is due; of several plans for a VM at the same time only the oldest acts."""
    now = server.clock.now()
    taken: set[tuple[VirtualMachine, float | None]] = set()
    due = server.store.all(VmSchedule, lambda item: item.due is not None and item.due <= now)
    for schedule in sorted(due, key=lambda item: item.due or now):
        moment = schedule.virtualmachine, schedule.due
        if schedule.enabled and moment not in taken:
            taken.add(moment)
            _perform(server, schedule)
        line, zone = cron.parse(schedule.schedule), cron.zone_named(schedule.timezone)
        schedule.due = _next(schedule, line.next_after(now, zone))


def _perform(server: ManagementServer, schedule: VmSchedule) -> None:
    """Do what is planned, where the VM's state allows it."""
    vm, now = schedule.virtualmachine, server.clock.now()
    words, level = f"VM schedule {schedule.id}: {schedule.action} of VM {vm.id}", "INFO"
    if schedule.action == "START" and vm.state == STOPPED:
        ctx = Context(server, server.schema.commands["startVirtualMachine"], system_account(server.store).user[0])
        vm.enter(STARTING, now)
        try:
            start(ctx, vm)
        except ApiError as error:
            vm.enter(STOPPED, now)
            words, level = f"{words}: {error.text}", "ERROR"
    elif schedule.action in ("STOP", "FORCE_STOP") and vm.state == RUNNING:
        vm.enter(STOPPED, now)
    elif "REBOOT" in schedule.action and vm.state == RUNNING:
        vm.enter(RUNNING, now)
    else:
        words, level = f"{words}: skipped, the VM is {vm.state}", "WARN"
    kind = f"VM.SCHEDULE.{schedule.action.replace('_', '.')}"
    server.trail.record(now, None, vm.owner, kind, "Completed", words, resource=vm, level=level)
