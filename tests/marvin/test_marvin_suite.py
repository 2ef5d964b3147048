from __future__ import annotations

import unittest
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from marvin_fakes import FakeApi

from pytest_qacloud.errors import CloudApiError
from pytest_qacloud.marvin import bind, inject
from pytest_qacloud.marvin.suite import Resources, call, unique

if TYPE_CHECKING:
    from collections.abc import Callable

    from marvin_fakes import Importer

    from pytest_qacloud.model import Zone

TEMPLATES = [{"id": "slow", "isready": False}, {"id": "ready", "isready": True, "hypervisor": "KVM"}]


def refusal(command: str, code: int) -> CloudApiError:
    return CloudApiError("CloudStack x", command, code, "refused")


@pytest.fixture
def api() -> FakeApi:
    numbers = count(1)

    def made(kind: str) -> Callable[..., Any]:
        return lambda **params: {kind: {"id": f"{kind}-{next(numbers)}", **params}}

    kinds = {"createVolume": "volume", "createDomain": "domain", "createAccount": "account"}
    kinds |= {"createNetwork": "network", "deployVirtualMachine": "virtualmachine"}
    kinds |= {"createServiceOffering": "serviceoffering", "createSSHKeyPair": "keypair"}
    answers: dict[str, Any] = {command: made(kind) for command, kind in kinds.items()}
    answers["listZones"] = {"count": 1, "zone": [{"id": "zone-id", "name": "sim"}]}
    answers["listTemplates"] = {"count": 2, "template": TEMPLATES}
    answers["listNetworkOfferings"] = {"count": 1, "networkoffering": [{"id": "isolated"}]}
    return FakeApi(answers)


@pytest.fixture
def suite(marvin: Importer, api: FakeApi, zone: Zone) -> Callable[..., Any]:
    """Makes a suite of these members and injects it."""
    base = marvin("marvin.cloudstackTestCase").cloudstackTestCase
    context = bind(api, zone, lambda _: FakeApi())

    def suite(**members: Any) -> Any:
        cls = type("TestSuite", (Resources, base), {"test": lambda self: None, **members})
        inject(cls, context)
        return cls

    return suite


def run(cls: Any, *names: str) -> unittest.TestResult:
    result = unittest.TestResult()
    unittest.TestSuite([cls(name) for name in names or ("test",)]).run(result)
    return result


def errors(result: unittest.TestResult) -> str:
    return "\n".join(text for _, text in result.errors + result.failures)


def commands(api: FakeApi) -> list[str]:
    return [command for command, _ in api.calls if command not in ("listApis", "listZones")]


def test_a_command_is_sent_by_its_name(suite: Callable[..., Any], api: FakeApi) -> None:
    client = suite().testClient.getApiClient()
    assert call(client, "createVolume", name="v").name == "v"
    with pytest.raises(TypeError, match="createVolume has no parameter colour, shape"):
        call(client, "createVolume", shape="round", colour="red")
    assert len(api.asked("createVolume")) == 1


def test_a_job_is_begun_and_not_waited_for(suite: Callable[..., Any], api: FakeApi) -> None:
    api.answers["createVolume"] = {"jobid": "j", "id": "v"}
    begun = suite().begin("createVolume", name="v")
    assert (begun.jobid, begun.id, api.submitted) == ("j", "v", ["createVolume"])


def test_what_a_test_makes_is_deleted_last_first(suite: Callable[..., Any], api: FakeApi) -> None:
    def test(self: Any) -> None:
        self.create("createVolume", name="v")
        self.create("createNetwork", name="n", networkofferingid="o", zoneid="z")

    assert run(suite(test=test)).wasSuccessful()
    assert commands(api) == ["createVolume", "createNetwork", "deleteNetwork", "destroyVolume"]
    assert api.asked("destroyVolume") == [{"id": "volume-1", "expunge": True}]
    assert api.asked("deleteNetwork") == [{"id": "network-2"}]


@pytest.mark.parametrize(
    ("command", "answer", "undo"),
    [
        ("registerIso", {"count": 1, "iso": [{"id": "i"}]}, ("deleteIso", {"id": "i"})),
        (
            "associateIpAddress",
            {"ipaddress": {"id": "a", "ipaddress": "1.2.3.4"}},
            ("disassociateIpAddress", {"id": "a"}),
        ),
    ],
)
def test_what_is_made_is_found_in_its_answer(
    suite: Callable[..., Any], api: FakeApi, command: str, answer: object, undo: tuple[str, object]
) -> None:
    api.answers[command] = answer
    required = {"name": "n", "displaytext": "n", "url": "u", "zoneid": "z"} if command == "registerIso" else {}

    def test(self: Any) -> None:
        self.assertEqual(self.create(command, **required).id, undo[1]["id"])  # type: ignore[index]  # a mapping

    assert run(suite(test=test)).wasSuccessful()
    assert api.calls[-1] == undo


def test_a_key_pair_is_deleted_by_its_name(suite: Callable[..., Any], api: FakeApi) -> None:
    def test(self: Any) -> None:
        self.create("createSSHKeyPair", name="key", account="a", domainid="d")

    assert run(suite(test=test)).wasSuccessful()
    assert api.asked("deleteSSHKeyPair") == [{"name": "key", "account": "a", "domainid": "d"}]


def test_a_test_that_fails_half_way_leaves_nothing(suite: Callable[..., Any], api: FakeApi) -> None:
    def test(self: Any) -> None:
        self.create("createVolume", name="v")
        self.fail("half way")

    assert len(run(suite(test=test)).failures) == 1
    assert commands(api) == ["createVolume", "destroyVolume"]


def test_a_class_that_fails_half_way_leaves_nothing(suite: Callable[..., Any], api: FakeApi) -> None:
    def set_up(cls: Any) -> None:
        super(Resources, cls).setUpClass()
        cls._undos = []
        cls.share("createVolume", name="v")
        raise RuntimeError("half way")

    result = run(suite(setUpClass=classmethod(set_up)))
    assert "half way" in errors(result)
    assert commands(api) == ["createVolume", "destroyVolume"]


def test_what_a_class_shares_lives_as_long_as_the_class(suite: Callable[..., Any], api: FakeApi) -> None:
    def set_up(cls: Any) -> None:
        Resources.setUpClass.__func__(cls)  # type: ignore[attr-defined]  # a class made at run time has no super()
        cls.share("createVolume", name="shared")

    def test(self: Any) -> None:
        self.create("createVolume", name="own")

    assert run(suite(setUpClass=classmethod(set_up), test=test, test_again=test), "test", "test_again").wasSuccessful()
    assert [params["id"] for params in api.asked("destroyVolume")] == ["volume-2", "volume-3", "volume-1"]


def test_one_thing_that_cannot_be_deleted_does_not_keep_the_others(suite: Callable[..., Any], api: FakeApi) -> None:
    api.answers["deleteNetwork"] = refusal("deleteNetwork", 530)

    def set_up(cls: Any) -> None:
        Resources.setUpClass.__func__(cls)  # type: ignore[attr-defined]  # as above
        cls.share("createVolume", name="v")
        cls.share("createNetwork", name="n", networkofferingid="o", zoneid="z")

    cls = suite(setUpClass=classmethod(set_up))
    result = run(cls)
    assert "errorCode: 530" in errors(result)
    assert commands(api)[-2:] == ["deleteNetwork", "destroyVolume"]


def test_what_was_deleted_or_forgotten_is_not_deleted_again(suite: Callable[..., Any], api: FakeApi) -> None:
    def test(self: Any) -> None:
        first, second = (self.create("createVolume", name=name) for name in ("first", "second"))
        self.delete(first, expunge=False)
        self.forget(second)

    assert run(suite(test=test)).wasSuccessful()
    assert api.asked("destroyVolume") == [{"id": "volume-1", "expunge": False}]


def test_a_refused_deletion_is_tried_again_at_the_end(suite: Callable[..., Any], api: FakeApi) -> None:
    answers = iter([refusal("destroyVolume", 431), {"success": True}])
    api.answers["destroyVolume"] = lambda **_: next(answers)

    def test(self: Any) -> None:
        volume = self.create("createVolume", name="v")
        with self.refused(431):
            self.delete(volume)

    assert run(suite(test=test)).wasSuccessful()
    assert len(api.asked("destroyVolume")) == 2


@pytest.mark.parametrize(
    ("answer", "codes", "said"),
    [
        (refusal("listDomains", 431), (), ""),
        (refusal("listDomains", 535), (535,), ""),
        (refusal("listDomains", 401), (), "refused, but so"),
        ({}, (), "accepted what it should refuse with 431 or 530"),
        (RuntimeError("no code"), (), "no code"),
    ],
)
def test_a_refusal_is_asserted(
    suite: Callable[..., Any], api: FakeApi, answer: object, codes: tuple[int, ...], said: str
) -> None:
    api.answers["listDomains"] = answer

    def test(self: Any) -> None:
        with self.refused(*codes):
            self.call("listDomains")

    result = run(suite(test=test))
    assert result.wasSuccessful() is (said == "")
    assert said in errors(result)


def test_marvin_s_failed_jobs_are_understood(suite: Callable[..., Any]) -> None:
    def test(self: Any) -> None:
        with self.refused(530):
            raise RuntimeError("Job failed: {jobstatus : 2, jobresult : {errorcode : 530, errortext : 'no'}}")

    assert run(suite(test=test)).wasSuccessful()


def test_exactly_one_thing_is_found(suite: Callable[..., Any], api: FakeApi) -> None:
    cls = suite()
    assert cls.one("listZones").id == "zone-id"
    with pytest.raises(AssertionError, match="found 2 things, not one"):
        cls.one("listTemplates", templatefilter="all")
    with pytest.raises(AssertionError, match="found 0 things, not one"):
        cls.one("listVolumes")


def test_gone_is_nothing_found_or_no_such_thing(suite: Callable[..., Any], api: FakeApi) -> None:
    cls = suite()
    assert cls.is_gone("listVolumes", id="v")
    assert not cls.is_gone("listZones")
    api.answers["listVolumes"] = refusal("listVolumes", 431)
    assert cls.is_gone("listVolumes", id="v")
    api.answers["listVolumes"] = refusal("listVolumes", 530)
    with pytest.raises(Exception, match="errorCode: 530"):
        cls.is_gone("listVolumes", id="v")


def test_waiting_ends_when_it_is_true_or_too_late(suite: Callable[..., Any]) -> None:
    looks = iter([None, None, "there"])
    assert suite().wait_until(lambda: next(looks), "it") == "there"
    with pytest.raises(AssertionError, match="it: not within 0 s"):
        suite().wait_until(lambda: None, "it", timeout_s=0)


def test_an_instance_comes_with_all_that_it_needs(suite: Callable[..., Any], api: FakeApi) -> None:
    def set_up(cls: Any) -> None:
        Resources.setUpClass.__func__(cls)  # type: ignore[attr-defined]  # as above
        cls.share_vm()

    assert run(suite(setUpClass=classmethod(set_up))).wasSuccessful()
    (vm,) = api.asked("deployVirtualMachine")
    (account,) = api.asked("createAccount")
    assert (vm["templateid"], vm["zoneid"]) == ("ready", "zone-id")
    assert vm["networkids"][0].startswith("network-")
    assert (vm["domainid"], account["domainid"]) == ("domain-1", "domain-1")
    undone = ["destroyVirtualMachine", "deleteNetwork", "deleteServiceOffering", "deleteDomain"]
    assert commands(api)[-4:] == undone
    assert api.asked("deleteDomain") == [{"id": "domain-1", "cleanup": True}]


def test_a_zone_without_a_ready_template_is_told(suite: Callable[..., Any], api: FakeApi) -> None:
    api.answers["listTemplates"] = {"count": 1, "template": TEMPLATES[:1]}
    cls = suite()
    cls.setUpClass()
    with pytest.raises(AssertionError, match="zone sim has no ready template for KVM"):
        cls.share_compute()


def test_names_are_unique_and_fit_for_hosts() -> None:
    names = {unique("vm") for _ in range(100)}
    assert len(names) == 100
    assert all(name.replace("-", "").isalnum() and len(name) < 64 for name in names)
