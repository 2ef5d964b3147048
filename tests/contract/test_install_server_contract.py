"""What every `InstallServer` does, against the simulated rack's Cobbler."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from pytest_qacloud.drivers import load
from pytest_qacloud.errors import AccessDeniedError, ServiceFaultError, UnreachableError
from pytest_qacloud.model import Pool, Role
from pytest_qacloud.ports import InstallServer, System

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rackclient import Rack

    Connect = Callable[..., InstallServer]


@pytest.fixture(params=["cobbler"])
def connect(request: pytest.FixtureRequest, rack: Rack, rack_pool: Pool) -> Iterator[Connect]:
    """Makes clients of the rack's install server, and closes them at the end."""
    made: list[InstallServer] = []

    def client(password: str | None = None, *, timeout_s: float = 20) -> InstallServer:
        service = rack_pool.cobbler
        driver: InstallServer = load(request.param)(
            service, service.password.read() if password is None else password, timeout_s=timeout_s
        )
        made.append(driver)
        return driver

    yield client
    for driver in made:
        driver.close()


@pytest.fixture
def server(connect: Connect) -> InstallServer:
    return connect()


def system(number: int, profile: str, **changes: object) -> System:
    """A system that no other test uses, where `number` is its own."""
    made = System(
        name=f"contract{number}",
        hostname=f"contract{number}.sim.test",
        profile=profile,
        mac=f"02:00:00:00:{number // 256:02x}:{number % 256:02x}",
        ip=f"10.99.{number // 256}.{number % 256}",
        gateway="10.99.0.1",
        name_servers=("10.99.0.2", "10.99.0.3"),
        netboot_enabled=True,
        meta={"qacloud_epoch": "41", "qacloud_marker": "a-marker", "qacloud_host_key": "QUFB" * 100 + "=="},
    )
    return made._replace(**changes)  # type: ignore[arg-type]  # the callers' values have the fields' types


@pytest.fixture
def profile(rack_pool: Pool) -> str:
    return rack_pool.cobbler.profiles[Role.HYPERVISOR]


def test_fulfils_the_port(server: InstallServer) -> None:
    assert isinstance(server, InstallServer)


def test_profiles_are_known_or_not(server: InstallServer, profile: str) -> None:
    assert server.has_profile(profile)
    assert not server.has_profile("no-such-profile")


def test_a_saved_system_is_read_back_as_it_was(server: InstallServer, profile: str) -> None:
    wanted = system(1, profile)
    server.save_system(wanted)
    assert server.system(wanted.name) == wanted


def test_a_system_that_is_not_there_is_none(server: InstallServer) -> None:
    assert server.system("nobody") is None


def test_saving_again_replaces_everything(server: InstallServer, profile: str) -> None:
    server.save_system(system(2, profile, meta={"qacloud_epoch": "1", "left_over": "x"}))
    wanted = system(
        2, profile, mac="02:00:00:00:aa:02", ip="10.99.7.7", name_servers=("10.99.0.9",), netboot_enabled=False
    )
    server.save_system(wanted)
    assert server.system(wanted.name) == wanted


def test_a_removed_system_is_gone_and_may_be_removed_again(server: InstallServer, profile: str) -> None:
    server.save_system(system(3, profile))
    server.remove_system("contract3")
    assert server.system("contract3") is None
    server.remove_system("contract3")


def test_an_unknown_profile_is_a_fault_that_names_it(server: InstallServer) -> None:
    with pytest.raises(ServiceFaultError, match="no-such-profile"):
        server.save_system(system(4, "no-such-profile"))
    assert server.system("contract4") is None


def test_a_wrong_password_is_refused_without_showing_it(connect: Connect, profile: str) -> None:
    with pytest.raises(AccessDeniedError, match=r"cobbler\.password") as caught:
        connect("a-wrong-one").has_profile(profile)
    assert "a-wrong-one" not in str(caught.value)


def test_a_server_that_is_down_is_unreachable_until_it_is_back(server: InstallServer, rack: Rack, profile: str) -> None:
    assert server.has_profile(profile)
    rack.set_fault("cobbler_down")
    with pytest.raises(UnreachableError):
        server.has_profile(profile)
    rack.clear_faults()
    assert server.has_profile(profile)


def test_a_closed_client_logs_in_again(server: InstallServer, profile: str) -> None:
    server.save_system(system(5, profile))
    server.close()
    server.close()
    server.save_system(system(5, profile, hostname="other.sim.test"))
    found = server.system("contract5")
    assert found is not None
    assert found.hostname == "other.sim.test"


def test_many_threads_save_at_once(server: InstallServer, profile: str) -> None:
    wanted = [system(1000 + number, profile) for number in range(32)]
    with ThreadPoolExecutor(len(wanted)) as threads:
        list(threads.map(server.save_system, wanted))
        found = list(threads.map(lambda each: server.system(each.name), wanted))
    assert found == wanted
