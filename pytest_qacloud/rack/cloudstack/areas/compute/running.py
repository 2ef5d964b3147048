"""How VMs start and stop: what the commands, the deployment and host maintenance share."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...disks import place
from ...errors import denied, invalid
from ...models.machines import RUNNING, VirtualMachine
from ...models.topology import Cluster, Host, Pod
from ...ports_network import implement
from ...replies import shape
from .places import choose, choose_named

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...context import Context
    from ...params import Params

_PASSWORD_LETTERS = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # noqa: S105 - an alphabet


@dataclass(frozen=True)
class Target:
    """Where a start shall go: one host, whatever its tags, or hosts for which `within` holds."""

    host: Host | None = None
    within: Callable[[Host], bool] | None = None


ANYWHERE = Target()


def target_of(ctx: Context, params: Params) -> Target:
    """What `hostid` asks for, or without it `clusterid`, or without both `podid`.

    Raises:
        ApiError: not the caller's to say (531), or the host takes no VMs (431).
    """
    host = params.entity("hostid", Host)
    cluster, pod = params.entity("clusterid", Cluster), params.entity("podid", Pod)
    if (host, cluster, pod) == (None, None, None):
        return ANYWHERE
    if not ctx.caller.is_root_admin:
        raise denied("Parameters hostid, clusterid and podid can only be specified by a Root Admin, permission denied")
    if host is not None:
        if not host.usable():
            raise invalid(f"Unable to deploy the VM as the host: {host.name} is not in the right state")
        return Target(host)
    if cluster is not None:
        return Target(within=lambda other: other.cluster is cluster)
    return Target(within=lambda other: other.pod is pod)


def start(ctx: Context, vm: VirtualMachine, target: Target = ANYWHERE) -> None:
    """Bring a VM that is Starting to Running: networks live, volumes on a pool, the VM on a host.

    Raises:
        ApiError: no room, no storage, no address; the VM is left Starting, for the caller to put right.
    """
    for nic in vm.nics:
        implement(ctx, nic.network)
    host = choose(ctx, vm, where=target.within) if target.host is None else choose_named(ctx, vm, target.host)
    for volume in vm.volumes:
        place(ctx, volume, host.cluster)
    vm.host = host
    vm.enter(RUNNING, ctx.now)


def check_startable(ctx: Context, vm: VirtualMachine) -> None:
    """Refuse to start a VM of a disabled account.

    Raises:
        ApiError: 531.
    """
    if vm.owner.state == "disabled" and not ctx.caller.is_root_admin:
        raise denied(f"The owner of {vm.name} is disabled: {vm.owner.name}")


def with_password(ctx: Context, vm: VirtualMachine, chosen: str | None = None, *, force: bool = False) -> Any:
    """The reply that shows a VM; with its new password where its template sets one.

    Args:
        chosen: the password; otherwise a random one.
        force: set a new one although it has one.
    """
    if not vm.passwordenabled or (vm.secret is not None and not force):
        return vm
    length = max(int(ctx.number_setting("vm.password.length")), 6)
    vm.secret = chosen or "".join(secrets.choice(_PASSWORD_LETTERS) for _ in range(length))
    return {"virtualmachine": {**shape(vm, admin=ctx.caller.is_root_admin), "password": vm.secret}}
