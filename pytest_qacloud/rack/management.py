"""The management server on a machine: its data belong to the disk, its socket to the boot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .http import Site

if TYPE_CHECKING:
    import socket

    from .clock import Clock
    from .faults import Faults
    from .hardware import RackHardware
    from .machine import Disk

ADMIN = "admin"


def preload() -> None:
    """Load the management server's code and facts, so that the first start of one finds them."""
    from .cloudstack import registry, schema

    schema.load()
    registry.load_areas()


class ManagementService:
    """Runs `cloudstack` for one machine (`node.Service`)."""

    def __init__(self, hardware: RackHardware, faults: Faults, clock: Clock, password: str) -> None:
        self._hardware, self._faults, self._clock, self._password = hardware, faults, clock, password
        self._site: Site | None = None
        self._disk: Disk | None = None
        self._server: Any = None

    async def start(self, disk: Disk, listener: socket.socket) -> None:
        """Serve on a listening socket; a new disk begins with an empty database."""
        from . import cloudstack

        if self._disk is not disk:
            self._disk = disk
            self._server = cloudstack.ManagementServer(
                self._hardware,
                self._faults,
                self._clock,
                admin_user=ADMIN,
                admin_password=self._password,
                build=cloudstack.Build.parse(disk.behaviours),
            )
        self._site = Site(cloudstack.application(self._server))
        await self._site.start(listener)

    async def stop(self) -> None:
        """Close the socket and every connection."""
        if self._site is not None:
            await self._site.stop()
            self._site = None
