"""Network service providers and the elements behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import failed, invalid
from ...lists import Page
from ...models.networks import InternalLbElement, PhysicalNetwork, Provider, VirtualRouterElement
from ...models.topology import DISABLED, ENABLED
from ...registry import command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...context import Context
    from ...params import Params

_ROUTER = ("Vpn", "Dhcp", "Dns", "Gateway", "Firewall", "Lb", "SourceNat", "StaticNat", "PortForwarding", "UserData")
_SWITCH = ("Vpn", "Dhcp", "Dns", "Gateway", "SourceNat", "StaticNat", "PortForwarding", "UserData", "Connectivity")

SERVICES: dict[str, tuple[str, ...]] = {
    "VirtualRouter": _ROUTER,
    "VpcVirtualRouter": (*(name for name in _ROUTER if name != "Firewall"), "NetworkACL"),
    "InternalLbVm": ("Lb",),
    "SecurityGroupProvider": ("SecurityGroup",),
    "ConfigDrive": ("Dhcp", "Dns", "UserData"),
    "BaremetalDhcpProvider": ("Dhcp",),
    "BaremetalPxeProvider": ("BaremetalPxeService",),
    "BaremetalUserdataProvider": ("UserData",),
    "Netscaler": ("Lb", "StaticNat", "Firewall"),
    "Ovs": ("Connectivity", "SourceNat", "StaticNat", "PortForwarding", "Lb"),
    "NiciraNvp": ("Connectivity", "SourceNat", "StaticNat", "PortForwarding"),
    "Nsx": _SWITCH,
    "Tungsten": _SWITCH,
    "JuniperSRX": ("Vpn", "Firewall", "SourceNat", "StaticNat", "PortForwarding", "Gateway"),
    "F5BigIp": ("Lb",),
    "PaloAlto": ("Firewall", "SourceNat", "StaticNat", "PortForwarding", "Gateway"),
}
"""Services of each provider."""

_DEFAULT = ("VirtualRouter", "VpcVirtualRouter", "InternalLbVm", "ConfigDrive")


def add_default_providers(ctx: Context, network: PhysicalNetwork) -> None:
    """The providers that every physical network begins with, disabled."""
    names = [*_DEFAULT, *(["SecurityGroupProvider"] if network.zone.securitygroupsenabled else [])]
    for name in names:
        _add(ctx, network, name)


def _add(ctx: Context, network: PhysicalNetwork, name: str) -> Provider:
    provider = ctx.add(Provider(name=name, physicalnetwork=network, servicelist=list(SERVICES[name])))
    if name in ("VirtualRouter", "VpcVirtualRouter"):
        ctx.store.add(VirtualRouterElement(provider=provider), ctx.now)
    elif name == "InternalLbVm":
        ctx.store.add(InternalLbElement(provider=provider), ctx.now)
    return provider


@command("addNetworkServiceProvider")
def add_network_service_provider(ctx: Context, params: Params) -> Iterator[Provider]:
    """One more provider."""
    network, name = params.need("physicalnetworkid", PhysicalNetwork), params.text("name")
    if name not in SERVICES:
        raise invalid(f"Invalid Network Service Provider: {name}")
    if ctx.store.first(Provider, physicalnetwork=network, name=name) is not None:
        raise failed(f"The '{name}' provider already exists on physical network : {network.id}")
    provider = _add(ctx, network, name)
    wanted = params.strings("servicelist")
    if not set(wanted) <= set(SERVICES[name]):
        raise invalid(f"Provider {name} does not support the services {', '.join(sorted(wanted))}")
    provider.servicelist = wanted or provider.servicelist
    yield provider


@command("listNetworkServiceProviders")
def list_network_service_providers(ctx: Context, params: Params) -> Page:
    """Providers."""
    return ctx.list(Provider, params)


@command("updateNetworkServiceProvider")
def update_network_service_provider(ctx: Context, params: Params) -> Provider:
    """State and services; a router's provider needs its element enabled first."""
    provider = params.need("id", Provider)
    state = params.text("state", provider.state).capitalize()
    if state not in (ENABLED, DISABLED, "Shutdown"):
        raise invalid(f"Unable to resolve state '{state}' to a supported value: Enabled, Disabled, Shutdown")
    if state == ENABLED and not _ready(ctx, provider):
        raise failed(
            f"Provider is not ready, cannot Enable the provider, please configure the provider first: {provider.name}"
        )
    provider.state = DISABLED if state == "Shutdown" else state
    provider.servicelist = params.strings("servicelist") or provider.servicelist
    return provider


def _ready(ctx: Context, provider: Provider) -> bool:
    elements = [
        *ctx.store.all(VirtualRouterElement, provider=provider),
        *ctx.store.all(InternalLbElement, provider=provider),
    ]
    return all(element.enabled for element in elements)


@command("deleteNetworkServiceProvider")
def delete_network_service_provider(ctx: Context, params: Params) -> bool:
    """A provider with its elements."""
    return ctx.remove(params.need("id", Provider))


@command("listVirtualRouterElements")
def list_virtual_router_elements(ctx: Context, params: Params) -> Page:
    """Elements of the virtual routers."""
    return ctx.list(VirtualRouterElement, params)


@command("configureVirtualRouterElement")
def configure_virtual_router_element(ctx: Context, params: Params) -> VirtualRouterElement:
    """Enable or disable an element."""
    element = params.need("id", VirtualRouterElement)
    element.enabled = params.flag("enabled")
    return element


@command("listInternalLoadBalancerElements")
def list_internal_load_balancer_elements(ctx: Context, params: Params) -> Page:
    """Elements of the internal load balancers."""
    return ctx.list(InternalLbElement, params)


@command("configureInternalLoadBalancerElement")
def configure_internal_load_balancer_element(ctx: Context, params: Params) -> InternalLbElement:
    """Enable or disable an element."""
    element = params.need("id", InternalLbElement)
    element.enabled = params.flag("enabled")
    return element


@command("listSupportedNetworkServices")
def list_supported_network_services(ctx: Context, params: Params) -> Page:
    """Every service with the providers that have it."""
    wanted, only = params.optional("service"), params.optional("provider")
    rows = []
    for service in sorted({name for names in SERVICES.values() for name in names}):
        providers = [name for name, names in SERVICES.items() if service in names and only in (None, name)]
        if providers and wanted in (None, service):
            rows.append({"name": service, "provider": [{"name": name} for name in providers]})
    return Page(len(rows), rows)
