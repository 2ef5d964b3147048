"""What must hold between the values of a pool, beyond the form of each. Pure.

A file with a mistake in one table is still checked in its others: each check names the parts of the pool it reads, and
runs when those could be read.
"""

from __future__ import annotations

from collections import defaultdict
from difflib import get_close_matches
from ipaddress import IPv4Address
from itertools import combinations
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from ..model import AddressRange, Hypervisor, ManagementNetwork, ManagementService, Role
from ..placeholders import FIXED, names_in
from .problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping
    from ipaddress import IPv4Network

    from ..model import (
        AdminLogin,
        CobblerService,
        Export,
        Machine,
        Network,
        ProcessRecipe,
        PublicNetwork,
        StorageNetwork,
        StorageService,
        VmwareService,
    )
    from .source import KeyPath

    Found = Iterator[Problem]


def problems(parts: Mapping[str, Any]) -> Found:
    """Everything wrong between the `parts`: values of the fields of `model.Pool`, by name, as far as they are known."""
    for needed, check in CHECKS:
        if all(name in parts for name in needed):
            yield from check(*(parts[name] for name in needed))


def networks_apart(network: Network) -> Found:
    """No two networks share an address, no two a VLAN."""
    cidrs = _networks(network)
    for (name, cidr), (other, taken) in combinations(cidrs.items(), 2):
        if cidr.overlaps(taken):
            message = f"{taken} overlaps network.{name}.cidr ({cidr}); give one of them other addresses"
            yield Problem(("network", other, "cidr"), message)
    vlans = {name: part.vlan for name, part in _routed(network).items() if part.vlan is not None}
    for (name, vlan), (other, again) in combinations(vlans.items(), 2):
        if vlan == again:
            message = f"VLAN {again} is network.{name}'s already; give one of them another"
            yield Problem(("network", other, "vlan"), message)
    guests = network.guest.vlans
    for name, vlan in vlans.items():
        if guests.first <= vlan <= guests.last:
            message = f"VLAN {vlan} lies in network.guest.vlans ({guests}); move one of them"
            yield Problem(("network", name, "vlan"), message)


def ranges_inside(network: Network) -> Found:
    """Every range and gateway lies in its network, and no gateway in a range."""
    for name, part in _routed(network).items():
        cidr, gateway = part.cidr, part.gateway
        if not _usable(gateway, cidr):
            message = f"{gateway} is no host address of {cidr}; write one between {cidr[1]} and {cidr[-2]}"
            yield Problem(("network", name, "gateway"), message)
        for key, addresses in _ranges(part).items():
            path = ("network", name, key)
            if not (_usable(addresses.first, cidr) and _usable(addresses.last, cidr)):
                message = f"{addresses} does not fit into {cidr}; stay between {cidr[1]} and {cidr[-2]}"
                yield Problem(path, message)
            elif gateway in addresses:
                message = f"{addresses} holds the gateway {gateway}; begin or end the range beside it"
                yield Problem(path, message)
    pod = network.management
    if pod.machines.overlaps(pod.system_vms):
        message = (
            f"{pod.system_vms} overlaps network.management.machines ({pod.machines}): CloudStack would give a "
            f"machine's address to a system VM; make the ranges disjoint"
        )
        yield Problem(("network", "management", "system_vms"), message)


def machines_distinct(machines: tuple[Machine, ...]) -> Found:
    """No two machines share a name, a MAC, an address or a BMC."""
    keys: dict[KeyPath, Callable[[Machine], Hashable]] = {
        ("name",): lambda machine: machine.name,
        ("mac",): lambda machine: machine.mac,
        ("ip",): lambda machine: machine.ip,
        ("bmc", "address"): lambda machine: f"{machine.bmc.address}:{machine.bmc.port}",
    }
    for key, of in keys.items():
        first: dict[Hashable, Machine] = {}
        for index, machine in enumerate(machines):
            taken = first.setdefault(of(machine), machine)
            if taken is not machine:
                owner = "another machine" if key == ("name",) else taken.name
                message = f"{of(machine)} is already that of {owner}; correct one of them"
                yield Problem(("machines", index, *key), message)


def machines_in_range(network: Network, machines: tuple[Machine, ...]) -> Found:
    """Each machine's address is one that machines may have."""
    allowed = network.management.machines
    for index, machine in enumerate(machines):
        if machine.ip not in allowed:
            message = f"{machine.ip} is outside network.management.machines ({allowed}); change it or widen the range"
            yield Problem(("machines", index, "ip"), message)


def roles_filled(hypervisor: Hypervisor, machines: tuple[Machine, ...]) -> Found:
    """One management machine, and one hypervisor or more unless CloudStack simulates them."""
    management = [index for index, machine in enumerate(machines) if machine.role is Role.MANAGEMENT]
    if not management:
        yield Problem(("machines",), 'no machine has role = "management"; give it to the one CloudStack runs on')
    for index in management[1:]:
        first = machines[management[0]].name
        message = f"{first} is the management machine already; make this one a hypervisor or a spare"
        yield Problem(("machines", index, "role"), message)
    if hypervisor is not Hypervisor.SIMULATOR and all(machine.role is not Role.HYPERVISOR for machine in machines):
        message = (
            f'no machine has role = "hypervisor", and VMs need one; give it to one, or set hypervisor = "simulator" '
            f'instead of "{hypervisor}"'
        )
        yield Problem(("machines",), message)


def profiles_known(cobbler: CobblerService, machines: tuple[Machine, ...]) -> Found:
    """Each machine has a Cobbler profile for each role it may play."""
    spares = [machine for machine in machines if machine.role is Role.SPARE]
    roles: dict[Role, list[Machine]] = defaultdict(list)
    for machine in machines:
        if machine.role is not Role.SPARE:
            roles[machine.role].append(machine)
    for role, users in roles.items():
        without = [machine.name for machine in (*users, *spares) if machine.profile is None]
        if without and role not in cobbler.profiles:
            message = f'is missing, and {", ".join(without)} may be a {role}; add "{role} = …" or a profile to each'
            yield Problem(("cobbler", "profiles", role.value), message)


def handed_out_once(network: Network, machines: tuple[Machine, ...], storage: StorageService) -> Found:
    """No address that CloudStack hands out belongs to a service or a BMC."""
    fixed: dict[KeyPath, str] = {("network", "dns", index): str(dns) for index, dns in enumerate(network.dns)}
    fixed[("storage", "server")] = storage.server
    fixed |= {("machines", index, "bmc", "address"): machine.bmc.address for index, machine in enumerate(machines)}
    pools = {"management.system_vms": network.management.system_vms, "public.addresses": network.public.addresses}
    if network.storage:
        pools["storage.addresses"] = network.storage.addresses
    for path, address in fixed.items():
        for name, addresses in pools.items():
            if _lies_in(address, addresses):
                message = (
                    f"{address} lies in network.{name} ({addresses}), which CloudStack hands out; move one of them"
                )
                yield Problem(path, message)


def exports_apart(storage: StorageService) -> Found:
    """No export is another's, nor lies in another: each is emptied by itself."""
    exports: dict[KeyPath, Export] = {
        ("storage", "primary", index): export for index, export in enumerate(storage.primary)
    }
    exports[("storage", "secondary")] = storage.secondary
    for (_, one), (path, other) in combinations(exports.items(), 2):
        first, second = PurePosixPath(one.path), PurePosixPath(other.path)
        if first == second:
            yield Problem((*path, "path"), f"{second} is {one.name}'s path too; give each export its own")
        elif first.is_relative_to(second) or second.is_relative_to(first):
            message = (
                f"{second} and {one.name}'s {first} lie one in the other, and each is emptied; put them side by side"
            )
            yield Problem((*path, "path"), message)
        if one.name == other.name:
            yield Problem((*path, "name"), f'"{other.name}" names another export too; name each differently')


def vcenter_given(hypervisor: Hypervisor, vmware: VmwareService | None) -> Found:
    """A pool of VMware hosts has its vCenter, and no other has one."""
    if hypervisor is Hypervisor.VMWARE and vmware is None:
        message = (
            'hypervisor = "vmware" needs it; add the table [vmware] with vcenter, datacenter, cluster, user, password'
        )
        yield Problem(("vmware",), message)
    if hypervisor is not Hypervisor.VMWARE and vmware is not None:
        yield Problem(("vmware",), f'is for hypervisor = "vmware", not "{hypervisor}"; take the table out')


def authority_used(management: ManagementService | AdminLogin) -> Found:
    """A CA file without TLS would look like protection where there is none."""
    if isinstance(management, ManagementService) and management.ca_file and not management.tls:
        yield Problem(("management", "ca_file"), "does nothing without TLS; add tls = true, or take it out")


def placeholders_known(process: ProcessRecipe) -> Found:
    """Each placeholder has a value in every run, and the server is looked for in one place, on a port it has."""
    known = (*FIXED, *(f"port.{name}" for name in process.ports))
    for path, text in _templates(process):
        for name in names_in(text):
            if name not in known:
                near = get_close_matches(name, known, 1)
                hint = f"did you mean {{{near[0]}}}?" if near else f"there are {', '.join(known)}"
                yield Problem(("process", *path), f"{{{name}}} stands for nothing; {hint}")
    ready = process.ready
    if (ready.url is None) is (ready.port is None):
        yield Problem(("process", "ready"), 'must say either url = "…" or port = "…"')
    if ready.port is not None and ready.port not in process.ports:
        message = f'"{ready.port}" is none of process.ports ({", ".join(process.ports)})'
        yield Problem(("process", "ready", "port"), message)


def _templates(process: ProcessRecipe) -> Iterator[tuple[KeyPath, str]]:
    """Every text with placeholders, and where it stands."""
    commands = {"build": process.build, "prepare": process.prepare, "start": process.start, "stop": process.stop}
    for name, command in commands.items():
        if command is not None:
            yield from (((name, "argv", index), text) for index, text in enumerate(command.argv))
    yield from ((("env", name), text) for name, text in process.env.items())
    if process.ready.url is not None:
        yield ("ready", "url"), process.ready.url


def _routed(network: Network) -> dict[str, ManagementNetwork | PublicNetwork | StorageNetwork]:
    """The networks that have a gateway, by their table's name."""
    parts: dict[str, ManagementNetwork | PublicNetwork | StorageNetwork] = {
        "management": network.management,
        "public": network.public,
    }
    return parts | ({"storage": network.storage} if network.storage else {})


def _networks(network: Network) -> dict[str, IPv4Network]:
    return {name: part.cidr for name, part in _routed(network).items()} | {"guest": network.guest.cidr}


def _ranges(part: ManagementNetwork | PublicNetwork | StorageNetwork) -> dict[str, AddressRange]:
    if isinstance(part, ManagementNetwork):
        return {"machines": part.machines, "system_vms": part.system_vms}
    return {"addresses": part.addresses}


def _usable(address: IPv4Address, cidr: IPv4Network) -> bool:
    return address in cidr and address not in (cidr.network_address, cidr.broadcast_address)


def _lies_in(host: str, addresses: AddressRange) -> bool:
    """Whether `host` is an address of the range; a name is looked up by nobody here."""
    try:
        return IPv4Address(host) in addresses
    except ValueError:
        return False


CHECKS: tuple[tuple[tuple[str, ...], Callable[..., Found]], ...] = (
    (("network",), networks_apart),
    (("network",), ranges_inside),
    (("machines",), machines_distinct),
    (("network", "machines"), machines_in_range),
    (("hypervisor", "machines"), roles_filled),
    (("cobbler", "machines"), profiles_known),
    (("network", "machines", "storage"), handed_out_once),
    (("storage",), exports_apart),
    (("hypervisor", "vmware"), vcenter_given),
    (("management",), authority_used),
    (("process",), placeholders_known),
)
