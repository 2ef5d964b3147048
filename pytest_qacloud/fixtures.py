"""Fixtures: the run's pool, lease, build, zone and API; and what Marvin suites are given before `setUpClass`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from . import marvin

if TYPE_CHECKING:
    from .model import Build, Lease, Pool, ProcessPool, Zone
    from .onzone import OnZone
    from .ports import CloudApi

NO_POOL = "this test needs a zone: run pytest with --qacloud-pool=NAME (`sim` needs no rack), or --qacloud-zone=FILE"


def _on_zone(config: pytest.Config) -> OnZone:
    found: OnZone | None = config.pluginmanager.getplugin("qacloud-zone")
    if found is None or found.zone is None:
        raise pytest.UsageError(NO_POOL)
    return found


@pytest.fixture(scope="session")
def qacloud_zone(pytestconfig: pytest.Config) -> Zone:
    """The zone under test."""
    zone = _on_zone(pytestconfig).zone
    if zone is None:
        raise pytest.UsageError(NO_POOL)
    return zone


@pytest.fixture(scope="session")
def qacloud_pool(pytestconfig: pytest.Config) -> Pool | ProcessPool:
    """The pool that is leased."""
    session = _on_zone(pytestconfig).session
    if session is None or session.pool is None:
        raise pytest.UsageError(NO_POOL)
    return session.pool


@pytest.fixture(scope="session")
def qacloud_lease(pytestconfig: pytest.Config) -> Lease:
    """The lease, as it was granted."""
    session = _on_zone(pytestconfig).session
    if session is None or session.guard is None:
        raise pytest.UsageError(NO_POOL)
    return session.guard.lease


@pytest.fixture(scope="session")
def qacloud_build(qacloud_zone: Zone) -> Build:
    """The build under test."""
    return qacloud_zone.build


@pytest.fixture(scope="session")
def qacloud_api(pytestconfig: pytest.Config) -> CloudApi:
    """CloudStack's API with the root administrator's keys."""
    api = _on_zone(pytestconfig).api
    if api is None:
        raise pytest.UsageError(NO_POOL)
    return api


@pytest.fixture(scope="class", autouse=True)
def _qacloud_suite(request: pytest.FixtureRequest) -> None:
    """Give a Marvin suite what Marvin's nose plugin would, before its `setUpClass`."""
    cls = request.cls
    if cls is not None and marvin.is_suite(cls):
        suites = _on_zone(request.config).suites
        if suites is not None:
            marvin.inject(cls, suites)
