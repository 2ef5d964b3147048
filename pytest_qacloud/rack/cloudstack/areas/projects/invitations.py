"""Invitations to projects, where `project.invite.required` is true."""

from __future__ import annotations

import secrets
import string
from typing import TYPE_CHECKING

from ...access import account_named
from ...errors import denied, failed, invalid
from ...identity import Account, AccountType, Domain, User, controls
from ...models.projects import COMPLETED, DECLINED, EXPIRED, PENDING, Project, ProjectInvitation, ProjectMember
from ...registry import command, settles

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...context import Context
    from ...lists import Page
    from ...params import Params
    from ...server import ManagementServer

_TOKEN_LETTERS, _TOKEN_LENGTH = string.digits + string.ascii_uppercase, 10


def invite(ctx: Context, invitation: ProjectInvitation) -> bool:
    """Put an invitation in; one to an address gets a token, and needs a mail server (no mail is sent here).

    Raises:
        ApiError: the account or address has one that is pending or was accepted (431), or no mail server is set (530).
    """
    project, account, email = invitation.project, invitation.account, invitation.email
    key = {"email": email} if account is None else {"account": account}
    for old in ctx.store.all(ProjectInvitation, project=project, **key):
        if old.state in (PENDING, COMPLETED):
            whom = f"email {email}" if account is None else f"account id={account.id}"
            raise invalid(f"There is already a pending invitation for {whom} to the project id={project.id}")
        ctx.remove(old)
    if email is not None:
        if not ctx.setting("project.smtp.host"):
            raise failed("Failed to add account to the project: no project.smtp.host is set to send invitations by")
        invitation.token = "".join(secrets.choice(_TOKEN_LETTERS) for _ in range(_TOKEN_LENGTH))
    ctx.store.add(invitation, ctx.now)
    return True


@settles
def _expire(server: ManagementServer) -> None:
    """Nobody can answer an invitation for longer than `project.invite.timeout`."""
    oldest = server.clock.now() - float(server.settings.value("project.invite.timeout") or 0)
    for invitation in server.store.all(ProjectInvitation, lambda item: item.created <= oldest, state=PENDING):
        invitation.state = EXPIRED


@command("listProjectInvitations")
def list_invitations(ctx: Context, params: Params) -> Page:
    """The caller's invitations, a project's, or all that an administrator may see; a user's only to that user."""
    sees, active = _seen(ctx, params), params.flag("activeonly")

    def found(invitation: ProjectInvitation) -> bool:
        own = invitation.user in (None, ctx.user)
        return own and sees(invitation) and (not active or invitation.state == PENDING)

    return ctx.list(ProjectInvitation, params, found)


def _seen(ctx: Context, params: Params) -> Callable[[ProjectInvitation], bool]:
    project, domain = params.entity("projectid", Project), params.entity("domainid", Domain)
    if params.optional("account"):
        account = ctx.owner(params.without("projectid"))
        return lambda item: item.account is account and project in (None, item.project)
    if project is not None:
        return lambda item: item.project is project
    admin = ctx.caller.accounttype in (AccountType.ADMIN, AccountType.DOMAIN_ADMIN)
    if domain is not None and not (admin and ctx.caller.domain.contains(domain)):
        raise denied(f"{ctx.caller.name} does not have permission to access domain {domain.name}")
    if domain is not None:
        recursive = params.flag("isrecursive") or params.flag("listall")
        return lambda item: domain.contains(item.home) if recursive else item.home is domain
    if admin and params.flag("listall"):
        return lambda item: ctx.caller.domain.contains(item.home)
    return lambda item: item.account is ctx.caller


@command("updateProjectInvitation")
def answer_invitation(ctx: Context, params: Params) -> bool:
    """Accept an invitation, and be a member, or with `accept` false decline it."""
    project = params.need("projectid", Project)
    account, user = _invited(ctx, params, project)
    invitation = _pending(ctx, project, params.optional("token"), account, user)
    if invitation is None:
        raise invalid(f"Unable to find invitation for account name={account.name} to the project id={project.id}")
    if not params.flag("accept", default=True):
        invitation.state = DECLINED
        return True
    invitation.state = COMPLETED
    if invitation.user is not None:
        account = invitation.user.account
    if project.membership(account, invitation.user) is None:
        member = ProjectMember(
            project=project,
            account=account,
            user=invitation.user,
            role=invitation.role,
            projectrole=invitation.projectrole,
        )
        ctx.store.add(member, ctx.now)
    return True


def _pending(
    ctx: Context, project: Project, token: str | None, account: Account, user: User | None
) -> ProjectInvitation | None:
    """The pending invitation with the token, else that of the account; of those to single users only the user's."""

    def meant(invitation: ProjectInvitation) -> bool:
        if token is not None:
            return invitation.token == token
        return invitation.account is account and (user is None or invitation.user in (None, user))

    return ctx.store.first(ProjectInvitation, meant, project=project, state=PENDING)


def _invited(ctx: Context, params: Params, project: Project) -> tuple[Account, User | None]:
    """Who answers: `account`, `userid`, or the caller. A whole account answers for any of its users."""
    name, user = params.optional("account"), params.entity("userid", User)
    if name is None:
        user = user or ctx.user
        if "userid" in params and user.domain is not project.home:
            raise invalid(f"Unable to find user {user.username} in domain id={project.home.id}")
        account: Account | None = user.account
    else:
        account, user = account_named(ctx.store, name, project.home), None
    if account is None:
        raise invalid(f"Unable to find account name={name} in domain id={project.home.id}")
    if not controls(ctx.caller, account):
        raise denied(f"{ctx.caller.name} does not have permission to operate with account {account.name}")
    return account, user


@command("deleteProjectInvitation")
def delete_invitation(ctx: Context, params: Params) -> bool:
    """Take an invitation back; for who may change the project."""
    invitation = params.need("id", ProjectInvitation)
    if not invitation.project.changeable_by(ctx.user):
        raise denied(f"{ctx.caller.name} does not have permission to operate with project {invitation.project.id}")
    return ctx.remove(invitation)
