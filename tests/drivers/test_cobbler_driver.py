"""What the simulated rack's Cobbler does not do: expired tokens on demand, other servers, broken TLS."""

from __future__ import annotations

import xmlrpc.client
from typing import TYPE_CHECKING, Any

import pytest
from servers import Authority, Reply, Request, closed_tcp, http_server, silent_tcp

from pytest_qacloud.drivers.cobbler import CobblerServer
from pytest_qacloud.errors import AccessDeniedError, ConfigError, DriverError, ServiceFaultError, UnreachableError
from pytest_qacloud.model import CobblerService, SecretRef
from pytest_qacloud.ports import System

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SYSTEM = System("n1", "n1.x", "p", "02:00:00:00:00:01", "10.0.0.1", "10.0.0.254", (), True, {})


def service(url: str, ca_file: str | None = None) -> CobblerService:
    return CobblerService(url, "cobbler", SecretRef("env", "NEVER_READ"), {}, ca_file)


def cobbler_at(port: int, scheme: str = "http", ca_file: str | None = None) -> CobblerServer:
    return CobblerServer(service(f"{scheme}://127.0.0.1:{port}/cobbler_api", ca_file), "a-password", timeout_s=2)


def xml_rpc(methods: dict[str, Callable[..., Any]]) -> Callable[[Request], Reply]:
    """An XML-RPC server of these methods; what they raise becomes a fault as Cobbler words it."""

    def answer(request: Request) -> Reply:
        params, method = xmlrpc.client.loads(request.body)
        try:
            text = xmlrpc.client.dumps((methods[str(method)](*params),), methodresponse=True)
        except RuntimeError as error:
            fault = xmlrpc.client.Fault(1, f"<class 'cobbler.cexceptions.CX'>:'{error}'")
            text = xmlrpc.client.dumps(fault, methodresponse=True)
        return Reply(200, text.encode(), "text/xml")

    return answer


class Tokens:
    """Logins, and systems that take any setting, as long as the token is the last one given out."""

    def __init__(self) -> None:
        self.logins = 0
        self.calls: list[str] = []

    def login(self, user: str, password: str) -> str:
        assert (user, password) == ("cobbler", "a-password")
        self.logins += 1
        return f"token{self.logins}"

    def checked(self, name: str, result: Any) -> Callable[..., Any]:
        def method(*params: Any) -> Any:
            self.calls.append(name)
            if params[-1] != f"token{self.logins}":
                raise RuntimeError(f"invalid token: {params[-1]}")
            return result

        return method

    def methods(self, **others: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
        known: dict[str, Callable[..., Any]] = {"login": self.login, "get_system": lambda _: "~"}
        known["new_system"] = self.checked("new_system", "___NEW___system::1")
        for name in ("modify_system", "save_system", "remove_system", "logout"):
            known[name] = self.checked(name, True)
        return known | others


def test_an_expired_token_is_replaced_and_the_work_begun_again() -> None:
    tokens = Tokens()
    with http_server(xml_rpc(tokens.methods())) as port:
        cobbler = cobbler_at(port)
        cobbler.save_system(SYSTEM)
        tokens.logins += 1  # the server has forgotten `token1`
        cobbler.save_system(SYSTEM)
        cobbler.close()
    assert tokens.logins == 3
    assert tokens.calls.count("save_system") == 2
    assert tokens.calls[-1] == "logout"


def test_a_token_that_is_never_good_ends_in_a_fault_that_does_not_show_it() -> None:
    tokens = Tokens()

    def refuse(*params: Any) -> None:
        raise RuntimeError(f"invalid token: {params[-1]}")

    with http_server(xml_rpc(tokens.methods(new_system=refuse))) as port:
        cobbler = cobbler_at(port)
        with pytest.raises(ServiceFaultError, match="invalid token") as caught:
            cobbler.save_system(SYSTEM)
        assert "token1" not in str(caught.value)
        assert "token2" not in str(caught.value)
        cobbler.close()


def test_an_attribute_that_cobbler_does_not_know_is_not_lost_in_silence() -> None:
    tokens = Tokens()
    with http_server(xml_rpc(tokens.methods(modify_system=lambda *_: False))) as port:
        cobbler = cobbler_at(port)
        with pytest.raises(ServiceFaultError, match="knows no attribute name"):
            cobbler.save_system(SYSTEM)
        cobbler.close()


def test_other_interfaces_of_a_record_are_removed() -> None:
    tokens, changes = Tokens(), []

    def modify(_handle: str, attribute: str, value: Any, _token: str) -> bool:
        changes.append((attribute, value))
        return True

    known: dict[str, Any] = {"interfaces": {"eth0": {}, "eth7": {}}}
    methods = tokens.methods(
        get_system=lambda _: known, get_system_handle=lambda name, _: f"system::{name}", modify_system=modify
    )
    with http_server(xml_rpc(methods)) as port:
        cobbler = cobbler_at(port)
        cobbler.save_system(SYSTEM)
        cobbler.close()
    assert ("delete_interface", "eth7") in changes
    assert ("delete_interface", "eth0") not in changes


def test_a_user_without_the_right_is_denied() -> None:
    def refuse(*_: Any) -> None:
        raise RuntimeError("authorization failure for user cobbler")

    with http_server(xml_rpc(Tokens().methods(new_system=refuse))) as port:
        cobbler = cobbler_at(port)
        with pytest.raises(AccessDeniedError, match=r"authorization failure for user cobbler .*users\.conf"):
            cobbler.save_system(SYSTEM)
        cobbler.close()


def test_a_record_with_interfaces_of_other_names_is_read() -> None:
    record = {
        "name": "n1",
        "hostname": "n1.x",
        "profile": "p",
        "gateway": "",
        "name_servers": [],
        "netboot_enabled": False,
        "autoinstall_meta": "<<inherit>>",
        "interfaces": {"ens3": {"mac_address": "02:00:00:00:00:01", "ip_address": "10.0.0.1"}},
    }
    with http_server(xml_rpc(Tokens().methods(get_system=lambda _: record))) as port:
        cobbler = cobbler_at(port)
        found = cobbler.system("n1")
        cobbler.close()
    assert found == System("n1", "n1.x", "p", "02:00:00:00:00:01", "10.0.0.1", "", (), False, {})


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(401), AccessDeniedError),
        (Reply(403), AccessDeniedError),
        (Reply(404), ServiceFaultError),
        (Reply(500, b"<html>"), ServiceFaultError),
        (Reply(502), UnreachableError),
        (Reply(503), UnreachableError),
        (Reply(200, b"<html>not XML-RPC</p>", "text/html"), ServiceFaultError),
        (Reply(200, b"<methodResponse/>", "text/xml"), ServiceFaultError),
        (Reply(200, b"\xff\xfe", "text/xml"), ServiceFaultError),
    ],
)
def test_answers_that_are_not_cobblers(reply: Reply, error: type[DriverError]) -> None:
    with http_server(lambda _: reply) as port:
        cobbler = cobbler_at(port)
        with pytest.raises(error, match=f"Cobbler http://127.0.0.1:{port}/cobbler_api: "):
            cobbler.has_profile("p")
        cobbler.close()


def test_nobody_there_is_unreachable() -> None:
    with closed_tcp() as port, pytest.raises(UnreachableError, match="refused"):
        cobbler_at(port).has_profile("p")


def test_a_server_that_says_nothing_is_unreachable() -> None:
    with silent_tcp() as port:
        cobbler = CobblerServer(service(f"http://127.0.0.1:{port}/cobbler_api"), "a-password", timeout_s=0.2)
        with pytest.raises(UnreachableError, match="timed out"):
            cobbler.has_profile("p")


def test_tls_is_verified(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path), tmp_path / "other"
    other.mkdir()
    stranger = Authority(other)
    answer = xml_rpc(Tokens().methods(get_profile=lambda _: {"name": "p"}))
    with http_server(answer, authority.server_context("127.0.0.1")) as port:
        trusted = cobbler_at(port, "https", str(authority.ca_file))
        assert trusted.has_profile("p")
        trusted.close()
        with pytest.raises(ServiceFaultError, match=r"not trusted.*cobbler\.ca_file"):
            cobbler_at(port, "https", str(stranger.ca_file)).has_profile("p")
    with (
        http_server(answer, authority.server_context("elsewhere.test")) as port,
        pytest.raises(ServiceFaultError, match=r"127\.0\.0\.1"),
    ):
        cobbler_at(port, "https", str(authority.ca_file)).has_profile("p")


@pytest.mark.parametrize("url", ["ftp://appliance/cobbler_api", "appliance", "http:///cobbler_api"])
def test_a_url_that_cannot_be_cobblers_is_a_mistake_in_the_pool(url: str) -> None:
    with pytest.raises(ConfigError, match="/cobbler_api"):
        CobblerServer(service(url), "a-password")


@pytest.mark.parametrize("content", [None, "no certificates"])
def test_an_unusable_ca_file_is_named(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError, match=r"ca\.pem.*cobbler\.ca_file"):
        CobblerServer(service("https://127.0.0.1/cobbler_api", str(file)), "a-password")
