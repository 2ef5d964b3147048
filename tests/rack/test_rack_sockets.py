from __future__ import annotations

import socket

import pytest

from pytest_qacloud.rack.sockets import ReservedPort, same_port


def test_a_reserved_port_refuses_until_it_is_opened_and_after_it_is_closed() -> None:
    port = ReservedPort("127.0.0.1")
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port.port))
        listener = port.open()
        socket.create_connection(("127.0.0.1", port.port)).close()
        listener.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port.port))
    port.close()


def test_a_reserved_port_is_nobody_elses() -> None:
    port = ReservedPort("127.0.0.1")
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port.port))
    port.close()


def test_an_open_port_cannot_be_opened_again() -> None:
    port = ReservedPort("127.0.0.1")
    listener = port.open()
    with pytest.raises(OSError, match="in use"):
        port.open()
    with pytest.raises(OSError, match="in use"):
        ReservedPort("127.0.0.1", port.port)
    listener.close()
    port.close()


def test_one_port_number_on_many_addresses() -> None:
    addresses = [f"127.9.8.{number}" for number in range(1, 20)]
    ports = same_port(addresses)
    assert [port.address for port in ports] == addresses
    assert len({port.port for port in ports}) == 1
    for port in ports:
        port.close()


def test_no_port_on_an_address_that_is_not_ours() -> None:
    with pytest.raises(OSError, match="no TCP port is free"):
        same_port(["127.0.0.1", "192.0.2.1"])
