from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_qacloud.rack.faults import MACHINE_FAULTS, SERVICE_FAULTS, FaultError, Faults

MACHINES = frozenset({"node1", "node2"})


def test_a_fault_that_was_not_set_never_strikes() -> None:
    faults = Faults(MACHINES)
    assert faults.active("old_os", "node1") is None
    assert not faults.is_set("cobbler_down")


@settings(deadline=None)
@given(count=st.integers(1, 20), value=st.floats(0, 100))
def test_a_counted_fault_strikes_that_often(count: int, value: float) -> None:
    faults = Faults(MACHINES)
    faults.set("disk_slow", value=value, count=count)
    assert [faults.active("disk_slow") for _ in range(count + 2)] == [value] * count + [None, None]
    assert faults.listing() == []


def test_asking_whether_a_fault_is_set_uses_nothing_up() -> None:
    faults = Faults(MACHINES)
    faults.set("bmc_silent", "node1", count=1)
    assert faults.is_set("bmc_silent", "node1")
    assert faults.is_set("bmc_silent", "node1")
    assert faults.active("bmc_silent", "node1") == 1.0
    assert not faults.is_set("bmc_silent", "node1")


def test_a_machines_fault_strikes_that_machine_only() -> None:
    faults = Faults(MACHINES)
    faults.set("puppet_fails", "node1")
    assert faults.active("puppet_fails", "node2") is None
    assert faults.active("puppet_fails", "node1") == 1.0


def test_a_fault_without_a_machine_strikes_every_machine() -> None:
    faults = Faults(MACHINES)
    faults.set("puppet_fails")
    assert faults.active("puppet_fails", "node1") == faults.active("puppet_fails", "node2") == 1.0


def test_setting_a_fault_again_replaces_it() -> None:
    faults = Faults(MACHINES)
    faults.set("api_slow", value=5)
    faults.set("api_slow", value=2, count=3)
    assert faults.listing() == [{"fault": "api_slow", "machine": None, "value": 2, "count": 3}]


def test_clearing() -> None:
    faults = Faults(MACHINES)
    for machine in sorted(MACHINES):
        faults.set("old_os", machine)
        faults.set("bmc_lies", machine)
    faults.clear("old_os", "node1")
    assert not faults.is_set("old_os", "node1")
    assert faults.is_set("old_os", "node2")
    faults.clear("old_os")
    assert not faults.is_set("old_os", "node2")
    assert faults.is_set("bmc_lies", "node1")
    faults.clear()
    assert faults.listing() == []


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"fault": "bmc_sleepy"}, "no fault 'bmc_sleepy'"),
        ({"fault": "cobbler_down", "machine": "node1"}, "whole rack"),
        ({"fault": "old_os", "machine": "node9"}, "no machine 'node9'"),
        ({"fault": "api_slow"}, "needs a value"),
        ({"fault": "api_slow", "value": -1}, "needs a value"),
        ({"fault": "api_slow", "value": True}, "value is a number"),
        ({"fault": "old_os", "count": 0}, "never strike"),
        ({"fault": "old_os", "count": 1.5}, "whole number"),
        ({"fault": "old_os", "machine": 1}, "machine is a name"),
        ({"fault": "old_os", "often": 3}, "a fault is"),
        ({"machine": "node1"}, "a fault is"),
        (["old_os"], "a fault is"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(setting: object, said: str) -> None:
    faults = Faults(MACHINES)
    with pytest.raises(FaultError, match=said):
        faults.apply(setting)
    assert faults.listing() == []


@pytest.mark.parametrize("name", sorted(MACHINE_FAULTS | SERVICE_FAULTS))
def test_every_fault_can_be_set_and_shown(name: str) -> None:
    faults = Faults(MACHINES)
    machine = "node1" if name in MACHINE_FAULTS else None
    faults.apply({"fault": name, "machine": machine, "value": 0.5, "count": 2.0})
    assert faults.listing() == [{"fault": name, "machine": machine, "value": 0.5, "count": 2}]
