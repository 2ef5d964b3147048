"""What every `CloudApi` does, against the simulated rack's management server."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_qacloud.drivers import load
from pytest_qacloud.drivers.cloudstack import admin_endpoint
from pytest_qacloud.errors import AccessDeniedError, CloudApiError, UnreachableError
from pytest_qacloud.ports import CloudApi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rackclient import Rack

    from pytest_qacloud.model import Endpoint, Pool

    Connect = Callable[..., CloudApi]


@pytest.fixture(params=["cloudstack"])
def connect(request: pytest.FixtureRequest, rack: Rack, cloud_endpoint: Endpoint) -> Iterator[Connect]:
    """Makes clients of the rack's management server, and closes them at the end."""
    made: list[CloudApi] = []

    def client(**changes: str) -> CloudApi:
        driver: CloudApi = load(request.param)(replace(cloud_endpoint, **changes), timeout_s=20, job_poll_s=0.02)
        made.append(driver)
        return driver

    yield client
    for driver in made:
        driver.close()


@pytest.fixture
def api(connect: Connect) -> CloudApi:
    return connect()


def test_fulfils_the_port(api: CloudApi) -> None:
    assert isinstance(api, CloudApi)


def test_a_call_answers_with_its_content(api: CloudApi) -> None:
    assert api.call("listCapabilities")["capability"]["cloudstackversion"].startswith("4.")


def test_texts_travel_unharmed(api: CloudApi) -> None:
    name = "ünï ~*'()!+&=%20#?"
    made = api.call("createDomain", name=f"{name}{uuid.uuid4().hex[:8]}")["domain"]
    assert made["name"].startswith(name)
    assert [found["name"] for found in api.list("listDomains", id=made["id"])] == [made["name"]]
    api.call("deleteDomain", id=made["id"])


def test_an_asynchronous_command_is_followed_to_its_end(api: CloudApi) -> None:
    made = api.call("createDomain", name=f"contract-{uuid.uuid4().hex[:8]}")["domain"]
    assert api.call("deleteDomain", id=made["id"]) == {"success": True}
    assert made["id"] not in {found["id"] for found in api.list("listDomains", listall=True)}


def test_lists_come_whole(api: CloudApi) -> None:
    commands = api.list("listApis")
    assert len(commands) > 900
    assert len({command["name"] for command in commands}) == len(commands)


def test_pages_can_be_asked_for_one_by_one(api: CloudApi) -> None:
    some = api.list("listConfigurations", page=1, pagesize=3)
    others = api.list("listConfigurations", page=2, pagesize=3)
    assert len(some) == len(others) == 3
    assert {each["name"] for each in some}.isdisjoint(each["name"] for each in others)


def test_nothing_found_is_an_empty_list(api: CloudApi) -> None:
    assert api.list("listDomains", name="no-such-domain") == []


def test_an_unknown_entity_is_a_parameter_error(api: CloudApi) -> None:
    with pytest.raises(CloudApiError) as caught:
        api.call("deleteDomain", id=str(uuid.uuid4()))
    assert caught.value.command == "deleteDomain"
    assert caught.value.errorcode == 431


def test_an_unknown_command_is_refused(api: CloudApi) -> None:
    with pytest.raises(CloudApiError) as caught:
        api.call("makeCoffee")
    assert caught.value.errorcode == 432


@pytest.mark.parametrize("changes", [{"secret_key": "wrong"}, {"api_key": "wrong"}])
def test_wrong_keys_are_refused(connect: Connect, changes: dict[str, str]) -> None:
    with pytest.raises(CloudApiError) as caught:
        connect(**changes).call("listZones")
    assert caught.value.errorcode == 401
    assert "wrong" not in str(caught.value)


def test_a_server_that_is_not_ready_is_unreachable_until_it_is(api: CloudApi, rack: Rack) -> None:
    rack.set_fault("api_503")
    with pytest.raises(UnreachableError, match="503"):
        api.call("listZones")
    rack.clear_faults()
    api.call("listZones")


def test_a_refusal_carries_the_servers_code(api: CloudApi, rack: Rack) -> None:
    rack.set_fault("api_431", count=1)
    with pytest.raises(CloudApiError) as caught:
        api.call("listZones")
    assert (caught.value.errorcode, caught.value.cserrorcode) == (431, 4350)


def test_many_threads_call_at_once(api: CloudApi) -> None:
    with ThreadPoolExecutor(32) as threads:
        found = list(threads.map(lambda _: len(api.list("listAccounts", listall=True)), range(128)))
    assert len(set(found)) == 1


def test_the_administrators_keys_stay_the_same(cloud_endpoint: Endpoint, rack: Rack, rack_pool: Pool) -> None:
    host = str(rack_pool.machine("node1").ip)
    assert admin_endpoint(rack_pool.management, host, rack_pool.management.password.read()) == cloud_endpoint


def test_a_wrong_administrators_password_is_denied(cloud_endpoint: Endpoint, rack: Rack, rack_pool: Pool) -> None:
    with pytest.raises(AccessDeniedError) as caught:
        admin_endpoint(rack_pool.management, str(rack_pool.machine("node1").ip), "a-wrong-one")
    assert "a-wrong-one" not in str(caught.value)
