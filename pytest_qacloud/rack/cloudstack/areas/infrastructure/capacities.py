"""listCapacity: how full a zone is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...addresses import span, taken
from ...capacity import allocated_on_host, allocated_on_pool
from ...lists import Page, cut
from ...models.networks import PhysicalNetwork, VlanRange
from ...models.storage import ImageStore, StoragePool
from ...models.topology import Cluster, Host, Pod, Zone
from ...registry import command

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...context import Context
    from ...params import Params

_NAMES = {
    0: "MEMORY",
    1: "CPU",
    2: "STORAGE",
    3: "STORAGE_ALLOCATED",
    4: "VIRTUAL_NETWORK_PUBLIC_IP",
    5: "PRIVATE_IP",
    6: "SECONDARY_STORAGE",
    7: "VLAN",
    90: "CPU_CORE",
}


@command("listCapacity")
def list_capacity(ctx: Context, params: Params) -> Page:
    """Totals and use of each resource, by zone; narrowed to a pod or a cluster where one is named."""
    cluster = params.entity("clusterid", Cluster)
    pod = params.entity("podid", Pod) or (cluster.pod if cluster is not None else None)
    wanted = params.entity("zoneid", Zone) or (pod.zone if pod is not None else None)
    kind = params.optional_number("type")
    rows = [
        row
        for zone in ctx.store.all(Zone)
        if wanted in (None, zone)
        for row in _rows(ctx, zone, pod, cluster)
        if kind in (None, row["type"])
    ]
    return cut(ctx, rows, params)


def _rows(ctx: Context, zone: Zone, pod: Pod | None, cluster: Cluster | None) -> Iterable[dict[str, Any]]:
    store = ctx.store
    hosts = store.all(
        Host, lambda host: host.zone is zone and pod in (None, host.pod) and cluster in (None, host.cluster)
    )
    loads = [allocated_on_host(store, host) for host in hosts]
    pools = store.all(StoragePool, lambda pool: pool.zone is zone and cluster in (None, pool.cluster))
    allocated = sum(allocated_on_pool(store, pool) for pool in pools)
    size = sum(pool.disksizetotal for pool in pools)
    measured: list[tuple[int, float, float]] = [
        (0, sum(load[2] for load in loads), sum(h.memorytotal * float(h.cluster.memoryovercommitratio) for h in hosts)),
        (
            1,
            sum(load[1] for load in loads),
            sum(h.cpunumber * h.cpuspeed * float(h.cluster.cpuovercommitratio) for h in hosts),
        ),
        (90, sum(load[0] for load in loads), sum(host.cpunumber for host in hosts)),
        (2, allocated, size),
        (3, allocated, sum(pool.disksizetotal * float(pool.overprovisionfactor) for pool in pools)),
    ]
    pods = [item for item in store.all(Pod, zone=zone) if pod in (None, item)]
    private = [sum(1 for first, last in item.ranges for _ in span(first, last)) for item in pods]
    measured.append((5, sum(len(taken(store, item)) for item in pods), sum(private)))
    if pod is None:
        ranges = store.all(VlanRange, zone=zone, forvirtualnetwork=True)
        public = sum(1 for item in ranges for _ in span(item.startip, item.endip))
        images = store.all(ImageStore, zone=zone)
        measured += [
            (4, sum(len(taken(store, item)) for item in ranges), public),
            (6, sum(item.disksizeused for item in images), sum(item.disksizetotal for item in images)),
            (7, 0, sum(_vlans(item.vlan) for item in store.all(PhysicalNetwork, zone=zone))),
        ]
    for number, used, total in measured:
        row: dict[str, Any] = {"type": number, "name": _NAMES[number], "zoneid": zone.id, "zonename": zone.name}
        if pod is not None:
            row |= {"podid": pod.id, "podname": pod.name}
        if cluster is not None:
            row |= {"clusterid": cluster.id, "clustername": cluster.name}
        share = f"{100 * used / total:.2f}" if total else "0"
        yield row | {
            "capacityused": int(used),
            "capacityallocated": int(used),
            "capacitytotal": int(total),
            "percentused": share,
        }


def _vlans(text: str | None) -> int:
    total = 0
    for part in (text or "").split(","):
        low, _, high = part.partition("-")
        if low.strip().isdigit():
            total += int(high or low) - int(low) + 1
    return total
