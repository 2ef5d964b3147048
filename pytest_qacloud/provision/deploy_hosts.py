"""What a zone runs on: clusters with their hosts, primary and secondary storage."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from ..deadline import Waiting
from ..errors import CloudApiError, ProvisionError
from .deploy_site import given, listed
from .zone_config import host_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .deploy_site import Entity, Site

Config = dict[str, Any]

SIMULATOR = "simulator"
SIZES = {"cpucore": "cpunumber", "cpuspeed": "cpuspeed", "memory": "memorytotal"}
"""What the URL of a simulated host may say of its size, and the attributes that show it."""

BAREMETAL_KEYS = ("hostmac", "cpunumber", "cpuspeed", "memory")

WITH_DETAILS = ("s3", "swift", "smb")
IN_ZONE = ("nfs", "smb")
"""Providers of secondary storage that take details, and that belong to one zone."""


class ClusterPlace(NamedTuple):
    """A cluster of the configuration, and the objects that it is to be made in."""

    config: Config
    zone_id: str
    pod_id: str


def vmware(site: Site, zone_id: str, datacenter: Config | None) -> None:
    """A zone's VMware data centre; one without a name, as generated configurations have, is none."""
    if datacenter and datacenter.get("name"):
        site.ensure(
            "VMware data centre",
            {"zoneid": zone_id},  # a zone has one
            zoneid=zone_id,
            **given(datacenter, "name", "vcenter", "username", "password"),
        )


def cluster(site: Site, place: ClusterPlace) -> None:
    """A cluster with its hosts, when they are up with its primary storage.

    Raises:
        ProvisionError: a host could not be added; names its address.
        DeadlineError: hosts did not come up.
    """
    config = place.config
    made = site.ensure(
        "cluster",
        {"podid": place.pod_id, "name": config["clustername"]},
        zoneid=place.zone_id,
        podid=place.pod_id,
        **given(config, "clustername", "hypervisor", "clustertype", "url", "username", "password"),
    )
    cluster_id, kind = str(made["id"]), config["hypervisor"].lower()
    hosts = _Hosts(site, place, cluster_id)
    if kind != "vmware":  # those come with the cluster
        for host in hosts.ordered():
            hosts.ensure(host)
    hosts.wait()
    if kind != "baremetal":
        for storage in listed(config, "primaryStorages"):
            primary_storage(site, place.zone_id, storage, place, cluster_id)


class _Hosts:
    """The hosts of one cluster.

    Hosts of other hypervisors are known by their address. What the URL of a simulated one calls it is kept nowhere, so
    each in the configuration claims one of the cluster's that is like it and has not been claimed.
    """

    def __init__(self, site: Site, place: ClusterPlace, cluster_id: str) -> None:
        self.site, self.place, self.cluster_id = site, place, cluster_id
        self.config = place.config
        self.claimed: set[str] = set()

    def ordered(self) -> list[Config]:
        """As configured, but those that are particular first, so that no other one claims what only they can."""
        hosts = list(listed(self.config, "hosts"))
        if self.config["hypervisor"].lower() == SIMULATOR:
            hosts.sort(key=lambda host: len(_sizes(host)), reverse=True)
        return hosts

    def ensure(self, host: Config) -> None:
        address = host_address(host)
        extra = BAREMETAL_KEYS if self.config["hypervisor"].lower() == "baremetal" else ()
        try:
            found = self.site.ensure_found(
                "host",
                {"clusterid": self.cluster_id, "url": host["url"], "number": len(self.claimed)},
                partial(self._find, host),
                zoneid=self.place.zone_id,
                podid=self.place.pod_id,
                clusterid=self.cluster_id,
                hypervisor=self.config["hypervisor"],
                **given(host, "url", "username", "password", "hosttags", *extra),
            )
        except CloudApiError as error:
            raise ProvisionError(
                address,
                "zone",
                f"the management server cannot add it as a host: {error.errortext}",
                0.0,
                "Look at the hypervisor's agent there, and at its login ([hosts] of the pool file, or the config).",
            ) from error
        self.claimed.add(str(found["id"]))

    def _all(self) -> list[Entity]:
        return self.site.api.list("listHosts", clusterid=self.cluster_id, type="Routing")

    def _find(self, host: Config) -> Entity | None:
        free = [one for one in self._all() if str(one["id"]) not in self.claimed]
        if self.config["hypervisor"].lower() == SIMULATOR:
            wanted = {"hosttags": host.get("hosttags"), **_sizes(host)}
            return next((one for one in free if _all_same(one, wanted)), None)
        address = host_address(host)
        return next((one for one in free if address in (one.get("ipaddress"), one.get("name"))), None)

    def wait(self) -> None:
        """Until all hosts are up."""

        def look() -> bool | Waiting:
            hosts, wanted = self._all(), len(listed(self.config, "hosts"))
            down = [f"{host.get('name')} is {host.get('state')}" for host in hosts if host.get("state") != "Up"]
            if len(hosts) < wanted:
                down.append(f"{wanted - len(hosts)} of {wanted} are not there")
            return Waiting("; ".join(down)) if down else True

        self.site.poll(look, f"the hosts of cluster {self.config['clustername']}")


def _sizes(host: Mapping[str, Any]) -> dict[str, str]:
    said = dict(re.findall(r"(\w+)=(\w+)", host["url"].rpartition("/")[2]))
    return {attribute: said[key] for key, attribute in SIZES.items() if key in said}


def _all_same(host: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(_parts(host.get(attribute)) == _parts(value) for attribute, value in wanted.items())


def _parts(value: object) -> set[str]:
    """What a list, or a text with commas, holds; tags have no order."""
    return set(map(str, value)) if isinstance(value, list) else set(filter(None, str(value or "").split(",")))


def primary_storage(
    site: Site, zone_id: str, storage: Config, place: ClusterPlace | None = None, cluster_id: str | None = None
) -> None:
    """Primary storage of a cluster, or of the whole zone: where it says so, or where there is no cluster."""
    where: dict[str, Any] = {"zoneid": zone_id}
    if place is None:
        where |= {"scope": "zone", **given(storage, "hypervisor")}
    elif str(storage.get("scope")).lower() == "zone":
        where |= {"scope": "zone", "hypervisor": storage.get("hypervisor") or place.config["hypervisor"]}
    else:
        where |= {"podid": place.pod_id, "clusterid": cluster_id}
    site.ensure(
        "primary storage",
        {"zoneid": zone_id, "name": storage["name"]},
        **where,
        **given(storage, "name", "url", "tags", "provider"),
        details=[{key: value} for key, value in _details(storage).items()],
    )


def staging_store(site: Site, zone_id: str, storage: Config) -> None:
    """A cache before object storage."""
    site.ensure(
        "staging store",
        {"zoneid": zone_id, "url": storage["url"]},
        zoneid=zone_id,
        details=_pairs(storage),
        **given(storage, "url", "provider"),
    )


def secondary_storage(site: Site, zone_id: str, storage: Config) -> None:
    """Secondary storage; object storage is of all zones, and one of each provider."""
    provider = storage["provider"].lower()
    where = {"zoneid": zone_id} if provider in IN_ZONE else {}
    match = {"url": storage["url"], **where} if storage.get("url") else {"providername": storage["provider"]}
    site.ensure(
        "secondary storage",
        match,
        **where,
        details=_pairs(storage) if provider in WITH_DETAILS else None,
        **given(storage, "url", "provider"),
    )


def _details(storage: Mapping[str, Any]) -> dict[str, Any]:
    """Details without `__name__`, by which Marvin's generator of configurations tells its classes apart."""
    return {key: value for key, value in (storage.get("details") or {}).items() if key != "__name__"}


def _pairs(storage: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": value} for key, value in _details(storage).items()]
