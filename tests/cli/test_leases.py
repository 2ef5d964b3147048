from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from pytest_qacloud.cli.leases import leases
from pytest_qacloud.errors import ConfigError
from pytest_qacloud.leasing import Heartbeat, SqlLeaseStore, acquire
from pytest_qacloud.model import Claim

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/leases.db"


@pytest.fixture
def store(url: str) -> SqlLeaseStore:
    return SqlLeaseStore(url)


@pytest.fixture
def held(store: SqlLeaseStore) -> Iterator[Heartbeat]:
    with acquire(store, Claim(("rack1",), "jenkins/bvt-812", "nightly[red]", 300.0)) as held:
        yield held


def run(*arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(leases, arguments, input=answer)


def test_nothing_is_leased(url: str) -> None:
    result = run("list", "--store", url)
    assert result.exit_code == 0
    assert result.output == "no pool is leased, and nobody waits for one\n"


def test_the_list_shows_holders_and_the_line(url: str, store: SqlLeaseStore, held: Heartbeat) -> None:
    for owner in ("bob@box:1", "cem@box:2"):
        store.enqueue(Claim(("rack1", "rack2"), owner, "", 300.0))
    with acquire(store, Claim(("rack3",), "ann", "zone", 300.0, detached=True)):
        result = run("list", "--store", url)
    assert result.exit_code == 0
    for shown in ("jenkins/bvt-812", "nightly[red]", "bob@box:1", "cem@box:2", "rack2", "(detached)"):
        assert shown in result.output
    assert result.output.index("bob@box:1") < result.output.index("cem@box:2")
    assert held.lease.token not in result.output


def test_releasing_says_what_it_took(url: str, store: SqlLeaseStore, held: Heartbeat) -> None:
    result = run("release", "rack1", "--yes", "--store", url)
    assert result.exit_code == 0
    assert "took rack1 (epoch 1) from jenkins/bvt-812/nightly[red]: its run stops as UNTESTABLE" in result.output
    assert store.leases() == []


def test_releasing_asks_first(url: str, store: SqlLeaseStore, held: Heartbeat) -> None:
    refused = run("release", "rack1", "--store", url, answer="n\n")
    assert refused.exit_code == 1
    assert "is held by jenkins/bvt-812/nightly[red] since" in refused.output
    assert "end as UNTESTABLE" in refused.output
    assert len(store.leases()) == 1
    assert run("release", "rack1", "--store", url, answer="y\n").exit_code == 0
    assert store.leases() == []


def test_releasing_a_pool_that_is_not_leased(url: str) -> None:
    result = run("release", "rack1", "--yes", "--store", url)
    assert (result.exit_code, result.output) == (0, "rack1 is not leased\n")


def test_a_pool_given_back_while_the_question_was_open(
    url: str, held: Heartbeat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("click.confirm", lambda *_, **__: held.close())
    result = run("release", "rack1", "--store", url)
    assert result.exit_code == 0
    assert "given back meanwhile; nothing was taken" in result.output


def test_without_an_option_it_is_the_users_own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QACLOUD_STATE_DIR", str(tmp_path / "state"))
    with acquire(SqlLeaseStore(), Claim(("rack7",), "ann", "", 300.0)):
        assert "rack7" in run("list").output


def test_the_store_of_a_simulated_pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QACLOUD_STATE_DIR", str(tmp_path / "state"))
    pool = tmp_path / "sim.toml"
    pool.write_text('name = "sim"\n[simulated]\n', encoding="utf-8")
    with acquire(SqlLeaseStore(), Claim(("sim",), "ann", "", 300.0)):
        assert "ann" in run("list", "--pool-file", str(pool)).output


def test_two_stores_at_once_are_refused(url: str, tmp_path: Path) -> None:
    pool = tmp_path / "sim.toml"
    pool.touch()
    result = run("list", "--store", url, "--pool-file", str(pool))
    assert result.exit_code == 2
    assert "not both" in result.output


def test_a_store_that_is_none(tmp_path: Path) -> None:
    assert isinstance(run("list", "--store", "leases.db").exception, ConfigError)
