"""GPUs of hosts: the machines that a simulated management server reaches have none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import failed
from ...lists import Page
from ...models.topology import Host
from ...registry import command

if TYPE_CHECKING:
    from ...context import Context
    from ...params import Params


@command("discoverGpuDevices")
def discover(_ctx: Context, params: Params) -> Page:
    """Look for a host's GPUs, which needs its agent."""
    host = params.need("id", Host)
    if host.state != "Up":
        raise failed(f"Unable to discover the GPU devices of host {host.name}: it is {host.state}")
    return Page(0, [])
