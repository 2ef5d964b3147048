"""Which pools a user means."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_qacloud.config import SimulatedPool
from pytest_qacloud.errors import ConfigError
from pytest_qacloud.poolchoice import choose, choose_several, real

POOLS = Path(__file__).parents[1] / "pools"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two real pools with machines of their own, and a broken file."""
    text = (POOLS / "rack1.toml").read_text(encoding="utf-8")
    (tmp_path / "rack1.toml").write_text(text, encoding="utf-8")
    other = text.replace('name = "rack1"', 'name = "rack2"', 1).replace('"nightly"', '"weekly"', 1)
    other = other.replace("52:54:00:aa", "52:54:00:bb").replace("10.1.9.", "10.1.8.")
    (tmp_path / "rack2.toml").write_text(other, encoding="utf-8")
    (tmp_path / "worn.toml").write_text("name = ", encoding="utf-8")
    return tmp_path


def names(text: str, folder: Path) -> list[str]:
    return [pool.name for pool in choose(text, folder)]


def test_a_name_and_a_path_are_taken_in_the_order_given(folder: Path) -> None:
    assert names("rack1", folder) == ["rack1"]
    assert names(f"{folder / 'rack2.toml'}, rack1", folder) == ["rack2", "rack1"]


def test_sim_is_there_without_a_file(tmp_path: Path) -> None:
    assert choose("sim", tmp_path) == [SimulatedPool("sim")]


def test_a_file_for_sim_is_preferred(tmp_path: Path) -> None:
    (tmp_path / "sim.toml").write_text('name = "sim"\n[simulated]\nmachines = 9\n', encoding="utf-8")

    (pool,) = choose("sim", tmp_path)

    assert isinstance(pool, SimulatedPool)
    assert pool.machines == 9


def test_a_simulated_pool_stands_alone_and_is_not_real(folder: Path) -> None:
    with pytest.raises(ConfigError, match="name it alone"):
        choose("rack1,sim", folder)
    with pytest.raises(ConfigError, match="qacloud rack up"):
        real(choose("sim", folder)[0])
    assert real(choose("rack1", folder)[0]).name == "rack1"


def test_any_leaves_out_what_is_broken_and_what_has_not_the_tag(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert names("any", folder) == ["rack1", "rack2"]
    assert ["worn.toml" in message for message in caplog.messages] == [True]
    assert names("any:weekly", folder) == ["rack2"]
    with pytest.raises(ConfigError, match="no real pool with the tag moon"):
        choose("any:moon", folder)


def test_several_simulated_pools_are_taken_in_order_as_many_as_are_needed(folder: Path) -> None:
    for name in ("sim-a", "sim-b"):
        (folder / f"{name}.toml").write_text((POOLS / f"{name}.toml").read_text(encoding="utf-8"), encoding="utf-8")

    chosen = choose_several("sim-b,sim,sim-a", folder, 2)

    assert [pool.name for pool in chosen.simulated] == ["sim-b", "sim"]
    assert chosen.real == []


def test_any_so_many_of_real_pools_will_do(folder: Path) -> None:
    chosen = choose_several("rack2,any", folder, 1)

    assert [pool.name for pool in chosen.real] == ["rack2", "rack1"], "each once"
    assert chosen.simulated == []


@pytest.mark.parametrize(
    ("text", "count", "words"),
    [
        ("rack1,rack2", 3, r"3 workers, .* names 2 \(rack1, rack2\): name 3 pools"),
        ("sim,sim", 2, r"names 1 \(sim\)"),
        ("", 2, "names 0:"),
        ("rack1,sim", 2, "name one kind"),
        ("rack1,copy.toml", 2, "two pools called rack1"),
    ],
)
def test_too_few_pools_and_mixtures_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, count: int, words: str
) -> None:
    monkeypatch.chdir(folder)
    (folder / "copy.toml").write_text((folder / "rack1.toml").read_text(encoding="utf-8"), encoding="utf-8")

    with pytest.raises(ConfigError, match=words):
        choose_several(text, folder, count)
