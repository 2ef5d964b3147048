"""Projects: made, listed, renamed, suspended, deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ... import limits
from ...access import account_named
from ...errors import denied, failed, invalid
from ...events import Event
from ...identity import Account, AccountType, Domain, Owned, User, controls
from ...jobs import Job
from ...limits import check_limit, counts
from ...models.machines import RUNNING, STOPPED, VirtualMachine
from ...models.projects import ACTIVE, ADMIN, REGULAR, SUSPENDED, Membership, Project
from ...registry import command
from ...replies import shape

if TYPE_CHECKING:
    from collections.abc import Generator

    from ...context import Context
    from ...lists import Page
    from ...params import Params
    from ...store import Store


@counts("project")
def _projects_of(store: Store, account: Account) -> int:
    return len(store.all(Membership, account=account, role=ADMIN))


def shown(ctx: Context, project: Project) -> dict[str, Any]:
    """A project as replies show it, with its owners, limits and counts."""
    vms = ctx.store.all(VirtualMachine, owner=project.owner)
    owners = [{"account": item.account.name} for item in project.memberships if item.role == ADMIN]
    return {
        **shape(project),
        **limits.totals(ctx, project.owner),
        "owner": owners,
        "vmrunning": sum(vm.state == RUNNING for vm in vms),
        "vmstopped": sum(vm.state == STOPPED for vm in vms),
    }


def administered(ctx: Context, project: Project) -> Project:
    """A project that the caller may change.

    Raises:
        ApiError: it may not (531).
    """
    if not project.administered_by(ctx.caller):
        raise denied(f"Account {ctx.caller.name} is not authorised to modify project {project.id}")
    return project


@command("createProject")
def create_project(ctx: Context, params: Params) -> Generator[Any, None, Any]:
    """A project in a domain, administered by the account that it is made for."""
    if ctx.caller.accounttype == AccountType.NORMAL and not ctx.flag_setting("allow.user.create.projects"):
        raise denied("Regular user is not permitted to create a project")
    account = params.entity("accountid", Account)
    if account is None:
        account = ctx.owner(params)
    elif not controls(ctx.caller, account):
        raise denied(f"{ctx.caller.name} does not have permission to operate with account {account.name}")
    domain, name = params.entity("domainid", Domain) or account.domain, params.text("name")
    _check_name(ctx, name, domain)
    check_limit(ctx, account, "project")
    number = ctx.store.next_number("project")
    holder = Account(name=f"PrjAcct-{name}-{number}", accounttype=AccountType.PROJECT, domain=domain)
    project = Project(name=name, displaytext=params.text("displaytext", name), owner=holder)
    holder.project = project
    ctx.add(project)
    ctx.store.add(holder, ctx.now)
    ctx.store.add(Membership(project=project, account=account, role=ADMIN), ctx.now)
    yield project
    return {"project": shown(ctx, project)}


def _check_name(ctx: Context, name: str, domain: Domain, itself: Project | None = None) -> None:
    taken = ctx.store.first(Project, lambda item: item.name == name and item.home is domain)
    if taken is not None and taken is not itself:
        raise invalid(f"Project with name {name} already exists in domain id={domain.id}")


@command("listProjects")
def list_projects(ctx: Context, params: Params) -> Page:
    """The caller's projects; with `listall` all that it administers."""
    domain, name = params.entity("domainid", Domain), params.optional("account")
    account = account_named(ctx.store, name, domain or ctx.caller.domain) if name is not None else None
    if name is not None and account is None:
        raise invalid(f"Unable to find account {name} in the domain")
    user = params.optional("username")
    everything = params.flag("listall") or params.get("id") is not None or domain is not None

    def seen(project: Project) -> bool:
        members = project.members()
        if not project.usable_by(ctx.caller) or (account is not None and account not in members):
            return False
        if domain is not None and project.home is not domain and not domain.contains(project.home):
            return False
        if user is not None and not any(ctx.store.first(User, account=item, username=user) for item in members):
            return False
        return everything or account is not None or ctx.caller in members

    page = ctx.list(Project, params, seen, ignore=("username",))
    return page.map(lambda project: shown(ctx, project))


@command("updateProject")
def update_project(ctx: Context, params: Params) -> Generator[Any, None, Any]:
    """Texts, and by `account` who administers it: instead of the one before unless `swapowner` is false."""
    project = administered(ctx, params.need("id", Project))
    name, owner = params.optional("name"), params.optional("account")
    if name is not None:
        _check_name(ctx, name, project.home, project)
    chosen = None
    if owner is not None:
        chosen = next((item for item in project.memberships if item.account.name == owner), None)
        if chosen is None:
            raise invalid(f"Account {owner} doesn't belong to the project {project.name}. Add it to the project first")
    yield project
    ctx.assign(project, params, "name", "displaytext")
    if chosen is not None:
        if params.flag("swapowner", default=True):
            for item in project.memberships:
                item.role = REGULAR
            chosen.role = ADMIN
        else:
            chosen.role = params.text("roletype", REGULAR).capitalize()
    return {"project": shown(ctx, project)}


@command("suspendProject")
def suspend_project(ctx: Context, params: Params) -> Generator[Any, None, Any]:
    """Stop a project's VMs, and let nothing new be made in it."""
    project = administered(ctx, params.need("id", Project))
    yield project
    project.state = SUSPENDED
    project.owner.state = "locked"
    for vm in ctx.store.all(VirtualMachine, owner=project.owner, state=RUNNING):
        vm.enter(STOPPED, ctx.now)
    return {"project": shown(ctx, project)}


@command("activateProject")
def activate_project(ctx: Context, params: Params) -> Generator[Any, None, Any]:
    """Use a suspended project again."""
    project = administered(ctx, params.need("id", Project))
    yield project
    project.state, project.owner.state = ACTIVE, "enabled"
    return {"project": shown(ctx, project)}


@command("deleteProject")
def delete_project(ctx: Context, params: Params) -> Generator[Any, None, Any]:
    """A project; with `cleanup` all that it has, otherwise only an empty one."""
    project = administered(ctx, params.need("id", Project))
    holds = any(
        isinstance(other, Owned) and not isinstance(other, Event | Job)
        for other, _, _ in ctx.store.referrers(project.owner)
    )
    if holds and not params.flag("cleanup"):
        raise failed(f"Can't delete the project yet because it has resources: {project.name}; specify cleanup=true")
    yield project
    return ctx.remove(project)
