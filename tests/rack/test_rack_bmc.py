from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from rmcpclient import LoginError

if TYPE_CHECKING:
    from racklab import Lab

pytest_plugins = ("racklab",)

PYGHMI = """
import json, sys
from pyghmi.ipmi.command import Command
command = Command(sys.argv[1], "admin", sys.stdin.readline().strip(), port=int(sys.argv[2]))
seen = [command.get_power()["powerstate"]]
command.set_bootdev("network")
seen.append(command.get_bootdev()["bootdev"])
command.set_power("on")
seen.append(command.get_power()["powerstate"])
command.set_power("off")
seen.append(command.get_power()["powerstate"])
print(json.dumps(seen))
"""
"""In a process of its own: pyghmi keeps sockets and a thread until its process ends."""


@pytest.mark.parametrize("suite", [3, 17])
def test_power(lab: Lab, suite: int) -> None:
    client = lab.bmc("node2", suite=suite)
    assert not client.powered()
    assert client.control(2) == 0xD5
    assert client.control(3) == 0xD5
    assert client.control(1) == 0
    assert client.powered()
    assert client.control(5) == 0
    assert not client.powered()
    assert lab.rack.machine("node2")["power"] == "off"


def test_a_cycle_sent_again_is_one_cycle(lab: Lab) -> None:
    client = lab.bmc("node2")
    client.control(1)
    before = len(lab.rack.events("node2"))
    assert client.control(2) == 0
    assert client.control(2, again=True) == 0
    events = [event["event"] for event in lab.rack.events("node2")[before:]]
    assert events.count("power_cycle") == 1
    lab.rack.wait_for("node2", lambda state: state["power"] == "on")


def test_the_boot_device_can_be_read_and_is_used_once(lab: Lab) -> None:
    client = lab.bmc("node2")
    assert client.request(0, 9, b"\x05\x00\x00").data == b"\x01\x05\x80\x00\x00\x00\x00"
    assert client.boot_from(1) == 0
    assert client.request(0, 9, b"\x05\x00\x00").data[3] == 0x04
    client.control(1)
    assert client.request(0, 9, b"\x05\x00\x00").data[3] == 0
    assert lab.rack.machine("node2")["state"] in {"pxe", "booting", "running"}


def test_a_persistent_boot_device(lab: Lab) -> None:
    client = lab.bmc("node2")
    client.boot_from(2, persistent=True)
    client.control(1)
    assert lab.rack.machine("node2")["boot_device"] == "hd"
    client.boot_from(0)
    assert lab.rack.machine("node2")["boot_device"] == "default"


@pytest.mark.parametrize(
    ("netfn", "command", "data", "code"),
    [
        (0x00, 0x02, b"", 0xC7),
        (0x00, 0x02, b"\x04", 0xCC),
        (0x00, 0x08, b"\x05\x80", 0xC7),
        (0x00, 0x08, b"\x05\x80\x3c\x00\x00\x00", 0x00),
        (0x00, 0x08, b"\x05\x80\x1c\x00\x00\x00", 0xCC),
        (0x00, 0x08, b"\x00\x01", 0x00),
        (0x00, 0x08, b"\x07\x01\x02", 0x80),
        (0x00, 0x09, b"\x04\x00\x00", 0x80),
        (0x06, 0x01, b"", 0x00),
        (0x06, 0x02, b"", 0x00),
        (0x06, 0x37, b"", 0x00),
        (0x06, 0x48, b"\x01\x01", 0x81),
        (0x0A, 0x10, b"", 0xC1),
    ],
)
def test_completion_codes(lab: Lab, netfn: int, command: int, data: bytes, code: int) -> None:
    client = lab.bmc("node4")
    assert client.request(netfn, command, data).code == code
    client.boot_from(0)


def test_a_wrong_password(lab: Lab) -> None:
    with pytest.raises(LoginError):
        lab.bmc("node2", password="wrong")


def test_a_bmc_that_refuses(lab: Lab) -> None:
    lab.rack.set_fault("bmc_refuses", "node2", count=1)
    with pytest.raises(LoginError):
        lab.bmc("node2")
    assert not lab.bmc("node2").powered()
    assert not lab.bmc("node3").powered()


def test_a_bmc_that_is_silent(lab: Lab) -> None:
    client = lab.bmc("node2", timeout_s=0.5)
    lab.rack.set_fault("bmc_silent", "node2", count=1)
    assert client.send(0, 2, b"\x01") is None
    assert client.request(0, 2, b"\x01").code == 0


def test_a_bmc_that_lies(lab: Lab) -> None:
    lab.rack.set_fault("bmc_lies", "node2")
    client = lab.bmc("node2")
    assert client.control(1) == 0
    assert not client.powered()
    assert lab.rack.machine("node2")["power"] == "off"


def test_pyghmi(lab: Lab) -> None:
    bmc = lab.machines["node3"]["bmc"]
    done = subprocess.run(
        [sys.executable, "-c", PYGHMI, bmc["address"], str(bmc["port"])],
        input=lab.secret(bmc["password"]),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == '["off", "network", "on", "off"]\n', done.stderr


def test_a_hundred_bmcs_and_a_hundred_clients_at_once(hundred: Lab) -> None:
    def use(name: str) -> list[bool]:
        client = hundred.bmc(name)
        seen = [client.powered()]
        for what in (1, 2, 0):
            assert client.control(what) == 0
        return [*seen, client.powered()]

    with ThreadPoolExecutor(len(hundred.machines)) as threads:
        assert list(threads.map(use, hundred.machines)) == [[False, False]] * 100
    for name in hundred.machines:
        events = [event["event"] for event in hundred.rack.events(name) if event["event"].startswith("power_")]
        assert events == ["power_on", "power_cycle", "power_off"], name


@pytest.mark.skipif(shutil.which("ipmitool") is None, reason="ipmitool is not installed: apt-get install ipmitool")
@pytest.mark.parametrize("suite", [["-C", "3"], ["-C", "17"], []])
def test_ipmitool(lab: Lab, suite: list[str]) -> None:
    bmc = lab.machines["node3"]["bmc"]

    def ipmitool(*words: str) -> str:
        argv = ["ipmitool", "-I", "lanplus", "-H", bmc["address"], "-p", str(bmc["port"]), "-U", bmc["user"], "-f"]
        argv += [bmc["password"]["file"], *suite, *words]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=30)
        return done.stdout + done.stderr

    assert "Chassis Power is off" in ipmitool("chassis", "power", "status")
    assert "not supported in present state" in ipmitool("chassis", "power", "cycle")
    assert "Set Boot Device to pxe" in ipmitool("chassis", "bootdev", "pxe")
    assert "Force PXE" in ipmitool("chassis", "bootparam", "get", "5")
    assert "Up/On" in ipmitool("chassis", "power", "on")
    before = len(lab.rack.events("node3"))
    assert "Cycle" in ipmitool("chassis", "power", "cycle")
    assert [event["event"] for event in lab.rack.events("node3")[before:]].count("power_cycle") == 1
    assert "Down/Off" in ipmitool("chassis", "power", "off")
    assert "Chassis Power is off" in ipmitool("chassis", "power", "status")


@pytest.mark.skipif(shutil.which("ipmitool") is None, reason="ipmitool is not installed: apt-get install ipmitool")
def test_ipmitool_is_told_that_a_suite_is_not_spoken(lab: Lab) -> None:
    bmc = lab.machines["node3"]["bmc"]
    argv = ["ipmitool", "-I", "lanplus", "-H", bmc["address"], "-p", str(bmc["port"]), "-U", bmc["user"], "-f"]
    argv += [bmc["password"]["file"], "-C", "2", "chassis", "power", "status"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30)
    assert done.returncode != 0
    assert "no matching cipher suite" in done.stderr
