"""The rack as a program: how it starts, what it opens and writes, and how it ends."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

Start = Callable[..., subprocess.Popen[str]]

RACK = (sys.executable, "-W", "always", "-m", "pytest_qacloud.rack")


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a rack; what a test leaves running is ended, so that its failure is no other test's."""
    with contextlib.ExitStack() as running:

        def start(*arguments: str) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [*RACK, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            running.enter_context(process)
            running.callback(process.kill)
            return process

        yield start


def ready(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    said: dict[str, Any] = json.loads(process.stdout.readline())
    return said


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, errors = process.communicate(timeout=20)
    return process.returncode, errors


def test_a_signal_ends_it_without_a_word_and_its_folder_can_be_used_again(start: Start, tmp_path: Path) -> None:
    pools = []
    for number in (signal.SIGTERM, signal.SIGINT):
        process = start("--dir", str(tmp_path / "rack"))
        said = ready(process)
        assert said["pid"] == process.pid
        assert said["pool_file"] == str(tmp_path / "rack" / "pool.toml")
        assert said["control"].startswith("http://127.0.0.1:")
        pools.append(Path(said["pool_file"]).read_text())
        process.send_signal(number)
        assert ended(process) == (0, "")
    assert pools[0] != pools[1]


def test_connections_that_are_open_do_not_hold_it_up(start: Start, tmp_path: Path) -> None:
    process = start("--dir", str(tmp_path))
    said = ready(process)
    pool = tomllib.loads(Path(said["pool_file"]).read_text())
    ports = [pool["storage"]["shell"]["port"], pool["puppet"]["ca_port"], urlsplit(pool["cobbler"]["url"]).port]
    with contextlib.ExitStack() as open_ones:
        for port in ports:
            open_ones.enter_context(socket.create_connection(("127.0.0.1", port)))
        control = HTTPConnection(str(urlsplit(said["control"]).hostname), urlsplit(said["control"]).port)
        open_ones.enter_context(contextlib.closing(control))
        control.request("GET", "/state")
        assert control.getresponse().read()
        process.terminate()
        assert ended(process) == (0, "")


def test_the_end_of_its_input_ends_it(start: Start, tmp_path: Path) -> None:
    process = start("--dir", str(tmp_path), "--parent-pipe")
    ready(process)
    assert process.stdin is not None
    process.stdin.write("still here\n")
    process.stdin.close()
    process.stdin = None
    assert ended(process) == (0, "")


def test_a_file_as_input_is_no_pipe(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (tmp_path / "file").open() as file:
        done = subprocess.run(
            [*RACK, "--dir", str(tmp_path), "--parent-pipe"], stdin=file, capture_output=True, text=True, timeout=20
        )
    assert done.returncode == 2
    assert "rack: --parent-pipe needs a pipe" in done.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [("machines = 0", "rack: machines must be 1 to 4000"), ('[[faults]]\nfault = "x"', "rack: there is no fault 'x'")],
)
def test_wrong_settings_are_said_in_a_line(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "rack.toml").write_text(content)
    done = subprocess.run(
        [*RACK, "--dir", str(tmp_path), "--rack-file", str(tmp_path / "rack.toml")],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(said)
    assert done.stdout == ""


def test_a_folder_that_cannot_be_written_to_is_said_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = subprocess.run([*RACK, "--dir", str(tmp_path / "file" / "rack")], capture_output=True, text=True, timeout=20)
    assert done.returncode == 2
    assert "rack: cannot write to" in done.stderr


def test_only_loopback_is_listened_on_and_secrets_are_their_owners(start: Start, tmp_path: Path) -> None:
    process = start("--dir", str(tmp_path / "rack"), "--hypervisor", "vmware", "--name", "vm-rack")
    said = ready(process)
    endpoints = _endpoints(process.pid)
    process.terminate()
    assert ended(process) == (0, "")
    assert len(endpoints) == 4 + 4, "four services and a BMC for each machine"
    assert {address[-2:] for address, _ in endpoints} == {"7F"}

    assert stat.S_IMODE((tmp_path / "rack").stat().st_mode) == 0o700
    kept = sorted((tmp_path / "rack" / "secrets").iterdir())
    assert kept
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}
    text = Path(said["pool_file"]).read_text()
    for path in kept:
        assert path.read_text().strip() not in text
    pool = tomllib.loads(text)
    assert pool["name"] == "vm-rack"
    assert pool["vmware"]["password"] == {"file": str(tmp_path / "rack" / "secrets" / "vcenter_password")}
    assert [machine["role"] for machine in pool["machines"]] == ["management", "hypervisor", "hypervisor", "spare"]


def _endpoints(pid: int) -> set[tuple[str, str]]:
    """Address (hexadecimal, little endian) and port of all that a process listens on (proc(5))."""
    links = []
    for name in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed since it was listed
            links.append(str(name.readlink()))
    inodes = {link.removeprefix("socket:[").rstrip("]") for link in links if link.startswith("socket:[")}
    found = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[9] in inodes:
                address, port = words[1].split(":")
                assert len(address) == 8, "an IPv6 socket"
                found.add((address, port))
    return found
