"""Journals of gates in the repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from gitlab import GitLab

from pytest_qacloud.errors import ServiceFaultError
from pytest_qacloud.gate.exchange import GATES, Exchange, OvertakenError
from pytest_qacloud.gate.repo import Repository

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def owner(tmp_path: Path) -> GitLab:
    made = GitLab(tmp_path / "owner")
    made.commit(a="1")
    return made


def machine(owner: GitLab, folder: Path) -> Exchange:
    """A machine with a mirror of its own."""
    repository = Repository(str(owner.folder), folder)
    repository.resolve("main")
    return Exchange(repository)


def test_another_machine_gets_what_was_published_last(owner: GitLab, tmp_path: Path) -> None:
    one, other = machine(owner, tmp_path / "one"), machine(owner, tmp_path / "other")
    assert other.fetch("g1") is None
    first = one.publish("g1", '{"a": "ä"}\n', "")
    second = one.publish("g1", '{"a": "ä"}\n{"b": 2}\n', first)
    assert other.names() == {"g1": second}
    assert other.fetch("g1") == '{"a": "ä"}\n{"b": 2}\n'
    assert owner.git("rev-list", "--count", f"{GATES}/g1") == "2"


def test_the_second_of_two_is_stopped(owner: GitLab, tmp_path: Path) -> None:
    one, other = machine(owner, tmp_path / "one"), machine(owner, tmp_path / "other")
    first = one.publish("g1", "a\n", "")
    assert other.fetch("g1") == "a\n"
    taken = other.publish("g1", "a\nb\n", first)
    with pytest.raises(OvertakenError, match="another machine goes on with the gate g1"):
        one.publish("g1", "a\nc\n", first)
    with pytest.raises(OvertakenError):
        one.publish("g1", "new\n", "")
    assert one.names() == {"g1": taken}


def test_a_repository_that_takes_none_is_said(owner: GitLab, tmp_path: Path) -> None:
    hook = owner.folder / ".git" / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    with pytest.raises(ServiceFaultError, match=f"{GATES}/g1 could not be pushed"):
        machine(owner, tmp_path / "one").publish("g1", "a\n", "")
