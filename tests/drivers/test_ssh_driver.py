"""What the simulated rack's SSH servers do not do: floods, hangs, signals, strangers on the port."""

from __future__ import annotations

import shlex
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from servers import closed_tcp, silent_tcp, talking_tcp
from ssh_servers import Process, Running, mute_ssh_server, ssh_server, succeed

from pytest_qacloud.drivers.ssh import LONGEST_OUTPUT, SshShell, host_key_pair
from pytest_qacloud.errors import (
    AccessDeniedError,
    ConfigError,
    DeadlineError,
    ServiceFaultError,
    UnreachableError,
)
from pytest_qacloud.model import SshEndpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST, CLIENT = host_key_pair(b"\x01" * 32), host_key_pair(b"\x02" * 32)


def endpoint(port: int, host_key: str = HOST.public) -> SshEndpoint:
    return SshEndpoint("127.0.0.1", port, "root", host_key)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    with ssh_server(HOST, CLIENT.public, root=tmp_path) as running:
        yield running


@pytest.fixture
def shell(server: Running) -> Iterator[SshShell]:
    shell = SshShell(endpoint(server.port), CLIENT.private, timeout_s=3)
    yield shell
    shell.close()


def test_output_of_both_streams_is_read_whatever_its_size_and_its_end_is_kept(shell: SshShell) -> None:
    size = 6 * LONGEST_OUTPUT
    result = shell.run(["flood", str(size)], timeout_s=30)
    assert result.exit_status == 0
    assert result.stdout.endswith("the end")
    for stream in (result.stdout, result.stderr):
        note, _, kept = stream.partition("\n")
        assert "bytes left out" in note
        assert LONGEST_OUTPUT <= len(kept) < 2 * LONGEST_OUTPUT


def test_a_command_that_does_not_end_is_given_up_with_its_last_words(shell: SshShell) -> None:
    with pytest.raises(DeadlineError, match=r"hang on 127\.0\.0\.1.*still at it"):
        shell.run(["hang"], timeout_s=0.3)
    assert shell.run(["other"], timeout_s=3).exit_status == 3


def test_a_command_that_closes_its_output_and_goes_on_is_given_up(shell: SshShell) -> None:
    with pytest.raises(DeadlineError):
        shell.run(["half-closed"], timeout_s=0.3)


def test_a_command_that_a_signal_ends_is_a_fault(shell: SshShell) -> None:
    with pytest.raises(ServiceFaultError, match="a signal ended it"):
        shell.run(["killed"], timeout_s=3)


def test_a_connection_that_breaks_is_unreachable(shell: SshShell) -> None:
    with pytest.raises(UnreachableError, match="the connection broke while broken ran"):
        shell.run(["broken"], timeout_s=3)


def test_a_kept_connection_that_has_died_is_replaced_without_an_error(shell: SshShell, server: Running) -> None:
    assert shell.run(["echo", "one"], timeout_s=3).exit_status == 0
    server.cut()
    assert shell.run(["echo", "two"], timeout_s=3).exit_status == 0
    assert len(server.connections) == 2


def test_one_connection_serves_many_commands(shell: SshShell, server: Running) -> None:
    for _ in range(5):
        shell.run(["echo"], timeout_s=3)
    assert len(server.connections) == 1


def test_arguments_are_quoted(shell: SshShell) -> None:
    argv = ["echo", "a b", "$HOME", "'", "; reboot"]
    assert shlex.split(shell.run(argv, timeout_s=3).stdout) == argv


def test_a_server_that_gives_no_session_is_worth_another_try() -> None:
    with ssh_server(HOST, CLIENT.public, process=None) as server:
        shell = SshShell(endpoint(server.port), CLIENT.private, timeout_s=3)
        with pytest.raises(UnreachableError, match="no session"):
            shell.run(["true"], timeout_s=3)
        shell.close()


def test_a_request_left_unanswered_does_not_last_for_ever() -> None:
    with mute_ssh_server(HOST) as port:
        shell = SshShell(endpoint(port), CLIENT.private, timeout_s=0.4)
        with pytest.raises(UnreachableError, match="the connection broke"):
            shell.run(["true"], timeout_s=5)
        shell.close()


def test_a_key_that_is_not_authorized_is_denied() -> None:
    with ssh_server(HOST, HOST.public) as server:
        shell = SshShell(endpoint(server.port), CLIENT.private, timeout_s=3)
        with pytest.raises(AccessDeniedError, match=r"refused our key .*SHA256:.*authorized_keys") as caught:
            shell.run(["true"], timeout_s=3)
        assert "PRIVATE" not in str(caught.value)


def test_nobody_there_is_unreachable() -> None:
    with closed_tcp() as port, pytest.raises(UnreachableError, match="refused"):
        SshShell(endpoint(port), CLIENT.private).run(["true"], timeout_s=3)


def test_a_server_that_says_nothing_is_unreachable() -> None:
    with silent_tcp() as port, pytest.raises(UnreachableError, match="banner"):
        SshShell(endpoint(port), CLIENT.private, timeout_s=0.3).run(["true"], timeout_s=3)


@pytest.mark.parametrize("greeting", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-short\r\n", b""])
def test_a_stranger_on_the_port_is_unreachable(greeting: bytes) -> None:
    with talking_tcp(greeting) as port, pytest.raises(UnreachableError):
        SshShell(endpoint(port), CLIENT.private, timeout_s=2).run(["true"], timeout_s=3)


def test_nothing_is_left_open_after_failures() -> None:
    def files() -> set[str]:
        return {path.name for path in Path("/proc/self/fd").iterdir()}

    before, threads = files(), set(threading.enumerate())
    with silent_tcp() as silent, closed_tcp() as closed:
        for port in (silent, closed):
            with pytest.raises(UnreachableError):
                SshShell(endpoint(port), CLIENT.private, timeout_s=0.2).run(["true"], timeout_s=3)
    assert files() == before
    assert set(threading.enumerate()) <= threads


@pytest.mark.parametrize("key", ["", "ssh-ed25519", "ssh-ed25519 ???", "ssh-dss AAAA"])
def test_a_malformed_host_key_is_a_mistake_in_the_pool(key: str) -> None:
    with silent_tcp() as port, pytest.raises(ConfigError, match="host key"):
        SshShell(endpoint(port, key), CLIENT.private).run(["true"], timeout_s=3)


def test_a_bastion_that_may_not_forward_says_so() -> None:
    with ssh_server(HOST, CLIENT.public) as server, closed_tcp() as port:
        shell = SshShell(endpoint(port), CLIENT.private, bastion=endpoint(server.port), timeout_s=3)
        with pytest.raises(AccessDeniedError, match="AllowTcpForwarding"):
            shell.run(["true"], timeout_s=3)
        shell.close()


def test_a_bastion_that_has_died_is_reached_again() -> None:
    with ssh_server(HOST, CLIENT.public) as server, closed_tcp() as port:
        shells = [SshShell(endpoint(port), CLIENT.private, bastion=endpoint(server.port), timeout_s=3) for _ in "ab"]
        for shell in shells:
            with pytest.raises(AccessDeniedError):
                shell.run(["true"], timeout_s=3)
        assert len(server.connections) == 1
        server.cut()
        with pytest.raises((AccessDeniedError, UnreachableError)):
            shells[0].run(["true"], timeout_s=3)
        with pytest.raises(AccessDeniedError):
            shells[0].run(["true"], timeout_s=3)
        assert len(server.connections) == 2
        for shell in shells:
            shell.close()


def test_an_unreadable_file_is_a_fault(shell: SshShell) -> None:
    with pytest.raises(ServiceFaultError, match="cannot read /etc/x"):
        shell.read_file("/etc/x")


def test_a_file_that_is_not_small_is_not_returned_in_part() -> None:
    async def pour(process: Process) -> None:
        process.stdout.write(bytes(3 * LONGEST_OUTPUT))
        await process.stdout.drain()
        process.exit(0)

    with ssh_server(HOST, CLIENT.public, process=pour) as server:
        shell = SshShell(endpoint(server.port), CLIENT.private, timeout_s=10)
        with pytest.raises(ServiceFaultError, match="/big is longer than"):
            shell.read_file("/big")
        shell.close()


def test_a_local_file_that_is_not_there_is_named(shell: SshShell, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no-such-file"):
        shell.upload(str(tmp_path / "no-such-file"), "/x/y")


def test_a_folder_that_cannot_be_made_is_a_fault(shell: SshShell) -> None:
    with pytest.raises(ServiceFaultError, match="cannot make the folder /x"):
        shell.write_file("/x/y", b"")


def test_a_connection_that_breaks_while_a_file_is_written_is_unreachable(tmp_path: Path) -> None:
    local = tmp_path / "big"
    local.write_bytes(bytes(8 << 20))
    (tmp_path / "root").mkdir()
    with ssh_server(HOST, CLIENT.public, root=tmp_path / "root", process=succeed, slow_writes=True) as server:
        shell = SshShell(endpoint(server.port), CLIENT.private, timeout_s=2)
        timer = threading.Timer(0.2, server.cut)
        timer.start()
        with pytest.raises(UnreachableError):
            shell.upload(str(local), "/big")
        timer.join()
        shell.close()


def test_a_transfer_that_stalls_is_unreachable(tmp_path: Path) -> None:
    local = tmp_path / "file"
    local.write_bytes(bytes(100))
    (tmp_path / "root").mkdir()
    with ssh_server(HOST, CLIENT.public, root=tmp_path / "root", process=succeed, slow_writes=True) as server:
        shell = SshShell(endpoint(server.port), CLIENT.private, timeout_s=0.3)
        with pytest.raises(UnreachableError, match="writing /file stalled"):
            shell.upload(str(local), "/file")
        shell.close()


def test_a_file_that_cannot_be_replaced_is_a_fault_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "by").write_text("another")
    with ssh_server(HOST, CLIENT.public, root=tmp_path, process=succeed) as server:
        shell = SshShell(endpoint(server.port), CLIENT.private, timeout_s=3)
        with pytest.raises(ServiceFaultError, match="cannot write /taken"):
            shell.write_file("/taken", b"content")
        shell.close()
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_a_server_without_file_transfer_is_a_fault() -> None:
    with ssh_server(HOST, CLIENT.public, process=succeed) as server:
        shell = SshShell(endpoint(server.port), CLIENT.private, timeout_s=3)
        with pytest.raises(ServiceFaultError, match="it refused"):
            shell.write_file("/file", b"content")
        assert shell.run(["true"], timeout_s=3).exit_status == 0
        shell.close()
