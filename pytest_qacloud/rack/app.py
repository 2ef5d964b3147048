"""START HERE: the rack as a whole. The only place that wires.

Sockets are bound, the pool file is written and the ready line printed before the servers' libraries are imported: the
kernel keeps the connections and datagrams of clients that are faster, so they wait a moment and miss nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import secrets
import signal
import sys
from typing import TYPE_CHECKING

from . import keys, poolfile, sockets
from .authority import Authority
from .clock import SystemClock
from .events import EventLog
from .faults import Faults
from .inventory import make_inventory
from .settings import SettingsError
from .template import make_template

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable

    from .inventory import Inventory
    from .settings import Settings
    from .template import Template


class Rack:
    """All that a rack is made of, from its sockets up."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock, self.events = SystemClock(), EventLog()
        self.inventory: Inventory = make_inventory(settings.machines)
        self.faults = Faults(frozenset(slot.name for slot in self.inventory.slots))
        for fault in settings.faults:
            self.faults.apply(fault)
        self.template: Template = make_template(settings.hypervisor)
        self.authority = Authority(sockets.LOOPBACK)
        self.passwords = {use: secrets.token_hex(8) for use in ("cobbler", "bmc", "management", "hosts", "vcenter")}
        self.ssh_key, self.storage_host_key = keys.new_ssh_key(), keys.new_ssh_key()
        self._bind()
        self._stops: list[Callable[[], Awaitable[None]]] = []

    def _bind(self) -> None:
        slots = self.inventory.slots
        self.http = sockets.listening(sockets.LOOPBACK)
        self.control = sockets.listening(sockets.LOOPBACK)
        self.puppet = sockets.listening(sockets.LOOPBACK)
        self.storage = sockets.listening(sockets.LOOPBACK)
        self.bmcs = {slot.name: sockets.datagrams(sockets.LOOPBACK) for slot in slots}
        self.ssh_ports = {slot.name: sockets.ReservedPort(slot.ip) for slot in slots}
        held = sockets.same_port([slot.ip for slot in slots])
        self.management_ports = {slot.name: port for slot, port in zip(slots, held, strict=True)}

    def write_pool_file(self) -> str:
        """Write the pool file and its secrets; returns its path."""
        directory = self.settings.dir.resolve()
        kept = poolfile.Secrets(directory / "secrets")
        for folder in ("puppet", "enc"):
            (directory / folder).mkdir(exist_ok=True)
        ca, certificate = directory / "puppet" / "ca.pem", directory / "puppet" / "admin.pem"
        ca.write_text(keys.certificate_pem(self.authority.certificate))
        certificate.write_text(keys.certificate_pem(self.authority.admin_certificate))
        access = poolfile.Access(
            passwords={use: kept.keep(f"{use}_password", text) for use, text in self.passwords.items()},
            ssh_key=kept.keep("ssh_key", self.ssh_key),
            puppet_key=kept.keep("puppet_key.pem", keys.key_pem(self.authority.admin_key)),
            puppet_certificate=certificate,
            puppet_ca=ca,
            storage_host_key=keys.ssh_public_key(self.storage_host_key),
        )
        ports = poolfile.Ports(
            address=sockets.LOOPBACK,
            http=_port(self.http),
            puppet=_port(self.puppet),
            storage=_port(self.storage),
            management=next(iter(self.management_ports.values())).port,
            bmc={name: _port(endpoint) for name, endpoint in self.bmcs.items()},
            ssh={name: port.port for name, port in self.ssh_ports.items()},
        )
        settings = self.settings
        text = poolfile.render(
            settings.name,
            settings.hypervisor,
            settings.install_time_s,
            self.inventory,
            ports,
            access,
            self.template,
            directory,
        )
        path = directory / "pool.toml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    async def start(self) -> None:
        """Start every server; each is stopped by `stop`, the last one first."""
        from . import services

        await services.start(self, self._stops)

    async def stop(self) -> None:
        """Stop what was started."""
        for stop in reversed(self._stops):
            await stop()

    def ready_line(self, pool_file: str) -> str:
        """What is printed when clients may come."""
        control = f"http://{sockets.LOOPBACK}:{_port(self.control)}"
        return json.dumps({"pool_file": pool_file, "control": control, "pid": os.getpid()})


async def run(settings: Settings) -> None:
    """Run a rack until it is told to end.

    Raises:
        FaultError: a fault in the rack file is wrong.
        SettingsError: the folder cannot be written to.
    """
    _allow_many_files()
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    rack = Rack(settings)
    try:
        settings.dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings.dir.chmod(0o700)
        pool_file = rack.write_pool_file()
    except OSError as error:
        raise SettingsError(f"cannot write to {error.filename or settings.dir}: {error.strerror}") from error
    sys.stdout.write(rack.ready_line(pool_file) + "\n")
    sys.stdout.flush()
    try:
        await rack.start()
        if settings.parent_pipe:
            _when_input_ends(ended.set)
        await ended.wait()
    finally:
        await rack.stop()


def _allow_many_files() -> None:
    """A machine takes three sockets and each client one more; raise the soft limit as far as we may."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _when_input_ends(then: Callable[[], None]) -> None:
    loop, descriptor = asyncio.get_running_loop(), sys.stdin.fileno()

    def read() -> None:
        if not os.read(descriptor, 4096):
            loop.remove_reader(descriptor)
            then()

    try:
        loop.add_reader(descriptor, read)
    except PermissionError as error:
        raise SettingsError("--parent-pipe needs a pipe as standard input, not a file") from error


def _port(endpoint: socket.socket) -> int:
    return int(endpoint.getsockname()[1])
