"""A plan for a zone, and the zone it becomes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .machine import Machine, Role
    from .pool import Pool, SystemVmTemplate


@dataclass(frozen=True, slots=True)
class Build:
    """A commit, and what can be installed from it.

    Args:
        name: how the user called it: a commit, branch, tag, or `release`.
        commit: full commit id; `None` where no repository of the sources is known.
        repository: URL of the package repository it is installed from; `None` for a pool whose images bring one.
        system_vm_template: of this build; `None` takes the pool's.
    """

    name: str
    commit: str | None = None
    repository: str | None = None
    system_vm_template: SystemVmTemplate | None = None


@dataclass(frozen=True, slots=True)
class MachinePlan:
    """What one machine becomes.

    Args:
        machine: the machine.
        role: the role it plays here (a spare plays another's).
        hostname: fully qualified; also the Puppet certname.
        profile: Cobbler profile.
        autoinstall_meta: Cobbler's variables for its autoinstall; all values are text without spaces.
        marker_path: file that the autoinstall writes.
        marker: what it must hold for the machine to count as installed.
        classes: Puppet classes with their parameters.
        host_key_seed: 32 bytes from which its SSH host key of this epoch is made.
    """

    machine: Machine
    role: Role
    hostname: str
    profile: str
    autoinstall_meta: Mapping[str, str] = field(repr=False)
    marker_path: str
    marker: str
    classes: Mapping[str, Mapping[str, Any]]
    environment: str
    host_key_seed: bytes = field(repr=False)

    @property
    def name(self) -> str:
        """The machine's name."""
        return self.machine.name


@dataclass(frozen=True, slots=True)
class ZonePlan:
    """Every name, address, profile and file of a zone, before anything is touched.

    Args:
        pool, build: what it is made of.
        epoch: the lease's.
        machines: those in use, management first.
        idle: machines of the pool that this zone leaves switched off.
        system_vm_template: what the secondary storage is seeded with.
        marvin_config: Marvin's configuration, without endpoint and keys; passwords are the secret references' text
            until the zone is deployed.
    """

    pool: Pool
    build: Build
    epoch: int
    zone_name: str
    machines: tuple[MachinePlan, ...]
    idle: tuple[Machine, ...]
    system_vm_template: SystemVmTemplate
    marvin_config: Mapping[str, Any]

    @property
    def management(self) -> MachinePlan:
        """The machine that runs the management server."""
        return self.machines[0]

    def machine(self, name: str) -> MachinePlan:
        """The plan of the machine of that name; `KeyError` where there is none."""
        for plan in self.machines:
            if plan.name == name:
                return plan
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """CloudStack's API and the keys to it.

    Args:
        url: such as `http://10.1.0.10:8080/client/api`.
        api_key, secret_key: of the root administrator.
        ca_file: PEM file to verify an HTTPS endpoint with.
    """

    url: str
    api_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class Zone:
    """A plan made real; valid while its lease is.

    Args:
        id: CloudStack's id of the zone.
        machines: their names, management first.
        hosts: how many hypervisors it has.
        further: id and number of hypervisors of each other zone that was made with it.
        marvin_config: complete: with endpoint and keys, as Marvin reads it.
    """

    pool: str
    epoch: int
    id: str
    name: str
    hypervisor: str
    endpoint: Endpoint
    machines: tuple[str, ...]
    hosts: int
    build: Build
    marvin_config: Mapping[str, Any] = field(repr=False)
    job_poll_s: float = 2.0
    further: tuple[tuple[str, int], ...] = ()
