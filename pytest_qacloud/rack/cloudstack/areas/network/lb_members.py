"""The VMs behind load balancer rules, public and internal ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import denied, invalid
from ...lists import Page, cut
from ...models.loadbalancers import BalancerMember, BalancerRule, InternalBalancer
from ...models.machines import DESTROYED, EXPUNGING, VirtualMachine
from ...models.rules import ACTIVE
from ...registry import command
from ...replies import shape
from .guests import address_of

if TYPE_CHECKING:
    from ...context import Context
    from ...models.guests import Network
    from ...params import Params


def _rule(ctx: Context, params: Params) -> BalancerRule | InternalBalancer:
    rule = params.get("id")
    if not isinstance(rule, BalancerRule | InternalBalancer):
        raise invalid(f"Unable to find load balancer rule by id {getattr(rule, 'id', rule)}")
    if not rule.usable_by(ctx.caller):
        raise denied(f"{ctx.caller.name} does not have permission to operate with load balancer rule {rule.name}")
    return rule


def _network(rule: BalancerRule | InternalBalancer) -> Network:
    if rule.network is None:
        raise invalid(f"Load balancer rule {rule.name} is for no network")
    return rule.network


def _wanted(ctx: Context, params: Params) -> dict[str, tuple[VirtualMachine, list[str]]]:
    """VMs by id, with the addresses of each that the caller names."""
    wanted: dict[str, tuple[VirtualMachine, list[str]]] = {}
    for row in params.rows("vmidipmap"):
        vm = ctx.store.get(VirtualMachine, row.get("vmid", ""))
        if vm is None or not vm.usable_by(ctx.caller):
            raise invalid("Invalid instance id specified: " + row.get("vmid", ""))
        wanted.setdefault(vm.id, (vm, []))[1].append(row.get("vmip", ""))
    for vm in params.entities("virtualmachineids", VirtualMachine):
        wanted.setdefault(vm.id, (vm, []))
    if not wanted:
        raise invalid("Both instanceids and vmidipmap  can't be null")
    return wanted


@command("assignToLoadBalancerRule")
def assign_to_balancer(ctx: Context, params: Params) -> bool:
    """Put VMs behind a rule, by their own addresses or further ones of their interfaces."""
    rule = _rule(ctx, params)
    network = _network(rule)
    found: list[BalancerMember] = []
    for vm, named in _wanted(ctx, params).values():
        if vm.state in (DESTROYED, EXPUNGING):
            raise invalid(f"Invalid instance id specified: {vm.id} is {vm.state}")
        if not network.usable_by(vm.owner):
            raise invalid(f"VM {vm.name} and load balancer rule {rule.name} don't belong to the same owner")
        for guest in {address_of(vm, network, ipaddress) for ipaddress in named} or {address_of(vm, network)}:
            if ctx.store.first(BalancerMember, rule=rule, virtualmachine=vm, ipaddress=guest) is not None:
                raise invalid(f"VM {vm.id} with {guest} is already mapped to load balancer.")
            found.append(BalancerMember(rule=rule, virtualmachine=vm, ipaddress=guest))
    for member in found:
        ctx.store.add(member, ctx.now)
    rule.state = ACTIVE
    return True


@command("removeFromLoadBalancerRule")
def remove_from_balancer(ctx: Context, params: Params) -> bool:
    """Take VMs, or single addresses of them, from behind a rule."""
    rule = _rule(ctx, params)
    gone: list[BalancerMember] = []
    for vm, named in _wanted(ctx, params).values():
        members = [
            member
            for member in ctx.store.all(BalancerMember, rule=rule, virtualmachine=vm)
            if not named or member.ipaddress in named
        ]
        if not members:
            raise invalid(f"The instance id: {vm.id} is not configured for LB rule {rule.name}")
        gone += members
    for member in gone:
        ctx.remove(member)
    return True


@command("listLoadBalancerRuleInstances")
def list_balancer_instances(ctx: Context, params: Params) -> Page:
    """The VMs behind a rule, with `lbvmips` also their addresses; with `applied` false those that could be added."""
    rule = _rule(ctx, params)
    members = rule.members
    if not params.flag("applied", default=True):
        network, inside = _network(rule), {id(member.virtualmachine) for member in members}
        others = [nic.virtualmachine for nic in network.nics if isinstance(nic.virtualmachine, VirtualMachine)]
        rows = [_shown(ctx, vm) for vm in others if id(vm) not in inside]
        return cut(ctx, rows, params).under("loadbalancerruleinstance")
    vms = list(dict.fromkeys(member.virtualmachine for member in members))
    if not params.flag("lbvmips"):
        return cut(ctx, [_shown(ctx, vm) for vm in vms], params).under("loadbalancerruleinstance")
    mapped = [
        {
            "loadbalancerruleinstance": _shown(ctx, vm),
            "lbvmipaddresses": [member.ipaddress for member in members if member.virtualmachine is vm],
        }
        for vm in vms
    ]
    return cut(ctx, mapped, params).under("lbrulevmidip")


def _shown(ctx: Context, vm: Any) -> dict[str, Any]:
    return {**shape(vm, admin=ctx.caller.is_root_admin), "servicestate": "Up" if vm.state == "Running" else "Down"}
