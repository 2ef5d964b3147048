"""What zones are made of: the commands by which each kind of object is found, made and deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Kind(NamedTuple):
    """A kind of object.

    Args:
        look, make: the commands.
        asks: the attributes by which `look` chooses.
        delete: the command; empty for what goes with the object that it is in.
        key: the attribute, and parameter of `delete`, that names it.
        with_: further parameters of `delete`.
        before: a command that must come first.
    """

    look: str
    make: str
    asks: tuple[str, ...]
    delete: str = ""
    key: str = "id"
    with_: Mapping[str, Any] = {}
    before: str = ""


KINDS = {
    "zone": Kind("listZones", "createZone", ("name",), "deleteZone"),
    "physical network": Kind(
        "listPhysicalNetworks", "createPhysicalNetwork", ("zoneid", "name"), "deletePhysicalNetwork"
    ),
    "traffic type": Kind("listTrafficTypes", "addTrafficType", ("physicalnetworkid",)),
    "provider": Kind("listNetworkServiceProviders", "addNetworkServiceProvider", ("physicalnetworkid", "name")),
    "Netscaler": Kind(
        "listNetscalerLoadBalancers",
        "addNetscalerLoadBalancer",
        ("physicalnetworkid",),
        "deleteNetscalerLoadBalancer",
        "lbdeviceid",
    ),
    "F5BigIp": Kind(
        "listF5LoadBalancers", "addF5LoadBalancer", ("physicalnetworkid",), "deleteF5LoadBalancer", "lbdeviceid"
    ),
    "JuniperSRX": Kind("listSrxFirewalls", "addSrxFirewall", ("physicalnetworkid",), "deleteSrxFirewall", "fwdeviceid"),
    "NiciraNvp": Kind(
        "listNiciraNvpDevices", "addNiciraNvpDevice", ("physicalnetworkid",), "deleteNiciraNvpDevice", "nvpdeviceid"
    ),
    "Tungsten Fabric provider": Kind("listTungstenFabricProviders", "createTungstenFabricProvider", ("zoneid",)),
    "network": Kind("listNetworks", "createNetwork", ("zoneid",), "deleteNetwork"),
    "pod": Kind("listPods", "createPod", ("zoneid", "name"), "deletePod"),
    "address range": Kind("listVlanIpRanges", "createVlanIpRange", ("zoneid",), "deleteVlanIpRange"),
    "storage address range": Kind(
        "listStorageNetworkIpRange", "createStorageNetworkIpRange", ("podid",), "deleteStorageNetworkIpRange"
    ),
    "VMware data centre": Kind("listVmwareDcs", "addVmwareDc", ("zoneid",), "removeVmwareDc", "zoneid"),
    "cluster": Kind("listClusters", "addCluster", ("podid", "name"), "deleteCluster"),
    "host": Kind("listHosts", "addHost", ("clusterid", "type"), "deleteHost", with_={"forced": True}),
    "primary storage": Kind(
        "listStoragePools",
        "createStoragePool",
        ("zoneid", "name"),
        "deleteStoragePool",
        with_={"forced": True},
        before="enableStorageMaintenance",
    ),
    "secondary storage": Kind("listImageStores", "addImageStore", (), "deleteImageStore"),
    "staging store": Kind(
        "listSecondaryStagingStores", "createSecondaryStagingStore", ("zoneid",), "deleteSecondaryStagingStore"
    ),
    "baremetal rack": Kind("listBaremetalRct", "addBaremetalRct", (), "deleteBaremetalRct"),
}
