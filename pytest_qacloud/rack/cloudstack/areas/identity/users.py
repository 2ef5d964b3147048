"""Users and their keys."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from ...access import account_named
from ...errors import denied, failed, invalid
from ...identity import Account, AccountType, Domain, PasswordHash, User, controls
from ...registry import command
from ...replies import shape
from ...twofactor import is_mandated
from .accounts import check_user_name, new_user

if TYPE_CHECKING:
    from ...context import Context
    from ...lists import Page
    from ...params import Params

_KEY_BYTES = 64


@command("createUser")
def create_user(ctx: Context, params: Params) -> User:
    """One more user of an account."""
    domain = params.entity("domainid", Domain) or ctx.caller.domain
    account = account_named(ctx.store, params.text("account"), domain)
    if account is None or account.project is not None:
        raise invalid(f"Unable to find account {params.text('account')} in domain {domain.id} to create user")
    if not controls(ctx.caller, account):
        raise denied(f"{ctx.caller.name} does not have permission to operate with account {account.name}")
    check_user_name(ctx, params.text("username"), domain)
    return ctx.add(new_user(params, account))


@command("listUsers")
def list_users(ctx: Context, params: Params) -> Page:
    """Users that the caller may see."""
    domain, name = params.entity("domainid", Domain), params.optional("account")

    def seen(user: User) -> bool:
        if user.username == "system" or not (user is ctx.user or controls(ctx.caller, user.account)):
            return False
        if ctx.caller.accounttype == AccountType.NORMAL and user.account is not ctx.caller:
            return False
        if domain is not None:
            inside = domain.contains(user.domain) if params.flag("isrecursive") else user.domain is domain
            if not inside:
                return False
        return name is None or user.account.name == name

    page = ctx.list(User, params, seen)
    mandated = {user.id for user in page.items if isinstance(user, User) and is_mandated(ctx.server.settings, user)}
    return page.map(lambda user: {**shape(user), "is2famandated": user.id in mandated})


@command("getUser")
def get_user(ctx: Context, params: Params) -> User:
    """The user of an API key."""
    user = ctx.store.first(User, apikey=params.text("userapikey"))
    if user is None or not controls(ctx.caller, user.account):
        raise invalid("User not found or not accessible by the caller")
    return user


def _target(ctx: Context, params: Params) -> User:
    user = params.need("id", User)
    if not controls(ctx.caller, user.account):
        raise denied(f"{ctx.caller.name} does not have permission to operate with user {user.username}")
    return user


@command("updateUser")
def update_user(ctx: Context, params: Params) -> User:
    """Names, password and keys."""
    user = _target(ctx, params)
    for name in ("firstname", "lastname", "username"):
        if name in params and not params.text(name).strip():
            raise invalid(f"{name.capitalize()} cannot be empty.")
    if "username" in params and params.text("username") != user.username:
        check_user_name(ctx, params.text("username"), user.domain)
    if "password" in params:
        _change_password(ctx, user, params)
    if ("userapikey" in params) != ("usersecretkey" in params):
        raise invalid("Please provide a userApiKey/userSecretKey pair")
    if "userapikey" in params:
        holder = ctx.store.first(User, apikey=params.text("userapikey"))
        if holder not in (None, user):
            raise invalid("The API key already exists in the system. Please provide a unique key.")
        user.apikey, user.secret = params.text("userapikey"), params.text("usersecretkey")
    if "apikeyaccess" in params:
        user.apikeyaccess = params.text("apikeyaccess").upper()
    ctx.assign(user, params, "firstname", "lastname", "username", "email", "timezone")
    if params.flag("mandate2fa"):
        user.is2faenabled = True
    return user


def _change_password(ctx: Context, user: User, params: Params) -> None:
    if not params.text("password").strip():
        raise invalid("Password cannot be empty or blank.")
    if user is ctx.user or ctx.caller.accounttype == AccountType.NORMAL:
        current = params.optional("currentpassword")
        if current is None and not ctx.caller.is_root_admin:
            raise invalid("To set a new password the current password must be provided.")
        if current is not None and not user.password.matches(current):
            raise invalid("Current password is incorrect.")
    user.password = PasswordHash.of(params.text("password"))


@command("deleteUser")
def delete_user(ctx: Context, params: Params) -> bool:
    """A user; its account stays."""
    user = _target(ctx, params)
    if user.isdefault:
        raise invalid("The user is default and can't be (re)moved")
    if user is ctx.user:
        raise invalid("The caller is requesting to delete itself. As a security measure, ACS will not allow this.")
    return ctx.remove(user)


@command("disableUser")
def disable_user(ctx: Context, params: Params) -> User:
    """Disable a user."""
    return _set_state(ctx, params, "disabled")


@command("enableUser")
def enable_user(ctx: Context, params: Params) -> User:
    """Enable a user."""
    return _set_state(ctx, params, "enabled")


@command("lockUser")
def lock_user(ctx: Context, params: Params) -> User:
    """Lock a user."""
    return _set_state(ctx, params, "locked")


def _set_state(ctx: Context, params: Params, state: str) -> User:
    user = _target(ctx, params)
    if user.isdefault:
        raise invalid(f"User: {user.username} is a system user, the operation is not allowed")
    user.state = state
    return user


@command("moveUser")
def move_user(ctx: Context, params: Params) -> bool:
    """A user to another account of the same domain."""
    user = _target(ctx, params)
    account = params.entity("accountid", Account)
    if account is None:
        account = account_named(ctx.store, params.text("account"), user.domain)
    if account is None:
        raise failed("no account name or account id. this should have been caught before this point")
    if account.domain is not user.domain:
        raise invalid("moving a user from an account in one domain to an account in another domain is not supported!")
    user.account = account
    return True


@command("registerUserKeys")
def register_user_keys(ctx: Context, params: Params) -> dict[str, Any]:
    """New keys for a user; the old ones end."""
    user = _target(ctx, params)
    user.apikey, user.secret = secrets.token_urlsafe(_KEY_BYTES), secrets.token_urlsafe(_KEY_BYTES)
    return _keys(user)


@command("getUserKeys")
def get_user_keys(ctx: Context, params: Params) -> dict[str, Any]:
    """A user's keys, once registered."""
    return _keys(_target(ctx, params))


def _keys(user: User) -> dict[str, Any]:
    if user.apikey is None:
        return {"userkeys": {}}
    return {"userkeys": {"apikey": user.apikey, "secretkey": user.secret}}
