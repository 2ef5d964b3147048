"""SSH servers that misbehave in ways the simulated rack's do not; loopback, ports the kernel picks."""

from __future__ import annotations

import asyncio
import io
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import asyncssh
import paramiko
from paramiko.common import AUTH_SUCCESSFUL, OPEN_SUCCEEDED

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from pytest_qacloud.drivers.ssh import HostKeyPair

Process = asyncssh.SSHServerProcess[bytes]


class Running(NamedTuple):
    """A server.

    Args:
        connections: how many clients have connected so far.
        cut: break all connections.
    """

    port: int
    connections: list[asyncssh.SSHServerConnection]
    cut: Callable[[], None]


async def behave(process: Process) -> None:
    """Do what the command says, badly."""
    words = (process.command or "").split()
    match words:
        case ["flood", size]:
            block = b"x" * 32768
            for _ in range(int(size) // len(block)):
                process.stdout.write(block)
                process.stderr.write(block)
                await process.stderr.drain()
                await process.stdout.drain()
            process.stdout.write(b"the end")
            process.exit(0)
        case ["hang"]:
            process.stderr.write(b"still at it\n")
            await asyncio.sleep(60)
        case ["half-closed"]:
            process.stdout.write_eof()
            await asyncio.sleep(60)
        case ["killed"]:
            process.exit_with_signal("KILL")
        case ["broken"]:
            process.channel.get_connection().abort()
        case ["echo", *_]:
            process.stdout.write((process.command or "").encode())
            process.exit(0)
        case _:
            process.exit(3)


async def succeed(process: Process) -> None:
    """Take any command for done."""
    process.exit(0)


class StallingSftp(asyncssh.SFTPServer):
    """Takes data for ever, and keeps none."""

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        return io.BytesIO()

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        await asyncio.sleep(60)
        return len(data)


class Login(asyncssh.SSHServer):
    """Lets one key in as `root`, and forwards nothing."""

    def __init__(self, authorized: str, connections: list[asyncssh.SSHServerConnection]) -> None:
        self._authorized, self._connections = asyncssh.import_public_key(authorized), connections

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connections.append(conn)

    def connection_requested(self, *_: object) -> bool:
        raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "no forwarding")

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == "root" and key == self._authorized


@contextmanager
def ssh_server(
    host_key: HostKeyPair,
    authorized: str,
    *,
    root: Path | None = None,
    process: Callable[[Process], Awaitable[None]] | None = behave,
    slow_writes: bool = False,
) -> Iterator[Running]:
    """A server with one key of its own, that lets one key in as `root`.

    Args:
        root: the folder that SFTP sees; `None` is no SFTP.
        slow_writes: SFTP never finishes a write.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    connections: list[asyncssh.SSHServerConnection] = []

    def sftp(channel: asyncssh.SSHServerChannel[bytes]) -> asyncssh.SFTPServer:
        return (StallingSftp if slow_writes else asyncssh.SFTPServer)(channel, chroot=str(root).encode())

    async def start() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=lambda: Login(authorized, connections),
            server_host_keys=[asyncssh.import_private_key(host_key.private)],
            process_factory=process,
            sftp_factory=sftp if root else None,
            encoding=None,
        )

    async def stop() -> None:
        acceptor.close()
        cut()
        await acceptor.wait_closed()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)

    def cut() -> None:
        for connection in connections:
            connection.abort()

    def cut_from_outside() -> None:
        loop.call_soon_threadsafe(cut)

    acceptor = asyncio.run_coroutine_threadsafe(start(), loop).result()
    try:
        yield Running(acceptor.get_port(), connections, cut_from_outside)
    finally:
        asyncio.run_coroutine_threadsafe(stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def mute_ssh_server(host_key: HostKeyPair) -> Iterator[int]:
    """A server that lets everybody in and opens sessions, but leaves requests in them unanswered."""
    released = threading.Event()

    class Mute(paramiko.ServerInterface):
        def get_allowed_auths(self, username: str) -> str:
            return "publickey"

        def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
            return AUTH_SUCCESSFUL

        def check_channel_request(self, kind: str, chanid: int) -> int:
            return OPEN_SUCCEEDED

        def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
            released.wait()
            return False

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                transport = paramiko.Transport(connection)
                transport.add_server_key(paramiko.Ed25519Key.from_private_key(io.StringIO(host_key.private)))
                transport.start_server(server=Mute())
                released.wait()
                transport.close()
                transport.join()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            released.set()
            thread.join()
