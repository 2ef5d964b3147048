from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_qacloud.rack.inventory import make_inventory
from pytest_qacloud.rack.settings import Settings, SettingsError, parse
from pytest_qacloud.rack.template import make_template

if TYPE_CHECKING:
    from pathlib import Path


def test_defaults(tmp_path: Path) -> None:
    assert parse(["--dir", str(tmp_path)]) == Settings(tmp_path, "sim", 4, "kvm", 0.3)


def test_options(tmp_path: Path) -> None:
    given_ = ["--dir", str(tmp_path), "--name", "r1", "--machines", "9", "--hypervisor", "vmware", "--parent-pipe"]
    assert parse([*given_, "--install-time", "10"]) == Settings(tmp_path, "r1", 9, "vmware", 10.0, parent_pipe=True)


def test_a_classifiers_arguments_may_begin_with_a_dash(tmp_path: Path) -> None:
    words = ["--node-classifier", "python", "--node-classifier", "-m", "--node-classifier=--x"]
    assert parse(["--dir", str(tmp_path), *words]).node_classifier == ("python", "-m", "--x")


def test_a_rack_file_gives_what_the_command_line_does_not(tmp_path: Path) -> None:
    file = tmp_path / "rack.toml"
    file.write_text(
        'name = "odd"\nmachines = 7\ninstall_time_s = 2\nnode_classifier = ["a", "b"]\n'
        '[[faults]]\nfault = "old_os"\nmachine = "node2"\ncount = 1\n'
    )
    chosen = parse(["--dir", str(tmp_path), "--rack-file", str(file), "--machines", "5"])
    assert (chosen.name, chosen.machines, chosen.install_time_s) == ("odd", 5, 2)
    assert chosen.node_classifier == ("a", "b")
    assert chosen.faults == ({"fault": "old_os", "machine": "node2", "count": 1},)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("machine = 3", "unknown key 'machine'; there are faults, hypervisor"),
        ('machines = "three"', "machines must be a int"),
        ("machines = true", "machines must be a int"),
        ("machines = 0", "1 to 4000"),
        ("install_time_s = -1", "must not be negative"),
        ('hypervisor = "hyperv"', "hypervisor must be one of kvm"),
        ('name = "../x"', "letters, digits"),
        ("node_classifier = [1]", "list of texts"),
        ("machines =", "rack.toml: Invalid value"),
    ],
)
def test_a_wrong_rack_file(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "rack.toml"
    file.write_text(content)
    with pytest.raises(SettingsError, match=said):
        parse(["--dir", str(tmp_path), "--rack-file", str(file)])


def test_a_missing_rack_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        parse(["--dir", str(tmp_path), "--rack-file", str(tmp_path / "none")])


@settings(deadline=None)
@given(st.integers(1, 600))
def test_every_inventory_fits_its_networks(machines: int) -> None:
    inventory = make_inventory(machines)
    addresses = [IPv4Address(slot.ip) for slot in inventory.slots]
    assert len({slot.mac for slot in inventory.slots}) == len({slot.name for slot in inventory.slots}) == machines
    assert len(set(addresses)) == machines
    first, last = inventory.system_vms
    assert all(address in inventory.management and address.is_loopback for address in addresses)
    assert max(addresses) < first < last < inventory.management.broadcast_address
    low, high = map(IPv4Address, inventory.machine_range.split("-"))
    assert low == min(addresses)
    assert max(addresses) <= high < first
    assert inventory.gateway not in addresses


@pytest.mark.parametrize(
    ("machines", "roles"),
    [
        (1, ["management"]),
        (3, ["management", "hypervisor", "hypervisor"]),
        (4, ["management", "hypervisor", "hypervisor", "spare"]),
        (5, ["management", "hypervisor", "hypervisor", "hypervisor", "spare"]),
    ],
)
def test_roles(machines: int, roles: list[str]) -> None:
    assert [slot.role for slot in make_inventory(machines).slots] == roles


@pytest.mark.parametrize("machines", [0, 4001])
def test_too_few_or_too_many_machines(machines: int) -> None:
    with pytest.raises(ValueError, match="1 to 4000"):
        make_inventory(machines)


@pytest.mark.parametrize(
    ("hypervisor", "ending"),
    [("kvm", ".qcow2.bz2"), ("xenserver", ".vhd.bz2"), ("vmware", ".ova"), ("simulator", ".qcow2.bz2")],
)
def test_a_template_for_each_hypervisor(hypervisor: str, ending: str) -> None:
    template = make_template(hypervisor)
    assert template.name.endswith(ending)
    assert len(template.sha256) == 64
    assert make_template(hypervisor) == template
