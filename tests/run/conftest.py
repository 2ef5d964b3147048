from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rackclient import Rack

from pytest_qacloud.launcher import classifier_argv
from pytest_qacloud.leasing import SqlLeaseStore

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def run_rack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rack]:
    """A rack whose Puppet asks this package's node classifier, for whole runs one after the other."""
    folder = tmp_path_factory.mktemp("runs") / "sim"
    with Rack.start(folder, node_classifier=classifier_argv(folder)) as rack:
        yield rack


@pytest.fixture
def idle_rack(run_rack: Rack) -> Iterator[Rack]:
    """That rack without faults or marks; whatever else the test before left there is the next run's to clean."""
    run_rack.clear_faults()
    store = SqlLeaseStore(run_rack.pool().lease.store)
    for mark in store.marks("sim"):
        store.unmark("sim", mark.machine)
    yield run_rack
    run_rack.clear_faults()
