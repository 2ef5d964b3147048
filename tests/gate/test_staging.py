"""Staging and stable in real repositories: candidates, compositions, pushes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from gitlab import GitLab

from pytest_qacloud.errors import ConfigError
from pytest_qacloud.gate.parts import Moved, Pushed, Refused
from pytest_qacloud.gate.record import Promoting
from pytest_qacloud.gate.repo import Repository
from pytest_qacloud.gate.staging import NOTES, WHO, Staging
from pytest_qacloud.model import Composed, Conflict

if TYPE_CHECKING:
    from pathlib import Path


class Lab:
    """A repository with `stable` and `staging`, and a mirror of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.owner = GitLab(folder / "owner")
        self.owner.commit(base="0")
        self.owner.git("branch", "stable")
        self.owner.git("checkout", "-q", "-b", "staging")
        self.source = Staging(Repository(str(folder / "owner"), folder / "mirrors"))

    @property
    def heads(self) -> tuple[str, str]:
        stable, staging = self.source.heads("stable", "staging")
        return stable, staging

    def files(self, commit: str) -> set[str]:
        return set(self.owner.git("ls-tree", "--name-only", "-r", commit).split())

    def compose(self, *commits: str) -> Composed:
        made = self.source.compose(self.heads[0], commits)
        assert isinstance(made, Composed)
        return made

    def promoting(self, made: Composed, tag: str = "qacloud/1") -> Promoting:
        return Promoting(made.commit, made.tree, self.heads[0], tag)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_units_are_what_staging_has_and_stable_has_not(lab: Lab) -> None:
    first = lab.owner.commit(a="1")
    second = lab.owner.commit(b="2", c="3")
    one, two = lab.source.units(*lab.heads)
    assert (one.commit, two.commit) == (first, second)
    assert two.paths == ("b", "c")
    assert two.author == "A <a@example.org>"
    assert (one.subject, one.merge) == ("a", False)
    assert one.patch_id != two.patch_id
    assert len(one.patch_id) == 40


def test_a_merge_is_one_unit_with_all_that_it_brings(lab: Lab) -> None:
    lab.owner.git("checkout", "-q", "-b", "topic")
    lab.owner.commit(x="1")
    lab.owner.commit(y="2")
    lab.owner.git("checkout", "-q", "staging")
    lab.owner.commit(a="1")
    lab.owner.git("merge", "-q", "--no-ff", "-m", "Merge topic", "topic")
    a, merge = lab.source.units(*lab.heads)
    assert (merge.subject, merge.merge, set(merge.paths)) == ("Merge topic", True, {"x", "y"})
    assert lab.compose(a.commit, merge.commit).commit == merge.commit
    alone = lab.compose(merge.commit)
    lab.owner.git("fetch", "-q", str(next((lab.folder / "mirrors").glob("*.git"))), alone.commit)
    assert lab.files(alone.commit) == {"base", "x", "y"}


def test_commits_that_follow_each_other_are_taken_as_they_are(lab: Lab) -> None:
    commits = [lab.owner.commit(**{name: name}) for name in "abc"]
    made = lab.compose(*commits)
    assert made.commit == commits[-1] == lab.heads[1]
    assert lab.compose(commits[0]).commit == commits[0]
    assert lab.compose().commit == lab.heads[0]


def test_without_one_the_others_are_picked_the_same_everywhere(lab: Lab, tmp_path: Path) -> None:
    a, _, c = (lab.owner.commit(**{name: name}) for name in "abc")
    made = lab.compose(a, c)
    other = Staging(Repository(str(lab.owner.folder), tmp_path / "other"))
    again = other.compose(other.heads("stable")[0], (a, c))
    assert made == again
    lab.owner.git("fetch", "-q", str(next((tmp_path / "mirrors").glob("*.git"))), made.commit)
    assert lab.files(made.commit) == {"base", "a", "c"}
    author, committer, body = lab.owner.git("show", "-s", "--format=%an%n%cn%n%B", made.commit).split("\n", 2)
    assert (author, committer) == ("A", WHO[0])
    assert f"(cherry picked from commit {c})" in body
    assert lab.owner.git("show", "-s", "--format=%at", made.commit) == lab.owner.git("show", "-s", "--format=%at", c)


def test_what_does_not_apply_is_named_with_its_paths(lab: Lab) -> None:
    lab.owner.commit(a="1")
    second = lab.owner.commit(a="2")
    assert lab.source.compose(lab.heads[0], (second,)) == Conflict(second, ("a",))
    assert list((lab.folder / "mirrors").glob("*.trees/*")) == []


def test_what_stable_has_already_adds_nothing(lab: Lab) -> None:
    a = lab.owner.commit(a="1")
    b = lab.owner.commit(b="2")
    lab.owner.git("checkout", "-q", "stable")
    lab.owner.commit(other="x")
    lab.owner.git("cherry-pick", "-x", a)
    lab.owner.git("checkout", "-q", "staging")
    stable, staging = lab.heads
    patches = {unit.commit: unit.patch_id for unit in lab.source.units(stable, staging)}
    assert patches[a] in lab.source.promoted(stable, staging)
    assert patches[b] not in lab.source.promoted(stable, staging)
    made = lab.compose(a, b)
    lab.owner.git("fetch", "-q", str(next((lab.folder / "mirrors").glob("*.git"))), made.commit)
    assert lab.files(made.commit) == {"base", "other", "a", "b"}
    assert lab.owner.git("rev-list", "--count", f"{stable}..{made.commit}") == "1"


def test_an_empty_commit_has_no_patch_id(lab: Lab) -> None:
    lab.owner.git("commit", "-q", "--allow-empty", "-m", "nothing")
    (unit,) = lab.source.units(*lab.heads)
    assert unit.patch_id == ""
    assert unit.paths == ()


def test_a_branch_that_is_not_there_is_said(lab: Lab) -> None:
    with pytest.raises(ConfigError, match="refs/heads/nonesuch"):
        lab.source.heads("nonesuch")
    assert lab.source.branch("nonesuch") == ""


def test_a_push_brings_branch_tag_and_note(lab: Lab) -> None:
    made = lab.compose(lab.owner.commit(a="1"))
    assert lab.source.push(lab.promoting(made), "stable", "verdicts: all GOOD") == Pushed()
    assert lab.owner.git("rev-parse", "stable") == made.commit
    assert lab.owner.git("cat-file", "-t", "qacloud/1") == "tag"
    assert "verdicts: all GOOD" in lab.owner.git("for-each-ref", "--format=%(contents)", "refs/tags/qacloud/1")
    assert lab.owner.git("notes", f"--ref={NOTES}", "show", made.commit) == "verdicts: all GOOD"


def test_notes_of_others_are_kept(lab: Lab) -> None:
    base = lab.heads[0]
    lab.owner.git("notes", f"--ref={NOTES}", "add", "-m", "somebody's", base)
    made = lab.compose(lab.owner.commit(a="1"))
    assert lab.source.push(lab.promoting(made), "stable", "ours") == Pushed()
    assert lab.owner.git("notes", f"--ref={NOTES}", "show", base) == "somebody's"
    assert lab.owner.git("notes", f"--ref={NOTES}", "show", made.commit) == "ours"


def test_a_stable_that_moved_is_left_as_it_is(lab: Lab) -> None:
    made = lab.compose(lab.owner.commit(a="1"))
    promoting = lab.promoting(made)
    lab.owner.git("checkout", "-q", "stable")
    moved = lab.owner.commit(urgent="fix")
    assert lab.source.push(promoting, "stable", "note") == Moved(moved)
    assert lab.owner.git("rev-parse", "stable") == moved
    assert lab.owner.git("tag") == ""
    assert lab.owner.git("for-each-ref", NOTES) == ""


def test_what_does_not_come_after_stable_is_not_pushed(lab: Lab) -> None:
    lab.owner.git("checkout", "-q", "stable")
    lab.owner.commit(other="x")
    lab.owner.git("checkout", "-q", "staging")
    aside = lab.owner.commit(a="1")
    stable = lab.heads[0]
    refused = lab.source.push(Promoting(aside, "tree", stable, "t"), "stable", "note")
    assert isinstance(refused, Refused)
    assert lab.owner.git("rev-parse", "stable") == stable


def test_a_repository_that_refuses_is_quoted_and_unchanged(lab: Lab) -> None:
    made = lab.compose(lab.owner.commit(a="1"))
    hook = lab.owner.folder / ".git" / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho stable is frozen >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    refused = lab.source.push(lab.promoting(made), "stable", "note")
    assert isinstance(refused, Refused)
    assert "stable is frozen" in refused.text
    assert lab.owner.git("tag") == ""


def test_a_tag_that_is_there_is_not_moved(lab: Lab) -> None:
    made = lab.compose(lab.owner.commit(a="1"))
    lab.owner.git("tag", "taken", "stable")
    stable = lab.heads[0]
    assert isinstance(lab.source.push(lab.promoting(made, "taken"), "stable", "note"), Refused)
    assert lab.owner.git("rev-parse", "stable", "taken").split() == [stable, stable]
