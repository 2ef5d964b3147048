"""`qacloud puppet-enc`: what Puppet calls for every agent run."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from pytest_qacloud import cli, enc
from pytest_qacloud.paths import cache_dir, state_dir

if TYPE_CHECKING:
    from pathlib import Path

YAML = "classes:\n  qacloud::base: {}\nenvironment: production\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "node1.rack1.yaml").write_text(YAML, encoding="utf-8")
    return tmp_path


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QACLOUD_ENC_DIR", raising=False)
    monkeypatch.delenv("QACLOUD_STATE_DIR", raising=False)


@pytest.mark.parametrize("form", [["--enc-dir", "{}"], ["--enc-dir={}"]])
def test_a_machine_that_is_known_is_classified(
    folder: Path, form: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [part.format(folder) for part in form]

    assert enc.main([*arguments, "node1.rack1"]) == 0
    assert capsys.readouterr() == (YAML, "")


def test_one_that_is_not_known_is_said_with_the_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert enc.main(["--enc-dir", str(folder), "node9.rack1"]) == 1

    out, err = capsys.readouterr()
    assert out == ""
    assert str(folder) in err
    assert "node9.rack1" in err


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["--enc-dir"], ["--enc-dir", "x"], ["--surprise"]])
def test_a_wrong_call_shows_how_it_is_used(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert enc.main(arguments) == 2
    assert capsys.readouterr().err == f"{enc.USAGE}\n"


def test_the_folder_is_the_chosen_one_then_the_environments_then_in_the_state_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QACLOUD_STATE_DIR", str(tmp_path / "state"))
    assert enc.enc_dir() == str(tmp_path / "state" / "enc")
    monkeypatch.setenv("QACLOUD_ENC_DIR", str(tmp_path / "environment"))
    assert enc.enc_dir() == str(tmp_path / "environment")
    assert enc.enc_dir(str(tmp_path / "chosen")) == str(tmp_path / "chosen")


def test_folders_are_the_platforms_or_below_the_one_that_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg-state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg-cache"))
    assert (state_dir(), cache_dir()) == (tmp_path / "xdg-state" / "qacloud", tmp_path / "xdg-cache" / "qacloud")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QACLOUD_STATE_DIR", "relative")
    assert (state_dir(), cache_dir()) == (tmp_path / "relative", tmp_path / "relative" / "cache")

    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("QACLOUD_STATE_DIR", "~/state")
    assert state_dir() == tmp_path / "home" / "state"


@pytest.mark.parametrize(("name", "code"), [("node1.rack1", 0), ("node9.rack1", 1), ("../x", 1)])
def test_the_program_answers_as_the_function_does(folder: Path, name: str, code: int) -> None:
    argv = [sys.executable, "-m", "pytest_qacloud", "puppet-enc", "--enc-dir", str(folder), name]

    ended = subprocess.run(argv, capture_output=True, text=True)

    assert (ended.returncode, ended.stdout) == (code, YAML if code == 0 else "")


def test_its_help_is_clicks() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "pytest_qacloud", "puppet-enc", "--help"], capture_output=True, text=True
    )

    assert ended.returncode == 0
    assert "external_nodes" in ended.stdout


@pytest.mark.parametrize("name", ["node1.rack1", "node9.rack1"])
def test_the_click_command_does_the_same(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = 0 if name == "node1.rack1" else 1

    assert CliRunner().invoke(cli.command, ["puppet-enc", "--enc-dir", str(folder), name]).exit_code == expected
    monkeypatch.setenv("QACLOUD_ENC_DIR", str(folder))
    assert CliRunner().invoke(cli.command, ["puppet-enc", name]).exit_code == expected
