"""Network offerings, those of a fresh installation first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...models.offerings import NetworkOffering
from ...models.topology import ENABLED, Zone
from ...registry import command, installs
from ...store import Entity

if TYPE_CHECKING:
    from ...context import Context
    from ...lists import Page
    from ...params import Params
    from ...server import ManagementServer

_TEXTS = {
    "DefaultSharedNetworkOfferingWithSGService": "Shared Security group enabled networks",
    "DefaultSharedNetworkOffering": "Shared networks",
    "DefaultIsolatedNetworkOfferingWithSourceNatService": "Isolated networks with Source Nat service enabled",
    "DefaultIsolatedNetworkOffering": "Isolated networks with no Source Nat service",
    "DefaultSharedNetscalerEIPandELBNetworkOffering": "Shared networks with Elastic IP and Elastic LB capabilities",
    "DefaultIsolatedNetworkOfferingForVpcNetworks": "Isolated Vpc networks with Source Nat service enabled",
    "DefaultIsolatedNetworkOfferingForVpcNetworksNoLB": (
        "Isolated Vpc networks with Source Nat service enabled and LB service Disabled"
    ),
    "DefaultIsolatedNetworkOfferingForVpcNetworksWithInternalLB": "Isolated Vpc networks with Internal LB support",
}
"""What the default offerings are for, as a fresh installation shows it."""

_ROUTER, _VPC, _GROUPS = "VirtualRouter", "VpcVirtualRouter", "SecurityGroupProvider"


def _by(provider: str, *services: str) -> dict[str, str]:
    return dict.fromkeys(services, provider)


_BASIC = _by(_ROUTER, "Dhcp", "Dns", "UserData")
_NAT = _by(_ROUTER, "Firewall", "Gateway", "Lb", "SourceNat", "StaticNat", "PortForwarding", "Vpn")
_TIER = _by(_VPC, "Dhcp", "Dns", "UserData", "NetworkACL", "Gateway", "SourceNat", "StaticNat", "PortForwarding", "Vpn")
_NETSCALER = _by("Netscaler", "StaticNat", "Lb")


@installs(order=20)
def install(server: ManagementServer) -> None:
    """The default offerings."""
    for offering in _defaults():
        server.store.add(offering, server.clock.now())


def _defaults() -> list[NetworkOffering]:
    return [
        _shared("DefaultSharedNetworkOfferingWithSGService", _BASIC | _by(_GROUPS, "SecurityGroup")),
        _shared("DefaultSharedNetworkOffering", _BASIC),
        _isolated("DefaultIsolatedNetworkOfferingWithSourceNatService", _BASIC | _NAT, availability="Required"),
        _isolated("DefaultIsolatedNetworkOffering", _BASIC, specifyvlan=True, specifyipranges=True),
        _shared(
            "DefaultSharedNetscalerEIPandELBNetworkOffering",
            _BASIC | _by(_GROUPS, "SecurityGroup") | _NETSCALER,
            supportspublicaccess=True,
        ),
        _isolated(
            "DefaultIsolatedNetworkOfferingForVpcNetworks", _TIER | _by(_VPC, "Lb"), forvpc=True, conservemode=True
        ),
        _isolated("DefaultIsolatedNetworkOfferingForVpcNetworksNoLB", _TIER, forvpc=True),
        _isolated(
            "DefaultIsolatedNetworkOfferingForVpcNetworksWithInternalLB",
            _TIER | _by("InternalLbVm", "Lb"),
            forvpc=True,
            supportsinternallb=True,
        ),
        _l2("DefaultL2NetworkOffering", {}, specifyvlan=False),
        _l2("DefaultL2NetworkOfferingVlan", {}, specifyvlan=True),
        _l2("DefaultL2NetworkOfferingConfigDrive", _by("ConfigDrive", "UserData"), specifyvlan=False),
        _l2("DefaultL2NetworkOfferingConfigDriveVlan", _by("ConfigDrive", "UserData"), specifyvlan=True),
    ]


def _shared(name: str, providers: dict[str, str], *, supportspublicaccess: bool = False) -> NetworkOffering:
    offering = NetworkOffering(
        name=name,
        displaytext=_text(name),
        guestiptype="Shared",
        providers=providers,
        specifyvlan=True,
        specifyipranges=True,
        supportspublicaccess=supportspublicaccess,
    )
    return _default(offering)


def _isolated(
    name: str,
    providers: dict[str, str],
    *,
    availability: str = "Optional",
    specifyvlan: bool = False,
    specifyipranges: bool = False,
    forvpc: bool = False,
    supportsinternallb: bool = False,
    conservemode: bool | None = None,
) -> NetworkOffering:
    nat = "SourceNat" in providers
    offering = NetworkOffering(
        name=name,
        displaytext=_text(name),
        guestiptype="Isolated",
        providers=providers,
        availability=availability,
        specifyvlan=specifyvlan,
        specifyipranges=specifyipranges,
        forvpc=forvpc,
        supportsinternallb=supportsinternallb,
        conservemode=not forvpc if conservemode is None else conservemode,
        egressdefaultpolicy=forvpc,
        capabilities={"SourceNat": {"SupportedSourceNatTypes": "peraccount", "RedundantRouter": "false"}}
        if nat
        else {},
    )
    return _default(offering)


def _l2(name: str, providers: dict[str, str], *, specifyvlan: bool) -> NetworkOffering:
    return _default(
        NetworkOffering(
            name=name,
            displaytext=_text(name),
            guestiptype="L2",
            providers=providers,
            specifyvlan=specifyvlan,
        )
    )


def _text(name: str) -> str:
    return f"Offering for {_TEXTS.get(name, 'L2 networks')}"


def _default(offering: NetworkOffering) -> NetworkOffering:
    offering.isdefault, offering.state = True, ENABLED
    return offering


@command("listNetworkOfferings")
def list_network_offerings(ctx: Context, params: Params) -> Page:
    """Network offerings that the caller may use."""
    zone, services = params.entity("zoneid", Zone), {item.lower() for item in params.strings("supportedservices")}
    network = params.entity("networkid", Entity)
    kind = getattr(getattr(network, "networkoffering", None), "guestiptype", None)

    def seen(offering: NetworkOffering) -> bool:
        if not offering.usable_by(ctx.caller) or (zone is not None and not offering.usable_in(zone)):
            return False
        if "sourcenatsupported" in params and params.flag("sourcenatsupported") != ("SourceNat" in offering.providers):
            return False
        if "istagged" in params and params.flag("istagged") != bool(offering.tags):
            return False
        return kind in (None, offering.guestiptype) and services <= {name.lower() for name in offering.providers}

    ignore = ("zoneid", "supportedservices", "sourcenatsupported", "istagged", "networkid", "domainid")
    return ctx.list(NetworkOffering, params, seen, ignore=ignore)
