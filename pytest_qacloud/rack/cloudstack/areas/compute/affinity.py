"""Affinity groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import denied, invalid
from ...lists import Page
from ...models.machines import AFFINITY_TYPES, STOPPED, AffinityGroup, VirtualMachine
from ...registry import command
from .turns import in_turn

if TYPE_CHECKING:
    from collections.abc import Generator

    from ...context import Context
    from ...identity import Account
    from ...params import Params


@command("createAffinityGroup")
def create_affinity_group(ctx: Context, params: Params) -> Generator[AffinityGroup, None, Any]:
    """A group of one of the types."""
    owner = ctx.owner(params)
    kind, name = params.text("type"), params.text("name")
    if kind not in AFFINITY_TYPES:
        raise invalid(
            f"Unable to create affinity group, invalid affinity group type: {kind}. Valid types are: "
            f"{', '.join(AFFINITY_TYPES)}"
        )
    if ctx.store.first(AffinityGroup, name=name, owner=owner) is not None:
        raise invalid(f"Unable to create affinity group, a group with name {name} already exists.")
    yield ctx.add(AffinityGroup(owner=owner, name=name, type=kind, description=params.optional("description")))


@command("listAffinityGroups")
def list_affinity_groups(ctx: Context, params: Params) -> Page:
    """Affinity groups, also those of one VM."""
    vm = params.entity("virtualmachineid", VirtualMachine)
    return ctx.list(
        AffinityGroup,
        params,
        lambda group: vm is None or group in vm.affinity_groups,
        ignore=("virtualmachineid",),
    )


@command("listAffinityGroupTypes")
def list_affinity_group_types(ctx: Context, params: Params) -> Page:
    """The types that a group can have."""
    return Page(len(AFFINITY_TYPES), [{"type": kind} for kind in AFFINITY_TYPES])


@command("deleteAffinityGroup")
def delete_affinity_group(ctx: Context, params: Params) -> bool:
    """A group; its VMs stay."""
    group = params.entity("id", AffinityGroup)
    if group is None:
        if not params.optional("name"):
            raise invalid("Either the affinity group Id or group name must be specified to delete the group")
        group = _named(ctx, params.text("name"), ctx.owner(params))
    for vm in group.members:
        vm.affinity_groups.remove(group)
    return ctx.remove(group)


@command("updateVMAffinityGroup")
@in_turn("id")
def update_vm_affinity_group(ctx: Context, params: Params, vm: VirtualMachine) -> Generator[Any, None, Any]:
    """Which groups a stopped VM is in."""
    if vm.state != STOPPED:
        raise invalid(f"Unable update affinity groups of the virtual machine {vm.name} in state {vm.state}")
    groups = groups_named(ctx, params, vm.owner)
    yield vm
    vm.affinity_groups = groups


def groups_named(ctx: Context, params: Params, owner: Account) -> list[AffinityGroup]:
    """The groups that `affinitygroupids` or `affinitygroupnames` name, for an owner's VM.

    Raises:
        ApiError: both are given, one is unknown (431), or another account's (531).
    """
    groups = params.entities("affinitygroupids", AffinityGroup)
    names = params.strings("affinitygroupnames")
    if groups and names:
        raise invalid("affinitygroupids parameter is mutually exclusive with affinitygroupnames parameter")
    groups = groups or [_named(ctx, name, owner) for name in names]
    for group in groups:
        if group.owner is not owner:
            raise denied(f"Affinity Group {group.name} does not belong to the VM's account")
    return list(dict.fromkeys(groups))


def _named(ctx: Context, name: str, owner: Account) -> AffinityGroup:
    found = ctx.store.first(AffinityGroup, name=name, owner=owner)
    if found is None:
        raise invalid(f"Unable to find affinity group {name}")
    return found
