"""Starting the rack's servers on sockets that are bound; the heavy libraries are imported here."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from . import bmc, cobbler_http, control, keys, management, puppet, sockets
from .agent import Agent, NodeClassifier
from .cobbler import Cobbler
from .hardware import RackHardware
from .http import Site
from .machine import Disk, Machine, Timing
from .management import ManagementService
from .node import Node
from .poolfile import PRIMARY_EXPORTS, PROFILES, SECONDARY_EXPORT, SSH_USER, Secrets
from .ssh import SshServer
from .storage import Exports, ExportSftp, StorageShell

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Awaitable, Callable

    import asyncssh

    from .app import Rack

BMC_USER = "admin"


async def start(rack: Rack, stops: list[Callable[[], Awaitable[None]]]) -> None:
    """Start everything; what stops each server is appended to `stops` as soon as it runs."""
    directory = rack.settings.dir.resolve()
    exports = Exports(directory / "storage", (*PRIMARY_EXPORTS, SECONDARY_EXPORT), rack.faults)
    cobbler = Cobbler(
        user="cobbler",
        password=rack.passwords["cobbler"],
        profiles=PROFILES.values(),
        clock=rack.clock,
        faults=rack.faults,
        events=rack.events,
    )
    cobbler.url = f"http://{sockets.LOOPBACK}:{rack.http.getsockname()[1]}"
    nodes: dict[str, Node] = {}
    hardware = RackHardware(nodes, exports, sockets.LOOPBACK, ("root", rack.passwords["hosts"]), rack.faults)
    nodes.update(_nodes(rack, cobbler, hardware))

    async def serve(application: web.Application, listener: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        site = Site(application)
        stops.append(site.stop)
        await site.start(listener, tls)

    for node in nodes.values():
        stops.append(node.close)
        endpoint = rack.bmcs[node.machine.name]
        transport = await bmc.serve(
            endpoint, node.machine, rack.passwords["bmc"], BMC_USER, rack.clock, rack.faults, node.settle
        )
        stops.append(_closing(transport.close))
    await serve(_http(rack, cobbler, nodes), rack.http)
    await serve(control.application(nodes, rack.faults, rack.events), rack.control)
    await serve(
        puppet.application(rack.authority, rack.faults),
        rack.puppet,
        tls=puppet.tls(rack.authority, directory / "puppet", Secrets(directory / "secrets")),
    )
    await _start_storage(rack, exports, nodes, stops)
    await asyncio.to_thread(management.preload)


def _nodes(rack: Rack, cobbler: Cobbler, hardware: RackHardware) -> dict[str, Node]:
    settings = rack.settings
    classifier = NodeClassifier(
        settings.node_classifier, {"QACLOUD_ENC_DIR": str(settings.dir.resolve() / "enc"), "PATH": _path()}
    )
    agent = Agent(rack.authority, classifier, rack.faults)
    timing = Timing.of(settings.install_time_s)
    nodes = {}
    for slot in rack.inventory.slots:
        factory = Disk(hostname=f"{slot.name}.factory.test")
        machine = Machine(slot.name, slot.mac, timing, cobbler, rack.faults, rack.events, factory)
        nodes[slot.ip] = Node(
            slot,
            machine,
            clock=rack.clock,
            faults=rack.faults,
            agent=agent,
            ssh_port=rack.ssh_ports[slot.name],
            management_port=rack.management_ports[slot.name],
            management=ManagementService(hardware, rack.faults, rack.clock, rack.passwords["management"]),
            user=SSH_USER,
        )
    return nodes


def _http(rack: Rack, cobbler: Cobbler, nodes: dict[str, Node]) -> web.Application:
    site = web.Application()

    def settle() -> None:
        now = rack.clock.now()
        for node in nodes.values():
            if node.machine.due is not None and node.machine.due <= now:
                node.settle()

    cobbler_http.add_routes(site, cobbler, rack.faults, settle)

    async def template(_request: web.Request) -> web.Response:
        return web.Response(body=rack.template.content, content_type="application/octet-stream")

    site.router.add_get(f"/templates/{rack.template.name}", template)
    return site


async def _start_storage(
    rack: Rack, exports: Exports, nodes: dict[str, Node], stops: list[Callable[[], Awaitable[None]]]
) -> None:
    server = SshServer()
    stops.append(server.stop)

    def sftp(channel: asyncssh.SSHServerChannel[bytes]) -> ExportSftp:
        return ExportSftp(channel, exports)

    def destinations(host: str, port: int) -> bool:
        return host in nodes and nodes[host].ssh_port.port == port

    await server.start(
        rack.storage,
        host_key=rack.storage_host_key,
        user=SSH_USER,
        authorized_keys=[keys.ssh_public_key(rack.ssh_key)],
        run=StorageShell(exports).run,
        sftp=sftp,
        destinations=destinations,
    )


def _closing(close: Callable[[], None]) -> Callable[[], Awaitable[None]]:
    async def stop() -> None:
        close()

    return stop


def _path() -> str:
    """The search path, with the folder of this Python's scripts first."""
    return os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
