"""Which other accounts may put their VMs into an account's network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...access import account_named
from ...errors import denied, invalid
from ...identity import Account, controls
from ...lists import Page
from ...models.guests import Network, NetworkPermission
from ...registry import command
from .networks import operable

if TYPE_CHECKING:
    from ...context import Context
    from ...params import Params


def _shareable(ctx: Context, params: Params) -> Network:
    network = params.need("networkid", Network)
    if network.shared_domain is not None:
        raise invalid("network is already shared in domain")
    if network.vpc is not None:
        raise invalid("VPC tiers cannot be shared")
    operable(ctx, network)
    if network.owner.project is not None:
        raise invalid(
            f"Update network permissions is an invalid operation on network {network.name}. Project owned networks "
            "cannot be shared outside network."
        )
    return network


def _named(ctx: Context, params: Params, network: Network) -> list[Account]:
    found = params.entities("accountids", Account)
    for name in params.strings("accounts"):
        account = account_named(ctx.store, name, network.owner.domain)
        if account is None:
            raise invalid(f"Unable to find account {name} in the domain of network {network.name}")
        found.append(account)
    projects: list[Any] = params.get("projectids") or []
    for project in projects:
        if not controls(ctx.caller, project.owner):
            raise denied(f"Account {ctx.caller.name} is unauthorised to use project id={project.id}")
        found.append(project.owner)
    if not found:
        raise invalid("Please specify accounts, accountids or projectids")
    return found


@command("createNetworkPermissions")
def create_permissions(ctx: Context, params: Params) -> bool:
    """Let accounts of the network's own domain use it."""
    network = _shareable(ctx, params)
    accounts = _named(ctx, params, network)
    for account in accounts:
        if account.domain is not network.owner.domain:
            raise invalid(
                f"Unable to find account {account.name} in the domain of network {network.name}. "
                "No permissions is added"
            )
    for account in accounts:
        held = ctx.store.first(NetworkPermission, network=network, holder=account)
        if account is not network.owner and held is None:
            ctx.store.add(NetworkPermission(network=network, holder=account), ctx.now)
    return True


@command("removeNetworkPermissions")
def remove_permissions(ctx: Context, params: Params) -> bool:
    """Let accounts use it no more; their VMs stay in it."""
    network = _shareable(ctx, params)
    for account in _named(ctx, params, network):
        held = ctx.store.first(NetworkPermission, network=network, holder=account)
        if held is not None:
            ctx.remove(held)
    return True


@command("resetNetworkPermissions")
def reset_permissions(ctx: Context, params: Params) -> bool:
    """Let nobody but the owner use it."""
    network = _shareable(ctx, params)
    for held in ctx.store.all(NetworkPermission, network=network):
        ctx.remove(held)
    return True


@command("listNetworkPermissions")
def list_permissions(ctx: Context, params: Params) -> Page:
    """Who else may use a network."""
    network = operable(ctx, params.need("networkid", Network))
    found = ctx.store.all(NetworkPermission, network=network)
    return Page(len(found), found)
