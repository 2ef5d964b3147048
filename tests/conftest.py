from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rackclient import Installed, Rack, install

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_qacloud.model import Pool


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
