"""The mirror of a git repository: commits by name, work trees, and what git must never be told."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from gitlab import GitLab

from pytest_qacloud.errors import ConfigError, ServiceFaultError, StoppedError, UnreachableError
from pytest_qacloud.gate import repo
from pytest_qacloud.gate.repo import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def lab(tmp_path: Path) -> GitLab:
    """Two commits on `main`, one more on `feature`, a tag on the first."""
    lab = GitLab(tmp_path / "theirs")
    lab.commit(server="first")
    lab.git("tag", "v1")
    lab.commit(server="second")
    lab.git("checkout", "-q", "-b", "feature")
    lab.commit(server="third")
    lab.git("checkout", "-q", "main")
    return lab


@pytest.fixture
def repository(lab: GitLab, tmp_path: Path) -> Repository:
    return Repository(str(lab.folder), tmp_path / "ours")


def test_branches_tags_and_ids_are_found_by_name(lab: GitLab, repository: Repository) -> None:
    first, second, third = (lab.git("rev-parse", name) for name in ("v1", "main", "feature"))

    assert [repository.resolve(rev) for rev in ("v1", "main", "feature", "feature~1", third[:10], second)] == [
        first, second, third, second, third, second,
    ]  # fmt: skip


def test_head_is_what_the_repository_has_checked_out(lab: GitLab, repository: Repository) -> None:
    lab.git("checkout", "-q", "--detach", "feature")

    assert repository.resolve("HEAD") == lab.git("rev-parse", "feature")
    assert repository.resolve("HEAD~2") == lab.git("rev-parse", "v1")


def test_a_branch_is_looked_at_each_time_even_when_its_history_is_another(lab: GitLab, repository: Repository) -> None:
    before = repository.resolve("feature")
    lab.git("checkout", "-q", "feature")
    lab.git("reset", "-q", "--hard", "v1")
    after = lab.commit(server="rewritten")

    assert repository.resolve("feature") == after != before
    lab.git("checkout", "-q", "main")
    lab.git("branch", "-q", "-D", "feature")
    with pytest.raises(ConfigError, match="no commit feature"):
        repository.resolve("feature")


def test_a_full_id_that_is_known_needs_no_repository(lab: GitLab, repository: Repository) -> None:
    third = repository.resolve("feature")
    shutil.rmtree(lab.folder)

    assert repository.resolve(third) == third
    with pytest.raises(UnreachableError, match="ls-remote"):
        repository.resolve("feature")


def test_what_is_not_there_comes_with_what_is_near(repository: Repository) -> None:
    with pytest.raises(ConfigError, match=r"no commit featuer in .*did you mean feature\?"):
        repository.resolve("featuer")
    with pytest.raises(ConfigError, match="name a branch, a tag or a commit of it"):
        repository.resolve("0" * 40)


@pytest.mark.parametrize(
    "rev", ["--upload-pack=touch /tmp/x", "-f", "", "a b", "main:server", "main..feature", "@{u}", "a\nb", "ref*"]
)
def test_what_is_no_name_of_a_commit_is_refused(repository: Repository, rev: str) -> None:
    with pytest.raises(ConfigError, match="names no commit"):
        repository.resolve(rev)


@pytest.mark.parametrize("source", ["--upload-pack=x", "-x", "/nowhere/at/all", "a\nb", "ext::sh -c x"])
def test_what_is_no_repository_is_refused(tmp_path: Path, source: str) -> None:
    with pytest.raises(ConfigError, match="git repository"):
        Repository(source, tmp_path)


def test_a_path_that_holds_no_repository_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(UnreachableError, match="not appear to be a git repository"):
        Repository(str(tmp_path / "empty"), tmp_path / "ours").look()


def test_the_repository_can_be_asked_without_a_fetch(lab: GitLab, repository: Repository, tmp_path: Path) -> None:
    assert repository.look() == lab.git("rev-parse", "HEAD")
    assert not (tmp_path / "ours").exists()


def test_work_trees_hold_their_commits_and_can_be_many(lab: GitLab, repository: Repository) -> None:
    first, third = repository.resolve("v1"), repository.resolve("feature")

    trees = [repository.worktree(first, "a"), repository.worktree(third, "b"), repository.worktree(third, "c")]

    assert [(tree / "server").read_text(encoding="utf-8") for tree in trees] == ["first", "third", "third"]
    assert lab.git("status", "--porcelain") == ""
    assert lab.git("worktree", "list", "--porcelain").count("worktree ") == 1, "theirs knows nothing of ours"
    for name in ("a", "b", "c", "never-made"):
        repository.remove_worktree(name)
    assert not any(tree.exists() for tree in trees)


def test_a_work_tree_whose_folder_is_gone_or_half_made_is_no_obstacle(repository: Repository) -> None:
    commit = repository.resolve("main")
    tree = repository.worktree(commit, "a")
    shutil.rmtree(tree)

    assert (repository.worktree(commit, "a") / "server").exists()
    with pytest.raises(ServiceFaultError, match="already exists"):
        repository.worktree(commit, "a")


@pytest.mark.parametrize("name", ["", "..", "../x", "-f", "a/b"])
def test_names_of_work_trees_lead_nowhere_else(repository: Repository, name: str) -> None:
    with pytest.raises(ValueError, match="no work tree"):
        repository.worktree("0" * 40, name)
    with pytest.raises(ValueError, match="no work tree"):
        repository.remove_worktree(name)


def test_what_a_killed_git_locked_is_freed(repository: Repository, tmp_path: Path) -> None:
    repository.resolve("main")
    (mirror,) = (tmp_path / "ours").glob("*.git")
    (mirror / "packed-refs.lock").touch()
    (mirror / "refs" / "heads" / "feature.lock").touch()
    (mirror / "HEAD").unlink()  # as if it had been killed while it made the mirror

    assert repository.resolve("feature")


def test_the_callers_git_variables_and_hooks_are_not_heard(
    lab: GitLab, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = repository.resolve("main")
    (mirror,) = (tmp_path / "ours").glob("*.git")
    hook = mirror / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path / 'hooked'}\n", encoding="utf-8")
    hook.chmod(0o700)
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_WORK_TREE", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere")

    tree = repository.worktree(commit, "a")

    assert (tree / "server").read_text(encoding="utf-8") == "second"
    assert not (tmp_path / "hooked").exists()


def test_what_git_runs_under_is_named_where_it_is_missing(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repo, "DIES_WITH_US", ("no-such-setpriv",))

    with pytest.raises(ConfigError, match="no program no-such-setpriv"):
        repository.resolve("main")


def test_several_may_use_one_mirror_at_once(lab: GitLab, tmp_path: Path) -> None:
    def one(number: int) -> str:
        repository = Repository(str(lab.folder), tmp_path / "ours")
        tree = repository.worktree(repository.resolve("feature"), f"tree{number}")
        return (tree / "server").read_text(encoding="utf-8")

    with ThreadPoolExecutor(4) as executor:
        assert list(executor.map(one, range(4))) == ["third"] * 4


class Stop:
    """A check that raises once it is told to."""

    def __init__(self) -> None:
        self.told = threading.Event()

    def __call__(self) -> None:
        if self.told.is_set():
            raise StoppedError("the run was told to stop")


@pytest.fixture
def silent() -> Iterator[tuple[str, socket.socket]]:
    """The URL of a server that takes connections and never answers, and its socket."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/cloudstack.git", server


def test_a_run_that_is_stopped_does_not_wait_for_git(silent: tuple[str, socket.socket], tmp_path: Path) -> None:
    url, server = silent
    stop = Stop()
    with ThreadPoolExecutor(1) as executor:
        fetching = executor.submit(Repository(url, tmp_path, stop).resolve, "main")
        with server.accept()[0]:
            stop.told.set()
            with pytest.raises(StoppedError):
                fetching.result()


def test_a_run_that_is_stopped_does_not_wait_for_another_s_fetch(
    silent: tuple[str, socket.socket], tmp_path: Path
) -> None:
    url, server = silent
    stops = Stop(), Stop()
    with ThreadPoolExecutor(2) as executor:
        first = executor.submit(Repository(url, tmp_path, stops[0]).resolve, "main")
        with server.accept()[0]:
            second = executor.submit(Repository(url, tmp_path, stops[1]).resolve, "main")
            stops[1].told.set()
            with pytest.raises(StoppedError):
                second.result()
            assert not first.done()
            stops[0].told.set()
            with pytest.raises(StoppedError):
                first.result()


def test_git_ends_with_a_run_that_is_killed(silent: tuple[str, socket.socket], tmp_path: Path) -> None:
    url, server = silent
    program = f"""
from pathlib import Path
from pytest_qacloud.gate.repo import Repository
Repository({url!r}, Path({str(tmp_path)!r})).resolve("main")
"""
    process = subprocess.Popen([sys.executable, "-c", program])
    try:
        with server.accept()[0] as connection:
            process.kill()
            process.wait()
            with suppress(ConnectionResetError):
                while connection.recv(4096):  # until git has closed it
                    pass
    finally:
        process.kill()
        process.wait()


def test_a_fetch_that_takes_too_long_is_ended(
    silent: tuple[str, socket.socket], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repo, "FETCH_LIMIT_S", 1)

    with pytest.raises(UnreachableError, match="the fetch took too long"):
        Repository(silent[0], tmp_path).resolve("main")
