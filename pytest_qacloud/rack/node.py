"""A machine with its network faces: the BMC that is always there, and SSH and the API that come and go with its system.

`settle` may be called by anybody at any time; the timer below only makes sure that a system that nobody looks at comes
up as well.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from . import keys
from .agent import MANAGEMENT_CLASS
from .shell import SystemShell
from .ssh import SshServer

if TYPE_CHECKING:
    import socket

    from .agent import Agent
    from .clock import Clock
    from .faults import Faults
    from .inventory import Slot
    from .machine import Disk, Machine
    from .sockets import ReservedPort
    from .ssh import Outcome


class Service(Protocol):
    """Something that runs on a machine once its classes ask for it."""

    async def start(self, disk: Disk, listener: socket.socket) -> None:
        """Serve on a listening socket; state belongs to the disk, so it survives a reboot."""
        ...

    async def stop(self) -> None:
        """Close the socket and every connection."""
        ...


class Node:
    """One machine of the rack.

    Args:
        ssh_port: held for its SSH server.
        management_port: held for the management server.
        user: the login its SSH server knows.
    """

    def __init__(
        self,
        slot: Slot,
        machine: Machine,
        *,
        clock: Clock,
        faults: Faults,
        agent: Agent,
        ssh_port: ReservedPort,
        management_port: ReservedPort,
        management: Service,
        user: str,
    ) -> None:
        self.slot, self.machine, self.ssh_port, self.management_port = slot, machine, ssh_port, management_port
        self._clock, self._faults, self._agent, self._user = clock, faults, agent, user
        self._management = management
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for: float | None = None
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ssh: SshServer | None = None
        self._serving: int | None = None
        self._management_runs = False

    def settle(self) -> None:
        """Apply what is due, and bring the services in line with it."""
        self.machine.settle(self._clock.now())
        self._arm()
        wanted = self._wanted()
        if self._ssh is not None and wanted[0] != self._serving:
            self._ssh.cut()
        if wanted != (self._serving, self._management_runs):
            task = asyncio.get_running_loop().create_task(self._follow())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Stop everything and give the ports back."""
        if self._timer is not None:
            self._timer.cancel()
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stop_services()
        self.ssh_port.close()
        self.management_port.close()

    def _arm(self) -> None:
        due = self.machine.due
        if due == self._armed_for and self._timer is not None and not self._timer.cancelled():
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._armed_for = due
        if due is not None:
            delay = max(0.0, due - self._clock.now())
            self._timer = asyncio.get_running_loop().call_later(delay, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self.settle()

    def _wanted(self) -> tuple[int | None, bool]:
        disk = self.machine.disk
        if not self.machine.running or disk is None:
            return None, False
        return self.machine.boots, MANAGEMENT_CLASS in disk.classes

    async def _follow(self) -> None:
        async with self._lock:
            while (wanted := self._wanted()) != (self._serving, self._management_runs):
                boot, managed = wanted
                if self._serving not in (None, boot) or boot is None:
                    await self._stop_services()
                elif self._serving is None:
                    await self._start_ssh(boot)
                elif managed and self.machine.disk is not None:
                    await self._management.start(self.machine.disk, self.management_port.open())
                    self._management_runs = True
                else:
                    await self._management.stop()
                    self._management_runs = False

    async def _start_ssh(self, boot: int) -> None:
        disk = self.machine.disk
        assert disk is not None  # noqa: S101 - a running machine has one
        disk.host_key = disk.host_key or keys.new_ssh_key()
        shell = SystemShell(self.machine.name, disk, self._agent, self._faults)

        async def run(line: str) -> Outcome:
            outcome = await shell.run(line)
            self.settle()
            if MANAGEMENT_CLASS in disk.classes:
                await self._follow()
            return outcome

        server = SshServer()
        await server.start(
            self.ssh_port.open(),
            host_key=disk.host_key,
            user=self._user,
            authorized_keys=disk.authorized_keys,
            run=run,
        )
        self._ssh, self._serving = server, boot

    async def _stop_services(self) -> None:
        if self._management_runs:
            await self._management.stop()
            self._management_runs = False
        if self._ssh is not None:
            await self._ssh.stop()
            self._ssh = None
        self._serving = None
