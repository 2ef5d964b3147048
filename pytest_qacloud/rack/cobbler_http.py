"""Cobbler on the wire: XML-RPC at /cobbler_api, and the calls of installers under /cblr/svc."""

from __future__ import annotations

import inspect
import xmlrpc.client
from typing import TYPE_CHECKING, Any
from xml.parsers.expat import ExpatError

from aiohttp import web

from .cobbler import REMOTE_METHODS, Cobbler
from .cobbler_records import CobblerError, type_error
from .http import cut

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .faults import Faults

MOST_BYTES = 1 << 20


def add_routes(application: web.Application, cobbler: Cobbler, faults: Faults, settle: Callable[[], None]) -> None:
    """Serve `cobbler`.

    Args:
        settle: called before each request, so that installations that have ended are seen.
    """

    def guarded(
        answer: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handler(request: web.Request) -> web.StreamResponse:
            if faults.active("cobbler_down") is not None:
                return cut(request)
            settle()
            return await answer(request)

        return handler

    async def call(request: web.Request) -> web.StreamResponse:
        body = await request.content.read(MOST_BYTES)
        try:
            params, method = xmlrpc.client.loads(body)
        except (ExpatError, xmlrpc.client.Error, ValueError, TypeError) as error:
            raise web.HTTPInternalServerError(text=f"{error}\n") from error
        return web.Response(text=reply(cobbler, method or "", params), content_type="text/xml")

    async def service(request: web.Request) -> web.StreamResponse:
        words = request.match_info["words"].strip("/").split("/")
        form = dict(zip(words[::2], words[1::2], strict=False))
        text, status = serve(cobbler, form, request.remote or "")
        return web.Response(text=text, status=status, content_type="text/plain")

    application.router.add_post("/cobbler_api", guarded(call))
    application.router.add_get("/cblr/svc/{words:.*}", guarded(service))


def reply(cobbler: Cobbler, method: str, params: tuple[Any, ...]) -> str:
    """One XML-RPC call's answer, a fault included; arguments of a wrong type are a fault of Python's own, as there."""
    try:
        return xmlrpc.client.dumps((_dispatch(cobbler, method, params),), methodresponse=True, allow_none=False)
    except CobblerError as error:
        fault = error
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        fault = CobblerError(str(error), type(error).__name__)
    return xmlrpc.client.dumps(xmlrpc.client.Fault(1, fault.fault_string), methodresponse=True)


def _dispatch(cobbler: Cobbler, method: str, params: tuple[Any, ...]) -> Any:
    if method.startswith("_"):
        raise CobblerError("forbidden method")
    if method not in REMOTE_METHODS:
        raise CobblerError(f"unknown remote method '{method}'")
    function = getattr(cobbler, method)
    try:
        inspect.signature(function).bind(*params)
    except TypeError as error:
        raise type_error(f"CobblerXMLRPCInterface.{method}() {error}") from error
    return function(*params)


def serve(cobbler: Cobbler, form: dict[str, str], remote: str) -> tuple[str, int]:
    """One call under /cblr/svc: its text and HTTP status.

    Args:
        form: the path's words in pairs, such as `{"op": "nopxe", "system": "node1"}`.
        remote: the caller's address.
    """
    system, profile = form.get("system", ""), form.get("profile", "")
    match form.get("op", "index"):
        case "index":
            return "no mode specified", 200
        case "autoinstall" | "ks":
            text = cobbler.generate_autoinstall(profile, system)
            return text, 404 if "not found" in text else 200
        case "trig":
            kind = "profile" if profile else "system"
            return str(cobbler.run_install_triggers(form.get("mode", "?"), kind, profile or system, remote)), 200
        case "nopxe":
            return str(cobbler.disable_netboot(system)), 200
        case operation:
            return f"there is no operation {operation}", 500
