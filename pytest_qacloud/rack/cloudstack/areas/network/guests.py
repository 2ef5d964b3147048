"""Which address of a VM rules reach it by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import invalid
from ...models.guests import Network, Nic, SecondaryIp

if TYPE_CHECKING:
    from ...models.machines import VirtualMachine


def nic_in(vm: VirtualMachine, network: Network) -> Nic:
    """A VM's interface in a network.

    Raises:
        ApiError: it has none there.
    """
    nic = vm.store.first(Nic, virtualmachine=vm, network=network)
    if nic is None or nic.ipaddress is None:
        raise invalid(f"VM {vm.name} doesn't belong to network {network.name}, which the IP address is for")
    return nic


def address_of(vm: VirtualMachine, network: Network, wanted: str | None = None) -> str:
    """A VM's address in a network, or a further one of its interface.

    Raises:
        ApiError: it has no such address there.
    """
    nic = nic_in(vm, network)
    primary = str(nic.ipaddress)
    if wanted in (None, primary):
        return primary
    further = vm.store.first(SecondaryIp, nic=nic, ipaddress=wanted)
    if further is None:
        raise invalid(f"VM ip {wanted} address not belongs to the vm {vm.name}")
    return further.ipaddress
