"""Stickiness and health checks of load balancer rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import invalid
from ...lists import Page, cut
from ...models.loadbalancers import BalancerRule, HealthCheck, Stickiness
from ...registry import command
from ...replies import shape

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from ...context import Context
    from ...params import Params

_METHODS = {
    "lbcookie": ("LbCookie", frozenset({"cookie-name", "mode", "nocache", "indirect", "postonly", "domain"})),
    "appcookie": (
        "AppCookie",
        frozenset({"cookie-name", "length", "holdtime", "request-learn", "prefix", "mode"}),
    ),
    "sourcebased": ("SourceBased", frozenset({"tablesize", "expire"})),
}
"""Names of the methods of a router's HAProxy, and their parameters."""

_MOST_POLICIES = 2
_CHECKING = frozenset({"Netscaler"})
"""Providers that check the health of VMs; routers do not."""


def _around(rule: BalancerRule, key: str, policies: Sequence[Stickiness | HealthCheck]) -> dict[str, Any]:
    """Policies as replies show them, within their rule."""
    return {
        "lbruleid": rule.id,
        "account": rule.account,
        "domainid": rule.domainid,
        "domain": rule.domain,
        "zoneid": rule.zoneid,
        key: [shape(policy) for policy in policies],
    }


@command("createLBStickinessPolicy")
def create_stickiness(ctx: Context, params: Params) -> Generator[Any, None, dict[str, Any]]:
    """How a rule keeps a client with its VM."""
    rule = params.need("lbruleid", BalancerRule)
    method = _METHODS.get(params.text("methodname").lower())
    if method is None:
        raise invalid(f"Failed to match Stickiness method name for LB rule:{rule.id}")
    name, known = method
    chosen = {row["name"]: row.get("value", "") for row in params.rows("param") if "name" in row} or params.pairs(
        "param"
    )
    unknown = sorted(set(chosen) - known)
    if unknown:
        raise invalid(f"Failed : Stickiness policy does not support param name :{unknown[0]}")
    if len(ctx.store.all(Stickiness, rule=rule)) >= _MOST_POLICIES:
        raise invalid(f"Failed to create Stickiness policy: Already two policies attached {rule.id}")
    policy = Stickiness(
        rule=rule,
        name=params.text("name"),
        methodname=name,
        description=params.optional("description"),
        params=chosen,
        fordisplay=params.flag("fordisplay", default=True),
    )
    yield ctx.add(policy)
    return {"stickinesspolicies": _around(rule, "stickinesspolicy", [policy])}


@command("listLBStickinessPolicies")
def list_stickiness(ctx: Context, params: Params) -> Page:
    """A rule's stickiness policies."""
    return _listed(ctx, params, Stickiness, "stickinesspolicy")


def _listed(ctx: Context, params: Params, kind: type[Stickiness | HealthCheck], key: str) -> Page:
    rule: BalancerRule | None = params.entity("lbruleid", BalancerRule)
    policy: Any = params.get("id")
    if rule is None and policy is None:
        raise invalid("load balancer rule ID and policy ID can't be null")
    if rule is None:
        rule = policy.rule
    if policy is not None and policy.rule is not rule:
        raise invalid(f"policy ID doesn't belong to lbId {getattr(rule, 'id', '')}")
    if rule is None or not rule.usable_by(ctx.caller):
        raise invalid("Unable to find the load balancer rule")
    found = [item for item in ctx.store.all(kind, rule=rule) if policy in (None, item)]
    return cut(ctx, [_around(rule, key, found)], params)


@command("updateLBStickinessPolicy")
def update_stickiness(ctx: Context, params: Params) -> dict[str, Any]:
    """Whether it is shown to users."""
    policy = params.need("id", Stickiness)
    ctx.assign(policy, params, "fordisplay")
    return {"stickinesspolicies": _around(policy.rule, "stickinesspolicy", [policy])}


@command("deleteLBStickinessPolicy")
def delete_stickiness(ctx: Context, params: Params) -> bool:
    """A stickiness policy."""
    return ctx.remove(params.need("id", Stickiness))


@command("createLBHealthCheckPolicy")
def create_health_check(ctx: Context, params: Params) -> Generator[Any, None, dict[str, Any]]:
    """How a rule finds out which VMs are well; routers cannot."""
    rule = params.need("lbruleid", BalancerRule)
    wait, interval = params.number("responsetimeout", 2), params.number("intervaltime", 5)
    if wait > interval:
        raise invalid("Failed to create HealthCheck policy : Monitor interval must be greater than response timeout")
    if rule.network is None or rule.network.networkoffering.providers.get("Lb") not in _CHECKING:
        raise invalid(
            "Failed to create HealthCheck policy: Validation Failed (HealthCheck Policy is not supported by LB "
            f"Provider for the LB rule:{rule.name})"
        )
    if ctx.store.first(HealthCheck, rule=rule) is not None:
        raise invalid(f"Failed to create HealthCheck policy: Already policy attached  for the LB Rule:{rule.name}")
    policy = HealthCheck(
        rule=rule,
        pingpath=params.text("pingpath", "/"),
        description=params.optional("description"),
        responsetime=wait,
        healthcheckinterval=interval,
        healthcheckthresshold=params.number("healthythreshold", 2),
        unhealthcheckthresshold=params.number("unhealthythreshold", 10),
        fordisplay=params.flag("fordisplay", default=True),
    )
    yield ctx.add(policy)
    return {"healthcheckpolicies": _around(rule, "healthcheckpolicy", [policy])}


@command("listLBHealthCheckPolicies")
def list_health_checks(ctx: Context, params: Params) -> Page:
    """A rule's health check policy."""
    return _listed(ctx, params, HealthCheck, "healthcheckpolicy")


@command("updateLBHealthCheckPolicy")
def update_health_check(ctx: Context, params: Params) -> dict[str, Any]:
    """Whether it is shown to users."""
    policy = params.need("id", HealthCheck)
    ctx.assign(policy, params, "fordisplay")
    return {"healthcheckpolicies": _around(policy.rule, "healthcheckpolicy", [policy])}


@command("deleteLBHealthCheckPolicy")
def delete_health_check(ctx: Context, params: Params) -> bool:
    """A health check policy."""
    return ctx.remove(params.need("id", HealthCheck))
