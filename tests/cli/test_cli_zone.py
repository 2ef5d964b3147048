"""`qacloud zone`: a zone that outlives the command that made it, and goes with the one that takes it down."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
import zone_configs
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from pytest_qacloud import cli
from pytest_qacloud.cli.zone import UNITS, duration
from pytest_qacloud.config import SimulatedPool, load_pool
from pytest_qacloud.deadline import Deadline, Waiting, poll
from pytest_qacloud.errors import ConfigError, LeaseLostError
from pytest_qacloud.handover import Handover, read_handover
from pytest_qacloud.launcher import launch
from pytest_qacloud.leasing import SqlLeaseStore, default_url, heartbeat
from pytest_qacloud.model import Pool
from pytest_qacloud.progress import view
from pytest_qacloud.provision import steps
from pytest_qacloud.session import Session
from pytest_qacloud.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_qacloud.provision import Context

POOLS = """
name = "{name}"
[simulated]
machines = 4
"""


@pytest.fixture(scope="module")
def pool_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    rack = launch(SimulatedPool("sim", machines=3, install_time_s=0.1), tmp_path_factory.mktemp("rack") / "rack.log")
    try:
        yield rack.ready()
    finally:
        rack.stop()


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("QACLOUD_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QACLOUD_STATE_DIR", str(tmp_path / "state"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def zone(*arguments: str) -> Result:
    return CliRunner().invoke(cli.command, ["zone", *arguments])


def made(pool_file: Path, *more: str) -> Path:
    ended = zone(
        "up", str(pool_file), "-o", "zone.json", "--ttl", "30m", "--build", "my-branch", "--purpose", "demo", *more
    )
    assert ended.exit_code == 0, ended.output
    assert "leased for 30 min: zone.json" in ended.output
    assert "pytest --qacloud-zone=zone.json bvt/" in ended.output
    assert "qacloud zone down zone.json" in ended.output
    return Path("zone.json").absolute()


def attached(options: dict[str, str | None], handover: Handover) -> None:
    """Use the zone as a test run does, for a moment."""
    with view() as shown:
        session = Session(Settings(options, lambda _key: "", Path.cwd()), shown)
        try:
            session.attach(handover)
            assert session.ailment() is None
        finally:
            session.stop()


def store(pool_file: Path) -> SqlLeaseStore:
    pool = load_pool(pool_file)
    assert isinstance(pool, Pool)
    return SqlLeaseStore(pool.lease.store or default_url())


def leases(pool_file: Path) -> list[str]:
    return [lease.purpose for lease in store(pool_file).leases()]


@given(st.integers(1, 10**6), st.sampled_from(sorted(UNITS)), st.sampled_from(["", " "]))
def test_a_duration_is_a_number_with_its_unit(number: int, unit: str, space: str) -> None:
    assert duration(f"{number}{space}{unit}") == number * UNITS[unit]
    assert duration(f" {number}.5{unit}") == (number + 0.5) * UNITS[unit]


@pytest.mark.parametrize("text", ["", "4", "h", "0h", "-1h", "4 weeks", "4H", "1h30m", "inf s", "1e9s", "٤h"])
def test_what_is_no_duration_is_said_with_an_example(text: str) -> None:
    with pytest.raises(click.BadParameter, match="like 90s, 30m or 4h"):
        duration(text)


def test_a_wrong_duration_is_a_usage_error_that_names_its_option() -> None:
    ended = zone("up", "rack1", "-o", "zone.json", "--ttl", "soon")

    assert ended.exit_code == 2
    assert "Invalid value for '--ttl': 'soon' is no duration" in ended.output


def test_a_zone_outlives_the_command_that_made_it_until_it_is_taken_down(pool_file: Path) -> None:
    file = made(pool_file)
    handover = read_handover(file)

    assert leases(pool_file) == ["demo"]
    assert (handover.zone.build.name, handover.lease.ttl_s, handover.lease.detached) == ("my-branch", 1800.0, True)
    ended = zone("down", "zone.json")

    assert ended.exit_code == 0, ended.output
    assert f"zone {handover.zone.name} is down, sim is free" in ended.output
    assert leases(pool_file) == []
    assert not file.exists()


def test_zones_of_a_configuration_are_made_and_taken_down_apart_too(pool_file: Path) -> None:
    Path("two.cfg").write_text(json.dumps(zone_configs.two_zones()), encoding="utf-8")
    file = made(pool_file, "--zone-config", "two.cfg")
    handover = read_handover(file)

    assert handover.roles == (("node1", "management"),)
    assert (handover.zone.name, handover.zone.hosts) == ("a", 4)
    assert [hosts for _, hosts in handover.zone.further] == [4]
    attached({"zone": str(file), "config-out": "out.json"}, handover)
    assert json.loads(Path("out.json").read_text(encoding="utf-8")) == handover.zone.marvin_config
    with pytest.raises(ConfigError, match="drop one"):
        attached({"zone": str(file), "zone-config": "two.cfg"}, handover)
    ended = zone("down", "zone.json")

    assert ended.exit_code == 0, ended.output


def test_a_zone_whose_lease_is_lost_is_not_called_down_and_its_file_stays(pool_file: Path) -> None:
    file = made(pool_file)
    store(pool_file).revoke("sim")

    ended = zone("down", "zone.json")

    assert isinstance(ended.exception, LeaseLostError)
    assert "is down" not in ended.output
    assert file.exists()


def test_a_lease_that_ends_while_the_zone_goes_down_is_said(pool_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = made(pool_file)
    before = steps.empty_exports

    def revoked_meanwhile(context: Context) -> None:
        before(context)
        store(pool_file).revoke("sim")
        poll(lambda: Waiting("held"), what="the loss", deadline=Deadline(60), interval_s=0.02, check=context.check)

    monkeypatch.setattr(steps, "empty_exports", revoked_meanwhile)
    monkeypatch.setattr(heartbeat, "LONGEST_PAUSE_S", 0.05)
    ended = zone("down", str(file))

    assert isinstance(ended.exception, LeaseLostError), ended.output
    assert "is down" not in ended.output
    assert file.exists()


def test_a_zone_that_was_handed_over_is_not_overwritten(pool_file: Path, tmp_path: Path) -> None:
    Path("zone.json").write_text("{}")

    ended = zone("up", str(pool_file), "-o", "zone.json")

    assert isinstance(ended.exception, ConfigError)
    assert "qacloud zone down zone.json" in str(ended.exception)
    assert leases(pool_file) == []


def test_a_file_that_could_not_be_written_is_said_before_the_zone_is_made(pool_file: Path) -> None:
    ended = zone("up", str(pool_file), "-o", "missing/zone.json")

    assert isinstance(ended.exception, ConfigError)
    assert "no such folder" in str(ended.exception)
    assert leases(pool_file) == []


@pytest.mark.parametrize("name", ["sim", "lab", "./pools/lab.toml"])
def test_a_rack_that_would_end_with_the_command_is_refused(tmp_path: Path, name: str) -> None:
    folder = Path("pools")
    folder.mkdir()
    (folder / "lab.toml").write_text(POOLS.format(name="lab"))

    ended = zone("up", name, "-o", "zone.json")

    assert isinstance(ended.exception, ConfigError)
    assert "qacloud rack up" in str(ended.exception)


@pytest.mark.parametrize("name", ["any", "nowhere,elsewhere"])
def test_several_pools_are_the_sessions_business(name: str) -> None:
    ended = zone("up", name, "-o", "zone.json", "--wait", "--pools-dir", "nowhere")

    assert isinstance(ended.exception, ConfigError)
    assert "qacloud rack up" not in str(ended.exception)


def test_a_file_that_is_no_zone_is_refused() -> None:
    Path("zone.json").write_text(json.dumps({"format": 1}))
    Path("zone.json").chmod(0o600)

    assert isinstance(zone("down", "zone.json").exception, ConfigError)
    assert Path("zone.json").exists()
