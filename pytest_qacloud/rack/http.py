"""What the rack's HTTP services share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    import socket
    import ssl

SHUTDOWN_S = 1.0
"""How long a request in progress may take once its connection is cut."""


def cut(request: web.Request) -> web.StreamResponse:
    """Break the connection instead of answering, as a service that has died does."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=503)


class Site:
    """One application on one listening socket."""

    def __init__(self, application: web.Application) -> None:
        self._runner = web.AppRunner(
            application,
            access_log=None,
            handle_signals=False,
            handler_cancellation=True,
            shutdown_timeout=SHUTDOWN_S,
        )

    async def start(self, listener: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Serve on a socket that is bound; it is closed by `stop`."""
        await self._runner.setup()
        await web.SockSite(self._runner, listener, ssl_context=tls).start()

    async def stop(self) -> None:
        """Close the socket and cut every connection."""
        server = self._runner.server
        for connection in server.connections if server is not None else ():
            if connection.transport is not None:
                connection.transport.abort()
        await self._runner.cleanup()
