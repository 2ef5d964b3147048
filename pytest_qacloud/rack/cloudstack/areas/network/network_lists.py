"""listNetworks: a caller's own networks, and those of domains and others that it may use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import access, lists
from ...errors import invalid
from ...identity import Account, AccountType, Domain, controls
from ...models.guests import Network, NetworkPermission
from ...models.projects import Project
from ...registry import command

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...context import Context
    from ...lists import Page
    from ...params import Params

ACCOUNT, DOMAIN, ACCOUNT_DOMAIN, PERMITTED, EVERY = "account", "domain", "accountdomain", "shared", "all"
_FILTERS = (ACCOUNT, DOMAIN, ACCOUNT_DOMAIN, PERMITTED, EVERY)
_OWN = ("supportedservices", "networkfilter", "vlan", "domainid", "acltype", "isrecursive")


@command("listNetworks")
def list_networks(ctx: Context, params: Params) -> Page:
    """Networks; `networkfilter` chooses among own, domains' and permitted ones."""
    chosen = params.text("networkfilter", EVERY).lower()
    if chosen not in _FILTERS:
        raise invalid(f"Invalid networkfilter {chosen}; one of All, Account, Domain, AccountDomain, Shared")
    seen = _visible(ctx, params, chosen)
    services = {name.lower() for name in params.strings("supportedservices")}
    vlan, acltype = params.optional("vlan"), params.optional("acltype")

    def wanted(network: Network) -> bool:
        if not seen(network) or (acltype is not None and network.acltype.lower() != acltype.lower()):
            return False
        if vlan is not None and network.vlan != vlan.removeprefix("vlan://"):
            return False
        if network.displaynetwork is False and not ctx.caller.is_root_admin:
            return False
        return services <= {name.lower() for name in network.networkoffering.providers}

    found = ctx.store.all(Network, wanted)
    return lists.page_of(ctx, found, params, ignore=_OWN, visible=True)


def _visible(ctx: Context, params: Params, chosen: str) -> Callable[[Network], bool]:
    own = access.visibility(ctx, params)
    asked = params.optional("account") is not None or params.get("projectid") is not None
    domain = params.entity("domainid", Domain)
    named = params.get("id") is not None
    user = _for_whom(ctx, params)
    everything = params.flag("listall") and ctx.caller.accounttype == AccountType.ADMIN and domain is None
    recursive = params.flag("isrecursive") or params.flag("listall")

    def of_account(network: Network) -> bool:
        return network.shared_domain is None and own(network)

    def of_domain(network: Network) -> bool:
        if network.shared_domain is None:
            return False
        if domain is not None and not asked:
            inside = domain.contains(network.shared_domain) if recursive else network.shared_domain is domain
            return inside and (network.usable_by(ctx.caller) or controls(ctx.caller, network.owner))
        return (everything and not asked) or (named and ctx.caller.is_root_admin) or _reaches(network, user.domain)

    def permitted(network: Network) -> bool:
        holders = [held.holder for held in ctx.store.all(NetworkPermission, network=network)]
        if asked:
            return user in holders
        return domain is None and any(item is user or (recursive and controls(user, item)) for item in holders)

    kinds: dict[str, tuple[Callable[[Network], bool], ...]] = {
        ACCOUNT: (of_account,),
        DOMAIN: (of_domain,),
        ACCOUNT_DOMAIN: (of_account, of_domain),
        PERMITTED: (permitted,),
        EVERY: (of_account, of_domain, permitted),
    }
    return lambda network: any(kind(network) for kind in kinds[chosen])


def _for_whom(ctx: Context, params: Params) -> Account:
    """Whose networks are asked for; the caller's unless a project or an account is named."""
    project = params.get("projectid")
    if isinstance(project, Project):
        return project.owner
    return ctx.caller if project is not None else access.owner_of(ctx, params)


def _reaches(network: Network, domain: Domain) -> bool:
    held = network.shared_domain
    if held is None:
        return False
    return held.contains(domain) if network.subdomainaccess else held is domain
