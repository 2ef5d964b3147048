"""Where a setting comes from, and what is said about a wrong one."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_qacloud.errors import ConfigError
from pytest_qacloud.settings import OPTIONS, Settings, read_settings_file


def settings(
    folder: Path,
    options: dict[str, str | None] | None = None,
    *,
    environ: dict[str, str] | None = None,
    ini: dict[str, str] | None = None,
    file: str | None = None,
) -> Settings:
    if file is not None:
        (folder / "qacloud.toml").write_text(file, encoding="utf-8")
    return Settings(options or {}, lambda key: (ini or {}).get(key, ""), folder, environ or {})


@pytest.mark.parametrize("name", [option.name for option in OPTIONS])
@pytest.mark.parametrize("given", list(itertools.product([True, False], repeat=4)))
def test_option_over_environment_over_ini_over_file_over_default(
    tmp_path: Path, name: str, given: tuple[bool, bool, bool, bool]
) -> None:
    key = name.replace("-", "_")
    option, environ, ini, file = given
    made = settings(
        tmp_path,
        {name: "by-option" if option else None},
        environ={f"QACLOUD_{key.upper()}": "by-environ" if environ else ""},
        ini={f"qacloud_{key}": "by-ini" if ini else ""},
        file=f'{key} = "by-file"' if file else "",
    )
    default = next(option.default for option in OPTIONS if option.name == name)
    ranked = [
        (option, "by-option", f"--qacloud-{name}"),
        (environ, "by-environ", f"$QACLOUD_{key.upper()}"),
        (ini, "by-ini", f"ini qacloud_{key}"),
        (file, "by-file", "qacloud.toml"),
        (True, default, "default"),
    ]

    assert (made[name], made.source(name)) == next(pair[1:] for pair in ranked if pair[0])


def test_an_empty_option_switches_off_what_a_file_sets(tmp_path: Path) -> None:
    assert settings(tmp_path, {"pool": ""}, file='pool = "rack1"')["pool"] == ""


def test_the_process_has_an_environment_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QACLOUD_POOL", "rack9")

    assert Settings({}, lambda _: "", tmp_path)["pool"] == "rack9"


def test_the_header_shows_what_somebody_set_and_what_always_matters(tmp_path: Path) -> None:
    made = settings(tmp_path, {"pool": "rack1"}, environ={"QACLOUD_PURPOSE": "nightly"})

    assert made.shown() == [
        "pool=rack1 (--qacloud-pool)",
        "build=release (default)",
        "purpose=nightly ($QACLOUD_PURPOSE)",
    ]


def test_a_path_begins_where_it_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, root = tmp_path / "here", tmp_path / "root"
    here.mkdir()
    root.mkdir()
    monkeypatch.chdir(here)

    assert settings(root, {"zone": "zone.json"}).path("zone") == here / "zone.json"
    assert settings(root, environ={"QACLOUD_ZONE": "zone.json"}).path("zone") == here / "zone.json"
    assert settings(root, ini={"qacloud_zone": "zone.json"}).path("zone") == root / "zone.json"
    assert settings(root, file='zone = "zone.json"').path("zone") == root / "zone.json"
    (root / "qacloud.toml").unlink()
    assert settings(root).path("pools-dir") == root / "pools"
    assert settings(root, {"zone": "/abs/zone.json"}).path("zone") == Path("/abs/zone.json")
    assert settings(root, {"zone": "~/zone.json"}).path("zone") == Path.home() / "zone.json"


def test_a_home_folder_that_does_not_exist_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"zone=~nobody-of-this-name/x \(from --qacloud-zone\)"):
        settings(tmp_path, {"zone": "~nobody-of-this-name/x"}).path("zone")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0.0), ("1.5", 90.0), ("forever", None), ("true", None), ("yes", None), ("false", 0.0), ("no", 0.0)],
)
def test_the_time_to_wait(tmp_path: Path, text: str, seconds: float | None) -> None:
    assert settings(tmp_path, {"wait": text}).wait_s() == seconds


def test_without_a_word_nobody_waits_and_the_rack_is_the_pool_files(tmp_path: Path) -> None:
    made = settings(tmp_path)

    assert (made.wait_s(), made.machines(), made.install_time_s()) == (0.0, None, None)


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf", "1e999", ""])
def test_a_time_that_is_none_is_said_with_who_set_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"\(from --qacloud-wait\): this is no number of minutes, or `forever`"):
        settings(tmp_path, {"wait": text}).wait_s()


def test_numbers_of_the_simulated_rack(tmp_path: Path) -> None:
    made = settings(tmp_path, {"sim-machines": "64"}, ini={"qacloud_sim_install_time": "0.5"})

    assert (made.machines(), made.install_time_s()) == (64, 0.5)


@pytest.mark.parametrize(
    ("text", "words"), [("1", "at least 2 machines"), ("2.5", "at least 2 machines"), ("some", "no number of machines")]
)
def test_a_rack_needs_a_whole_number_of_machines(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=rf"sim-machines={text} \(from \$QACLOUD_SIM_MACHINES\): .*{words}"):
        settings(tmp_path, environ={"QACLOUD_SIM_MACHINES": text}).machines()


def test_an_install_time_must_be_a_number(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no number of seconds"):
        settings(tmp_path, {"sim-install-time": "fast"}).install_time_s()


def test_a_settings_file_has_values_of_several_types_and_tables_of_other_readers(tmp_path: Path) -> None:
    made = settings(
        tmp_path,
        file='pool = ["rack1", "rack2"]\nwait = true\nsim_machines = 8\nsim_install_time = 0.5\n[gate]\nx = 1\n',
    )

    assert (made["pool"], made.wait_s(), made.machines(), made.install_time_s()) == ("rack1,rack2", None, 8, 0.5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pol = 'rack1'", "pol: there is no such setting; did you mean pool?"),
        ("xyzzy = 1", "xyzzy: there is no such setting; known are attr, build, "),
        ("pool = 1979-05-27", "pool: must be a text"),
        ("pool = [1, 2]", "pool: must be a text"),
        ("pool = ", "is not TOML"),
    ],
)
def test_a_wrong_settings_file_is_named_with_key_and_hint(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        settings(tmp_path, file=text)

    assert str(raised.value).startswith(str(tmp_path / "qacloud.toml"))
    assert words in str(raised.value)


def test_a_settings_file_that_is_no_text_or_no_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "qacloud.toml"
    path.write_bytes(b'pool = "\xff"')
    with pytest.raises(ConfigError, match="is not TOML"):
        read_settings_file(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        read_settings_file(path)


@given(st.text())
def test_any_text_is_a_number_or_a_usage_error(text: str) -> None:
    made = Settings({"wait": text}, lambda _: "", Path("/nowhere"), {})
    try:
        waited_s = made.wait_s()
    except ConfigError:
        return
    assert waited_s is None or waited_s >= 0
