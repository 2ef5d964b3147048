"""From `resourcetype` and an id to the entity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import invalid

if TYPE_CHECKING:
    from ...context import Context
    from ...store import Entity

RESPONSES = {
    "uservm": "UserVmResponse",
    "volume": "VolumeResponse",
    "snapshot": "SnapshotResponse",
    "snapshotpolicy": "SnapshotPolicyResponse",
    "template": "TemplateResponse",
    "iso": "TemplateResponse",
    "vmsnapshot": "VMSnapshotResponse",
    "nic": "NicResponse",
    "network": "NetworkResponse",
    "vpc": "VpcResponse",
    "networkacl": "NetworkACLItemResponse",
    "networkacllist": "NetworkACLResponse",
    "staticroute": "StaticRouteResponse",
    "publicipaddress": "IPAddressResponse",
    "portforwardingrule": "FirewallRuleResponse",
    "firewallrule": "FirewallResponse",
    "loadbalancer": "LoadBalancerResponse",
    "project": "ProjectResponse",
    "account": "AccountResponse",
    "user": "UserResponse",
    "domain": "DomainResponse",
    "zone": "ZoneResponse",
    "host": "HostResponse",
    "storage": "StoragePoolResponse",
    "serviceoffering": "ServiceOfferingResponse",
    "diskoffering": "DiskOfferingResponse",
    "networkoffering": "NetworkOfferingResponse",
    "affinitygroup": "AffinityGroupResponse",
}
"""Response classes by resource type in lower case."""


def resource_named(ctx: Context, kind: str, entity_id: str) -> Entity:
    """The entity of a resource type.

    Raises:
        ApiError: no such type, no such entity (431).
    """
    response = RESPONSES.get(kind.lower())
    if response is None:
        raise invalid(f"The resource type {kind} is not one of {', '.join(sorted(RESPONSES))}")
    found = ctx.store.find(response, entity_id)
    if found is None:
        raise invalid(f"Unable to find resource by id {entity_id} and type {kind}")
    return found
