"""System VMs: an enabled zone gets them by itself once it has a host, storage and the system VM template."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import addresses, capacity, placement, simulators
from ...errors import failed, no_capacity
from ...models.networks import VlanRange
from ...models.storage import ImageStore, StoragePool
from ...models.systemvms import CONSOLE_PROXY, CPU_MHZ, MEMORY_BYTES, SECONDARY_STORAGE, SystemVm, SystemVmAgent
from ...models.topology import ENABLED, Host, Zone
from ...registry import command, settles

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ...context import Context
    from ...lists import Page
    from ...params import Params
    from ...server import ManagementServer
    from ...store import Entity, Store

START_S = 0.2
"""How long a system VM takes to start, seconds."""

_KINDS = ((SECONDARY_STORAGE, "s"), (CONSOLE_PROXY, "v"))


@addresses.holds_addresses
def _held(store: Store, source: Entity) -> Iterable[str]:
    for vm in store.all(SystemVm):
        if vm.pod is source and vm.privateip is not None:
            yield vm.privateip
        if vm.public_range is source and vm.publicip is not None:
            yield vm.publicip


@capacity.uses_host
def _load(store: Store, host: Host) -> tuple[int, int, int]:
    here = store.all(SystemVm, host=host)
    return len(here), len(here) * CPU_MHZ, sum(MEMORY_BYTES[vm.systemvmtype] for vm in here)


@placement.leaves_host
def _leave(ctx: Context, host: Host, force: bool) -> bool:
    for vm in ctx.store.all(SystemVm, host=host):
        vm.host, vm.due, vm.state = None, None, "Starting"
        if not _place(ctx.server, vm, avoid=[host]) and not force:
            vm.host, vm.state = host, "Running"
            return False
    return True


@settles
def settle(server: ManagementServer) -> None:
    """Start what should run; what lost its host starts on another one."""
    for zone in server.store.all(Zone, allocationstate=ENABLED):
        for kind, letter in _KINDS:
            vm = server.store.first(SystemVm, zone=zone, systemvmtype=kind)
            if vm is None:
                if not _ready(server, zone):
                    continue
                name = f"{letter}-{server.store.next_number('vm')}-VM"
                vm = server.store.add(SystemVm(name=name, systemvmtype=kind, zone=zone), server.clock.now())
            _advance(server, vm)


def _ready(server: ManagementServer, zone: Zone) -> bool:
    store = server.store
    if store.first(Host, lambda host: host.zone is zone and host.usable()) is None:
        return False
    if store.first(StoragePool, zone=zone, state="Up") is None:
        return False
    if simulators.in_zone(store, zone):
        return store.first(ImageStore, zone=zone) is not None
    return any(server.hardware.template_seeded(image.url) for image in store.all(ImageStore, zone=zone))


def _advance(server: ManagementServer, vm: SystemVm) -> None:
    if vm.state == "Running" and (vm.host is None or vm.host.state != "Up"):
        vm.state, vm.host, vm.due = "Starting", None, None
    if vm.state != "Starting" or server.faults.active("systemvm_stuck") is not None:
        return
    if vm.host is None and not _place(server, vm):
        return
    if vm.due is not None and vm.due <= server.clock.now():
        vm.state, vm.due, vm.version = "Running", None, server.version
        if server.store.first(SystemVmAgent, systemvm=vm) is None:
            server.store.add(SystemVmAgent(systemvm=vm, version=server.version), server.clock.now())


def _place(server: ManagementServer, vm: SystemVm, avoid: Iterable[Entity] = ()) -> bool:
    """Give a system VM a host and, the first time, its addresses."""
    store = server.store
    hosts = placement.hosts_for(store, vm.zone, CPU_MHZ, MEMORY_BYTES[vm.systemvmtype], avoid=avoid)
    if not hosts:
        return False
    vm.host, vm.pod = hosts[0], hosts[0].pod
    vm.due = server.clock.now() + START_S
    if vm.privateip is None:
        vm.privateip = addresses.pick(store, vm.pod, vm.pod.ranges)
        vm.privatemacaddress = mac_address(store)
        vm.linklocalip, vm.linklocalmacaddress = f"169.254.{store.next_number('linklocal') % 250}.2", mac_address(store)
    if vm.publicip is None:
        _take_public(store, vm)
    return True


def _take_public(store: Store, vm: SystemVm) -> None:
    for found in store.all(VlanRange, zone=vm.zone, forvirtualnetwork=True, network=None):
        address = addresses.pick(store, found, [(found.startip, found.endip)])
        if address is not None and found.holder is None and found.holder_domain is None:
            vm.publicip, vm.public_range, vm.publicmacaddress = address, found, mac_address(store)
            return


def mac_address(store: Store) -> str:
    """A fresh MAC address, as CloudStack gives them out (locally administered, counted up)."""
    number = store.next_number("mac")
    return ":".join(("1e", "00", *(f"{number >> shift & 0xFF:02x}" for shift in (24, 16, 8, 0))))


@command("listSystemVms")
def list_system_vms(ctx: Context, params: Params) -> Page:
    """System VMs."""
    pool = params.entity("storageid", StoragePool)
    return ctx.list(
        SystemVm,
        params,
        lambda vm: pool is None or (vm.host is not None and pool.serves(vm.host.cluster)),
        ignore=("storageid",),
    )


@command("startSystemVm")
def start_system_vm(ctx: Context, params: Params) -> SystemVm:
    """Start one that was stopped."""
    vm = params.need("id", SystemVm)
    if vm.state == "Stopped":
        _start(ctx, vm)
    return vm


def _start(ctx: Context, vm: SystemVm) -> None:
    vm.host, vm.state = None, "Starting"
    if not _place(ctx.server, vm):
        vm.state = "Stopped"
        raise no_capacity(f"Unable to start system VM {vm.name}: no host has room for it")
    vm.due = ctx.now
    _advance(ctx.server, vm)


@command("stopSystemVm")
def stop_system_vm(ctx: Context, params: Params) -> Iterator[SystemVm]:
    """Stop one; it stays stopped until it is started or destroyed."""
    vm = params.need("id", SystemVm)
    vm.state = "Stopping" if vm.state == "Running" else vm.state
    yield vm
    vm.state, vm.host, vm.due = "Stopped", None, None


@command("rebootSystemVm")
def reboot_system_vm(ctx: Context, params: Params) -> SystemVm:
    """Stop and start one in one go."""
    vm = params.need("id", SystemVm)
    if vm.state != "Running":
        raise failed(f"Unable to reboot system VM {vm.name}: it is {vm.state}")
    return vm


@command("destroySystemVm")
def destroy_system_vm(ctx: Context, params: Params) -> Iterator[SystemVm]:
    """Destroy one; the zone makes a new one in its place."""
    vm = params.need("id", SystemVm)
    yield vm
    vm.state = "Expunging"
    ctx.remove(vm)


@command("migrateSystemVm")
def migrate_system_vm(ctx: Context, params: Params) -> SystemVm:
    """Move one to another host."""
    vm = params.need("virtualmachineid", SystemVm)
    target = params.entity("hostid", Host)
    if vm.state != "Running":
        raise failed(f"VM is not Running, unable to migrate the vm {vm.name}")
    found = placement.hosts_for(
        ctx.store,
        vm.zone,
        CPU_MHZ,
        MEMORY_BYTES[vm.systemvmtype],
        avoid=[] if vm.host is None else [vm.host],
        where=lambda host: target in (None, host),
    )
    if not found:
        raise failed(f"Unable to migrate {vm.name}: no suitable host")
    vm.host, vm.pod = found[0], found[0].pod
    return vm
