"""What drivers and stores must do: the contracts that the rest of the package is written against.

A driver takes plain values from `model` and raises only `errors.DriverError` and its kin. Unless a docstring says
otherwise a call blocks, is bounded by the timeout its driver was made with, and may be made from one thread at a time;
calls on different objects may run side by side.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .model import (
        Claim,
        Endpoint,
        Lease,
        LeaseLoss,
        Machine,
        MachinePlan,
        Mark,
        SecretRef,
        SshEndpoint,
        SystemVmTemplate,
        WaitStatus,
    )


class PowerState(StrEnum):
    """A chassis's state."""

    ON = "on"
    OFF = "off"


class PowerAction(StrEnum):
    """What a chassis can be told. `CYCLE` needs one that is on."""

    ON = "on"
    OFF = "off"
    CYCLE = "cycle"


@runtime_checkable
class PowerController(Protocol):
    """One machine's BMC."""

    def power_state(self) -> PowerState:
        """The chassis's state now; also proves the credentials."""
        ...

    def power(self, action: PowerAction) -> None:
        """Tell the chassis; returns when the BMC has accepted, not when the state has changed."""
        ...

    def boot_from_network_once(self) -> None:
        """The next boot, and only that one, is from the network."""
        ...

    def close(self) -> None:
        """End the session; never raises."""
        ...


class System(NamedTuple):
    """A Cobbler system record, as far as this package sets it.

    Args:
        meta: variables for the autoinstall template (`autoinstall_meta`).
    """

    name: str
    hostname: str
    profile: str
    mac: str
    ip: str
    gateway: str
    name_servers: tuple[str, ...]
    netboot_enabled: bool
    meta: Mapping[str, str]


@runtime_checkable
class InstallServer(Protocol):
    """Cobbler. Safe to call from several threads."""

    def has_profile(self, name: str) -> bool:
        """Whether a profile of that name exists."""
        ...

    def system(self, name: str) -> System | None:
        """The record of that name, or `None`."""
        ...

    def save_system(self, system: System) -> None:
        """Make or replace the record and write the node's boot files; nobody else's files are touched."""
        ...

    def remove_system(self, name: str) -> None:
        """Remove the record; one that is not there is no error."""
        ...

    def close(self) -> None:
        """Log out; never raises."""
        ...


@runtime_checkable
class CertificateAuthority(Protocol):
    """Puppet's CA over its HTTP API. Safe to call from several threads."""

    def state(self, certname: str) -> str | None:
        """`requested`, `signed` or `revoked`; `None` where the CA knows no such name."""
        ...

    def clean(self, certname: str) -> None:
        """Revoke and delete; a name that is not there is no error."""
        ...

    def close(self) -> None:
        """Drop connections; never raises."""
        ...


class CommandResult(NamedTuple):
    """What a remote command printed and how it ended."""

    exit_status: int
    stdout: str
    stderr: str


@runtime_checkable
class Shell(Protocol):
    """One SSH server. Connects when first used and again after the connection broke."""

    def run(self, argv: Sequence[str], *, timeout_s: float) -> CommandResult:
        """Run one command; each argument is quoted, so none is read by the remote shell.

        Raises:
            UnreachableError: no answer, or the connection broke.
            HostKeyError: another host key than the expected one.
            AccessDeniedError: our key was refused.
            DeadlineError: the command did not end in `timeout_s`.
        """
        ...

    def read_file(self, path: str) -> str | None:
        """A small text file's content; `None` where there is none."""
        ...

    def write_file(self, path: str, content: bytes) -> None:
        """Write a file whole or not at all: a temporary name, then a rename. Parent folders are made."""
        ...

    def upload(self, local: str, path: str) -> None:
        """Copy a local file there, whole or not at all."""
        ...

    def close(self) -> None:
        """Drop the connection; never raises."""
        ...


@runtime_checkable
class StorageServer(Protocol):
    """The NFS server's exports."""

    def free_bytes(self, path: str) -> int:
        """Bytes free on the file system that holds the export."""
        ...

    def empty(self, path: str) -> None:
        """Delete all that an export holds, not the export itself."""
        ...

    def seed_template(self, path: str, template_file: str, template: SystemVmTemplate, hypervisor: str) -> None:
        """Lay the system VM template out on a secondary export as CloudStack expects it; a second call is harmless."""
        ...

    def close(self) -> None:
        """Drop the connection; never raises."""
        ...


@runtime_checkable
class CloudApi(Protocol):
    """CloudStack's API with one user's keys. Safe to call from several threads."""

    def call(self, command: str, **params: Any) -> Any:
        """One command; an asynchronous one is followed to its end.

        Lists are sent as CloudStack wants them (comma-separated values, or `name[i].key=value` for lists of mappings).

        Returns:
            The content of the `<command>response` wrapper; for a job, its `jobresult`; where either has one member
            that is a mapping, such as `{"virtualmachine": {…}}`, it is still wrapped.

        Raises:
            CloudApiError: refused, or the job failed.
            UnreachableError: no answer, or 503.
            DeadlineError: the job did not end in time.
        """
        ...

    def submit(self, command: str, **params: Any) -> Any:
        """As `call`, but an asynchronous command is only begun: the answer is CloudStack's first, with its `jobid`."""
        ...

    def list(self, command: str, **params: Any) -> list[dict[str, Any]]:
        """All pages of a list command, the entities only."""
        ...

    def close(self) -> None:
        """Drop connections; never raises."""
        ...


@runtime_checkable
class LeaseStore(Protocol):
    """Where leases live. Every call is one transaction; safe from several threads and processes."""

    def enqueue(self, claim: Claim) -> str:
        """Stand in line; returns the ticket."""
        ...

    def try_grant(self, ticket: str) -> Lease | WaitStatus:
        """The lease, if it is this ticket's turn and a pool is free; also shows that the waiter lives."""
        ...

    def withdraw(self, ticket: str) -> None:
        """Leave the line; a ticket that is gone is no error."""
        ...

    def renew(self, lease: Lease) -> Lease:
        """Push `expires_at` to now + ttl; the lease's `ttl_s` and `detached` are taken over.

        Raises:
            LeaseLostError: it expired, was revoked, or a later epoch exists.
        """
        ...

    def verify(self, lease: Lease) -> None:
        """Look whether it is held, and change nothing.

        Raises:
            LeaseLostError: it expired, was revoked, or a later epoch exists.
        """
        ...

    def release(self, lease: Lease) -> None:
        """Give it back; one that is gone is no error."""
        ...

    def revoke(self, pool: str) -> Lease | None:
        """Take a pool from whoever holds it; the lease taken, with an empty token."""
        ...

    def leases(self) -> list[Lease]:
        """All live leases, with empty tokens."""
        ...

    def marks(self, pool: str) -> list[Mark]:
        """The pool's machines that failed last time they were used."""
        ...

    def mark(self, mark: Mark) -> None:
        """Mark a machine."""
        ...

    def unmark(self, pool: str, machine: str) -> None:
        """Wipe a mark; none there is no error."""
        ...


@runtime_checkable
class LeaseGuard(Protocol):
    """A held lease, as steps see it."""

    @property
    def lease(self) -> Lease:
        """The lease as last renewed."""
        ...

    @property
    def loss(self) -> LeaseLoss | None:
        """Why it is lost; `None` while it is held."""
        ...

    def check(self) -> None:
        """Called right before every action.

        Raises:
            LeaseLostError: the lease is lost.
        """
        ...


class KeyPair(Protocol):
    """An SSH key pair."""

    @property
    def private(self) -> str:
        """The private key, in OpenSSH's format."""
        ...

    @property
    def public(self) -> str:
        """The public key, `ssh-ed25519 AAAA…`."""
        ...


@runtime_checkable
class Services(Protocol):
    """All that reaches one pool's machines and services.

    Each is made when first asked for and kept, so asking again is cheap; this object may be used from several
    threads, what it returns only as its own contract says. A secret is read when it is first needed, which raises
    `ConfigError` where it cannot be read.
    """

    def bmc(self, machine: Machine) -> PowerController:
        """The machine's BMC."""
        ...

    def install_server(self) -> InstallServer:
        """The pool's Cobbler."""
        ...

    def certificate_authority(self) -> CertificateAuthority:
        """The pool's Puppet CA."""
        ...

    def storage(self) -> StorageServer:
        """The pool's NFS server."""
        ...

    def shell(self, endpoint: SshEndpoint) -> Shell:
        """An SSH server that is reached directly: the bastion, the storage server."""
        ...

    def machine_shell(self, plan: MachinePlan) -> Shell:
        """A machine's new system, through the bastion where there is one; shows only the planned host key."""
        ...

    def host_key_pair(self, seed: bytes) -> KeyPair:
        """The SSH host key that a plan's seed stands for."""
        ...

    def authorized_key(self) -> str:
        """The public key line that may log in on the machines."""
        ...

    def admin_endpoint(self, host: str) -> Endpoint:
        """The API of the management server on `host`, with the root administrator's keys; asks it each time."""
        ...

    def cloud_api(self, endpoint: Endpoint) -> CloudApi:
        """CloudStack's API with an endpoint's keys."""
        ...

    def host_password(self) -> str:
        """The password CloudStack logs in to hypervisors with."""
        ...

    def secret(self, ref: SecretRef) -> str:
        """Any other secret of the pool, such as vCenter's password."""
        ...

    def close(self) -> None:
        """Close all that was made; never raises."""
        ...
