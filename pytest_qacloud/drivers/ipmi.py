"""One machine's BMC: IPMI 2.0 over UDP, on pyghmi."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from pyghmi.exceptions import IpmiException

from ..deadline import Deadline
from ..errors import AccessDeniedError, ConfigError, DriverError, ServiceFaultError, UnreachableError
from ..ports import PowerAction, PowerState
from .ipmi_session import FIRST_RESEND_S, NoAnswer, Session

if TYPE_CHECKING:
    from ..model import Bmc

CHASSIS = 0x00
"""Network function of the chassis commands, IPMI 2.0 section 28."""

GET_STATUS, CONTROL, SET_BOOT_OPTIONS = 0x01, 0x02, 0x08

CONTROLS = {PowerAction.OFF: 0x00, PowerAction.ON: 0x01, PowerAction.CYCLE: 0x02}

KEEP_BOOT_FLAGS = (0x03, 0x08)
"""Boot option 3: the flags hold even where the power command comes later than 60 s after them (table 28-14)."""

BOOT_NETWORK_ONCE = (0x05, 0x80, 0x04, 0x00, 0x00, 0x00)
"""Boot option 5: valid, not persistent, PXE (table 28-14)."""

NODE_BUSY, INSUFFICIENT_PRIVILEGE, NOT_NOW = 0xC0, 0xD4, 0xD5
"""Completion codes, table 5-2; the last is what `CYCLE` of a chassis that is off gets."""

LONGEST_IDLE_S = 30.0
"""Seconds after which a session is not used again: BMCs drop it, silently, after 60 (section 6.12.15)."""

CONTROL_RESEND_S = 5.0
"""Seconds before a power command is sent again. A BMC that is only slow would carry out both, and the second cycle
would find the boot flags of the first used up."""

REFUSALS = (
    "Incorrect password",
    "Unauthorized name",
    "Unauthorized role",
    "Invalid role",
    "Invalid integrity check value",
    "Invalid RAKP4 integrity",
    "Invalid user name",
    "Insufficient privilege",
    "privelege level",  # pyghmi's spelling
)
"""What pyghmi says when the BMC rejects us, or does not prove that it knows the password."""

PASSING = ("Insufficient resources", "Invalid Session ID", "no longer connected", "Unable to transmit")
"""What it says of a BMC that has no session left, has forgotten ours, or is gone."""


class IpmiBmc:
    """A `PowerController`. Logs in when first used, and again where the BMC has dropped the session.

    Args:
        timeout_s: seconds for one call, with its retransmissions and the login it may need.
    """

    def __init__(self, bmc: Bmc, password: str, *, timeout_s: float = 20) -> None:
        if bmc.cipher_suite not in (3, 17):
            raise ConfigError(f"cipher suite {bmc.cipher_suite} of BMC {bmc.address} is not supported; use 3 or 17")
        self._bmc, self._password, self._timeout_s = bmc, password, timeout_s
        self._name = f"BMC {bmc.address}:{bmc.port}"
        self._lock = threading.Lock()
        self._session: Session | None = None

    def power_state(self) -> PowerState:
        """The chassis's state now; also proves the credentials."""
        status = self._command(GET_STATUS)
        if not status:
            raise ServiceFaultError(self._name, "its chassis status is empty", "see the BMC's manual")
        return PowerState.ON if status[0] & 1 else PowerState.OFF

    def power(self, action: PowerAction) -> None:
        """Tell the chassis; returns when the BMC has accepted, not when the state has changed.

        Raises:
            ServiceFaultError: the BMC refuses, such as `CYCLE` of a chassis that is off.
        """
        self._command(CONTROL, CONTROLS[action])

    def boot_from_network_once(self) -> None:
        """The next boot, and only that one, is from the network."""
        with suppress(ServiceFaultError):  # optional; a BMC without it keeps the flags anyway
            self._command(SET_BOOT_OPTIONS, *KEEP_BOOT_FLAGS)
        self._command(SET_BOOT_OPTIONS, *BOOT_NETWORK_ONCE)

    def close(self) -> None:
        """End the session; never raises."""
        with self._lock:
            self._drop()

    def _command(self, command: int, *data: int) -> bytes:
        """The data that a chassis command answers with."""
        deadline = Deadline(self._timeout_s)
        with self._lock:
            if self._session is not None and self._session.idle_s > LONGEST_IDLE_S:
                self._drop()
            try:
                if self._session is None:
                    self._session = Session(self._bmc, self._password, deadline)
                resend_s = CONTROL_RESEND_S if command == CONTROL else FIRST_RESEND_S
                response = self._session.command(CHASSIS, command, data, deadline, resend_s=resend_s)
            except NoAnswer as error:
                self._drop()
                raise UnreachableError(
                    self._name,
                    f"no answer within {self._timeout_s:g} s",
                    "is it powered, on this network, and IPMI over LAN switched on?",
                ) from error
            except OSError as error:
                self._drop()
                raise UnreachableError(self._name, f"cannot send: {error.strerror or error}") from error
            except IpmiException as error:
                self._drop()
                raise self._refusal(str(error)) from error
        if response["code"]:
            raise self._complaint(response["code"], response["error"])
        return bytes(response["data"])

    def _drop(self) -> None:
        if self._session is not None:
            self._session.end()
            self._session = None

    def _refusal(self, text: str) -> DriverError:
        if any(words in text for words in REFUSALS):
            return AccessDeniedError(
                self._name, f"it refused the login of {self._bmc.user}: {text}", "check bmc.user and bmc.password"
            )
        if any(words in text for words in PASSING):
            return UnreachableError(self._name, text, "sessions left open end by themselves after a minute")
        return ServiceFaultError(
            self._name, f"no session with cipher suite {self._bmc.cipher_suite}: {text}", "try bmc.cipher_suite 3 or 17"
        )

    def _complaint(self, code: int, text: str) -> DriverError:
        if code == INSUFFICIENT_PRIVILEGE:
            return AccessDeniedError(self._name, text, f"give {self._bmc.user} the operator's privilege")
        if code == NODE_BUSY:
            return UnreachableError(self._name, text)
        hint = "the chassis is in the wrong state for this" if code == NOT_NOW else "see the BMC's manual"
        return ServiceFaultError(self._name, f"{text} ({code:#04x})", hint)
