"""What is wrong with the rack on purpose: pure settings, asked by whoever would misbehave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MACHINE_FAULTS = frozenset(
    {
        "bmc_silent",
        "bmc_refuses",
        "bmc_lies",
        "install_hangs",
        "install_fails",
        "old_os",
        "ssh_drops",
        "puppet_fails",
        "host_down",
    }
)
"""Faults of one machine, or of every machine where none is named."""

SERVICE_FAULTS = frozenset(
    {
        "cobbler_down",
        "puppet_ca_down",
        "api_503",
        "api_431",
        "api_slow",
        "systemvm_stuck",
        "disk_full",
        "disk_slow",
    }
)
"""Faults of a service of the whole rack."""

FAULTS_WITH_VALUE = frozenset({"api_slow", "disk_slow"})
"""Their value is a delay in seconds."""


class FaultError(ValueError):
    """A setting that makes no sense; the text says why."""


@dataclass
class Fault:
    """One setting.

    Args:
        name: one of the names above.
        machine: a machine's name; `None` for all of them, and for a service's fault.
        value: what the fault needs to know, such as seconds.
        count: how often it will still strike; `None` until it is removed.
    """

    name: str
    machine: str | None = None
    value: float = 1.0
    count: int | None = None

    def concerns(self, name: str, machine: str | None) -> bool:
        """Whether it applies to that fault of that machine."""
        return self.name == name and self.machine in (None, machine)


class Faults:
    """The faults that are set now."""

    def __init__(self, machines: frozenset[str] = frozenset()) -> None:
        """`machines`: the names a fault may be set for."""
        self._machines = machines
        self._faults: list[Fault] = []

    def set(
        self, name: str, machine: str | None = None, *, value: float | None = None, count: int | None = None
    ) -> None:
        """Set a fault; an earlier one of the same name and machine is replaced.

        Raises:
            FaultError: an unknown name or machine, a value missing, or a count below one.
        """
        if name not in MACHINE_FAULTS | SERVICE_FAULTS:
            known = ", ".join(sorted(MACHINE_FAULTS | SERVICE_FAULTS))
            raise FaultError(f"there is no fault {name!r}; there are {known}")
        if machine is not None and name in SERVICE_FAULTS:
            raise FaultError(f"{name} is a fault of the whole rack; leave the machine out")
        if machine is not None and machine not in self._machines:
            raise FaultError(f"there is no machine {machine!r}; there are {', '.join(sorted(self._machines))}")
        if name in FAULTS_WITH_VALUE and (value is None or value < 0):
            raise FaultError(f"{name} needs a value: seconds, 0 or more")
        if count is not None and count < 1:
            raise FaultError(f"{name} would never strike: its count is {count}")
        self.clear(name, machine)
        self._faults.append(Fault(name, machine, 1.0 if value is None else value, count))

    def apply(self, setting: object) -> None:
        """Set a fault as the control port and the rack file write it.

        Args:
            setting: a mapping of `fault` and, where they are needed, `machine`, `value` and `count`.

        Raises:
            FaultError: it is no such mapping, or `set` refuses it.
        """
        known = {"fault", "machine", "value", "count"}
        if not isinstance(setting, dict) or not isinstance(setting.get("fault"), str) or not setting.keys() <= known:
            raise FaultError(
                'a fault is {"fault": NAME, "machine": …, "value": …, "count": …}; only the name is needed'
            )
        machine, value, count = setting.get("machine"), setting.get("value"), setting.get("count")
        if not (machine is None or isinstance(machine, str)):
            raise FaultError("machine is a name or null")
        if not (value is None or _is_number(value)):
            raise FaultError("value is a number or null")
        if not (count is None or (_is_number(count) and count == int(count))):
            raise FaultError("count is a whole number or null")
        self.set(setting["fault"], machine, value=value, count=None if count is None else int(count))

    def clear(self, name: str | None = None, machine: str | None = None) -> None:
        """Remove all faults, all of one name, or the one of that name and machine."""
        self._faults = [
            fault
            for fault in self._faults
            if not (name in (None, fault.name) and (machine is None or machine == fault.machine))
        ]

    def active(self, name: str, machine: str | None = None) -> float | None:
        """The fault's value if it strikes now, which uses up one of its count; else `None`."""
        for fault in self._faults:
            if fault.concerns(name, machine):
                if fault.count is not None:
                    fault.count -= 1
                    if fault.count == 0:
                        self._faults.remove(fault)
                return fault.value
        return None

    def is_set(self, name: str, machine: str | None = None) -> bool:
        """Whether it would strike; uses nothing up."""
        return any(fault.concerns(name, machine) for fault in self._faults)

    def listing(self) -> list[dict[str, Any]]:
        """The settings as the control port shows them."""
        return [
            {"fault": fault.name, "machine": fault.machine, "value": fault.value, "count": fault.count}
            for fault in self._faults
        ]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
