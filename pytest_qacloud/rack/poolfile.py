"""The pool file that describes the rack: ordinary TOML, with files for its secrets."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .inventory import Inventory
    from .template import Template

PRIMARY_EXPORTS = ("/export/primary1", "/export/primary2")
SECONDARY_EXPORT = "/export/secondary"
PROFILES = {"management": "debian12-management", "hypervisor": "debian12-hypervisor", "storage": "debian12-storage"}
SSH_USER = "root"
LONGEST_POLL_S = 1.0


@dataclass(frozen=True)
class Ports:
    """Where everything listens.

    Args:
        bmc, ssh: by machine.
    """

    address: str
    http: int
    puppet: int
    storage: int
    management: int
    bmc: Mapping[str, int]
    ssh: Mapping[str, int]


@dataclass(frozen=True)
class Access:
    """Files that hold secrets, and what is public about the rest.

    Args:
        passwords: files by use: `cobbler`, `bmc`, `management`, `hosts`, `vcenter`.
    """

    passwords: Mapping[str, Path]
    ssh_key: Path
    puppet_key: Path
    puppet_certificate: Path
    puppet_ca: Path
    storage_host_key: str


class Secrets:
    """A folder of secrets, each a file that only its owner may read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700, exist_ok=True)

    def keep(self, name: str, content: str) -> Path:
        """Write one; an older one of that name is replaced."""
        path = self.folder / name
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content if content.endswith("\n") else content + "\n")
        return path


def render(
    name: str,
    hypervisor: str,
    install_time_s: float,
    inventory: Inventory,
    ports: Ports,
    access: Access,
    template: Template,
    directory: Path,
) -> str:
    """The pool file's text."""
    network = inventory.management
    poll_s = min(max(install_time_s / 15, 0.02), LONGEST_POLL_S)
    first, last = inventory.system_vms
    secret = {use: {"file": str(path)} for use, path in access.passwords.items()}
    storage_shell = {
        "host": ports.address,
        "port": ports.storage,
        "user": SSH_USER,
        "host_key": access.storage_host_key,
    }
    tables: list[tuple[str, dict[str, Any]]] = [
        (
            "",
            {
                "name": name,
                "description": f"Simulated rack of {len(inventory.slots)} machines",
                "tags": ["simulated", "advanced"],
                "hypervisor": hypervisor,
            },
        ),
        ("network", {"domain": f"{name}.test", "dns": [str(inventory.gateway)]}),
        (
            "network.management",
            {
                "cidr": str(network),
                "gateway": str(inventory.gateway),
                "machines": inventory.machine_range,
                "system_vms": f"{first}-{last}",
            },
        ),
        (
            "network.public",
            {
                "cidr": "198.51.100.0/24",
                "gateway": "198.51.100.1",
                "addresses": "198.51.100.10-198.51.100.250",
                "vlan": 50,
            },
        ),
        ("network.guest", {"cidr": "10.1.1.0/24", "vlans": "200-299"}),
        (
            "cobbler",
            {
                "url": f"http://{ports.address}:{ports.http}/cobbler_api",
                "user": "cobbler",
                "password": secret["cobbler"],
            },
        ),
        ("cobbler.profiles", PROFILES),
        (
            "puppet",
            {
                "server": ports.address,
                "ca_port": ports.puppet,
                "environment": "production",
                "ca_file": str(access.puppet_ca),
                "cert": str(access.puppet_certificate),
                "key": {"file": str(access.puppet_key)},
                "enc_dir": str(directory / "enc"),
            },
        ),
        ("ssh", {"user": SSH_USER, "key": {"file": str(access.ssh_key)}}),
        (
            "management",
            {"user": "admin", "password": secret["management"], "port": ports.management, "tls": False},
        ),
        ("hosts", {"user": "root", "password": secret["hosts"]}),
        (
            "storage",
            {
                "server": ports.address,
                "min_free_gib": 0.1,
                "primary": [{"name": path.rpartition("/")[2], "path": path} for path in PRIMARY_EXPORTS],
                "secondary": {"name": "secondary", "path": SECONDARY_EXPORT},
            },
        ),
        (
            "storage.system_vm_template",
            {
                "url": f"http://{ports.address}:{ports.http}/templates/{template.name}",
                "checksum": f"sha256:{template.sha256}",
            },
        ),
        ("storage.shell", storage_shell),
        ("lease", {"store": f"sqlite:///{directory / 'leases.db'}", "ttl_s": 30.0}),
        ("timeouts", _timeouts(install_time_s)),
        (
            "poll",
            {
                "ipmi_s": 0.02,
                "installed_s": round(poll_s, 3),
                "management_s": 0.03,
                "job_s": 0.005,
                "healthy_s": 0.05,
            },
        ),
    ]
    if hypervisor == "vmware":
        vcenter = {"vcenter": ports.address, "datacenter": "dc1", "cluster": "cluster1"}
        tables.append(("vmware", vcenter | {"user": "administrator@vsphere.local", "password": secret["vcenter"]}))
    text = "".join(_table(f"[{title}]\n" if title else "", fields) for title, fields in tables)
    for slot in inventory.slots:
        text += _table(
            "[[machines]]\n",
            {
                "name": slot.name,
                "role": slot.role,
                "mac": slot.mac,
                "ip": slot.ip,
                "ssh_port": ports.ssh[slot.name],
                "bmc": {
                    "address": ports.address,
                    "port": ports.bmc[slot.name],
                    "user": "admin",
                    "password": secret["bmc"],
                    "cipher_suite": 17,
                },
            },
        )
    return text


def _timeouts(install_time_s: float) -> dict[str, float]:
    return {
        "preflight_s": 20.0,
        "storage_s": 30.0,
        "cobbler_s": 20.0,
        "puppet_s": 20.0,
        "ipmi_s": 20.0,
        "installed_s": 10.0 + 4 * install_time_s,
        "converge_s": 60.0,
        "management_s": 30.0,
        "zone_s": 60.0,
        "healthy_s": 30.0,
    }


def _table(heading: str, fields: Mapping[str, Any]) -> str:
    return heading + "".join(f"{key} = {_value(value)}\n" for key, value in fields.items()) + "\n"


def _value(value: Any) -> str:
    """A value as TOML writes it; JSON's strings, numbers and booleans are TOML's as well."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)
