"""Start, stop, reboot, destroy, recover, expunge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ... import access
from ...disks import check_volume_limits, destroy, detach
from ...errors import ApiError, denied, failed, invalid
from ...identity import AccountType
from ...models.machines import (
    DESTROYED,
    ERROR,
    EXPUNGING,
    RUNNING,
    STARTING,
    STOPPED,
    STOPPING,
    VirtualMachine,
)
from ...models.volumes import DATADISK, ROOT, Snapshot, Volume
from ...registry import command, settles
from .running import check_startable, start, target_of, with_password
from .sizing import check_vm_limits
from .turns import in_turn

if TYPE_CHECKING:
    from collections.abc import Generator

    from ...context import Context
    from ...identity import Account
    from ...models.offerings import DiskOffering
    from ...params import Params
    from ...server import ManagementServer

_EXPUNGE_SETTING = "allow.user.expunge.recover.vm"


@command("startVirtualMachine")
@in_turn("id")
def start_vm(ctx: Context, params: Params, vm: VirtualMachine) -> Generator[Any, None, Any]:
    """A stopped VM, where it ran last if there is room."""
    if vm.state == RUNNING:
        raise invalid(f"The virtual machine {vm.id} ({vm.name}) is already running")
    if vm.state != STOPPED:
        raise failed(f"Unable to start the virtual machine {vm.id} in state {vm.state}")
    if vm.owner.state == "disabled":
        raise denied(f"The owner of {vm.name} is disabled: {vm.owner.name}")
    check_startable(ctx, vm)
    target = target_of(ctx, params)
    vm.enter(STARTING, ctx.now)
    yield vm
    try:
        start(ctx, vm, target)
    except ApiError:
        vm.enter(STOPPED, ctx.now)
        raise
    return with_password(ctx, vm)


@command("stopVirtualMachine")
@in_turn("id")
def stop_vm(ctx: Context, params: Params, vm: VirtualMachine) -> Generator[Any, None, Any]:
    """A running VM; nothing happens to one that is stopped."""
    if vm.state not in (RUNNING, STOPPED) and not params.flag("forced"):
        raise failed(f"Unable to stop the virtual machine {vm.id} in state {vm.state}")
    if vm.state in (DESTROYED, EXPUNGING, ERROR):
        raise failed(f"Unable to stop the virtual machine {vm.id} in state {vm.state}")
    if vm.state == RUNNING:
        vm.enter(STOPPING, ctx.now)
    yield vm
    vm.enter(STOPPED, ctx.now)


@command("rebootVirtualMachine")
@in_turn("id")
def reboot_vm(ctx: Context, params: Params, vm: VirtualMachine) -> Generator[Any, None, Any]:
    """A running VM stays on its host; its disk is made anew where its offering is volatile."""
    if vm.state != RUNNING:
        raise invalid(f"The VM {vm.id} ({vm.displayname}) is not running, unable to reboot it")
    yield vm
    if vm.state != RUNNING:
        raise failed(f"Unable to reboot the VM {vm.name}: it is {vm.state}")
    if vm.serviceoffering.isvolatile:
        renew_root(ctx, vm)
    vm.enter(RUNNING, ctx.now)


def renew_root(
    ctx: Context,
    vm: VirtualMachine,
    size: int | None = None,
    *,
    offering: DiskOffering | None = None,
    expunges: bool = False,
) -> None:
    """Replace a VM's root volume by a fresh one of its template, on the same pool.

    Args:
        size: bytes; otherwise as before.
        offering: otherwise as before.
        expunges: the old one goes at once instead of waiting to be expunged.
    """
    old = vm.root
    if old is None:
        raise failed(f"VM {vm.name} has no root volume")
    fresh = Volume(
        owner=vm.owner,
        name=old.name,
        zone=vm.zone,
        type=ROOT,
        state=old.state,
        size=size or old.size,
        diskoffering=offering or old.diskoffering,
        serviceoffering=vm.serviceoffering,
        template=None if vm.template.format == "ISO" else vm.template,
        pool=old.pool,
        hypervisor=old.hypervisor,
        path=old.path,
        virtualmachine=vm,
        deviceid=old.deviceid,
        attached=ctx.now,
    )
    destroy(ctx, old)
    if expunges and old in ctx.store:
        ctx.remove(old)
    ctx.store.add(fresh, ctx.now)


@command("destroyVirtualMachine")
@in_turn("id")
def destroy_vm(ctx: Context, params: Params, vm: VirtualMachine) -> Generator[Any, None, Any]:
    """Stop a VM and keep it for `expunge.delay`, or with `expunge` remove it. Data volumes are detached.

    With `volumeids` those go as it does. The reply shows nothing of a VM that is no more.
    """
    expunges = params.flag("expunge")
    if expunges:
        _check_may_expunge(ctx)
    if vm.deleteprotection:
        raise invalid(f"Instance [id = {vm.id}, name = {vm.name}] has delete protection enabled and cannot be deleted.")
    volumes = params.entities("volumeids", Volume)
    for volume in volumes:
        if volume.virtualmachine is not vm or volume.type != DATADISK:
            raise invalid(f"The following supplied volumes are not DATADISK attached to the VM: {volume.id}")
    check_snapshots_done(ctx, vm)
    if vm.state == RUNNING:
        vm.enter(STOPPING, ctx.now)
    yield vm
    shown = ctx.server.reply(ctx, vm)
    if vm.state not in (DESTROYED, EXPUNGING):
        for volume in vm.volumes:
            if volume.type == DATADISK:
                detach(volume)
        was_error = vm.state == ERROR
        vm.enter(DESTROYED, ctx.now)
        shown = ctx.server.reply(ctx, vm)
        expunges = expunges or was_error
    if expunges:
        expunge(ctx, vm)
        shown = {"virtualmachine": {}}
    for volume in volumes:
        destroy(ctx, volume)
        if expunges and volume in ctx.store:
            ctx.remove(volume)
    return shown


def check_snapshots_done(ctx: Context, vm: VirtualMachine) -> None:
    """Refuse while a snapshot of the root volume is being made.

    Raises:
        ApiError: 530.
    """
    root = vm.root
    if root is not None and ctx.store.first(Snapshot, lambda item: item.state != "BackedUp", volume=root) is not None:
        raise failed("There is/are unbacked up snapshot(s) on ROOT volume, please try again later.")


def _is_admin(account: Account) -> bool:
    return account.is_root_admin or account.accounttype in (AccountType.DOMAIN_ADMIN, AccountType.RESOURCE_ADMIN)


def _check_may_expunge(ctx: Context) -> None:
    """Refuse who is no administrator, unless a setting lets users, or whose role denies expungeVirtualMachine."""
    expunging = ctx.server.schema.commands["expungeVirtualMachine"]
    if not _is_admin(ctx.caller) and not ctx.flag_setting(_EXPUNGE_SETTING, ctx.caller):
        raise denied("Account does not have permission for expunging.")
    if not access.may_call(ctx.store, ctx.caller.role, expunging):
        raise denied("Account does not have permission for expunging.")


@command("expungeVirtualMachine")
@in_turn("id")
def expunge_vm(ctx: Context, params: Params, vm: VirtualMachine) -> Generator[Any, None, Any]:
    """Remove a destroyed VM for good."""
    _check_may_expunge(ctx)
    if vm.state not in (DESTROYED, EXPUNGING, ERROR):
        raise failed(f"Please destroy vm with specified vmId {vm.id} before expunge")
    yield vm
    expunge(ctx, vm)
    return True


def expunge(ctx: Context, vm: VirtualMachine) -> None:
    """Remove a VM with its interfaces, its root volume and its VM snapshots; its volumes' snapshots stay."""
    for volume in vm.volumes:
        if volume.type == ROOT:
            ctx.remove(volume)
        else:
            detach(volume)
    ctx.remove(vm)


@command("recoverVirtualMachine")
def recover_vm(ctx: Context, params: Params) -> VirtualMachine:
    """A destroyed VM becomes a stopped one."""
    vm = params.need("id", VirtualMachine)
    if not _is_admin(ctx.caller) and not ctx.flag_setting(_EXPUNGE_SETTING, ctx.caller):
        raise denied(f"Recovering a vm can only be done by an Admin. Or when the {_EXPUNGE_SETTING} key is set.")
    if vm.state != DESTROYED:
        raise invalid(f"Vm with id {vm.id} is not in the right state: {vm.state}")
    check_vm_limits(ctx, vm.owner, vm.cpunumber, vm.memory)
    for volume in vm.volumes:
        check_volume_limits(ctx, vm.owner, volume.size)
    vm.enter(STOPPED, ctx.now)
    return vm


@settles
def _expunge_the_destroyed(server: ManagementServer) -> None:
    """Destroyed VMs go `expunge.delay` seconds after; volumes that were destroyed alone as well."""
    from ...context import Context
    from ...identity import system_account

    delay = float(server.settings.value("expunge.delay") or 0)
    due = server.clock.now() - delay
    old = server.store.all(VirtualMachine, lambda vm: vm.changed_at <= due, state=DESTROYED)
    if not old:
        return
    ctx = Context(server, server.schema.commands["expungeVirtualMachine"], system_account(server.store).user[0])
    for vm in old:
        expunge(ctx, vm)
