"""CloudStack's API over HTTP: `/client/api`, GET and POST, JSON or XML, signed or in a login session."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

from aiohttp import web

from . import twofactor
from .auth import SESSION_TIMEOUT_S, signer
from .errors import ApiError, Code, failed
from .replies import to_xml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .auth import Session
    from .identity import User
    from .server import ManagementServer

_LOG = logging.getLogger(__name__)

SESSION_COOKIE = "JSESSIONID"
KEY_COOKIE = "sessionkey"


def application(server: ManagementServer) -> web.Application:
    """An aiohttp application that serves a management server. Faults api_503, api_431 and api_slow strike here."""
    endpoint = _Endpoint(server)
    app = web.Application(client_max_size=2**25)
    app.router.add_route("GET", "/client/api", endpoint.serve)
    app.router.add_route("POST", "/client/api", endpoint.serve)
    app.router.add_get("/client/", endpoint.landing)
    return app


class _Endpoint:
    def __init__(self, server: ManagementServer) -> None:
        self._server = server

    async def landing(self, request: web.Request) -> web.Response:
        """What the web interface's address answers, so that a probe sees that the server is up."""
        return web.Response(text="CloudStack\n", headers={"X-Request-Path": request.path})

    async def serve(self, request: web.Request) -> web.Response:
        """One API call."""
        faults = self._server.faults
        if faults.active("api_503") is not None:
            return web.Response(status=503, text="Service Unavailable")
        slow = faults.active("api_slow")
        if slow is not None:
            await asyncio.sleep(slow)
        params: dict[str, str] = dict(request.query)
        if request.method == "POST":
            params.update({name: value for name, value in (await request.post()).items() if isinstance(value, str)})
        command = params.get("command", "")
        xml = params.get("response", "xml").lower() != "json"
        try:
            self._strike_431()
            return self._answer(request, params, xml=xml)
        except ApiError as error:
            known = command in self._server.schema.commands and error.code != Code.UNSUPPORTED
            name = f"{command.lower()}response" if known else "errorresponse"
            reply = _reply(name, error.body(), xml=xml, status=int(error.code))
            reply.headers["X-Description"] = error.text.replace("\n", " ")[:500]
            return reply
        except Exception as error:  # noqa: BLE001 - the edge of the process: a bug becomes a reply and a traceback
            _LOG.exception("%s failed", command)
            wrong = failed(f"internal error of the simulated management server: {type(error).__name__}: {error}")
            return _reply(f"{command.lower()}response", wrong.body(), xml=xml, status=int(wrong.code))

    def _strike_431(self) -> None:
        if self._server.faults.active("api_431") is not None:
            raise ApiError(Code.PARAMETER, "Unable to execute API command: an injected fault", 4350)

    def _answer(self, request: web.Request, params: Mapping[str, str], *, xml: bool) -> web.Response:
        command = params.get("command", "")
        if command == "login":
            return self._login(params, xml=xml)
        if command == "logout":
            return self._logout(request, xml=xml)
        if command == "validateUserTwoFactorAuthenticationCode" and SESSION_COOKIE in request.cookies:
            return self._validate(request, params, xml=xml)
        name, content = self._server.execute(params, self._caller(request, params))
        return _reply(name, content, xml=xml)

    def _caller(self, request: web.Request, params: Mapping[str, str]) -> User:
        if "signature" in params or SESSION_COOKIE not in request.cookies:
            return signer(self._server.store, params, self._server.clock.now())
        key = params.get("sessionkey")
        if key is None or request.cookies.get(KEY_COOKIE, key) != key:
            key = None
        return self._session(request, key, params.get("command", "")).user

    def _session(self, request: web.Request, key: str | None, command: str) -> Session:
        server = self._server
        session = server.sessions.find(request.cookies[SESSION_COOKIE], key, server.clock.now())
        if session.is2faverified or command in twofactor.OPEN_COMMANDS:
            return session
        if not twofactor.is_needed(server.settings, session.user):
            return session
        server.sessions.logout(session.id)
        raise twofactor.not_verified(session.user)

    def _validate(self, request: web.Request, params: Mapping[str, str], *, xml: bool) -> web.Response:
        """The second factor's code; a wrong one ends the session, but while it is being set up."""
        server = self._server
        session = server.sessions.find(request.cookies[SESSION_COOKIE], params.get("sessionkey"), server.clock.now())
        settled = session.user.is2faverified
        try:
            twofactor.verify(session, params.get("codefor2fa", ""), server.clock.now())
        except ApiError as error:
            if settled and error.code == Code.UNAUTHORIZED_2FA:
                server.sessions.logout(session.id)
            raise
        return _reply("validateusertwofactorauthenticationcoderesponse", {"success": True}, xml=xml)

    def _login(self, params: Mapping[str, str], *, xml: bool) -> web.Response:
        self._server.settle()
        session = self._server.sessions.login(self._server.store, params, self._server.clock.now())
        user, settings = session.user, self._server.settings
        twofactor.begin_session(user)
        session.is2faverified = not twofactor.is_needed(settings, user)
        content = _login_content(session) | {"issuerfor2fa": settings.value("user.2fa.issuer", user.domain)}
        reply = _reply("loginresponse", content, xml=xml)
        reply.set_cookie(SESSION_COOKIE, session.id, path="/client", httponly=True)
        reply.set_cookie(KEY_COOKIE, session.key, path="/client", httponly=True, samesite="Lax")
        return reply

    def _logout(self, request: web.Request, *, xml: bool) -> web.Response:
        if not self._server.sessions.logout(request.cookies.get(SESSION_COOKIE, "")):
            raise ApiError(Code.PARAMETER, "Session not found for the logout process.")
        reply = _reply("logoutresponse", {"description": "success"}, xml=xml)
        reply.del_cookie(SESSION_COOKIE, path="/client")
        reply.del_cookie(KEY_COOKIE, path="/client")
        return reply


def _login_content(session: Session) -> dict[str, Any]:
    user = session.user
    provider = {} if user.provider2fa is None else {"providerfor2fa": user.provider2fa}
    return {
        **provider,
        "username": user.username,
        "userid": user.id,
        "domainid": user.account.domain.id,
        "timeout": SESSION_TIMEOUT_S,
        "account": user.account.name,
        "firstname": user.firstname,
        "lastname": user.lastname,
        "type": str(int(user.account.accounttype)),
        "registered": "false",
        "sessionkey": session.key,
        "is2faenabled": str(not session.is2faverified).lower(),
        "is2faverified": str(session.is2faverified).lower(),
    }


def _reply(name: str, content: dict[str, Any], *, xml: bool, status: int = 200) -> web.Response:
    if xml:
        text = f'<?xml version="1.0" encoding="UTF-8"?>{to_xml(name, content)}'
        return web.Response(text=text, status=status, content_type="text/xml")
    return web.Response(text=json.dumps({name: content}), status=status, content_type="application/json")
