"""An IPMI 2.0 client of a few lines, for tests: written from the specification, shares nothing with the rack."""

from __future__ import annotations

import hmac
import os
import socket
from typing import TYPE_CHECKING, NamedTuple, Self

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

if TYPE_CHECKING:
    from collections.abc import Callable

HASHES = {3: ("sha1", 12, (1, 1, 1)), 17: ("sha256", 16, (3, 4, 1))}
HEADER = b"\x06\x00\xff\x07"


class LoginError(Exception):
    """The BMC said no; `status` is RMCP+'s, or `None` where the BMC's own proof was wrong."""

    def __init__(self, status: int | None) -> None:
        super().__init__(status)
        self.status = status


class Answer(NamedTuple):
    code: int
    data: bytes


class RmcpClient:
    """One session.

    Args:
        exchange: sends a datagram and returns the answer; `None` where there is none.
    """

    def __init__(
        self,
        exchange: Callable[[bytes], bytes | None],
        user: bytes,
        password: bytes,
        suite: int = 17,
        role: int = 0x14,
    ) -> None:
        self._exchange = exchange
        self._digest, self._icv, algorithms_ = HASHES[suite]
        self._console = os.urandom(4)
        self._sequence, self._session_sequence = 0, 0
        opened = self._setup(0x10, b"\x00\x00\x00\x00" + self._console + _algorithms(algorithms_))
        self._bmc = opened[8:12]
        rm, named = os.urandom(16), bytes([role, len(user)]) + user
        second = self._setup(0x12, b"\x00\x00\x00\x00" + self._bmc + rm + named[:1] + b"\x00\x00" + named[1:])
        rc, guid = second[8:24], second[24:40]
        if second[40:] != self._mac(password, self._console + self._bmc + rm + rc + guid + named):
            raise LoginError(None)
        proof = self._mac(password, rc + self._console + named)
        fourth = self._setup(0x14, b"\x00\x00\x00\x00" + self._bmc + proof)
        sik = self._mac(password, rm + rc + named)
        assert fourth[8:] == self._mac(sik, rm + self._bmc + guid)[: self._icv]
        self._k1, self._key = self._mac(sik, b"\x01" * 20), self._mac(sik, b"\x02" * 20)[:16]

    @classmethod
    def over_udp(cls, address: str, port: int, user: str, password: str, *, timeout_s: float, **options: int) -> Self:
        """A session over a socket of its own for each datagram."""

        def exchange(packet: bytes) -> bytes | None:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as endpoint:
                endpoint.settimeout(timeout_s)
                endpoint.sendto(packet, (address, port))
                try:
                    return endpoint.recv(4096)
                except TimeoutError:
                    return None

        return cls(exchange, user.encode(), password.encode(), **options)

    def send(self, netfn: int, command: int, data: bytes = b"", *, again: bool = False) -> Answer | None:
        """One request; `again` repeats the message of the one before in a new packet, as a retransmission does."""
        if not again:
            self._sequence = (self._sequence + 1) % 64
        head = bytes([0x20, netfn << 2])
        body = bytes([0x81, self._sequence << 2, command]) + data
        message = head + bytes([-sum(head) & 0xFF]) + body + bytes([-sum(body) & 0xFF])
        reply = self._exchange(self._protected(message))
        return None if reply is None else self._opened(reply, netfn, command)

    def request(self, netfn: int, command: int, data: bytes = b"", *, again: bool = False) -> Answer:
        """One request that must be answered."""
        answer = self.send(netfn, command, data, again=again)
        assert answer is not None, "the BMC did not answer"
        return answer

    def powered(self) -> bool:
        """Get Chassis Status."""
        answer = self.request(0x00, 0x01)
        assert answer.code == 0
        return bool(answer.data[0] & 1)

    def control(self, what: int, *, again: bool = False) -> int:
        """Chassis Control: 0 off, 1 on, 2 cycle, 3 reset, 5 soft; returns the completion code."""
        return self.request(0x00, 0x02, bytes([what]), again=again).code

    def boot_from(self, device: int, *, persistent: bool = False) -> int:
        """Set System Boot Options, parameter 5: 1 network, 2 disk; returns the completion code."""
        flags = 0xC0 if persistent else 0x80
        return self.request(0x00, 0x08, bytes([5, flags, device << 2, 0, 0, 0])).code

    def _setup(self, kind: int, payload: bytes) -> bytes:
        packet = HEADER + bytes([6, kind]) + bytes(8) + len(payload).to_bytes(2, "little") + payload
        reply = self._exchange(packet)
        if reply is None:
            raise TimeoutError
        assert reply[5] == kind + 1
        content = reply[16:]
        if content[1]:
            raise LoginError(content[1])
        assert content[4:8] == self._console
        return content

    def _mac(self, key: bytes, data: bytes) -> bytes:
        return hmac.digest(key, data, self._digest)

    def _protected(self, message: bytes) -> bytes:
        self._session_sequence += 1
        missing = -(len(message) + 1) % 16
        padded = message + bytes(range(1, missing + 1)) + bytes([missing])
        vector = os.urandom(16)
        encryptor = Cipher(algorithms.AES(self._key), modes.CBC(vector)).encryptor()
        payload = vector + encryptor.update(padded) + encryptor.finalize()
        packet = bytes([6, 0xC0]) + self._bmc + self._session_sequence.to_bytes(4, "little")
        packet += len(payload).to_bytes(2, "little") + payload
        filling = -(len(packet) + 2) % 4
        packet += b"\xff" * filling + bytes([filling, 7])
        return HEADER + packet + self._mac(self._k1, packet)[: self._icv]

    def _opened(self, reply: bytes, netfn: int, command: int) -> Answer:
        assert reply[-self._icv :] == self._mac(self._k1, reply[4 : -self._icv])[: self._icv]
        assert reply[6:10] == self._console
        payload = reply[16 : 16 + int.from_bytes(reply[14:16], "little")]
        decryptor = Cipher(algorithms.AES(self._key), modes.CBC(payload[:16])).decryptor()
        message = decryptor.update(payload[16:]) + decryptor.finalize()
        message = message[: -(message[-1] + 1)]
        assert (message[1] >> 2, message[4] >> 2, message[5]) == (netfn + 1, self._sequence, command)
        assert sum(message[:3]) & 0xFF == 0
        assert sum(message[3:]) & 0xFF == 0
        return Answer(message[6], message[7:-1])


def _algorithms(numbers: tuple[int, int, int]) -> bytes:
    return b"".join(bytes([kind, 0, 0, 8, number, 0, 0, 0]) for kind, number in enumerate(numbers))


def sessionless(command: int, data: bytes) -> bytes:
    """A request before any session, in the packet format of IPMI 1.5."""
    body = bytes([0x81, 0x04, command]) + data
    message = b"\x20\x18\xc8" + body + bytes([-sum(body) & 0xFF])
    return HEADER + bytes(9) + bytes([len(message)]) + message


def sessionless_2_0(command: int, data: bytes) -> bytes:
    """The same in the packet format of RMCP+, with session id 0."""
    message = sessionless(command, data)[14:]
    return HEADER + bytes([6, 0]) + bytes(8) + len(message).to_bytes(2, "little") + message
