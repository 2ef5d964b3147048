"""A machine's BMC: pyghmi's command set over `rmcp`'s sessions, one UDP socket a machine, all on one event loop."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any, cast

from pyghmi.ipmi import bmc as pyghmi_bmc

from .machine import PowerRefusedError
from .rmcp import INVALID_COMMAND, Account, Endpoint, Reply, Request

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from .clock import Clock
    from .faults import Faults
    from .machine import Machine

NOT_IN_THIS_STATE = 0xD5
PERSISTENT = 0x40


class _Answer:
    """Takes the place of pyghmi's session while one request is carried out."""

    def __init__(self) -> None:
        self.reply = Reply(INVALID_COMMAND)

    def send_ipmi_response(self, data: Sequence[int] = (), code: int = 0) -> None:
        self.reply = Reply(code, bytes(data))


class MachineBmc(pyghmi_bmc.Bmc):  # type: ignore[misc]  # pyghmi has no types
    """What one machine's controller does.

    pyghmi's constructor is not called: it would open a socket and start a thread that polls all of them.

    Args:
        changed: called after a command that may have changed the machine.
    """

    revision = deviceid = additionaldevices = mfgid = prodid = 0
    firmwaremajor, firmwareminor, ipmiversion = 1, 0, 2

    def __init__(self, machine: Machine, clock: Clock, faults: Faults, changed: Callable[[], None]) -> None:
        self._machine, self._clock, self._faults, self._changed = machine, clock, faults, changed
        self._persistent = False
        self.uuid = uuid.uuid5(uuid.NAMESPACE_OID, machine.mac)

    def execute(self, request: Request) -> Reply:
        """Carry out one request."""
        answer = _Answer()
        fields = {"netfn": request.netfn, "command": request.command, "data": bytearray(request.data)}
        self.handle_raw_request(fields, answer)
        self._changed()
        return answer.reply

    def handle_raw_request(self, request: dict[str, Any], session: Any) -> None:
        """As pyghmi does it, without its printed traceback for a request that is cut short."""
        needed = {(0, 2): 1, (0, 8): 1, (0, 9): 3}.get((request["netfn"], request["command"]), 0)
        if len(request["data"]) < needed:
            session.send_ipmi_response(code=0xC7)
        else:
            super().handle_raw_request(request, session)

    def get_system_guid(self) -> uuid.UUID:
        """A GUID that depends on the MAC address only."""
        return self.uuid

    def cold_reset(self) -> int:
        """The controller's own reset; changes nothing here."""
        return 0

    def get_power_state(self) -> str:
        """The chassis now."""
        self._machine.settle(self._clock.now())
        return "on" if self._machine.powered else "off"

    def is_active(self) -> bool:
        """Whether the chassis is on."""
        return self.get_power_state() == "on"

    def power_on(self) -> int:
        """Switch on."""
        return self._power(self._machine.power_on)

    def power_off(self) -> int:
        """Switch off at once."""
        return self._power(self._machine.power_off)

    def power_shutdown(self) -> int:
        """Ask the system to shut down; a simulated one does so at once."""
        return self._power(self._machine.power_off)

    def power_cycle(self) -> int:
        """Off and on again; refused by a chassis that is off."""
        return self._power(self._machine.power_cycle)

    def power_reset(self) -> int:
        """A reset takes as long as a cycle here."""
        return self._power(self._machine.power_cycle)

    def _power(self, action: Callable[[float], None]) -> int:
        if self._faults.active("bmc_lies", self._machine.name) is not None:
            return 0
        try:
            action(self._clock.now())
        except PowerRefusedError:
            return NOT_IN_THIS_STATE
        return 0

    def get_boot_device(self) -> str:
        """The next boot's device."""
        self._machine.settle(self._clock.now())
        return self._machine.boot_device

    def set_system_boot_options(self, request: dict[str, Any], session: Any) -> None:
        """As pyghmi does it; it drops the flag that makes a device persistent, so that is read here."""
        data = request["data"]
        self._persistent = len(data) > 1 and bool(data[1] & PERSISTENT)
        if data[0] == 5 and len(data) < 3:
            session.send_ipmi_response(code=0xC7)
        elif data[0] in {0, 3, 4, 5}:
            super().set_system_boot_options(request, session)
        else:
            session.send_ipmi_response(code=0x80)

    def set_boot_device(self, bootdevice: str) -> None:
        """The next boot's device; for that boot only unless the request says otherwise."""
        self._machine.choose_boot_device(self._clock.now(), bootdevice, persistent=self._persistent)


class BmcProtocol(asyncio.DatagramProtocol):
    """Datagrams of one BMC."""

    def __init__(self, controller: MachineBmc, machine: str, account: Account, clock: Clock, faults: Faults) -> None:
        self._machine, self._clock, self._faults = machine, clock, faults
        self._endpoint = Endpoint(
            account, controller.execute, lambda: faults.active("bmc_refuses", machine) is not None
        )
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """Answer, unless the BMC is to be silent."""
        if self._faults.active("bmc_silent", self._machine) is not None:
            return
        answer = self._endpoint.receive(data, self._clock.now())
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, addr)


async def serve(
    endpoint: socket.socket,
    machine: Machine,
    password: str,
    user: str,
    clock: Clock,
    faults: Faults,
    changed: Callable[[], None],
) -> asyncio.DatagramTransport:
    """Answer on a bound socket until the transport is closed."""
    controller = MachineBmc(machine, clock, faults, changed)
    account = Account(user.encode(), password.encode(), controller.uuid.bytes_le)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: BmcProtocol(controller, machine.name, account, clock, faults), sock=endpoint
    )
    return transport
