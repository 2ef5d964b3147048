"""One computer: chassis, boot order, disk, and the way from power-on to a running system.

Nothing here runs by itself: changes that are due are applied when the machine is looked at (`settle`), and `due` says
when the next one is. Times are UNIX seconds of the caller's clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from .autoinstall import AutoinstallError, parse

if TYPE_CHECKING:
    from .autoinstall import Image
    from .events import EventLog
    from .faults import Faults


class State(StrEnum):
    """Where a machine is on its way."""

    OFF = "off"
    PXE = "pxe"
    INSTALLING = "installing"
    BOOTING = "booting"
    RUNNING = "running"
    HUNG = "hung"
    FAILED = "failed"


class PowerRefusedError(Exception):
    """The chassis cannot do that in its present state (IPMI completion code 0xd5)."""


class ServiceDownError(Exception):
    """The boot server does not answer."""


class Offer(NamedTuple):
    """What the boot server has for a machine: the system's name and its rendered autoinstall."""

    system: str
    autoinstall: str


class BootServer(Protocol):
    """Cobbler, as a machine that boots sees it."""

    def offer(self, mac: str) -> Offer | None:
        """What to install; `None` where the machine shall boot from its disk.

        Raises:
            ServiceDownError: no answer.
        """
        ...

    def finished(self, system: str) -> None:
        """The installer's last calls: the post trigger, and no more network boot.

        Raises:
            ServiceDownError: no answer; the installer tries again.
        """
        ...


@dataclass(frozen=True)
class Timing:
    """How long each part takes, seconds."""

    off_s: float
    pxe_s: float
    install_s: float
    boot_s: float

    @classmethod
    def of(cls, install_time_s: float) -> Timing:
        """Shares of the time from power-on to the new system: a tenth for PXE, a tenth for the boot from disk."""
        return cls(
            off_s=min(0.05 * install_time_s, 1.0),
            pxe_s=0.1 * install_time_s,
            install_s=0.8 * install_time_s,
            boot_s=0.1 * install_time_s,
        )


@dataclass(eq=False)
class Disk:
    """The last system that was installed; stays when the power goes.

    Args:
        epoch: of the lease it was installed for; `None` for somebody else's system.
        host_key: private SSH host key in OpenSSH's format; `None` until the system made one.
        classes: Puppet classes it has converged to, with their parameters.
        repository: where its packages came from; `None` before the first was installed from one.
        behaviours: what the management server's package says of itself.
        agent: what the Puppet agent keeps, such as its key; opaque here.
    """

    hostname: str
    epoch: int | None = None
    files: dict[str, str] = field(default_factory=dict)
    host_key: str | None = field(default=None, repr=False)
    authorized_keys: tuple[str, ...] = ()
    classes: dict[str, dict[str, Any]] = field(default_factory=dict)
    repository: str | None = None
    behaviours: str = ""
    agent: Any = field(default=None, repr=False)

    @classmethod
    def installed(cls, image: Image) -> Disk:
        """A disk right after an installation."""
        return cls(image.hostname, image.epoch, dict(image.files), image.host_key, image.authorized_keys)


class Machine:
    """One computer.

    Args:
        disk: what it boots from; `None` where nothing is on it.
    """

    def __init__(
        self,
        name: str,
        mac: str,
        timing: Timing,
        boot_server: BootServer,
        faults: Faults,
        events: EventLog,
        disk: Disk | None = None,
    ) -> None:
        self.name, self.mac, self.timing, self.disk = name, mac, timing, disk
        self._boot_server, self._faults, self._events = boot_server, faults, events
        self.state = State.OFF
        self.due: float | None = None
        self.boots = 0
        """How often a system has come up; tells one boot from the next."""
        self.boot_device = "default"
        self.boot_device_persists = False
        self._cycling = False
        self._system = ""
        self._image: Image | None = None
        self._breakage: State | None = None

    @property
    def powered(self) -> bool:
        """Whether the chassis is on."""
        return self.state is not State.OFF

    @property
    def running(self) -> bool:
        """Whether a system is up."""
        return self.state is State.RUNNING

    def settle(self, now: float) -> None:
        """Apply every change that is due."""
        while self.due is not None and self.due <= now:
            at, self.due = self.due, None
            self._advance(at)

    def power_on(self, now: float) -> None:
        """Switch on; nothing happens to a chassis that is on, or about to be."""
        self.settle(now)
        if not self.powered and not self._cycling:
            self._note(now, "power_on")
            self._start(now)

    def power_off(self, now: float) -> None:
        """Switch off at once; also ends a power cycle in its off phase."""
        self.settle(now)
        if self.powered or self._cycling:
            self._note(now, "power_off")
        self._cut()

    def power_cycle(self, now: float) -> None:
        """Off, a moment, on; a second call in that moment is the same cycle, asked for again.

        Raises:
            PowerRefusedError: the chassis is off.
        """
        self.settle(now)
        if self._cycling:
            return
        if not self.powered:
            raise PowerRefusedError(self.name)
        self._note(now, "power_cycle")
        self._cut()
        self._cycling, self.due = True, now + self.timing.off_s

    def choose_boot_device(self, now: float, device: str, *, persistent: bool) -> None:
        """The device of the next boot, and of every later one where `persistent`."""
        self.settle(now)
        self._note(now, "bootdev", device=device, persistent=persistent)
        self.boot_device, self.boot_device_persists = device, persistent

    def _note(self, at: float, event: str, **detail: Any) -> None:
        self._events.add(at, self.name, event, **detail)

    def _cut(self) -> None:
        self.state, self.due = State.OFF, None
        self._cycling, self._image, self._breakage = False, None, None

    def _start(self, at: float) -> None:
        self._cycling = False
        device = self.boot_device
        if not self.boot_device_persists:
            self.boot_device = "default"
        if device == "network":
            self.state, self.due = State.PXE, at + self.timing.pxe_s
        else:
            self._boot_from_disk(at)

    def _boot_from_disk(self, at: float) -> None:
        self.state, self.due = State.BOOTING, at + self.timing.boot_s

    def _advance(self, at: float) -> None:
        match self.state:
            case State.OFF:
                self._start(at)
            case State.PXE:
                self._network_boot(at)
            case State.INSTALLING:
                self._end_of_install(at)
            case State.BOOTING:
                self._end_of_boot(at)

    def _network_boot(self, at: float) -> None:
        if self._faults.active("old_os", self.name) is not None:
            self._note(at, "pxe_skipped")
            self._boot_from_disk(at)
            return
        try:
            offer = self._boot_server.offer(self.mac)
        except ServiceDownError:
            self._note(at, "pxe_timeout")
            self._boot_from_disk(at)
            return
        if offer is None:
            self._boot_from_disk(at)
            return
        self._begin_install(at, offer)

    def _begin_install(self, at: float, offer: Offer) -> None:
        self.disk = None
        try:
            self._image = parse(offer.autoinstall)
        except AutoinstallError as error:
            self._note(at, "install_fail", reason=str(error))
            self.state = State.FAILED
            return
        self._note(at, "install_begin", epoch=self._image.epoch)
        self._system = offer.system
        self.state, self.due = State.INSTALLING, at + self.timing.install_s
        if self._faults.active("install_hangs", self.name) is not None:
            self._breakage = State.HUNG
        elif self._faults.active("install_fails", self.name) is not None:
            self._breakage = State.FAILED
        if self._breakage:
            self.due = at + self.timing.install_s / 2

    def _end_of_install(self, at: float) -> None:
        if self._breakage:
            self.state = self._breakage
            self._note(at, "install_hang" if self.state is State.HUNG else "install_fail")
            return
        try:
            self._boot_server.finished(self._system)
        except ServiceDownError:
            self.due = at + max(self.timing.boot_s, 0.01)
            return
        assert self._image is not None  # noqa: S101 - set together with INSTALLING
        self.disk, self._image = Disk.installed(self._image), None
        self._note(at, "install_end", epoch=self.disk.epoch)
        self._boot_from_disk(at)

    def _end_of_boot(self, at: float) -> None:
        if self.disk is None:
            self._note(at, "no_boot_device")
            self.state = State.FAILED
            return
        self.boots += 1
        self._note(at, "os_up", epoch=self.disk.epoch)
        self.state = State.RUNNING
