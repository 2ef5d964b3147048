"""What every `Shell` does, against the simulated rack's machines and its storage server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rackclient import MARKER_PATH

from pytest_qacloud.drivers import load
from pytest_qacloud.drivers.ssh import host_key_pair
from pytest_qacloud.errors import AccessDeniedError, HostKeyError, ServiceFaultError, UnreachableError
from pytest_qacloud.ports import Shell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rackclient import Installed, Rack

    from pytest_qacloud.model import Pool, SshEndpoint

    Connect = Callable[..., Shell]

STRANGER = host_key_pair(b"\xaa" * 32)


@pytest.fixture(params=["ssh"])
def connect(request: pytest.FixtureRequest, rack: Rack, rack_pool: Pool) -> Iterator[Connect]:
    """Makes shells, and closes them at the end."""
    made: list[Shell] = []

    def shell(endpoint: SshEndpoint, key: str | None = None, *, bastion: SshEndpoint | None = None) -> Shell:
        driver: Shell = load(request.param)(
            endpoint, rack_pool.ssh.key.read() if key is None else key, bastion=bastion, timeout_s=5
        )
        made.append(driver)
        return driver

    yield shell
    for driver in made:
        driver.close()


@pytest.fixture
def machine(connect: Connect, installed: Installed) -> Shell:
    """A shell on an installed machine."""
    return connect(installed.endpoint)


@pytest.fixture
def storage(connect: Connect, rack_pool: Pool) -> Shell:
    """A shell on the storage server."""
    return connect(rack_pool.storage.shell)


@pytest.fixture
def folder(rack_pool: Pool, request: pytest.FixtureRequest) -> str:
    """A folder of the storage server that this test has for itself."""
    return f"{rack_pool.storage.secondary.path}/{request.node.originalname}"


def test_fulfils_the_port(machine: Shell) -> None:
    assert isinstance(machine, Shell)


def test_a_command_runs(machine: Shell, installed: Installed) -> None:
    assert machine.run(["hostname", "-f"], timeout_s=5) == (0, f"{installed.hostname}\n", "")


def test_a_failing_command_says_how(machine: Shell) -> None:
    result = machine.run(["no-such-command"], timeout_s=5)
    assert result.exit_status == 127
    assert "no-such-command" in result.stderr


@pytest.mark.parametrize("name", ["a b", "a'b", '$(reboot)"`', "; rm -rf *", "ünïcödé", "-n", "*"])
def test_arguments_arrive_as_they_are(storage: Shell, folder: str, name: str) -> None:
    path = f"{folder}/{name}"
    storage.write_file(path, b"here")
    assert storage.read_file(path) == "here"


def test_the_marker_of_the_installed_system_is_read(machine: Shell, installed: Installed) -> None:
    assert (machine.read_file(MARKER_PATH) or "").strip() == installed.marker


def test_a_file_that_is_not_there_is_none(machine: Shell) -> None:
    assert machine.read_file("/no/such/file") is None


def test_a_written_file_replaces_the_old_one_and_leaves_nothing_beside_it(
    storage: Shell, folder: str, rack: Rack
) -> None:
    storage.write_file(f"{folder}/deep/down/file", b"first, and longer")
    storage.write_file(f"{folder}/deep/down/file", b"second")
    assert storage.read_file(f"{folder}/deep/down/file") == "second"
    assert [path.name for path in (rack.folder / "storage" / folder[1:] / "deep/down").iterdir()] == ["file"]


def test_an_upload_arrives_whole(storage: Shell, folder: str, tmp_path: Path, rack: Rack) -> None:
    content = bytes(range(256)) * 4096
    (tmp_path / "local").write_bytes(content)
    storage.upload(str(tmp_path / "local"), f"{folder}/remote")
    assert (rack.folder / "storage" / folder[1:] / "remote").read_bytes() == content


def test_a_full_disk_is_a_fault_and_the_old_file_stays(storage: Shell, folder: str, rack: Rack) -> None:
    storage.write_file(f"{folder}/file", b"old")
    rack.set_fault("disk_full")
    with pytest.raises(ServiceFaultError):
        storage.write_file(f"{folder}/file", b"new")
    rack.clear_faults()
    assert storage.read_file(f"{folder}/file") == "old"
    assert [path.name for path in (rack.folder / "storage" / folder[1:]).iterdir()] == ["file"]


def test_another_host_key_is_told_apart(connect: Connect, installed: Installed) -> None:
    with pytest.raises(HostKeyError, match="another system answers"):
        connect(replace(installed.endpoint, host_key=STRANGER.public)).run(["true"], timeout_s=5)


def test_a_host_key_of_another_type_is_told_apart(connect: Connect, installed: Installed) -> None:
    ecdsa = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTY="
    with pytest.raises(HostKeyError, match="no host key of type ecdsa"):
        connect(replace(installed.endpoint, host_key=ecdsa)).run(["true"], timeout_s=5)


def test_a_key_that_may_not_log_in_is_denied(connect: Connect, installed: Installed) -> None:
    with pytest.raises(AccessDeniedError, match="authorized_keys"):
        connect(installed.endpoint, STRANGER.private).run(["true"], timeout_s=5)


def test_a_machine_that_is_off_is_unreachable(connect: Connect, rack_pool: Pool, installed: Installed) -> None:
    off = replace(installed.endpoint, port=rack_pool.machine("node2").ssh_port)
    with pytest.raises(UnreachableError, match="cannot connect"):
        connect(off).run(["true"], timeout_s=5)


def test_a_connection_cut_during_a_command_is_unreachable_and_the_next_one_connects(machine: Shell, rack: Rack) -> None:
    assert machine.run(["true"], timeout_s=5).exit_status == 0
    rack.set_fault("ssh_drops", "node3")
    with pytest.raises(UnreachableError):
        machine.run(["true"], timeout_s=5)
    rack.clear_faults()
    assert machine.run(["true"], timeout_s=5).exit_status == 0


def test_a_closed_shell_connects_again(machine: Shell) -> None:
    assert machine.run(["true"], timeout_s=5).exit_status == 0
    machine.close()
    machine.close()
    assert machine.run(["true"], timeout_s=5).exit_status == 0


def test_a_bastion_leads_to_the_machine(connect: Connect, installed: Installed, rack_pool: Pool) -> None:
    shell = connect(installed.endpoint, bastion=rack_pool.storage.shell)
    assert shell.run(["hostname", "-f"], timeout_s=5).stdout.strip() == installed.hostname


def test_a_closed_shell_goes_through_its_bastion_again(connect: Connect, installed: Installed, rack_pool: Pool) -> None:
    closed = replace(rack_pool.storage.shell, host_key=STRANGER.public)
    shell = connect(installed.endpoint, bastion=closed)
    for _ in "ab":
        with pytest.raises(HostKeyError):
            shell.run(["true"], timeout_s=5)
        shell.close()


def test_a_bastions_host_key_is_verified(connect: Connect, installed: Installed, rack_pool: Pool) -> None:
    shell = connect(installed.endpoint, bastion=replace(rack_pool.storage.shell, host_key=STRANGER.public))
    with pytest.raises(HostKeyError):
        shell.run(["true"], timeout_s=5)


def test_behind_a_bastion_the_machines_host_key_is_verified(
    connect: Connect, installed: Installed, rack_pool: Pool
) -> None:
    shell = connect(replace(installed.endpoint, host_key=STRANGER.public), bastion=rack_pool.storage.shell)
    with pytest.raises(HostKeyError):
        shell.run(["true"], timeout_s=5)


def test_many_shells_at_once_through_one_bastion(connect: Connect, installed: Installed, rack_pool: Pool) -> None:
    shells = [connect(installed.endpoint, bastion=rack_pool.storage.shell) for _ in range(12)]
    with ThreadPoolExecutor(len(shells)) as threads:
        results = list(threads.map(lambda shell: shell.run(["true"], timeout_s=20).exit_status, shells))
    assert results == [0] * len(shells)


def test_threads_share_a_shell(machine: Shell, installed: Installed) -> None:
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda _: machine.run(["hostname"], timeout_s=20).stdout.strip(), range(32)))
    assert results == [installed.hostname] * 32
