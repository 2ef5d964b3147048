"""What the simulated rack's BMCs do not do: strangers that answer, and answers that make no sense."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from rackclient import Rack
from servers import answering_udp, silent_udp

from pytest_qacloud.drivers import ipmi
from pytest_qacloud.drivers.ipmi import IpmiBmc
from pytest_qacloud.errors import AccessDeniedError, ConfigError, DriverError, ServiceFaultError, UnreachableError
from pytest_qacloud.model import Bmc, Machine, SecretRef
from pytest_qacloud.ports import PowerAction, PowerState

CAPABILITIES = bytes.fromhex("0600ff0700000000000000000010811c6320003800018004020000000021")
"""Channel 1 with RMCP+ only, as a BMC answers the first packet of a login."""

OPEN_REQUEST, RAKP1 = 0x10, 0x12


def open_files() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def bmc_at(port: int, *, suite: int = 3, host: str = "127.0.0.1") -> Bmc:
    return Bmc(host, port, "admin", SecretRef("env", "NEVER_READ"), suite)


def plain(kind: int, payload: bytes) -> bytes:
    """An RMCP+ packet outside a session."""
    return b"\x06\x00\xff\x07\x06" + bytes([kind]) + bytes(8) + len(payload).to_bytes(2, "little") + payload


def opened(request: bytes, algorithms: tuple[int, int, int], status: int = 0) -> bytes:
    """An Open Session Response (table 13-10) that names these algorithms."""
    tag, console = request[16], request[20:24]
    if status:
        return plain(0x11, bytes([tag, status, 0, 0]) + console)
    payloads = b"".join(bytes([kind, 0, 0, 8, number, 0, 0, 0]) for kind, number in enumerate(algorithms))
    return plain(0x11, bytes([tag, 0, 4, 0]) + console + b"\x01\x02\x03\x04" + payloads)


def test_silence_is_unreachable_and_leaves_no_socket_and_no_thread() -> None:
    files, threads = open_files(), set(threading.enumerate())
    with silent_udp() as port, pytest.raises(UnreachableError, match=f"127.0.0.1:{port}: no answer within 0.2 s"):
        IpmiBmc(bmc_at(port), "secret", timeout_s=0.2).power_state()
    assert open_files() == files
    assert set(threading.enumerate()) <= threads


def test_a_name_that_does_not_resolve_is_unreachable() -> None:
    with pytest.raises(UnreachableError, match=r"bmc\.invalid"):
        IpmiBmc(bmc_at(623, host="bmc.invalid"), "secret", timeout_s=1).power_state()


def test_a_bmc_without_the_suite_is_told_apart_from_a_wrong_password() -> None:
    def answer(packet: bytes) -> bytes:
        return opened(packet, (0, 0, 0), status=0x11) if packet[5] == OPEN_REQUEST else CAPABILITIES

    with answering_udp(answer) as port, pytest.raises(ServiceFaultError, match="suite 17: No Cipher suite match"):
        IpmiBmc(bmc_at(port, suite=17), "secret").power_state()


def test_a_bmc_that_chooses_weaker_algorithms_is_refused() -> None:
    def answer(packet: bytes) -> bytes:
        return opened(packet, (1, 1, 1)) if packet[5] == OPEN_REQUEST else CAPABILITIES

    with answering_udp(answer) as port, pytest.raises(ServiceFaultError, match="other algorithms than those of"):
        IpmiBmc(bmc_at(port, suite=17), "secret").power_state()


def test_an_answer_that_is_cut_short_is_a_fault() -> None:
    console = b""

    def answer(packet: bytes) -> bytes:
        nonlocal console
        if packet[5] == OPEN_REQUEST:
            console = packet[20:24]
            return opened(packet, (1, 1, 1))
        return plain(0x13, bytes([packet[16], 0, 0, 0]) + console) if packet[5] == RAKP1 else CAPABILITIES

    with answering_udp(answer) as port, pytest.raises(ServiceFaultError, match="cut short"):
        IpmiBmc(bmc_at(port), "secret", timeout_s=2).power_state()


def test_a_bmc_with_all_sessions_taken_is_worth_another_try() -> None:
    def answer(packet: bytes) -> bytes:
        return opened(packet, (1, 1, 1), status=1) if packet[5] == OPEN_REQUEST else CAPABILITIES

    with answering_udp(answer) as port, pytest.raises(UnreachableError, match="Insufficient resources"):
        IpmiBmc(bmc_at(port), "secret").power_state()


def test_a_bmc_of_before_ipmi_2_is_told() -> None:
    old = bytearray(CAPABILITIES)
    old[22], old[24] = 0x84, 0x01  # table 22-15: MD5 is supported, and IPMI 1.5 only
    with answering_udp(lambda _: bytes(old)) as port, pytest.raises(ServiceFaultError, match=r"1\.5"):
        IpmiBmc(bmc_at(port), "secret", timeout_s=2).power_state()


def test_noise_is_not_an_answer() -> None:
    with answering_udp(lambda _: b"HTTP/1.1 400 Bad Request") as port, pytest.raises(UnreachableError):
        IpmiBmc(bmc_at(port), "secret", timeout_s=0.2).power_state()


def test_a_session_that_has_been_idle_for_long_is_made_anew(rack: Rack, monkeypatch: pytest.MonkeyPatch) -> None:
    bmc = rack.pool().machines[0].bmc
    controller = IpmiBmc(bmc, bmc.password.read())
    controller.power_state()
    first = controller._session
    monkeypatch.setattr(ipmi, "LONGEST_IDLE_S", 0.0)
    controller.power_state()
    assert first is not None
    assert controller._session is not first
    controller.close()


def test_an_address_that_nothing_can_be_sent_to_is_unreachable() -> None:
    with pytest.raises(UnreachableError, match="cannot send"):
        IpmiBmc(bmc_at(623, host="255.255.255.255"), "secret", timeout_s=1).power_state()


@pytest.mark.parametrize(
    ("code", "error"),
    [(0xC0, UnreachableError), (0xD4, AccessDeniedError), (0xD5, ServiceFaultError), (0xC1, ServiceFaultError)],
)
def test_completion_codes_say_what_can_be_done(code: int, error: type[DriverError]) -> None:
    assert type(IpmiBmc(bmc_at(623), "secret")._complaint(code, "what pyghmi says of it")) is error


def test_other_suites_are_a_mistake_in_the_pool() -> None:
    with pytest.raises(ConfigError, match=r"cipher suite 0 .* use 3 or 17"):
        IpmiBmc(bmc_at(623, suite=0), "secret")


def test_closing_what_never_connected_is_harmless() -> None:
    IpmiBmc(bmc_at(623), "secret").close()


def test_sessions_are_closed_on_the_bmc_side_too(rack: Rack) -> None:
    """More logins than a BMC has sessions; each must have ended its own."""
    bmc = rack.pool().machines[0].bmc
    files = len(open_files())
    for _ in range(40):
        controller = IpmiBmc(bmc, bmc.password.read())
        controller.power(PowerAction.OFF)
        controller.close()
    assert len(open_files()) == files


def test_a_hundred_bmcs_are_driven_from_a_hundred_threads(tmp_path: Path) -> None:
    start = threading.Barrier(100)

    def boot(machine: Machine) -> PowerState:
        controller = IpmiBmc(machine.bmc, machine.bmc.password.read())
        start.wait()
        controller.boot_from_network_once()
        controller.power(PowerAction.ON)
        state = controller.power_state()
        controller.power(PowerAction.CYCLE)
        controller.close()
        return state

    threads = threading.active_count()
    with Rack.start(tmp_path / "sim", machines=100) as rack:
        with ThreadPoolExecutor(100) as executor:
            states = list(executor.map(boot, rack.pool().machines))
        cycles = Counter(event["machine"] for event in rack.events() if event["event"] == "power_cycle")
    assert states == [PowerState.ON] * 100
    assert set(cycles.values()) == {1}
    assert len(cycles) == 100
    assert threading.active_count() <= threads
