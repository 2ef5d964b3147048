"""A zone out of Marvin's configuration, through the API.

Every object is looked for before it is made, so a deployment that broke off goes on where it stopped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import CloudApiError, ProvisionError
from ..fanout import for_each, raise_all

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..ports import CloudApi

Config = dict[str, Any]


def deploy_zone(api: CloudApi, config: Mapping[str, Any], *, check: Callable[[], None] = lambda: None) -> str:
    """Make and enable the configuration's only zone.

    Args:
        config: complete, with the passwords of the hosts.
        check: called before every command that changes something.

    Returns:
        The zone's id.

    Raises:
        CloudApiError: the management server refused a step.
        ProvisionError: a host could not be added; names its address.
        ExceptionGroup: several clusters failed.
    """
    deployment = _Deployment(api, check)
    for setting in config.get("globalConfig") or []:
        check()
        api.call("updateConfiguration", name=setting["name"], value=setting["value"])
    return deployment.zone(config["zones"][0])


class _Deployment:
    def __init__(self, api: CloudApi, check: Callable[[], None]) -> None:
        self.api = api
        self.check = check

    def ensure(self, kind: str, look: str, make: str, match: Mapping[str, Any], **params: Any) -> Config:
        """The object that matches, or a new one.

        Args:
            kind: the member that holds the object in the reply, such as `zone`.
            look, make: the commands.
            match: members the object must have; those that the list command takes are sent along.
            params: for `make`, besides.
        """
        for found in self.api.list(look, **{key: value for key, value in match.items() if key in LOOKED_UP_BY}):
            if all(str(found.get(key)) == str(value) for key, value in match.items()):
                return found
        self.check()
        reply = self.api.call(make, **params)
        made = reply.get(kind, reply)
        return dict(made[0] if isinstance(made, list) else made)

    def zone(self, zone: Config) -> str:
        made = self.ensure(
            "zone",
            "listZones",
            "createZone",
            {"name": zone["name"]},
            **_given(
                zone,
                "name",
                "networktype",
                "dns1",
                "dns2",
                "internaldns1",
                "internaldns2",
                "domain",
                "guestcidraddress",
                "securitygroupenabled",
                "localstorageenabled",
            ),
        )
        zone_id = str(made["id"])
        for physical in zone["physical_networks"]:
            self.physical_network(zone_id, physical)
        pods = [(pod, self.pod(zone_id, pod)) for pod in zone["pods"]]
        for addresses in [each for net in zone["physical_networks"] for each in net.get("storageranges") or []]:
            for _, pod_id in pods:
                self.storage_range(pod_id, addresses)
        for addresses in zone.get("ipranges") or []:
            self.public_range(zone_id, addresses)
        if zone.get("vmwaredc"):
            self.vmware(zone_id, zone["vmwaredc"])
        clusters = [(cluster, pod_id) for pod, pod_id in pods for cluster in pod["clusters"]]
        raise_all(
            for_each(clusters, lambda item: self.cluster(zone_id, item[1], item[0]), check=self.check),
            "clusters could not be added",
        )
        for storage in zone.get("primaryStorages") or []:
            self.primary(zone_id, None, None, storage)
        for storage in zone.get("secondaryStorages") or []:
            self.secondary(zone_id, storage)
        self.check()
        self.api.call("updateZone", id=zone_id, allocationstate="Enabled")
        return zone_id

    def physical_network(self, zone_id: str, physical: Config) -> None:
        made = self.ensure(
            "physicalnetwork",
            "listPhysicalNetworks",
            "createPhysicalNetwork",
            {"zoneid": zone_id, "name": physical["name"]},
            zoneid=zone_id,
            name=physical["name"],
            isolationmethods=physical.get("isolationmethods", ["VLAN"]),
        )
        network_id = str(made["id"])
        for traffic in physical["traffictypes"]:
            self.ensure(
                "traffictype",
                "listTrafficTypes",
                "addTrafficType",
                {"physicalnetworkid": network_id, "traffictype": traffic["typ"]},
                physicalnetworkid=network_id,
                traffictype=traffic["typ"],
            )
        self.check()
        self.api.call("updatePhysicalNetwork", id=network_id, state="Enabled", **_given(physical, "vlan"))
        for provider in physical["providers"]:
            self.provider(network_id, provider["name"])

    def provider(self, network_id: str, name: str) -> None:
        """Enable a network service provider, and the elements that come with it."""
        provider = self.ensure(
            "networkserviceprovider",
            "listNetworkServiceProviders",
            "addNetworkServiceProvider",
            {"physicalnetworkid": network_id, "name": name},
            physicalnetworkid=network_id,
            name=name,
        )
        look, configure = ELEMENTS.get(name, ("", ""))
        if look:
            for element in self.api.list(look, nspid=provider["id"]):
                self.check()
                self.api.call(configure, id=element["id"], enabled=True)
        if provider.get("state") != "Enabled":
            self.check()
            self.api.call("updateNetworkServiceProvider", id=provider["id"], state="Enabled")

    def pod(self, zone_id: str, pod: Config) -> str:
        made = self.ensure(
            "pod",
            "listPods",
            "createPod",
            {"zoneid": zone_id, "name": pod["name"]},
            zoneid=zone_id,
            **_given(pod, "name", "gateway", "netmask", "startip", "endip"),
        )
        return str(made["id"])

    def public_range(self, zone_id: str, addresses: Config) -> None:
        self.ensure(
            "vlan",
            "listVlanIpRanges",
            "createVlanIpRange",
            {"zoneid": zone_id, "startip": addresses["startip"]},
            zoneid=zone_id,
            forvirtualnetwork=True,
            **_given(addresses, "startip", "endip", "netmask", "gateway", "vlan"),
        )

    def storage_range(self, pod_id: str, addresses: Config) -> None:
        self.ensure(
            "storagenetworkiprange",
            "listStorageNetworkIpRange",
            "createStorageNetworkIpRange",
            {"podid": pod_id, "startip": addresses["startip"]},
            podid=pod_id,
            **_given(addresses, "startip", "endip", "netmask", "gateway", "vlan"),
        )

    def vmware(self, zone_id: str, datacenter: Config) -> None:
        self.ensure(
            "vmwaredc",
            "listVmwareDcs",
            "addVmwareDc",
            {"zoneid": zone_id},  # a zone has one
            zoneid=zone_id,
            **_given(datacenter, "name", "vcenter", "username", "password"),
        )

    def cluster(self, zone_id: str, pod_id: str, cluster: Config) -> None:
        made = self.ensure(
            "cluster",
            "listClusters",
            "addCluster",
            {"podid": pod_id, "name": cluster["clustername"]},
            zoneid=zone_id,
            podid=pod_id,
            **_given(cluster, "clustername", "hypervisor", "clustertype", "url"),
        )
        cluster_id = str(made["id"])
        for host in cluster["hosts"]:
            self.host(zone_id, pod_id, cluster_id, cluster["hypervisor"], host)
        for storage in cluster.get("primaryStorages") or []:
            self.primary(zone_id, pod_id, cluster_id, storage)

    def host(self, zone_id: str, pod_id: str, cluster_id: str, hypervisor: str, host: Config) -> None:
        address = host["url"].removeprefix("http://").rstrip("/")
        try:
            self.ensure(
                "host",
                "listHosts",
                "addHost",
                {"clusterid": cluster_id, "type": "Routing", "ipaddress": address},
                zoneid=zone_id,
                podid=pod_id,
                clusterid=cluster_id,
                hypervisor=hypervisor,
                **_given(host, "url", "username", "password"),
            )
        except CloudApiError as error:
            raise ProvisionError(
                address,
                "zone",
                f"the management server cannot add it as a host: {error.errortext}",
                0.0,
                "Look at the hypervisor's agent there, and at the login in [hosts] of the pool file.",
            ) from error

    def primary(self, zone_id: str, pod_id: str | None, cluster_id: str | None, storage: Config) -> None:
        place = {} if cluster_id is None else {"podid": pod_id, "clusterid": cluster_id}
        self.ensure(
            "storagepool",
            "listStoragePools",
            "createStoragePool",
            {"zoneid": zone_id, "name": storage["name"]},
            zoneid=zone_id,
            **place,
            **_given(storage, "name", "url", "scope", "hypervisor", "tags"),
        )

    def secondary(self, zone_id: str, storage: Config) -> None:
        self.ensure(
            "imagestore",
            "listImageStores",
            "addImageStore",
            {"zoneid": zone_id, "url": storage["url"]},
            zoneid=zone_id,
            **_given(storage, "url", "provider"),
        )


LOOKED_UP_BY = frozenset({"zoneid", "podid", "clusterid", "physicalnetworkid", "name", "type"})
"""Members of `match` that the list commands take as parameters too."""

ELEMENTS = {
    "VirtualRouter": ("listVirtualRouterElements", "configureVirtualRouterElement"),
    "VpcVirtualRouter": ("listVirtualRouterElements", "configureVirtualRouterElement"),
    "InternalLbVm": ("listInternalLoadBalancerElements", "configureInternalLoadBalancerElement"),
}


def _given(source: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: source[key] for key in keys if source.get(key) is not None}
