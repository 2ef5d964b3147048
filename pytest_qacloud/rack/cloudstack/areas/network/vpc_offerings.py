"""VPC offerings, those of a fresh installation first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import invalid
from ...models.offerings import ServiceOffering
from ...models.topology import DISABLED, ENABLED, Zone
from ...models.vpcs import Vpc, VpcOffering
from ...registry import command, installs
from ..infrastructure.providers import SERVICES
from . import ipv6
from .offering_scope import scope, update_scope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...context import Context
    from ...lists import Page
    from ...params import Params
    from ...server import ManagementServer

_ROUTER, _INTERNAL = "VpcVirtualRouter", "InternalLbVm"
_PLAIN = ("Dhcp", "Dns", "UserData", "Gateway", "SourceNat", "StaticNat", "PortForwarding", "NetworkACL", "Vpn")
_SUPPORTED = (*_PLAIN, "Lb", "Connectivity")


def _providers() -> dict[str, list[str]]:
    return {**{name: [_ROUTER] for name in _PLAIN}, "Lb": [_ROUTER, _INTERNAL]}


@installs(order=20)
def install(server: ManagementServer) -> None:
    """The default offerings: one with a single router, one with redundant ones."""
    for name, redundant in (("Default VPC offering", False), ("Redundant VPC offering", True)):
        offering = VpcOffering(
            name=name,
            displaytext=name,
            state=ENABLED,
            isdefault=True,
            providers=_providers(),
            redundant=redundant,
            capabilities={"SourceNat": {"RedundantRouter": "true"}} if redundant else {},
        )
        server.store.add(offering, server.clock.now())


@command("listVPCOfferings")
def list_vpc_offerings(ctx: Context, params: Params) -> Page:
    """VPC offerings that the caller may use."""
    zone, services = params.entity("zoneid", Zone), {name.lower() for name in params.strings("supportedservices")}

    def seen(offering: VpcOffering) -> bool:
        if not offering.usable_by(ctx.caller) or (zone is not None and not offering.usable_in(zone)):
            return False
        return services <= {name.lower() for name in offering.providers}

    return ctx.list(VpcOffering, params, seen, ignore=("zoneid", "supportedservices", "domainid"))


@command("createVPCOffering")
def create_vpc_offering(ctx: Context, params: Params) -> Iterator[VpcOffering]:
    """A VPC offering, disabled unless `enable` says otherwise."""
    providers = _chosen(params)
    capabilities: dict[str, dict[str, str]] = {}
    for row in params.rows("servicecapabilitylist"):
        if row.get("service") not in providers:
            raise invalid(f"Service {row.get('service')} is not enabled for the VPC offering, it has no capabilities")
        capabilities.setdefault(row["service"], {})[row.get("capabilitytype", "")] = row.get("capabilityvalue", "")
    domains, zones = scope(ctx, params)
    offering = VpcOffering(
        name=params.text("name"),
        displaytext=params.text("displaytext", params.text("name")),
        state=DISABLED,
        providers=providers,
        capabilities=capabilities,
        internetprotocol=ipv6.protocol(ctx, params, "VPC offering"),
        redundant=capabilities.get("SourceNat", {}).get("RedundantRouter", "false").lower() == "true",
        distributedvpcrouter=capabilities.get("Connectivity", {}).get("DistributedRouter", "false").lower() == "true",
        serviceoffering=params.entity("serviceofferingid", ServiceOffering),
        domains=domains,
        zones=zones,
    )
    yield ctx.add(offering)
    if params.flag("enable"):
        offering.state = ENABLED


def _chosen(params: Params) -> dict[str, list[str]]:
    services = params.strings("supportedservices")
    if not services:
        raise invalid("Supported services are required when creating a VPC offering")
    providers: dict[str, list[str]] = {}
    for name in (*services, *_GIVEN):
        service = next((known for known in _SUPPORTED if known.lower() == name.lower()), None)
        if service is None:
            raise invalid(f"Service {name} is not supported in VPC")
        providers.setdefault(service, [])
    for row in params.rows("serviceproviderlist"):
        service, provider = row.get("service", ""), row.get("provider", "")
        if service not in providers:
            raise invalid(f"Service {service} is not enabled for the VPC offering, can't add a provider to it")
        if provider not in SERVICES:
            raise invalid(f"Invalid service provider: {provider}")
        providers[service].append(provider)
    defaults = _providers()
    return {name: found or defaults.get(name, [_ROUTER]) for name, found in providers.items()}


_GIVEN = ("Gateway", "NetworkACL")
"""Services that every VPC has."""


@command("updateVPCOffering")
def update_vpc_offering(ctx: Context, params: Params) -> VpcOffering:
    """Names, state, order, and for whom it is."""
    offering = params.need("id", VpcOffering)
    state = params.text("state", offering.state).capitalize()
    if state not in (ENABLED, DISABLED):
        raise invalid(f"Incorrect state value: {state}")
    update_scope(ctx, offering, params)
    offering.state = state
    ctx.assign(offering, params, "name", "displaytext", sortkey="sort_key")
    return offering


@command("deleteVPCOffering")
def delete_vpc_offering(ctx: Context, params: Params) -> Any:
    """An offering that is no default one, and that no VPC has."""
    offering = params.need("id", VpcOffering)
    if offering.isdefault:
        raise invalid("Default network offering can't be deleted")
    users = len(ctx.store.all(Vpc, vpcoffering=offering))
    if users:
        raise invalid(
            f"Can't delete vpc offering {offering.name} as its used by {users} vpcs. To make the network offering "
            "unavailable, disable it"
        )
    return ctx.remove(offering)
