"""Whether a zone can run tests: what is not as it should be, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..ports import CloudApi

SYSTEM_VMS = ("consoleproxy", "secondarystoragevm")


def ailments(api: CloudApi, zone_id: str, hosts: int) -> list[str]:
    """What keeps the zone from being healthy; an empty list when it is.

    Args:
        hosts: how many hypervisors it should have.
    """
    return [*_hosts(api, zone_id, hosts), *_storage(api, zone_id), *_system_vms(api, zone_id)]


def templates_missing(api: CloudApi, zone_id: str) -> list[str]:
    """Built-in templates that are not ready yet; the system VMs download them."""
    templates = api.list("listTemplates", templatefilter="featured", zoneid=zone_id)
    if not templates:
        return ["the built-in template is not listed yet"]
    return [
        f"template {template['name']} is not ready ({template.get('status') or 'no status'})"
        for template in templates
        if not template.get("isready") and template.get("templatetype") == "BUILTIN"
    ]


def _hosts(api: CloudApi, zone_id: str, wanted: int) -> list[str]:
    hosts = api.list("listHosts", zoneid=zone_id, type="Routing")
    bad = [
        f"host {host['name']} ({host.get('ipaddress')}) is {host.get('state')}"
        for host in hosts
        if host.get("state") != "Up"
    ]
    if len(hosts) < wanted:
        bad.append(f"{wanted - len(hosts)} of {wanted} hosts are not there")
    return bad


def _storage(api: CloudApi, zone_id: str) -> list[str]:
    pools = api.list("listStoragePools", zoneid=zone_id)
    bad = [f"primary storage {pool['name']} is {pool.get('state')}" for pool in pools if pool.get("state") != "Up"]
    return bad or ([] if pools else ["there is no primary storage"])


def _system_vms(api: CloudApi, zone_id: str) -> list[str]:
    vms = api.list("listSystemVms", zoneid=zone_id)
    bad = [
        f"system VM {vm['name']} ({vm.get('systemvmtype')}) is {vm.get('state')}"
        for vm in vms
        if vm.get("state") != "Running"
    ]
    there = {vm.get("systemvmtype") for vm in vms}
    return bad + [f"there is no {kind} system VM yet" for kind in SYSTEM_VMS if kind not in there]
