"""What a management server sees of the machines, exports and faults around it."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class HardwareError(Exception):
    """A machine or an export cannot be reached or refuses; the text becomes part of the API's reply."""


class HostFacts(NamedTuple):
    """What a hypervisor tells about itself.

    Args:
        name: its host name.
        cpu_mhz: speed of one core.
        memory_bytes: installed memory.
    """

    name: str
    hypervisor: str
    hypervisor_version: str
    cpu_number: int
    cpu_mhz: int
    memory_bytes: int


class HostWatch(Protocol):
    """Where a host's state comes from."""

    def is_running(self, address: str) -> bool:
        """Whether the hypervisor at that address runs now."""
        ...


class Hardware(HostWatch, Protocol):
    """The machines and NFS exports that the management server can reach."""

    def probe(self, address: str, username: str, password: str) -> HostFacts:
        """Log in to a hypervisor.

        Raises:
            HardwareError: no answer, wrong credentials, or no hypervisor agent on it.
        """
        ...

    def export_exists(self, url: str) -> bool:
        """Whether an NFS export (`nfs://server/path`) can be mounted."""
        ...

    def template_seeded(self, url: str) -> bool:
        """Whether a secondary export holds the system VM template."""
        ...

    def free_bytes(self, url: str) -> int:
        """Free space on an export's file system."""
        ...


class Faults(Protocol):
    """Faults set from outside."""

    def active(self, name: str, machine: str | None = None) -> float | None:
        """A fault's value (1.0 where it has none) while it is set, else `None`. Counts as one strike."""
        ...


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...
