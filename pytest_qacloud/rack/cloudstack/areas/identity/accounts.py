"""Accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ... import limits
from ...access import account_named
from ...errors import denied, failed, invalid
from ...identity import ROLE_TYPES, Account, AccountType, Domain, PasswordHash, Role, User, controls
from ...models.projects import administered
from ...registry import command
from ...replies import shape

if TYPE_CHECKING:
    from ...context import Context
    from ...lists import Page
    from ...params import Params


def shown(ctx: Context, account: Account) -> dict[str, Any]:
    """An account as replies show it, with its limits and counts."""
    return {**shape(account), **limits.totals(ctx, account)}


@command("createAccount")
def create_account(ctx: Context, params: Params) -> dict[str, Any]:
    """An account with its first user."""
    domain = params.entity("domainid", Domain) or ctx.caller.domain
    _check_domain(ctx, domain)
    role = _role(ctx, params)
    username = params.text("username")
    name = params.optional("account") or username
    if account_named(ctx.store, name, domain) is not None:
        raise invalid(f"The specified account: {name} already exists")
    check_user_name(ctx, username, domain)
    account = ctx.add(
        Account(
            name=name,
            accounttype=ROLE_TYPES[role.type],
            domain=domain,
            role=role,
            networkdomain=params.optional("networkdomain"),
            accountdetails=params.pairs("accountdetails"),
        )
    )
    ctx.store.add(new_user(params, account), ctx.now)
    return {"account": shown(ctx, account)}


def new_user(params: Params, account: Account) -> User:
    """A user as createAccount and createUser describe one."""
    return User(
        username=params.text("username"),
        password=PasswordHash.of(params.text("password")),
        account=account,
        firstname=params.text("firstname"),
        lastname=params.text("lastname"),
        email=params.text("email"),
        timezone=params.optional("timezone"),
    )


def check_user_name(ctx: Context, username: str, domain: Domain) -> None:
    """Refuse a user name that is taken in a domain.

    Raises:
        ApiError: it is.
    """
    if ctx.store.first(User, lambda user: user.domain is domain and user.username == username) is not None:
        raise invalid(f"The user {username} already exists in domain {domain.id}")


def _check_domain(ctx: Context, domain: Domain) -> None:
    if not ctx.caller.is_root_admin and not ctx.caller.domain.contains(domain):
        raise denied(f"{ctx.caller.name} does not have permission to operate within domain id={domain.id}")


def _role(ctx: Context, params: Params) -> Role:
    role = params.entity("roleid", Role)
    if role is None:
        number = params.optional_number("accounttype")
        if number is None:
            raise invalid("Both account type and role ID are not provided")
        kinds = {int(account_type): kind for kind, account_type in ROLE_TYPES.items()}
        if number not in kinds:
            raise invalid(f"Invalid account type {number} given")
        role = ctx.store.first(Role, type=kinds[number], isdefault=True)
    if role is None:
        raise invalid("Unable to find the role of the account type")
    if role.type == "Admin" and not ctx.caller.is_root_admin:
        raise denied(f"Unable to create an account of role {role.name}: it has more privileges than the caller")
    return role


@command("listAccounts")
def list_accounts(ctx: Context, params: Params) -> Page:
    """Accounts that the caller may see; its own unless `listall`."""
    page = ctx.list(Account, params, _seen(ctx, params), ignore=("domainid", "iscleanuprequired", "tag"))
    return page.map((lambda account: shown(ctx, account)) if limits.totals_wanted(params) else shape)


def _seen(ctx: Context, params: Params) -> Any:
    domain, caller = params.entity("domainid", Domain), ctx.caller
    everything = params.flag("listall") or params.get("id") is not None or params.optional("name") is not None
    recursive = params.flag("isrecursive") or params.flag("listall")

    def seen(account: Account) -> bool:
        if account.project is not None or account.name == "system" or not controls(caller, account):
            return False
        if domain is not None:
            return domain.contains(account.domain) if recursive else account.domain is domain
        return everything or account is caller or (recursive and caller.domain.contains(account.domain))

    if domain is not None and not (caller.is_root_admin or caller.domain.contains(domain)):
        raise denied(f"{caller.name} does not have permission to access domain {domain.name}")
    return seen


def _target(ctx: Context, params: Params) -> Account:
    found = params.entity("id", Account)
    if found is None:
        domain = params.entity("domainid", Domain) or ctx.caller.domain
        found = account_named(ctx.store, params.text("account"), domain)
    if found is None:
        raise invalid(f"Unable to find account by name: {params.text('account')} in the domain")
    if not controls(ctx.caller, found) or ctx.caller.accounttype == AccountType.NORMAL:
        raise denied(f"{ctx.caller.name} does not have permission to operate with account {found.name}")
    return found


@command("updateAccount")
def update_account(ctx: Context, params: Params) -> dict[str, Any]:
    """Name, role, network domain and details."""
    account = _target(ctx, params)
    if account.isdefault and account.name == "system":
        raise invalid("Can not modify system account")
    name = params.text("newname", account.name)
    if not name:
        raise invalid("The new account name must not be empty")
    if name != account.name:
        if account_named(ctx.store, name, account.domain) is not None:
            raise invalid(f"The account with the name {name} already exists in domain {account.domain.id}")
        account.name = name
    role = params.entity("roleid", Role)
    if role is not None:
        account.role, account.accounttype = role, ROLE_TYPES[role.type]
    ctx.assign(account, params, "networkdomain")
    if "apikeyaccess" in params:
        account.apikeyaccess = params.text("apikeyaccess").upper()
    if "accountdetails" in params:
        account.accountdetails = params.pairs("accountdetails")
    return {"account": shown(ctx, account)}


@command("disableAccount")
def disable_account(ctx: Context, params: Params) -> dict[str, Any]:
    """Disable, or with `lock` lock, an account."""
    return _set_state(ctx, params, "locked" if params.flag("lock") else "disabled")


@command("enableAccount")
def enable_account(ctx: Context, params: Params) -> dict[str, Any]:
    """Enable an account."""
    return _set_state(ctx, params, "enabled")


@command("lockAccount")
def lock_account(ctx: Context, params: Params) -> dict[str, Any]:
    """Lock an account."""
    return _set_state(ctx, params, "locked")


def _set_state(ctx: Context, params: Params, state: str) -> dict[str, Any]:
    account = _target(ctx, params)
    if account.isdefault:
        raise denied(f"Account: {account.name} is a system account, the operation is not allowed")
    account.state = state
    return {"account": shown(ctx, account)}


@command("deleteAccount")
def delete_account(ctx: Context, params: Params) -> bool:
    """An account with all that it owns."""
    account = params.need("id", Account)
    if account is ctx.caller:
        raise invalid(f"Deletion of your own account is not allowed. To delete account {account.name}, use another")
    if account.isdefault:
        raise invalid("The account is default and can't be removed")
    if not controls(ctx.caller, account):
        raise denied(f"{ctx.caller.name} does not have permission to operate with account {account.name}")
    if account.project is not None:
        raise failed("The specified account does not exist in the system")
    projects = administered(ctx.store, account)
    if projects:
        raise invalid(
            f"Unable to delete account [{account.id}], because it manages the following project(s): "
            f"{', '.join(project.id for project in projects)}. Please, remove the account from these projects or "
            "demote it to a regular project role first."
        )
    return ctx.remove(account)


@command("isAccountAllowedToCreateOfferingsWithTags")
def may_tag_offerings(ctx: Context, params: Params) -> dict[str, Any]:
    """Whether an account may make offerings with tags: admins may."""
    account = params.entity("id", Account) or ctx.caller
    return {"isallowed": {"isallowed": account.is_root_admin}}
