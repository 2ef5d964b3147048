"""Physical networks and their kinds of traffic."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...errors import failed, invalid
from ...identity import Domain
from ...models.networks import PhysicalNetwork, TrafficType
from ...models.topology import DISABLED, ENABLED, Zone
from ...registry import command
from ..network import vlans
from .providers import add_default_providers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...context import Context
    from ...lists import Page
    from ...params import Params

TRAFFIC_TYPES = ("Public", "Guest", "Storage", "Management")
_LABELS = ("kvmnetworklabel", "xennetworklabel", "vmwarenetworklabel", "hypervnetworklabel", "ovm3networklabel")
_VLANS = re.compile(r"(\d+)(?:-(\d+))?")
_LARGEST = {"VXLAN": 16777214}


@command("createPhysicalNetwork")
def create_physical_network(ctx: Context, params: Params) -> Iterator[PhysicalNetwork]:
    """A physical network, disabled, with the providers that every one has."""
    zone = params.need("zoneid", Zone)
    methods = params.strings("isolationmethods")
    if zone.networktype == "Basic":
        if ctx.store.first(PhysicalNetwork, zone=zone) is not None:
            raise failed(f"Cannot add the physical network to basic zone id: {zone.id}, there is a physical network")
        if params.optional("vlan"):
            raise invalid(f"Cannot add VLAN range to physical network of the basic zone {zone.name}")
    if params.optional("vlan"):
        _check_vlans(params.text("vlan"), methods)
    network = PhysicalNetwork(
        name=params.text("name"),
        zone=zone,
        vlan=params.optional("vlan"),
        isolationmethods=",".join(methods) or "VLAN",
        networkspeed=params.optional("networkspeed"),
        broadcastdomainrange=params.text("broadcastdomainrange", "ZONE").upper(),
        tags=",".join(params.strings("tags")) or None,
        domain=params.entity("domainid", Domain),
    )
    ctx.add(network)
    add_default_providers(ctx, network)
    yield network


def _check_vlans(text: str, methods: list[str]) -> None:
    largest = max((_LARGEST.get(method.upper(), 4094) for method in methods), default=4094)
    for part in text.split(","):
        match = _VLANS.fullmatch(part.strip())
        if match is None:
            raise invalid(f"Please specify valid integers for the vlan range: {part}")
        low, high = int(match[1]), int(match[2] or match[1])
        if low > high or high > largest:
            raise invalid(f"Unable to update guest vlan range: {part} is no range within 0-{largest}")


@command("listPhysicalNetworks")
def list_physical_networks(ctx: Context, params: Params) -> Page:
    """Physical networks."""
    return ctx.list(PhysicalNetwork, params)


@command("updatePhysicalNetwork")
def update_physical_network(ctx: Context, params: Params) -> PhysicalNetwork:
    """State, VLANs, speed, tags."""
    network = params.need("id", PhysicalNetwork)
    if params.optional("vlan"):
        if network.zone.networktype == "Basic":
            raise invalid(f"Cannot add VLAN range to physical network of the basic zone {network.zone.name}")
        _check_vlans(params.text("vlan"), network.isolationmethods.split(","))
        vlans.check_removal(ctx, network, params.text("vlan"))
    state = params.text("state", network.state).capitalize()
    if state not in (ENABLED, DISABLED):
        raise invalid(f"Unable to resolve state '{state}' to a supported value {{Enabled or Disabled}}")
    network.state = state
    ctx.assign(network, params, "vlan", "networkspeed")
    if "tags" in params:
        network.tags = ",".join(params.strings("tags"))
    return network


@command("deletePhysicalNetwork")
def delete_physical_network(ctx: Context, params: Params) -> bool:
    """A physical network that no range or network uses, with its traffic types and providers."""
    return ctx.remove(params.need("id", PhysicalNetwork))


@command("addTrafficType")
def add_traffic_type(ctx: Context, params: Params) -> Iterator[TrafficType]:
    """A kind of traffic, once in a zone except for guest traffic."""
    network = params.need("physicalnetworkid", PhysicalNetwork)
    kind = params.text("traffictype").capitalize()
    if kind not in TRAFFIC_TYPES:
        raise invalid(f"Invalid Traffic Type {params.text('traffictype')}")
    others = ctx.store.all(TrafficType, lambda other: other.physicalnetwork.zone is network.zone, traffictype=kind)
    if kind != "Guest" and others:
        raise failed(
            f"Another Physical Network of the zone {network.zone.name} carries the traffic type {kind} already"
        )
    if any(other.physicalnetwork is network for other in others):
        raise failed(f"This physical network already supports the traffic type: {kind}")
    traffic = TrafficType(traffictype=kind, physicalnetwork=network, vlan=params.optional("vlan"))
    ctx.assign(traffic, params, *_LABELS)
    yield ctx.add(traffic)


@command("listTrafficTypes")
def list_traffic_types(ctx: Context, params: Params) -> Page:
    """A physical network's traffic types."""
    page = ctx.list(TrafficType, params)
    return page.under("traffictype")


@command("updateTrafficType")
def update_traffic_type(ctx: Context, params: Params) -> TrafficType:
    """Labels."""
    traffic = params.need("id", TrafficType)
    ctx.assign(traffic, params, *_LABELS)
    return traffic


@command("deleteTrafficType")
def delete_traffic_type(ctx: Context, params: Params) -> bool:
    """A kind of traffic."""
    return ctx.remove(params.need("id", TrafficType))
