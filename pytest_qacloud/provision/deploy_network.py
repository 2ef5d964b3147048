"""The network of a zone: physical networks with their providers, guest networks, address ranges."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ..errors import ProvisionError
from .deploy_site import given, listed
from .zone_config import is_true

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .deploy_site import Entity, Site

log = logging.getLogger(__name__)

Config = dict[str, Any]

_ROUTER = ("listVirtualRouterElements", "configureVirtualRouterElement")
ELEMENTS = {
    "VirtualRouter": _ROUTER,
    "VpcVirtualRouter": _ROUTER,
    "InternalLbVm": ("listInternalLoadBalancerElements", "configureInternalLoadBalancerElement"),
    "SecurityGroupProvider": None,
}
"""Providers that come with CloudStack, with the commands for the elements that are enabled before them."""

CONTRAIL = ("JuniperContrailRouter", "JuniperContrailVpcRouter")
WITH_DEVICES = ("Netscaler", "JuniperSRX", "F5BigIp", "NiciraNvp")
"""Providers that are added, some with devices of their own."""

LABELS = {"kvm": "kvmnetworklabel", "xen": "xennetworklabel", "vmware": "vmwarenetworklabel"}

SHARED_OFFERING = "DefaultSharedNetworkOfferingWithSGService"
EIP_OFFERING = "DefaultSharedNetscalerEIPandELBNetworkOffering"
BASIC_NETWORK, GROUPS_NETWORK = "guestNetworkForBasicZone", "Shared SG enabled network"
"""Names that Marvin gives the one guest network of a basic zone, and of an advanced one with security groups."""


def physical_network(site: Site, zone_id: str, zone: Config, network: Config) -> None:
    """A physical network with traffic types and providers, enabled."""
    made = site.ensure(
        "physical network",
        {"zoneid": zone_id, "name": network["name"]},
        zoneid=zone_id,
        **given(network, "name", "isolationmethods", "tags"),
    )
    network_id = str(made["id"])
    for traffic in network["traffictypes"]:
        site.ensure(
            "traffic type",
            {"physicalnetworkid": network_id, "traffictype": traffic["typ"]},
            physicalnetworkid=network_id,
            traffictype=traffic["typ"],
            **{LABELS[key]: label for key, label in given(traffic, *LABELS).items()},
        )
    for provider in listed(network, "providers"):
        _provider(site, network_id, provider)
    site.change("updatePhysicalNetwork", id=network_id, state="Enabled", **given(network, "vlan"))
    if is_tungsten(network):
        _tungsten(site, zone_id, network_id, zone)


def is_tungsten(network: Mapping[str, Any]) -> bool:
    """Whether Tungsten Fabric keeps a physical network's guests apart."""
    return "TF" in listed(network, "isolationmethods")


def has_groups(zone: Mapping[str, Any]) -> bool:
    """Whether a zone is an advanced one with security groups."""
    return zone["networktype"] == "Advanced" and is_true(zone.get("securitygroupenabled"))


def has_elastic_addresses(zone: Mapping[str, Any]) -> bool:
    """Whether a zone is a basic one with public traffic: elastic IPs and load balancing."""
    traffic = zone["physical_networks"][0]["traffictypes"]
    return zone["networktype"] == "Basic" and any(kind["typ"] == "Public" for kind in traffic)


def guest_network(site: Site, zone_id: str, zone: Config) -> str | None:
    """The id of the one guest network of a zone that has one.

    Raises:
        ProvisionError: its offering is not there.
    """
    if has_groups(zone):
        # Of several ranges Marvin takes the last, and leaves the others out.
        ranges = [given(one, "startip", "endip", "gateway", "netmask", "vlan") for one in listed(zone, "ipranges")]
        name, addresses = GROUPS_NETWORK, ranges[-1] if ranges else {}
    elif zone["networktype"] == "Basic":
        name, addresses = BASIC_NETWORK, {}
    else:
        return None
    made = site.ensure(
        "network",
        {"zoneid": zone_id, "name": name},
        zoneid=zone_id,
        name=name,
        displaytext=name,
        networkofferingid=_offering(site, zone),
        **addresses,
    )
    return str(made["id"])


def pod(site: Site, zone_id: str, pod_config: Config, network_id: str | None) -> str:
    """A pod, with its guests' addresses where the zone has one guest network."""
    made = site.ensure(
        "pod",
        {"zoneid": zone_id, "name": pod_config["name"]},
        zoneid=zone_id,
        **given(pod_config, "name", "gateway", "netmask", "startip", "endip"),
    )
    pod_id = str(made["id"])
    if network_id is not None:
        for addresses in listed(pod_config, "guestIpRanges"):
            _range(site, addresses, zoneid=zone_id, podid=pod_id, networkid=network_id, forvirtualnetwork=False)
    return pod_id


def public_ranges(site: Site, zone_id: str, zone: Config) -> None:
    """The public addresses of a zone that has any."""
    if has_elastic_addresses(zone) or (zone["networktype"] == "Advanced" and not has_groups(zone)):
        for addresses in listed(zone, "ipranges"):
            _range(site, addresses, zoneid=zone_id, forvirtualnetwork=True)


def storage_ranges(site: Site, zone: Config, pod_id: str) -> None:
    """A pod's addresses on the storage network; this package's own key, Marvin has none for them."""
    for network in zone["physical_networks"]:
        for addresses in listed(network, "storageranges"):
            site.ensure(
                "storage address range",
                {"podid": pod_id, "startip": addresses["startip"]},
                podid=pod_id,
                **given(addresses, "startip", "endip", "netmask", "gateway", "vlan"),
            )


def _range(site: Site, addresses: Config, **where: Any) -> None:
    site.ensure(
        "address range",
        {"zoneid": where["zoneid"], "startip": addresses["startip"], "vlan": addresses.get("vlan")},
        **where,
        **given(addresses, "account", "domainid", "startip", "endip", "netmask", "gateway", "vlan"),
    )


def _offering(site: Site, zone: Config) -> str:
    usual = EIP_OFFERING if has_elastic_addresses(zone) else SHARED_OFFERING
    name = zone.get("networkofferingname") or usual
    found = [one for one in site.api.list("listNetworkOfferings", name=name) if one["name"] == name]
    if not found:
        raise ProvisionError(
            zone["name"],
            "zone",
            f"there is no network offering {name}",
            0.0,
            "Set networkofferingname of the zone to one that is there.",
        )
    return str(found[0]["id"])


def _provider(site: Site, network_id: str, provider: Config) -> None:
    """Enable a network service provider, after its elements and devices."""
    name = provider["name"]
    if name not in ELEMENTS and name not in (*CONTRAIL, *WITH_DEVICES):
        log.info("provider %s is left as it is", name)  # as Marvin leaves it
        return
    made = site.ensure(
        "provider", {"physicalnetworkid": network_id, "name": name}, physicalnetworkid=network_id, name=name
    )
    commands = ELEMENTS.get(name)
    if commands is not None:
        look, configure = commands
        for element in site.api.list(look, nspid=made["id"]):
            site.change(configure, id=element["id"], enabled=True)
    if name in WITH_DEVICES:
        for device in listed(provider, "devices"):
            _device(site, network_id, name, device)
    _enable(site, made)


def _enable(site: Site, provider: Entity) -> None:
    if provider.get("state") != "Enabled":
        site.change("updateNetworkServiceProvider", id=provider["id"], state="Enabled")


def _device(site: Site, network_id: str, kind: str, device: Config) -> None:
    login = given(device, "username", "password")
    if kind == "NiciraNvp":
        site.ensure(
            kind,
            {"physicalnetworkid": network_id, "hostname": device["hostname"]},
            physicalnetworkid=network_id,
            **login,
            **given(device, "hostname", "transportzoneuuid"),
        )
        return
    options = "&".join(f"{key}={value}" for key, value in device.items() if key not in login)
    site.ensure(
        kind,
        {"physicalnetworkid": network_id, "ipaddress": device["hostname"]},
        physicalnetworkid=network_id,
        url=f"http://{device['hostname']}?{options}",
        **login,
        **given(device, "networkdevicetype"),
    )


def _tungsten(site: Site, zone_id: str, network_id: str, zone: Config) -> None:
    provider = zone["tungstenprovider"]
    site.ensure(
        "Tungsten Fabric provider",
        {"zoneid": zone_id, "name": provider["name"]},
        zoneid=zone_id,
        name=provider["name"],
        tungstenproviderhostname=provider["hostname"],
        tungstengateway=provider["gateway"],
    )
    site.change("configTungstenFabricService", zoneid=zone_id, physicalnetworkid=network_id)
    if has_groups(zone):
        for found in site.api.list("listNetworkServiceProviders", physicalnetworkid=network_id, name="Tungsten"):
            _enable(site, found)
