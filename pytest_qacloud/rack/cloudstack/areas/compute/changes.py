"""What can be changed of a VM: its names and details, its size, its password, its disk."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ...disks import RESIZE_LIMIT, check_volume_limits, has_room
from ...errors import ApiError, denied, failed, invalid, no_capacity
from ...limits import GIB
from ...models.images import GuestOs, Template
from ...models.machines import RUNNING, STOPPED, SshKeyPair, VirtualMachine, VmSnapshot
from ...models.offerings import DiskOffering, ServiceOffering
from ...placement import hosts_for
from ...registry import command
from .deploy import group_named, root_size
from .lifecycle import check_snapshots_done, renew_root
from .names import check_unique, host_name
from .running import check_startable, start, with_password
from .sizing import check_offering, check_size_limits, size_for
from .turns import in_turn
from .user_data import apply_user_data, check_user_data

if TYPE_CHECKING:
    from collections.abc import Generator

    from ...context import Context
    from ...params import Params

_SIZE_DETAILS = {"cpunumber": "cpuNumber", "cpuspeed": "cpuSpeed", "memory": "memory"}


@command("updateVirtualMachine")
def update_vm(ctx: Context, params: Params) -> VirtualMachine:
    """Names, details, group, user data, operating system and flags."""
    vm = params.need("id", VirtualMachine)
    if vm.state in ("Destroyed", "Expunging", "Error"):
        raise invalid(f"Vm {vm.name} is not in the right state: {vm.state}")
    name = params.optional("name")
    if name is not None and name != vm.name:
        check_unique(ctx, host_name(ctx, name), [nic.network for nic in vm.nics], vm)
    if params.flag("haenable") and not vm.serviceoffering.offerha:
        raise invalid("Can't enable ha for the vm as it's created from the Service offering having HA disabled")
    if params.flag("isdynamicallyscalable"):
        _check_scalable(ctx, vm)
    check_user_data(ctx, params, vm.owner)
    _update_details(ctx, params, vm)
    vm.name = name or vm.name
    ctx.assign(vm, params, "displayname", "haenable", "isdynamicallyscalable", "deleteprotection", "displayvm")
    ctx.assign(vm, params, "instancename", customid="id")
    vm.ostype = params.entity("ostypeid", GuestOs) or vm.ostype
    if "group" in params:
        group = params.optional("group")
        vm.instancegroup = None if group is None else group_named(ctx, group, vm.owner)
    apply_user_data(params, vm)
    vm.lastupdated = ctx.now
    return vm


def _check_scalable(ctx: Context, vm: VirtualMachine) -> None:
    for able, what in (
        (vm.template.isdynamicallyscalable, "its template does not have dynamic scaling enabled"),
        (vm.serviceoffering.dynamicscalingenabled, "its service offering does not have dynamic scaling enabled"),
        (ctx.flag_setting("enable.dynamic.scale.vm", vm.zone), "corresponding global setting is set to false"),
    ):
        if not able:
            raise invalid(f"Dynamic Scaling cannot be enabled for the VM since {what}")


def _update_details(ctx: Context, params: Params, vm: VirtualMachine) -> None:
    if params.flag("cleanupdetails"):
        if params.rows("details"):
            raise invalid("details and cleanupdetails cannot be given together")
        vm.details = {name: vm.details[name] for name in _SIZE_DETAILS.values() if name in vm.details}
    given = params.pairs("details")
    if not given:
        return
    if not ctx.caller.is_root_admin:
        kept = set(ctx.setting("user.vm.denied.details").split(",")) | {
            name.strip() for name in ctx.setting("user.vm.readonly.details").split(",")
        }
        for name in given.keys() & kept:
            raise invalid(f"You're not allowed to add or edit the setting: {name}")
    if any(name.startswith("extraconfig") for name in given):
        raise invalid("'extraconfig' should not be included in details as key")
    vm.details = {**{name: vm.details[name] for name in _SIZE_DETAILS.values() if name in vm.details}, **given}


@command("changeServiceForVirtualMachine")
def change_offering(ctx: Context, params: Params) -> VirtualMachine:
    """Another offering for a stopped VM."""
    vm = params.need("id", VirtualMachine)
    if vm.state != STOPPED:
        raise invalid(
            f"Unable to upgrade virtual machine {vm.name} in state {vm.state}; make sure the virtual machine is stopped"
        )
    _resize(ctx, params, vm)
    return vm


@command("scaleVirtualMachine")
@in_turn("id")
def scale_vm(ctx: Context, params: Params, vm: VirtualMachine) -> Generator[Any, None, Any]:
    """Another offering for a stopped VM, or a larger one for a running VM that is dynamically scalable."""
    if vm.state not in (RUNNING, STOPPED):
        raise invalid(f"Unable to upgrade virtual machine {vm.name} in state {vm.state}")
    if vm.state == RUNNING:
        _check_growth(ctx, params, vm)
    yield vm
    _resize(ctx, params, vm)
    return True


def _check_growth(ctx: Context, params: Params, vm: VirtualMachine) -> None:
    offering = params.need("serviceofferingid", ServiceOffering)
    size = size_for(offering, params.pairs("details"))
    wanted = {name: size.get(name) or int(getattr(offering, name) or 0) for name in _SIZE_DETAILS}
    now = {name: int(getattr(vm, name)) for name in _SIZE_DETAILS}
    if any(wanted[name] < now[name] for name in _SIZE_DETAILS):
        raise invalid("While the VM is running, only scaling up its cpu, speed and memory is possible")
    if wanted == now:
        raise invalid("The new offering has the cpu, speed and memory that the running VM has already")
    if not ctx.flag_setting("enable.dynamic.scale.vm", vm.zone):
        raise denied("Dynamically scaling virtual machines is disabled for this zone, please contact your admin.")
    if not vm.isdynamicallyscalable:
        raise failed(f"Unable to scale {vm.name} as it does not have tools to support dynamic scaling.")


def _resize(ctx: Context, params: Params, vm: VirtualMachine) -> None:
    offering = params.need("serviceofferingid", ServiceOffering)
    check_offering(offering, vm.owner, vm.zone)
    size = size_for(offering, params.pairs("details"))
    if offering is vm.serviceoffering and size == vm.custom:
        raise invalid(f"Not upgrading vm {vm.name} since it already has the requested service offering {offering.name}")
    if vm.serviceoffering.storagetype != offering.storagetype:
        raise invalid(f"Unable to upgrade {vm.name}, cannot switch between local and shared storage")
    if vm.serviceoffering.diskofferingstrictness != offering.diskofferingstrictness:
        raise invalid("Unable to Scale VM, since disk offering strictness flag is not same for the offerings")
    cores = size.get("cpunumber") or int(offering.cpunumber or 0)
    speed = size.get("cpuspeed") or int(offering.cpuspeed or 0)
    memory = size.get("memory") or int(offering.memory or 0)
    check_size_limits(ctx, vm.owner, cores - vm.cpunumber, memory - vm.memory)
    if vm.host is not None:
        more = cores * speed - vm.cpunumber * vm.cpuspeed, (memory - vm.memory) * 2**20
        if vm.host not in hosts_for(ctx.store, vm.zone, *more):
            raise failed(f"Unable to scale {vm.name} due to insufficient resources on host {vm.host.name}")
    vm.serviceoffering, vm.custom = offering, size
    vm.haenable = offering.offerha
    for name, detail in _SIZE_DETAILS.items():
        vm.details.pop(detail, None)
        if name in size:
            vm.details[detail] = str(size[name])
    vm.lastupdated = ctx.now


@command("resetPasswordForVirtualMachine")
@in_turn("id")
def reset_password(ctx: Context, params: Params, vm: VirtualMachine) -> Generator[Any, None, Any]:
    """A new password for a stopped VM whose template sets passwords; the reply shows it."""
    if not vm.passwordenabled:
        raise invalid("Fail to reset password for the virtual machine, the template is not password enabled")
    if vm.state != STOPPED:
        raise invalid(f"Vm {vm.name} should be stopped to do password reset")
    yield vm
    return with_password(ctx, vm, params.optional("password"), force=True)


@command("getVMPassword")
def get_password(ctx: Context, params: Params) -> dict[str, Any]:
    """The password of a VM, encrypted for the RSA key that is in it (PKCS #1 version 1.5, base64)."""
    vm = params.need("id", VirtualMachine)
    pair = next(
        (key for key in ctx.store.all(SshKeyPair, owner=vm.owner) if vm.key_names and key.name == vm.key_names[0]), None
    )
    key = None if pair is None else serialization.load_ssh_public_key(pair.publickey.encode())
    if vm.secret is None or not isinstance(key, rsa.RSAPublicKey):
        raise invalid(f"No password for VM with id '{vm.id}' found.")
    encrypted = key.encrypt(vm.secret.encode(), padding.PKCS1v15())
    return {"password": {"encryptedpassword": base64.b64encode(encrypted).decode()}}


@command("restoreVirtualMachine")
@in_turn("virtualmachineid")
def restore_vm(ctx: Context, params: Params, vm: VirtualMachine) -> Generator[Any, None, Any]:
    """A fresh root volume, of the VM's template or another; a running VM is restarted."""
    check_startable(ctx, vm)
    if vm.state not in (RUNNING, STOPPED):
        raise failed(f"Vm {vm.id} currently in {vm.state} state, restore vm can only execute when Running or Stopped")
    if ctx.store.first(VmSnapshot, virtualmachine=vm) is not None:
        raise invalid("Unable to restore VM, please remove VM snapshots before restoring VM")
    check_snapshots_done(ctx, vm)
    template = params.entity("templateid", Template) or vm.template
    size = _restored_size(ctx, params, vm, template)
    runs = vm.state == RUNNING
    yield vm
    if runs:
        vm.enter(STOPPED, ctx.now)
    vm.template, vm.ostype = template, template.ostype
    vm.secret = None
    chosen = root_size(params)
    if chosen is not None:
        vm.details["rootdisksize"] = str(chosen)
    offering = params.entity("diskofferingid", DiskOffering)
    renew_root(ctx, vm, size, offering=offering, expunges=params.flag("expunge"))
    if runs:
        _start_again(ctx, vm)
    vm.lastupdated = ctx.now
    return with_password(ctx, vm, force=True)


def _start_again(ctx: Context, vm: VirtualMachine) -> None:
    try:
        start(ctx, vm)
    except ApiError as error:
        vm.enter(STOPPED, ctx.now)
        raise failed(f"Unable to start VM with specified id{error.text}") from None


def _restored_size(ctx: Context, params: Params, vm: VirtualMachine, template: Template) -> int | None:
    if not template.ready_in(vm.zone):
        raise invalid(f"Cannot restore the vm as the template {template.id} isn't available in the zone")
    if not template.usable_by(vm.owner):
        raise denied(f"Account {vm.owner.name} does not have permission to use template {template.id}")
    if (template.format == "ISO") != (vm.template.format == "ISO"):
        raise invalid("VM has been created using an ISO therefore it can not be re-installed with a template")
    if template.hypervisor != vm.hypervisor and template.format != "ISO":
        raise invalid(f"Invalid template id provided to restore the VM: it is for {template.hypervisor}")
    gib, offering = root_size(params), params.entity("diskofferingid", DiskOffering)
    if offering is not None:
        strict = vm.serviceoffering.diskofferingstrictness
        if strict and offering is not vm.serviceoffering.diskoffering:
            raise invalid(
                "VM's service offering has a strict disk offering requirement, and the specified disk offering does "
                "not match"
            )
        gib = gib or offering.disksize or None
    root = vm.root
    if root is None:
        raise failed(f"VM {vm.name} has no root volume")
    if gib is None:
        kept = int(vm.details.get("rootdisksize", 0)) * GIB
        return max(kept, template.size_bytes) if template.format != "ISO" else None
    if gib * GIB < template.size_bytes:
        raise invalid(f"Root disk size [{gib} GiB] is smaller than the template size [{template.size_bytes}]")
    more = gib * GIB - root.size
    if more > 0:
        check_volume_limits(ctx, vm.owner, more)
        if root.pool is not None and not has_room(ctx, root.pool, more, RESIZE_LIMIT):
            raise no_capacity(f"Storage pool {root.pool.name} has no room for a root disk of {gib} GiB")
    return gib * GIB
