"""The two clocks a lease is judged by."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Protocol

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class LeaseClock(Protocol):
    """Time of day, which people set, and time since boot, which nobody can."""

    def wall(self) -> float:
        """UNIX time, seconds; may be set forward or back at any moment."""
        ...

    def steady(self) -> float:
        """Seconds since boot, those the machine slept included; never set, and not comparable between boots."""
        ...


class SystemLeaseClock:
    """The machine's clocks."""

    def wall(self) -> float:
        """Seconds of `time.time`."""
        return time.time()

    def steady(self) -> float:
        """`CLOCK_BOOTTIME`, as `CLOCK_MONOTONIC` stands still while a laptop sleeps (clock_gettime(2)).

        Where there is none (macOS), `time.monotonic`: a machine put to sleep there may not see its lease run out.
        """
        if hasattr(time, "CLOCK_BOOTTIME"):
            return time.clock_gettime(time.CLOCK_BOOTTIME)
        return time.monotonic()


SYSTEM_LEASE_CLOCK = SystemLeaseClock()


def host_id() -> str:
    """Names this host in this boot; empty where the kernel does not tell boots apart.

    The host name is part of it because containers share their kernel's boot id. Two hosts with the same id would
    trust each other's steady clock; no lock file is shared between them, so neither would think the other's owner dead.
    """
    try:
        return f"{socket.gethostname()}/{BOOT_ID.read_text(encoding='ascii').strip()}"
    except OSError:
        return ""
