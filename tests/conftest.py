from __future__ import annotations

import base64
from typing import TYPE_CHECKING, NamedTuple

import pytest
from rackclient import Rack

from pytest_qacloud.drivers.cobbler import CobblerServer
from pytest_qacloud.drivers.ipmi import IpmiBmc
from pytest_qacloud.drivers.ssh import host_key_pair, public_key
from pytest_qacloud.model import Machine, Pool, SshEndpoint
from pytest_qacloud.ports import PowerAction, System

if TYPE_CHECKING:
    from collections.abc import Iterator


class Installed(NamedTuple):
    """A machine of the rack with a system on it."""

    machine: Machine
    hostname: str
    endpoint: SshEndpoint
    marker: str


MARKER_PATH = "/etc/qacloud-epoch"


@pytest.fixture(scope="session")
def shared_rack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rack]:
    """One rack for all tests of this process; use `rack`, which leaves it without faults."""
    with Rack.start(tmp_path_factory.mktemp("rack") / "sim") as rack:
        yield rack


@pytest.fixture
def rack(shared_rack: Rack) -> Iterator[Rack]:
    """The shared rack without faults; what its machines and services hold is what tests before left there."""
    shared_rack.clear_faults()
    yield shared_rack
    shared_rack.clear_faults()


@pytest.fixture(scope="session")
def rack_pool(shared_rack: Rack) -> Pool:
    """The shared rack's pool file, read."""
    return shared_rack.pool()


@pytest.fixture(scope="session")
def installed(shared_rack: Rack, rack_pool: Pool) -> Installed:
    """`node3` of the shared rack with a new system that runs; tests must leave it so."""
    return install(shared_rack, rack_pool, "node3", epoch=7)


def install(rack: Rack, pool: Pool, name: str, epoch: int) -> Installed:
    """Put a new system on a machine, with the drivers, and wait until it runs."""
    machine, hostname = pool.machine(name), f"{name}.{pool.network.domain}"
    key, marker = host_key_pair(epoch.to_bytes(32, "big")), f"marker-{epoch}"
    meta = {
        "qacloud_epoch": str(epoch),
        "qacloud_marker": marker,
        "qacloud_marker_path": MARKER_PATH,
        "qacloud_host_key": base64.b64encode(key.private.encode()).decode(),
        "qacloud_authorized_key": base64.b64encode(public_key(pool.ssh.key.read()).encode()).decode(),
        "qacloud_puppet_server": pool.puppet.server,
    }
    system = System(
        name=name,
        hostname=hostname,
        profile=next(iter(pool.cobbler.profiles.values())),
        mac=machine.mac,
        ip=str(machine.ip),
        gateway=str(pool.network.management.gateway),
        name_servers=tuple(map(str, pool.network.dns)),
        netboot_enabled=True,
        meta=meta,
    )
    cobbler = CobblerServer(pool.cobbler, pool.cobbler.password.read())
    bmc = IpmiBmc(machine.bmc, machine.bmc.password.read())
    try:
        cobbler.save_system(system)
        bmc.power(PowerAction.OFF)
        bmc.boot_from_network_once()
        bmc.power(PowerAction.ON)
    finally:
        bmc.close()
        cobbler.close()
    rack.wait_for(name, lambda state: state["state"] == "running" and state["epoch"] == epoch)
    return Installed(
        machine, hostname, SshEndpoint(str(machine.ip), machine.ssh_port, pool.ssh.user, key.public), marker
    )
