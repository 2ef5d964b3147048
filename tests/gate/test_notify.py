"""Mail and webhooks about a gate's end."""

from __future__ import annotations

import hashlib
import hmac
import json
import socketserver
import threading
from collections.abc import Callable
from email import message_from_string
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from gateworld import World, commit, work

from pytest_qacloud.errors import AccessDeniedError, ServiceFaultError, UnreachableError
from pytest_qacloud.gate.ledger import read
from pytest_qacloud.gate.notify import SIGNATURE, post, send_mail
from pytest_qacloud.gate.record import Record
from pytest_qacloud.gate.report import Report, report
from pytest_qacloud.model import Mail, Webhook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Got = list[tuple[dict[str, str], bytes]]
Serve = Callable[[socketserver.TCPServer], int]


@pytest.fixture
def told(tmp_path: Path) -> Report:
    work(World(6, breaks={"test_a": [{3}]}), tmp_path / "gate")
    return report(Record(read(tmp_path / "gate")))


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers, and stops them at the end."""
    running: list[tuple[socketserver.TCPServer, threading.Thread]] = []

    def serve(server: socketserver.TCPServer) -> int:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        running.append((server, thread))
        return int(server.socket.getsockname()[1])

    yield serve
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


def web(got: Got, status: int = 204) -> ThreadingHTTPServer:
    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
            pass

    return ThreadingHTTPServer(("127.0.0.1", 0), Hook)


def smtp(got: list[str], *, login: bytes = b"235 ok", data: bytes = b"250 taken") -> socketserver.ThreadingTCPServer:
    """As much of RFC 5321 as a mail needs."""

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 test\r\n")
            for line in self.rfile:
                word = line.split()[0].upper()
                if word == b"EHLO":
                    self.wfile.write(b"250-test\r\n250 AUTH PLAIN\r\n")
                elif word == b"AUTH":
                    self.wfile.write(login + b"\r\n")
                elif word == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    lines = []
                    while (each := self.rfile.readline()) != b".\r\n":
                        lines.append(each.decode())
                    got.append("".join(lines))
                    self.wfile.write(data + b"\r\n")
                elif word == b"QUIT":
                    self.wfile.write(b"221 bye\r\n")
                    return
                else:
                    self.wfile.write(b"250 ok\r\n")

    return socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session)


def mail(port: int, user: str | None = None) -> Mail:
    to = ("a@example.org", "b@example.org")
    return Mail(f"127.0.0.1:{port}", "qa@example.org", to, user=user, encrypted=False)


def test_a_mail_says_who_and_carries_the_page(told: Report, serve: Serve) -> None:
    got: list[str] = []
    send_mail(mail(serve(smtp(got))), None, told, "<html>the page</html>")
    (raw,) = got
    message = message_from_string(raw)
    assert message["To"] == "a@example.org, b@example.org"
    assert "[qacloud] staging: 5 of 6 units promoted" in " ".join(str(message["Subject"]).split())
    body, page = (part for part in message.walk() if not part.is_multipart())
    assert f"culprit {commit(3)}" in str(body.get_payload())
    assert page.get_filename() == "gate-g1.html"


def test_a_refused_login_and_a_refused_mail_are_told_apart(told: Report, serve: Serve) -> None:
    with pytest.raises(AccessDeniedError, match=r"\[gate.mail\]"):
        send_mail(mail(serve(smtp([], login=b"535 no")), user="qa"), "secret", told)
    with pytest.raises(ServiceFaultError):
        send_mail(mail(serve(smtp([], data=b"554 spam"))), None, told)
    with pytest.raises(UnreachableError):
        send_mail(mail(1), None, told)


def test_encryption_is_not_given_up_silently(told: Report, serve: Serve) -> None:
    got: list[str] = []
    plain = mail(serve(smtp(got)))
    with pytest.raises(ServiceFaultError, match="STARTTLS"):
        send_mail(Mail(plain.server, plain.sender, plain.to), None, told)
    assert got == []


def test_a_webhook_gets_signed_json(told: Report, serve: Serve) -> None:
    got: Got = []
    post(Webhook(f"http://127.0.0.1:{serve(web(got))}/hook"), "a secret", told)
    ((headers, body),) = got
    assert headers[SIGNATURE] == "sha256=" + hmac.new(b"a secret", body, hashlib.sha256).hexdigest()
    content = json.loads(body)
    assert content["gate"]["culprits"][0]["commit"] == commit(3)
    assert "culprit" in content["text"]


def test_a_webhook_that_fails_is_said_without_its_url(told: Report, serve: Serve) -> None:
    got: Got = []
    with pytest.raises(ServiceFaultError, match="500") as refused:
        post(Webhook(f"http://127.0.0.1:{serve(web(got, 500))}/token"), None, told)
    assert SIGNATURE not in got[0][0]
    with pytest.raises(ServiceFaultError, match="302"):
        post(Webhook(f"http://127.0.0.1:{serve(web([], 302))}/token"), None, told)
    with pytest.raises(UnreachableError) as silent:
        post(Webhook("http://127.0.0.1:1/token"), None, told)
    assert "token" not in f"{refused.value} {silent.value}"
