"""The rack's control port: what its machines are doing, what happened, and what shall go wrong. HTTP, loopback only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from .faults import FaultError, Faults

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .events import EventLog
    from .node import Node


def application(nodes: Mapping[str, Node], faults: Faults, events: EventLog) -> web.Application:
    """The control port's application.

    Args:
        nodes: by address.
    """

    def settle() -> None:
        for node in nodes.values():
            node.settle()

    async def state(request: web.Request) -> web.Response:
        settle()
        machines = {node.machine.name: _shown(node) for node in nodes.values()}
        return web.json_response({"machines": machines, "faults": faults.listing()})

    async def history(request: web.Request) -> web.Response:
        settle()
        return web.json_response(events.listing())

    async def set_fault(request: web.Request) -> web.Response:
        try:
            name, machine, value, count = _fault(await request.text())
            faults.set(name, machine, value=value, count=count)
        except FaultError as error:
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


def _fault(text: str) -> tuple[str, str | None, float | None, int | None]:
    try:
        body = json.loads(text)
    except ValueError as error:
        raise FaultError(f"the body is no JSON: {error}") from error
    known = {"fault", "machine", "value", "count"}
    if not isinstance(body, dict) or not isinstance(body.get("fault"), str) or not body.keys() <= known:
        raise FaultError('the body is {"fault": NAME, "machine": …, "value": …, "count": …}; only the name is needed')
    machine, value, count = body.get("machine"), body.get("value"), body.get("count")
    if not (machine is None or isinstance(machine, str)):
        raise FaultError("machine is a name or null")
    if not (value is None or _is_number(value)):
        raise FaultError("value is a number or null")
    if not (count is None or (_is_number(count) and count == int(count))):
        raise FaultError("count is a whole number or null")
    return body["fault"], machine, value, count


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
