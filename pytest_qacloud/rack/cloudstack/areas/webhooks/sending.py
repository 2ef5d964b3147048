"""Payloads sent to webhooks' URLs over HTTP, in threads of their own.

A simulated management server talks to its own machine only: a URL whose host is neither `localhost` nor an address of
this machine gets nothing, no name is looked up, and the delivery fails with a text that says so.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import socket
import ssl
import threading
from collections import deque
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

THREAD_NAME = "webhook-delivery"
_LONGEST_RESPONSE = 65_535
"""Bytes of a response that are read and kept."""


@dataclass(frozen=True)
class Parcel:
    """What is sent where.

    Args:
        account_id: of whose events; part of the user agent.
        secret: signs the payload; `None` sends no signature.
        verify: whether a TLS server has to prove who it is.
        tries: how often, until it is answered with 200.
        timeout_s: of each try's connecting, and of each wait for bytes.
    """

    url: str
    payload: str
    event_id: str
    event_type: str
    account_id: str
    secret: str | None
    verify: bool
    tries: int
    timeout_s: float


@dataclass(frozen=True)
class Outcome:
    """How sending a parcel ended. `response` is the last answer's text, or why there was none."""

    headers: str
    payload: str
    success: bool
    response: str
    startdate: float
    enddate: float


class Courier:
    """Sends parcels from daemon threads, which live only while something waits to be sent.

    Args:
        now: seconds since the epoch; called from the threads.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Parcel, Callable[[Outcome], None]]] = deque()
        self._threads = 0

    def post(self, parcel: Parcel, done: Callable[[Outcome], None], *, at_once: int) -> None:
        """Send a parcel soon; `done` is called from a thread with the outcome. At most `at_once` are on their way."""
        with self._lock:
            self._waiting.append((parcel, done))
            if self._threads >= max(at_once, 1):
                return
            self._threads += 1
        threading.Thread(target=self._work, name=THREAD_NAME, daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._threads -= 1
                    return
                parcel, done = self._waiting.popleft()
            done(send(parcel, self._now))


def send(parcel: Parcel, now: Callable[[], float]) -> Outcome:
    """Send a parcel, again while it is not answered with 200 and tries are left; never raises for a bad receiver."""
    headers = _headers(parcel)
    response, success, start = "", False, now()
    for _ in range(parcel.tries):
        start = now()
        try:
            status, response = _post(parcel, headers)
        except (OSError, http.client.HTTPException, ValueError) as error:
            response = f"Failed due to : {error}"
            continue
        success = status == http.client.OK
        if success:
            break
    shown = "\n".join(f"{name}: {value}" for name, value in headers.items())
    return Outcome(shown, parcel.payload, success, response, start, now())


def sign(payload: str, secret: str) -> str:
    """What the header X-CS-Signature has: HMAC-SHA256 of the payload, in base64."""
    return base64.b64encode(hmac.new(secret.encode(), payload.encode(), hashlib.sha256).digest()).decode()


def _headers(parcel: Parcel) -> dict[str, str]:
    headers = {
        "X-CS-Event-ID": parcel.event_id,
        "X-CS-Event": parcel.event_type,
        "User-Agent": f"CS-Hookshot/{parcel.account_id}",
    }
    if parcel.secret:
        headers["X-CS-Signature"] = sign(parcel.payload, parcel.secret)
    headers["Content-Length"] = str(len(parcel.payload.encode()))
    kind = "application/json" if _is_json(parcel.payload) else "text/plain"
    headers["Content-Type"] = f"{kind}; charset=UTF-8"
    return headers


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict | list)
    except ValueError:
        return False


def _post(parcel: Parcel, headers: dict[str, str]) -> tuple[int, str]:
    """Status and text of one try's answer.

    Raises:
        OSError: no connection, or no answer in time.
        http.client.HTTPException: the answer is no HTTP.
        ValueError: the URL is none.
    """
    url = urlsplit(parcel.url)
    connection = _connection(url, verify=parcel.verify, timeout_s=parcel.timeout_s)
    try:
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        connection.request("POST", target, parcel.payload.encode(), headers)
        answer = connection.getresponse()
        return answer.status, answer.read(_LONGEST_RESPONSE).decode("utf-8", "replace")
    finally:
        connection.close()


def _connection(url: SplitResult, *, verify: bool, timeout_s: float) -> http.client.HTTPConnection:
    host = url.hostname or ""
    if not _is_here(host):
        raise OSError(f"{host} is not on this machine, and a simulated management server sends nowhere else")
    if url.scheme != "https":
        return http.client.HTTPConnection(host, url.port, timeout=timeout_s)
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, url.port, timeout=timeout_s, context=context)


def _is_here(host: str) -> bool:
    """Whether a host is this machine: only an address of its own can be bound."""
    if host == "localhost":
        return True
    try:
        address = ip_address(host)
        with socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
    except (OSError, ValueError):
        return False
    return not address.is_unspecified and not address.is_multicast
