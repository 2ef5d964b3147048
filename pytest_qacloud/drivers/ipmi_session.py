"""One RMCP+ session on a socket of its own, bounded in time.

pyghmi's usual session shares sockets, queues and an event loop among all BMCs of a process, and none of that is safe
when each BMC has a thread of its own: packets are taken from under another thread's hands, and a wait that missed its
packet lasts until the retransmission. pyghmi also brings a session that has its socket to itself (`simplesession`), but
it neither retransmits nor gives up. This is that one with both, with the cipher suite that was asked for and no other,
and with the socket closed at the end. One thread at a time may use it.
"""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING, Any

from pyghmi.exceptions import IpmiException
from pyghmi.ipmi.private import simplesession

if TYPE_CHECKING:
    from ..deadline import Deadline
    from ..model import Bmc

FIRST_RESEND_S = 0.5
LAST_RESEND_S = 4.0
"""Seconds before a request is sent again; doubled each time, up to the second value."""

RMCP_HEADER = b"\x06\x00\xff\x07"
OFFER = {3: (1, 1, 1), 17: (3, 4, 1)}
"""Cipher suite: its authentication, integrity and confidentiality algorithms (IPMI 2.0, table 22-20)."""


class NoAnswer(Exception):  # noqa: N818 -- not an error yet: the driver says what it means
    """The BMC did not answer in time."""


class Session(simplesession.Session):  # type: ignore[misc]  # pyghmi has no types
    """A session that is logged in when made.

    Raises:
        NoAnswer: nobody answered by the deadline.
        IpmiException: the BMC refused, or cannot do what the session needs.
        OSError: nothing can be sent to that address.
    """

    lastpayload: Any
    """The request that is sent again until it is answered; pyghmi's."""

    def __init__(self, bmc: Bmc, password: str, deadline: Deadline) -> None:
        self._suite = bmc.cipher_suite
        self._deadline = deadline
        self._pause_s = FIRST_RESEND_S
        self._resend_at = 0.0
        self._packet_time = time.monotonic()
        self.socket: Any = None  # made by pyghmi
        try:
            super().__init__(bmc.address, bmc.user, password, port=bmc.port)
        except BaseException:
            self._close_socket()
            raise

    @property
    def idle_s(self) -> float:
        """Seconds since the BMC was last heard of."""
        return time.monotonic() - self._packet_time

    def command(
        self, function: int, command: int, data: tuple[int, ...], deadline: Deadline, *, resend_s: float
    ) -> dict[str, Any]:
        """Send a request; returns the answer's `code` (0 is success), `data`, and `error` where the code is not 0.

        Args:
            resend_s: seconds before it is sent again; long for what must not happen twice.
        """
        self._deadline, self._pause_s = deadline, resend_s
        response: dict[str, Any] = self.raw_command(function, command, data=data)
        return response

    def end(self) -> None:
        """Log out, without waiting for the answer, and close the socket; never raises."""
        self.incommand, self.lastpayload = False, None
        self.pendingpayloads.clear()
        try:
            self.logout()
        except (IpmiException, OSError):
            pass  # the BMC forgets the session by itself
        finally:
            self._close_socket()

    def login(self) -> None:
        """Begin the login, from the start."""
        super().login()
        self.logontries = 0  # pyghmi would take some refusals for the echo of a retransmission, and wait for ever

    def wait_for_rsp(self, timeout: float | None = None, callout: bool = True) -> None:  # noqa: ARG002 -- pyghmi's
        """Take one packet, or send the last request again when it is time."""
        if self._deadline.over:
            raise NoAnswer
        wait_s = min(self._resend_at - time.monotonic(), self._deadline.left_s)
        self.socket.settimeout(max(wait_s, 0.001))
        try:
            packet, peer = self.socket.recvfrom(3000)
        except TimeoutError:
            if time.monotonic() >= self._resend_at:
                self._resend()
            return
        if peer in self.allsockaddrs and packet.startswith(RMCP_HEADER):
            self._packet_time = time.monotonic()
            try:
                self._handle_ipmi_packet(bytearray(packet), sockaddr=peer)
            except (IndexError, struct.error) as error:
                raise IpmiException("an answer that is cut short or of another cipher suite") from error

    def awaitresponse(self, retry: bool) -> None:
        """Wait until the command sent last is answered."""
        while retry and self.lastresponse is None and self.logged:
            self.wait_for_rsp()

    def _initsession(self) -> None:
        super()._initsession()
        self.attemptedhash = 256 if self._suite == 17 else 1
        self.__dict__.pop("remseqnumber", None)  # of an attempt before

    def _xmit_packet(self, retry: bool = True, delay_xmit: Any = None, timeout: Any = None) -> None:
        super()._xmit_packet(retry, delay_xmit, timeout)
        self._resend_at = time.monotonic() + self._pause_s

    def _resend(self) -> None:
        """A login begins again, because BMCs take none of its messages twice; a command is repeated as it was."""
        self._pause_s = min(self._pause_s * 2, max(LAST_RESEND_S, self._pause_s))
        if self.logging and not self.logged:
            self.login()
        elif self.lastpayload:
            self.send_payload()
        else:
            self._resend_at = time.monotonic() + self._pause_s

    def _get_session_challenge(self) -> None:
        """What pyghmi goes on with where the BMC does not offer RMCP+; its code for that has not worked for years."""
        self.onlogon({"error": "it speaks IPMI 1.5 only"})

    def _got_rmcp_response(self, data: bytearray) -> Any:
        """Refuse what is not the cipher suite asked for; pyghmi would go down to SHA-1, or trip over the answer."""
        if self.sessioncontext == "OPENSESSION" and data[0] == self.rmcptag:
            if data[1]:
                self.onlogon({"error": simplesession.constants.rmcp_codes.get(data[1], f"RMCP+ status {data[1]:#x}")})
                return None
            if (data[16], data[24], data[32]) != OFFER[self._suite]:
                self.onlogon({"error": f"it chose other algorithms than those of cipher suite {self._suite}"})
                return None
        return super()._got_rmcp_response(data)

    def _close_socket(self) -> None:
        if self.socket is not None:
            self.socket.close()
