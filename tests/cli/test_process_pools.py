"""`qacloud pools` knows pools of kind `process`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
from processlab import ProcessLab

from pytest_qacloud.cli import main
from pytest_qacloud.errors import ConfigError
from pytest_qacloud.poolchoice import choose, real

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessLab]:
    monkeypatch.setenv("QACLOUD_STATE_DIR", str(tmp_path / "state"))
    made = ProcessLab(tmp_path / "lab")
    yield made
    made.close()


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, str]:
    """How a command ended, and what it printed."""
    with pytest.raises(SystemExit) as ended:
        main(["pools", *arguments])
    captured = capsys.readouterr()
    return ended.value.code, captured.out


def test_they_are_listed_and_shown(lab: ProcessLab, capsys: pytest.CaptureFixture[str]) -> None:
    lab.pool()

    code, listed = shown(capsys, "list", "--pools-dir", str(lab.folder))
    assert code == 0
    assert "local" in listed
    assert "none: runs here" in listed
    code, text = shown(capsys, "show", "local", "--pools-dir", str(lab.folder))
    assert code == 0
    assert "process.ready.url" in text
    assert "http://127.0.0.1:{port.api}/client/" in text
    code, text = shown(capsys, "show", "local", "--json", "--pools-dir", str(lab.folder))
    assert json.loads(text)["process"]["build"]["argv"] == [sys.executable, "build.py", "{work}"]


def test_their_repository_programs_and_password_are_checked(
    lab: ProcessLab, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.pool(prepare={"argv": ["sh", "prepare.sh"], "limit_s": 5})

    code, text = shown(capsys, "check", "local", "--json", "--pools-dir", str(lab.folder))

    found = {
        (result["subject"], result["check"]): (result["ok"], result["observed"]) for result in json.loads(text)["local"]
    }
    assert code == 0
    assert found["repository", "HEAD"] == (True, f"HEAD is {lab.repository.git('rev-parse', 'main')}")
    assert found["programs", "sh"][0]
    assert found["secrets", "management.password"][0]
    assert len(found) == 3, "programs with a folder in their names may come with the sources"


def test_what_is_missing_is_said_with_what_to_do(lab: ProcessLab, capsys: pytest.CaptureFixture[str]) -> None:
    lab.pool(prepare={"argv": ["no-such-program"], "limit_s": 5})
    lab.password.unlink()
    lab.repository.folder.rename(lab.folder / "moved")

    assert shown(capsys, "check", "local", "--pools-dir", str(lab.folder))[1].count("FAILED") == 3
    code, text = shown(capsys, "check", "local", "--json", "--pools-dir", str(lab.folder))

    assert code == 75
    assert "there is no such git repository" in text
    assert "there is no program no-such-program on the PATH" in text
    assert "cannot read the secret" in text


def test_they_are_leased_by_name_and_are_none_of_any(lab: ProcessLab) -> None:
    path = lab.pool()

    assert real(choose("local", lab.folder)[0]).name == "local"
    assert real(choose(str(path), lab.folder)[0]).path == str(path)
    with pytest.raises(ConfigError, match="no real pool"):
        choose("any", lab.folder)


def test_they_have_no_machines_to_mark(lab: ProcessLab, capsys: pytest.CaptureFixture[str]) -> None:
    lab.pool()

    assert shown(capsys, "marks", "local", "--pools-dir", str(lab.folder))[0] == 4
