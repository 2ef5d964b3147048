from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_qacloud.errors import ConfigError, UnreachableError
from pytest_qacloud.journal import HIDDEN, Redactor
from pytest_qacloud.model import Endpoint, MachinePlan, Role, SecretRef
from pytest_qacloud.ports import PowerAction, PowerState, Services
from pytest_qacloud.wiring import Drivers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rackclient import Rack

    from pytest_qacloud.model import Machine, Pool

SEED = bytes(range(32))


@pytest.fixture
def drivers(rack: Rack, rack_pool: Pool) -> Iterator[Drivers]:
    made = Drivers(rack_pool)
    for machine in rack_pool.machines:  # tests before this one may have left some running
        made.bmc(machine).power(PowerAction.OFF)
        rack.wait_for(machine.name, lambda state: bool(state["power"] == "off"))
    yield made
    made.close()


def planned(machine: Machine) -> MachinePlan:
    return MachinePlan(machine, Role.HYPERVISOR, "n.sim.test", "p", {}, "/etc/m", "m", {}, "production", SEED)


def test_drivers_are_the_services_that_the_ports_promise(drivers: Drivers) -> None:
    assert isinstance(drivers, Services)


def test_each_driver_reaches_its_service(drivers: Drivers) -> None:
    pool = drivers.pool
    assert [drivers.bmc(machine).power_state() for machine in pool.machines] == [PowerState.OFF] * 4
    assert drivers.install_server().has_profile(pool.cobbler.profiles[Role.HYPERVISOR])
    assert drivers.certificate_authority().state("unheard.of.sim.test") is None
    assert drivers.storage().free_bytes(pool.storage.secondary.path) > 0
    assert drivers.shell(pool.storage.shell).run(["true"], timeout_s=10).exit_status == 0


def test_a_driver_is_made_once_and_anew_after_close(drivers: Drivers) -> None:
    machine, other = drivers.pool.machines[:2]
    kept = drivers.bmc(machine)
    assert drivers.bmc(machine) is kept
    assert drivers.bmc(other) is not kept
    drivers.close()
    assert drivers.bmc(machine) is not kept
    assert drivers.bmc(machine).power_state() is PowerState.OFF


def test_many_threads_get_the_same_driver(drivers: Drivers) -> None:
    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(lambda _: drivers.install_server(), range(64)))
    assert {id(driver) for driver in found} == {id(found[0])}


def test_each_cloud_endpoint_has_its_own_api(drivers: Drivers) -> None:
    one = Endpoint("http://127.0.0.1:9/client/api", "key", "secret")
    assert drivers.cloud_api(one) is drivers.cloud_api(one)
    assert drivers.cloud_api(one) is not drivers.cloud_api(replace(one, api_key="other"))


def test_every_secret_that_is_read_is_hidden_from_then_on(rack: Rack, rack_pool: Pool) -> None:
    redact = Redactor()
    drivers = Drivers(rack_pool, redact)
    password = rack_pool.hosts.password.read()
    assert redact(f"login {password}") == f"login {password}"
    assert drivers.host_password() == password
    assert redact(f"login {password}") == f"login {HIDDEN}"


def test_a_secret_is_asked_for_when_it_is_needed_and_not_before(
    rack: Rack, rack_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    cobbler = replace(rack_pool.cobbler, password=SecretRef("env", "COBBLER_PASSWORD_OF_THIS_TEST"))
    drivers = Drivers(replace(rack_pool, cobbler=cobbler))
    with pytest.raises(ConfigError, match="COBBLER_PASSWORD_OF_THIS_TEST is not set"):
        drivers.install_server()
    monkeypatch.setenv("COBBLER_PASSWORD_OF_THIS_TEST", rack_pool.cobbler.password.read())
    assert drivers.install_server().has_profile(cobbler.profiles[Role.MANAGEMENT])
    drivers.close()


def test_a_host_key_is_the_seeds_and_its_private_half_is_hidden(drivers: Drivers) -> None:
    pair = drivers.host_key_pair(SEED)
    assert pair.public.startswith("ssh-ed25519 AAAA")
    assert drivers.host_key_pair(SEED).private == pair.private
    assert drivers.host_key_pair(bytes(32)).public != pair.public
    encoded = base64.b64encode(pair.private.encode()).decode()
    assert drivers.redact(f"{encoded}") == HIDDEN
    assert pair.private.splitlines()[1] not in drivers.redact(pair.private)


def test_the_authorized_key_is_the_public_half_of_the_pools_key(drivers: Drivers) -> None:
    kind, blob = drivers.authorized_key().split()[:2]
    assert base64.b64decode(blob)[4:].startswith(kind.encode())
    assert blob not in drivers.pool.ssh.key.read()


def test_a_machines_shell_goes_to_its_address_and_port(drivers: Drivers) -> None:
    machine = drivers.pool.machines[3]
    shell = drivers.machine_shell(planned(machine))
    assert drivers.machine_shell(planned(machine)) is shell
    with pytest.raises(UnreachableError, match=f"{machine.ip}:{machine.ssh_port}"):
        shell.run(["true"], timeout_s=5)


def test_a_management_server_that_is_not_there_is_told_without_its_password(drivers: Drivers) -> None:
    with pytest.raises(UnreachableError) as caught:
        drivers.admin_endpoint(str(drivers.pool.machines[0].ip))
    password = drivers.pool.management.password.read()
    assert password not in str(caught.value)
    assert drivers.redact(password) == HIDDEN
