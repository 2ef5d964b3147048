"""Pods and their addresses for system VMs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...addresses import check_range, network, overlap, taken
from ...errors import failed, invalid
from ...models.networks import StorageRange
from ...models.topology import DISABLED, ENABLED, Cluster, Pod, Zone
from ...registry import command

if TYPE_CHECKING:
    from ...context import Context
    from ...lists import Page
    from ...params import Params


@command("createPod")
def create_pod(ctx: Context, params: Params) -> Pod:
    """A pod with its first range of addresses."""
    zone, name = params.need("zoneid", Zone), params.text("name")
    if ctx.store.first(Pod, zone=zone, name=name) is not None:
        raise invalid(f"A pod with name: {name} already exists in zone {zone.id}. Please specify a different pod name.")
    gateway, netmask, first = (params.text(item) for item in ("gateway", "netmask", "startip"))
    last = params.text("endip", first)
    check_range(first, last, gateway, netmask)
    _check_overlap(ctx, zone, (first, last))
    return ctx.add(
        Pod(
            name=name,
            zone=zone,
            gateway=gateway,
            netmask=netmask,
            ranges=[(first, last)],
            allocationstate=params.text("allocationstate", ENABLED),
        )
    )


def _check_overlap(ctx: Context, zone: Zone, wanted: tuple[str, str], itself: Pod | None = None) -> None:
    for pod in ctx.store.all(Pod, zone=zone):
        if pod is not itself and any(overlap(wanted, held) for held in pod.ranges):
            raise invalid(
                f"The new range overlaps with the range of pod {pod.name}. Please add a mutually exclusive range."
            )


@command("listPods")
def list_pods(ctx: Context, params: Params) -> Page:
    """Pods."""
    return ctx.list(Pod, params)


@command("updatePod")
def update_pod(ctx: Context, params: Params) -> Pod:
    """Name, gateway, netmask, the one range, allocation state."""
    pod = params.need("id", Pod)
    gateway, netmask = params.text("gateway", pod.gateway), params.text("netmask", pod.netmask)
    network(gateway, netmask)
    if "startip" in params or "endip" in params:
        old_first, old_last = pod.ranges[0] if pod.ranges else ("", "")
        first, last = params.text("startip", old_first), params.text("endip", old_last)
        check_range(first, last, gateway, netmask)
        _check_overlap(ctx, pod.zone, (first, last), pod)
        kept = {address for address in taken(ctx.store, pod) if overlap((address, address), (first, last))}
        if kept != taken(ctx.store, pod):
            raise invalid("The IP range does not contain some IP addresses that have been allocated")
        pod.ranges[:1] = [(first, last)]
    state = params.text("allocationstate", pod.allocationstate)
    if state not in (ENABLED, DISABLED):
        raise invalid(f"Unable to resolve Allocation State '{state}' to a supported state")
    pod.gateway, pod.netmask, pod.allocationstate = gateway, netmask, state
    ctx.assign(pod, params, "name")
    return pod


@command("deletePod")
def delete_pod(ctx: Context, params: Params) -> bool:
    """A pod that nothing is in."""
    pod = params.need("id", Pod)
    if ctx.store.first(Cluster, pod=pod) is not None:
        raise failed("The pod cannot be deleted because there are clusters in this pod.")
    return ctx.remove(pod)


@command("createManagementNetworkIpRange")
def create_management_range(ctx: Context, params: Params) -> Pod:
    """One more range of a pod."""
    pod = params.need("podid", Pod)
    first = params.text("startip")
    last = params.text("endip", first)
    check_range(first, last, params.text("gateway"), params.text("netmask"))
    _check_overlap(ctx, pod.zone, (first, last))
    pod.ranges.append((first, last))
    return pod


@command("deleteManagementNetworkIpRange")
def delete_management_range(ctx: Context, params: Params) -> bool:
    """A range of a pod that nothing uses."""
    pod, wanted = params.need("podid", Pod), (params.text("startip"), params.text("endip"))
    if wanted not in pod.ranges:
        raise invalid(f"The input IP range: {wanted[0]}-{wanted[1]} of pod: {pod.name} is not present.")
    if any(overlap((address, address), wanted) for address in taken(ctx.store, pod)):
        raise failed("Some IPs of the range has been allocated, so it cannot be deleted.")
    pod.ranges.remove(wanted)
    return True


@command("createStorageNetworkIpRange")
def create_storage_range(ctx: Context, params: Params) -> StorageRange:
    """A range on the storage network."""
    first = params.text("startip")
    last = params.text("endip", first)
    check_range(first, last, params.text("gateway"), params.text("netmask"))
    return ctx.add(
        StorageRange(
            pod=params.need("podid", Pod),
            vlan=params.optional_number("vlan"),
            startip=first,
            endip=last,
            gateway=params.text("gateway"),
            netmask=params.text("netmask"),
        )
    )


@command("listStorageNetworkIpRange")
def list_storage_ranges(ctx: Context, params: Params) -> Page:
    """Ranges on the storage network."""
    return ctx.list(StorageRange, params)


@command("updateStorageNetworkIpRange")
def update_storage_range(ctx: Context, params: Params) -> StorageRange:
    """Its ends, VLAN and netmask."""
    found = params.need("id", StorageRange)
    first, last = params.text("startip", found.startip), params.text("endip", found.endip)
    netmask = params.text("netmask", found.netmask)
    check_range(first, last, found.gateway, netmask)
    found.startip, found.endip, found.netmask = first, last, netmask
    ctx.assign(found, params, "vlan")
    return found


@command("deleteStorageNetworkIpRange")
def delete_storage_range(ctx: Context, params: Params) -> bool:
    """A range on the storage network."""
    return ctx.remove(params.need("id", StorageRange))
