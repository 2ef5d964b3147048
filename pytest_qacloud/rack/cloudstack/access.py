"""Who may call what, and who may see whose things."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from .errors import ApiError, Code, denied, invalid
from .identity import Account, AccountType, Domain, Owned, Role, RolePermission, acts_for, controls
from .models.projects import ACTIVE, ADMIN, Project, ProjectRolePermission
from .params import ANY_PROJECT
from .store import Entity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .context import Context
    from .params import Params
    from .schema import Command
    from .store import Store

_LETTERS = {"Admin": "A", "ResourceAdmin": "R", "DomainAdmin": "D", "User": "U"}

_NAME_PROJECT_BY_ID = frozenset({"activateProject", "deleteProject", "suspendProject", "updateProject"})

_UNCHECKED = frozenset(
    {
        ("createConsoleEndpoint", "virtualmachineid"),
        ("removeFromLoadBalancerRule", "virtualmachineids"),
        ("replaceNetworkACLList", "networkid"),
    }
)
"""Parameters that may name anybody's, as on the real server; the command makes what other checks there are."""

OPEN_TO_ALL = frozenset({"login", "logout", "forgotPassword", "resetPassword", "oauthlogin", "samlSso", "samlSlo"})


def may_call(store: Store, role: Role | None, command: Command) -> bool:
    """Whether a role may call a command: its rules first, in their order, then the command's own role types."""
    if role is None or role.state != "enabled":
        return False
    decided = _decide(sorted(store.all(RolePermission, role=role), key=lambda rule: rule.order), command)
    if decided is not None:
        return decided
    if role.default_letter == "A":
        return True
    if role.default_letter and role.default_letter in command.granted:
        return True
    return _LETTERS[role.type] in command.admits


def _decide(rules: Iterable[RolePermission | ProjectRolePermission], command: Command) -> bool | None:
    """What the first rule that matches says; `None` where none does."""
    for rule in rules:
        if fnmatchcase(command.name.lower(), rule.rule.lower()):
            return rule.permission.lower() == "allow"
    return None


def check_project(ctx: Context, command: Command, params: Params) -> None:
    """Refuse what the project that a command names does not let the caller do.

    Within a project only its members may call, regular ones with a project role as that role says. Administrators of
    the cloud and of domains are exempt, and so is answering an invitation.

    Raises:
        ApiError: not a member (432), or the member's project role forbids it (401).
    """
    project = params.get("id" if command.name in _NAME_PROJECT_BY_ID else "projectid")
    exempt = ctx.caller.accounttype in (AccountType.ADMIN, AccountType.DOMAIN_ADMIN)
    if not isinstance(project, Project) or exempt or command.name == "updateProjectInvitation":
        return
    member = project.membership_of(ctx.user)
    if member is None:
        raise ApiError(
            Code.UNSUPPORTED,
            f"The API [{command.name}] does not exist or is not available for this account/user in project "
            f"[{project.id}].",
            4555,
        )
    if member.role != ADMIN and member.projectrole is not None and _decide(member.projectrole.rules, command) is False:
        raise ApiError(
            Code.UNAUTHORIZED, f"The API {command.name} is denied for the user's/account's project role.", 4365
        )


def owner_of(ctx: Context, params: Params) -> Account:
    """For whom a command makes something: `projectid`, or `account` with `domainid`, or the caller.

    Raises:
        ApiError: no such account, the caller may not act for it, or the project is suspended.
    """
    project = params.get("projectid")
    if isinstance(project, Project):
        if params.optional("account"):
            raise invalid("ProjectId and account/domainId can't be specified together")
        if not acts_for(ctx.user, project.owner):
            raise denied(f"Account {ctx.caller.name} is unauthorised to use project id={project.id}")
        if project.state != ACTIVE and not ctx.command.lists and not ctx.command.name.startswith("delete"):
            raise denied(
                f"Can't add resources to the project with specified projectId in state={project.state} "
                "as it's no longer active"
            )
        return project.owner
    name = params.optional("account")
    domain = params.entity("domainid", Domain) if "domainid" in params else None
    if name is None:
        return ctx.caller
    owner_domain = domain or ctx.caller.domain
    found = account_named(ctx.store, name, owner_domain)
    if found is None:
        raise invalid(f"Unable to find account {name} in domain {owner_domain.id}")
    if not controls(ctx.caller, found):
        raise denied(f"Can't create/list resources for account {name} in domain {owner_domain.id}, permission denied")
    return found


def account_named(store: Store, name: str, domain: Domain) -> Account | None:
    """An account by name, letter case apart, in exactly that domain."""
    return store.first(Account, lambda account: account.name.lower() == name.lower(), domain=domain)


def visibility(ctx: Context, params: Params) -> Callable[[Owned], bool]:
    """Which owned entities a list command shows, from its `account`, `domainid`, `projectid`, `listall`, `id`.

    Raises:
        ApiError: an account or a domain that the caller may not look into.
    """
    project = params.get("projectid")
    if project == ANY_PROJECT:
        return lambda entity: entity.owner.project is not None and acts_for(ctx.user, entity.owner)
    if isinstance(project, Project):
        if not acts_for(ctx.user, project.owner):
            raise denied(f"Account {ctx.caller.name} can't access project id={project.id}")
        return lambda entity: entity.owner is project.owner
    within = _owners(ctx, params)
    if params.get("id") is not None or params.get("ids"):
        return lambda entity: within(entity.owner) or (entity.owner.project is not None and _usable(ctx, entity))
    return lambda entity: entity.owner.project is None and within(entity.owner)


def _owners(ctx: Context, params: Params) -> Callable[[Account], bool]:
    caller = ctx.caller
    name = params.optional("account")
    domain = params.entity("domainid", Domain) if "domainid" in params else None
    if domain is not None and not _sees_domain(caller, domain):
        raise denied(f"{caller.name} does not have permission to access domain {domain.name}")
    if name is not None:
        found = account_named(ctx.store, name, domain or caller.domain)
        if found is None:
            raise invalid(f"could not find account {name} in domain {(domain or caller.domain).id}")
        if not controls(caller, found):
            raise denied(f"{caller.name} does not have permission to operate with account {name}")
        return lambda owner: owner is found
    if caller.accounttype not in (AccountType.ADMIN, AccountType.DOMAIN_ADMIN):
        return lambda owner: owner is caller
    if domain is not None:
        recursive = params.flag("isrecursive", default=params.flag("listall"))
        return (lambda owner: domain.contains(owner.domain)) if recursive else (lambda owner: owner.domain is domain)
    if params.flag("listall") or params.get("id") is not None:
        return lambda owner: controls(caller, owner)
    if params.flag("isrecursive"):
        return lambda owner: caller.domain.contains(owner.domain)
    return lambda owner: owner is caller


def _sees_domain(caller: Account, domain: Domain) -> bool:
    if caller.is_root_admin or caller.domain is domain:
        return True
    return caller.accounttype == AccountType.DOMAIN_ADMIN and caller.domain.contains(domain)


def check_entities(ctx: Context, command: Command, params: Params) -> None:
    """Refuse a command that names what the caller may not use; list commands only filter.

    Raises:
        ApiError: 531.
    """
    if ctx.caller.is_root_admin or command.lists or command.name.startswith("list"):
        return
    for name in params:
        if (command.name, name) in _UNCHECKED:
            continue
        value = params.get(name)
        for entity in value if isinstance(value, list) else (value,):
            if isinstance(entity, Entity) and not _usable(ctx, entity):
                raise denied(
                    f"Acct[{ctx.caller.id}-{ctx.caller.name}] does not have permission to operate with resource "
                    f"{type(entity).LABEL or type(entity).__name__}[{entity.id}]"
                )


def _usable(ctx: Context, entity: Entity) -> bool:
    if not entity.usable_by(ctx.caller):
        return False
    if not isinstance(entity, Owned):
        return True
    if acts_for(ctx.user, entity.owner) or not controls(ctx.caller, entity.owner):
        return True
    return bool(getattr(entity, "is_shared", False))
