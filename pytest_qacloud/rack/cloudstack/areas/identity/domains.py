"""Domains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ... import limits
from ...errors import denied, failed, invalid
from ...identity import Account, Domain
from ...registry import command
from ...replies import shape

if TYPE_CHECKING:
    from ...context import Context
    from ...lists import Page
    from ...params import Params


def _shown(ctx: Context, domain: Domain) -> dict[str, Any]:
    return {**shape(domain), **limits.totals(ctx, domain)}


def _within(ctx: Context, domain: Domain) -> Domain:
    if not ctx.caller.is_root_admin and not ctx.caller.domain.contains(domain):
        raise denied(f"{ctx.caller.name} does not have permission to operate within domain id={domain.id}")
    return domain


def _check_name(ctx: Context, name: str, parent: Domain | None, itself: Domain | None = None) -> None:
    taken = ctx.store.first(Domain, lambda other: other.name.lower() == name.lower(), parentdomain=parent)
    if taken is not None and taken is not itself:
        where = "" if parent is None else parent.id
        raise invalid(f"Domain with name [{name}] already exists for the parent with ID [{where}].")
    if "/" in name:
        raise invalid("Domain name can't contain '/'")


@command("createDomain")
def create_domain(ctx: Context, params: Params) -> dict[str, Any]:
    """A domain below another, by default the caller's."""
    parent = _within(ctx, params.entity("parentdomainid", Domain) or ctx.caller.domain)
    _check_name(ctx, params.text("name"), parent)
    domain = Domain(name=params.text("name"), parentdomain=parent, networkdomain=params.optional("networkdomain"))
    if params.optional("domainid"):
        domain.id = params.text("domainid")
    return {"domain": _shown(ctx, ctx.add(domain))}


@command("listDomains")
def list_domains(ctx: Context, params: Params) -> Page:
    """Domains at and below the caller's; for others than root admins only their own unless `listall` or an `id`."""
    caller, asked = ctx.caller, params.entity("id", Domain)
    if asked is not None:
        _within(ctx, asked)
    deep = caller.is_root_admin or params.flag("listall") or asked is not None

    def seen(domain: Domain) -> bool:
        return caller.domain.contains(domain) if deep else domain is caller.domain

    page = ctx.list(Domain, params, seen, ignore=("tag",))
    return page.map((lambda domain: _shown(ctx, domain)) if limits.totals_wanted(params) else shape)


@command("listDomainChildren")
def list_domain_children(ctx: Context, params: Params) -> Page:
    """What hangs below a domain."""
    top = _within(ctx, params.entity("id", Domain) or ctx.caller.domain)
    deep = params.flag("isrecursive") or params.flag("listall")

    def below(domain: Domain) -> bool:
        return domain is not top and (top.contains(domain) if deep else domain.parentdomain is top)

    return ctx.list(Domain, params, below, ignore=("id",)).map(lambda domain: _shown(ctx, domain))


@command("updateDomain")
def update_domain(ctx: Context, params: Params) -> dict[str, Any]:
    """Name and network domain."""
    domain = _within(ctx, params.need("id", Domain))
    if "name" in params:
        if domain.parentdomain is None:
            raise invalid("ROOT domain can not be edited with a new name")
        _check_name(ctx, params.text("name"), domain.parentdomain, domain)
    ctx.assign(domain, params, "name", "networkdomain")
    return {"domain": _shown(ctx, domain)}


@command("moveDomain")
def move_domain(ctx: Context, params: Params) -> dict[str, Any]:
    """A domain, with all below it, to another parent."""
    domain, parent = params.need("domainid", Domain), params.need("parentdomainid", Domain)
    if domain.parentdomain is None:
        raise invalid("The domain to be moved cannot be the ROOT domain.")
    if domain is parent:
        raise invalid("The domain to be moved and the new parent domain cannot be the same.")
    if domain.parentdomain is parent:
        raise invalid("The current parent domain of the domain to be moved is equal to the new parent domain.")
    if domain.contains(parent):
        raise invalid("The new parent domain of the domain cannot be one of its children.")
    _check_name(ctx, domain.name, parent)
    domain.parentdomain = parent
    return {"domain": _shown(ctx, domain)}


@command("deleteDomain")
def delete_domain(ctx: Context, params: Params) -> bool:
    """A domain; with `cleanup` all accounts and domains in it go first."""
    domain = _within(ctx, params.need("id", Domain))
    if domain.parentdomain is None:
        raise denied("Can't delete ROOT domain")
    if domain is ctx.caller.domain:
        raise denied(f"{ctx.caller.name} cannot delete its own domain")
    if params.flag("cleanup"):
        _clean(ctx, domain)
    elif domain.haschild or ctx.store.first(Account, domain=domain) is not None:
        raise failed(
            f"Can't delete the domain yet because it has accounts or sub-domains: [{domain.name}, ID: {domain.id}]; "
            "specify cleanup=true to delete them with it"
        )
    return ctx.remove(domain)


def _clean(ctx: Context, domain: Domain) -> None:
    for child in ctx.store.all(Domain, parentdomain=domain):
        _clean(ctx, child)
        ctx.remove(child)
    for account in ctx.store.all(Account, domain=domain):
        if account in ctx.store:
            ctx.remove(account)
