"""Users set up and drop their second factor. A session is verified in `wire`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ... import twofactor
from ...errors import ApiError, Code, denied, failed
from ...identity import User, controls
from ...lists import Page
from ...registry import command

if TYPE_CHECKING:
    from ...context import Context
    from ...params import Params


@command("listUserTwoFactorAuthenticatorProviders")
def list_providers(ctx: Context, params: Params) -> Page:
    """All providers, or the one of a name."""
    name = params.optional("name")
    rows = [
        {"name": provider, "description": text}
        for provider, text in twofactor.PROVIDERS.items()
        if name in (None, provider)
    ]
    return Page(len(rows), rows)


@command("setupUserTwoFactorAuthentication")
def set_up(ctx: Context, params: Params) -> dict[str, Any]:
    """A secret for the caller; or with `enable=false` none any more, which admins do for others."""
    settings = ctx.server.settings
    if not params.flag("enable", default=True):
        user = params.entity("userid", User) or ctx.user
        if user is not ctx.user and not controls(ctx.caller, user.account):
            raise denied(f"{ctx.caller.name} does not have permission to operate with user {user.username}")
        twofactor.disable(user)
        return {"setup2fa": {"id": user.id, "username": user.username}}
    if not twofactor.is_offered(settings, ctx.user):
        raise failed("2FA is not enabled for this domain or at global level")
    provider = params.optional("provider") or settings.value("user.2fa.default.provider", ctx.user.domain)
    secret = twofactor.set_up(ctx.user, provider)
    return {"setup2fa": {"id": ctx.user.id, "username": ctx.user.username, "secretcode": secret}}


@command("validateUserTwoFactorAuthenticationCode")
def validate(ctx: Context, params: Params) -> bool:
    """Only for login sessions, where `wire` answers it.

    Raises:
        ApiError: always.
    """
    raise ApiError(Code.METHOD_NOT_ALLOWED, "This is an authentication api, cannot be used directly")
