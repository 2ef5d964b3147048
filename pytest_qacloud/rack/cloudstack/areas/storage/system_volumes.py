"""The root volumes of system VMs and routers: made with their first start, gone with them, on pools in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...disks import SYSTEM_BYTES, split
from ...identity import system_account
from ...models.routers import Router
from ...models.storage import StoragePool
from ...models.systemvms import SystemVm, SystemVolume
from ...registry import settles

if TYPE_CHECKING:
    from ...identity import Account
    from ...server import ManagementServer
    from ...store import Store

_TYPES = {"consoleproxy": "ConsoleProxy", "secondarystoragevm": "SecondaryStorageVm"}


@settles
def _equip(server: ManagementServer) -> None:
    """Give every system VM that has a host its volume; one whose pool went out of use starts from another."""
    store = server.store
    volumes = {volume.systemvm: volume for volume in store.all(SystemVolume)}
    owner = system_account(store)
    vms: list[SystemVm | Router] = [*store.all(SystemVm), *store.all(Router)]
    for vm in vms:
        if vm.host is None:
            continue
        volume = volumes.get(vm) or _new(server, vm, vm.owner if isinstance(vm, Router) else owner)
        if volume.pool is None or volume.pool.state != "Up":
            volume.pool = _pool_for(store, vm)


def _new(server: ManagementServer, vm: SystemVm | Router, owner: Account) -> SystemVolume:
    number = vm.name.split("-")[1]
    return server.store.add(
        SystemVolume(
            owner=owner,
            name=f"ROOT-{number}",
            zone=vm.zone,
            systemvm=vm,
            vmtype=_TYPES.get(getattr(vm, "systemvmtype", ""), "DomainRouter"),
            size=SYSTEM_BYTES,
        ),
        server.clock.now(),
    )


def _pool_for(store: Store, vm: SystemVm | Router) -> StoragePool | None:
    """A pool that the VM's host reaches; those with tags only where there is no other."""
    found = store.all(StoragePool, lambda pool: vm.host is not None and pool.serves(vm.host.cluster), state="Up")
    return min(found, key=lambda pool: bool(split(pool.tags)), default=None)
