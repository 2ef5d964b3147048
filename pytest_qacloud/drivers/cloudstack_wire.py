"""CloudStack's API on the wire: parameters, signatures, answers.

The signature is described in CloudStack's developer guide ("How to sign an API call with Python") and checked by
`ApiServer.verifyRequest`. Version 3, with an expiry, is what a server that enforces
`enforce.post.requests.and.timestamps` takes, and others take it too.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from requests.adapters import HTTPAdapter

from ..errors import AccessDeniedError, CloudApiError, ServiceFaultError, UnreachableError

CONNECTIONS = 64
"""Kept open at most; more threads than that open and close their own."""

EXPIRES_S = 600
"""Seconds a signed request is valid: a replayed one is not, a server's clock may be off by minutes."""

UNKNOWN = 9999
"""`cserrorcode` of an error that CloudStack has given no number."""


def flatten(params: Mapping[str, Any]) -> dict[str, str]:
    """Parameters as CloudStack reads them; those that are `None` are left out.

    A list of plain values becomes `a,b`; a mapping, or a list of mappings, becomes `name[0].key`, `name[1].key` ….
    """
    flat: dict[str, str] = {}
    for name, value in params.items():
        if isinstance(value, Mapping):
            value = [value]  # noqa: PLW2901 -- one mapping is a list of one
        if isinstance(value, (list, tuple, set, frozenset)):
            if any(isinstance(item, Mapping) for item in value):
                for index, item in enumerate(value):
                    flat |= {f"{name}[{index}].{key}": _text(entry) for key, entry in item.items() if entry is not None}
            elif value:
                flat[name] = ",".join(map(_text, value))
        elif value is not None:
            flat[name] = _text(value)
    return flat


def sign(params: Mapping[str, str], secret_key: str) -> str:
    """The signature of a request that has these parameters."""
    # Java's URLEncoder, which the server uses, leaves `*` alone and encodes `~`; Python does the reverse.
    encoded = "&".join(f"{name}={quote(params[name], safe='*').replace('~', '%7E')}" for name in sorted(params))
    digest = hmac.new(secret_key.encode(), encoded.lower().encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def signed(params: Mapping[str, str], api_key: str, secret_key: str) -> dict[str, str]:
    """The parameters with key, expiry and signature."""
    expires = time.strftime("%Y-%m-%dT%H:%M:%S+0000", time.gmtime(time.time() + EXPIRES_S))
    complete = {**params, "apiKey": api_key, "signatureVersion": "3", "expires": expires}
    return complete | {"signature": sign(complete, secret_key)}


def session(ca_file: str | None, *, cookies: bool) -> requests.Session:
    """A session without proxies, `.netrc`, and, unless asked for, cookies; without those, safe from several threads."""
    http = requests.Session()
    http.trust_env = False
    http.verify = ca_file or True
    if not cookies:
        http.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("http://", "https://"):
        http.mount(scheme, HTTPAdapter(pool_connections=1, pool_maxsize=CONNECTIONS))
    return http


def post(http: requests.Session, url: str, params: Mapping[str, str], timeout_s: float) -> Any:
    """Send one command; returns the content of its `<command>response`.

    All commands go by POST: long ones must, and keys and passwords stay out of access logs.

    Raises:
        CloudApiError: CloudStack refused it.
        AccessDeniedError: something before CloudStack refused it.
        UnreachableError: no answer, 502, 503, 504, or a server that has not loaded CloudStack yet.
        ServiceFaultError: an answer that is not CloudStack's.
    """
    command = params["command"]
    name = f"CloudStack {urlsplit(url).netloc}"
    try:
        response = http.post(url, data={**params, "response": "json"}, timeout=timeout_s, allow_redirects=False)
    except requests.exceptions.SSLError as error:
        raise ServiceFaultError(name, "its certificate is not trusted", "check management.ca_file") from error
    except requests.exceptions.ConnectTimeout as error:
        raise UnreachableError(name, f"no connection within {timeout_s:g} s") from error
    except requests.exceptions.Timeout as error:
        raise UnreachableError(name, f"no answer to {command} within {timeout_s:g} s") from error
    except requests.exceptions.RequestException as error:
        raise UnreachableError(name, f"the connection failed: {_reason(error)}", "is it running?") from None
    if response.status_code in (502, 503, 504):
        raise UnreachableError(name, f"HTTP {response.status_code} for {command}", "it may still be starting")
    try:
        (content,) = response.json().values()
    except (ValueError, AttributeError) as error:
        raise _foreign(name, command, response) from error
    if isinstance(content, dict) and (response.status_code != requests.codes.ok or "errorcode" in content):
        raise failure(name, command, content, response.status_code)
    if not isinstance(content, dict):
        raise _foreign(name, command, response)
    return content


def failure(name: str, command: str, content: Mapping[str, Any], status: int, *, job: str = "") -> CloudApiError:
    """The error that an error reply, or a failed job's result, tells of."""
    return CloudApiError(
        name,
        command,
        int(content.get("errorcode", status)),
        str(content.get("errortext", "no reason given")),
        int(content.get("cserrorcode", UNKNOWN)),
        job=job,
    )


def _foreign(name: str, command: str, response: requests.Response) -> Exception:
    code = response.status_code
    if code in (401, 403):
        return AccessDeniedError(name, f"HTTP {code} for {command}", "something before CloudStack wants a login")
    if code == requests.codes.not_found:
        return UnreachableError(name, f"HTTP 404 for {command}", "CloudStack is not loaded yet, or the URL is wrong")
    begin = " ".join(response.text[:120].split())
    return ServiceFaultError(name, f"HTTP {code} for {command} is no answer of CloudStack's: {begin!r}", "see its log")


def _reason(error: BaseException) -> str:
    """The innermost cause in words; what urllib3 wraps around it holds object addresses."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
