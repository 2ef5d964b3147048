"""Where a VM's console can be seen: at a console proxy, with a token for one session."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from ...identity import Domain
from ...models.consoles import ConsoleSession
from ...models.machines import DESTROYED, ERROR, STOPPED, VirtualMachine
from ...models.systemvms import CONSOLE_PROXY, SystemVm
from ...registry import command

if TYPE_CHECKING:
    from ...context import Context
    from ...lists import Page
    from ...params import Params

_PORT, _TLS_PORT = 8080, 8443
_PATH = "websockify"


@command("createConsoleEndpoint")
def create_endpoint(ctx: Context, params: Params) -> dict[str, Any]:
    """A URL for a VM's console; why there is none is told in the reply, not as an error.

    Nobody listens there: a simulated console proxy has no screen to show.
    """
    vm: Any = params.get("virtualmachineid")
    why = _why_not(ctx, vm)
    proxy = _proxy(ctx, vm)
    if why is None and proxy is None:
        why = "Server Internal Error: Console access will be ready in a few minutes. Please try it again later."
    if why is not None or proxy is None:
        return {"consoleendpoint": {"success": False, "details": why}}
    session = ConsoleSession(owner=ctx.caller, user=ctx.user, virtualmachine=vm, host=vm.host)
    ctx.store.add(session, ctx.now)
    return {"consoleendpoint": {"success": True, **_endpoint(ctx, proxy, params.optional("token"))}}


def _why_not(ctx: Context, vm: Any) -> str | None:
    if not ctx.caller.is_root_admin and not (isinstance(vm, VirtualMachine) and vm.usable_by(ctx.caller)):
        return "Permission denied"
    if vm.zone.type == "Edge":
        return "Console access is not supported for Edge zones"
    if vm.state in (STOPPED, ERROR, DESTROYED) or vm.host is None:
        return (
            f"Server Internal Error: VM {vm.name} must be running to connect console, sending blank response for "
            "console access request"
        )
    return None


def _proxy(ctx: Context, vm: Any) -> SystemVm | None:
    return ctx.store.first(SystemVm, zone=vm.zone, systemvmtype=CONSOLE_PROXY, state="Running")


def _endpoint(ctx: Context, proxy: SystemVm, extra: str | None) -> dict[str, Any]:
    secure = ctx.flag_setting("consoleproxy.sslEnabled", proxy.zone)
    domain = ctx.setting("consoleproxy.url.domain", proxy.zone)
    host, port = proxy.publicip or "", _TLS_PORT if secure else _PORT
    if domain:
        host = f"{host.replace('.', '-')}{domain[1:]}" if domain.startswith("*") else domain
    token = secrets.token_urlsafe(48)
    query = {"autoconnect": "true", "port": port, "token": token, **({"extra": extra} if extra else {})}
    url = f"{'https' if secure else 'http'}://{host}/resource/noVNC/vnc.html?{urlencode(query)}"
    socket = {"token": token, "host": host, "port": str(port), "path": _PATH, **({"extra": extra} if extra else {})}
    return {"url": url, "websocket": socket}


@command("listConsoleSessions")
def list_sessions(ctx: Context, params: Params) -> Page:
    """Sessions: a user's own, an administrator's domain's, with `isrecursive` also those of domains below."""
    domain = params.entity("domainid", Domain) or ctx.caller.domain
    if not ctx.caller.is_root_admin and not ctx.caller.domain.contains(domain):
        domain = ctx.caller.domain
    start, end = params.get("startdate"), params.get("enddate")

    def seen(item: ConsoleSession) -> bool:
        if (start is not None and item.created < start) or (end is not None and item.created > end):
            return False
        if ctx.caller.roletype == "User":
            return item.user is ctx.user
        where = item.owner.domain
        return domain.contains(where) if params.flag("isrecursive") else where is domain

    found = ctx.store.all(ConsoleSession, seen)[::-1]
    ignore = ("startdate", "enddate", "activeonly", "acquired", "clientaddress", "consoleendpointcreatoraddress")
    return ctx.page(found, params, ignore=ignore, visible=True)
