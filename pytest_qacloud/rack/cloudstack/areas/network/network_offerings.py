"""Network offerings made, changed and deleted; `areas.offerings.network_offerings` has the default ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import invalid
from ...models.guests import ISOLATED, L2, SHARED, Network
from ...models.offerings import NetworkOffering, ServiceOffering
from ...models.topology import DISABLED, ENABLED
from ...registry import command
from ..infrastructure.providers import SERVICES
from . import ipv6
from .offering_scope import scope, update_scope
from .routing import OFFERINGS

if TYPE_CHECKING:
    from ...context import Context
    from ...params import Params

_TYPES = {kind.lower(): kind for kind in (ISOLATED, SHARED, L2)}
_AVAILABILITIES = {kind.lower(): kind for kind in ("Required", "Optional", "Unavailable")}
_SERVICES = {name.lower(): name for names in SERVICES.values() for name in names}
_ELSEWHERE = {"SecurityGroup": "SecurityGroupProvider", "BaremetalPxeService": "BaremetalPxeProvider"}
"""Services that no router has, and who has them where no provider is named."""

_IN_VPC = frozenset({"VpcVirtualRouter", "InternalLbVm", "ConfigDrive", "Netscaler", "Nsx", "Tungsten", "Ovs"})


@command("createNetworkOffering")
def create_network_offering(ctx: Context, params: Params) -> NetworkOffering:
    """A network offering, disabled unless `enable` says otherwise."""
    if params.text("traffictype").lower() != "guest":
        raise invalid("Only traffic type Guest is supported for network offerings")
    kind = _TYPES.get(params.text("guestiptype").lower())
    if kind is None:
        raise invalid(
            f'Invalid "type" parameter is given; can have Shared, Isolated and L2 values: {params.text("guestiptype")}'
        )
    forvpc = params.flag("forvpc")
    providers = _providers(params, forvpc=forvpc)
    capabilities = _capabilities(params, providers)
    _check_services(kind, providers, specifies_ranges=params.flag("specifyipranges"), forvpc=forvpc)
    domains, zones = scope(ctx, params)
    offering = NetworkOffering(
        name=params.text("name"),
        displaytext=params.text("displaytext", params.text("name")),
        guestiptype=kind,
        state=ENABLED if params.flag("enable") else DISABLED,
        providers=providers,
        capabilities=capabilities,
        specifyvlan=params.flag("specifyvlan"),
        specifyipranges=params.flag("specifyipranges"),
        conservemode=params.flag("conservemode", default=True),
        availability=_availability(params, "Optional"),
        networkrate=params.optional_number("networkrate"),
        tags=params.optional("tags"),
        forvpc=forvpc,
        ispersistent=params.flag("ispersistent"),
        egressdefaultpolicy=params.flag("egressdefaultpolicy", default=True),
        maxconnections=params.optional_number("maxconnections"),
        supportsinternallb=providers.get("Lb") == "InternalLbVm",
        internetprotocol=ipv6.protocol(ctx, params, "network offering"),
        serviceoffering=_router_offering(params),
        details=params.pairs("details"),
        domains=domains,
        zones=zones,
    )
    if offering.ispersistent and kind == SHARED:
        raise invalid("Network offering of type Shared cannot be persistent")
    return ctx.add(offering)


def _providers(params: Params, *, forvpc: bool) -> dict[str, str]:
    """The provider of each supported service; a router where none is named."""
    providers: dict[str, str] = {}
    for text in params.strings("supportedservices"):
        name = _SERVICES.get(text.lower())
        if name is None:
            raise invalid(f"Invalid service name specified {text}")
        providers[name] = _ELSEWHERE.get(name, "VpcVirtualRouter" if forvpc else "VirtualRouter")
    for row in params.rows("serviceproviderlist"):
        service, wanted = row.get("service", ""), row.get("provider", "")
        name = _SERVICES.get(service.lower(), service)
        if name not in providers:
            raise invalid(f"Service {service} is not enabled for the network offering, can't add a provider to it")
        provider = next((known for known in SERVICES if known.lower() == wanted.lower()), None)
        if provider is None:
            raise invalid(f"Invalid service provider: {wanted}")
        providers[name] = provider
    for name, provider in providers.items():
        if name not in SERVICES[provider]:
            raise invalid(f"Provider {provider} doesn't support services {{{name}}}")
    return providers


def _capabilities(params: Params, providers: dict[str, str]) -> dict[str, dict[str, str]]:
    capabilities: dict[str, dict[str, str]] = {}
    for row in params.rows("servicecapabilitylist"):
        name = _SERVICES.get(row.get("service", "").lower(), "")
        if name not in providers:
            raise invalid(f"Service is not supported by the network offering: {row.get('service')}")
        if not row.get("capabilitytype") or not row.get("capabilityvalue"):
            raise invalid(
                f"Invalid capability: {row.get('capabilitytype')} capability value: {row.get('capabilityvalue')}"
            )
        capabilities.setdefault(name, {})[row["capabilitytype"]] = row["capabilityvalue"]
    return capabilities


def _check_services(kind: str, providers: dict[str, str], *, specifies_ranges: bool, forvpc: bool) -> None:
    if kind == SHARED and not specifies_ranges:
        raise invalid("SpecifyIpRanges parameter should be true for Shared network offerings")
    if kind == ISOLATED and specifies_ranges and "SourceNat" in providers:
        raise invalid("SpecifyIpRanges can only be true for Shared network offerings and Isolated with no SourceNat")
    if kind == SHARED and "SourceNat" in providers and not forvpc:
        raise invalid("Service SourceNat is not allowed for network offerings of type Shared")
    if kind == L2 and set(providers) - {"UserData"}:
        raise invalid("For L2 networks, only UserData service is allowed")
    if forvpc:
        if kind != ISOLATED:
            raise invalid("Only network offerings of type Isolated can be used in VPC")
        outside = sorted({provider for provider in providers.values() if provider not in _IN_VPC})
        if outside:
            raise invalid(
                f"Provider of type {outside[0]} is not supported for network offerings that can be used in VPC"
            )
        if "SourceNat" not in providers and "Gateway" not in providers:
            raise invalid(
                "Only network offerings with service SourceNat or Gateway are valid for creation of vpc networks"
            )


def _availability(params: Params, default: str) -> str:
    text = params.text("availability", default)
    found = _AVAILABILITIES.get(text.lower())
    if found is None:
        raise invalid(f"Invalid value for Availability. Supported types: {', '.join(_AVAILABILITIES.values())}")
    return found


def _router_offering(params: Params) -> ServiceOffering | None:
    offering = params.entity("serviceofferingid", ServiceOffering)
    if offering is not None and (not offering.issystem or offering.systemvmtype not in OFFERINGS.values()):
        raise invalid(f"The specified service offering {offering.id} cannot be used by virtual router/internal lb vm")
    return offering


@command("updateNetworkOffering")
def update_network_offering(ctx: Context, params: Params) -> NetworkOffering:
    """Names, state, availability, tags, and for whom it is."""
    offering = params.need("id", NetworkOffering)
    state = params.text("state", offering.state).capitalize()
    if state not in (ENABLED, DISABLED):
        raise invalid(f"Incorrect state value: {params.text('state')}")
    availability = _availability(params, offering.availability)
    update_scope(ctx, offering, params)
    if "tags" in params:
        if ctx.store.first(Network, networkoffering=offering) is not None:
            raise invalid("Unable to update network offering tags: networks use the offering")
        offering.tags = params.optional("tags")
    offering.state, offering.availability = state, availability
    ctx.assign(offering, params, "name", "displaytext", "maxconnections")
    return offering


@command("deleteNetworkOffering")
def delete_network_offering(ctx: Context, params: Params) -> bool:
    """An offering that is no default one, and that no network has."""
    offering = params.need("id", NetworkOffering)
    if offering.isdefault:
        raise invalid("Default network offering can't be deleted")
    users = len(ctx.store.all(Network, networkoffering=offering))
    if users:
        raise invalid(
            f"Can't delete network offering {offering.name} as its used by {users} networks. To make the network "
            "offering unavailable, disable it"
        )
    return ctx.remove(offering)
