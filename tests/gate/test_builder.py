"""Builds of commits: real repositories and commands."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

import pytest
from gitlab import GitLab

from pytest_qacloud.drivers.process import LocalPrograms
from pytest_qacloud.errors import QacloudError, ServiceFaultError, UnreachableError
from pytest_qacloud.gate.builder import WorktreeBuilder
from pytest_qacloud.gate.parts import BuildResult
from pytest_qacloud.gate.repo import Repository
from pytest_qacloud.gate.staging import Staging
from pytest_qacloud.model import GateSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BUILD = """
import os, pathlib
log = pathlib.Path(LOG)
log.write_text(log.read_text() + "built\\n" if log.exists() else "built\\n")
print("compiling", os.environ["QACLOUD_COMMIT"])
if pathlib.Path("broken").exists():
    raise SystemExit("main.c:1: expected ';'")
pathlib.Path(os.environ["QACLOUD_OUTPUT"], "package").write_text(pathlib.Path("code").read_text())
"""


class Lab:
    """A repository, and a builder of its commits."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / "builds.txt"
        self.owner = GitLab(folder / "owner")
        self.repository = Repository(str(folder / "owner"), folder / "mirrors")
        self.staging = Staging(self.repository)

    def builder(self, *command: str, stop: Callable[[], None] = lambda: None, **settings: object) -> WorktreeBuilder:
        script = BUILD.replace("LOG", repr(str(self.log)))
        values = {"build": command or (sys.executable, "-c", script), **settings}
        made = GateSettings(repository=str(self.owner.folder), path="qacloud.toml", **values)  # type: ignore[arg-type]  # its members
        return WorktreeBuilder(self.repository, LocalPrograms(), made, self.folder / "builds", stop)

    def commit(self, **files: str) -> tuple[str, str]:
        """A commit that the mirror has, and its tree."""
        commit = self.repository.resolve(self.owner.commit(**files))
        return commit, self.staging.tree(commit)

    @property
    def builds(self) -> int:
        return len(self.log.read_text(encoding="utf-8").splitlines()) if self.log.exists() else 0


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_a_tree_is_built_once(lab: Lab) -> None:
    commit, tree = lab.commit(code="1")
    made = lab.builder().make(commit, tree)
    assert made.result == BuildResult(good=True)
    assert (made.output / "package").read_text(encoding="utf-8") == "1"
    assert f"compiling {commit}" in made.log.read_text(encoding="utf-8")
    lab.owner.git("commit", "-q", "--allow-empty", "-m", "the same tree")
    again = lab.repository.resolve("main")
    assert again != commit
    assert lab.builder().build(again, lab.staging.tree(again)).good
    assert lab.builds == 1
    assert lab.builder().build(commit, tree, again=True).good
    assert lab.builds == 2


def test_another_command_is_another_build(lab: Lab) -> None:
    commit, tree = lab.commit(code="1")
    lab.builder().build(commit, tree)
    assert not lab.builder("false").build(commit, tree).good


def test_a_build_that_fails_says_how_and_is_known(lab: Lab) -> None:
    commit, tree = lab.commit(code="1", broken="")
    for _ in range(2):
        result = lab.builder().build(commit, tree)
        assert not result.good
        assert "ended with 1" in result.observed
        assert "main.c:1: expected ';'" in result.observed
    assert lab.builds == 1
    assert list((lab.folder / "mirrors").glob("*.trees/*")) == []


def test_a_build_that_hangs_is_ended(lab: Lab) -> None:
    result = lab.builder("sleep", "600", build_limit_s=0.3).build(*lab.commit(code="1"))
    assert result.observed.startswith("sleep 600 did not end within 0.3 s")


def test_a_command_that_is_not_there_is_nobodys_commit(lab: Lab) -> None:
    with pytest.raises(ServiceFaultError, match=r"qacloud\.toml"):
        lab.builder("no-such-compiler").build(*lab.commit(code="1"))


def test_a_build_that_was_stopped_leaves_nothing_and_is_made_anew(lab: Lab) -> None:
    commit, tree = lab.commit(code="1")
    stopped = threading.Event()

    def stop() -> None:
        if lab.builds:
            stopped.set()
            raise QacloudError("stop")

    slow = BUILD.replace("LOG", repr(str(lab.log))) + "\nimport time; time.sleep(600)"
    with pytest.raises(QacloudError, match="stop"):
        lab.builder(sys.executable, "-c", slow, stop=stop).build(commit, tree)
    assert stopped.is_set()
    assert lab.builder().build(commit, tree).good
    assert list((lab.folder / "mirrors").glob("*.trees/*")) == []


def test_two_at_once_build_once(lab: Lab) -> None:
    commit, tree = lab.commit(code="1")
    results: list[BuildResult] = []
    threads = [threading.Thread(target=lambda: results.append(lab.builder().build(commit, tree))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.good for result in results] == [True, True]
    assert lab.builds == 1


def test_a_build_made_elsewhere_must_be_there(lab: Lab) -> None:
    commit, tree = lab.commit(code="1")
    builder = lab.builder(packages="http://127.0.0.1:1/{commit}/")
    assert builder.packages(commit, tree) == f"http://127.0.0.1:1/{commit}/"
    elsewhere = GateSettings(repository="r", packages="http://127.0.0.1:1/{tree}/")
    with pytest.raises(UnreachableError, match=tree):
        WorktreeBuilder(lab.repository, LocalPrograms(), elsewhere, lab.folder).build(commit, tree)
