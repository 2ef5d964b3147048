"""listProjects and listProjectAccounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...access import account_named
from ...errors import denied, invalid
from ...identity import Account, AccountType, Domain, User, acts_for
from ...limits import totals_wanted
from ...models.projects import Project, ProjectMember
from ...registry import command
from .life import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...context import Context
    from ...lists import Page
    from ...params import Params

_ADMINS = (AccountType.ADMIN, AccountType.DOMAIN_ADMIN)


@command("listProjects")
def list_projects(ctx: Context, params: Params) -> Page:
    """Projects that the caller is in, or with `listall` those that it administers."""
    within, keyword = _within(ctx, params), params.text("keyword").lower()

    def found(project: Project) -> bool:
        return within(project) and (keyword in project.name.lower() or keyword in project.displaytext.lower())

    totals = totals_wanted(params)
    page = ctx.list(Project, params, found, ignore=("keyword", "username"))
    return page.map(lambda project: shown(ctx, project, totals=totals))


def _within(ctx: Context, params: Params) -> Callable[[Project], bool]:
    if ctx.caller.accounttype not in _ADMINS:
        _check_own(ctx, params)
        return _has(ctx.user)
    domain = params.entity("domainid", Domain)
    if domain is None:
        for kind in ("account", "username"):
            if params.optional(kind):
                raise invalid(f"could not find {kind} {params.text(kind)} because domain is not specified")
        if not params.flag("listall"):
            return _has(ctx.user)
        return lambda project: ctx.caller.domain.contains(project.home)
    if not ctx.caller.domain.contains(domain):
        raise denied(f"{ctx.caller.name} does not have permission to access domain {domain.name}")
    member = _member_asked_for(ctx, params, domain)
    recursive = params.flag("isrecursive")
    return lambda project: (
        (domain.contains(project.home) if recursive else project.home is domain)
        and (member is None or _has(member)(project))
    )


def _check_own(ctx: Context, params: Params) -> None:
    """Plain users may name only themselves."""
    domain = params.entity("domainid", Domain)
    own = (
        ("account", params.optional("account") in (None, ctx.caller.name)),
        ("domainid", domain in (None, ctx.caller.domain)),
        ("username", params.optional("username") in (None, ctx.user.username)),
    )
    for name, is_own in own:
        if not is_own:
            raise denied(f"Can't list {name} {params.text(name)} projects; unauthorized")


def _member_asked_for(ctx: Context, params: Params, domain: Domain) -> Account | User | None:
    name, username = params.optional("account"), params.optional("username")
    account = None if name is None else account_named(ctx.store, name, domain)
    if name is not None and account is None:
        raise invalid(f"Unable to find account {name} in domain {domain.id}")
    if username is None:
        return account
    user = ctx.store.first(User, username=username, domain=domain)
    if user is None or account not in (None, user.account):
        raise invalid(f"Unable to find user {username} in domain {domain.id}")
    return user


def _has(member: Account | User) -> Callable[[Project], bool]:
    """Whether a user is in a project, by itself or with its account; or a whole account."""
    if isinstance(member, User):
        return lambda project: project.membership_of(member) is not None
    return lambda project: project.membership(member) is not None


@command("listProjectAccounts")
def list_project_accounts(ctx: Context, params: Params) -> Page:
    """Who is in a project; for its members, and who administers its domain."""
    project, name = params.need("projectid", Project), params.optional("account")
    if not acts_for(ctx.user, project.owner):
        raise denied(f"Account {ctx.caller.name} is not authorized to list users of the project id={project.id}")
    members = [member for member in project.memberships if name is None or member.name.lower() == name.lower()]
    return ctx.page(members, params).map(ProjectMember.shown).under("projectaccount")
