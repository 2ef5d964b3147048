"""The CloudStack driver against a small server that answers what the test says."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest
from servers import Authority, Reply, Request, closed_tcp, full_tcp, http_server, silent_tcp

from pytest_qacloud.drivers.cloudstack import PAGE, CloudStackApi, admin_endpoint
from pytest_qacloud.drivers.cloudstack_wire import sign
from pytest_qacloud.errors import (
    AccessDeniedError,
    CloudApiError,
    DeadlineError,
    DriverError,
    ServiceFaultError,
    UnreachableError,
)
from pytest_qacloud.model import Endpoint, ManagementService, SecretRef

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Command = Callable[[dict[str, str]], dict[str, Any] | Reply]


class Server:
    """Answers commands; checks each signature; remembers the requests."""

    def __init__(self, **commands: Command) -> None:
        self.commands = commands
        self.requests: list[dict[str, str]] = []
        self.http: list[Request] = []

    def __call__(self, request: Request) -> Reply:
        self.http.append(request)
        params = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        self.requests.append(params)
        if "signature" in params:
            unsigned = {name: value for name, value in params.items() if name != "signature"}
            assert params["signature"] == sign(unsigned, "the-secret-key")
        answer = self.commands[params["command"]](params)
        if isinstance(answer, Reply):
            return answer
        return Reply(200, json.dumps({f"{params['command'].lower()}response": answer}).encode())


def refusal(status: int, text: str, command: str = "x", **more: Any) -> Reply:
    content = {"uuidList": [], "errorcode": status, "errortext": text, **more}
    return Reply(status, json.dumps({f"{command}response": content}).encode())


def api_at(port: int, **options: float) -> CloudStackApi:
    endpoint = Endpoint(f"http://127.0.0.1:{port}/client/api", "the-api-key", "the-secret-key")
    return CloudStackApi(endpoint, **({"timeout_s": 2, "job_poll_s": 0.01} | options))


def test_a_call_returns_the_content_and_keeps_its_parameters_out_of_the_url() -> None:
    server = Server(createUser=lambda _: {"user": {"id": "u1"}})
    with http_server(server) as port:
        api = api_at(port)
        assert api.call("createUser", password="p&ss =~*+ü", domainid=None) == {"user": {"id": "u1"}}
        api.close()
    (request,) = server.requests
    assert request["password"] == "p&ss =~*+ü"
    assert "domainid" not in request
    assert server.http[0].method == "POST"
    assert server.http[0].path == "/client/api"


def test_an_asynchronous_command_is_followed_to_its_result() -> None:
    states = iter([0, 0, 1])
    server = Server(
        deployVirtualMachine=lambda _: {"id": "vm1", "jobid": "j1"},
        queryAsyncJobResult=lambda _: {
            "jobid": "j1",
            "jobstatus": next(states),
            "jobresult": {"virtualmachine": {"id": "vm1"}},
        },
    )
    with http_server(server) as port:
        api = api_at(port)
        assert api.call("deployVirtualMachine") == {"virtualmachine": {"id": "vm1"}}
        api.close()
    assert [request["jobid"] for request in server.requests[1:]] == ["j1"] * 3


def test_a_query_for_a_job_is_not_followed() -> None:
    answer = {"jobid": "j1", "jobstatus": 0}
    with http_server(Server(queryAsyncJobResult=lambda _: answer)) as port:
        api = api_at(port)
        assert api.call("queryAsyncJobResult", jobid="j1") == answer
        api.close()


@pytest.mark.parametrize(
    ("result", "code", "text"),
    [
        ({"errorcode": 530, "errortext": "no capacity"}, 530, "no capacity"),
        ("a bare text", 533, "a bare text"),
    ],
)
def test_a_failed_job_is_an_error_of_the_command(result: Any, code: int, text: str) -> None:
    server = Server(
        startVirtualMachine=lambda _: {"jobid": "j1"},
        queryAsyncJobResult=lambda _: {"jobstatus": 2, "jobresultcode": 533, "jobresult": result},
    )
    with http_server(server) as port:
        api = api_at(port)
        with pytest.raises(CloudApiError) as caught:
            api.call("startVirtualMachine")
        api.close()
    error = caught.value
    assert (error.command, error.errorcode, error.errortext) == ("startVirtualMachine", code, text)


def test_a_job_that_never_ends_is_given_up() -> None:
    server = Server(
        startVirtualMachine=lambda _: {"jobid": "j1"}, queryAsyncJobResult=lambda _: {"jobid": "j1", "jobstatus": 0}
    )
    with http_server(server) as port:
        api = api_at(port, job_timeout_s=0.1)
        with pytest.raises(DeadlineError, match=r"startVirtualMachine on CloudStack .* job j1 is still pending"):
            api.call("startVirtualMachine")
        api.close()


def test_a_server_that_is_away_for_a_moment_does_not_cost_the_job() -> None:
    answers: list[dict[str, Any] | Reply] = [Reply(503), Reply(503), {"jobstatus": 1, "jobresult": {"success": True}}]
    server = Server(stopVirtualMachine=lambda _: {"jobid": "j1"}, queryAsyncJobResult=lambda _: answers.pop(0))
    with http_server(server) as port:
        api = api_at(port)
        assert api.call("stopVirtualMachine") == {"success": True}
        api.close()


def test_a_server_that_stays_away_costs_the_job() -> None:
    server = Server(stopVirtualMachine=lambda _: {"jobid": "j1"}, queryAsyncJobResult=lambda _: Reply(503))
    with http_server(server) as port:
        api = api_at(port)
        with pytest.raises(UnreachableError):
            api.call("stopVirtualMachine")
        api.close()


@pytest.mark.parametrize(
    ("reply", "code", "cserrorcode"),
    [
        (refusal(401, "unable to verify user credentials", cserrorcode=4350), 401, 4350),
        (refusal(431, "Unable to execute API command"), 431, 9999),
        (refusal(432, "no such command", "error"), 432, 9999),
        (refusal(530, "Internal error"), 530, 9999),
        (Reply(531, b'{"errorresponse": {"errortext": "Permission denied"}}'), 531, 9999),
    ],
)
def test_a_refusal_carries_cloudstacks_codes(reply: Reply, code: int, cserrorcode: int) -> None:
    with http_server(Server(listZones=lambda _: reply)) as port:
        api = api_at(port)
        with pytest.raises(CloudApiError, match=f"CloudStack 127.0.0.1:{port}: listZones failed with {code}") as caught:
            api.call("listZones")
        api.close()
    assert (caught.value.errorcode, caught.value.cserrorcode) == (code, cserrorcode)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(503, b"Service Unavailable"), UnreachableError),
        (Reply(502), UnreachableError),
        (Reply(404, b"<html>"), UnreachableError),
        (Reply(401, b"<html>"), AccessDeniedError),
        (Reply(403, b""), AccessDeniedError),
        (Reply(500, b"<html>\n stack trace"), ServiceFaultError),
        (Reply(200, b"<html>"), ServiceFaultError),
        (Reply(200, b"[]"), ServiceFaultError),
        (Reply(200, b"{}"), ServiceFaultError),
        (Reply(200, b'{"listzonesresponse": 1}'), ServiceFaultError),
        (Reply(302), ServiceFaultError),
    ],
)
def test_answers_that_are_not_cloudstacks(reply: Reply, error: type[DriverError]) -> None:
    with http_server(Server(listZones=lambda _: reply)) as port:
        api = api_at(port)
        with pytest.raises(error) as caught:
            api.call("listZones")
        api.close()
    assert not isinstance(caught.value, CloudApiError)
    for secret in ("the-api-key", "the-secret-key", "signature"):
        assert secret not in str(caught.value)


def zones(total: int, *, paged: bool = True, count: bool = True) -> Command:
    """A list command over so many zones."""

    def command(params: dict[str, str]) -> dict[str, Any]:
        everything = [{"id": str(number)} for number in range(total)]
        size = int(params["pagesize"])
        begin = (int(params["page"]) - 1) * size
        shown = everything[begin : begin + size] if paged else everything
        if not shown:
            return {}
        return ({"count": total} if count else {}) | {"zone": shown}

    return command


@pytest.mark.parametrize("total", [0, 1, PAGE, PAGE + 1, 2 * PAGE, 2 * PAGE + 3])
def test_all_pages_are_read_once(total: int) -> None:
    server = Server(listZones=zones(total))
    with http_server(server) as port:
        api = api_at(port)
        assert [zone["id"] for zone in api.list("listZones", available=True)] == [str(n) for n in range(total)]
        api.close()
    assert len(server.requests) == max(1, -(-total // PAGE))
    assert {request["available"] for request in server.requests} == {"true"}


def test_a_command_without_pages_is_asked_once() -> None:
    server = Server(listApis=zones(2 * PAGE, paged=False))
    with http_server(server) as port:
        api = api_at(port)
        assert len(api.list("listApis")) == 2 * PAGE
        api.close()
    assert len(server.requests) == 1


def test_a_list_without_a_count_is_one_page() -> None:
    server = Server(listZones=zones(3, count=False))
    with http_server(server) as port:
        api = api_at(port)
        assert len(api.list("listZones")) == 3
        api.close()


def test_a_page_that_is_asked_for_is_the_only_one() -> None:
    server = Server(listZones=zones(10))
    with http_server(server) as port:
        api = api_at(port)
        assert [zone["id"] for zone in api.list("listZones", page=2, pagesize=4)] == ["4", "5", "6", "7"]
        api.close()
    assert len(server.requests) == 1


def test_a_single_entity_that_is_no_list_is_one_item() -> None:
    with http_server(Server(listCapabilities=lambda _: {"capability": {"cloudstackversion": "4.22"}})) as port:
        api = api_at(port)
        assert api.list("listCapabilities") == [{"cloudstackversion": "4.22"}]
        api.close()


def test_cookies_do_not_travel_from_call_to_call() -> None:
    server = Server(listZones=zones(1))

    def answer(request: Request) -> Reply:
        assert "Cookie" not in request.headers
        return server(request)

    with http_server(answer) as port:
        api = api_at(port)
        with ThreadPoolExecutor(16) as threads:
            assert [len(found) for found in threads.map(lambda _: api.list("listZones"), range(64))] == [1] * 64
        api.close()


def test_nobody_there_is_unreachable() -> None:
    with closed_tcp() as port, pytest.raises(UnreachableError, match="refused"):
        api_at(port).call("listZones")


def test_a_server_that_says_nothing_is_unreachable() -> None:
    with silent_tcp() as port:
        api = api_at(port, timeout_s=0.2)
        with pytest.raises(UnreachableError, match=r"no answer to listZones within 0\.2 s"):
            api.call("listZones")
        api.close()


def test_a_host_that_does_not_take_connections_in_time_is_unreachable() -> None:
    with full_tcp() as port:
        api = api_at(port, timeout_s=0.2)
        with pytest.raises(UnreachableError, match=r"no connection within 0\.2 s"):
            api.call("listZones")
        api.close()


def test_a_name_that_does_not_resolve_is_unreachable() -> None:
    api = CloudStackApi(Endpoint("http://cloud.invalid:8080/client/api", "a", "b"), timeout_s=2)
    with pytest.raises(UnreachableError, match=r"cloud\.invalid:8080"):
        api.call("listZones")
    api.close()


def test_tls_is_verified(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with http_server(Server(listZones=zones(1)), authority.server_context("127.0.0.1")) as port:
        url = f"https://127.0.0.1:{port}/client/api"
        trusted = CloudStackApi(Endpoint(url, "the-api-key", "the-secret-key", str(authority.ca_file)), timeout_s=2)
        assert len(trusted.list("listZones")) == 1
        trusted.close()
        strict = CloudStackApi(Endpoint(url, "the-api-key", "the-secret-key"), timeout_s=2)
        with pytest.raises(ServiceFaultError, match=r"management\.ca_file"):
            strict.call("listZones")
        strict.close()


def service(port: int, **changes: Any) -> ManagementService:
    return ManagementService("admin", SecretRef("env", "NEVER_READ"), **({"port": port} | changes))


def logged_in(_: dict[str, str]) -> dict[str, Any]:
    return {"userid": "u1", "sessionkey": "session", "username": "admin"}


KEYS = {"apikey": "A", "secretkey": "S"}


def test_an_administrator_with_keys_keeps_them() -> None:
    server = Server(login=logged_in, getUserKeys=lambda _: {"userkeys": KEYS}, logout=lambda _: {"description": "x"})
    with http_server(server) as port:
        endpoint = admin_endpoint(service(port), "127.0.0.1", "the password")
    assert endpoint == Endpoint(f"http://127.0.0.1:{port}/client/api", "A", "S")
    assert [request["command"] for request in server.requests] == ["login", "getUserKeys", "logout"]
    assert server.requests[0]["password"] == "the password"
    assert [request.get("sessionkey") for request in server.requests[1:]] == ["session"] * 2
    assert all("password" not in request.path for request in server.http)


@pytest.mark.parametrize("answer", [{}, {"userkeys": {}}, {"userkeys": {"apikey": "A"}}])
def test_an_administrator_without_keys_gets_some(answer: dict[str, Any]) -> None:
    server = Server(
        login=logged_in,
        getUserKeys=lambda _: answer,
        registerUserKeys=lambda _: {"userkeys": KEYS},
        logout=lambda _: {"description": "x"},
    )
    with http_server(server) as port:
        endpoint = admin_endpoint(service(port), "127.0.0.1", "the password")
    assert (endpoint.api_key, endpoint.secret_key) == ("A", "S")
    assert server.requests[-1]["command"] == "logout"


def test_a_refused_login_is_denied_without_showing_the_password() -> None:
    server = Server(login=lambda _: refusal(531, "Failed to authenticate user admin", "login"))
    with http_server(server) as port, pytest.raises(AccessDeniedError, match=r"management\.password") as caught:
        admin_endpoint(service(port), "127.0.0.1", "the password")
    assert "the password" not in str(caught.value)


def test_keys_that_cannot_be_had_are_told_and_the_session_ends() -> None:
    server = Server(
        login=logged_in, getUserKeys=lambda _: {}, registerUserKeys=lambda _: {}, logout=lambda _: Reply(500)
    )
    with http_server(server) as port, pytest.raises(ServiceFaultError, match="userkeys"):
        admin_endpoint(service(port), "127.0.0.1", "the password")
    assert server.requests[-1]["command"] == "logout"


def test_a_management_server_that_is_not_up_yet_is_unreachable() -> None:
    with closed_tcp() as port, pytest.raises(UnreachableError):
        admin_endpoint(service(port), "127.0.0.1", "the password")


def test_the_login_goes_over_the_services_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server = Server(login=logged_in, getUserKeys=lambda _: {"userkeys": KEYS}, logout=lambda _: {"description": "x"})
    with http_server(server, authority.server_context("127.0.0.1")) as port:
        endpoint = admin_endpoint(service(port, tls=True, ca_file=str(authority.ca_file)), "127.0.0.1", "p")
        assert endpoint.url == f"https://127.0.0.1:{port}/client/api"
        assert endpoint.ca_file == str(authority.ca_file)
        with pytest.raises(ServiceFaultError):
            admin_endpoint(service(port, tls=True), "127.0.0.1", "p")
