"""A VM's interfaces: added, removed, listed, given other addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import ApiError, failed, invalid
from ...lists import Page, cut
from ...models.guests import Network, Nic, SecondaryIp
from ...models.machines import RUNNING, STOPPED, VirtualMachine, VmSnapshot
from ...ports_network import address_in, allocate_nic, check_network, implement, release_nic
from ...registry import command
from ...replies import shape
from .names import check_unique
from .turns import in_turn

if TYPE_CHECKING:
    from collections.abc import Generator

    from ...context import Context
    from ...params import Params


def _check_changeable(ctx: Context, vm: VirtualMachine) -> None:
    if vm.state not in (RUNNING, STOPPED):
        raise failed(f"Unable to change the NICs of {vm.name}: it is not Running or Stopped but {vm.state}")
    if ctx.store.first(VmSnapshot, virtualmachine=vm) is not None:
        raise invalid("NICs of a VM with VM Snapshots cannot be changed")


@command("addNicToVirtualMachine")
@in_turn("virtualmachineid")
def add_nic(ctx: Context, params: Params, vm: VirtualMachine) -> Generator[Any, None, Any]:
    """One more network for a VM."""
    network = params.need("networkid", Network)
    _check_changeable(ctx, vm)
    check_network(ctx, network, vm.zone, vm.owner)
    if any(nic.network is network for nic in vm.nics):
        raise failed(f"A NIC already exists for VM:{vm.instancename} in network: {network.id}")
    check_unique(ctx, vm.name, [network], vm)
    yield vm
    nic = allocate_nic(
        ctx,
        network,
        vm,
        ipaddress=params.optional("ipaddress"),
        macaddress=params.optional("macaddress"),
        isdefault=not vm.nics,
    )
    if vm.state == RUNNING:
        try:
            implement(ctx, network)
        except ApiError:
            ctx.remove(nic)
            raise


def _nic_of(params: Params, vm: VirtualMachine) -> Nic:
    nic = params.need("nicid", Nic)
    if nic.virtualmachine is not vm:
        raise invalid(f"{nic.id} is not a nic on {vm.name}")
    return nic


@command("removeNicFromVirtualMachine")
@in_turn("virtualmachineid")
def remove_nic(ctx: Context, params: Params, vm: VirtualMachine) -> Generator[Any, None, Any]:
    """A network less; never the default one."""
    nic = _nic_of(params, vm)
    _check_changeable(ctx, vm)
    if nic.isdefault:
        raise invalid(f"Unable to remove nic from {vm.name} in {nic.network.name}, nic is default.")
    yield vm
    release_nic(ctx, nic)


@command("updateDefaultNicForVirtualMachine")
@in_turn("virtualmachineid")
def update_default_nic(ctx: Context, params: Params, vm: VirtualMachine) -> Generator[Any, None, Any]:
    """Which interface the default route uses."""
    nic = _nic_of(params, vm)
    _check_changeable(ctx, vm)
    if nic.isdefault:
        raise failed("refusing to set default nic because chosen nic is already the default")
    yield vm
    for other in vm.nics:
        other.isdefault = other is nic


@command("listNics")
def list_nics(ctx: Context, params: Params) -> Page:
    """The interfaces of a VM."""
    vm = params.need("virtualmachineid", VirtualMachine)
    if not vm.usable_by(ctx.caller):
        raise invalid(f"Unable to find the VM {vm.id}")
    network, wanted = params.entity("networkid", Network), params.entity("nicid", Nic)
    found = [nic for nic in vm.nics if network in (None, nic.network) and wanted in (None, nic)]
    return cut(ctx, [shape(nic) for nic in found], params)


@command("addIpToNic")
def add_ip(ctx: Context, params: Params) -> Generator[SecondaryIp, None, Any]:
    """A further address for an interface."""
    nic = params.need("nicid", Nic)
    found = address_in(ctx, nic.network, params.optional("ipaddress"))
    if found is None:
        raise invalid(f"Network {nic.network.name} gives out no addresses")
    yield ctx.add(SecondaryIp(nic=nic, ipaddress=found))


@command("removeIpFromNic")
def remove_ip(ctx: Context, params: Params) -> bool:
    """A further address less."""
    return ctx.remove(params.need("id", SecondaryIp))


@command("updateVmNicIp")
def update_nic_ip(ctx: Context, params: Params) -> Generator[VirtualMachine, None, Any]:
    """Another address for an interface of a stopped VM."""
    nic = params.need("nicid", Nic)
    vm = nic.virtualmachine
    if not isinstance(vm, VirtualMachine):
        raise invalid("The nic does not belong to a user vm")
    if vm.state != STOPPED:
        raise invalid(f"The VM {vm.name} has to be stopped to change an address of it")
    wanted = params.optional("ipaddress")
    if wanted == nic.ipaddress:
        raise invalid(f"The nic {nic.id} has the address {wanted} already")
    nic.ipaddress = address_in(ctx, nic.network, wanted)
    yield vm
