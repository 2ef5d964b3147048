"""How much of hosts and pools is given out; areas register what they put there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .models.storage import StoragePool
    from .models.topology import Host
    from .store import Store

HostUser = Callable[["Store", "Host"], tuple[int, int, int]]
PoolUser = Callable[["Store", "StoragePool"], int]

_HOST_USERS: list[HostUser] = []
_POOL_USERS: list[PoolUser] = []


def uses_host(user: HostUser) -> HostUser:
    """Register what runs on a host: `(cores, MHz, memory in bytes)` in total."""
    _HOST_USERS.append(user)
    return user


def uses_pool(user: PoolUser) -> PoolUser:
    """Register what lies on a storage pool, in bytes."""
    _POOL_USERS.append(user)
    return user


def allocated_on_host(store: Store, host: Host) -> tuple[int, int, int]:
    """Cores, MHz and bytes of memory given out on a host."""
    loads = [user(store, host) for user in _HOST_USERS]
    return sum(load[0] for load in loads), sum(load[1] for load in loads), sum(load[2] for load in loads)


def allocated_on_pool(store: Store, pool: StoragePool) -> int:
    """Bytes given out on a pool."""
    return sum(user(store, pool) for user in _POOL_USERS)


def fits(store: Store, host: Host, mhz: int, memory_bytes: int) -> bool:
    """Whether a host has room for a VM, with its cluster's over-commit ratios."""
    _, used_mhz, used_memory = allocated_on_host(store, host)
    cpu = host.cpunumber * host.cpuspeed * float(host.cluster.cpuovercommitratio)
    memory = host.memorytotal * float(host.cluster.memoryovercommitratio)
    return used_mhz + mhz <= cpu and used_memory + memory_bytes <= memory
