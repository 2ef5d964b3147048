"""The simulated rack as tests use it: a program of its own, and its control port."""

from __future__ import annotations

import base64
import json
import select
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import urlencode

from pytest_qacloud.config import load_pool
from pytest_qacloud.drivers.cobbler import CobblerServer
from pytest_qacloud.drivers.ipmi import IpmiBmc
from pytest_qacloud.drivers.ssh import host_key_pair, public_key
from pytest_qacloud.model import Machine, Pool, SshEndpoint
from pytest_qacloud.ports import PowerAction, System

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MARKER_PATH = "/etc/qacloud-epoch"
START_LIMIT_S = 30.0
STOP_LIMIT_S = 10.0
WAIT_LIMIT_S = 20.0


@dataclass
class Rack:
    """A running rack; `with` stops it.

    It reads the end of its standard input when this process dies, however that happens, and stops by itself.
    """

    process: subprocess.Popen[bytes]
    folder: Path
    pool_file: Path
    control: str

    @classmethod
    def start(
        cls,
        folder: Path,
        *,
        machines: int = 4,
        install_time_s: float = 0.1,
        hypervisor: str = "kvm",
        node_classifier: Sequence[str] = (),
        rack_file: Path | None = None,
    ) -> Self:
        """Start one that keeps its files in `folder`, and wait until it listens."""
        argv = [sys.executable, "-m", "pytest_qacloud.rack", "--dir", str(folder), "--parent-pipe"]
        argv += ["--machines", str(machines), "--install-time", str(install_time_s), "--hypervisor", hypervisor]
        argv += [f"--node-classifier={argument}" for argument in node_classifier]
        argv += [] if rack_file is None else ["--rack-file", str(rack_file)]
        log = folder.with_suffix(".log")
        with log.open("wb") as errors:
            process = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, start_new_session=True, bufsize=0
            )
        try:
            said = json.loads(_first_line(process))
        except ValueError:
            _end(process)
            raise AssertionError(f"the rack did not start:\n{log.read_text(encoding='utf-8')}") from None
        return cls(process, folder, Path(said["pool_file"]), said["control"])

    def pool(self) -> Pool:
        """Its pool file, read."""
        pool = load_pool(self.pool_file)
        assert isinstance(pool, Pool)
        return pool

    def state(self) -> dict[str, Any]:
        """What `GET /state` says."""
        state: dict[str, Any] = self._request("GET", "/state")
        return state

    def machine(self, name: str) -> dict[str, Any]:
        """One machine of `state`."""
        machine: dict[str, Any] = self.state()["machines"][name]
        return machine

    def events(self, machine: str | None = None) -> list[dict[str, Any]]:
        """What has happened since it started, to one machine or to all."""
        events: list[dict[str, Any]] = self._request("GET", "/events")
        return [event for event in events if machine in (None, event.get("machine"))]

    def set_fault(
        self, fault: str, machine: str | None = None, *, value: float | None = None, count: int | None = None
    ) -> None:
        """Set a fault; `count` is how many times it strikes, `None` until it is removed."""
        self._request("POST", "/faults", {"fault": fault, "machine": machine, "value": value, "count": count})

    def clear_faults(self, fault: str | None = None, machine: str | None = None) -> None:
        """Remove one fault, or all of them."""
        named = {"fault": fault, "machine": machine}
        query = urlencode({key: value for key, value in named.items() if value is not None})
        self._request("DELETE", f"/faults?{query}" if query else "/faults")

    def wait_for(self, machine: str, seen: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Look at a machine until it is as wanted; `AssertionError` with its state where it never is."""
        until_s = time.monotonic() + WAIT_LIMIT_S
        while not seen(state := self.machine(machine)):
            assert time.monotonic() < until_s, f"{machine} is still {state}"
            time.sleep(0.02)
        return state

    def stop(self) -> None:
        """End it; one that is gone is no error."""
        _end(self.process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _request(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.control + path, content, method=method)  # noqa: S310 -- our own rack
        request.add_header("Content-Type", "application/json")
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=START_LIMIT_S) as response:
            return json.loads(response.read() or b"null")


class Installed(NamedTuple):
    """A machine of the rack with a system on it."""

    machine: Machine
    hostname: str
    endpoint: SshEndpoint
    marker: str


def install(rack: Rack, pool: Pool, name: str, epoch: int) -> Installed:
    """Put a new system on a machine, with the drivers, and wait until it runs."""
    machine, hostname = pool.machine(name), f"{name}.{pool.network.domain}"
    key, marker = host_key_pair(epoch.to_bytes(32, "big")), f"marker-{epoch}"
    meta = {
        "qacloud_epoch": str(epoch),
        "qacloud_marker": marker,
        "qacloud_marker_path": MARKER_PATH,
        "qacloud_host_key": base64.b64encode(key.private.encode()).decode(),
        "qacloud_authorized_key": base64.b64encode(public_key(pool.ssh.key.read()).encode()).decode(),
        "qacloud_puppet_server": pool.puppet.server,
    }
    system = System(
        name=name,
        hostname=hostname,
        profile=next(iter(pool.cobbler.profiles.values())),
        mac=machine.mac,
        ip=str(machine.ip),
        gateway=str(pool.network.management.gateway),
        name_servers=tuple(map(str, pool.network.dns)),
        netboot_enabled=True,
        meta=meta,
    )
    cobbler = CobblerServer(pool.cobbler, pool.cobbler.password.read())
    bmc = IpmiBmc(machine.bmc, machine.bmc.password.read())
    try:
        cobbler.save_system(system)
        bmc.power(PowerAction.OFF)
        bmc.boot_from_network_once()
        bmc.power(PowerAction.ON)
    finally:
        bmc.close()
        cobbler.close()
    rack.wait_for(name, lambda state: state["state"] == "running" and state["epoch"] == epoch)
    _wait_for_ssh(str(machine.ip), machine.ssh_port)
    return Installed(
        machine, hostname, SshEndpoint(str(machine.ip), machine.ssh_port, pool.ssh.user, key.public), marker
    )


def _wait_for_ssh(host: str, port: int) -> None:
    """A system runs a moment before its SSH server listens."""
    until_s = time.monotonic() + START_LIMIT_S
    while True:
        try:
            socket.create_connection((host, port), timeout=5).close()
        except OSError:
            assert time.monotonic() < until_s, f"nothing listens on {host}:{port}"
            time.sleep(0.02)
        else:
            return


def _first_line(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    until_s, line = time.monotonic() + START_LIMIT_S, b""
    while not line.endswith(b"\n") and time.monotonic() < until_s:
        if select.select([process.stdout], [], [], 0.1)[0]:
            byte = process.stdout.read(1)
            if not byte:
                break
            line += byte
    return line


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
