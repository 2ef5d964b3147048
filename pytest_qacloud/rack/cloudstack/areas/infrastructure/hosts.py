"""Hosts: added by logging in to them; their state is that of the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ... import simulators
from ...errors import failed, invalid, unavailable
from ...hardware import HardwareError
from ...lists import Page
from ...models.annotations import Annotation
from ...models.systemvms import SystemVm, SystemVmAgent
from ...models.topology import DISABLED, ENABLED, Cluster, Host, Pod, Zone
from ...placement import evacuate, holds_host
from ...registry import command
from ...store import Entity
from ..system.management import HYPERVISORS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...context import Context
    from ...hardware import HostFacts
    from ...params import Params

MAINTENANCE = "Maintenance"


@command("addHost")
def add_host(ctx: Context, params: Params) -> Page:
    """A hypervisor: the server logs in to it and takes down what it finds."""
    cluster = _cluster(ctx, params)
    url = params.text("url")
    parts = urlsplit(url)
    if not parts.scheme:
        raise invalid(f"uri.scheme is null {url}, add http:// as a prefix")
    if not parts.hostname:
        raise invalid(f"{url} is not a valid uri")
    if cluster.hypervisortype.lower() != params.text("hypervisor").lower():
        raise failed(
            f"Unable to add the host: Can't add host whose hypervisor type is: {params.text('hypervisor')} into "
            f"cluster: {cluster.id} whose hypervisor type is: {cluster.hypervisortype}"
        )
    simulated = cluster.hypervisortype == simulators.NAME
    address = simulators.address(ctx.store, cluster.pod) if simulated else parts.hostname
    if ctx.store.first(Host, ipaddress=address) is not None:
        raise failed(f"Unable to add the host: the host {address} has been added before")
    facts = simulators.probe(parts) if simulated else _probe(ctx, params, address)
    if ctx.store.first(Host, lambda host: host.cluster.zone is cluster.zone, name=facts.name) is not None:
        raise failed(f"Unable to add the host: a host named {facts.name} is in the zone already")
    host = Host(
        hardware=simulators.ALWAYS_UP if simulated else ctx.hardware,
        name=facts.name,
        ipaddress=address,
        cluster=cluster,
        hypervisorversion=facts.hypervisor_version,
        cpunumber=facts.cpu_number,
        cpuspeed=facts.cpu_mhz,
        memorytotal=facts.memory_bytes,
        version=ctx.server.version,
        hosttags=",".join(params.strings("hosttags")) or None,
        username=params.text("username"),
        resourcestate=params.text("allocationstate", ENABLED).capitalize(),
    )
    return Page(1, [ctx.add(host)])


def _probe(ctx: Context, params: Params, address: str) -> HostFacts:
    try:
        return ctx.hardware.probe(address, params.text("username"), params.text("password"))
    except HardwareError as error:
        raise failed(
            f"Cannot find the server resources at {params.text('url')} - Unable to add the host: "
            f"Could not connect to host at {address}: {error}"
        ) from None


def _cluster(ctx: Context, params: Params) -> Cluster:
    zone, pod = params.need("zoneid", Zone), params.need("podid", Pod)
    cluster, name = params.entity("clusterid", Cluster), params.optional("clustername")
    if cluster is not None and name is not None:
        raise invalid("Can't specify cluster by both id and name")
    if cluster is None and name is not None:
        cluster = ctx.store.first(Cluster, pod=pod, name=name)
        if cluster is None:
            cluster = ctx.store.add(Cluster(name=name, pod=pod, hypervisortype=params.text("hypervisor")), ctx.now)
    if cluster is None:
        raise invalid("Can't find cluster: specify clusterid or clustername")
    if cluster.pod is not pod or pod.zone is not zone:
        raise invalid(f"Cluster {cluster.name} is not in pod {pod.name} of zone {zone.name}")
    return cluster


@command("listHosts", "listHostsMetrics")
def list_hosts(ctx: Context, params: Params) -> Page:
    """Hosts, and the agents in system VMs; a hypervisor that there is not filters nothing."""
    found: list[Entity] = [*ctx.store.all(Host), *ctx.store.all(SystemVmAgent)]
    vm = params.entity("virtualmachineid", Entity)
    if vm is not None:
        here = getattr(vm, "host", None)
        cluster = here.cluster if here is not None else None
        found = [host for host in found if isinstance(host, Host) and host.cluster is cluster and host is not here]
    ignore = {"virtualmachineid", "outofbandmanagementenabled", "managementserverid"}
    if params.text("hypervisor").lower() not in {name.lower() for name in HYPERVISORS}:
        ignore.add("hypervisor")
    return ctx.page(found, params, ignore=ignore)


@command("updateHost")
def update_host(ctx: Context, params: Params) -> Host:
    """Tags, name, category, allocation state."""
    host = params.need("id", Host)
    state = params.optional("allocationstate")
    if state is not None:
        states = {"enable": ENABLED, "disable": DISABLED}
        if state.lower() not in states:
            raise invalid(f"Invalid allocation state: {state}, only Enable/Disable are allowed")
        if host.resourcestate not in (ENABLED, DISABLED):
            raise failed(
                f"Cannot change the allocation state of host {host.name} in resource state {host.resourcestate}"
            )
        host.resourcestate = states[state.lower()]
    if "hosttags" in params:
        host.hosttags = ",".join(params.strings("hosttags")) or None
    ctx.assign(host, params, "name", "istagarule", oscategoryid="oscategory")
    if "annotation" in params:
        text = params.optional("annotation")
        ctx.add(Annotation(annotation=text, entitytype="HOST", entityid=host.id, subject=host, user=ctx.user))
    return host


@command("prepareHostForMaintenance")
def prepare_for_maintenance(ctx: Context, params: Params) -> Iterator[Host]:
    """Move everything off a host."""
    host = params.need("id", Host)
    if host.resourcestate in (MAINTENANCE, "PrepareForMaintenance"):
        raise failed(f"Host is already in state {host.resourcestate}. Cannot recall for maintenance until resolved.")
    before, host.resourcestate = host.resourcestate, "PrepareForMaintenance"
    yield host
    if not evacuate(ctx, host):
        host.resourcestate = "ErrorInMaintenance"
        raise failed(f"Unable to prepare for maintenance host {host.name}: a VM on it fits on no other host")
    host.resourcestate = MAINTENANCE
    host.details["stateBeforeMaintenance"] = before


@command("cancelHostMaintenance")
def cancel_maintenance(ctx: Context, params: Params) -> Host:
    """Use a host again."""
    host = params.need("id", Host)
    if host.resourcestate not in (MAINTENANCE, "PrepareForMaintenance", "ErrorInMaintenance"):
        raise failed(f"Cannot perform cancelMaintenance when resource state is {host.resourcestate}, host: {host.name}")
    host.resourcestate = host.details.pop("stateBeforeMaintenance", ENABLED)
    return host


@command("reconnectHost")
def reconnect_host(ctx: Context, params: Params) -> Host:
    """Connect to a host's agent anew."""
    host = params.need("id", Host)
    if host.state != "Up":
        raise unavailable(f"Unable to reconnect to host {host.name}: it does not answer")
    return host


@command("deleteHost")
def delete_host(ctx: Context, params: Params) -> bool:
    """A host that is in maintenance, or with `forced` one whose VMs are stopped first."""
    host = params.need("id", Host)
    if host.resourcestate != MAINTENANCE and not params.flag("forced"):
        raise failed(
            f"Host {host.name} cannot be deleted as it is not in maintenance mode. Either put the host into "
            "maintenance or perform a forced deletion."
        )
    if params.flag("forced"):
        evacuate(ctx, host, force=True)
    elif holds_host(ctx, host):
        raise failed(f"Unable to delete the host as there are vms on it: {host.name}")
    for vm in ctx.store.all(SystemVm, host=host):
        vm.host = None
    return ctx.remove(host)
