"""A pool: named machines, the services that reach them, and their network. Inert data."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from ipaddress import IPv4Address, IPv4Network

    from .machine import Machine, Role
    from .secret import SecretRef


class Hypervisor(StrEnum):
    """What runs the VMs."""

    KVM = "kvm"
    XENSERVER = "xenserver"
    VMWARE = "vmware"
    SIMULATOR = "simulator"

    @property
    def api_name(self) -> str:
        """Its name in CloudStack's API."""
        return {"kvm": "KVM", "xenserver": "XenServer", "vmware": "VMware", "simulator": "Simulator"}[self.value]


@dataclass(frozen=True, slots=True)
class AddressRange:
    """IPv4 addresses from `first` to `last`, both included."""

    first: IPv4Address
    last: IPv4Address

    def __contains__(self, address: IPv4Address) -> bool:
        """Whether `address` lies in it."""
        return self.first <= address <= self.last

    def overlaps(self, other: AddressRange) -> bool:
        """Whether the two share an address."""
        return self.first <= other.last and other.first <= self.last

    def __str__(self) -> str:
        """`first-last`."""
        return f"{self.first}-{self.last}"


@dataclass(frozen=True, slots=True)
class VlanRange:
    """VLAN ids from `first` to `last`, both included."""

    first: int
    last: int

    def __str__(self) -> str:
        """`first-last`, as CloudStack writes it."""
        return f"{self.first}-{self.last}"


@dataclass(frozen=True, slots=True)
class ManagementNetwork:
    """The network the machines boot on, which is also the pod's.

    Args:
        cidr: the whole network.
        gateway: its router.
        machines: the addresses that machines may have.
        system_vms: the pod's reserved addresses, which CloudStack gives to its system VMs.
        vlan: its VLAN id; `None` where it is untagged.
    """

    cidr: IPv4Network
    gateway: IPv4Address
    machines: AddressRange
    system_vms: AddressRange
    vlan: int | None = None


@dataclass(frozen=True, slots=True)
class PublicNetwork:
    """The network of public addresses that CloudStack hands out."""

    cidr: IPv4Network
    gateway: IPv4Address
    addresses: AddressRange
    vlan: int | None = None


@dataclass(frozen=True, slots=True)
class GuestNetwork:
    """What isolated guest networks are made from: a CIDR for each, and VLANs to tell them apart."""

    cidr: IPv4Network
    vlans: VlanRange


@dataclass(frozen=True, slots=True)
class StorageNetwork:
    """A network of its own for storage traffic."""

    cidr: IPv4Network
    gateway: IPv4Address
    addresses: AddressRange
    vlan: int | None = None


@dataclass(frozen=True, slots=True)
class Network:
    """Everything about a pool's network.

    Args:
        domain: DNS domain of the machines.
        dns: resolvers, the first for preference.
        proxy: URL of the HTTP proxy that is the only way out; `None` where there is none.
        storage: `None` where storage traffic goes over the management network.
    """

    domain: str
    dns: tuple[IPv4Address, ...]
    management: ManagementNetwork
    public: PublicNetwork
    guest: GuestNetwork
    storage: StorageNetwork | None = None
    proxy: str | None = None


@dataclass(frozen=True, slots=True)
class CobblerService:
    """Cobbler's XML-RPC endpoint.

    Args:
        url: such as `https://appliance/cobbler_api`.
        profiles: default profile of each role.
        ca_file: PEM file to verify its certificate with; `None` takes the system's.
    """

    url: str
    user: str
    password: SecretRef
    profiles: Mapping[Role, str]
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class PuppetService:
    """Puppet's server and its CA's HTTP API.

    Args:
        server: host name as the agents know it.
        ca_port: TCP port, 8140 by default.
        environment: Puppet environment of the agents.
        ca_file, cert, key: PEM files: the CA's certificate, and a client certificate allowed to clean certificates.
        enc_dir: folder the external node classifier (`qacloud puppet-enc`) reads; `None` takes the state folder.
    """

    server: str
    ca_file: str
    cert: str
    key: SecretRef
    ca_port: int = 8140
    environment: str = "production"
    enc_dir: str | None = None


@dataclass(frozen=True, slots=True)
class SshEndpoint:
    """An SSH server whose host key is known beforehand.

    Args:
        host_key: its public key, `ssh-ed25519 AAAA…`.
    """

    host: str
    port: int
    user: str
    host_key: str


@dataclass(frozen=True, slots=True)
class SshService:
    """How machines are reached once they are installed.

    Args:
        user: login on the machines.
        key: private key, in OpenSSH's format.
        bastion: a host to jump through; `None` where the machines are reached directly.
    """

    user: str
    key: SecretRef
    bastion: SshEndpoint | None = None


@dataclass(frozen=True, slots=True)
class ManagementService:
    """CloudStack's API on the management machine.

    Args:
        port: TCP port.
        tls: whether it is HTTPS.
        user: the root administrator.
        password: the administrator's password on a fresh installation.
        ca_file: PEM file to verify its certificate with, where `tls`.
    """

    user: str
    password: SecretRef
    port: int = 8080
    tls: bool = False
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class HostLogin:
    """The login that CloudStack uses on hypervisors when they are added."""

    user: str
    password: SecretRef


@dataclass(frozen=True, slots=True)
class VmwareService:
    """vCenter, for pools of VMware hosts."""

    vcenter: str
    datacenter: str
    cluster: str
    user: str
    password: SecretRef


@dataclass(frozen=True, slots=True)
class Export:
    """One NFS export: a name for CloudStack, and the path on the server."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class SystemVmTemplate:
    """The template CloudStack's own VMs are made from.

    Args:
        url: where it is downloaded from (`https`, `http` or `file`).
        checksum: `sha256:<hex>` or `sha512:<hex>` of the file.
    """

    url: str
    checksum: str


@dataclass(frozen=True, slots=True)
class StorageService:
    """The NFS server of the zone.

    Args:
        server: host name or address the hypervisors mount from.
        primary: one export or more.
        secondary: the export for templates, ISOs and snapshots.
        system_vm_template: what the secondary is seeded with.
        shell: how this program reaches the server's files.
        min_free_gib: what must be free on every export before anything starts.
    """

    server: str
    primary: tuple[Export, ...]
    secondary: Export
    system_vm_template: SystemVmTemplate
    shell: SshEndpoint
    min_free_gib: float = 10.0


@dataclass(frozen=True, slots=True)
class LeaseSettings:
    """Where leases on this pool are kept, and how long one lives without a heartbeat.

    Args:
        store: SQLAlchemy URL; `None` takes SQLite in the user's state folder.
        ttl_s: seconds.
    """

    store: str | None = None
    ttl_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Longest time of each step, seconds."""

    preflight_s: float = 60.0
    storage_s: float = 600.0
    cobbler_s: float = 60.0
    puppet_s: float = 60.0
    ipmi_s: float = 120.0
    installed_s: float = 2700.0
    converge_s: float = 1800.0
    management_s: float = 900.0
    zone_s: float = 1200.0
    healthy_s: float = 1800.0


@dataclass(frozen=True, slots=True)
class PollIntervals:
    """Pause between two looks at the same thing, seconds."""

    ipmi_s: float = 2.0
    installed_s: float = 10.0
    management_s: float = 5.0
    job_s: float = 2.0
    healthy_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Pool:
    """Named machines and all that is needed to make a zone of them.

    Args:
        name: unique among the pool files in use.
        path: the file it came from, for messages.
    """

    name: str
    hypervisor: Hypervisor
    network: Network
    cobbler: CobblerService
    puppet: PuppetService
    ssh: SshService
    management: ManagementService
    hosts: HostLogin
    storage: StorageService
    machines: tuple[Machine, ...]
    description: str = ""
    tags: frozenset[str] = frozenset()
    vmware: VmwareService | None = None
    lease: LeaseSettings = field(default_factory=LeaseSettings)
    timeouts: Timeouts = field(default_factory=Timeouts)
    poll: PollIntervals = field(default_factory=PollIntervals)
    path: str = ""

    def machine(self, name: str) -> Machine:
        """The machine of that name; `KeyError` where there is none."""
        for machine in self.machines:
            if machine.name == name:
                return machine
        raise KeyError(name)

    def with_role(self, role: Role) -> tuple[Machine, ...]:
        """Its machines of one role, in the file's order."""
        return tuple(machine for machine in self.machines if machine.role is role)
