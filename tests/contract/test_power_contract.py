"""What every `PowerController` does, against the simulated rack's BMCs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_qacloud.drivers import load
from pytest_qacloud.errors import AccessDeniedError, ServiceFaultError, UnreachableError
from pytest_qacloud.ports import PowerAction, PowerController, PowerState

if TYPE_CHECKING:
    from rackclient import Rack

    from pytest_qacloud.model import Bmc, Pool

MACHINE = "node4"

Connect = Callable[..., PowerController]


@pytest.fixture(params=["ipmi"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Makes controllers, and closes them at the end."""
    made: list[PowerController] = []

    def controller(bmc: Bmc, password: str | None = None, *, timeout_s: float = 20) -> PowerController:
        driver: PowerController = load(request.param)(
            bmc, bmc.password.read() if password is None else password, timeout_s=timeout_s
        )
        made.append(driver)
        return driver

    yield controller
    for driver in made:
        driver.close()


@pytest.fixture
def bmc(rack: Rack, rack_pool: Pool) -> Bmc:
    return rack_pool.machine(MACHINE).bmc


@pytest.fixture
def power(connect: Connect, bmc: Bmc) -> PowerController:
    """A controller of a machine that is off."""
    controller = connect(bmc)
    controller.power(PowerAction.OFF)
    return controller


def test_fulfils_the_port(power: PowerController) -> None:
    assert isinstance(power, PowerController)


def test_on_and_off_are_seen_on_the_chassis(power: PowerController, rack: Rack) -> None:
    assert power.power_state() is PowerState.OFF
    power.power(PowerAction.ON)
    assert power.power_state() is PowerState.ON
    assert rack.machine(MACHINE)["power"] == "on"
    power.power(PowerAction.OFF)
    assert power.power_state() is PowerState.OFF
    assert rack.machine(MACHINE)["power"] == "off"


def test_cycle_happens_once(power: PowerController, rack: Rack) -> None:
    power.power(PowerAction.ON)
    before = len([event for event in rack.events(MACHINE) if event["event"] == "power_cycle"])
    power.power(PowerAction.CYCLE)
    assert power.power_state() is not None
    assert len([event for event in rack.events(MACHINE) if event["event"] == "power_cycle"]) == before + 1


def test_cycle_of_a_chassis_that_is_off_is_refused(power: PowerController) -> None:
    with pytest.raises(ServiceFaultError, match="present state"):
        power.power(PowerAction.CYCLE)
    assert power.power_state() is PowerState.OFF


def test_network_boot_is_for_one_boot_only(power: PowerController, rack: Rack) -> None:
    power.boot_from_network_once()
    assert rack.machine(MACHINE)["boot_device"] == "network"
    power.power(PowerAction.ON)
    rack.wait_for(MACHINE, lambda state: state["state"] != "off" and state["boot_device"] == "default")


def test_a_closed_controller_connects_again(power: PowerController) -> None:
    power.close()
    power.close()
    assert power.power_state() is PowerState.OFF


@pytest.mark.parametrize("suite", [3, 17])
def test_both_cipher_suites_work(connect: Connect, bmc: Bmc, suite: int) -> None:
    assert connect(replace(bmc, cipher_suite=suite)).power_state() in PowerState


def test_a_wrong_password_is_refused_at_once(connect: Connect, bmc: Bmc) -> None:
    with pytest.raises(AccessDeniedError, match=rf"BMC {bmc.address}:{bmc.port}.*and bmc.password") as caught:
        connect(bmc, "a-wrong-one").power_state()
    assert "a-wrong-one" not in str(caught.value)


def test_an_unknown_user_is_refused_at_once(connect: Connect, bmc: Bmc) -> None:
    with pytest.raises(AccessDeniedError, match="nobody"):
        connect(replace(bmc, user="nobody")).power_state()


def test_a_bmc_that_refuses_is_used_again_when_it_relents(connect: Connect, bmc: Bmc, rack: Rack) -> None:
    rack.set_fault("bmc_refuses", MACHINE)
    controller = connect(bmc)
    with pytest.raises(AccessDeniedError):
        controller.power_state()
    rack.clear_faults()
    assert controller.power_state() in PowerState


def test_a_silent_bmc_is_unreachable_until_it_speaks(
    power: PowerController, connect: Connect, bmc: Bmc, rack: Rack
) -> None:
    impatient = connect(bmc, timeout_s=0.3)
    assert impatient.power_state() is PowerState.OFF
    rack.set_fault("bmc_silent", MACHINE)
    with pytest.raises(UnreachableError, match=r"no answer within 0\.3 s"):
        impatient.power_state()
    with pytest.raises(UnreachableError):
        impatient.power_state()
    rack.clear_faults()
    assert impatient.power_state() is PowerState.OFF


def test_a_lost_packet_is_sent_again(connect: Connect, bmc: Bmc, rack: Rack) -> None:
    rack.set_fault("bmc_silent", MACHINE, count=1)
    assert connect(bmc).power_state() in PowerState


def test_a_lost_packet_within_a_session_is_sent_again(power: PowerController, rack: Rack) -> None:
    rack.set_fault("bmc_silent", MACHINE, count=1)
    assert power.power_state() is PowerState.OFF


def test_many_controllers_at_once_from_their_own_threads(connect: Connect, rack: Rack, rack_pool: Pool) -> None:
    bmcs = [machine.bmc for machine in rack_pool.machines] * 6
    start = threading.Barrier(len(bmcs))

    def look(bmc: Bmc) -> PowerState:
        start.wait()
        controller = connect(bmc)
        controller.power_state()
        return controller.power_state()

    with ThreadPoolExecutor(len(bmcs)) as threads:
        states = list(threads.map(look, bmcs))
    seen = rack.state()["machines"]
    assert [str(state) for state in states] == [seen[machine.name]["power"] for machine in rack_pool.machines] * 6
