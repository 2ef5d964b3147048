"""What the simulated rack's CA does not do: odd states and answers, TLS that must not be trusted."""

from __future__ import annotations

import json
import tempfile
from typing import TYPE_CHECKING

import pytest
from servers import Authority, Reply, Request, closed_tcp, http_server, silent_tcp

from pytest_qacloud.drivers.puppet import PuppetCa
from pytest_qacloud.errors import AccessDeniedError, ConfigError, DriverError, ServiceFaultError, UnreachableError
from pytest_qacloud.model import PuppetService, SecretRef

if TYPE_CHECKING:
    from pathlib import Path


class Ca:
    """A CA's answers, and the requests it got."""

    def __init__(self, state: str | None) -> None:
        self.state = state
        self.requests: list[Request] = []

    def __call__(self, request: Request) -> Reply:
        self.requests.append(request)
        if self.state is None:
            return Reply(404, b"Invalid certificate subject.", "text/plain")
        if request.method == "GET":
            return Reply(200, json.dumps({"name": "n1", "state": self.state}).encode())
        if request.method == "DELETE":
            self.state = None
        return Reply(204)

    @property
    def methods(self) -> list[str]:
        return [request.method for request in self.requests]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def puppet_at(port: int, authority: Authority, **changes: str) -> PuppetCa:
    cert, key = authority.issue("client")
    settings = {"server": "127.0.0.1", "ca_file": str(authority.ca_file), "cert": str(cert), **changes}
    service = PuppetService(**settings, key=SecretRef("env", "NEVER_READ"), ca_port=port)
    return PuppetCa(service, key, timeout_s=1)


def test_a_signed_certificate_is_revoked_before_it_is_deleted(authority: Authority) -> None:
    ca = Ca("signed")
    with http_server(ca, authority.server_context("127.0.0.1", client_certificate=True)) as port:
        puppet = puppet_at(port, authority)
        puppet.clean("n1.sim.test")
        puppet.close()
    assert ca.methods == ["GET", "PUT", "DELETE"]
    assert json.loads(ca.requests[1].body) == {"desired_state": "revoked"}
    assert ca.requests[0].path == "/puppet-ca/v1/certificate_status/n1.sim.test?environment=production"


@pytest.mark.parametrize("state", ["requested", "revoked"])
def test_what_is_not_signed_is_only_deleted(authority: Authority, state: str) -> None:
    ca = Ca(state)
    with http_server(ca, authority.server_context("127.0.0.1")) as port:
        puppet = puppet_at(port, authority)
        puppet.clean("n1")
        assert puppet.state("n1") is None
        puppet.close()
    assert ca.methods == ["GET", "DELETE", "GET"]


def test_a_name_cannot_lead_to_another_path(authority: Authority) -> None:
    ca = Ca(None)
    with http_server(ca, authority.server_context("127.0.0.1")) as port:
        puppet = puppet_at(port, authority)
        assert puppet.state("../certificate_statuses/all?x=1") is None
        puppet.close()
    assert ca.requests[0].path.startswith("/puppet-ca/v1/certificate_status/..%2F")


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(401), AccessDeniedError),
        (Reply(403, b"Forbidden request"), AccessDeniedError),
        (Reply(500, b"a stack trace"), ServiceFaultError),
        (Reply(302), ServiceFaultError),
        (Reply(503), UnreachableError),
        (Reply(200, b"<html>"), ServiceFaultError),
        (Reply(200, b"[]"), ServiceFaultError),
        (Reply(200, b"{}"), ServiceFaultError),
    ],
)
def test_answers_that_are_no_state(authority: Authority, reply: Reply, error: type[DriverError]) -> None:
    with http_server(lambda _: reply, authority.server_context("127.0.0.1")) as port:
        puppet = puppet_at(port, authority)
        with pytest.raises(error, match=f"Puppet CA 127.0.0.1:{port}"):
            puppet.state("n1")
        puppet.close()


def test_only_the_pools_authority_is_trusted(authority: Authority, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with http_server(Ca("signed"), Authority(other).server_context("127.0.0.1")) as port:
        puppet = puppet_at(port, authority)
        with pytest.raises(ServiceFaultError, match=r"puppet\.ca_file"):
            puppet.state("n1")
        puppet.close()


def test_the_servers_name_must_be_in_its_certificate(authority: Authority) -> None:
    with http_server(Ca("signed"), authority.server_context("puppet.test")) as port:
        puppet = puppet_at(port, authority)
        with pytest.raises(ServiceFaultError, match=r"127\.0\.0\.1"):
            puppet.state("n1")
        puppet.close()


def test_nobody_there_is_unreachable(authority: Authority) -> None:
    with closed_tcp() as port:
        puppet = puppet_at(port, authority)
        with pytest.raises(UnreachableError, match="refused"):
            puppet.state("n1")
        puppet.close()


def test_a_server_that_says_nothing_is_unreachable(authority: Authority) -> None:
    with silent_tcp() as port:
        puppet = puppet_at(port, authority)
        with pytest.raises(UnreachableError):
            puppet.state("n1")
        puppet.close()


def test_the_key_is_on_no_disk_once_it_is_loaded(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    puppet_at(8140, authority).close()
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("changes", [{"ca_file": "/no/such/ca.pem"}, {"cert": "/no/such/cert.pem"}])
def test_a_missing_file_is_named(authority: Authority, changes: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="/no/such/c"):
        puppet_at(8140, authority, **changes)


def test_a_key_of_another_certificate_is_refused_without_showing_it(authority: Authority) -> None:
    cert, _ = authority.issue("client")
    _, other_key = authority.issue("another")
    service = PuppetService("127.0.0.1", str(authority.ca_file), str(cert), SecretRef("env", "NEVER_READ"))
    with pytest.raises(ConfigError, match=r"puppet\.cert and puppet\.key") as caught:
        PuppetCa(service, other_key)
    assert other_key.splitlines()[1] not in str(caught.value)
