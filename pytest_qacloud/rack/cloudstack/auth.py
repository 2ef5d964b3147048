"""Who calls: signed requests and login sessions."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from .errors import ApiError, Code, unverified
from .identity import Domain, User, root_domain
from .params import parse_date

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .store import Store

SESSION_TIMEOUT_S = 1800


def signature(params: Mapping[str, str], secret: str) -> str:
    """The signature of a request's parameters, without `signature` itself: HMAC-SHA1 in base64.

    The signed text is `name=value` joined by `&`, sorted by name, values percent-encoded as Java's URLEncoder does
    with `%20` for a blank, all in lower case ("CloudStack API signing", developer's guide).
    """
    text = "&".join(
        f"{name}={quote(value, safe='*').replace('~', '%7E')}"
        for name, value in sorted(params.items())
        if name.lower() != "signature"
    )
    digest = hmac.new(secret.encode(), text.lower().encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def signer(store: Store, params: Mapping[str, str], now: float) -> User:
    """The user whose keys signed a request.

    Raises:
        ApiError: unknown key, wrong signature, expired, or the user or its account is not enabled (401).
    """
    named = {name.lower(): value for name, value in params.items()}
    key, given = named.get("apikey"), named.get("signature")
    if not key or given is None:
        raise unverified()
    if named.get("signatureversion") == "3" and not _fresh(named.get("expires"), now):
        raise unverified()
    user = store.first(User, apikey=key)
    if user is None or not is_enabled(user) or user.secret is None or not _keys_allowed(user):
        raise unverified()
    if not hmac.compare_digest(given.strip(), signature(params, user.secret)):
        raise unverified()
    return user


def _fresh(expires: str | None, now: float) -> bool:
    try:
        return expires is not None and parse_date(expires) >= now
    except ValueError:
        return False


def _keys_allowed(user: User) -> bool:
    for access in (user.apikeyaccess, user.account.apikeyaccess):
        if access != "INHERIT":
            return access == "ENABLED"
    return True


def is_enabled(user: User) -> bool:
    """Whether a user and its account may do anything."""
    return user.state == "enabled" and user.account.state == "enabled" and user in user.store


@dataclass
class Session:
    """A login. `id` is the cookie JSESSIONID, `key` must come with every call as well.

    Args:
        is2faverified: whether it needs no code of a second factor any more.
    """

    id: str
    key: str
    user: User
    used: float
    is2faverified: bool = True


class Sessions:
    """Logins that have not ended."""

    def __init__(self) -> None:
        self._open: dict[str, Session] = {}

    def __len__(self) -> int:
        """How many there are."""
        return len(self._open)

    def login(self, store: Store, params: Mapping[str, str], now: float) -> Session:
        """Begin a session.

        Raises:
            ApiError: unknown domain or user, wrong password, or disabled (531).
        """
        domain = _domain(store, params)
        name = params.get("username", "")
        user = store.first(User, lambda user: user.username == name and user.account.domain is domain)
        if user is None or not user.password.matches(params.get("password", "")):
            raise _login_failed(
                f"Failed to authenticate user {name} in domain {domain.id}; please provide valid credentials"
            )
        if not is_enabled(user):
            raise _login_failed(
                f"User {name} (or their account) in domain {domain.name} is disabled/locked. "
                "Please contact the administrator."
            )
        session = Session(secrets.token_hex(16), secrets.token_urlsafe(20), user, now)
        self._open[session.id] = session
        return session

    def find(self, session_id: str | None, key: str | None, now: float) -> Session:
        """The session of a cookie and a session key.

        Raises:
            ApiError: there is none, it timed out, or the key is wrong (401); a wrong key ends it.
        """
        session = self._open.get(session_id or "")
        refused = ApiError(Code.UNAUTHORIZED, "unable to verify user credentials")
        if session is None:
            raise refused
        expired = now - session.used > SESSION_TIMEOUT_S
        if expired or key is None or not hmac.compare_digest(session.key, key) or not is_enabled(session.user):
            self.logout(session.id)
            raise refused
        session.used = now
        return session

    def logout(self, session_id: str) -> bool:
        """End a session; whether there was one."""
        return self._open.pop(session_id, None) is not None


def _login_failed(text: str) -> ApiError:
    return ApiError(Code.ACCOUNT, text, 4290)


def _domain(store: Store, params: Mapping[str, str]) -> Domain:
    wanted = params.get("domainid") or params.get("domainId")
    if wanted:
        found = store.get(Domain, wanted)
        if found is None:
            raise ApiError(Code.UNAUTHORIZED, "Invalid domain id entered, please enter a valid one")
        return found
    path = params.get("domain", "").strip("/")
    if not path or path.upper() == "ROOT":
        return root_domain(store)
    full = path if path.upper().startswith("ROOT/") else f"ROOT/{path}"
    found = store.first(Domain, lambda domain: domain.path.lower() == full.lower())
    if found is None:
        raise _login_failed(f"Unable to find the domain from the path /{path}/")
    return found
