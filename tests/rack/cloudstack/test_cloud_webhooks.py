"""Webhooks: who may have which, and what they are told."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from cloudlab import Cloud

from pytest_qacloud.rack.cloudstack.areas.webhooks.sending import THREAD_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "ssh-rsa AAAA joe"
NOBODY = "http://127.0.0.1:1"
"""Where nothing listens."""


class Receiver(ThreadingHTTPServer):
    """An HTTP server that keeps what it is sent, and answers with the statuses it was given, then with 200."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taking)
        self.got: list[tuple[dict[str, str], str]] = []
        self.statuses: list[int] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook?a=b"


class Taking(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.got.append(({**self.headers, "path": self.path}, body))
        answer = b"thanks for " + self.headers["X-CS-Event"].encode()
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    made = Cloud()
    made.account("joe")
    yield made
    all_sent()


def all_sent() -> None:
    """Wait until nothing is on its way."""
    for thread in threading.enumerate():
        if thread.name == THREAD_NAME:
            thread.join()


def deliveries(cloud: Cloud, *, by: str = "admin", **params: object) -> list[dict[str, Any]]:
    all_sent()
    found = cloud.do("listWebhookDeliveries", by=by, **params)
    assert isinstance(found, list)
    return found


def register_key(cloud: Cloud, by: str, name: str = "k") -> None:
    cloud.do("registerSSHKeyPair", by=by, name=name, publickey=f"{KEY}{name}".replace("AAAA", f"AAAA{name}"))


def test_an_event_reaches_its_owners_webhook(cloud: Cloud, receiver: Receiver) -> None:
    hook = cloud.do("createWebhook", by="joe", name="h", payloadurl=receiver.url, secretkey="hush")
    assert (hook["scope"], hook["state"], hook["account"]) == ("Local", "Enabled", "joe")
    register_key(cloud, "joe")
    register_key(cloud, "admin")
    (delivery,) = deliveries(cloud, by="joe", webhookid=hook["id"])
    assert delivery["success"] is True
    assert delivery["response"] == "thanks for REGISTER.SSH.KEYPAIR"
    assert "managementserverid" not in delivery, "for root admins only"
    ((headers, body),) = receiver.got
    assert body == delivery["payload"]
    event = cloud.do("listEvents", by="joe", type="REGISTER.SSH.KEYPAIR")[0]
    told = json.loads(body)
    assert (told["event"], told["status"], told["description"]) == (event["type"], "Completed", event["description"])
    assert headers["path"] == "/hook?a=b"
    assert headers["X-CS-Event-ID"] == delivery["eventid"] == event["id"]
    assert headers["User-Agent"] == f"CS-Hookshot/{told['account']}"
    assert headers["Content-Type"].startswith("application/json")
    signature = base64.b64encode(hmac.new(b"hush", body.encode(), hashlib.sha256).digest()).decode()
    assert headers["X-CS-Signature"] == signature
    assert f"X-CS-Signature: {signature}" in delivery["headers"].splitlines()


def test_who_is_told_of_whom(cloud: Cloud, receiver: Receiver) -> None:
    domain = cloud.do("createDomain", name="d")["id"]
    cloud.account("ann", domain=domain)
    wanted = {"name": "h", "payloadurl": receiver.url}
    every = cloud.do("createWebhook", scope="Global", **wanted)["id"]
    below = cloud.do("createWebhook", scope="Domain", domainid=domain, name="h", payloadurl=receiver.url + "2")
    mine = cloud.do("createWebhook", by="joe", **wanted)["id"]
    off = cloud.do("createWebhook", by="ann", state="Disabled", **wanted)["id"]
    assert below["domainid"] == domain
    register_key(cloud, "ann")
    register_key(cloud, "joe")
    found = deliveries(cloud, eventtype="REGISTER.SSH.KEYPAIR")
    told = sorted(item["webhookid"] for item in found)
    assert told == sorted([every, every, below["id"], mine])
    assert off not in told
    assert found[0]["managementservername"]


def test_nobody_is_told_when_the_setting_says_so(cloud: Cloud, receiver: Receiver) -> None:
    cloud.do("createWebhook", by="joe", name="h", payloadurl=receiver.url)
    cloud.do("updateConfiguration", name="publish.action.events", value="false")
    register_key(cloud, "joe")
    assert deliveries(cloud) == []
    assert receiver.got == []


def test_tries_are_repeated_as_the_setting_says(cloud: Cloud, receiver: Receiver) -> None:
    hook = cloud.do("createWebhook", by="joe", name="h", payloadurl=receiver.url)["id"]
    receiver.statuses = [500, 404]
    register_key(cloud, "joe", "a")
    assert deliveries(cloud)[0]["success"] is True
    assert len(receiver.got) == 3
    receiver.statuses = [500, 500, 500]
    register_key(cloud, "joe", "b")
    assert deliveries(cloud, webhookid=hook)[0]["success"] is False
    assert len(receiver.got) == 6
    cloud.do("updateConfiguration", name="webhook.delivery.tries", value="1")
    receiver.statuses = [500]
    register_key(cloud, "joe", "c")
    deliveries(cloud)
    assert len(receiver.got) == 7


@pytest.mark.parametrize("url", [NOBODY, "http://192.0.2.1:9", "http://hooks.example.org/x", "https://127.0.0.1:1"])
def test_a_receiver_that_is_not_there(cloud: Cloud, url: str) -> None:
    cloud.do("createWebhook", by="joe", name="h", payloadurl=url)
    register_key(cloud, "joe")
    (delivery,) = deliveries(cloud)
    assert delivery["success"] is False
    assert delivery["response"].startswith("Failed due to")


def test_what_comes_back_for_a_webhook_that_is_gone(cloud: Cloud, receiver: Receiver) -> None:
    hook = cloud.do("createWebhook", by="joe", name="h", payloadurl=receiver.url)["id"]
    register_key(cloud, "joe")
    cloud.do("deleteWebhook", by="joe", id=hook)
    assert deliveries(cloud) == []


def test_a_payload_sent_by_hand(cloud: Cloud, receiver: Receiver) -> None:
    hook = cloud.do("createWebhook", by="joe", name="h", payloadurl=NOBODY)["id"]
    failed = cloud.do("executeWebhookDelivery", by="joe", webhookid=hook)
    assert (failed["success"], failed["eventtype"], failed["webhookname"]) == (False, "TEST.WEBHOOK", "h")
    sent = cloud.do(
        "executeWebhookDelivery", by="joe", webhookid=hook, payloadurl=receiver.url, secretkey="x", payload="words"
    )
    assert (sent["success"], sent["payload"], sent["webhookid"]) == (True, "words", hook)
    assert "X-CS-Signature" in sent["headers"]
    assert "text/plain" in sent["headers"]
    bare = cloud.do("executeWebhookDelivery", by="joe", payloadurl=receiver.url.removeprefix("http://"))
    assert bare["success"] is True
    assert {"webhookid", "webhookname", "eventid"}.isdisjoint(bare)
    assert deliveries(cloud) == [], "tests are not kept"
    assert cloud.do("listWebhooks", by="joe")[0]["payloadurl"] == NOBODY, "nor what they changed"


def test_a_receiver_that_never_answers(cloud: Cloud) -> None:
    for name in ("webhook.delivery.tries", "webhook.delivery.timeout"):
        cloud.do("updateConfiguration", name=name, value="1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        failed = cloud.do("executeWebhookDelivery", by="joe", payloadurl=url)
    assert failed["success"] is False
    assert "timed out" in failed["response"]


def test_a_delivery_repeated(cloud: Cloud, receiver: Receiver) -> None:
    hook = cloud.do("createWebhook", by="joe", name="h", payloadurl=receiver.url)["id"]
    receiver.statuses = [500, 500, 500]
    register_key(cloud, "joe")
    (first,) = deliveries(cloud)
    again = cloud.do("executeWebhookDelivery", by="joe", id=first["id"], payload="something else")
    assert (again["eventid"], again["payload"], again["success"]) == (first["eventid"], first["payload"], True)
    assert [item["id"] for item in deliveries(cloud, webhookid=hook)] == [again["id"], first["id"]]


def test_deliveries_are_found_and_forgotten(cloud: Cloud, receiver: Receiver) -> None:
    hook = cloud.do("createWebhook", by="joe", name="h", payloadurl=receiver.url)["id"]
    cloud.account("ann")
    register_key(cloud, "joe", "a")
    one = deliveries(cloud)[0]["id"]
    cloud.clock.time += 86_400
    register_key(cloud, "joe", "b")
    assert len(deliveries(cloud, by="joe")) == 2
    assert deliveries(cloud, by="ann") == [], "somebody else's"
    assert len(deliveries(cloud, startdate="2023-11-15")) == 1
    assert [item["id"] for item in deliveries(cloud, enddate="2023-11-15")] == [one]
    assert len(deliveries(cloud, keyword="registersshkeypair")) == 2
    assert cloud.refused("listWebhookDeliveries", startdate="2023-11-15", enddate="2023-11-14").code == 431
    assert cloud.refused("listWebhookDeliveries", by="ann", webhookid=hook).code == 431
    assert cloud.refused("deleteWebhookDelivery", by="ann", id=one).code == 531
    assert cloud.do("deleteWebhookDelivery", by="ann") is True
    assert cloud.do("deleteWebhookDelivery", by="joe", id=one) is True
    (left,) = deliveries(cloud)
    assert left["id"] != one
    assert cloud.do("deleteWebhookDelivery", by="joe", webhookid=hook) is True
    assert deliveries(cloud) == []


def test_old_deliveries_go(cloud: Cloud, receiver: Receiver) -> None:
    cloud.do("updateConfiguration", name="webhook.deliveries.limit", value="2")
    cloud.do("createWebhook", by="joe", name="h", payloadurl=receiver.url)
    for name in "abcd":
        register_key(cloud, "joe", name)
    assert len(deliveries(cloud)) == 4
    cloud.clock.time += 3_600
    assert len(deliveries(cloud)) == 2


def test_webhooks_are_listed_by_those_who_may(cloud: Cloud) -> None:
    domain = cloud.do("createDomain", name="d")["id"]
    cloud.account("boss", kind=2, domain=domain)
    cloud.account("ann", domain=domain)
    cloud.do("createWebhook", by="ann", name="a", payloadurl="one.example.org", scope="Global")
    cloud.do("createWebhook", by="boss", name="b", payloadurl="two.example.org", scope="Domain")
    cloud.do("createWebhook", name="c", payloadurl="three.example.org", scope="Global", state="Disabled")
    names = [item["name"] for item in cloud.do("listWebhooks", listall=True)]
    assert names == ["a", "b", "c"]
    assert [item["name"] for item in cloud.do("listWebhooks", by="boss", listall=True)] == ["a", "b"]
    (own,) = cloud.do("listWebhooks", by="ann", listall=True)
    assert (own["scope"], own["payloadurl"]) == ("Local", "http://one.example.org")
    assert [item["name"] for item in cloud.do("listWebhooks", scope="Global")] == ["c"]
    assert [item["name"] for item in cloud.do("listWebhooks", state="Disabled")] == ["c"]
    for wrong in ({"scope": "Global"}, {"scope": "Cosmic"}, {"state": "Tired"}):
        assert cloud.refused("listWebhooks", by="boss", **wrong).code == 431


def test_wrong_webhooks(cloud: Cloud) -> None:
    domain, other = cloud.do("createDomain", name="d")["id"], cloud.do("createDomain", name="e")["id"]
    cloud.account("boss", kind=2, domain=domain)
    right = {"name": "h", "payloadurl": "http://127.0.0.1:9"}
    for wrong, code in (
        ({"state": "Tired"}, 431),
        ({"scope": "Cosmic"}, 431),
        ({"scope": "Global"}, 431),
        ({"scope": "Domain", "domainid": other}, 531),
        ({"sslverification": True}, 431),
        ({"payloadurl": "http://0.0.0.0/"}, 530),
        ({"payloadurl": "http://[::1]/"}, 530),
        ({"payloadurl": "http://h:port/"}, 530),
        ({"payloadurl": "http:///x"}, 530),
    ):
        assert cloud.refused("createWebhook", by="boss", **{**right, **wrong}).code == code, wrong
    cloud.do("createWebhook", by="boss", **right)
    assert "already in use" in cloud.refused("createWebhook", by="boss", **right).text
    cloud.do("createWebhook", by="joe", **right)
    assert cloud.refused("executeWebhookDelivery", by="joe").code == 431


def test_a_webhook_changes_wholly_or_not(cloud: Cloud) -> None:
    hook = cloud.do("createWebhook", by="joe", name="h", payloadurl=NOBODY, secretkey="s")["id"]
    cloud.do("createWebhook", by="joe", name="i", payloadurl="http://127.0.0.1:2")
    changed = cloud.ask("updateWebhook", by="joe", id=hook, name="g", description="d", secretkey=" ", state="Disabled")
    assert (changed["webhook"]["name"], changed["webhook"]["state"]) == ("g", "Disabled")
    assert "secretkey" not in changed["webhook"]
    for wrong in (
        {"payloadurl": "http://127.0.0.1:2"},
        {"sslverification": True},
        {"scope": "Domain"},
        {"state": "Tired"},
    ):
        assert cloud.refused("updateWebhook", by="joe", id=hook, description="new", **wrong).code == 431
    cloud.account("ann")
    assert cloud.refused("updateWebhook", by="ann", id=hook, name="mine").code == 531
    assert cloud.refused("deleteWebhook", by="ann", id=hook).code == 531
    assert cloud.do("listWebhooks", id=hook)[0]["description"] == "d"
    done = cloud.ask("updateWebhook", by="joe", id=hook, payloadurl="https://127.0.0.1:2/x", sslverification=True)
    assert done["webhook"]["sslverification"] is True


def test_webhooks_go_with_their_account(cloud: Cloud) -> None:
    cloud.do("createWebhook", by="joe", name="h", payloadurl=NOBODY)
    cloud.do("deleteAccount", id=cloud.user("joe").account.id)
    assert cloud.do("listWebhooks", listall=True) == []
