"""Commands on this machine, each in a session of its own, and the end of such a session down to its last process.

A command waits at a gate until its identity has been written down: if we die first, it never runs. A process is known
by its number together with its start time and the boot (proc(5)), and is signalled through a pidfd, so that a number
which was given to another process meanwhile is never hit. Linux only.
"""

from __future__ import annotations

import errno
import os
import secrets
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from ..deadline import SYSTEM_CLOCK, Deadline
from ..errors import ServiceFaultError
from ..model import ProcessIdentity
from . import process_net

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from ..deadline import Clock

NAME = "this machine"

MARK = "QACLOUD_MARK"
"""Variable that all processes of a run have in their environment."""

DROPPED = ("GIT_", "PYTEST_", "QACLOUD_", "COV_CORE_")
"""Variables that are about this process, and would mislead what it starts."""

CANNOT_RUN = 126, 127
"""What the gate, as shells do, ends with when there is no such program, or it cannot be run."""

GATE = """
import os, sys
if os.read(0, 1) != b"g":
    os._exit(0)
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
try:
    os.execvp(sys.argv[1], sys.argv[1:])
except OSError as error:
    os.write(2, f"cannot be run: {sys.argv[1]}: {error.strerror}\\n".encode())
    os._exit(126 if isinstance(error, PermissionError) else 127)
"""

KILL_LIMIT_S = 10.0
LOOK_S = 0.05


class Seen(NamedTuple):
    """A process as `/proc/PID/stat` shows it."""

    pid: int
    state: str
    session: int
    start: int

    @property
    def is_alive(self) -> bool:
        """Whether it may still do something: a zombie does not."""
        return self.state not in "ZX"


class Started:
    """A command of ours; fulfils `ports_process.Program`."""

    def __init__(self, process: subprocess.Popen[bytes], identity: ProcessIdentity) -> None:
        self._process, self.identity = process, identity

    def status(self) -> int | None:
        """How it ended; `None` while it runs. It stays a zombie, so that its number is given to nobody else."""
        if self._process.returncode is not None:
            return self._process.returncode
        ended = os.waitid(os.P_PID, self.identity.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None:
            return None
        return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status

    def reap(self) -> None:
        """Let its number go, once its session is empty."""
        self._process.wait()


class LocalPrograms:
    """Fulfils `ports_process.Programs`.

    Args:
        without: names of further variables that commands do not get: those that hold secrets.
        clock: for the pauses while processes end.
    """

    def __init__(self, without: Sequence[str] = (), clock: Clock = SYSTEM_CLOCK) -> None:
        self._without, self._clock = frozenset(without), clock
        self._ours: dict[int, Started] = {}

    def start(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        folder: Path,
        output: Path,
        mark: str,
        announce: Callable[[ProcessIdentity], None],
    ) -> Started:
        """Start a command in a session of its own; it runs once `announce` has returned."""
        whole = {name: value for name, value in os.environ.items() if self._is_passed_on(name)}
        try:
            with open_output(output) as file:
                process = subprocess.Popen(
                    [sys.executable, "-I", "-S", "-c", GATE, *argv],
                    env={**whole, **env, MARK: mark},
                    cwd=folder,
                    stdin=subprocess.PIPE,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    bufsize=0,
                )
        except (OSError, ValueError) as error:  # ValueError: a NUL in an argument
            raise ServiceFaultError(NAME, f"{argv[0]} could not be started: {error}") from error
        gate = process.stdin
        try:
            identity = ProcessIdentity(process.pid, _start_of(process.pid), boot(), mark)
            announce(identity)
            if gate is not None:
                with suppress(BrokenPipeError):  # somebody has ended it already
                    gate.write(b"g")
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            if gate is not None:
                gate.close()
        started = self._ours[process.pid] = Started(process, identity)
        return started

    def end(self, identity: ProcessIdentity, *, grace_s: float) -> int:
        """SIGTERM for all of a session, and SIGKILL for what is left of it after `grace_s`."""
        first = members(identity)
        if first:
            left = self._signal_until_gone(identity, signal.SIGTERM, grace_s, again=False)
            left = left and self._signal_until_gone(identity, signal.SIGKILL, KILL_LIMIT_S, again=True)
            if left:
                numbers = ", ".join(str(seen.pid) for seen in left)
                raise ServiceFaultError(NAME, f"processes {numbers} do not end", "find out what they wait for")
        ours = self._ours.get(identity.pid)
        if ours is not None and ours.identity == identity:
            ours.reap()
            del self._ours[identity.pid]
        return len(first)

    def alive(self, identity: ProcessIdentity) -> bool:
        """Whether anything of a started command's session lives."""
        return bool(members(identity))

    def mark(self) -> str:
        """A new random mark."""
        return secrets.token_hex(16)

    def free_ports(self, count: int, taken: Collection[int]) -> list[int]:
        """Ports of loopback that nothing listens on."""
        return process_net.free_ports(count, taken)

    def listening(self, port: int) -> str | None:
        """Why a port of loopback takes no connection; `None` when it does."""
        return process_net.listening(port)

    def answering(self, url: str) -> str | None:
        """Why a URL does not answer with a status below 400; `None` when it does."""
        return process_net.answering(url)

    def _signal_until_gone(self, identity: ProcessIdentity, number: int, limit_s: float, *, again: bool) -> list[Seen]:
        """Who is left when the time is over.

        Args:
            again: signal at every look: children may have been born since the last.
        """
        deadline, told = Deadline(limit_s, self._clock), False
        while True:
            left = members(identity)
            if not left or deadline.over:
                return left
            if again or not told:
                for seen in left:
                    _signal(seen, number)
                told = True
            self._clock.sleep(min(LOOK_S, deadline.left_s))

    def _is_passed_on(self, name: str) -> bool:
        return not name.startswith(DROPPED) and name not in self._without


def open_output(path: Path) -> BinaryIO:
    """A file that takes a command's output, readable by its owner only."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    return os.fdopen(descriptor, "ab")


def members(identity: ProcessIdentity) -> list[Seen]:
    """The processes of a session that still live.

    While its leader is there, dead or alive, it proves that the session is the one meant. After that its members do by
    the mark in their environment: the number might be another session's by now.
    """
    if identity.boot != boot():
        return []
    leader = _seen(identity.pid)
    if leader is not None and leader.start != identity.start:
        return []
    return [
        seen
        for seen in _all_seen()
        if seen.is_alive
        and seen.session == identity.pid
        and (leader is not None or f"{MARK}={identity.mark}".encode() in _environment(seen.pid))
    ]


def boot() -> str:
    """What process numbers and start times count in."""
    return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {Path('/proc/self/ns/pid').readlink()}"


def _start_of(pid: int) -> int:
    seen = _seen(pid)
    if seen is None:
        raise ServiceFaultError(NAME, f"there is no /proc/{pid}/stat")
    return seen.start


def _all_seen() -> Iterator[Seen]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (seen := _seen(int(entry.name))) is not None:
            yield seen


def _seen(pid: int) -> Seen | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    after_name = text.rpartition(")")[2].split()  # a name may hold spaces and parentheses
    return Seen(pid, after_name[0], int(after_name[3]), int(after_name[19]))


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _signal(seen: Seen, number: int) -> None:
    """Signal this process and no other that has got its number since."""
    try:
        descriptor = os.pidfd_open(seen.pid)
    except OSError as error:
        if error.errno == errno.ESRCH:
            return
        raise ServiceFaultError(NAME, f"process {seen.pid} cannot be signalled: {error.strerror}") from error
    try:
        now = _seen(seen.pid)
        if now is not None and now.start == seen.start:
            signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return
    finally:
        os.close(descriptor)
