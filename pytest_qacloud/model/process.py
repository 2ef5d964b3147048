"""A pool without machines: a management server that is built from a commit and runs here. Inert data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .pool import Hypervisor, LeaseSettings, PollIntervals, Timeouts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .secret import SecretRef

API_PORT = "api"
"""The name of the port that CloudStack's API is to listen on."""


@dataclass(frozen=True, slots=True)
class AdminLogin:
    """The root administrator of a fresh installation."""

    user: str
    password: SecretRef


@dataclass(frozen=True, slots=True)
class Command:
    """A command that is waited for.

    Args:
        argv: program and arguments; `{placeholders}` are replaced in each, and no shell sees them.
        limit_s: seconds it may take.
    """

    argv: tuple[str, ...]
    limit_s: float


@dataclass(frozen=True, slots=True)
class Server:
    """The command that is the management server: it runs until it is told to end."""

    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ready:
    """How it is seen that the server serves.

    Args:
        url: answers with a status below 400; `None` where `port` is looked at.
        port: the name of a port on which something listens.
        limit_s: seconds from its start.
    """

    limit_s: float
    url: str | None = None
    port: str | None = None


@dataclass(frozen=True, slots=True)
class ProcessRecipe:
    """How a commit becomes a management server that runs.

    Args:
        repository: path or URL of the git repository.
        build, prepare, stop: `None` where nothing is to be done.
        ports: names of the ports that it needs; each run has free ones of its own.
        env: variables for all commands, with placeholders, beside those of the run itself.
        output_mib: size at which a command's output is too much.
    """

    repository: str
    start: Server
    ready: Ready
    build: Command | None = None
    prepare: Command | None = None
    stop: Command | None = None
    ports: tuple[str, ...] = (API_PORT,)
    env: Mapping[str, str] = field(default_factory=dict)
    output_mib: float = 256.0


@dataclass(frozen=True, slots=True)
class ProcessPool:
    """A pool whose zone is simulated by a management server that this machine builds and runs.

    Args:
        name: unique among the pool files in use.
        path: the file it came from, for messages.
    """

    name: str
    management: AdminLogin
    process: ProcessRecipe
    description: str = ""
    tags: frozenset[str] = frozenset()
    lease: LeaseSettings = field(default_factory=LeaseSettings)
    timeouts: Timeouts = field(default_factory=Timeouts)
    poll: PollIntervals = field(default_factory=PollIntervals)
    path: str = ""

    @property
    def hypervisor(self) -> Hypervisor:
        """CloudStack's own simulator: there is nothing else to run VMs on."""
        return Hypervisor.SIMULATOR


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """What tells a process, and the session it leads, from every other, also after its number was given to another.

    Args:
        pid: its number, which is its session's and process group's too.
        start: clock ticks from boot to its start (proc(5), `/proc/PID/stat`, field 22).
        boot: the boot and the PID namespace that these count in.
        mark: a random text that is in the environment of all it starts.
    """

    pid: int
    start: int
    boot: str
    mark: str
