"""SSH servers: what the machines' systems and the storage server have in common.

Only public keys log in. The algorithms are few and modern, which keeps a handshake cheap: a rack answers hundreds.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

import asyncssh

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable, Sequence

KEY_EXCHANGES = ("curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256")
CIPHERS = ("aes128-gcm@openssh.com", "aes128-ctr", "aes256-ctr")
LOGIN_TIMEOUT_S = 20
NOT_FOUND = 127

logging.getLogger("asyncssh").setLevel(logging.ERROR)  # a refused login is an ordinary event here


class Outcome(NamedTuple):
    """How a command ended."""

    status: int
    stdout: bytes = b""
    stderr: bytes = b""
    cut: bool = False
    """The connection breaks instead of carrying the outcome."""


def not_found(name: str) -> Outcome:
    """What a shell says about a command it does not have."""
    return Outcome(NOT_FOUND, stderr=f"bash: line 1: {name}: command not found\n".encode())


class Login(asyncssh.SSHServer):
    """Who may log in, and where a connection may be forwarded to.

    Args:
        user: the only login.
        authorized_keys: public key lines.
        destinations: addresses and ports that `direct-tcpip` may reach.
        connections: every open connection is kept in there.
    """

    def __init__(
        self,
        user: str,
        authorized_keys: Sequence[str],
        destinations: Callable[[str, int], bool],
        connections: set[asyncssh.SSHServerConnection],
    ) -> None:
        self._user = user
        self._keys = [asyncssh.import_public_key(line) for line in authorized_keys]
        self._destinations, self._connections = destinations, connections

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Remember the connection, so that it can be cut."""
        self._connection = conn
        self._connections.add(conn)

    def connection_lost(self, _exc: Exception | None) -> None:
        """Forget it."""
        self._connections.discard(self._connection)

    def begin_auth(self, _username: str) -> bool:
        """Everybody must prove who they are."""
        return True

    def public_key_auth_supported(self) -> bool:
        """The only way in."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether this key may log in as that user."""
        return username == self._user and key in self._keys

    def connection_requested(self, dest_host: str, dest_port: int, _orig_host: str, _orig_port: int) -> bool:
        """Whether a connection may be forwarded."""
        return self._destinations(dest_host, dest_port)


class SshServer:
    """One SSH server, from `start` to `stop`."""

    def __init__(self) -> None:
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._connections: set[asyncssh.SSHServerConnection] = set()

    async def start(
        self,
        listener: socket.socket,
        *,
        host_key: str,
        user: str,
        authorized_keys: Sequence[str],
        run: Callable[[str], Awaitable[Outcome]],
        sftp: Callable[[asyncssh.SSHServerChannel[bytes]], asyncssh.SFTPServer] | None = None,
        destinations: Callable[[str, int], bool] = lambda _host, _port: False,
    ) -> None:
        """Serve on a listening socket, which `stop` closes.

        Args:
            host_key: private, in OpenSSH's format.
            run: carries out one command line.
        """

        async def session(process: asyncssh.SSHServerProcess[bytes]) -> None:
            if process.command is None:
                process.stderr.write(b"This server runs single commands only.\n")
                process.exit(1)
                return
            outcome = await run(process.command)
            if outcome.cut:
                process.channel.get_connection().abort()
                return
            process.stdout.write(outcome.stdout)
            process.stderr.write(outcome.stderr)
            process.exit(outcome.status)

        self._acceptor = await asyncssh.listen(
            sock=listener,
            server_factory=lambda: Login(user, authorized_keys, destinations, self._connections),
            server_host_keys=[asyncssh.import_private_key(host_key)],
            process_factory=session,
            sftp_factory=sftp or False,
            encoding=None,
            kex_algs=KEY_EXCHANGES,
            encryption_algs=CIPHERS,
            compression_algs=None,
            login_timeout=LOGIN_TIMEOUT_S,
            gss_host=None,
            password_auth=False,
            kbdint_auth=False,
            host_based_auth=False,
            agent_forwarding=False,
            allow_pty=False,
            line_editor=False,
            send_server_host_keys=False,
        )

    def cut(self) -> None:
        """Refuse connections and break those that are open, at once; `stop` is still to be awaited."""
        if self._acceptor is not None:
            self._acceptor.close()
            for connection in list(self._connections):
                connection.abort()

    async def stop(self) -> None:
        """Refuse connections and break those that are open."""
        self.cut()
        if self._acceptor is not None:
            await self._acceptor.wait_closed()
            self._acceptor = None
