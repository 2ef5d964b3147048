"""Accounts in projects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...access import account_named
from ...errors import denied, invalid
from ...lists import Page, cut
from ...models.projects import ADMIN, REGULAR, Membership, Project
from ...registry import command
from .projects import administered

if TYPE_CHECKING:
    from collections.abc import Generator

    from ...context import Context
    from ...params import Params


def _membership(project: Project, name: str) -> Membership | None:
    return next((item for item in project.memberships if item.account.name.lower() == name.lower()), None)


@command("listProjectAccounts")
def list_members(ctx: Context, params: Params) -> Page:
    """Who is in a project."""
    project, role, name = params.need("projectid", Project), params.optional("role"), params.optional("account")
    if not project.usable_by(ctx.caller):
        raise denied(f"Account {ctx.caller.name} is not authorised to list users of the project {project.id}")
    keyword = params.text("keyword").lower()
    rows: list[dict[str, Any]] = [
        {
            "projectid": project.id,
            "project": project.name,
            "account": item.account.name,
            "accountid": item.account.id,
            "accounttype": int(item.account.accounttype),
            "role": item.role,
            "domainid": item.account.domain.id,
            "domain": item.account.domain.name,
        }
        for item in project.memberships
        if name in (None, item.account.name)
        and (role is None or role.lower() == item.role.lower())
        and keyword in item.account.name.lower()
    ]
    return cut(ctx, rows, params).under("projectaccount")


@command("addAccountToProject")
def add_account(ctx: Context, params: Params) -> Generator[Any, None, Any]:
    """An account of the project's domain joins, without an invitation."""
    project, name = administered(ctx, params.need("projectid", Project)), params.optional("account")
    if name is None:
        raise invalid("Must specify account: invitations by email are not sent here")
    account, role = account_named(ctx.store, name, project.home), params.text("roletype", REGULAR).capitalize()
    if account is None:
        raise invalid(f"Unable to find account name={name} in domain id={project.home.id}")
    if role not in (ADMIN, REGULAR):
        raise invalid(f"Invalid role type {params.text('roletype')}: it has to be Admin or Regular")
    yield project
    if _membership(project, name) is None:
        ctx.store.add(Membership(project=project, account=account, role=role), ctx.now)
    return True


@command("deleteAccountFromProject")
def remove_account(ctx: Context, params: Params) -> Generator[Any, None, Any]:
    """An account leaves; never the last that administers the project."""
    project = administered(ctx, params.need("projectid", Project))
    found = _membership(project, params.text("account"))
    if found is None:
        raise invalid(f"Account {params.text('account')} is not assigned to the project with specified id")
    if found.role == ADMIN and sum(item.role == ADMIN for item in project.memberships) == 1:
        raise invalid("Unable to delete account from the project as it is the only one that administers it")
    yield project
    ctx.store.remove(found)
    return True
