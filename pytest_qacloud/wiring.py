"""From a pool's data to the drivers that act on it: the one place that knows which driver serves what."""

from __future__ import annotations

import base64
import threading
from typing import TYPE_CHECKING, Any

from . import drivers
from .journal import Redactor
from .model import ManagementService, ProcessPool, SshEndpoint
from .paths import state_dir

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from .model import Endpoint, Machine, MachinePlan, Pool, SecretRef
    from .ports import (
        CertificateAuthority,
        CloudApi,
        InstallServer,
        KeyPair,
        PowerController,
        Shell,
        StorageServer,
    )

LONGEST_CALL_S = 20.0
"""Seconds one call to a service may take, unless the pool gives its whole step less."""


LOOPBACK = "127.0.0.1"


class _Slot:
    """Room for one driver, with a lock of its own so that a slow constructor holds up nobody else's."""

    __slots__ = ("driver", "lock")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.driver: Any = None


class ApiDrivers:
    """What a zone needs of any kind of pool: CloudStack's API, and secrets.

    Args:
        job_poll_s: seconds between two looks at an asynchronous job.
        redact: told of every secret that is read or received, before it is used.
    """

    def __init__(self, job_poll_s: float, redact: Redactor | None = None) -> None:
        self.redact = Redactor() if redact is None else redact
        self._job_poll_s = job_poll_s
        self._lock = threading.Lock()
        self._slots: dict[Hashable, _Slot] = {}

    def cloud_api(self, endpoint: Endpoint) -> CloudApi:
        """CloudStack's API with an endpoint's keys."""
        driver: CloudApi = self._kept(
            ("cloudstack", endpoint),
            lambda: drivers.load("cloudstack")(endpoint, job_poll_s=self._job_poll_s),
        )
        return driver

    def secret(self, ref: SecretRef) -> str:
        """A secret, read now; the redactor knows it from here on.

        Raises:
            ConfigError: it cannot be read.
        """
        return self.redact.add(ref.read())

    def close(self) -> None:
        """Close all that was made, the latest first; never raises. What is asked for later is made anew."""
        with self._lock:
            slots, self._slots = list(self._slots.values()), {}
        for slot in reversed(slots):
            with slot.lock:
                if slot.driver is not None:
                    slot.driver.close()

    def _admin(self, service: ManagementService, host: str) -> Endpoint:
        from .drivers import cloudstack

        endpoint = cloudstack.admin_endpoint(service, host, self.secret(service.password))
        self.redact.add(endpoint.api_key)
        self.redact.add(endpoint.secret_key)
        return endpoint

    def _kept(self, key: Hashable, make: Callable[[], Any]) -> Any:
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
        with slot.lock:
            if slot.driver is None:
                slot.driver = make()
            return slot.driver


class ProcessDrivers(ApiDrivers):
    """The drivers of a pool of kind `process`; fulfils `ports_process.ProcessServices`.

    Args:
        check: called while git works; what it raises ends git.
    """

    def __init__(
        self, pool: ProcessPool, redact: Redactor | None = None, check: Callable[[], None] = lambda: None
    ) -> None:
        from .drivers.process import LocalPrograms
        from .gate.repo import Repository

        super().__init__(pool.poll.job_s, redact)
        login = pool.management
        self.pool = pool
        self.programs = LocalPrograms([login.password.name] if login.password.kind == "env" else [])
        self.sources = Repository(pool.process.repository, state_dir() / "repositories", check)

    def admin_endpoint(self, port: int) -> Endpoint:
        """The API of the management server on a port, with the root administrator's keys; asks it each time."""
        login = self.pool.management
        return self._admin(ManagementService(login.user, login.password, port), LOOPBACK)


def api_drivers(pool: Pool | ProcessPool, redact: Redactor) -> ApiDrivers:
    """The drivers of whichever kind of pool."""
    return ProcessDrivers(pool, redact) if isinstance(pool, ProcessPool) else Drivers(pool, redact)


class Drivers(ApiDrivers):
    """The drivers of one pool of machines; fulfils `ports.Services`.

    Args:
        pool: whose services they reach.
        redact: as `ApiDrivers`.
    """

    def __init__(self, pool: Pool, redact: Redactor | None = None) -> None:
        super().__init__(pool.poll.job_s, redact)
        self.pool = pool

    def bmc(self, machine: Machine) -> PowerController:
        """The machine's BMC."""
        driver: PowerController = self._kept(
            ("bmc", machine.name),
            lambda: drivers.load("ipmi")(
                machine.bmc, self.secret(machine.bmc.password), timeout_s=self._call_s(self.pool.timeouts.ipmi_s)
            ),
        )
        return driver

    def install_server(self) -> InstallServer:
        """The pool's Cobbler."""
        service = self.pool.cobbler
        driver: InstallServer = self._kept(
            "cobbler",
            lambda: drivers.load("cobbler")(
                service, self.secret(service.password), timeout_s=self._call_s(self.pool.timeouts.cobbler_s)
            ),
        )
        return driver

    def certificate_authority(self) -> CertificateAuthority:
        """The pool's Puppet CA."""
        service = self.pool.puppet
        driver: CertificateAuthority = self._kept(
            "puppet",
            lambda: drivers.load("puppet")(
                service, self.secret(service.key), timeout_s=self._call_s(self.pool.timeouts.puppet_s)
            ),
        )
        return driver

    def storage(self) -> StorageServer:
        """The pool's NFS server, through its shell."""
        driver: StorageServer = self._kept(
            "nfs",
            lambda: drivers.load("nfs")(self.shell(self.pool.storage.shell), timeout_s=self.pool.timeouts.storage_s),
        )
        return driver

    def shell(self, endpoint: SshEndpoint) -> Shell:
        """An SSH server that is reached directly: the bastion, the storage server."""
        return self._ssh(endpoint, None)

    def machine_shell(self, plan: MachinePlan) -> Shell:
        """A machine's new system, through the bastion where there is one; shows only the planned host key."""
        machine, public = plan.machine, self.host_key_pair(plan.host_key_seed).public
        endpoint = SshEndpoint(str(machine.ip), machine.ssh_port, self.pool.ssh.user, public)
        return self._ssh(endpoint, self.pool.ssh.bastion)

    def host_key_pair(self, seed: bytes) -> KeyPair:
        """The SSH host key that a plan's seed stands for."""
        from .drivers import ssh

        pair: KeyPair = ssh.host_key_pair(seed)
        self.redact.add(pair.private)
        self.redact.add(base64.b64encode(pair.private.encode()).decode())
        return pair

    def authorized_key(self) -> str:
        """The public key line that may log in on the machines."""
        from .drivers import ssh

        return ssh.public_key(self.secret(self.pool.ssh.key))

    def admin_endpoint(self, host: str) -> Endpoint:
        """The API of the management server on `host`, with the root administrator's keys; asks it each time."""
        return self._admin(self.pool.management, host)

    def host_password(self) -> str:
        """The password CloudStack logs in to hypervisors with."""
        return self.secret(self.pool.hosts.password)

    def _ssh(self, endpoint: SshEndpoint, bastion: SshEndpoint | None) -> Shell:
        driver: Shell = self._kept(
            ("ssh", endpoint, bastion),
            lambda: drivers.load("ssh")(
                endpoint,
                self.secret(self.pool.ssh.key),
                bastion=bastion,
                timeout_s=self._call_s(self.pool.timeouts.installed_s),
            ),
        )
        return driver

    @staticmethod
    def _call_s(step_s: float) -> float:
        return min(LONGEST_CALL_S, step_s)
