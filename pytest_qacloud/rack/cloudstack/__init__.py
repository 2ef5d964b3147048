"""A simulated CloudStack management server."""

from __future__ import annotations

from .hardware import Clock, Faults, Hardware, HardwareError, HostFacts
from .server import ManagementServer
from .wire import application

__all__ = ["Clock", "Faults", "Hardware", "HardwareError", "HostFacts", "ManagementServer", "application"]
