from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pool_texts import POOLS

from pytest_qacloud.config import SimulatedPool, describe, find_pool, list_pools, load_pool, parse_pool
from pytest_qacloud.errors import ConfigError
from pytest_qacloud.model import Pool


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(POOLS, tmp_path / "pools"))


def test_a_name_is_found_as_its_file() -> None:
    assert find_pool("rack1", POOLS) == POOLS / "rack1.toml"


def test_a_path_is_taken_where_it_ends_in_toml(folder: Path) -> None:
    assert find_pool(str(folder / "sim.toml"), Path("/nowhere")) == folder / "sim.toml"
    with pytest.raises(ConfigError, match="no such pool file"):
        find_pool(str(folder / "none.toml"), folder)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        *(("rack2", "did you mean rack1?"), ("xyzzy", "there are rack1, sim"), ("../rack1", "is no pool's name")),
        *(("", "is no pool's name"), ("..", "is no pool's name"), ("-x", "there are rack1, sim")),
    ],
)
def test_a_name_without_a_file_is_told_the_names_there_are(name: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        find_pool(name, POOLS)
    assert said in str(caught.value)


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="name the right folder"):
        find_pool("rack1", tmp_path)
    with pytest.raises(ConfigError, match="no such folder"):
        list_pools(tmp_path / "none")


def test_a_broken_file_hides_no_other(folder: Path) -> None:
    (folder / "broken.toml").write_text("name = ", encoding="utf-8")
    entries = {entry.name: entry for entry in list_pools(folder)}
    assert list(entries) == [path.stem for path in sorted(folder.iterdir())]
    assert "not TOML" in str(entries["broken"].error)
    assert isinstance(entries["rack1"].pool, Pool)
    assert isinstance(entries["sim"].pool, SimulatedPool)


def test_a_pool_that_its_files_name_does_not_find_is_an_error(folder: Path) -> None:
    (folder / "sim.toml").rename(folder / "other.toml")
    error = next(entry.error for entry in list_pools(folder) if entry.name == "other")
    assert 'the pool is called "sim"' in str(error)


def test_two_pools_with_the_same_machine_are_an_error_of_the_later(folder: Path) -> None:
    text = (folder / "rack1.toml").read_text(encoding="utf-8")
    lines = [line for line in text.replace("52:54:00:aa:01", "52:54:00:aa:02").splitlines() if "node6" not in line]
    copied = (
        "\n".join(lines)
        .replace('name = "rack1"', 'name = "rack2"')
        .replace('role = "spare"', 'name = "n6"\nrole = "spare"')
    )
    copied = copied.replace("10.1.9.1", "10.1.8.1").replace('"10.1.8.15"', '"10.1.9.15"')
    (folder / "rack2.toml").write_text(copied, encoding="utf-8")
    entries = {entry.name: entry for entry in list_pools(folder)}
    assert entries["rack1"].error is None
    assert entries["rack2"].pool is None
    assert f"n6 has the BMC 10.1.9.15:623, as node6 in {folder / 'rack1.toml'} has" in str(entries["rack2"].error)


@pytest.mark.parametrize("name", ["rack1", "sim"])
def test_a_pool_is_described_as_its_file_would_say_it(name: str) -> None:
    path = POOLS / f"{name}.toml"
    pool = load_pool(path)
    assert parse_pool(to_toml(describe(pool)), file=path) == pool


def to_toml(data: object) -> str:
    """Data as TOML, with inline tables for all below the top."""
    assert isinstance(data, dict)
    return "".join(f"{key} = {inline(value)}\n" for key, value in data.items())


def inline(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "{" + ", ".join(f"{key} = {inline(member)}" for key, member in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(inline, value)) + "]"
        case str():
            return f'"{value}"'
        case _:
            return repr(value)
