"""Clusters, the hypervisors in them, and VMware data centres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ...errors import failed, invalid
from ...lists import Page
from ...models.storage import StoragePool
from ...models.topology import DISABLED, ENABLED, Cluster, Host, Pod, Zone
from ...registry import command
from ...store import Entity, relation
from ..system.management import HYPERVISORS

if TYPE_CHECKING:
    from ...context import Context
    from ...params import Params


def hypervisor_named(text: str) -> str:
    """A hypervisor as CloudStack writes it.

    Raises:
        ApiError: there is none of that name.
    """
    for name in HYPERVISORS:
        if name.lower() == text.lower():
            return name
    raise invalid(f"Unable to resolve {text} to a supported hypervisor type")


@command("addCluster")
def add_cluster(ctx: Context, params: Params) -> Page:
    """A cluster; one of VMware needs its data centre added before."""
    zone, pod, name = params.need("zoneid", Zone), params.need("podid", Pod), params.text("clustername")
    if pod.zone is not zone:
        raise invalid(f"Can't find pod with id {pod.id} in zone {zone.id}")
    if ctx.store.first(Cluster, pod=pod, name=name) is not None:
        raise failed(f"Unable to create cluster {name} in pod {pod.name}: there is one of that name")
    hypervisor = hypervisor_named(params.text("hypervisor"))
    if hypervisor == "VMware" and ctx.store.first(VmwareDc, zone=zone) is None:
        raise invalid(
            f"Zone {zone.id} is not associated with any VMware DC yet. Please add VMware DC to this zone first"
        )
    cluster = Cluster(
        name=name,
        pod=pod,
        hypervisortype=hypervisor,
        clustertype=params.text("clustertype"),
        allocationstate=_state(params, ENABLED),
        cpuovercommitratio=ctx.setting("cpu.overprovisioning.factor", zone),
        memoryovercommitratio=ctx.setting("mem.overprovisioning.factor", zone),
        arch=params.text("arch", "x86_64"),
        url=params.optional("url"),
    )
    return Page(1, [ctx.add(cluster)])


def _state(params: Params, default: str) -> str:
    state = params.text("allocationstate", default).capitalize()
    if state not in (ENABLED, DISABLED):
        raise invalid(f"Unable to resolve Allocation State '{state}' to a supported state")
    return state


@command("listClusters")
def list_clusters(ctx: Context, params: Params) -> Page:
    """Clusters."""
    return ctx.list(Cluster, params)


@command("updateCluster")
def update_cluster(ctx: Context, params: Params) -> Cluster:
    """Name, allocation state, managed state."""
    cluster = params.need("id", Cluster)
    cluster.allocationstate = _state(params, cluster.allocationstate)
    managed = params.text("managedstate", cluster.managedstate).capitalize()
    if managed not in ("Managed", "Unmanaged"):
        raise invalid(f"Unable to resolve Managed State '{managed}' to a supported state")
    cluster.managedstate = managed
    ctx.assign(cluster, params, "arch", "clustertype", clustername="name")
    return cluster


@command("deleteCluster")
def delete_cluster(ctx: Context, params: Params) -> bool:
    """A cluster without hosts and storage."""
    cluster = params.need("id", Cluster)
    if ctx.store.first(Host, cluster=cluster) is not None:
        raise failed(f"Cluster: {cluster.id} cannot be removed. Cluster still has hosts")
    if ctx.store.first(StoragePool, cluster=cluster) is not None:
        raise failed(f"Cluster: {cluster.name} cannot be removed. Cluster still has storage pools")
    return ctx.remove(cluster)


@command("listHypervisors")
def list_hypervisors(ctx: Context, params: Params) -> Page:
    """Hypervisors of a zone's clusters, or all that there are."""
    zone = params.entity("zoneid", Zone)
    if zone is None:
        names = list(HYPERVISORS)
    else:
        found = ctx.store.all(Cluster, lambda cluster: cluster.zone is zone)
        names = list(dict.fromkeys(cluster.hypervisortype for cluster in found))
    return Page(len(names), [{"name": name} for name in names])


@dataclass(eq=False, kw_only=True)
class VmwareDc(Entity):
    """A vCenter's data centre."""

    RESPONSE: ClassVar[str] = "VmwareDatacenterResponse"
    LABEL: ClassVar[str] = "VMware datacenter"

    name: str
    vcenter: str
    zone: Zone = relation()


@command("addVmwareDc")
def add_vmware_dc(ctx: Context, params: Params) -> VmwareDc:
    """A vCenter's data centre, one in each zone."""
    zone = params.need("zoneid", Zone)
    if ctx.store.first(VmwareDc, zone=zone) is not None:
        raise failed(
            f"Zone {zone.name} is already associated with a VMware datacenter. Only 1 VMware DC can be associated"
        )
    return ctx.add(VmwareDc(name=params.text("name"), vcenter=params.text("vcenter"), zone=zone))


@command("listVmwareDcs")
def list_vmware_dcs(ctx: Context, params: Params) -> Page:
    """Data centres of a zone."""
    return ctx.list(VmwareDc, params)


@command("removeVmwareDc")
def remove_vmware_dc(ctx: Context, params: Params) -> bool:
    """A zone's data centre, once no cluster needs it."""
    zone = params.need("zoneid", Zone)
    found = ctx.store.first(VmwareDc, zone=zone)
    if found is None:
        raise invalid(f"There is no VMware datacenter associated with zone {zone.name}")
    if ctx.store.first(Cluster, lambda cluster: cluster.zone is zone, hypervisortype="VMware") is not None:
        raise failed(f"Cannot remove VMware datacenter {found.name}: a cluster of the zone uses it")
    return ctx.remove(found)
