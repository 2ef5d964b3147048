"""The tables of a pool file, key for key; each builds the model's value of the same fields.

Defaults are the model's: a key that is not in the file is not handed on, so that a default stands in one place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, create_model

from .. import model
from ..model import Hypervisor, Role
from .fields import (
    Address,
    Addresses,
    Checksum,
    Cidr,
    CipherSuite,
    Domain,
    DownloadUrl,
    ExportPath,
    Host,
    HostKey,
    HttpUrl,
    HypervisorName,
    Label,
    LocalFile,
    Mac,
    PoolName,
    Port,
    RoleName,
    Seconds,
    Secret,
    Store,
    Tag,
    Tags,
    Text,
    Vlan,
    Vlans,
)


@dataclass(frozen=True, slots=True)
class SimulatedPool:
    """A pool that does not exist yet: the simulated rack makes it, and writes its pool file, when it is started.

    Args:
        machines: how many, the spare included.
        install_time_s: seconds a simulated machine takes to install.
        path: the file it came from, for messages.
    """

    name: str
    machines: int = 4
    hypervisor: Hypervisor = Hypervisor.KVM
    install_time_s: float = 0.3
    description: str = ""
    tags: frozenset[str] = frozenset()
    path: str = ""


class Table(BaseModel):
    """A table of the file; `builds` makes the model's value from the keys that are there."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    builds: ClassVar[Callable[..., Any]]

    def as_model(self) -> Any:
        """The model's value."""
        given = [name for name in type(self).model_fields if name in self.model_fields_set]
        return type(self).builds(**{name: built(getattr(self, name)) for name in given})


def built(value: Any) -> Any:
    """A value of a table as the model has it: tables built, lists as tuples."""
    if isinstance(value, Table):
        return value.as_model()
    if isinstance(value, list):
        return tuple(built(item) for item in value)
    return value


class ManagementNetworkTable(Table):
    """[network.management]."""

    builds = model.ManagementNetwork
    cidr: Cidr
    gateway: Address
    machines: Addresses
    system_vms: Addresses
    vlan: Vlan | None = None


class PublicNetworkTable(Table):
    """[network.public]."""

    builds = model.PublicNetwork
    cidr: Cidr
    gateway: Address
    addresses: Addresses
    vlan: Vlan | None = None


class GuestNetworkTable(Table):
    """[network.guest]."""

    builds = model.GuestNetwork
    cidr: Cidr
    vlans: Vlans


class StorageNetworkTable(Table):
    """[network.storage]."""

    builds = model.StorageNetwork
    cidr: Cidr
    gateway: Address
    addresses: Addresses
    vlan: Vlan | None = None


class NetworkTable(Table):
    """[network]."""

    builds = model.Network
    domain: Domain
    dns: Annotated[list[Address], Field(min_length=1)]
    management: ManagementNetworkTable
    public: PublicNetworkTable
    guest: GuestNetworkTable
    storage: StorageNetworkTable | None = None
    proxy: HttpUrl | None = None


class ProfilesTable(Table):
    """[cobbler.profiles]; a spare takes the profile of the role it plays."""

    @staticmethod
    def builds(**profiles: str) -> dict[Role, str]:
        """Profiles by role."""
        return {Role(role): profile for role, profile in profiles.items()}

    management: Text | None = None
    hypervisor: Text | None = None
    storage: Text | None = None


class CobblerTable(Table):
    """[cobbler]."""

    builds = model.CobblerService
    url: HttpUrl
    user: Text
    password: Secret
    profiles: ProfilesTable
    ca_file: LocalFile | None = None


class PuppetTable(Table):
    """[puppet]."""

    builds = model.PuppetService
    server: Host
    ca_file: LocalFile
    cert: LocalFile
    key: Secret
    ca_port: Port | None = None
    environment: Text | None = None
    enc_dir: LocalFile | None = None


class SshEndpointTable(Table):
    """[ssh.bastion] and [storage.shell]; SSH's port where the file does not say."""

    builds = partial(model.SshEndpoint, port=22)
    host: Host
    user: Text
    host_key: HostKey
    port: Port | None = None


class SshTable(Table):
    """[ssh]."""

    builds = model.SshService
    user: Text
    key: Secret
    bastion: SshEndpointTable | None = None


class ManagementTable(Table):
    """[management]."""

    builds = model.ManagementService
    user: Text
    password: Secret
    port: Port | None = None
    tls: bool | None = None
    ca_file: LocalFile | None = None


class HostsTable(Table):
    """[hosts]."""

    builds = model.HostLogin
    user: Text
    password: Secret


class VmwareTable(Table):
    """[vmware]."""

    builds = model.VmwareService
    vcenter: Host
    datacenter: Text
    cluster: Text
    user: Text
    password: Secret


class ExportTable(Table):
    """An export of [storage]."""

    builds = model.Export
    name: Tag
    path: ExportPath


class TemplateTable(Table):
    """[storage.system_vm_template]."""

    builds = model.SystemVmTemplate
    url: DownloadUrl
    checksum: Checksum


class StorageTable(Table):
    """[storage]."""

    builds = model.StorageService
    server: Host
    primary: Annotated[list[ExportTable], Field(min_length=1)]
    secondary: ExportTable
    system_vm_template: TemplateTable
    shell: SshEndpointTable
    min_free_gib: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class LeaseTable(Table):
    """[lease]."""

    builds = model.LeaseSettings
    store: Store | None = None
    ttl_s: Seconds | None = None


class BmcTable(Table):
    """[machines.bmc]; IPMI's port where the file does not say."""

    builds = partial(model.Bmc, port=623)
    address: Host
    user: Text
    password: Secret
    port: Port | None = None
    cipher_suite: CipherSuite | None = None


class MachineTable(Table):
    """[[machines]]."""

    builds = model.Machine
    name: Label
    role: RoleName
    mac: Mac
    ip: Address
    bmc: BmcTable
    profile: Text | None = None
    ssh_port: Port | None = None


def _seconds(settings: type[model.Timeouts | model.PollIntervals]) -> Any:
    """A table whose keys are all optional seconds, one for each field of `settings`."""
    keys: dict[str, Any] = {field.name: (Seconds | None, None) for field in fields(settings)}
    table = create_model(f"{settings.__name__}Table", __base__=Table, **keys)
    table.builds = settings
    return table


TimeoutsTable = _seconds(model.Timeouts)
PollTable = _seconds(model.PollIntervals)


class PoolTable(Table):
    """A whole pool file."""

    builds = model.Pool
    name: PoolName
    hypervisor: HypervisorName
    network: NetworkTable
    cobbler: CobblerTable
    puppet: PuppetTable
    ssh: SshTable
    management: ManagementTable
    hosts: HostsTable
    storage: StorageTable
    machines: Annotated[list[MachineTable], Field(min_length=1)]
    description: str = ""
    tags: Tags = frozenset()
    vmware: VmwareTable | None = None
    lease: LeaseTable | None = None
    timeouts: TimeoutsTable | None = None  # type: ignore[valid-type]  # its keys are the model's fields
    poll: PollTable | None = None  # type: ignore[valid-type]  # as above


class SimulatedTable(Table):
    """[simulated]."""

    builds = dict
    machines: Annotated[int, Field(ge=2)] | None = None
    hypervisor: HypervisorName | None = None
    install_time_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class SimulatedPoolTable(Table):
    """A whole pool file of a simulated pool."""

    @staticmethod
    def builds(simulated: dict[str, Any], **about: Any) -> SimulatedPool:
        """The simulated pool."""
        return SimulatedPool(**about, **simulated)

    name: PoolName
    simulated: SimulatedTable
    description: str = ""
    tags: Tags = frozenset()
