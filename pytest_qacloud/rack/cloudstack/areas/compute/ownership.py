"""assignVirtualMachine: a stopped VM becomes another account's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import ApiError, denied, invalid
from ...identity import AccountType
from ...limits import check_limit
from ...models.guests import Network
from ...models.machines import STOPPED, VirtualMachine
from ...models.volumes import Snapshot
from ...ports_network import allocate_nic, networks_for, release_nic
from ...registry import command
from .names import check_unique
from .sizing import check_vm_limits

if TYPE_CHECKING:
    from ...context import Context
    from ...identity import Account
    from ...params import Params


@command("assignVirtualMachine")
def assign_vm(ctx: Context, params: Params) -> VirtualMachine:
    """With its volumes; it leaves the old owner's networks and joins the new one's."""
    vm = params.need("virtualmachineid", VirtualMachine)
    if ctx.caller.accounttype == AccountType.NORMAL:
        raise invalid("Only root or domain admins are allowed to assign VMs.")
    if vm.state != STOPPED:
        raise invalid(f"Unable to move VM [{vm.name}] in [{vm.state}] state: stop it first.")
    owner = ctx.owner(params)
    _check(ctx, vm, owner)
    networks = networks_for(ctx, vm.zone, owner, params.entities("networkids", Network))
    check_unique(ctx, vm.name, networks, vm)
    for nic in vm.nics:
        try:
            release_nic(ctx, nic)
        except ApiError as error:
            raise invalid(f"Remove the rules for VM [{vm.name}] before assigning it: {error.text}") from None
    vm.owner, vm.instancegroup, vm.affinity_groups, vm.key_names = owner, None, [], []
    for volume in vm.volumes:
        volume.owner = owner
    for tag in vm.tags:
        tag.owner = owner
    for place, network in enumerate(networks):
        allocate_nic(ctx, network, vm, isdefault=place == 0)
    return vm


def _check(ctx: Context, vm: VirtualMachine, owner: Account) -> None:
    if owner is vm.owner:
        raise invalid(f"The new account [{owner.name}] is the same as the old account.")
    if owner.state == "disabled":
        raise invalid(f"The new account owner [{owner.name}] is disabled.")
    for volume in vm.volumes:
        if ctx.store.first(Snapshot, volume=volume) is not None:
            raise invalid(
                f"Snapshots exist for volume [{volume.name}]. Detach volume or remove snapshots for the volume before "
                "assigning VM to another user."
            )
    if not vm.template.usable_by(owner):
        raise denied(f"Account {owner.name} does not have permission to use template {vm.template.id}")
    check_vm_limits(ctx, owner, vm.cpunumber, vm.memory)
    check_limit(ctx, owner, "volume", len(vm.volumes))
    check_limit(ctx, owner, "primary_storage", sum(volume.size for volume in vm.volumes))
