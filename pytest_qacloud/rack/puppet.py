"""Puppet's CA on the wire: the HTTP API of puppetserver 7 over TLS.

Paths, states and status codes follow Puppet's documentation of the certificate status endpoint. Anybody with a
certificate of this CA may connect; only the administrator's may use the API (`auth.conf` of a real server).
"""

from __future__ import annotations

import json
import ssl
from typing import TYPE_CHECKING, Any

from aiohttp import web

from . import keys
from .authority import ADMIN_NAME, Authority, AuthorityError
from .http import cut

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from .faults import Faults
    from .poolfile import Secrets

ROOT = "/puppet-ca/v1"


def application(authority: Authority, faults: Faults) -> web.Application:
    """The CA's HTTP application."""

    @web.middleware
    async def guard(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if faults.active("puppet_ca_down") is not None:
            return cut(request)
        if _client(request) != ADMIN_NAME:
            return web.Response(
                status=403, text=f"Forbidden request: {request.path} (method :{request.method.lower()})"
            )
        try:
            return await handler(request)
        except AuthorityError as error:
            return web.Response(status=error.status, text=error.text)

    calls = _Calls(authority)
    site = web.Application(middlewares=[guard])
    site.router.add_get(ROOT + "/certificate_status/{name}", calls.status)
    site.router.add_put(ROOT + "/certificate_status/{name}", calls.change)
    site.router.add_delete(ROOT + "/certificate_status/{name}", calls.delete)
    site.router.add_get(ROOT + "/certificate_statuses/{any}", calls.statuses)
    site.router.add_get(ROOT + "/certificate/{name}", calls.certificate)
    return site


class _Calls:
    """The API's calls on an authority."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority

    async def status(self, request: web.Request) -> web.Response:
        return web.json_response(self._authority.status(request.match_info["name"]))

    async def statuses(self, _request: web.Request) -> web.Response:
        return web.json_response(self._authority.statuses())

    async def change(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if _desired_state(await request.text()) == "revoked":
            self._authority.revoke(name)
        else:
            self._authority.sign(name)
        return web.Response(status=204)

    async def delete(self, request: web.Request) -> web.Response:
        self._authority.delete(request.match_info["name"])
        return web.Response(status=204)

    async def certificate(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name == "ca":
            return web.Response(text=keys.certificate_pem(self._authority.certificate))
        entry = self._authority.entry(name)
        if entry is None or entry.certificate is None:
            raise AuthorityError(404, f"Could not find certificate {name}")
        return web.Response(text=keys.certificate_pem(entry.certificate))


def tls(authority: Authority, folder: Path, secrets: Secrets) -> ssl.SSLContext:
    """The server's TLS settings; the files that `ssl` needs are written to `folder` and among the secrets."""
    chain, key = folder / "server.pem", secrets.keep("puppet_server_key.pem", keys.key_pem(authority.server_key))
    chain.write_text(keys.certificate_pem(authority.server_certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(chain, key)
    context.load_verify_locations(cadata=keys.certificate_pem(authority.certificate))
    # As puppetserver's `client-auth: want`: who shows no certificate gets a 403 instead of a broken handshake.
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def _client(request: web.Request) -> str | None:
    certificate = request.transport.get_extra_info("peercert") if request.transport is not None else None
    subject = (certificate or {}).get("subject", ())
    return next((value for names in subject for key, value in names if key == "commonName"), None)


def _desired_state(text: str) -> str:
    try:
        body: Any = json.loads(text)
    except ValueError as error:
        raise AuthorityError(400, "Request body is not JSON.") from error
    desired = body.get("desired_state") if isinstance(body, dict) else None
    if desired not in ("signed", "revoked"):
        raise AuthorityError(400, "State is invalid; it must be one of 'signed', 'revoked'.")
    return str(desired)
