"""Two-factor authentication: who needs it, its providers, and their codes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import struct
from typing import TYPE_CHECKING

from .errors import ApiError, Code, failed

if TYPE_CHECKING:
    from .auth import Session
    from .identity import User
    from .settings import Settings

PROVIDERS = {
    "staticpin": "Static Pin user two factor authentication provider Plugin",
    "totp": "TOTP user two factor authentication provider Plugin",
}
"""Names and descriptions."""

OPEN_COMMANDS = frozenset({"setupUserTwoFactorAuthentication", "listUserTwoFactorAuthenticatorProviders"})
"""What a session may call before its code was verified."""

_STEP_S, _DIGITS, _TOTP_BYTES = 30, 6, 20


def is_offered(settings: Settings, user: User) -> bool:
    """Whether a user may set it up."""
    return any(_is_set(settings, name, user) for name in ("enable.user.2fa", "mandate.user.2fa"))


def is_mandated(settings: Settings, user: User) -> bool:
    """Whether everybody of a user's domain must set it up."""
    return all(_is_set(settings, name, user) for name in ("enable.user.2fa", "mandate.user.2fa"))


def is_needed(settings: Settings, user: User) -> bool:
    """Whether a user's session needs a code: it has been set up, or has to be."""
    return user.is2faenabled or is_mandated(settings, user)


def _is_set(settings: Settings, name: str, user: User) -> bool:
    return settings.value(name, user.domain).lower() == "true"


def set_up(user: User, provider: str) -> str:
    """Give a user a secret; it counts once a code of it was verified.

    Raises:
        ApiError: no such provider, or it has been set up (530).
    """
    if provider.lower() not in PROVIDERS:
        raise failed(f"Failed to find UserTwoFactorAuthenticator by the name: {provider}.")
    if user.key2fa is not None:
        raise failed(f"2FA key is already setup for the user account {user.account.name}")
    user.provider2fa, user.is2faenabled, user.is2faverified = provider.lower(), True, False
    if user.provider2fa == "totp":
        user.key2fa = base64.b32encode(secrets.token_bytes(_TOTP_BYTES)).decode()
    else:
        user.key2fa = f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}}"
    return user.key2fa


def disable(user: User) -> None:
    """Forget a user's secret."""
    user.key2fa, user.provider2fa, user.is2faenabled, user.is2faverified = None, None, False, False


def begin_session(user: User) -> None:
    """At a new login, forget what was set up and never verified."""
    if not user.is2faverified:
        disable(user)


def code_of(user: User, now: float) -> str:
    """The code that is right now: the PIN, or of TOTP (RFC 6238: SHA-1, 30 s, 6 digits)."""
    key = user.key2fa or ""
    if user.provider2fa != "totp":
        return key
    digest = hmac.new(base64.b32decode(key), struct.pack(">Q", int(now // _STEP_S)), hashlib.sha1).digest()
    offset = digest[-1] & 15
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 10**_DIGITS:0{_DIGITS}}"


def verify(session: Session, code: str, now: float) -> None:
    """Open a session by a code.

    Raises:
        ApiError: no code (531), nothing set up (530), or a wrong one (511), which undoes a fresh setup.
    """
    user = session.user
    if not code:
        raise ApiError(Code.ACCOUNT, "Code for two factor authentication is required")
    if not user.is2faenabled:
        raise failed(f"Two factor authentication is not enabled on the user: {user.username}")
    if user.key2fa is None:
        raise failed(
            f"Two factor authentication is not setup for the user: {user.username}, please setup 2FA before verifying"
        )
    if not hmac.compare_digest(code.encode(), code_of(user, now).encode()):
        if not user.is2faverified:
            disable(user)
        raise ApiError(Code.UNAUTHORIZED_2FA, "two-factor authentication code provided is invalid")
    user.is2faverified = session.is2faverified = True


def not_verified(user: User) -> ApiError:
    """What a session meets that calls before its code was verified (511)."""
    why = "is enabled but not verified, please verify"
    if user.key2fa is None:
        why = "is mandated by admin, set it up using setupUserTwoFactorAuthentication API and then verify"
    return ApiError(
        Code.UNAUTHORIZED_2FA,
        f"Unable to process the API request due to :Two factor authentication 2FA {why} 2FA using "
        "validateUserTwoFactorAuthenticationCode API before calling other APIs. Existing session is invalidated.",
    )
