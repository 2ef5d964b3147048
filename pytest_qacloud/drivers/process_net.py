"""Ports of loopback: free ones for a run's servers, and whether something serves on them."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ServiceFaultError

if TYPE_CHECKING:
    from collections.abc import Collection

LOOPBACK = "127.0.0.1"
LOWEST, HIGHEST = 10_000, 65_535
PROBE_LIMIT_S = 5.0


def free_ports(count: int, taken: Collection[int]) -> list[int]:
    """Ports that nothing is bound to, outside the range from which the kernel takes ports for connections."""
    given_away = _ephemeral()
    candidates = [port for port in range(LOWEST, HIGHEST + 1) if port not in given_away and port not in taken]
    random.shuffle(candidates)
    found: list[int] = []
    with ExitStack() as stack:
        for port in candidates:
            if len(found) == count:
                break
            one = stack.enter_context(socket.socket())
            try:
                one.bind(("", port))  # on all addresses: a server may listen on more than loopback
            except OSError:
                one.close()
                continue
            found.append(port)
    if len(found) < count:
        raise ServiceFaultError("this machine", f"has no {count} free ports", "find out what holds them")
    return found


def listening(port: int) -> str | None:
    """Why nothing can be connected to; `None` when it can."""
    try:
        socket.create_connection((LOOPBACK, port), PROBE_LIMIT_S).close()
    except OSError as error:
        return f"port {port}: {error.strerror or error}"
    return None


def answering(url: str) -> str | None:
    """Why a URL does not answer with a status below 400; `None` when it does. No proxy is asked."""
    import requests

    with requests.Session() as http:
        http.trust_env = False
        try:
            with http.get(url, timeout=PROBE_LIMIT_S, allow_redirects=False, stream=True) as answer:
                return None if answer.status_code < 400 else f"{url} answers with status {answer.status_code}"
        except requests.ConnectionError:
            return f"{url} does not answer"
        except requests.RequestException as error:
            return f"{url}: {type(error).__name__}"


def _ephemeral() -> range:
    first, last = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()
    return range(int(first), int(last) + 1)
