"""Who joins and leaves a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...access import account_named
from ...errors import denied, invalid
from ...identity import Account, User
from ...models.projects import ACTIVE, ADMIN, REGULAR, Project, ProjectInvitation, ProjectMember, ProjectRole
from ...registry import command
from .invitations import invite

if TYPE_CHECKING:
    from ...context import Context
    from ...params import Params

_INVITES = "project.invite.required"


def may_change(ctx: Context, project: Project) -> Project:
    """A project that the caller may change.

    Raises:
        ApiError: it may not (531).
    """
    if not project.changeable_by(ctx.user):
        raise denied(
            f"Acct[{ctx.caller.id}-{ctx.caller.name}] does not have permission to operate with resource "
            f"Project[{project.id}]"
        )
    return project


def member_role(params: Params) -> str:
    """What `roletype` asks for; regular where it was not given.

    Raises:
        ApiError: neither Admin nor Regular.
    """
    role = params.text("roletype", REGULAR).capitalize() or REGULAR
    if role not in (ADMIN, REGULAR):
        raise invalid("Only Admin or Regular project role types are valid")
    return role


def check_user(project: Project, user: User) -> None:
    """Refuse a user of another domain than the project's.

    Raises:
        ApiError: it is.
    """
    if user.domain is not project.home:
        raise invalid(f"Unable to find user {user.username} in domain id={project.home.id}")


def _joinable(ctx: Context, params: Params, what: str) -> Project:
    project = params.need("projectid", Project)
    if project.state != ACTIVE:
        raise invalid(f"Can't add {what} to the specified project id in state={project.state} as it's no longer active")
    return may_change(ctx, project)


def _project_role(project: Project, params: Params) -> ProjectRole | None:
    role = params.entity("projectroleid", ProjectRole)
    if role is not None and role.project is not project:
        raise invalid("Invalid project role ID for the given project")
    return role


def _account(ctx: Context, project: Project, name: str) -> Account:
    account = account_named(ctx.store, name, project.home)
    if account is None or account.project is not None:
        raise invalid(f"Unable to find account name={name} in domain id={project.home.id}")
    return account


@command("addAccountToProject")
def add_account(ctx: Context, params: Params) -> bool:
    """An account of the project's domain joins, or is invited where that is required."""
    name, email = params.optional("account"), params.optional("email")
    if name is None and email is None:
        raise invalid("Either accountName or email is required")
    project, role = _joinable(ctx, params, "account"), member_role(params)
    account = None if name is None else _account(ctx, project, name)
    if account is not None and project.membership(account) is not None:
        return True
    projectrole = _project_role(project, params)
    if ctx.flag_setting(_INVITES):
        address = email if account is None else None
        invitation = ProjectInvitation(
            project=project, account=account, email=address, role=role, projectrole=projectrole
        )
        return invite(ctx, invitation)
    if account is None:
        raise invalid("Account information is required for assigning account to the project")
    return _join(ctx, ProjectMember(project=project, account=account, role=role, projectrole=projectrole))


@command("addUserToProject")
def add_user(ctx: Context, params: Params) -> bool:
    """One user of the project's domain joins, without the rest of its account, or is invited."""
    project, role, username = _joinable(ctx, params, "user"), member_role(params), params.text("username")
    user = ctx.store.first(User, username=username, domain=project.home)
    if user is None:
        raise invalid(f"Unable to find user {username} in domain id={project.home.id}")
    if project.membership(user.account) is not None:
        raise invalid(f"User belongs to account {user.account.id} which is already part of the project")
    if project.membership(user.account, user) is not None:
        return True
    projectrole = _project_role(project, params)
    if not ctx.flag_setting(_INVITES):
        member = ProjectMember(project=project, account=user.account, user=user, role=role, projectrole=projectrole)
        return _join(ctx, member)
    email = params.optional("email")
    return invite(
        ctx,
        ProjectInvitation(
            project=project,
            account=user.account if email is None else None,
            user=user,
            email=email,
            role=role,
            projectrole=projectrole,
        ),
    )


def _join(ctx: Context, member: ProjectMember) -> bool:
    ctx.store.add(member, ctx.now)
    return True


@command("deleteAccountFromProject")
def remove_account(ctx: Context, params: Params) -> bool:
    """An account leaves; not the last that administers the project."""
    project = params.need("projectid", Project)
    account = _account(ctx, project, params.text("account"))
    member = may_change(ctx, project).membership(account)
    if member is None:
        raise invalid(f"Account {account.name} is not assigned to the project with specified id")
    if project.administrators == [member]:
        raise invalid(
            f"Unable to delete account {account.name} from the project with specified id as the account is the owner "
            "of the project"
        )
    _forget_invitations(ctx, project, account, None)
    return ctx.remove(member)


@command("deleteUserFromProject")
def remove_user(ctx: Context, params: Params) -> bool:
    """A user leaves, or its invitation is taken back, which is an error all the same."""
    project, user = params.need("projectid", Project), params.need("userid", User)
    check_user(project, user)
    member = may_change(ctx, project).membership(user.account, user)
    _forget_invitations(ctx, project, user.account, user)
    if member is None:
        raise invalid(f"User {user.username} is not assigned to the project with specified id")
    return ctx.remove(member)


def _forget_invitations(ctx: Context, project: Project, account: Account, user: User | None) -> None:
    for invitation in ctx.store.all(ProjectInvitation, project=project, account=account, user=user):
        ctx.remove(invitation)
