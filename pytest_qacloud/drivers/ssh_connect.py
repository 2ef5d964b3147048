"""Reaching an SSH server: TCP or a bastion, the host key, the login; each step bounded in time."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import logging
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

import paramiko

from ..errors import AccessDeniedError, ConfigError, HostKeyError, UnreachableError
from .ssh_keys import public_key

if TYPE_CHECKING:
    from ..model import SshEndpoint

GONE_S = 30.0
"""Seconds what we send may stay unacknowledged: a machine that lost its power does not even say goodbye."""

KEEPALIVE_S = 15
"""Seconds of silence before we say something, so that no firewall forgets the connection."""

IDLE_WAKEUP_S = 2.0
"""Seconds between two looks of an idle connection's thread at its flags; paramiko's 0.1 costs a rack of CPU time."""

THREAD_END_S = 5.0
"""Seconds a closed connection's thread gets to end."""

HOST_KEYS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")

_log = logging.getLogger("pytest_qacloud.ssh")
_log.addHandler(logging.NullHandler())  # paramiko logs tracebacks of what is raised here anyway
_log.setLevel(logging.WARNING)  # it tells every packet of a handshake otherwise


def load_key(private: str) -> paramiko.PKey:
    """A private key in OpenSSH's format.

    Raises:
        ConfigError: it is no such key, has a passphrase, or is of a kind paramiko does not know.
    """
    kind = public_key(private).split()[0]
    keys: dict[str, type[paramiko.PKey]] = {"ssh-ed25519": paramiko.Ed25519Key, "ssh-rsa": paramiko.RSAKey}
    loader = keys.get(kind, paramiko.ECDSAKey if kind.startswith("ecdsa-") else None)
    if loader is None:
        raise ConfigError(f"SSH keys of type {kind} are not supported; use ed25519, ecdsa or rsa")
    return loader.from_private_key(io.StringIO(private.strip() + "\n"))


def connect(
    endpoint: SshEndpoint, key: paramiko.PKey, timeout_s: float, through: paramiko.Channel | None = None
) -> paramiko.Transport:
    """A connection to the system that has `endpoint.host_key`, logged in.

    Args:
        timeout_s: seconds for each of: TCP, the banner, the key exchange, the login.
        through: a bastion's channel to the server, in place of a TCP connection of our own.

    Raises:
        UnreachableError: nobody answers there, or not as an SSH server.
        HostKeyError: another system answers.
        AccessDeniedError: it refused the key.
    """
    name = f"SSH {endpoint.user}@{endpoint.host}:{endpoint.port}"
    kind, expected = _host_key(endpoint)
    link = through or _tcp(name, endpoint, timeout_s)
    transport = paramiko.Transport(link)
    try:
        transport.set_log_channel(_log.name)
        transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = timeout_s
        transport.get_security_options().key_types = _algorithms(kind)
        transport.start_client()  # bounded by the two timeouts above; its own would end without an error
        _compare(name, transport.get_remote_server_key().asbytes(), expected)
        transport.auth_publickey(endpoint.user, key)
        transport.set_keepalive(KEEPALIVE_S)
        link.settimeout(IDLE_WAKEUP_S)
    except paramiko.AuthenticationException as error:
        disconnect(transport)
        raise AccessDeniedError(
            name, "it refused our key", f"is {_fingerprint(key.asbytes())} in {endpoint.user}'s authorized_keys?"
        ) from error
    except paramiko.SSHException as error:
        disconnect(transport)
        if "host key" in str(error):
            raise HostKeyError(
                name, f"it has no host key of type {kind}", "another system answers there than the one expected"
            ) from error
        raise UnreachableError(name, f"no SSH connection: {error}", "is sshd up?") from error
    except (OSError, EOFError) as error:
        disconnect(transport)
        raise UnreachableError(name, f"the connection broke: {error or 'closed'}", "is sshd up?") from error
    except BaseException:
        disconnect(transport)
        raise
    return transport


def disconnect(transport: paramiko.Transport) -> None:
    """Close a connection and see its thread end; never raises.

    paramiko's own `close` leaves the socket open where the handshake had not begun, and does not wake the thread.
    """
    link = transport.sock
    if isinstance(link, socket.socket):
        with suppress(OSError):
            link.shutdown(socket.SHUT_RDWR)
    transport.close()
    link.close()
    if transport.is_alive() and transport is not threading.current_thread():
        transport.join(THREAD_END_S)


class Bastion:
    """A connection to a host to jump through, shared by all shells that jump through it.

    One for each shell would run into sshd's `MaxStartups` when a whole rack is reached at once.
    """

    _known: ClassVar[dict[tuple[SshEndpoint, str], Bastion]] = {}
    _registry: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, endpoint: SshEndpoint, key: paramiko.PKey, timeout_s: float) -> None:
        self._endpoint, self._key, self._timeout_s = endpoint, key, timeout_s
        self._users = 0
        self._lock = threading.Lock()
        self._transport: paramiko.Transport | None = None

    @classmethod
    def shared(cls, endpoint: SshEndpoint, key: paramiko.PKey, timeout_s: float) -> Bastion:
        """The one for this host and key; `release` it when done."""
        with cls._registry:
            name = endpoint, _fingerprint(key.asbytes())
            bastion = cls._known.setdefault(name, cls(endpoint, key, timeout_s))
            bastion._users += 1
            return bastion

    def connect(self, endpoint: SshEndpoint, key: paramiko.PKey) -> paramiko.Transport:
        """A connection to `endpoint` through this host; errors as those of `connect`."""
        return connect(endpoint, key, self._timeout_s, self._channel(endpoint))

    def release(self) -> None:
        """One user less; the last one closes the connection."""
        with self._registry:
            self._users -= 1
            if self._users:
                return
            del self._known[self._endpoint, _fingerprint(self._key.asbytes())]
        with self._lock:
            if self._transport is not None:
                disconnect(self._transport)
                self._transport = None

    def _channel(self, target: SshEndpoint) -> paramiko.Channel:
        with self._lock:
            if self._transport is None or not self._transport.is_active():
                if self._transport is not None:
                    disconnect(self._transport)
                self._transport = connect(self._endpoint, self._key, self._timeout_s)
            transport = self._transport
        name = f"SSH bastion {self._endpoint.host}:{self._endpoint.port}"
        place = f"{target.host}:{target.port}"
        try:
            return transport.open_channel(
                "direct-tcpip", (target.host, target.port), ("127.0.0.1", 0), timeout=self._timeout_s
            )
        except paramiko.ChannelException as error:
            if error.code == 1:  # SSH_OPEN_ADMINISTRATIVELY_PROHIBITED, RFC 4254 section 5.1
                raise AccessDeniedError(
                    name, f"it may not forward to {place}", "allow it with AllowTcpForwarding and PermitOpen"
                ) from error
            raise UnreachableError(name, f"{place} does not answer: {error.text}", "is the machine up?") from error
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise UnreachableError(name, f"no way to {place}: {error or 'closed'}", "is the bastion up?") from error


def _tcp(name: str, endpoint: SshEndpoint, timeout_s: float) -> socket.socket:
    try:
        link = socket.create_connection((endpoint.host, endpoint.port), timeout_s)
    except OSError as error:
        raise UnreachableError(name, f"cannot connect: {error.strerror or error}", "is the machine up?") from error
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else each command waits for a delayed ACK, 40 ms
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(GONE_S * 1000))
    return link


def _host_key(endpoint: SshEndpoint) -> tuple[str, bytes]:
    """Type and content of the expected key."""
    try:
        kind, text = endpoint.host_key.split()[:2]
        if kind not in HOST_KEYS:
            raise ConfigError(f"host keys of type {kind} are not supported; use one of {', '.join(HOST_KEYS)}")
        return kind, base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise ConfigError(
            f"the host key of {endpoint.host} is not of the form `ssh-ed25519 AAAA…`; "
            f"`ssh-keyscan -t ed25519 {endpoint.host}` prints it"
        ) from error


def _compare(name: str, shown: bytes, expected: bytes) -> None:
    if shown != expected:
        raise HostKeyError(
            name,
            f"it shows the host key {_fingerprint(shown)}, not {_fingerprint(expected)}",
            "another system answers there, such as the one from before the re-image",
        )


def _algorithms(kind: str) -> tuple[str, ...]:
    """The signatures a host key of this type can make, so that the server picks the key that we know."""
    return ("rsa-sha2-512", "rsa-sha2-256") if kind == "ssh-rsa" else (kind,)


def _fingerprint(key: bytes) -> str:
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")
