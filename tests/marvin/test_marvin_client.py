from __future__ import annotations

import copy
import json
import logging
import unittest
from typing import TYPE_CHECKING, Any

import pytest
from marvin_fakes import FakeApi

from pytest_qacloud.errors import CloudApiError, MarvinError, UnreachableError
from pytest_qacloud.marvin import bind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from marvin_fakes import Importer

    from pytest_qacloud.model import Endpoint, Zone

LOGGER = logging.getLogger("test.marvin")


class Cloud:
    """A bound test client, its API, and the APIs that it opened for other users."""

    def __init__(self, zone: Zone) -> None:
        self.api = FakeApi()
        self.opened: list[tuple[Endpoint, FakeApi]] = []
        self.context = bind(self.api, zone, self.connect, LOGGER)
        self.client = self.context.test_client

    def connect(self, endpoint: Endpoint) -> FakeApi:
        api = FakeApi()
        self.opened.append((endpoint, api))
        return api


@pytest.fixture
def cloud(marvin: Importer, zone: Zone) -> Cloud:
    return Cloud(zone)


@pytest.fixture
def send(marvin: Importer, cloud: Cloud) -> Callable[..., Any]:
    """Sends a command as suites do."""

    def send(command: str, **params: Any) -> Any:
        cmd = getattr(marvin(f"marvin.cloudstackAPI.{command}"), f"{command}Cmd")()
        vars(cmd).update(params)
        return getattr(cloud.client.getApiClient(), command)(cmd)

    return send


def test_only_parameters_that_were_set_are_sent(cloud: Cloud, send: Callable[..., Any]) -> None:
    send("listVirtualMachines", name="vm", listall=False, page=0, tags=[{"key": "a", "value": "b"}], zoneid="")
    (params,) = cloud.api.asked("listVirtualMachines")
    assert params == {"name": "vm", "listall": False, "page": 0, "tags": [{"key": "a", "value": "b"}], "zoneid": ""}


def test_a_missing_parameter_is_named_and_nothing_is_sent(
    cloud: Cloud, send: Callable[..., Any], marvin: Importer
) -> None:
    with pytest.raises(marvin("marvin.cloudstackException").InvalidParameterException, match="needs zoneid"):
        send("deployVirtualMachine", serviceofferingid="1")
    assert cloud.api.asked("deployVirtualMachine") == []


@pytest.mark.parametrize(
    ("command", "answer", "expected"),
    [
        ("listZones", {"count": 2, "zone": [{"id": "1"}, {"id": "2"}]}, ["1", "2"]),
        ("listZones", {"count": 0}, None),
        ("listZones", {}, None),
        ("createDomain", {"domain": {"id": "1", "name": "d"}}, "1"),
        ("deployVirtualMachine", {"virtualmachine": {"id": "1", "nic": [{"id": "n"}]}}, "1"),
        ("addIpToNic", {"nicsecondaryip": {"id": "1"}}, "1"),
    ],
)
def test_an_answer_is_what_marvin_makes_of_it(
    cloud: Cloud, send: Callable[..., Any], command: str, answer: dict[str, Any], expected: object
) -> None:
    cloud.api.answers[command] = answer
    required = {"name": "d", "serviceofferingid": "1", "zoneid": "1", "nicid": "1"}
    got = send(command, **required)
    seen = [element.id for element in got] if isinstance(got, list) else got and got.id
    assert seen == expected


def test_an_answer_that_fits_the_command_stays_whole(cloud: Cloud, send: Callable[..., Any]) -> None:
    cloud.api.answers["deleteVolume"] = {"success": True, "displaytext": "gone"}
    cloud.api.answers["queryAsyncJobResult"] = {"jobstatus": 1, "jobresult": {"volume": {"id": "v"}}}
    cloud.api.answers["listCapabilities"] = {"odd": {"oddity": 1}}
    assert send("deleteVolume", id="1").displaytext == "gone"
    assert send("queryAsyncJobResult", jobid="1").jobresult.volume.id == "v"
    assert send("listCapabilities").odd.oddity == 1


def test_a_refusal_reads_as_marvin_s(cloud: Cloud, send: Callable[..., Any], marvin: Importer) -> None:
    module = marvin("marvin.cloudstackException")
    cloud.api.answers["listZones"] = CloudApiError("CloudStack x", "listZones", 431, "no such zone", 4350)
    with pytest.raises(module.CloudstackAPIException) as caught:
        send("listZones", id="1")
    assert str(caught.value) == "Execute cmd: listZones failed, due to: errorCode: 431, errorText:no such zone"
    assert isinstance(caught.value.__context__, CloudApiError)
    assert module.CloudstackAclException.verifyMsginException(caught.value, "no such zone")
    assert module.CloudstackAclException.verifyErrorCodeinException(caught.value, "431")
    assert not module.CloudstackAclException.verifyErrorCodeinException(caught.value, "530")
    assert "errorText:no such zone" in module.GetDetailExceptionInfo(caught.value)


def test_a_silent_cloud_is_not_a_refusal(cloud: Cloud, send: Callable[..., Any]) -> None:
    cloud.api.answers["listZones"] = UnreachableError("CloudStack x", "no answer")
    with pytest.raises(UnreachableError):
        send("listZones")


def test_a_job_may_be_begun_only(cloud: Cloud, send: Callable[..., Any]) -> None:
    cloud.api.answers["stopVirtualMachine"] = {"jobid": "j"}
    assert send("stopVirtualMachine", id="1", isAsync="false").jobid == "j"
    send("stopVirtualMachine", id="1")
    send("listZones", isAsync="false")
    assert cloud.api.submitted == ["stopVirtualMachine"]


def test_calls_are_logged_without_secrets(send: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, LOGGER.name):
        send("updateUser", id="1", email="e@example.org", password="swordfish")
    assert "updateUser(" in caplog.text
    assert "e@example.org" in caplog.text
    assert "swordfish" not in caplog.text


def test_the_client_knows_its_zone(cloud: Cloud) -> None:
    client = cloud.client
    assert (client.getZoneForTests(), client.getHypervisorInfo()) == ("sim", "KVM")
    client.identifier = "Suite-test"
    assert client.getApiClient().id == "Suite-test"
    assert client.getApiClient() is client.getApiClient()
    other = copy.copy(client.getApiClient())
    assert other.connection is not client.getApiClient().connection
    assert other.connection.api is cloud.api


def test_a_test_that_executes_sql_is_skipped_and_no_other(cloud: Cloud) -> None:
    connection = cloud.client.getDbConnection()
    with pytest.raises(unittest.SkipTest, match="the configuration of zone sim names none"):
        connection.execute("select 1")


def test_test_data_are_each_suite_s_own_copy(cloud: Cloud) -> None:
    data = cloud.client.getParsedTestDataConfig()
    data["iso"]["url"] = "changed"
    assert cloud.client.getParsedTestDataConfig()["iso"]["url"] != "changed"


def test_test_data_come_from_the_file_that_the_zone_names(marvin: Importer, zone: Zone, tmp_path: Path) -> None:
    from dataclasses import replace

    file = tmp_path / "data.json"
    file.write_text('# a comment\n{"account": {\n  # another\n"username": "u"}}\n')
    named = replace(zone, marvin_config={**zone.marvin_config, "TestData": {"Path": str(file)}})
    assert Cloud(named).client.getParsedTestDataConfig() == {"account": {"username": "u"}}
    file.write_text("not json")
    with pytest.raises(MarvinError, match=r"data\.json as test data"):
        Cloud(named)


def user_answers(api: FakeApi, *, keys: bool, account: bool = True, domain: bool = True) -> None:
    made = {"apikey": "u-key", "secretkey": "u-secret"}
    api.answers.update(
        listDomains={"count": 1, "domain": [{"id": "d", "name": "ROOT"}]} if domain else {},
        createDomain={"domain": {"id": "d", "name": "new"}},
        listAccounts={"count": 1, "account": [{"id": "a"}]} if account else {},
        createAccount={"account": {"id": "a"}},
        listUsers={"count": 1, "user": [{"id": "u"}]},
        getUserKeys={"userkeys": made if keys else {"usersource": "native"}},
        registerUserKeys={"userkeys": made},
    )


def test_a_user_s_client_has_that_user_s_keys(cloud: Cloud) -> None:
    user_answers(cloud.api, keys=True)
    client = cloud.client.getUserApiClient(UserName="u", DomainName="d")
    ((endpoint, _),) = cloud.opened
    assert (endpoint.api_key, endpoint.secret_key, endpoint.url) == (
        "u-key",
        "u-secret",
        "http://127.0.0.1:8080/client/api",
    )
    assert client.hypervisor == "KVM"
    for untouched in ("createDomain", "createAccount", "registerUserKeys"):
        assert cloud.api.asked(untouched) == []


def test_a_user_is_made_where_there_is_none(cloud: Cloud) -> None:
    user_answers(cloud.api, keys=False, account=False, domain=False)
    cloud.client.getUserApiClient("u", "new", type=2)
    (account,) = cloud.api.asked("createAccount")
    assert (account["username"], account["domainid"], account["accounttype"]) == ("u", "d", 2)
    assert cloud.api.asked("createDomain") == [{"name": "new"}]
    assert cloud.api.asked("registerUserKeys") == [{"id": "u"}]


def test_a_user_without_a_name_is_none(cloud: Cloud) -> None:
    assert cloud.client.getUserApiClient(UserName="u") == "FAILED"
    assert cloud.opened == []


def test_other_users_clients_are_closed_and_ours_is_not(cloud: Cloud) -> None:
    user_answers(cloud.api, keys=True)
    cloud.client.getUserApiClient("u", "d")
    cloud.context.close()
    assert [api.closed for _, api in cloud.opened] == [True]
    assert not cloud.api.closed


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"count": 1, "domain": [{"id": "1", "name": "ROOT"}]}, 1),
        ({}, 2),
        (CloudApiError("CloudStack x", "listDomains", 432, "not for you"), 0),
    ],
)
def test_the_kind_of_user_is_told(cloud: Cloud, answer: object, kind: int) -> None:
    cloud.api.answers["listDomains"] = answer
    assert cloud.client.isAdminContext() == kind


def test_an_answer_reads_as_an_object(marvin: Importer) -> None:
    loaded = marvin("marvin.jsonHelper").jsonLoader({"a": {"b": [{"c": 1}, 2]}, "class": "x"})
    assert (loaded.a.b[0].c, loaded.a.b[1], loaded["class"]) == (1, 2, "x")
    assert (loaded.nothing, loaded["nothing"]) == (None, None)
    assert copy.deepcopy(loaded).a.b[0].c == 1
    assert repr(loaded) == "{a : {b : [{c : 1}, 2]}, class : 'x'}"


def test_our_test_data_are_plain(cloud: Cloud) -> None:
    data = cloud.client.getParsedTestDataConfig()
    assert json.loads(json.dumps(data)) == data
