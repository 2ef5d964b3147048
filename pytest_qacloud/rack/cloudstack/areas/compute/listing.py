"""VMs and groups of VMs, as they are listed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import denied, failed, invalid
from ...models.guests import Network
from ...models.machines import RUNNING, AffinityGroup, InstanceGroup, VirtualMachine
from ...models.storage import StoragePool
from ...models.topology import Cluster, Host, Pod
from ...registry import command
from ...replies import shape
from ...store import Entity

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...context import Context
    from ...lists import Page
    from ...params import Params

_DEALT_WITH = (
    *("networkid", "hostid", "podid", "clusterid", "storageid", "groupid", "affinitygroupid", "vpcid", "keypair"),
    *("state", "forvirtualnetwork", "userdata", "accumulate", "isvnf", "leased", "gpuenabled", "securitygroupid"),
    *("autoscalevmgroupid", "backupofferingid", "extensionid", "name"),
)


@command("listVirtualMachines")
def list_vms(ctx: Context, params: Params) -> Page:
    """VMs; `details` chooses how much of each, destroyed ones for admins only."""
    page = _page(ctx, params)
    details = set(params.strings("details"))
    if "min" in details:
        return page.map(lambda vm: _least(shape(vm, admin=ctx.caller.is_root_admin)))
    return page


def _page(ctx: Context, params: Params) -> Page:
    if params.get("hostid") is not None and not ctx.caller.is_root_admin:
        raise denied("Only a root admin may list VMs by host")
    checks = _filters(params)
    return ctx.list(VirtualMachine, params, lambda vm: all(check(vm) for check in checks), ignore=_DEALT_WITH)


def _filters(params: Params) -> list[Callable[[VirtualMachine], bool]]:
    checks: list[Callable[[VirtualMachine], bool]] = []
    network, host = params.entity("networkid", Network), params.entity("hostid", Host)
    if network is not None:
        checks.append(lambda vm: any(nic.network is network for nic in vm.nics))
    if host is not None:
        checks.append(lambda vm: vm.host is host)
    pod, cluster = params.entity("podid", Pod), params.entity("clusterid", Cluster)
    if pod is not None:
        checks.append(lambda vm: vm.host is not None and vm.host.pod is pod)
    if cluster is not None:
        checks.append(lambda vm: vm.host is not None and vm.host.cluster is cluster)
    pool = params.entity("storageid", StoragePool)
    if pool is not None:
        checks.append(lambda vm: any(volume.pool is pool for volume in vm.volumes))
    group, affinity = params.entity("groupid", InstanceGroup), params.entity("affinitygroupid", AffinityGroup)
    if group is not None:
        checks.append(lambda vm: vm.instancegroup is group)
    if affinity is not None:
        checks.append(lambda vm: affinity in vm.affinity_groups)
    vpc, key = params.entity("vpcid", Entity), params.optional("keypair")
    if vpc is not None:
        checks.append(lambda vm: any(nic.network.vpc is vpc for nic in vm.nics))
    if key is not None:
        checks.append(lambda vm: key in vm.key_names)
    if params.get("autoscalevmgroupid") is not None:
        checks.append(lambda vm: False)  # noqa: ARG005 - no VM here belongs to one
    name = params.optional("name")
    if name is not None:
        checks.append(lambda vm: name.lower() in (vm.name.lower(), vm.displayname.lower()))
    return [*checks, *_state_filters(params)]


def _state_filters(params: Params) -> list[Callable[[VirtualMachine], bool]]:
    state = params.optional("state")
    if state is None:
        return []
    if state.lower() == "present":
        return [lambda vm: vm.state not in ("Destroyed", "Expunging")]
    return [lambda vm: vm.state.lower() == state.lower()]


def _least(shown: dict[str, Any]) -> dict[str, Any]:
    for name in ("nic", "securitygroup", "affinitygroup", "tags", "details"):
        shown.pop(name, None)
    return shown


@command("listVirtualMachinesMetrics")
def list_vm_metrics(ctx: Context, params: Params) -> Page:
    """VMs with what they use; an idle VM uses nothing."""
    admin = ctx.caller.is_root_admin

    def metrics(vm: VirtualMachine) -> dict[str, Any]:
        idle = {"networkread": "0.00 MB", "networkwrite": "0.00 MB", "diskread": "0.00 MB", "diskwrite": "0.00 MB"}
        return {
            **shape(vm, admin=admin),
            "cputotal": f"{vm.cpunumber * vm.cpuspeed / 1000:.2f} GHz",
            "memorytotal": f"{vm.memory / 1024:.2f} GB",
            **(idle | {"diskiopstotal": 0} if vm.state == RUNNING else {}),
        }

    return _page(ctx, params).map(metrics)


@command("createInstanceGroup")
def create_group(ctx: Context, params: Params) -> InstanceGroup:
    """A name for VMs of an account."""
    owner, name = ctx.owner(params), params.text("name")
    if ctx.store.first(InstanceGroup, name=name, owner=owner) is not None:
        raise invalid(f"Unable to create vm group, a group with name {name} already exists for account {owner.name}")
    return ctx.add(InstanceGroup(owner=owner, name=name))


@command("listInstanceGroups")
def list_groups(ctx: Context, params: Params) -> Page:
    """VM groups."""
    return ctx.list(InstanceGroup, params)


@command("updateInstanceGroup")
def update_group(ctx: Context, params: Params) -> InstanceGroup:
    """A group's name."""
    group, name = params.need("id", InstanceGroup), params.optional("name")
    if name is not None:
        other = ctx.store.first(InstanceGroup, name=name, owner=group.owner)
        if other is not None and other is not group:
            raise failed(f"A VM group with name {name} already exists")
        group.name = name
    return group


@command("deleteInstanceGroup")
def delete_group(ctx: Context, params: Params) -> bool:
    """A group; its VMs stay."""
    return ctx.remove(params.need("id", InstanceGroup))
