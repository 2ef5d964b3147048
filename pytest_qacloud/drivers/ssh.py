"""SSH: commands and files on one machine, with the host key known beforehand."""

from __future__ import annotations

import posixpath
import secrets
import shlex
import threading
from collections import deque
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import paramiko

from ..deadline import Deadline
from ..errors import ConfigError, DeadlineError, ServiceFaultError, UnreachableError
from ..ports import CommandResult
from .ssh_connect import Bastion, connect, disconnect, load_key
from .ssh_keys import HostKeyPair, host_key_pair, public_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ..model import SshEndpoint

LONGEST_OUTPUT = 1 << 20
"""Bytes kept of each stream of a command; of a longer one the end is kept, where errors stand."""

LONGEST_LINE = 200
"""Characters of a command's last line in a message."""

BREAKING_S = 0.2
"""Seconds a breaking connection gets to show it."""

_CHUNK = 1 << 16


class SshShell:
    """A `Shell` over one SSH connection. Safe to call from several threads.

    Args:
        private_key: in OpenSSH's format, without a passphrase.
        bastion: a host to jump through; shells with the same one share a connection to it.
        timeout_s: seconds for each step of connecting, and between two parts of a file transfer.
    """

    def __init__(
        self,
        endpoint: SshEndpoint,
        private_key: str,
        *,
        bastion: SshEndpoint | None = None,
        timeout_s: float = 20,
    ) -> None:
        self._endpoint = endpoint
        self._key = load_key(private_key)
        self._timeout_s = timeout_s
        self._jump = bastion
        self._bastion: Bastion | None = None
        self._name = f"SSH {endpoint.user}@{endpoint.host}:{endpoint.port}"
        self._lock = threading.Lock()
        self._transport: paramiko.Transport | None = None

    def run(self, argv: Sequence[str], *, timeout_s: float) -> CommandResult:
        """Run one command; each argument is quoted, so none is read by the remote shell.

        Raises:
            UnreachableError: no answer, or the connection broke.
            HostKeyError: another host key than the expected one.
            AccessDeniedError: our key was refused.
            DeadlineError: the command did not end in `timeout_s`; it may go on over there.
            ServiceFaultError: the server does not run commands, or a signal ended this one.
        """
        status, stdout, stderr = self._run(argv, timeout_s)
        return CommandResult(status, stdout.text(), stderr.text())

    def read_file(self, path: str) -> str | None:
        """A small text file's content; `None` where there is none."""
        status, stdout, stderr = self._run(["cat", "--", path], self._timeout_s)
        if stdout.dropped:
            raise ServiceFaultError(self._name, f"{path} is longer than {LONGEST_OUTPUT} bytes: not a small text file")
        if status == 0:
            return stdout.text()
        if "No such file" in stderr.text():
            return None
        raise ServiceFaultError(self._name, f"cannot read {path}: {stderr.last_line() or 'cat failed'}")

    def write_file(self, path: str, content: bytes) -> None:
        """Write a file whole or not at all: a temporary name, then a rename. Parent folders are made."""

        def put(sftp: paramiko.SFTPClient, temporary: str) -> None:
            with sftp.open(temporary, "wb") as file:
                file.write(content)

        self._replace(path, put)

    def upload(self, local: str, path: str) -> None:
        """Copy a local file there, whole or not at all. Parent folders are made."""
        if not Path(local).is_file():
            raise ConfigError("there is no such file to upload", file=local)
        self._replace(path, lambda sftp, temporary: sftp.put(local, temporary, confirm=True))

    def close(self) -> None:
        """Drop the connection; never raises."""
        with self._lock:
            if self._transport is not None:
                disconnect(self._transport)
                self._transport = None
            if self._bastion is not None:
                self._bastion.release()
                self._bastion = None

    def _run(self, argv: Sequence[str], timeout_s: float) -> tuple[int, _Tail, _Tail]:
        deadline = Deadline(timeout_s)
        what = f"{argv[0]} on {self._endpoint.host}"
        with self._channel(lambda channel: channel.exec_command(shlex.join(argv))) as channel:
            stdout, stderr = _collect(channel, deadline, what)
            if not channel.status_event.wait(deadline.left_s):
                raise DeadlineError(what, deadline.elapsed_s, stderr.last_line())
            status = channel.recv_exit_status()
            if status == -1 and _broken(channel):
                raise UnreachableError(self._name, f"the connection broke while {argv[0]} ran", "is the machine up?")
            if status == -1:
                raise ServiceFaultError(self._name, f"{argv[0]} ended without an exit status: a signal ended it")
            return status, stdout, stderr

    def _replace(self, path: str, put: Callable[[paramiko.SFTPClient, str], object]) -> None:
        folder = posixpath.dirname(path)
        made = self.run(["mkdir", "-p", "--", folder], timeout_s=self._timeout_s)
        if made.exit_status:
            raise ServiceFaultError(self._name, f"cannot make the folder {folder}: {made.stderr.strip()}")
        temporary = f"{path}.{secrets.token_hex(4)}.part"
        with self._channel(lambda channel: channel.invoke_subsystem("sftp")) as channel:
            try:
                sftp = paramiko.SFTPClient(channel)
                try:
                    put(sftp, temporary)
                    sftp.posix_rename(temporary, path)
                except OSError:
                    with suppress(OSError, EOFError, paramiko.SSHException):
                        sftp.remove(temporary)
                    raise
            except TimeoutError as error:
                raise UnreachableError(self._name, f"writing {path} stalled") from error
            except OSError as error:
                if _broken(channel):
                    raise UnreachableError(self._name, f"the connection broke while {path} was written") from error
                raise ServiceFaultError(self._name, f"cannot write {path}: {error}", "is its disk full?") from error

    @contextmanager
    def _channel(self, begin: Callable[[paramiko.Channel], None]) -> Iterator[paramiko.Channel]:
        """A channel on which `begin` has been accepted, closed at the end."""
        channel = self._open()
        try:
            channel.settimeout(self._timeout_s)
            with self._bounded(channel):
                begin(channel)
            yield channel
        except (EOFError, paramiko.SSHException) as error:
            if _broken(channel):
                raise UnreachableError(self._name, "the connection broke", "is the machine up?") from error
            raise ServiceFaultError(self._name, f"it refused: {error or 'no reason given'}") from error
        finally:
            channel.close()

    @contextmanager
    def _bounded(self, channel: paramiko.Channel) -> Iterator[None]:
        """Cut the connection where the server leaves a request unanswered: paramiko would wait for ever."""
        timer = threading.Timer(self._timeout_s, disconnect, [channel.get_transport()])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()

    def _open(self) -> paramiko.Channel:
        """A new channel; on a kept connection that turns out to be dead, on a new one."""
        with self._lock:
            kept = self._transport
            if kept is not None:
                try:
                    return kept.open_session(timeout=self._timeout_s)
                except paramiko.ChannelException as error:  # others may be using the connection: leave it
                    raise UnreachableError(self._name, f"no further session: {error.text}") from error
                except (EOFError, OSError, paramiko.SSHException):
                    disconnect(kept)
                    self._transport = None
            self._transport = self._connect()
            try:
                return self._transport.open_session(timeout=self._timeout_s)
            except (EOFError, OSError, paramiko.SSHException) as error:
                disconnect(self._transport)
                self._transport = None
                raise UnreachableError(self._name, f"no session: {error or 'the connection broke'}") from error

    def _connect(self) -> paramiko.Transport:
        if self._jump is None:
            return connect(self._endpoint, self._key, self._timeout_s)
        if self._bastion is None:
            self._bastion = Bastion.shared(self._jump, self._key, self._timeout_s)
        return self._bastion.connect(self._endpoint, self._key)


class _Arrival(threading.Event):
    """Set when something arrives on either stream, or when both end.

    paramiko clears it for one stream without a look at the other, and its own pipe for `select` loses wake-ups so.
    """

    def clear(self) -> None:
        """Not paramiko's business."""

    def forget(self) -> None:
        """What arrives from now on sets it."""
        super().clear()


class _Tail:
    """The end of a stream, `LONGEST_OUTPUT` bytes at most."""

    def __init__(self) -> None:
        self._chunks: deque[bytes] = deque()
        self._kept = self.dropped = 0

    def add(self, chunk: bytes) -> None:
        self._chunks.append(chunk)
        self._kept += len(chunk)
        while self._kept - len(self._chunks[0]) >= LONGEST_OUTPUT:
            gone = len(self._chunks.popleft())
            self._kept -= gone
            self.dropped += gone

    def text(self) -> str:
        note = f"[{self.dropped} bytes left out]\n" if self.dropped else ""
        return note + b"".join(self._chunks).decode(errors="replace")

    def last_line(self) -> str:
        return self.text().strip().rpartition("\n")[2][-LONGEST_LINE:]


def _broken(channel: paramiko.Channel) -> bool:
    """Whether the connection is gone too, now that a channel has ended oddly.

    paramiko ends the channels of a broken connection first and says a moment later that it is broken.
    """
    transport = channel.get_transport()
    transport.join(BREAKING_S)
    return not transport.is_active()


def _collect(channel: paramiko.Channel, deadline: Deadline, what: str) -> tuple[_Tail, _Tail]:
    """Standard output and error until both end; both are read all the time, so that neither blocks the other."""
    stdout, stderr, arrival = _Tail(), _Tail(), _Arrival()
    channel.in_buffer.set_event(arrival)
    channel.in_stderr_buffer.set_event(arrival)
    while True:
        arrival.forget()
        ended = channel.eof_received or channel.closed  # looked at first: what came before the end is still read
        while channel.recv_ready() and not deadline.over:
            stdout.add(channel.recv(_CHUNK))
        while channel.recv_stderr_ready() and not deadline.over:
            stderr.add(channel.recv_stderr(_CHUNK))
        if ended and not channel.recv_ready() and not channel.recv_stderr_ready():
            return stdout, stderr
        if deadline.over:
            raise DeadlineError(what, deadline.elapsed_s, stderr.last_line() or stdout.last_line())
        arrival.wait(deadline.left_s)


__all__ = ["HostKeyPair", "SshShell", "host_key_pair", "public_key"]
