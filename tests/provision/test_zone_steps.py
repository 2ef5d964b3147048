"""The zone of a run: its value, and what is left of one that fails."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import zone_configs
from directcloud import DirectCloud
from fakes import FakeClock, FakeServices, context_of, rack1

from pytest_qacloud.errors import LeaseLostError, ProvisionError
from pytest_qacloud.journal import Journal, Redactor
from pytest_qacloud.model import Endpoint, Zone
from pytest_qacloud.provision.stage import Stage
from pytest_qacloud.provision.zone import ZoneSteps, order_of
from pytest_qacloud.provision.zone_config import parse_zone_config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENDPOINT = Endpoint("http://10.1.0.10:8080/client/api", "an-api-key", "a-secret-key")


class Services(FakeServices):
    """The pool's services, with the simulated management server."""

    def __init__(self, api: DirectCloud) -> None:
        super().__init__(rack1())
        self.api = api

    def cloud_api(self, endpoint: Endpoint) -> Any:
        assert endpoint == ENDPOINT
        return self.api


class MovingClock(FakeClock):
    """Time that passes for the management server too."""

    def __init__(self, api: DirectCloud) -> None:
        super().__init__()
        self.api = api

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.api.cloud.clock.time += seconds


class Bench:
    """One management server, and a run's journal."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.api = folder, DirectCloud()
        self.lost = False
        self.file = folder / "journal.jsonl"
        self.journal = Journal(self.file, Redactor())

    def check(self) -> None:
        if self.lost:
            raise LeaseLostError("rack1", 7, "revoked")

    def make(self, config: dict[str, Any] | None) -> Zone:
        clock = MovingClock(self.api)
        context = context_of(Services(self.api), self.folder, check=self.check, clock=clock)
        stage = Stage("rack1", self.journal, self.check, clock)
        parsed = None if config is None else parse_zone_config(json.dumps(config), "zone.cfg")
        order = order_of(context.plan, context.services)
        return ZoneSteps(order, ENDPOINT, context.services.cloud_api(ENDPOINT), stage, self.check, parsed).make()

    def events(self, step: str) -> list[dict[str, Any]]:
        lines = self.file.read_text(encoding="utf-8").splitlines()
        return [event for event in map(json.loads, lines) if event["step"] == step]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.journal.close()


def failing() -> dict[str, Any]:
    """Two zones, of which the second's last host cannot be added."""
    config = zone_configs.two_zones()
    config["zones"][1]["pods"][0]["clusters"][1]["hosts"][1]["url"] = "http://real/c0/h0"
    return config


def test_the_value_is_the_first_zone_and_names_the_others(bench: Bench) -> None:
    config = zone_configs.two_zones()
    config["zones"][1]["pods"][0]["clusters"].pop()
    config["mgtSvr"] = [{"mgtSvrIp": "elsewhere", "port": 8096, "extra": "kept"}]

    zone = bench.make(config)

    ids = {one["name"]: one["id"] for one in bench.api.list("listZones")}
    assert (zone.id, zone.name, zone.hosts, zone.hypervisor) == (ids["a"], "a", 4, "Simulator")
    assert zone.further == ((ids["b"], 2),)
    [server] = zone.marvin_config["mgtSvr"]
    assert (server["mgtSvrIp"], server["port"], server["extra"]) == ("10.1.0.10", 8080, "kept")
    assert (server["apiKey"], server["securityKey"]) == ("an-api-key", "a-secret-key")
    assert zone.marvin_config["zones"] == config["zones"]


def test_a_zone_that_is_left_disabled_is_not_waited_for(bench: Bench) -> None:
    config = zone_configs.two_zones()
    config["zones"][1]["enabled"] = "False"

    assert bench.make(config).further == ()


def test_zones_of_a_configuration_that_fail_are_deleted_again(bench: Bench) -> None:
    with pytest.raises(ProvisionError, match="real: step zone failed"):
        bench.make(failing())

    assert bench.api.list("listZones") == []
    assert [event["phase"] for event in bench.events("undo zone")] == ["begin", "end"]


def test_without_a_lease_nothing_is_deleted(bench: Bench) -> None:
    add = bench.api.call

    def call(command: str, **params: Any) -> Any:
        bench.lost = command == "addHost" and "real" in params["url"]
        return add(command, **params)

    bench.api.call = call  # type: ignore[method-assign]  # the lease ends under one command

    with pytest.raises(LeaseLostError):
        bench.make(failing())

    assert len(bench.api.list("listZones")) == 2


def test_settings_that_wait_for_a_restart_are_noted(bench: Bench) -> None:
    bench.make(zone_configs.advanced())

    notes = [event for event in bench.events("zone") if event["phase"] == "note"]
    assert [note["needs_restart"] for note in notes] == [["expunge.workers"]]
