"""Ports: picked by the kernel, kept from the start, listening only while there is something to answer."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LOOPBACK = "127.0.0.1"
BACKLOG = 128
ATTEMPTS = 50


def listening(address: str) -> socket.socket:
    """A TCP socket that listens on a port of the kernel's choice."""
    listener = socket.create_server((address, 0), backlog=BACKLOG)
    listener.setblocking(False)
    return listener


def datagrams(address: str) -> socket.socket:
    """A UDP socket on a port of the kernel's choice."""
    endpoint = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    endpoint.bind((address, 0))
    endpoint.setblocking(False)
    return endpoint


class ReservedPort:
    """A TCP port that is ours and refuses connections until it is opened.

    A bound socket that never listens holds the port: the kernel gives it to nobody else, and answers a connection with
    a reset. With SO_REUSEADDR on both, Linux lets another socket bind the same port and listen (ip(7), tcp(7)).
    """

    def __init__(self, address: str, port: int = 0) -> None:
        self.address = address
        self._holder = _reusable()
        try:
            self._holder.bind((address, port))
        except OSError:
            self._holder.close()
            raise
        self.port: int = self._holder.getsockname()[1]

    def open(self) -> socket.socket:
        """A socket that listens on it; close it to refuse connections again."""
        listener = _reusable()
        try:
            listener.bind((self.address, self.port))
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
        listener.setblocking(False)
        return listener

    def close(self) -> None:
        """Give the port back."""
        self._holder.close()


def same_port(addresses: Sequence[str]) -> list[ReservedPort]:
    """One port number, reserved on every address.

    Raises:
        OSError: no port was free on all of them in many attempts.
    """
    for _ in range(ATTEMPTS):
        held = [ReservedPort(addresses[0])]
        try:
            held.extend(ReservedPort(address, held[0].port) for address in addresses[1:])
        except OSError:
            for port in held:
                port.close()
            continue
        return held
    raise OSError(f"no TCP port is free on all of {addresses[0]} … {addresses[-1]}")


def _reusable() -> socket.socket:
    endpoint = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return endpoint
