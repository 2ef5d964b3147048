from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rmcpclient import LoginError, RmcpClient, sessionless, sessionless_2_0

from pytest_qacloud.rack import rmcp

USER, PASSWORD, GUID = b"admin", b"0123456789abcdef", bytes(range(16))


class Bench:
    """An endpoint that remembers what it was asked to do."""

    def __init__(self) -> None:
        self.asked: list[rmcp.Request] = []
        self.refuses, self.now = False, 0.0
        self.endpoint = rmcp.Endpoint(rmcp.Account(USER, PASSWORD, GUID), self.execute, lambda: self.refuses)

    def execute(self, request: rmcp.Request) -> rmcp.Reply:
        self.asked.append(request)
        return rmcp.Reply(0xD5 if request.data == b"\x02" else 0, request.data)

    def exchange(self, packet: bytes) -> bytes | None:
        return self.endpoint.receive(packet, self.now)

    def client(self, user: bytes = USER, password: bytes = PASSWORD, **options: int) -> RmcpClient:
        return RmcpClient(self.exchange, user, password, **options)


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize("suite", [3, 17])
def test_a_session_carries_requests(bench: Bench, suite: int) -> None:
    client = bench.client(suite=suite)
    assert client.request(0x00, 0x02, b"\x01") == (0, b"\x01")
    assert client.request(0x00, 0x02, b"\x02") == (0xD5, b"\x02")
    assert client.request(0x06, 0x01) == (0, b"")
    assert bench.asked == [(0, 2, b"\x01"), (0, 2, b"\x02"), (6, 1, b"")]


@settings(deadline=None)
@given(data=st.binary(max_size=60), suite=st.sampled_from([3, 17]))
def test_data_of_every_length_arrive(data: bytes, suite: int) -> None:
    bench = Bench()
    assert bench.client(suite=suite).request(0x2E, 0x10, data).data == data


def test_a_request_sent_again_is_answered_and_not_carried_out_again(bench: Bench) -> None:
    client = bench.client()
    first = client.request(0x00, 0x02, b"\x02")
    assert client.request(0x00, 0x02, b"\x02", again=True) == first
    assert len(bench.asked) == 1
    client.request(0x00, 0x02, b"\x02")
    assert len(bench.asked) == 2


@pytest.mark.parametrize("suite", [3, 17])
def test_a_wrong_password_shows_on_both_sides(bench: Bench, suite: int) -> None:
    with pytest.raises(LoginError) as caught:
        bench.client(password=b"wrong", suite=suite)
    assert caught.value.status is None
    assert bench.asked == []


def test_a_client_that_ignores_the_wrong_proof_is_refused(bench: Bench) -> None:
    opened = bench.exchange(_open_request(1, 1, 1))
    assert opened is not None
    session = opened[24:28]
    rakp1 = b"\x01\x00\x00\x00" + session + bytes(16) + b"\x14\x00\x00\x05" + USER
    assert bench.exchange(_packet(0x12, rakp1)) is not None
    refused = bench.exchange(_packet(0x14, b"\x02\x00\x00\x00" + session + bytes(20)))
    assert refused is not None
    assert refused[17] == rmcp.BAD_INTEGRITY
    gone = bench.exchange(_packet(0x14, b"\x02\x00\x00\x00" + session + bytes(20)))
    assert gone is not None
    assert gone[17] == rmcp.INVALID_SESSION


def test_an_unknown_user_is_refused_by_name(bench: Bench) -> None:
    with pytest.raises(LoginError) as caught:
        bench.client(user=b"root")
    assert caught.value.status == rmcp.UNAUTHORIZED_NAME


def test_refusing_is_like_a_wrong_password_and_ends(bench: Bench) -> None:
    bench.refuses = True
    with pytest.raises(LoginError):
        bench.client()
    bench.refuses = False
    assert bench.client().request(0, 1).code == 0


@pytest.mark.parametrize("algorithms", [(0, 0, 0), (1, 1, 0), (2, 2, 1), (3, 1, 1), (1, 4, 1), (3, 4, 2)])
def test_other_cipher_suites_are_refused(bench: Bench, algorithms: tuple[int, int, int]) -> None:
    answer = bench.exchange(_open_request(*algorithms))
    assert answer is not None
    assert answer[5] == 0x11
    assert answer[17] == 0x11
    assert answer[20:24] == b"abcd"


def test_a_higher_privilege_than_asked_for_at_login_is_refused(bench: Bench) -> None:
    operator = bench.client(role=0x13)
    assert operator.request(0x06, 0x3B, b"\x04").code == rmcp.PRIVILEGE_EXCEEDED
    assert operator.request(0x06, 0x3B, b"\x03") == (0, b"\x03")
    assert operator.request(0x06, 0x3B, b"\x00") == (0, b"\x03")


def test_a_closed_session_answers_no_more(bench: Bench) -> None:
    client = bench.client()
    assert client.request(0x06, 0x3C, bytes(4)).code == 0
    assert client.send(0, 1) is None
    assert bench.asked == []


def test_an_idle_session_is_forgotten_when_another_begins(bench: Bench) -> None:
    idle = bench.client()
    bench.now += rmcp.IDLE_S + 1
    fresh = bench.client()
    assert idle.send(0, 1) is None
    assert fresh.request(0, 1).code == 0


def test_the_oldest_session_makes_room(bench: Bench) -> None:
    clients = []
    for _ in range(rmcp.MOST_SESSIONS + 1):
        bench.now += 0.001
        clients.append(bench.client())
    assert clients[0].send(0, 1) is None
    assert clients[1].request(0, 1).code == 0


def test_a_packet_with_a_wrong_integrity_code_is_dropped(bench: Bench) -> None:
    def spoil(packet: bytes) -> bytes | None:
        return bench.exchange(packet if packet[5] != 0xC0 else packet[:-1] + bytes([packet[-1] ^ 1]))

    client = RmcpClient(spoil, USER, PASSWORD)
    assert client.send(0, 1) is None
    assert bench.asked == []


@pytest.mark.parametrize("wrap", [sessionless, sessionless_2_0])
def test_capabilities_and_cipher_suites_are_told_before_any_session(bench: Bench, wrap: object) -> None:
    assert callable(wrap)
    capabilities = bench.exchange(wrap(0x38, b"\x8e\x04"))
    assert capabilities is not None
    assert b"\x38\x00\x01\x80\x04\x02" in capabilities
    suites = bench.exchange(wrap(0x54, b"\x0e\x00\x80"))
    assert suites is not None
    assert b"\xc0\x03\x01\x41\x81\xc0\x11\x03\x44\x81" in suites
    rest = bench.exchange(wrap(0x54, b"\x0e\x00\x81"))
    assert rest is not None
    assert rest[-2] == 0x01
    assert bench.exchange(wrap(0x01, b"")) is None


@settings(deadline=None)
@given(st.binary(max_size=120), st.sampled_from([b"", rmcp.RMCP_HEADER, rmcp.RMCP_HEADER + b"\x06"]))
def test_no_packet_makes_it_fail(rest: bytes, head: bytes) -> None:
    bench = Bench()
    bench.exchange(head + rest)
    assert bench.asked == []


@settings(deadline=None)
@given(st.sampled_from([0x10, 0x12, 0x14, 0x00, 0xC0]), st.binary(max_size=80))
def test_no_payload_makes_it_fail(kind: int, payload: bytes) -> None:
    bench = Bench()
    bench.client()
    bench.exchange(_packet(kind, payload))
    assert bench.asked == []


def _packet(kind: int, payload: bytes) -> bytes:
    return rmcp.RMCP_HEADER + bytes([6, kind]) + bytes(8) + len(payload).to_bytes(2, "little") + payload


def _open_request(*algorithms: int) -> bytes:
    blocks = b"".join(bytes([kind, 0, 0, 8, number, 0, 0, 0]) for kind, number in enumerate(algorithms))
    return _packet(0x10, b"\x01\x00\x00\x00abcd" + blocks)
