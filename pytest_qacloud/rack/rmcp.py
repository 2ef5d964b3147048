"""RMCP+ sessions of a BMC: datagrams in, datagrams out, no sockets.

After the Intelligent Platform Management Interface Specification 2.0, sections 13.6 (packet formats), 13.17 to 13.31
(open session, RAKP, integrity, encryption) and 22.13 to 22.19 (channel and session commands). pyghmi has a server
session as well; it answers with HMAC-SHA1 whatever was asked for, keeps one thread and global tables for all BMCs of a
process, and does not know a repeated request. Hence this one, which speaks cipher suites 3 and 17 and refuses others.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

if TYPE_CHECKING:
    from collections.abc import Callable

RMCP_HEADER = b"\x06\x00\xff\x07"
AUTH_NONE, AUTH_RMCP_PLUS = 0x00, 0x06
IPMI, OPEN_REQUEST, OPEN_RESPONSE, RAKP1, RAKP2, RAKP3, RAKP4 = 0x00, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15
APPLICATION = 0x06
GET_AUTH_CAPABILITIES, GET_CIPHER_SUITES, SET_PRIVILEGE, CLOSE_SESSION = 0x38, 0x54, 0x3B, 0x3C
BMC_ADDRESS = 0x20
ADMINISTRATOR = 4

NO_MATCHING_SUITE, UNAUTHORIZED_NAME, INVALID_SESSION, BAD_INTEGRITY = 0x11, 0x0D, 0x02, 0x0F
INVALID_COMMAND, PRIVILEGE_EXCEEDED = 0xC1, 0x81

IDLE_S = 60.0
"""A session nobody has used for that long is forgotten (section 6.12.15)."""
MOST_SESSIONS = 32
"""Of one BMC; the oldest makes room."""


class Suite(NamedTuple):
    """A cipher suite: its number, the algorithms of authentication, integrity and confidentiality, and the hash.

    Args:
        icv_bytes: how much of the hash protects a packet.
    """

    id: int
    authentication: int
    integrity: int
    confidentiality: int
    digest: str
    icv_bytes: int


SUITES = (Suite(3, 1, 1, 1, "sha1", 12), Suite(17, 3, 4, 1, "sha256", 16))


class Request(NamedTuple):
    """One IPMI request."""

    netfn: int
    command: int
    data: bytes


class Reply(NamedTuple):
    """A completion code and the data after it."""

    code: int
    data: bytes = b""


@dataclass(frozen=True)
class Account:
    """Who may log in, and as whom the BMC shows itself.

    Args:
        guid: 16 bytes.
    """

    user: bytes
    password: bytes = field(repr=False)
    guid: bytes


@dataclass
class Session:
    """One client's session, from the open request on."""

    suite: Suite
    client_id: bytes
    own_id: bytes
    used_at: float
    rm: bytes = b""
    rc: bytes = b""
    role: int = 0
    user: bytes = b""
    key: bytes = field(default=b"", repr=False)
    k1: bytes = field(default=b"", repr=False)
    aes_key: bytes = field(default=b"", repr=False)
    sent: int = 0
    """Sequence number of the last packet sent."""
    last_message: bytes = b""
    last_answer: bytes = b""
    """The last request and its answer: a repeated one is answered from here, not carried out again."""

    @property
    def established(self) -> bool:
        """Whether both sides have proved that they know the password."""
        return bool(self.k1)

    def mac(self, key: bytes, *parts: bytes) -> bytes:
        """HMAC with the suite's hash."""
        return hmac.digest(key, b"".join(parts), self.suite.digest)


class Endpoint:
    """The sessions of one BMC.

    Args:
        account: who may log in.
        execute: carries out a request of an established session.
        refuses: asked at each login; true makes the password wrong.
    """

    def __init__(
        self, account: Account, execute: Callable[[Request], Reply], refuses: Callable[[], bool] = lambda: False
    ) -> None:
        self._account, self._execute, self._refuses = account, execute, refuses
        self._sessions: dict[bytes, Session] = {}

    def receive(self, packet: bytes, now: float) -> bytes | None:
        """The answer to one datagram; `None` for what is dropped without a word.

        Args:
            now: seconds, of any clock that does not go back.
        """
        if len(packet) < 16 or packet[:4] != RMCP_HEADER:
            return None
        if packet[4] == AUTH_NONE:
            return self._sessionless_1_5(packet)
        if packet[4] != AUTH_RMCP_PLUS:
            return None
        kind, size = packet[5] & 0x3F, int.from_bytes(packet[14:16], "little")
        payload = packet[16 : 16 + size]
        if len(payload) < size:
            return None
        match kind:
            case 0x10 if size >= 32:
                return _plain(OPEN_RESPONSE, self._open(payload, now))
            case 0x12 if size >= 28:
                return _plain(RAKP2, self._rakp2(payload, now))
            case 0x14 if size >= 8:
                return _plain(RAKP4, self._rakp4(payload, now))
            case 0x00 if packet[6:10] == bytes(4):
                answer = _sessionless_command(payload)
                return None if answer is None else _plain(IPMI, answer)
            case 0x00:
                return self._in_session(packet, payload, now)
        return None

    def _sessionless_1_5(self, packet: bytes) -> bytes | None:
        payload = packet[14 : 14 + packet[13]]
        answer = _sessionless_command(payload)
        return None if answer is None else RMCP_HEADER + bytes(9) + bytes([len(answer)]) + answer

    # -- login --------------------------------------------------------------------------------------------------------

    def _open(self, payload: bytes, now: float) -> bytes:
        tag, client_id = payload[0], payload[4:8]
        asked = (payload[12] & 0x3F, payload[20] & 0x3F, payload[28] & 0x3F)
        suite = next((s for s in SUITES if (s.authentication, s.integrity, s.confidentiality) == asked), None)
        if suite is None:
            return bytes([tag, NO_MATCHING_SUITE, 0, 0]) + client_id
        self._forget_idle(now)
        session = Session(suite, client_id, secrets.token_bytes(4), now)
        self._sessions[session.own_id] = session
        algorithms_ = b"".join(bytes([kind, 0, 0, 8, asked[kind], 0, 0, 0]) for kind in range(3))
        return bytes([tag, 0, ADMINISTRATOR, 0]) + client_id + session.own_id + algorithms_

    def _rakp2(self, payload: bytes, now: float) -> bytes:
        tag, session = payload[0], self._sessions.get(payload[4:8])
        if session is None:
            return bytes([tag, INVALID_SESSION, 0, 0]) + bytes(4)
        session.used_at = now
        session.rm, session.role = payload[8:24], payload[24]
        session.user = payload[28 : 28 + payload[27]]
        if session.user != self._account.user:
            del self._sessions[session.own_id]
            return bytes([tag, UNAUTHORIZED_NAME, 0, 0]) + session.client_id
        session.rc = secrets.token_bytes(16)
        session.key = secrets.token_bytes(16) if self._refuses() else self._account.password
        guid = self._account.guid
        proof = session.mac(
            session.key, session.client_id, session.own_id, session.rm, session.rc, guid, self._named(session)
        )
        return bytes([tag, 0, 0, 0]) + session.client_id + session.rc + guid + proof

    def _rakp4(self, payload: bytes, now: float) -> bytes:
        tag, session = payload[0], self._sessions.get(payload[4:8])
        if session is None or not session.rc:
            return bytes([tag, INVALID_SESSION, 0, 0]) + bytes(4)
        session.used_at = now
        if payload[1] != 0:
            del self._sessions[session.own_id]
            return bytes([tag, payload[1], 0, 0]) + session.client_id
        proof = session.mac(session.key, session.rc, session.client_id, self._named(session))
        if not hmac.compare_digest(proof, payload[8:]):
            del self._sessions[session.own_id]
            return bytes([tag, BAD_INTEGRITY, 0, 0]) + session.client_id
        sik = session.mac(session.key, session.rm, session.rc, self._named(session))
        session.k1 = session.mac(sik, b"\x01" * 20)
        session.aes_key = session.mac(sik, b"\x02" * 20)[:16]
        icv = session.mac(sik, session.rm, session.own_id, self._account.guid)[: session.suite.icv_bytes]
        return bytes([tag, 0, 0, 0]) + session.client_id + icv

    @staticmethod
    def _named(session: Session) -> bytes:
        return bytes([session.role, len(session.user)]) + session.user

    def _forget_idle(self, now: float) -> None:
        live = [session for session in self._sessions.values() if now - session.used_at < IDLE_S]
        live = sorted(live, key=lambda session: session.used_at)[-(MOST_SESSIONS - 1) :]
        self._sessions = {session.own_id: session for session in live}

    # -- requests -----------------------------------------------------------------------------------------------------

    def _in_session(self, packet: bytes, payload: bytes, now: float) -> bytes | None:
        session = self._sessions.get(packet[6:10])
        if session is None or not session.established or packet[5] & 0xC0 != 0xC0:
            return None
        size = session.suite.icv_bytes
        icv = session.mac(session.k1, packet[4:-size])[:size]
        if not hmac.compare_digest(icv, packet[-size:]):
            return None
        session.used_at = now
        message = _decrypted(session.aes_key, payload)
        if message is None or len(message) < 7:
            return None
        if message != session.last_message:
            session.last_answer = _answer(message, self._carry_out(session, message))
            session.last_message = message
        return _protected(session, session.last_answer)

    def _carry_out(self, session: Session, message: bytes) -> Reply:
        netfn, command, data = message[1] >> 2, message[5], message[6:-1]
        if (netfn, command) == (APPLICATION, SET_PRIVILEGE) and data:
            level = data[0] & 0x0F
            if level > (session.role & 0x0F):
                return Reply(PRIVILEGE_EXCEEDED)
            return Reply(0, bytes([level or session.role & 0x0F]))
        if (netfn, command) == (APPLICATION, CLOSE_SESSION):
            self._sessions.pop(session.own_id, None)
            return Reply(0)
        return self._execute(Request(netfn, command, data))


def _sessionless_command(message: bytes) -> bytes | None:
    if len(message) < 8 or message[1] >> 2 != APPLICATION:
        return None
    match message[5]:
        case 0x38:
            # channel 1; RMCP+ only; non-null user names, per-message authentication
            return _answer(message, Reply(0, b"\x01\x80\x04\x02\x00\x00\x00\x00"))
        case 0x54:
            records = b"".join(
                bytes([0xC0, suite.id, suite.authentication, 0x40 | suite.integrity, 0x80 | suite.confidentiality])
                for suite in SUITES
            )
            start = 16 * (message[8] & 0x3F) if len(message) > 9 else 0
            return _answer(message, Reply(0, b"\x01" + records[start : start + 16]))
    return None


def _answer(message: bytes, reply: Reply) -> bytes:
    """The IPMI message (figure 13-4) that answers another."""
    head = bytes([message[3], ((message[1] >> 2) + 1) << 2 | message[4] & 0x03])
    body = bytes([BMC_ADDRESS, message[4] & 0xFC | message[1] & 0x03, message[5], reply.code]) + reply.data
    return head + bytes([-sum(head) & 0xFF]) + body + bytes([-sum(body) & 0xFF])


def _plain(kind: int, payload: bytes) -> bytes:
    return RMCP_HEADER + bytes([AUTH_RMCP_PLUS, kind]) + bytes(8) + len(payload).to_bytes(2, "little") + payload


def _protected(session: Session, message: bytes) -> bytes:
    """A packet of an established session: AES-CBC-128 and an integrity code (tables 13-8 and 13-20)."""
    session.sent += 1
    vector = secrets.token_bytes(16)
    missing = -(len(message) + 1) % 16
    padded = message + bytes(range(1, missing + 1)) + bytes([missing])
    encryptor = Cipher(algorithms.AES(session.aes_key), modes.CBC(vector)).encryptor()
    payload = vector + encryptor.update(padded) + encryptor.finalize()
    packet = bytes([AUTH_RMCP_PLUS, 0xC0 | IPMI]) + session.client_id + session.sent.to_bytes(4, "little")
    packet += len(payload).to_bytes(2, "little") + payload
    filling = -(len(packet) + 2) % 4
    packet += b"\xff" * filling + bytes([filling, 0x07])
    return RMCP_HEADER + packet + session.mac(session.k1, packet)[: session.suite.icv_bytes]


def _decrypted(key: bytes, payload: bytes) -> bytes | None:
    if len(payload) < 32 or len(payload) % 16:
        return None
    decryptor = Cipher(algorithms.AES(key), modes.CBC(payload[:16])).decryptor()
    padded = decryptor.update(payload[16:]) + decryptor.finalize()
    return padded[: -(padded[-1] + 1)] if padded[-1] < 16 else None
