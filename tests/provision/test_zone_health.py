"""What a person reads about a zone that is not healthy."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import FakeCloud

from pytest_qacloud.provision.health import ailments, templates_missing

ZONE = "zone:z"


def healthy() -> FakeCloud:
    cloud = FakeCloud()
    for number in (1, 2):
        cloud.put("host", f"h{number}", name=f"host{number}", ipaddress=f"10.1.0.{number}", zoneid=ZONE,
                  type="Routing", state="Up")  # fmt: skip
    cloud.put("host", "ssvm", name="s-1-VM", zoneid=ZONE, type="SecondaryStorageVM", state="Disconnected")
    cloud.put("host", "other", name="elsewhere", zoneid="zone:other", type="Routing", state="Down")
    cloud.put("storagepool", "p", name="primary1", zoneid=ZONE, state="Up")
    for kind in ("consoleproxy", "secondarystoragevm"):
        cloud.put("systemvm", kind, name=f"{kind[0]}-1-VM", systemvmtype=kind, zoneid=ZONE, state="Running")
    cloud.put("template", "builtin", name="CentOS 5.5", templatefilter="featured", zoneid=ZONE,
              templatetype="BUILTIN", isready=True)  # fmt: skip
    return cloud


def test_a_zone_where_all_is_as_it_should_be_has_no_ailments() -> None:
    assert ailments(healthy(), ZONE, 2) == []
    assert templates_missing(healthy(), ZONE) == []


@pytest.mark.parametrize(
    ("kind", "key", "change", "words"),
    [
        ("host", "h2", {"state": "Alert"}, "host host2 (10.1.0.2) is Alert"),
        ("host", "h2", {"state": None}, "host host2 (10.1.0.2) is None"),
        ("storagepool", "p", {"state": "Maintenance"}, "primary storage primary1 is Maintenance"),
        ("systemvm", "consoleproxy", {"state": "Starting"}, "system VM c-1-VM (consoleproxy) is Starting"),
    ],
)
def test_what_is_in_a_wrong_state_is_named_with_it(kind: str, key: str, change: dict[str, Any], words: str) -> None:
    cloud = healthy()
    cloud.objects[kind][f"{kind}:{key}"].update(change)

    assert ailments(cloud, ZONE, 2) == [words]


@pytest.mark.parametrize(
    ("kind", "key", "words"),
    [
        ("host", "h2", "1 of 2 hosts are not there"),
        ("storagepool", "p", "there is no primary storage"),
        ("systemvm", "secondarystoragevm", "there is no secondarystoragevm system VM yet"),
    ],
)
def test_what_is_not_there_is_missed(kind: str, key: str, words: str) -> None:
    cloud = healthy()
    del cloud.objects[kind][f"{kind}:{key}"]

    assert ailments(cloud, ZONE, 2) == [words]


def test_everything_that_is_wrong_is_said_at_once() -> None:
    assert len(ailments(FakeCloud(), ZONE, 2)) == 4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"isready": False, "status": "34% Downloaded"}, ["template CentOS 5.5 is not ready (34% Downloaded)"]),
        ({"isready": False, "status": ""}, ["template CentOS 5.5 is not ready (no status)"]),
        ({"isready": False, "templatetype": "USER"}, []),
    ],
)
def test_the_built_in_template_is_waited_for_and_nobody_elses(change: dict[str, Any], words: list[str]) -> None:
    cloud = healthy()
    cloud.objects["template"]["template:builtin"].update(change)

    assert templates_missing(cloud, ZONE) == words


def test_a_template_that_is_not_even_listed_is_waited_for() -> None:
    assert templates_missing(FakeCloud(), ZONE) == ["the built-in template is not listed yet"]
