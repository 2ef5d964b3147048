"""Small configurations in Marvin's format, one of each kind, for simulated hosts."""

from __future__ import annotations

from typing import Any

Config = dict[str, Any]


def addresses(network: str, **more: Any) -> Config:
    """A range of twenty addresses in a /24 such as `10.2.0`."""
    return {
        "startip": f"{network}.10",
        "endip": f"{network}.30",
        "netmask": "255.255.255.0",
        "gateway": f"{network}.1",
        **more,
    }


def cluster(name: str, hosts: int = 2, storages: int = 1) -> Config:
    return {
        "clustername": name,
        "hypervisor": "simulator",
        "clustertype": "CloudManaged",
        "hosts": [
            {"url": f"http://sim/{name}/h{number}", "username": "root", "password": "password"}
            for number in range(hosts)
        ],
        "primaryStorages": [
            {"name": f"{name}-ps{number}", "url": f"nfs://10.9.0.9:/{name}/ps{number}"} for number in range(storages)
        ],
    }


def zone(name: str, number: int = 1, **more: Any) -> Config:
    """An advanced zone with two clusters; `number` keeps the networks of several zones apart."""
    return {
        "name": name,
        "networktype": "Advanced",
        "dns1": "10.9.0.1",
        "internaldns1": "10.9.0.2",
        "guestcidraddress": "10.1.1.0/24",
        "vmwaredc": {"name": "", "vcenter": "", "username": "", "password": ""},
        "physical_networks": [
            {
                "name": f"{name}-net",
                "vlan": "100-200",
                "isolationmethods": ["VLAN"],
                "traffictypes": [{"typ": "Guest"}, {"typ": "Management", "kvm": "cloudbr0"}, {"typ": "Public"}],
                "providers": [{"name": "VirtualRouter"}, {"name": "VpcVirtualRouter"}, {"name": "InternalLbVm"}],
            }
        ],
        "ipranges": [addresses(f"10.{number}.2", vlan="50")],
        "pods": [
            {
                "name": f"{name}-pod",
                **addresses(f"10.{number}.0"),
                "clusters": [cluster(f"{name}-c1"), cluster(f"{name}-c2")],
            }
        ],
        "secondaryStorages": [{"url": f"nfs://10.9.0.9:/{name}/secondary", "provider": "NFS"}],
        **more,
    }


def advanced() -> Config:
    return {"zones": [zone("a")], "globalConfig": [{"name": "expunge.workers", "value": "3"}]}


def two_zones() -> Config:
    return {"zones": [zone("a"), zone("b", 2)]}


def _with_groups(made: Config) -> Config:
    network = made["physical_networks"][0]
    network["traffictypes"] = [{"typ": "Guest"}, {"typ": "Management"}]
    network["providers"] = [{"name": "VirtualRouter"}, {"name": "SecurityGroupProvider"}]
    return made


def groups() -> Config:
    """An advanced zone with security groups."""
    made = _with_groups(zone("g", securitygroupenabled="true"))
    made["ipranges"] = [addresses("10.7.2", vlan="70"), addresses("10.8.2", vlan="80")]
    return {"zones": [made]}


def basic() -> Config:
    made = _with_groups(zone("b", securitygroupenabled="true", networktype="Basic"))
    del made["physical_networks"][0]["vlan"], made["ipranges"]
    made["pods"][0]["guestIpRanges"] = [addresses("10.3.0")]
    return {"zones": [made]}


def elastic() -> Config:
    """A basic zone with public traffic: elastic IPs and load balancing."""
    config = basic()
    network = config["zones"][0]["physical_networks"][0]
    network["traffictypes"].append({"typ": "Public"})
    network["providers"].append({"name": "Netscaler"})
    config["zones"][0]["ipranges"] = [addresses("10.4.0")]
    return config


KINDS = {"advanced": advanced, "two zones": two_zones, "groups": groups, "basic": basic, "elastic": elastic}
