"""Resource limits and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...access import owner_of
from ...errors import denied, invalid
from ...identity import Account, Domain, controls
from ...limits import RESOURCES, UNLIMITED, Limit, Resource, limit_of, resource_of, used, used_in
from ...lists import Page, cut
from ...registry import command

if TYPE_CHECKING:
    from ...context import Context
    from ...params import Params


def _holder(ctx: Context, params: Params) -> Account | Domain:
    """Whose limits are meant: an account's or a project's, else a domain's, else the caller's own."""
    if params.optional("account") or params.get("projectid") is not None:
        return owner_of(ctx, params)
    domain = params.entity("domainid", Domain)
    if domain is None:
        return ctx.caller
    if not ctx.caller.is_root_admin and not ctx.caller.domain.contains(domain):
        raise denied(f"{ctx.caller.name} does not have permission to operate within domain id={domain.id}")
    return domain


def _named(holder: Account | Domain, resource: Resource) -> dict[str, Any]:
    domain = holder.domain if isinstance(holder, Account) else holder
    named: dict[str, Any] = {
        "domainid": domain.id,
        "domain": domain.name,
        "domainpath": domain.path,
        "resourcetype": str(resource.number),
        "resourcetypename": resource.name,
    }
    if isinstance(holder, Account):
        if holder.project is None:
            named["account"] = holder.name
        else:
            named |= {"projectid": holder.project.id, "project": holder.project.name}
    return named


@command("listResourceLimits")
def list_resource_limits(ctx: Context, params: Params) -> Page:
    """All limits of one account, project or domain."""
    holder = _holder(ctx, params)
    number, name = params.optional_number("resourcetype"), params.optional("resourcetypename")
    if number is not None:
        resource_of(number)
    rows = [
        {**_named(holder, resource), "max": limit_of(ctx.store, ctx.server.settings, holder, resource)}
        for resource in RESOURCES
        if number in (None, resource.number) and name in (None, resource.name)
    ]
    return cut(ctx, rows, params)


@command("updateResourceLimit")
def update_resource_limit(ctx: Context, params: Params) -> dict[str, Any]:
    """Set a limit; -1 for none."""
    resource, maximum = resource_of(params.number("resourcetype")), params.number("max", UNLIMITED)
    if maximum < UNLIMITED:
        raise invalid("Please specify either '-1' for an infinite limit, or a limit that is at least '0'.")
    holder = _holder(ctx, params)
    if isinstance(holder, Account):
        if holder.is_root_admin and maximum != UNLIMITED:
            raise invalid("Only -1 limit is supported for Root Admin accounts")
        if holder is ctx.caller and not ctx.caller.is_root_admin:
            raise denied(f"Unable to update resource limit for their own account {holder.name}, permission denied")
        if holder.project is not None and not holder.project.changeable_by(ctx.user):
            raise denied(f"{ctx.caller.name} does not have permission to operate with project {holder.project.id}")
    elif holder.parentdomain is None:
        raise denied(f"Cannot update resource limit for ROOT domain {holder.id}, permission denied")
    else:
        _check_parent(ctx, holder, resource, maximum)
    limit = ctx.store.first(Limit, holder=holder, resource=resource)
    if limit is None:
        limit = ctx.store.add(Limit(holder=holder, resource=resource, max=maximum), ctx.now)
    limit.max = maximum
    return {"resourcelimit": {**_named(holder, resource), "max": maximum}}


def _check_parent(ctx: Context, domain: Domain, resource: Resource, maximum: int) -> None:
    parent = domain.parentdomain
    above = UNLIMITED if parent is None else limit_of(ctx.store, ctx.server.settings, parent, resource)
    if parent is not None and above != UNLIMITED and maximum > above:
        raise invalid(
            f"Domain {parent.name} has maximum allowed resource limit {above} for {resource.name}, "
            f"please specify a value less than or equal to {above}"
        )


@command("updateResourceCount")
def update_resource_count(ctx: Context, params: Params) -> Page:
    """Counts of one account, project or domain; always right here, as they are taken when asked for."""
    holder = _holder(ctx, params)
    if isinstance(holder, Account) and not controls(ctx.caller, holder):
        raise denied(f"{ctx.caller.name} does not have permission to operate with account {holder.name}")
    number = params.optional_number("resourcetype")
    chosen = RESOURCES if number is None else (resource_of(number),)
    rows = [{**_named(holder, resource), "resourcecount": _count(ctx, holder, resource)} for resource in chosen]
    return Page(len(rows), rows)


def _count(ctx: Context, holder: Account | Domain, resource: Resource) -> int:
    if isinstance(holder, Account):
        return used(ctx.store, holder, resource)
    return used_in(ctx.store, holder, resource)
