"""The rack's control port: what its machines are doing, what happened, and what shall go wrong. HTTP, loopback only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .events import EventLog
    from .faults import Faults
    from .node import Node


def application(nodes: Mapping[str, Node], faults: Faults, events: EventLog) -> web.Application:
    """The control port's application.

    Args:
        nodes: by address.
    """

    def settle() -> None:
        for node in nodes.values():
            node.settle()

    async def state(_request: web.Request) -> web.Response:
        settle()
        machines = {node.machine.name: _shown(node) for node in nodes.values()}
        return web.json_response({"machines": machines, "faults": faults.listing()})

    async def history(_request: web.Request) -> web.Response:
        settle()
        return web.json_response(events.listing())

    async def set_fault(request: web.Request) -> web.Response:
        try:
            faults.apply(json.loads(await request.text()))
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"faults": faults.listing()})

    async def clear_faults(request: web.Request) -> web.Response:
        faults.clear(request.query.get("fault"), request.query.get("machine"))
        return web.json_response({"faults": faults.listing()})

    site = web.Application()
    site.router.add_get("/state", state)
    site.router.add_get("/events", history)
    site.router.add_get("/faults", state)
    site.router.add_post("/faults", set_fault)
    site.router.add_delete("/faults", clear_faults)
    return site


def _shown(node: Node) -> dict[str, Any]:
    machine, disk = node.machine, node.machine.disk
    return {
        "power": "on" if machine.powered else "off",
        "state": machine.state.value,
        "epoch": disk.epoch if disk else None,
        "classes": sorted(disk.classes) if disk else [],
        "ip": node.slot.ip,
        "boot_device": machine.boot_device,
    }
