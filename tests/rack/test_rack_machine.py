from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_qacloud.rack import autoinstall
from pytest_qacloud.rack.events import EventLog
from pytest_qacloud.rack.faults import Faults
from pytest_qacloud.rack.machine import Disk, Machine, Offer, PowerRefusedError, ServiceDownError, State, Timing

TIMING = Timing(off_s=1, pxe_s=2, install_s=10, boot_s=3)
INSTALLED_S = TIMING.pxe_s + TIMING.install_s + TIMING.boot_s


class Shelf:
    """A boot server that offers what a test puts on it."""

    def __init__(self) -> None:
        self.text: str | None = None
        self.down = False
        self.done: list[str] = []

    def put(self, epoch: int) -> None:
        self.text = autoinstall.render("node1", "node1.test", "debian", {"qacloud_epoch": str(epoch)}, "http://cobbler")

    def offer(self, mac: str) -> Offer | None:
        if self.down:
            raise ServiceDownError
        return Offer("node1", self.text) if self.text is not None and mac == "52:54:00:00:00:01" else None

    def finished(self, system: str) -> None:
        if self.down:
            raise ServiceDownError
        self.done.append(system)
        self.text = None


class Bench:
    """A machine with everything around it."""

    def __init__(self, disk: Disk | None) -> None:
        self.shelf, self.events = Shelf(), EventLog()
        self.faults = Faults(frozenset({"node1"}))
        self.machine = Machine("node1", "52:54:00:00:00:01", TIMING, self.shelf, self.faults, self.events, disk)

    def happened(self) -> list[str]:
        return [event["event"] for event in self.events.listing()]

    def at(self, now: float) -> State:
        self.machine.settle(now)
        return self.machine.state

    def install(self, now: float, epoch: int) -> float:
        """Re-image from whatever state; returns when the new system is up."""
        self.shelf.put(epoch)
        self.machine.power_off(now)
        self.machine.choose_boot_device(now, "network", persistent=False)
        self.machine.power_on(now)
        return now + INSTALLED_S


@pytest.fixture
def bench() -> Bench:
    return Bench(Disk("old.test", epoch=3))


def test_an_installation_step_by_step(bench: Bench) -> None:
    bench.install(100, epoch=7)
    assert [bench.at(100 + after) for after in (0, 1.9, 2, 11.9, 12, 14.9, 15)] == [
        State.PXE,
        State.PXE,
        State.INSTALLING,
        State.INSTALLING,
        State.BOOTING,
        State.BOOTING,
        State.RUNNING,
    ]
    assert bench.shelf.done == ["node1"]
    assert bench.machine.disk is not None
    assert bench.machine.disk.epoch == 7
    assert bench.machine.due is None
    assert bench.happened() == ["bootdev", "power_on", "install_begin", "install_end", "os_up"]


def test_changes_apply_when_read_with_the_time_they_were_due(bench: Bench) -> None:
    bench.install(100, epoch=7)
    assert bench.at(1000) is State.RUNNING
    assert [event["at"] for event in bench.events.listing()] == [100, 100, 102, 112, 115]


def test_without_network_boot_the_disk_comes_up(bench: Bench) -> None:
    bench.shelf.put(9)
    bench.machine.power_on(0)
    assert bench.at(0) is State.BOOTING
    assert bench.at(TIMING.boot_s) is State.RUNNING
    assert bench.machine.disk is not None
    assert bench.machine.disk.epoch == 3


def test_the_boot_device_is_for_one_boot_only(bench: Bench) -> None:
    up = bench.install(0, epoch=7)
    assert bench.at(up) is State.RUNNING
    bench.shelf.put(8)
    bench.machine.power_cycle(up)
    assert bench.at(up + 100) is State.RUNNING
    assert bench.machine.disk is not None
    assert bench.machine.disk.epoch == 7


def test_a_persistent_boot_device_stays(bench: Bench) -> None:
    bench.machine.choose_boot_device(0, "network", persistent=True)
    bench.machine.power_on(0)
    assert bench.at(1) is State.PXE
    bench.machine.power_cycle(1)
    assert bench.at(2) is State.PXE
    assert bench.machine.boot_device == "network"


def test_a_network_boot_with_nothing_to_install_goes_to_the_disk(bench: Bench) -> None:
    bench.machine.choose_boot_device(0, "network", persistent=False)
    bench.machine.power_on(0)
    assert bench.at(TIMING.pxe_s) is State.BOOTING


def test_an_empty_disk_does_not_boot() -> None:
    bench = Bench(None)
    bench.machine.power_on(0)
    assert bench.at(TIMING.boot_s) is State.FAILED
    assert bench.machine.powered
    assert not bench.machine.running
    assert bench.happened()[-1] == "no_boot_device"


def test_a_cycle_is_off_for_a_moment(bench: Bench) -> None:
    bench.machine.power_on(0)
    bench.machine.power_cycle(50)
    assert bench.at(50.5) is State.OFF
    assert bench.at(51) is State.BOOTING


def test_a_cycle_asked_for_again_is_the_same_cycle(bench: Bench) -> None:
    bench.machine.power_on(0)
    bench.machine.power_cycle(50)
    bench.machine.power_cycle(50.9)
    assert bench.at(51) is State.BOOTING
    assert bench.happened().count("power_cycle") == 1


def test_a_chassis_that_is_off_cannot_be_cycled(bench: Bench) -> None:
    with pytest.raises(PowerRefusedError):
        bench.machine.power_cycle(0)
    assert bench.at(10) is State.OFF


def test_off_ends_a_cycle(bench: Bench) -> None:
    bench.machine.power_on(0)
    bench.machine.power_cycle(50)
    bench.machine.power_off(50.5)
    assert bench.at(1000) is State.OFF
    assert bench.machine.due is None


def test_on_in_the_off_moment_of_a_cycle_changes_nothing(bench: Bench) -> None:
    bench.machine.power_on(0)
    bench.machine.power_cycle(50)
    bench.machine.power_on(50.5)
    assert bench.at(50.9) is State.OFF
    assert bench.at(51) is State.BOOTING
    assert bench.happened().count("power_on") == 1


def test_on_twice_and_off_twice_are_each_done_once(bench: Bench) -> None:
    bench.machine.power_on(0)
    bench.machine.power_on(1)
    bench.machine.power_off(2)
    bench.machine.power_off(3)
    assert bench.happened() == ["power_on", "power_off"]


def test_the_disk_outlives_the_power(bench: Bench) -> None:
    up = bench.install(0, epoch=7)
    assert bench.at(up) is State.RUNNING
    disk = bench.machine.disk
    bench.machine.power_off(up)
    bench.machine.power_on(up + 1)
    assert bench.at(up + 1 + TIMING.boot_s) is State.RUNNING
    assert bench.machine.disk is disk
    assert bench.machine.boots == 2


def test_an_installation_that_is_cut_short_leaves_no_system(bench: Bench) -> None:
    bench.install(0, epoch=7)
    assert bench.at(5) is State.INSTALLING
    bench.machine.power_off(5)
    bench.machine.power_on(6)
    assert bench.at(100) is State.FAILED
    assert bench.shelf.done == []


@pytest.mark.parametrize(("fault", "state"), [("install_hangs", State.HUNG), ("install_fails", State.FAILED)])
def test_an_installation_goes_wrong_and_the_next_one_does_not(bench: Bench, fault: str, state: State) -> None:
    bench.faults.set(fault, "node1", count=1)
    bench.install(0, epoch=7)
    assert bench.at(1000) is state
    assert bench.machine.powered
    assert bench.shelf.done == []
    up = bench.install(2000, epoch=8)
    assert bench.at(up) is State.RUNNING
    assert bench.machine.disk is not None
    assert bench.machine.disk.epoch == 8


def test_the_old_system_boots_instead_of_the_installer(bench: Bench) -> None:
    disk = bench.machine.disk
    bench.faults.set("old_os", "node1", count=1)
    bench.install(0, epoch=7)
    assert bench.at(100) is State.RUNNING
    assert bench.machine.disk is disk
    assert bench.shelf.text is not None
    up = bench.install(200, epoch=7)
    assert bench.at(up) is State.RUNNING
    assert bench.machine.disk is not disk


def test_a_boot_server_that_is_down_lets_the_disk_boot(bench: Bench) -> None:
    bench.shelf.down = True
    bench.install(0, epoch=7)
    assert bench.at(100) is State.RUNNING
    assert bench.machine.disk is not None
    assert bench.machine.disk.epoch == 3
    assert "pxe_timeout" in bench.happened()


def test_an_installer_waits_for_the_boot_server_at_its_end(bench: Bench) -> None:
    up = bench.install(0, epoch=7)
    assert bench.at(5) is State.INSTALLING
    bench.shelf.down = True
    assert bench.at(up + 20) is State.INSTALLING
    bench.shelf.down = False
    assert bench.at(up + 20 + 2 * TIMING.boot_s) is State.RUNNING
    assert bench.shelf.done == ["node1"]


def test_an_autoinstall_that_is_none_fails(bench: Bench) -> None:
    bench.install(0, epoch=7)
    bench.shelf.text = "# system not found"
    assert bench.at(100) is State.FAILED
    assert bench.events.listing()[-1]["reason"] == "it names no host"


def test_timing_adds_up_to_the_install_time() -> None:
    timing = Timing.of(10)
    assert timing.pxe_s + timing.install_s + timing.boot_s == pytest.approx(10)
    assert timing.off_s <= 1


COMMANDS = st.sampled_from(["on", "off", "cycle", "network", "wait"])


@settings(deadline=None)
@given(st.lists(st.tuples(COMMANDS, st.floats(0, 6)), max_size=40))
def test_whatever_is_asked_the_machine_stays_consistent(steps: list[tuple[str, float]]) -> None:
    bench, now = Bench(Disk("old.test", epoch=3)), 0.0
    machine = bench.machine
    actions: dict[str, Any] = {"on": machine.power_on, "off": machine.power_off, "cycle": machine.power_cycle}
    for command, pause in steps:
        now += pause
        bench.shelf.put(4)
        if command == "network":
            machine.choose_boot_device(now, "network", persistent=False)
        elif command in actions:
            try:
                actions[command](now)
            except PowerRefusedError:
                assert command == "cycle"
                assert not machine.powered
        machine.settle(now)
        assert machine.due is None or machine.due > now
        assert not machine.running or machine.disk is not None
        if command == "off":
            assert not machine.powered
            assert machine.due is None
    machine.settle(now + 1000)
    assert machine.state in {State.OFF, State.RUNNING, State.FAILED}
    assert machine.due is None
    times = [event["at"] for event in bench.events.listing()]
    assert times == sorted(times)
