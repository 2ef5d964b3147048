from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus
from xml.etree import ElementTree as ET

import pytest
import requests
from cloudlab import Cloud, serving

from pytest_qacloud.rack.cloudstack.auth import SESSION_TIMEOUT_S, signature

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_the_signature_is_that_of_the_developers_guide() -> None:
    params = {
        "command": "listUsers",
        "response": "json",
        "apiKey": "plgWJfZK4gyS3mOMTVmjUVg-X-jlWlnfaUJ9GAbBbf9EdM-kAYMmAiLqzzq1ElZLYq_u38zCm0bewzGUdP66mg",
    }
    secret = "VDaACYb0LV9eNjTetIOElcVQkvJck_J_QljX_FcHRj87ZKiy0z0ty0ZsYBkoXkY9b7eq1EhwJaw7FF3akA3KBQ"
    assert signature(params, secret) == "TTpdDq/7j/J58XCRHomKoQXEQds="


class Client:
    """Talks HTTP; signs as Marvin does, with code of its own."""

    def __init__(self, url: str, cloud: Cloud) -> None:
        self.url, self.cloud, self.http = url, cloud, requests.Session()
        self.http.trust_env = False
        keys = cloud.do("registerUserKeys", id=cloud.user().id)
        self.key, self.secret = keys["apikey"], keys["secretkey"]

    def get(self, **params: str) -> requests.Response:
        return self.http.get(self.url, params=params)

    def signed(self, command: str, *, method: str = "GET", **params: str) -> requests.Response:
        everything = {"command": command, "response": "json", "apiKey": self.key, **params}
        text = "&".join(
            f"{name.lower()}={quote_plus(value, safe='*').replace('+', '%20').lower()}"
            for name, value in sorted(everything.items(), key=lambda item: item[0].lower())
        )
        digest = hmac.new(self.secret.encode(), text.encode(), hashlib.sha1).digest()
        everything["signature"] = base64.b64encode(digest).decode()
        if method == "POST":
            return self.http.post(self.url, data=everything)
        return self.get(**everything)


@pytest.fixture
def client() -> Iterator[Client]:
    cloud = Cloud()
    with serving(cloud.server) as url:
        made = Client(url, cloud)
        with made.http:
            yield made


def body(reply: requests.Response, name: str) -> dict[str, Any]:
    content = reply.json()
    assert list(content) == [name]
    found = content[name]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_signed_call_is_answered(client: Client, method: str) -> None:
    reply = client.signed("listUsers", method=method, username="admin")
    assert reply.status_code == 200
    assert body(reply, "listusersresponse")["user"][0]["username"] == "admin"


def test_values_with_blanks_and_signs_are_signed_alike(client: Client) -> None:
    reply = client.signed("createDomain", name="a b+c&d=é*")
    assert body(reply, "createdomainresponse")["domain"]["name"] == "a b+c&d=é*"


def test_a_wrong_signature_is_refused(client: Client) -> None:
    client.secret += "x"
    reply = client.signed("listUsers")
    assert reply.status_code == 401
    assert body(reply, "listusersresponse")["errortext"] == (
        "unable to verify user credentials and/or request signature"
    )


def test_an_unknown_key_and_no_key_at_all_are_refused(client: Client) -> None:
    client.key = "nobody"
    assert client.signed("listUsers").status_code == 401
    assert client.get(command="listUsers", response="json").status_code == 401


def test_a_disabled_users_keys_are_refused(client: Client) -> None:
    client.cloud.user().state = "disabled"
    assert client.signed("listUsers").status_code == 401


@pytest.mark.parametrize(("offset", "status"), [(60, 200), (-60, 401)])
def test_version_3_signatures_expire(client: Client, offset: float, status: int) -> None:
    expires = datetime.fromtimestamp(client.cloud.clock.time + offset, UTC).strftime("%Y-%m-%dT%H:%M:%S%z")
    assert client.signed("listUsers", signatureVersion="3", expires=expires).status_code == status


def test_version_3_without_a_valid_date_is_refused(client: Client) -> None:
    assert client.signed("listUsers", signatureVersion="3").status_code == 401
    assert client.signed("listUsers", signatureVersion="3", expires="soon").status_code == 401


def login(client: Client, **params: str) -> requests.Response:
    return client.http.post(client.url, data={"command": "login", "response": "json", "username": "admin", **params})


def test_a_session_lives_from_login_to_logout(client: Client) -> None:
    content = body(login(client, password="password", domain="/"), "loginresponse")
    key = content["sessionkey"]
    assert content["username"] == "admin"
    assert client.get(command="listUsers", response="json", sessionkey=key).status_code == 200
    assert body(client.get(command="logout", response="json"), "logoutresponse") == {"description": "success"}
    assert client.get(command="listUsers", response="json", sessionkey=key).status_code == 401


def test_a_session_needs_its_key_with_every_call(client: Client) -> None:
    key = body(login(client, password="password"), "loginresponse")["sessionkey"]
    assert client.get(command="listUsers", response="json").status_code == 401
    assert client.get(command="listUsers", response="json", sessionkey=key).status_code == 401, "it had ended"


def test_a_session_times_out(client: Client) -> None:
    key = body(login(client, password="password"), "loginresponse")["sessionkey"]
    client.cloud.clock.time += SESSION_TIMEOUT_S + 1
    assert client.get(command="listUsers", response="json", sessionkey=key).status_code == 401


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"password": "wrong"}, "Failed to authenticate user admin"),
        ({"password": "password", "domain": "/nowhere"}, "Unable to find the domain from the path /nowhere/"),
    ],
)
def test_bad_logins_are_531(client: Client, params: dict[str, str], text: str) -> None:
    reply = login(client, **params)
    assert reply.status_code == 531
    assert text in body(reply, "loginresponse")["errortext"]


def test_a_disabled_user_cannot_log_in(client: Client) -> None:
    client.cloud.user().state = "disabled"
    assert login(client, password="password").status_code == 531


def test_login_finds_users_of_other_domains(client: Client) -> None:
    domain = client.cloud.do("createDomain", name="sub")
    client.cloud.account("carol", domain=domain["id"])
    for where in ({"domain": "sub"}, {"domain": "ROOT/sub"}, {"domainid": domain["id"]}):
        assert login(client, username="carol", password="pw-carol", **where).status_code == 200
    assert login(client, username="carol", password="pw-carol", domainid="0").status_code == 401


def test_logout_without_a_session_is_431(client: Client) -> None:
    assert client.get(command="logout", response="json").status_code == 431


def test_errors_carry_their_codes_in_body_and_status(client: Client) -> None:
    reply = client.signed("listZones", page="1")
    assert reply.status_code == 431
    assert body(reply, "listzonesresponse") == {
        "uuidList": [],
        "errorcode": 431,
        "cserrorcode": 9999,
        "errortext": '"pagesize" parameter is required when "page" is specified',
    }


def test_an_unknown_command_is_432(client: Client) -> None:
    reply = client.signed("makeCoffee")
    assert reply.status_code == 432
    assert body(reply, "errorresponse")["errortext"].startswith("The given command 'makeCoffee' either does not exist")


def test_replies_are_xml_unless_json_is_asked_for(client: Client) -> None:
    reply = client.signed("listUsers", response="xml")
    assert reply.headers["Content-Type"].startswith("text/xml")
    root = ET.fromstring(reply.text)
    assert root.tag == "listusersresponse"
    assert root.findtext("user/username") == "admin"
    assert root.findtext("user/isdefault") == "true"


def test_faults_of_the_api(client: Client) -> None:
    client.cloud.faults.set["api_503"] = 1.0
    assert client.signed("listUsers").status_code == 503
    client.cloud.faults.set = {"api_431": 1.0}
    assert client.signed("listUsers").status_code == 431
    client.cloud.faults.set = {"api_slow": 0.01}
    assert client.signed("listUsers").status_code == 200


def test_a_bug_in_a_command_is_a_530_and_not_the_end(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(client.cloud.machines, "is_running", lambda _: 1 / 0)
    client.cloud.machines.running["127.1.0.1"] = True
    from cloudlab import build_zone

    with pytest.raises(ZeroDivisionError):
        build_zone(client.cloud, hosts=1, enable=False)
    reply = client.signed("listHosts")
    assert reply.status_code == 530
    assert "ZeroDivisionError" in body(reply, "listhostsresponse")["errortext"]
    assert "listHosts failed" in caplog.text
    assert client.signed("listUsers").status_code == 200


def test_the_landing_page_answers_without_a_login(client: Client) -> None:
    reply = client.http.get(client.url.removesuffix("api"))
    assert (reply.status_code, reply.text) == (200, "CloudStack\n")
