"""How much zones and clusters have and give out, and how many there are of each thing.

Formats are those of the real server's metrics plugin: `16.00 Ghz`, `8.00 GB`, `12.50%`, `hosts up / all`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...capacity import allocated_on_host
from ...models.routers import INTERNAL_LB, ROUTER, Router
from ...models.storage import ImageStore, StoragePool
from ...models.systemvms import SystemVm
from ...models.topology import ENABLED, Cluster, Host, Pod, Zone
from ...registry import command
from ...replies import shape
from ..system.alerts import Alert
from ..system.management import ManagementHost
from .clusters import list_clusters
from .zones import list_zones

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...context import Context
    from ...lists import Page
    from ...params import Params


@command("listClustersMetrics")
def list_cluster_metrics(ctx: Context, params: Params) -> Page:
    """Clusters with their hosts' CPU and memory."""

    def shown(cluster: Cluster) -> dict[str, Any]:
        hosts = ctx.store.all(Host, cluster=cluster)
        up = sum(host.state == "Up" for host in hosts)
        managed = cluster.managedstate == "Managed"
        state = cluster.allocationstate if managed else cluster.managedstate
        return {**shape(cluster), "state": state, "hosts": f"{up} / {len(hosts)}", **_load(ctx, hosts)}

    return list_clusters(ctx, params).map(shown)


@command("listZonesMetrics")
def list_zone_metrics(ctx: Context, params: Params) -> Page:
    """Zones with their hosts' CPU and memory."""

    def shown(zone: Zone) -> dict[str, Any]:
        clusters = ctx.store.all(Cluster, zone=zone)
        usable = sum(item.allocationstate == ENABLED and item.managedstate == "Managed" for item in clusters)
        counted = {"state": zone.allocationstate, "clusters": f"{usable} / {len(clusters)}"}
        return {**shape(zone), **counted, **_load(ctx, ctx.store.all(Host, zone=zone))}

    return list_zones(ctx, params).map(shown)


def _load(ctx: Context, hosts: Sequence[Host]) -> dict[str, str]:
    """CPU and memory of some hosts together; VMs idle, and use the memory that they are given."""
    mhz = sum(host.cpunumber * host.cpuspeed for host in hosts)
    memory = sum(host.memorytotal for host in hosts)
    given = [allocated_on_host(ctx.store, host) for host in hosts]
    memory_share = _share(sum(item[2] for item in given), memory)
    return {
        "cputotal": f"{mhz / 1000:.2f} Ghz",
        "cpuused": "0.00%",
        "cpuallocated": _share(sum(item[1] for item in given), mhz),
        "memorytotal": f"{memory / 2**30:.2f} GB",
        "memoryused": memory_share,
        "memoryallocated": memory_share,
    }


def _share(part: int, whole: int) -> str:
    return f"{100 * part / max(whole, 1):.2f}%"


@command("listInfrastructure")
def list_infrastructure(ctx: Context, params: Params) -> dict[str, Any]:
    """How many there are of each thing."""
    store = ctx.store
    hosts = store.all(Host)
    return {
        "infrastructure": {
            "zones": len(store.all(Zone)),
            "pods": len(store.all(Pod)),
            "clusters": len(store.all(Cluster)),
            "hosts": len(hosts),
            "cpusockets": sum(host.cpusockets for host in hosts),
            "storagepools": len(store.all(StoragePool)),
            "imagestores": len(store.all(ImageStore)),
            "backuprepositories": 0,
            "objectstores": 0,
            "systemvms": len(store.all(SystemVm)),
            "routers": len(store.all(Router, role=ROUTER)),
            "ilbvms": len(store.all(Router, role=INTERNAL_LB)),
            "managementservers": len(store.all(ManagementHost)),
            "alerts": len(store.all(Alert)),
        }
    }
