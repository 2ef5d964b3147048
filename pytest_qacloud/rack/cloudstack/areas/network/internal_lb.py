"""Load balancers within a VPC's tier, each on a VM of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import conflict, invalid
from ...models.guests import Network, Nic
from ...models.loadbalancers import InternalBalancer
from ...models.routers import INTERNAL_LB
from ...models.rules import ACTIVE
from ...ports_network import address_in, next_mac
from ...registry import command
from . import routing
from .load_balancers import algorithm_of
from .networks import operable
from .protocols import check_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...context import Context
    from ...lists import Page
    from ...models.routers import Router
    from ...params import Params


@command("createLoadBalancer")
def create_internal_balancer(ctx: Context, params: Params) -> Iterator[InternalBalancer]:
    """A load balancer on an address of a tier; its VM serves all rules of that address."""
    network = operable(ctx, params.need("networkid", Network))
    if params.need("sourceipaddressnetworkid", Network) is not network:
        raise invalid("Source ip address network id has to be the id of the load balancer's network")
    if params.text("scheme").lower() != "internal":
        raise invalid(f"Scheme {params.text('scheme')} is not supported by load balancers within networks")
    if network.networkoffering.providers.get("Lb") != "InternalLbVm":
        raise invalid(f"Scheme Internal is not supported by the network offering {network.networkoffering.name}")
    port, _ = check_ports(params.number("sourceport"), None)
    inner, _ = check_ports(params.number("instanceport"), None)
    balancer = InternalBalancer(
        owner=network.owner,
        name=params.text("name"),
        description=params.optional("description"),
        network=network,
        algorithm=algorithm_of(params.text("algorithm")),
        sourceport=port or 0,
        instanceport=inner or 0,
        sourceipaddress=_address(ctx, network, params.optional("sourceipaddress")),
        fordisplay=params.flag("fordisplay", default=True),
    )
    same = ctx.store.first(
        InternalBalancer, network=network, sourceipaddress=balancer.sourceipaddress, sourceport=balancer.sourceport
    )
    if same is not None:
        raise conflict(
            f"Source port {balancer.sourceport} of {balancer.sourceipaddress} is load balancer {same.name}'s"
        )
    yield ctx.add(balancer)
    try:
        _serve(ctx, network, balancer.sourceipaddress)
    except Exception:
        ctx.remove(balancer)
        raise
    balancer.state = ACTIVE


def _address(ctx: Context, network: Network, wanted: str | None) -> str:
    held = {item.sourceipaddress for item in ctx.store.all(InternalBalancer, network=network)}
    if wanted is not None and wanted in held:
        return wanted
    return str(address_in(ctx, network, wanted))


def _vm_at(ctx: Context, network: Network, ipaddress: str) -> Router | None:
    found = routing.routers_of(ctx.store, network, INTERNAL_LB)
    return next((vm for vm in found if any(nic.ipaddress == ipaddress for nic in vm.guest_nics)), None)


def _serve(ctx: Context, network: Network, ipaddress: str) -> None:
    """See to it that a VM has the address and runs."""
    vm = _vm_at(ctx, network, ipaddress)
    if vm is not None:
        return
    vm = routing.make(ctx, network, network.zone, network.owner, role=INTERNAL_LB)
    nic = Nic(network=network, virtualmachine=vm, macaddress=next_mac(ctx.store), ipaddress=ipaddress)
    ctx.store.add(nic, ctx.now)
    try:
        routing.start(ctx, vm)
    except Exception:
        ctx.remove(vm)
        raise


@command("listLoadBalancers")
def list_internal_balancers(ctx: Context, params: Params) -> Page:
    """Load balancers within networks."""
    return ctx.list(InternalBalancer, params)


@command("updateLoadBalancer")
def update_internal_balancer(ctx: Context, params: Params) -> InternalBalancer:
    """Whether it is shown to users."""
    balancer = params.need("id", InternalBalancer)
    ctx.assign(balancer, params, "fordisplay")
    return balancer


@command("deleteLoadBalancer")
def delete_internal_balancer(ctx: Context, params: Params) -> bool:
    """A load balancer; its VM goes with the last one of its address."""
    balancer = params.need("id", InternalBalancer)
    network, ipaddress = balancer.network, balancer.sourceipaddress
    ctx.remove(balancer)
    vm = _vm_at(ctx, network, ipaddress)
    if vm is not None and ctx.store.first(InternalBalancer, network=network, sourceipaddress=ipaddress) is None:
        ctx.remove(vm)
    return True
