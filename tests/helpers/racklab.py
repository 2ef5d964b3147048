"""A rack of its own for these tests, and clients of a few lines for each of its protocols."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
import sys
import tomllib
import xmlrpc.client
from http.client import HTTPSConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncssh
import pytest
from rackclient import Rack
from rmcpclient import RmcpClient

from pytest_qacloud.rack import keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CLASSIFIER = """
import sys
name = sys.argv[1]
if name.startswith("stranger"):
    sys.exit("unknown node")
role = "qacloud::management: {port: 8080}" if name.startswith("node1.") else "qacloud::kvm: {}"
print("classes: {'qacloud::base': {}, %s}" % role.replace("qacloud::kvm", "'qacloud::kvm'").replace(
    "qacloud::management", "'qacloud::management'"))
"""
"""`node1` becomes the management server, every other machine a hypervisor."""


class Ran(NamedTuple):
    status: int | None
    stdout: str
    stderr: str


class Lab:
    """A running rack and its pool file, as TOML has it."""

    def __init__(self, rack: Rack) -> None:
        self.rack = rack
        self.pool: dict[str, Any] = tomllib.loads(rack.pool_file.read_text())
        self.machines: dict[str, dict[str, Any]] = {machine["name"]: machine for machine in self.pool["machines"]}
        self.ssh_key = self.secret(self.pool["ssh"]["key"]) + "\n"
        self._epoch = 0

    @staticmethod
    def secret(reference: Mapping[str, str]) -> str:
        return Path(reference["file"]).read_text().strip()

    def cobbler(self) -> tuple[xmlrpc.client.ServerProxy, str]:
        """A connection and a token; `with` the connection."""
        proxy = xmlrpc.client.ServerProxy(self.pool["cobbler"]["url"])
        return proxy, str(proxy.login(self.pool["cobbler"]["user"], self.secret(self.pool["cobbler"]["password"])))

    def save_system(self, name: str, **meta: str) -> None:
        machine = self.machines[name]
        proxy, token = self.cobbler()
        with proxy:
            handle = proxy.new_system(token)
            for field, value in {
                "name": name,
                "profile": self.pool["cobbler"]["profiles"]["hypervisor"],
                "hostname": f"{name}.sim.test",
                "netboot_enabled": True,
                "autoinstall_meta": meta,
            }.items():
                assert proxy.modify_system(handle, field, value, token)
            proxy.remove_system(name, token)
            interface = {"macaddress-eth0": machine["mac"], "ipaddress-eth0": machine["ip"]}
            assert proxy.modify_system(handle, "modify_interface", interface, token)
            assert proxy.save_system(handle, token)

    def bmc(self, name: str, password: str | None = None, *, suite: int = 17, timeout_s: float = 20) -> RmcpClient:
        bmc = self.machines[name]["bmc"]
        login = bmc["user"], password or self.secret(bmc["password"])
        return RmcpClient.over_udp(bmc["address"], bmc["port"], *login, timeout_s=timeout_s, suite=suite)

    def begin_install(self, name: str, **meta: str) -> tuple[int, str]:
        """Start a re-image; returns its epoch and its public host key."""
        self._epoch += 1
        host_key = keys.new_ssh_key()
        self.save_system(
            name,
            qacloud_epoch=str(self._epoch),
            qacloud_marker=f"mark-{self._epoch}",
            qacloud_host_key=_packed(host_key),
            qacloud_authorized_key=_packed(keys.ssh_public_key(self.ssh_key)),
            **meta,
        )
        client = self.bmc(name)
        assert client.control(0) == 0
        assert client.boot_from(1) == 0
        assert client.control(1) == 0
        return self._epoch, keys.ssh_public_key(host_key)

    def install(self, name: str) -> tuple[int, str]:
        """Re-image, and wait until the new system is up."""
        epoch, host_key = self.begin_install(name)
        self.rack.wait_for(name, lambda state: state["state"] == "running" and state["epoch"] == epoch)
        return epoch, host_key

    def run(self, name: str, command: str, host_key: str | None = None, *, key: str | None = None) -> Ran:
        """One command on a machine; `host_key` is checked where it is given."""
        machine = self.machines[name]
        return self.ssh(machine["ip"], machine["ssh_port"], command, host_key, key=key)

    def ssh(self, host: str, port: int, command: str, host_key: str | None, *, key: str | None = None) -> Ran:
        async def talk() -> Ran:
            async with asyncssh.connect(host, port, **self.options(host_key, key)) as connection:
                done = await connection.run(command)
                return Ran(done.exit_status, str(done.stdout), str(done.stderr))

        return asyncio.run(talk())

    def options(self, host_key: str | None, key: str | None = None) -> dict[str, Any]:
        """What asyncssh needs to log in as root."""
        known: Any = None if host_key is None else ([asyncssh.import_public_key(host_key)], [], [])
        return {
            "username": "root",
            "client_keys": [asyncssh.import_private_key(key or self.ssh_key)],
            "known_hosts": known,
            "config": None,
            "agent_path": None,
        }

    def puppet_ca(self, method: str, path: str, body: str = "", *, certificate: bool = True) -> tuple[int, str]:
        """One call of the CA's API: status and text."""
        puppet = self.pool["puppet"]
        context = ssl.create_default_context(cafile=puppet["ca_file"])
        if certificate:
            context.load_cert_chain(puppet["cert"], puppet["key"]["file"])
        connection = HTTPSConnection(puppet["server"], puppet["ca_port"], timeout=10, context=context)
        with contextlib.closing(connection):
            connection.request(method, f"/puppet-ca/v1/{path}", body or None)
            response = connection.getresponse()
            return response.status, response.read().decode()

    def agent(self, name: str) -> Ran:
        """A run of the Puppet agent."""
        return self.run(name, f"puppet agent --onetime --detailed-exitcodes --certname {name}.sim.test")


def _packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture(scope="session")
def own_rack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One rack for these tests; use `lab`."""
    classifier = tmp_path_factory.mktemp("enc") / "enc.py"
    classifier.write_text(CLASSIFIER)
    command = (sys.executable, "-S", str(classifier))
    folder = tmp_path_factory.mktemp("lab") / "sim"
    with Rack.start(folder, install_time_s=0.15, node_classifier=command) as rack:
        yield Lab(rack)
    errors = folder.with_suffix(".log").read_text()
    assert errors == "", errors


@pytest.fixture
def lab(own_rack: Lab) -> Iterator[Lab]:
    """The rack without faults, systems and certificates, and with every machine off."""
    _clean(own_rack)
    yield own_rack
    _clean(own_rack)


@pytest.fixture
def hundred(tmp_path: Path) -> Iterator[Lab]:
    """A rack of a hundred machines that nobody has used."""
    with Rack.start(tmp_path / "sim", machines=100) as rack:
        yield Lab(rack)


def _clean(lab: Lab) -> None:
    lab.rack.clear_faults()
    proxy, token = lab.cobbler()
    with proxy:
        for name, state in lab.rack.state()["machines"].items():
            proxy.remove_system(name, token)
            if state["power"] == "on":
                assert lab.bmc(name).control(0) == 0
