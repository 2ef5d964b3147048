"""ISOs in VMs' drives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import denied, invalid
from ...models.images import Template
from ...models.machines import RUNNING, STOPPED, VirtualMachine
from ...registry import command
from .turns import in_turn

if TYPE_CHECKING:
    from collections.abc import Generator

    from ...context import Context
    from ...params import Params


def _check_state(vm: VirtualMachine) -> None:
    if vm.state not in (RUNNING, STOPPED):
        raise invalid("Please specify a VM that is either Stopped or Running.")


@command("attachIso")
@in_turn("virtualmachineid")
def attach_iso(ctx: Context, params: Params, vm: VirtualMachine) -> Generator[Any, None, Any]:
    """Put an ISO into a VM's drive."""
    iso = params.need("id", Template)
    if iso.format != "ISO":
        raise invalid(f"Unable to find an ISO with id {iso.id}")
    if not iso.usable_by(vm.owner) and not ctx.caller.is_root_admin:
        raise denied(f"Account {vm.owner.name} does not have permission to use ISO {iso.id}")
    if not iso.ready_in(vm.zone):
        raise invalid("ISO is not available in the zone the VM is in.")
    _check_state(vm)
    yield vm
    vm.iso = iso


@command("detachIso")
@in_turn("virtualmachineid")
def detach_iso(ctx: Context, params: Params, vm: VirtualMachine) -> Generator[Any, None, Any]:
    """Empty a VM's drive."""
    if vm.iso is None:
        raise invalid("The specified VM has no ISO attached to it.")
    _check_state(vm)
    yield vm
    vm.iso = None
