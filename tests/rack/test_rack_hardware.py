from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_qacloud.rack.cloudstack import HardwareError
from pytest_qacloud.rack.events import EventLog
from pytest_qacloud.rack.faults import Faults
from pytest_qacloud.rack.hardware import RackHardware
from pytest_qacloud.rack.machine import Disk, Machine, Offer, Timing
from pytest_qacloud.rack.storage import Exports

if TYPE_CHECKING:
    from pathlib import Path

ADDRESS = "127.20.0.10"


class NothingToInstall:
    def offer(self, mac: str) -> Offer | None:
        return None

    def finished(self, system: str) -> None:
        raise AssertionError(system)


class Place:
    """A machine that boots at once."""

    def __init__(self, faults: Faults, disk: Disk) -> None:
        self.machine = Machine("node1", "", Timing.of(0), NothingToInstall(), faults, EventLog(), disk)

    def settle(self) -> None:
        self.machine.settle(0)


class Bench:
    """One machine and the exports, as a management server sees them."""

    def __init__(self, folder: Path) -> None:
        self.faults, self.disk = Faults(frozenset({"node1"})), Disk("node1.test")
        self.place, self.exports = Place(self.faults, self.disk), Exports(folder, ["/export/one"], self.faults)
        login = ("root", "secret")
        self.hardware = RackHardware({ADDRESS: self.place}, self.exports, "127.0.0.1", login, self.faults)

    def switch_on(self) -> None:
        self.place.machine.power_on(0)

    def probe(self, password: str = "secret", user: str = "root", address: str = ADDRESS) -> str:
        """What a probe finds, or why it fails."""
        try:
            facts = self.hardware.probe(address, user, password)
        except HardwareError as error:
            return str(error)
        return f"{facts.name} {facts.hypervisor}"

    def running(self) -> bool:
        return self.hardware.is_running(ADDRESS)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_machine_that_is_off_is_not_there(bench: Bench) -> None:
    assert bench.probe() == f"Unable to connect to {ADDRESS}: no route to host"
    assert bench.probe(address="192.0.2.1") == "Unable to connect to 192.0.2.1: no route to host"
    assert not bench.running()
    assert not bench.hardware.is_running("192.0.2.1")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("qacloud::kvm", "KVM"),
        ("qacloud::xenserver", "XenServer"),
        ("qacloud::vmware", "VMware"),
        ("qacloud::simulator", "Simulator"),
    ],
)
def test_a_configured_hypervisor_answers_to_its_login(bench: Bench, name: str, kind: str) -> None:
    bench.switch_on()
    assert bench.probe() == f"No hypervisor agent is installed on {ADDRESS}"
    assert not bench.running()
    bench.disk.classes = {"qacloud::base": {}, name: {}}
    assert bench.probe() == f"node1.test {kind}"
    assert bench.running()
    assert bench.probe(password="wrong") == f"Failed to authenticate with {ADDRESS} as root"
    assert bench.probe(user="admin") == f"Failed to authenticate with {ADDRESS} as admin"


def test_a_host_that_is_down_runs_no_more(bench: Bench) -> None:
    bench.switch_on()
    bench.disk.classes = {"qacloud::kvm": {}}
    assert bench.running()
    bench.faults.set("host_down", "node1")
    assert not bench.running()
    assert "no route" in bench.probe()
    bench.faults.clear()
    assert bench.running()


def test_exports(bench: Bench) -> None:
    hardware = bench.hardware
    assert hardware.export_exists("nfs://127.0.0.1/export/one")
    assert hardware.export_exists("nfs://127.0.0.1/export/one/")
    assert not hardware.export_exists("nfs://127.0.0.1/export/two")
    assert not hardware.export_exists("nfs://192.0.2.1/export/one")
    assert not hardware.export_exists("/export/one")
    assert hardware.free_bytes("nfs://127.0.0.1/export/one") > 0
    assert hardware.free_bytes("nfs://127.0.0.1/export/two") == 0
    bench.faults.set("disk_full")
    assert hardware.free_bytes("nfs://127.0.0.1/export/one") == 0


def test_a_seeded_template(bench: Bench) -> None:
    assert not bench.hardware.template_seeded("nfs://127.0.0.1/export/one")
    folder = bench.exports.local("/export/one/template/tmpl/1/3")
    folder.mkdir(parents=True)
    (folder / "template.properties").write_text("filename=x\n")
    (folder / "x").touch()
    assert bench.hardware.template_seeded("nfs://127.0.0.1/export/one")
    assert not bench.hardware.template_seeded("/export/one")
