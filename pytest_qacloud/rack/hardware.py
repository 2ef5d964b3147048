"""The rack as a management server sees it: hypervisors to log in to, and exports to mount."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from .cloudstack.hardware import HardwareError, HostFacts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .faults import Faults
    from .machine import Disk, Machine
    from .storage import Exports

AGENT_CLASSES = {
    "qacloud::kvm": ("KVM", "12"),
    "qacloud::xenserver": ("XenServer", "8.2.0"),
    "qacloud::vmware": ("VMware", "7.0"),
    "qacloud::simulator": ("Simulator", "4.22"),
}
"""Puppet classes that make a hypervisor of a machine: its type and version in CloudStack."""

CPU_NUMBER, CPU_MHZ, MEMORY_BYTES = 16, 2400, 64 << 30


class Host(Protocol):
    """A machine as far as it matters here; `node.Node` is one."""

    @property
    def machine(self) -> Machine:
        """The machine."""
        ...

    def settle(self) -> None:
        """Apply what is due."""
        ...


class RackHardware:
    """What the management server of one rack can reach.

    Args:
        hosts: by address.
        server: the storage server's address.
        login: user and password of the hypervisors.
    """

    def __init__(
        self, hosts: Mapping[str, Host], exports: Exports, server: str, login: tuple[str, str], faults: Faults
    ) -> None:
        self._hosts, self._exports, self._server, self._login = hosts, exports, server, login
        self._faults = faults

    def probe(self, address: str, username: str, password: str) -> HostFacts:
        """Log in to a hypervisor (`cloudstack.hardware.Hardware`).

        Raises:
            HardwareError: nothing answers there, the login is wrong, or it is no hypervisor.
        """
        disk = self._running(address)
        if disk is None:
            raise HardwareError(f"Unable to connect to {address}: no route to host")
        user, expected = self._login
        if username != user or not hmac.compare_digest(password.encode(), expected.encode()):
            raise HardwareError(f"Failed to authenticate with {address} as {username}")
        kind = next((AGENT_CLASSES[name] for name in disk.classes if name in AGENT_CLASSES), None)
        if kind is None:
            raise HardwareError(f"No hypervisor agent is installed on {address}")
        return HostFacts(disk.hostname, *kind, CPU_NUMBER, CPU_MHZ, MEMORY_BYTES)

    def is_running(self, address: str) -> bool:
        """Whether a hypervisor is up, and its agent answers."""
        disk = self._running(address)
        return disk is not None and any(name in AGENT_CLASSES for name in disk.classes)

    def _running(self, address: str) -> Disk | None:
        host = self._hosts.get(address)
        if host is None:
            return None
        host.settle()
        if not host.machine.running or self._faults.is_set("host_down", host.machine.name):
            return None
        return host.machine.disk

    def export_exists(self, url: str) -> bool:
        """Whether an export (`nfs://server/path`) can be mounted."""
        return self._path(url) in self._exports.paths

    def template_seeded(self, url: str) -> bool:
        """Whether an export holds a system VM template."""
        path = self._path(url)
        return path is not None and self._exports.has_template(path)

    def free_bytes(self, url: str) -> int:
        """Bytes free on an export's file system; none where there is no such export."""
        return self._exports.free_bytes() if self.export_exists(url) else 0

    def _path(self, url: str) -> str | None:
        parts = urlsplit(url)
        return parts.path.rstrip("/") if parts.scheme == "nfs" and parts.hostname == self._server else None
