"""What is written down of runs on this machine."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_qacloud.errors import ServiceFaultError
from pytest_qacloud.model import AdminLogin, ProcessIdentity, ProcessPool, ProcessRecipe, Ready, SecretRef, Server
from pytest_qacloud.provision.process_plan import own_zone, run_from_json, run_to_json
from pytest_qacloud.provision.process_state import ProcessState
from pytest_qacloud.provision.zone_config import parse_zone_config

if TYPE_CHECKING:
    from pathlib import Path


def pool(name: str = "local") -> ProcessPool:
    recipe = ProcessRecipe("/src", Server(("serve",)), Ready(5, port="api"), ports=("api", "agent"))
    return ProcessPool(name, AdminLogin("admin", SecretRef("env", "P")), recipe)


def lowest(count: int, taken: set[int]) -> list[int]:
    return [port for port in range(100, 200) if port not in taken][:count]


def test_a_run_is_on_disk_before_it_has_anything_and_gone_when_it_is_forgotten(tmp_path: Path) -> None:
    state = ProcessState(tmp_path / "processes")

    run = state.begin(pool(), 7, "0123456789abcdef", lowest)
    started = run.with_program("start", ProcessIdentity(5, 6, "boot", "mark"))
    state.save(started)

    assert ProcessState(tmp_path / "processes").runs("local") == [started]
    assert state.runs("other") == []
    assert run.name == "e7-01234567"
    assert os.listdir(run.work) == []  # noqa: PTH208  # only whether it is empty
    assert run.values == {
        "commit": "", "database": "qacloud_0123456789ab", "work": run.work, "worktree": "",
        "port.api": "100", "port.agent": "101",
    }  # fmt: skip
    state.forget(started)
    assert state.runs("local") == []
    assert list((tmp_path / "processes" / "local").iterdir()) == []


def test_no_two_runs_have_a_port_a_folder_or_a_database_in_common(tmp_path: Path) -> None:
    state = ProcessState(tmp_path)
    runs = [state.begin(pool(name), 1, mark * 16, lowest) for name, mark in (("a", "1"), ("b", "2"), ("a", "3"))]

    assert [run.ports for run in runs] == [
        {"api": 100, "agent": 101}, {"api": 102, "agent": 103}, {"api": 104, "agent": 105},
    ]  # fmt: skip
    assert len({run.work for run in runs}) == len({run.database for run in runs}) == 3
    state.forget(runs[1])
    assert state.begin(pool("b"), 2, "4" * 16, lowest).ports == {"api": 102, "agent": 103}


def test_runs_come_in_the_order_of_their_leases(tmp_path: Path) -> None:
    state = ProcessState(tmp_path)
    for epoch, mark in ((12, "1"), (9, "2"), (100, "3")):
        state.begin(pool(), epoch, mark * 16, lowest)

    assert [run.epoch for run in state.runs("local")] == [9, 12, 100]


def test_a_folder_whose_file_was_never_written_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "local" / "e1-00000000" / "work").mkdir(parents=True)

    assert ProcessState(tmp_path).runs("local") == []


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"format": 2}', '{"format": 1, "programs": [["a", {}]]}'])
def test_what_cannot_be_understood_is_for_a_person(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "local" / "e1-00000000"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(text, encoding="utf-8")

    with pytest.raises(ServiceFaultError, match=f"end what runs in {folder}, then remove that folder"):
        ProcessState(tmp_path).runs("local")


def test_a_folder_that_cannot_be_removed_stays_on_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = ProcessState(tmp_path)
    run = state.begin(pool(), 1, "1" * 16, lowest)
    monkeypatch.setattr("shutil.rmtree", lambda *_, **__: None)

    with pytest.raises(ServiceFaultError, match="work could not be removed"):
        state.forget(run)

    assert state.runs("local") == [run]


def test_json_gives_the_run_back(tmp_path: Path) -> None:
    run = ProcessState(tmp_path).begin(pool(), 3, "ab" * 8, lowest)
    full = replace(
        run.with_program("build", ProcessIdentity(1, 2, "b", "m")).with_program(
            "start", ProcessIdentity(3, 4, "b", "m")
        ),
        commit="c" * 40,
        worktree="/w",
    )

    assert run_from_json(json.loads(json.dumps(run_to_json(full)))) == full


def test_the_pool_s_own_zone_is_one_that_can_be_deployed() -> None:
    config = own_zone(pool(), "local-e3", 4711, "a-password")

    checked = parse_zone_config(json.dumps(config), "own")

    assert checked.hypervisor == "Simulator"
    assert checked.host_addresses == {"sim"}
    assert (config["mgtSvr"][0]["port"], config["mgtSvr"][0]["passwd"]) == (4711, "a-password")
