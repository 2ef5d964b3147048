"""The log of API calls: whose they are, what it shows and what it hides."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from marvin_fakes import FakeApi

from pytest_qacloud.calls import HIDDEN, KEPT, CallLog, RecordedApi, not_simulated, shown
from pytest_qacloud.errors import CloudApiError, UnreachableError
from pytest_qacloud.journal import Redactor
from pytest_qacloud.rack.cloudstack import errors as rack_errors

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def log(tmp_path: Path) -> Iterator[CallLog]:
    made = CallLog(tmp_path / "calls.jsonl", Redactor(["a-key-of-the-zone"]), now=lambda: 5.0)
    yield made
    made.close()


def lines(log: CallLog) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("name", "vm", "vm"),
        ("password", "x", HIDDEN),
        ("ipsecpsk", "x", HIDDEN),
        ("userApiKey", "x", HIDDEN),
        ("zoneids", ["a", 1, None, True], ["a", 1, None, True]),
        ("details", [{"host": "h", "s3.secretkey": "x"}], [{"host": "h", "s3.secretkey": HIDDEN}]),
        ("details", {"smb": {"passwd": "x", "url": "cifs://me:x@h/a"}}, {"smb": {"passwd": HIDDEN, "url": "cifs://h/a"}}),
        ("url", "http://me:word@host/path", "http://host/path"),
        ("email", "me@example.org", "me@example.org"),
    ],
)  # fmt: skip
def test_what_is_secret_by_its_name_or_place_is_hidden(name: str, value: object, expected: object) -> None:
    assert shown(name, value) == expected


def test_the_server_s_words_for_what_it_lacks_are_understood() -> None:
    text = rack_errors.not_simulated("createThing").text
    assert not_simulated(f"Execute cmd: creatething failed, due to: errorCode: 530, errorText:{text}") == "createThing"
    assert not_simulated("errorCode: 530, errorText:Failed to create the thing") == ""


def test_a_call_is_its_test_s_and_has_its_outcome(log: CallLog) -> None:
    refused = CloudApiError("CloudStack h:1", "startThing", 431, "no thing a-key-of-the-zone\nat all", job="j-1")
    api = RecordedApi(FakeApi({"startThing": refused, "beginThing": {"jobid": "j-2"}, "listThings": [{}]}), log)

    with log.during("module"), log.during("test"):
        api.list("listThings", name="a-key-of-the-zone")
        with pytest.raises(CloudApiError):
            api.call("startThing", id=7)
    api.submit("beginThing")

    assert [(call["test"], call["command"], call["params"], call["outcome"], call["job"]) for call in lines(log)] == [
        ("test", "listThings", {"name": "[hidden]"}, "done", ""),
        ("test", "startThing", {"id": 7}, "431 no thing [hidden]\nat all", "j-1"),
        ("", "beginThing", {}, "done", "j-2"),
    ]
    assert all(call["at"] == 5.0 and call["elapsed_s"] >= 0 for call in lines(log))
    shown_calls = log.made("test").text("test", log.path).splitlines()
    assert shown_calls[0] == "2 API calls of test"
    assert shown_calls[2].endswith(" s  startThing(id=7) -> job j-1: 431 no thing [hidden] at all")
    log.forget("test")
    assert log.made("test").text("test", log.path) == "test made no API call"


def test_what_is_no_answer_is_an_outcome_too(log: CallLog) -> None:
    api = RecordedApi(FakeApi({"listZones": UnreachableError("CloudStack h:1", "no answer")}), log)
    with pytest.raises(UnreachableError):
        api.list("listZones")
    assert lines(log)[0]["outcome"] == "UnreachableError: CloudStack h:1: no answer"


def test_a_call_within_a_call_is_a_part_of_it_but_not_in_another_thread(log: CallLog) -> None:
    def call(command: str) -> None:
        with log.call(command, {}):
            pass

    with log.call("outer", {}) as outer:
        with log.call("queryAsyncJobResult", {}) as inner:
            inner.job = "j-3"
        other = threading.Thread(target=call, args=("elsewhere",))
        other.start()
        other.join()
    call("after")

    assert outer.job == "j-3"
    assert [each["command"] for each in lines(log)] == ["elsewhere", "outer", "after"]


def test_long_lists_and_long_values_are_cut_in_the_report_alone(log: CallLog) -> None:
    with log.during("test"):
        for number in range(KEPT + 5):
            with log.call(f"call{number}", {"name": "n" * 500}):
                pass

    text = log.made("test").text("test", log.path).splitlines()
    assert text[0] == f"{KEPT + 5} API calls of test; the first 5 are left out here, calls.jsonl has all"
    assert len(text) == KEPT + 1
    assert "call5(" in text[1]
    assert max(map(len, text)) < 200
    assert len(lines(log)) == KEPT + 5
    assert lines(log)[0]["params"]["name"] == "n" * 500


def test_what_is_not_simulated_is_remembered_for_the_test(log: CallLog) -> None:
    lacking = CloudApiError("CloudStack h:1", "createThing", 530, rack_errors.not_simulated("createThing").text)
    api = RecordedApi(FakeApi({"createThing": lacking}), log)
    with log.during("test"):
        for _ in range(2):
            with pytest.raises(CloudApiError):
                api.call("createThing")
    assert list(log.made("test").not_simulated) == ["createThing"]
    assert not log.made("other").not_simulated


def test_closing_reaches_the_driver_and_the_file_opens_again(log: CallLog) -> None:
    driver = FakeApi()
    api = RecordedApi(driver, log)
    for _ in range(2):
        api.call("listZones")
        log.close()
    api.close()
    assert driver.closed
    assert len(lines(log)) == 2


def test_a_full_disk_fails_no_test(caplog: pytest.LogCaptureFixture) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    log = CallLog(full, Redactor())
    with log.during("test"), log.call("listZones", {}):
        pass
    log.close()
    assert log.made("test").count == 1
    assert "/dev/full cannot be written: No space left on device" in caplog.text
