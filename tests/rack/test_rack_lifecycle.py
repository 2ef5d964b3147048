"""A machine from off to a configured system, over the wire."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import asyncssh
import pytest

from pytest_qacloud.rack import keys

if TYPE_CHECKING:
    from racklab import Lab

pytest_plugins = ("racklab",)


def api_status(lab: Lab, name: str) -> int:
    """The HTTP status of the management server on a machine; raises where nothing listens."""
    url = (
        f"http://{lab.machines[name]['ip']}:{lab.pool['management']['port']}/client/api?command=listZones&response=json"
    )
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            json.loads(error.read())
            return error.code


def test_an_installed_system(lab: Lab) -> None:
    epoch, host_key = lab.install("node2")
    assert lab.run("node2", "cat -- /etc/qacloud-epoch", host_key) == (0, f"mark-{epoch}\n", "")
    assert lab.run("node2", "hostname -f", host_key) == (0, "node2.sim.test\n", "")
    assert lab.run("node2", "sudo true", host_key).status == 127
    proxy, _ = lab.cobbler()
    with proxy:
        record = proxy.get_system("node2")
        assert isinstance(record, dict)
        assert record["netboot_enabled"] is False
    state = lab.rack.machine("node2")
    assert (state["power"], state["state"], state["epoch"]) == ("on", "running", epoch)
    events = [event["event"] for event in lab.rack.events("node2")]
    assert events[-4:] == ["power_on", "install_begin", "install_end", "os_up"]


def test_ssh_is_refused_unless_the_system_is_up(lab: Lab) -> None:
    with pytest.raises(ConnectionRefusedError):
        lab.run("node3", "true")
    lab.install("node3")
    assert lab.run("node3", "true").status == 0
    assert lab.bmc("node3").control(0) == 0
    with pytest.raises(ConnectionRefusedError):
        lab.run("node3", "true")


def test_the_host_key_is_the_one_of_the_last_image(lab: Lab) -> None:
    _, old = lab.install("node2")
    _, new = lab.install("node2")
    assert old != new
    assert lab.run("node2", "true", new).status == 0
    with pytest.raises(asyncssh.HostKeyNotVerifiable):
        lab.run("node2", "true", old)


def test_a_power_cycle_without_network_boot_keeps_the_system(lab: Lab) -> None:
    epoch, host_key = lab.install("node2")
    boots = len([event for event in lab.rack.events("node2") if event["event"] == "os_up"])
    lab.bmc("node2").control(2)
    lab.rack.wait_for(
        "node2", lambda _: len([event for event in lab.rack.events("node2") if event["event"] == "os_up"]) > boots
    )
    assert lab.run("node2", "cat -- /etc/qacloud-epoch", host_key).stdout == f"mark-{epoch}\n"


def test_a_stranger_does_not_get_in(lab: Lab) -> None:
    lab.install("node2")
    with pytest.raises(asyncssh.PermissionDenied):
        lab.run("node2", "true", key=keys.new_ssh_key())


def test_the_system_the_rack_came_with_has_a_key_of_its_own_and_lets_nobody_in(lab: Lab) -> None:
    lab.bmc("node4").control(1)
    lab.rack.wait_for("node4", lambda state: state["state"] == "running")
    assert lab.rack.machine("node4")["epoch"] is None
    with pytest.raises(asyncssh.PermissionDenied):
        lab.run("node4", "true")


def test_puppet_makes_a_hypervisor(lab: Lab) -> None:
    _, host_key = lab.install("node2")
    clean_certificate(lab, "node2")
    done = lab.agent("node2")
    assert done.status == 2, done
    assert lab.rack.machine("node2")["classes"] == ["qacloud::base", "qacloud::kvm"]
    assert lab.agent("node2").status == 0
    assert lab.run("node2", "puppet agent --onetime --certname stranger.test", host_key).status == 1


def test_an_old_certificate_stops_a_new_system(lab: Lab) -> None:
    clean_certificate(lab, "node2")
    lab.install("node2")
    assert lab.agent("node2").status == 2
    lab.install("node2")
    done = lab.agent("node2")
    assert done.status == 1
    assert "does not match its private key" in done.stdout
    clean_certificate(lab, "node2")
    assert lab.agent("node2").status == 2


def test_the_management_server_comes_and_goes_with_its_machine(lab: Lab) -> None:
    lab.install("node1")
    clean_certificate(lab, "node1")
    with pytest.raises(OSError):  # noqa: PT011 - refused, or cut: both mean that nothing answers
        api_status(lab, "node1")
    assert lab.agent("node1").status == 2
    assert api_status(lab, "node1") == 401
    boots = len(lab.rack.events("node1"))
    lab.bmc("node1").control(0)
    with pytest.raises(OSError):  # noqa: PT011 - refused, or cut: both mean that nothing answers
        api_status(lab, "node1")
    lab.bmc("node1").control(1)
    lab.rack.wait_for("node1", lambda state: state["state"] == "running")
    assert len(lab.rack.events("node1")) > boots
    lab.run("node1", "true")
    assert api_status(lab, "node1") == 401


@pytest.mark.parametrize(("fault", "state"), [("install_hangs", "hung"), ("install_fails", "failed")])
def test_a_broken_installation(lab: Lab, fault: str, state: str) -> None:
    lab.rack.set_fault(fault, "node2", count=1)
    lab.begin_install("node2")
    lab.rack.wait_for("node2", lambda seen: seen["state"] == state)
    with pytest.raises(ConnectionRefusedError):
        lab.run("node2", "true")
    lab.install("node2")
    assert lab.run("node2", "true").status == 0


def test_the_old_system_answers_with_its_old_key(lab: Lab) -> None:
    epoch, old = lab.install("node2")
    lab.rack.set_fault("old_os", "node2", count=1)
    _, new = lab.begin_install("node2")
    lab.rack.wait_for("node2", lambda seen: seen["state"] == "running")
    assert lab.run("node2", "cat -- /etc/qacloud-epoch", old).stdout == f"mark-{epoch}\n"
    with pytest.raises(asyncssh.HostKeyNotVerifiable):
        lab.run("node2", "true", new)


def test_a_dropped_connection(lab: Lab) -> None:
    lab.install("node2")
    lab.rack.set_fault("ssh_drops", "node2", count=1)
    assert lab.run("node2", "true").status is None
    assert lab.run("node2", "true").status == 0


def test_a_puppet_run_that_fails(lab: Lab) -> None:
    lab.install("node2")
    clean_certificate(lab, "node2")
    lab.rack.set_fault("puppet_fails", "node2", count=1)
    assert lab.agent("node2").status == 1
    assert lab.agent("node2").status == 2


def clean_certificate(lab: Lab, name: str) -> None:
    """Revoke and delete what the CA has of a machine."""
    lab.puppet_ca("DELETE", f"certificate_status/{name}.sim.test")
