"""Zones out of Marvin's configuration, through the API: the end state is that of Marvin's `deployDataCenter.py`.

Every object is looked for before it is made, so a deployment that broke off goes on where it stopped, and what it has
made can be deleted again (`Ledger`). Zones are switched on when all of them are complete, so that nothing runs in one
that has to be deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ..fanout import for_each, raise_all
from . import deploy_hosts, deploy_network
from .deploy_hosts import ClusterPlace
from .deploy_network import has_groups, is_tungsten
from .deploy_site import Ledger, Site, given, listed
from .zone_config import clusters_of, is_enabled, is_true

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Deployed", "DeployedZone", "Ledger", "Site", "deploy_zones"]

Config = dict[str, Any]

ZONE_KEYS = (
    *("name", "networktype", "dns1", "dns2", "internaldns1", "internaldns2", "domain"),
    *("securitygroupenabled", "localstorageenabled"),
)


@dataclass(frozen=True, slots=True)
class DeployedZone:
    """A zone that is there.

    Args:
        hosts: how many hypervisors the configuration names in it.
        enabled: whether it is switched on.
    """

    id: str
    name: str
    hosts: int
    enabled: bool


@dataclass(frozen=True, slots=True)
class Deployed:
    """What a deployment led to.

    Args:
        zones: in the configuration's order.
        restart: global settings that were set and that the management server reads only when it starts.
    """

    zones: tuple[DeployedZone, ...]
    restart: tuple[str, ...]


def deploy_zones(site: Site, config: Mapping[str, Any]) -> Deployed:
    """Make the configuration's zones, and switch on those that are to be.

    Args:
        config: complete, with the passwords of the hosts.

    Raises:
        CloudApiError: the management server refused a step.
        ProvisionError: a host could not be added (names its address), or an offering is not there.
        DeadlineError: hosts did not come up.
        ExceptionGroup: several clusters failed.
    """
    restart = _settings(site, config)
    zones: list[Config] = config["zones"]
    ids = [_zone(site, zone) for zone in zones]
    places = [place for zone, zone_id in zip(zones, ids, strict=True) for place in _network(site, zone, zone_id)]
    raise_all(
        for_each(places, partial(deploy_hosts.cluster, site), check=site.check),
        "clusters could not be added",
    )
    for zone, zone_id in zip(zones, ids, strict=True):
        _storage(site, zone, zone_id)
        if zone.get("details"):
            site.change("updateZone", id=zone_id, details=zone["details"])
    _racks(site, zones[0])
    deployed = []
    for zone, zone_id in zip(zones, ids, strict=True):
        if is_enabled(zone):
            site.enable_zone(zone_id, zone["name"])
        deployed.append(DeployedZone(zone_id, zone["name"], sum(map(len, clusters_of(zone))), is_enabled(zone)))
    return Deployed(tuple(deployed), restart)


def _settings(site: Site, config: Mapping[str, Any]) -> tuple[str, ...]:
    """Set the global settings; returns those that need a restart."""
    late = []
    for setting in listed(config, "globalConfig"):
        reply = site.change("updateConfiguration", name=setting["name"], value=setting["value"])
        if reply.get("configuration", reply).get("isdynamic") is False:
            late.append(setting["name"])
    return tuple(late)


def _zone(site: Site, zone: Config) -> str:
    # Guests of a zone with security groups have the addresses of its shared network.
    cidr = {} if is_true(zone.get("securitygroupenabled")) else given(zone, "guestcidraddress")
    return str(site.ensure("zone", {"name": zone["name"]}, **given(zone, *ZONE_KEYS), **cidr)["id"])


def _network(site: Site, zone: Config, zone_id: str) -> list[ClusterPlace]:
    """All of a zone's network, and its pods; returns where its clusters go."""
    for network in zone["physical_networks"]:
        deploy_network.physical_network(site, zone_id, zone, network)
    tungsten = any(is_tungsten(network) for network in zone["physical_networks"])
    guests = deploy_network.guest_network(site, zone_id, zone)
    places = []
    for pod in zone["pods"]:
        pod_id = deploy_network.pod(site, zone_id, pod, guests)
        deploy_network.storage_ranges(site, zone, pod_id)
        deploy_hosts.vmware(site, zone_id, pod.get("vmwaredc") or zone.get("vmwaredc"))
        if tungsten:
            site.change("createTungstenFabricManagementNetwork", podid=pod_id)
        places += [ClusterPlace(cluster, zone_id, pod_id) for cluster in pod["clusters"]]
    deploy_network.public_ranges(site, zone_id, zone)
    if tungsten and zone["networktype"] == "Advanced" and not has_groups(zone):
        site.change("createTungstenFabricPublicNetwork", zoneid=zone_id)
    return places


def _storage(site: Site, zone: Config, zone_id: str) -> None:
    """A zone's own storage; object storage needs its cache first."""
    for storage in listed(zone, "cacheStorages"):
        deploy_hosts.staging_store(site, zone_id, storage)
    for storage in listed(zone, "secondaryStorages"):
        deploy_hosts.secondary_storage(site, zone_id, storage)
    for storage in listed(zone, "primaryStorages"):
        deploy_hosts.primary_storage(site, zone_id, storage)


def _racks(site: Site, first: Config) -> None:
    """The description of the switches of bare-metal racks."""
    url = first.get("baremetalrcturl")
    if url and first["networktype"] == "Advanced":
        site.ensure("baremetal rack", {"url": url}, baremetalrcturl=url)
