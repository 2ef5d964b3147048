from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
from rackclient import Installed, Rack, install

from pytest_qacloud.deadline import Deadline, Waiting, poll
from pytest_qacloud.drivers.cloudstack import admin_endpoint
from pytest_qacloud.drivers.puppet import PuppetCa
from pytest_qacloud.drivers.ssh import SshShell
from pytest_qacloud.errors import UnreachableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_qacloud.model import Endpoint, Pool


# A test's time limit is pytest-timeout's business: a busy machine makes no example wrong.
hypothesis.settings.register_profile("qacloud", deadline=None)
hypothesis.settings.load_profile("qacloud")

CLASSIFIER = Path(__file__).parent / "helpers" / "rack_classifier.py"


@pytest.fixture(scope="session")
def shared_rack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rack]:
    """One rack for all tests of this process; use `rack`, which leaves it without faults."""
    folder = tmp_path_factory.mktemp("rack") / "sim"
    with Rack.start(folder, node_classifier=[sys.executable, "-I", "-S", str(CLASSIFIER)]) as rack:
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


@pytest.fixture(scope="session")
def cloud_endpoint(shared_rack: Rack, rack_pool: Pool) -> Endpoint:
    """The API of a management server on `node1` of the shared rack, with the root administrator's keys."""
    node = install(shared_rack, rack_pool, "node1", epoch=7)
    authority = PuppetCa(rack_pool.puppet, rack_pool.puppet.key.read())
    authority.clean(node.hostname)
    authority.close()
    shell = SshShell(node.endpoint, rack_pool.ssh.key.read())
    agent = ["puppet", "agent", "--onetime", "--no-daemonize", "--detailed-exitcodes", "--certname", node.hostname]
    result = shell.run(agent, timeout_s=30)
    shell.close()
    assert result.exit_status == 2, result
    password = rack_pool.management.password.read()

    def ask() -> Endpoint | Waiting:
        try:
            return admin_endpoint(rack_pool.management, str(node.machine.ip), password)
        except UnreachableError as error:
            return Waiting(str(error))

    return poll(ask, what="the management server", deadline=Deadline(30), interval_s=0.02)
