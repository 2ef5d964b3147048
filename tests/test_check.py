from __future__ import annotations

import socket
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_qacloud.check import CheckResult, check_pool
from pytest_qacloud.errors import (
    AccessDeniedError,
    DeadlineError,
    DriverError,
    HostKeyError,
    QacloudError,
    ServiceFaultError,
    UnreachableError,
)
from pytest_qacloud.model import Machine, Role, SecretRef, VmwareService
from pytest_qacloud.wiring import Drivers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rackclient import Rack

    from pytest_qacloud.model import Pool
    from pytest_qacloud.ports import PowerController


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that is taken and refuses every connection."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield int(taken.getsockname()[1])


class Terse(Drivers):
    """Drivers of which the BMC's, as another distribution may bring one, does not say what to do."""

    error: QacloudError

    def bmc(self, machine: Machine) -> PowerController:
        raise self.error


def checked(pool: Pool, drivers: Drivers | None = None) -> list[CheckResult]:
    """What the check of a pool brings; what it tells on the way must be the same."""
    told: list[CheckResult] = []
    drivers = drivers or Drivers(pool)
    try:
        results = check_pool(pool, drivers, on_result=told.append)
    finally:
        drivers.close()
    assert sorted(map(repr, told)) == sorted(map(repr, results))
    return results


def failures(pool: Pool) -> dict[tuple[str, str], CheckResult]:
    """The results that are not well, by subject and check."""
    return {(result.subject, result.check): result for result in checked(pool) if not result.ok}


def test_a_pool_that_is_well_says_so_for_every_machine_and_service(rack: Rack, rack_pool: Pool) -> None:
    results = checked(rack_pool)
    assert [result.observed for result in results if not result.ok] == []
    assert [result.subject for result in results[:4]] == ["node1", "node2", "node3", "node4"]
    assert [result.check for result in results[4:]] == [
        *("login", "profile debian12-management", "profile debian12-hypervisor", "certificates", "login"),
        *("space on primary1", "space on primary2", "space on secondary", "management.password", "hosts.password"),
    ]
    assert "there, for node2, node3, node4" in [result.observed for result in results]


def test_nothing_is_changed(rack: Rack, rack_pool: Pool) -> None:
    before, happened = rack.state(), len(rack.events())
    checked(rack_pool)
    assert rack.state() == before
    assert len(rack.events()) == happened


def test_a_bmc_that_refuses_hides_no_other_machine(rack: Rack, rack_pool: Pool) -> None:
    rack.set_fault("bmc_refuses", "node2")
    ((which, result),) = failures(rack_pool).items()
    assert which == ("node2", "bmc")
    assert "refused the login" in result.observed
    assert "password" in result.action


def test_a_silent_bmc_is_told_within_the_pools_limit(rack: Rack, rack_pool: Pool) -> None:
    rack.set_fault("bmc_silent", "node3")
    impatient = replace(rack_pool, timeouts=replace(rack_pool.timeouts, ipmi_s=0.6))
    result = failures(impatient)["node3", "bmc"]
    assert result.action
    assert result.elapsed_s >= 0.5


def test_an_unreachable_cobbler_is_told_once(rack: Rack, rack_pool: Pool, closed_port: int) -> None:
    pool = replace(rack_pool, cobbler=replace(rack_pool.cobbler, url=f"http://127.0.0.1:{closed_port}/cobbler_api"))
    ((which, result),) = failures(pool).items()
    assert which == ("Cobbler", "login")
    assert "no answer" in result.observed


def test_a_missing_profile_is_told_with_the_machines_that_need_it(rack: Rack, rack_pool: Pool) -> None:
    profiles = {**rack_pool.cobbler.profiles, Role.HYPERVISOR: "no-such"}
    pool = replace(rack_pool, cobbler=replace(rack_pool.cobbler, profiles=profiles))
    ((which, result),) = failures(pool).items()
    assert which == ("Cobbler", "profile no-such")
    assert "node2, node3, node4" in result.observed
    assert "cobbler profile add --name=no-such" in result.action


def test_a_machines_own_profile_is_asked_for(rack: Rack, rack_pool: Pool) -> None:
    machines = tuple(replace(m, profile="own" if m.name == "node4" else None) for m in rack_pool.machines)
    ((which, result),) = failures(replace(rack_pool, machines=machines)).items()
    assert which == ("Cobbler", "profile own")
    assert "which node4 would" in result.observed


def test_a_wrong_cobbler_password_is_told(rack: Rack, rack_pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WRONG_PASSWORD", "not-the-password")
    cobbler = replace(rack_pool.cobbler, password=SecretRef("env", "WRONG_PASSWORD"))
    result = failures(replace(rack_pool, cobbler=cobbler))["Cobbler", "login"]
    assert "refused the login" in result.observed
    assert "not-the-password" not in repr(result)


def test_a_full_disk_is_told_for_each_export(rack: Rack, rack_pool: Pool) -> None:
    rack.set_fault("disk_full")
    found = failures(rack_pool)
    assert [check for _, check in found] == ["space on primary1", "space on primary2", "space on secondary"]
    assert all("min_free_gib" in result.action for result in found.values())


def test_a_puppet_ca_that_is_down_is_told(rack: Rack, rack_pool: Pool) -> None:
    rack.set_fault("puppet_ca_down")
    ((which, result),) = failures(rack_pool).items()
    assert which == ("Puppet CA", "certificates")
    assert result.action


def test_a_bastion_is_logged_in_to(rack: Rack, rack_pool: Pool, closed_port: int) -> None:
    shell = rack_pool.storage.shell
    well = replace(rack_pool, ssh=replace(rack_pool.ssh, bastion=shell))
    assert ("SSH bastion", "logged in") in [(result.subject, result.observed) for result in checked(well)]
    gone = replace(rack_pool, ssh=replace(rack_pool.ssh, bastion=replace(shell, port=closed_port)))
    assert [subject for subject, _ in failures(gone)] == ["SSH bastion"]


def test_another_host_key_stops_the_questions_to_that_server(rack: Rack, rack_pool: Pool) -> None:
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEgwsc7vK1Ck7PAUVkBEpskFvA/6fRvKqVZYV4MnzBgx"
    storage = replace(rack_pool.storage, shell=replace(rack_pool.storage.shell, host_key=other))
    ((which, result),) = failures(replace(rack_pool, storage=storage)).items()
    assert which == ("storage", "login")
    assert "key" in result.observed


def test_a_secret_that_cannot_be_read_is_told_with_its_key(rack: Rack, rack_pool: Pool) -> None:
    hosts = replace(rack_pool.hosts, password=SecretRef("env", "NEVER_SET_ANYWHERE"))
    ((which, result),) = failures(replace(rack_pool, hosts=hosts)).items()
    assert which == ("secrets", "hosts.password")
    assert "NEVER_SET_ANYWHERE is not set" in result.observed
    assert "hosts.password" in result.action


def test_vcenters_password_is_among_the_secrets(rack: Rack, rack_pool: Pool) -> None:
    vmware = VmwareService("v.test", "d", "c", "u", SecretRef("env", "NEVER_SET_ANYWHERE"))
    assert list(failures(replace(rack_pool, vmware=vmware))) == [("secrets", "vmware.password")]


@pytest.mark.parametrize(
    ("error", "action"),
    [
        (UnreachableError("BMC", "silence"), "see that it is on"),
        (AccessDeniedError("BMC", "no"), "correct user and password of machines[0].bmc in"),
        (HostKeyError("BMC", "another key"), "find out why its key changed"),
        (ServiceFaultError("BMC", "a fault"), "look at its log, or correct machines[0].bmc in"),
        (DriverError("BMC", "a fault"), "look at its log"),
        (DeadlineError("BMC", 3.0), "look at it, or correct machines[0].bmc in"),
        (UnreachableError("BMC", "silence", "ask the owner"), "ask the owner"),
    ],
)
def test_there_is_always_something_to_do(error: QacloudError, action: str, rack: Rack, rack_pool: Pool) -> None:
    drivers = Terse(rack_pool)
    drivers.error = error
    result = checked(rack_pool, drivers)[0]
    assert not result.ok
    assert result.action.startswith(action)
