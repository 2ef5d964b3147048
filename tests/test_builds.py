"""Builds of commits for a run: what `--qacloud-build` means where there is a gate."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
import requests
from gitlab import GitLab

from pytest_qacloud.builds import prepare
from pytest_qacloud.errors import BuildError, ConfigError, UnreachableError
from pytest_qacloud.model import GateSettings

if TYPE_CHECKING:
    from pathlib import Path

COPY = "import os, shutil; shutil.copy('code', os.environ['QACLOUD_OUTPUT'])"


@pytest.fixture
def owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitLab:
    monkeypatch.setenv("QACLOUD_STATE_DIR", str(tmp_path / "state"))
    return GitLab(tmp_path / "owner")


def settings(tmp_path: Path, repository: str = "./owner", **values: object) -> GateSettings:
    defaults = {"build": (sys.executable, "-c", COPY), "path": str(tmp_path / "qacloud.toml")}
    return GateSettings(repository=repository, **(defaults | values))  # type: ignore[arg-type]  # its members


def test_a_branch_is_built_and_served_while_the_run_lasts(owner: GitLab, tmp_path: Path) -> None:
    commit = owner.commit(code="the code")
    with ExitStack() as stack:
        build = prepare("main", settings(tmp_path), stack, lambda: None)
        assert (build.name, build.commit) == ("main", commit)
        assert requests.get(f"{build.repository}code", timeout=5).text == "the code"
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{build.repository}code", timeout=5)


def test_a_commit_that_does_not_build_is_no_zone(owner: GitLab, tmp_path: Path) -> None:
    owner.commit(other="no code")
    with ExitStack() as stack, pytest.raises(BuildError, match="No such file") as failed:
        prepare("main", settings(tmp_path), stack, lambda: None)
    assert "qacloud.toml" in failed.value.action


def test_a_branch_that_is_not_there_is_said(owner: GitLab, tmp_path: Path) -> None:
    owner.commit(code="1")
    with ExitStack() as stack, pytest.raises(ConfigError, match="did you mean main"):
        prepare("mian", settings(tmp_path, str(owner.folder)), stack, lambda: None)


def test_what_is_built_elsewhere_must_be_there(owner: GitLab, tmp_path: Path) -> None:
    commit = owner.commit(code="1")
    elsewhere = settings(tmp_path, build=(), packages="http://127.0.0.1:1/{commit}/")
    with ExitStack() as stack, pytest.raises(UnreachableError, match=commit):
        prepare("main", elsewhere, stack, lambda: None)
