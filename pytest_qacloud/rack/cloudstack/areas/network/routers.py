"""Virtual routers as administrators see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import failed, invalid
from ...models.guests import Network
from ...models.offerings import ServiceOffering
from ...models.routers import INTERNAL_LB, ROUTER, Router
from ...models.topology import Cluster, Host, Pod, Zone
from ...registry import command
from . import routing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...context import Context
    from ...lists import Page
    from ...params import Params

_CHECKS = (
    ("dns_check.py", "basic"),
    ("dhcp_check.py", "basic"),
    ("haproxy_check.py", "advanced"),
    ("gateways_check.py", "basic"),
    ("disk_space_check.py", "basic"),
)


@command("listRouters", "listInternalLoadBalancerVMs")
def list_routers(ctx: Context, params: Params) -> Page:
    """Routers, or internal load balancer VMs."""
    role = INTERNAL_LB if ctx.command.name == "listInternalLoadBalancerVMs" else ROUTER
    network, cluster = params.entity("networkid", Network), params.entity("clusterid", Cluster)
    zone, pod, host = params.entity("zoneid", Zone), params.entity("podid", Pod), params.entity("hostid", Host)

    def seen(router: Router) -> bool:
        if router.role != role or (cluster is not None and (router.host is None or router.host.cluster is not cluster)):
            return False
        if "forvpc" in params and params.flag("forvpc") != (router.vpc is not None):
            return False
        if zone not in (None, router.zone) or pod not in (None, router.pod) or host not in (None, router.host):
            return False
        return network is None or router.network is network or any(n.network is network for n in router.guest_nics)

    ignore = ("networkid", "clusterid", "forvpc", "fetchhealthcheckresults", "zoneid", "podid", "hostid")
    return ctx.list(Router, params, seen, ignore=ignore)


def _router(params: Params, role: str = ROUTER) -> Router:
    router = params.need("id", Router)
    if router.role != role:
        raise invalid(f"Unable to find router by id {router.id}: it is a {router.role}")
    return router


@command("startRouter")
def start_router(ctx: Context, params: Params) -> Iterator[Router]:
    """Start a stopped router."""
    yield from _start(ctx, _router(params))


@command("startInternalLoadBalancerVM")
def start_internal_lb(ctx: Context, params: Params) -> Iterator[Router]:
    """Start a stopped internal load balancer VM."""
    yield from _start(ctx, _router(params, INTERNAL_LB))


def _start(ctx: Context, router: Router) -> Iterator[Router]:
    yield router
    if router.state != routing.RUNNING:
        routing.start(ctx, router)
        routing.elect(ctx, router)


@command("stopRouter")
def stop_router(ctx: Context, params: Params) -> Iterator[Router]:
    """Stop a router; `forced` or not makes no difference to a simulated one."""
    yield from _stop(ctx, _router(params))


@command("stopInternalLoadBalancerVM")
def stop_internal_lb(ctx: Context, params: Params) -> Iterator[Router]:
    """Stop an internal load balancer VM."""
    yield from _stop(ctx, _router(params, INTERNAL_LB))


def _stop(ctx: Context, router: Router) -> Iterator[Router]:
    if router.state == routing.RUNNING:
        router.state = "Stopping"
    yield router
    routing.halt(router)
    routing.elect(ctx, router)


@command("rebootRouter")
def reboot_router(ctx: Context, params: Params) -> Iterator[Router]:
    """Restart a running router on its host; its twin takes over."""
    router = _router(params)
    if router.state != routing.RUNNING:
        raise failed(f"Unable to reboot domR, it is not in right state {router.state}: {router.name}")
    yield router
    if router.isredundantrouter:
        router.redundantstate = "UNKNOWN"
        routing.elect(ctx, router)
    router.requiresupgrade = False


@command("destroyRouter")
def destroy_router(ctx: Context, params: Params) -> Iterator[Router]:
    """A router; its network gets a new one when the next VM starts or the network is restarted."""
    router = _router(params)
    yield router
    served = router.vpc or router.network
    router.state = "Expunging"
    ctx.remove(router)
    for twin in routing.routers_of(ctx.store, served)[:1]:
        routing.elect(ctx, twin)


@command("changeServiceForRouter")
def change_router_service(ctx: Context, params: Params) -> Router:
    """Another system offering for a stopped router."""
    router, offering = _router(params), params.need("serviceofferingid", ServiceOffering)
    if not offering.issystem or offering.systemvmtype != routing.OFFERINGS[ROUTER]:
        raise invalid(f"Cannot upgrade router vm to a non system service offering {offering.name}")
    if offering.id == router.serviceofferingid:
        raise invalid(f"Router: {router.name} has the service offering {offering.name} already")
    if router.state == routing.RUNNING:
        raise failed(f"Unable to upgrade router {router.name}: it has to be stopped")
    router.serviceofferingid, router.serviceofferingname = offering.id, offering.name
    return router


@command("getRouterHealthCheckResults")
def get_router_health(ctx: Context, params: Params) -> dict[str, Any]:
    """What a running router's checks say: it is well."""
    router = params.need("routerid", Router)
    if router.state != routing.RUNNING:
        raise failed(f"Router {router.name} is not running: it has no health checks")
    if not ctx.flag_setting("router.health.checks.enabled"):
        raise failed("Router health checks are not enabled for router: " + router.name)
    rows = [{"checkname": name, "checktype": kind, "success": True, "details": ""} for name, kind in _CHECKS]
    return {"routerhealthchecks": {"routerid": router.id, "healthchecks": rows}}
