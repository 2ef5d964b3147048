"""One host as inventoried: inert data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipaddress import IPv4Address

    from .secret import SecretRef


class Role(StrEnum):
    """What a machine is for."""

    MANAGEMENT = "management"
    HYPERVISOR = "hypervisor"
    STORAGE = "storage"
    SPARE = "spare"
    """Takes the place of a machine that fails, whatever that one's role."""


@dataclass(frozen=True, slots=True)
class Bmc:
    """A baseboard management controller.

    Args:
        address: host name or IPv4 address.
        port: UDP port of IPMI, 623 by default.
        user: IPMI user name.
        password: where its password is kept.
        cipher_suite: RMCP+ cipher suite to ask for: 3 (HMAC-SHA1) or 17 (HMAC-SHA256).
    """

    address: str
    port: int
    user: str
    password: SecretRef
    cipher_suite: int = 3


@dataclass(frozen=True, slots=True)
class Machine:
    """One bare-metal host.

    Args:
        name: short name, unique in its pool; also its host name in the pool's domain.
        role: what it is for.
        mac: MAC of the interface that boots, lower case with colons.
        ip: its address on the management network.
        bmc: its controller.
        profile: Cobbler profile; `None` takes the pool's default for the role it plays.
        ssh_port: TCP port of its SSH server once installed.
    """

    name: str
    role: Role
    mac: str
    ip: IPv4Address
    bmc: Bmc
    profile: str | None = None
    ssh_port: int = 22
