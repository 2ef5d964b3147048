"""Projects: made, changed, suspended, deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ... import limits
from ...access import account_named
from ...errors import denied, failed, invalid
from ...identity import Account, AccountType, Domain, Owned, User
from ...limits import check_limit, counts
from ...models.guests import Network
from ...models.images import Template
from ...models.machines import RUNNING, STOPPED, VirtualMachine, VmSnapshot
from ...models.projects import ACTIVE, ADMIN, REGULAR, SUSPENDED, Project, ProjectMember, administered
from ...models.volumes import Volume
from ...models.vpcs import Vpc
from ...registry import command
from ...replies import shape
from .members import check_user, may_change, member_role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...context import Context
    from ...params import Params
    from ...store import Store

_BLOCKING: tuple[tuple[str, type[Owned]], ...] = (
    ("VirtualMachineTemplate", Template),
    ("VMSnapshot", VmSnapshot),
    ("VirtualMachine", VirtualMachine),
    ("Volume", Volume),
    ("Network", Network),
    ("Vpc", Vpc),
)
"""What a project must not have when it is deleted without `cleanup`, as the refusal names it."""


@counts("project")
def _projects(store: Store, account: Account) -> int:
    return len(administered(store, account))


def shown(ctx: Context, project: Project, *, totals: bool = True) -> dict[str, Any]:
    """A project as replies show it.

    Args:
        totals: with its limits and counts.
    """
    owners = [
        {"account": member.account.name}
        | ({} if member.user is None else {"user": member.user.username, "userid": member.user.id})
        for member in project.administrators
    ]
    fields = {**shape(project), "owner": owners}
    if totals:
        states = [vm.state for vm in ctx.store.all(VirtualMachine, owner=project.owner)]
        fields |= limits.totals(ctx, project.owner)
        fields |= {"vmrunning": states.count(RUNNING), "vmstopped": states.count(STOPPED)}
    return fields


@command("createProject")
def create_project(ctx: Context, params: Params) -> Iterator[Any]:
    """A project, administered by an account, or by one user of it."""
    owner, user = _first_administrator(ctx, params)
    name = params.text("name")
    if _named(ctx, name, owner.domain) is not None:
        raise invalid(f"Project with name {name} already exists in domain id={owner.domain.id}")
    check_limit(ctx, owner, "project")
    account = Account(
        name=f"PrjAcct-{name}-{ctx.store.next_number('project')}", accounttype=AccountType.PROJECT, domain=owner.domain
    )
    ctx.store.add(account, ctx.now)
    project = ctx.add(Project(name=name, displaytext=params.optional("displaytext") or name, owner=account))
    account.project = project
    ctx.store.add(ProjectMember(project=project, account=owner, user=user, role=ADMIN), ctx.now)
    yield project
    yield {"project": shown(ctx, project)}


def _first_administrator(ctx: Context, params: Params) -> tuple[Account, User | None]:
    if ctx.caller.accounttype == AccountType.NORMAL and not ctx.flag_setting("allow.user.create.projects"):
        raise denied("Regular user is not permitted to create a project")
    name, domain, user = params.optional("account"), params.entity("domainid", Domain), params.entity("userid", User)
    if name is not None and domain is None:
        raise invalid("Account name and domain id must be specified together")
    if domain is not None and name is None and account_named(ctx.store, ctx.caller.name, domain) is not ctx.caller:
        raise invalid(f"Unable to find account {ctx.caller.name} in domain {domain.id}")
    owner = ctx.owner(params)
    if user is not None:
        account = params.entity("accountid", Account)
        if account is None or domain is None:
            raise invalid("Account ID and Domain ID must be specified with userID")
        if user.account is not account or user.domain is not domain:
            raise invalid("User doesn't belong to the specified account or domain")
        owner = account
    return owner, user


def _named(ctx: Context, name: str, domain: Domain) -> Project | None:
    return ctx.store.first(Project, lambda project: project.name.lower() == name.lower(), home=domain)


@command("updateProject")
def update_project(ctx: Context, params: Params) -> dict[str, Any]:
    """Name, text, and who administers it.

    `account` takes the place of the first administrator; with `swapowner` false it, or the user `userid`, becomes what
    `roletype` says.
    """
    project = may_change(ctx, params.need("id", Project))
    if "account" in params and "userid" in params:
        raise invalid("Account name and user ID are mutually exclusive.")
    name, user = params.optional("account"), params.entity("userid", User)
    account = None if name is None else account_named(ctx.store, name, project.home)
    if name is not None and account is None:
        raise invalid(f"Unable to find account name={name} in domain id={project.home.id}")
    if params.flag("swapowner", default=True):
        if account is not None:
            _replace_administrator(ctx, project, account)
    elif account is not None:
        _change_role(ctx, project.membership(account), params, account.name)
    elif user is not None:
        check_user(project, user)
        _change_role(ctx, project.membership(user.account, user), params, user.username)
    ctx.assign(project, params, "name", "displaytext")
    return {"project": shown(ctx, project)}


def _replace_administrator(ctx: Context, project: Project, account: Account) -> None:
    current = project.administrators[0]
    if current.account is account:
        return
    member = project.membership(account)
    if member is None:
        raise _not_in(account.name)
    check_limit(ctx, account, "project")
    current.role, member.role = REGULAR, ADMIN


def _change_role(ctx: Context, member: ProjectMember | None, params: Params, name: str) -> None:
    if member is None:
        raise _not_in(name)
    role = member_role(params)
    if role != ADMIN and member.project.administrators == [member]:
        raise invalid("Cannot demote the only admin of the project")
    if role == ADMIN and member.role != ADMIN:
        check_limit(ctx, member.account, "project")
    member.role = role


def _not_in(name: str) -> Exception:
    return invalid(
        f"{name} doesn't belong to the project. Add it to the project first and then change the project's ownership"
    )


@command("suspendProject")
def suspend_project(ctx: Context, params: Params) -> dict[str, Any]:
    """Disable a project: nothing can be made in it, and its VMs stop."""
    project = may_change(ctx, params.need("id", Project))
    project.state, project.owner.state = SUSPENDED, "disabled"
    for vm in ctx.store.all(VirtualMachine, owner=project.owner, state=RUNNING):
        vm.enter(STOPPED, ctx.now)
    return {"project": shown(ctx, project)}


@command("activateProject")
def activate_project(ctx: Context, params: Params) -> dict[str, Any]:
    """Enable a suspended project; its VMs stay stopped."""
    project = may_change(ctx, params.need("id", Project))
    project.state, project.owner.state = ACTIVE, "enabled"
    return {"project": shown(ctx, project)}


@command("deleteProject")
def delete_project(ctx: Context, params: Params) -> bool:
    """A project; with `cleanup` all that it owns goes with it."""
    project = may_change(ctx, params.need("id", Project))
    if not params.flag("cleanup"):
        for label, kind in _BLOCKING:
            count = len(ctx.store.all(kind, _blocks, owner=project.owner))
            if count:
                raise failed(f"Can't delete the project yet because it has {count} {label} to clean up")
    return ctx.remove(project)


def _blocks(entity: Owned) -> bool:
    """Attached volumes are not named, as their VM is."""
    return not isinstance(entity, Volume) or entity.virtualmachine is None
