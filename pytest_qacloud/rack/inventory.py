"""Which machines a rack has: names, roles and addresses."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

FIRST_MACHINE = 10
"""Machines begin at this address of the management network."""
SPARES_FROM = 4
"""A rack of that many machines keeps its last as a spare."""


@dataclass(frozen=True)
class Slot:
    """One machine's place."""

    name: str
    role: str
    mac: str
    ip: str


@dataclass(frozen=True)
class Inventory:
    """All machines and the networks they are on.

    Args:
        management: network of the machines; a part of 127.0.0.0/8, so every address answers on this host.
        system_vms: first and last of the addresses for system VMs.
    """

    slots: tuple[Slot, ...]
    management: IPv4Network
    gateway: IPv4Address
    system_vms: tuple[IPv4Address, IPv4Address]

    @property
    def machine_range(self) -> str:
        """`first-last` of the addresses that machines may have."""
        return f"{self.management[FIRST_MACHINE]}-{self.system_vms[0] - 1}"


def make_inventory(machines: int) -> Inventory:
    """Lay out a rack in a part of 127.0.0.0/8 that is picked at random, so that two racks rarely share addresses.

    Args:
        machines: how many, 1 to 4000.

    Raises:
        ValueError: too few or too many.
    """
    if not 1 <= machines <= 4000:
        raise ValueError(f"a rack has 1 to 4000 machines, not {machines}")
    prefix = 24 if machines <= 150 else 20
    block = IPv4Network(
        (0x7F000000 | (16 + secrets.randbelow(224)) << 16 | secrets.randbelow(256) << 8, prefix), strict=False
    )
    vendor = secrets.token_bytes(2).hex(":")
    slots = []
    for number in range(1, machines + 1):
        if number == 1:
            role = "management"
        elif number == machines and machines >= SPARES_FROM:
            role = "spare"
        else:
            role = "hypervisor"
        mac = f"52:54:{vendor}:{number.to_bytes(2, 'big').hex(':')}"
        slots.append(Slot(f"node{number}", role, mac, str(block[FIRST_MACHINE + number - 1])))
    return Inventory(tuple(slots), block, block[1], (block[-55], block[-6]))
