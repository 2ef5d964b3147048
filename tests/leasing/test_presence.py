from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pytest_qacloud.errors import LeaseError
from pytest_qacloud.leasing.presence import STRAY_S, PresenceLocks

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "locks"


def age(path: Path) -> None:
    stat = path.stat()
    os.utime(path, (stat.st_atime, stat.st_mtime - STRAY_S - 1))


def test_a_held_lock_shows_its_owner_alive_to_all(folder: Path) -> None:
    mine, others = PresenceLocks(folder), PresenceLocks(folder)
    mine.hold("a")
    assert not mine.ended("a")
    assert not others.ended("a")
    mine.drop("a")


def test_folder_and_file_are_private(folder: Path) -> None:
    locks = PresenceLocks(folder)
    locks.hold("a")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "a.lock").stat().st_mode & 0o777 == 0o600
    locks.drop("a")


def test_a_dropped_lock_leaves_no_file_and_says_nothing(folder: Path) -> None:
    locks = PresenceLocks(folder)
    locks.hold("a")
    locks.drop("a")
    locks.drop("a")
    assert list(folder.iterdir()) == []
    assert not PresenceLocks(folder).ended("a")


def test_a_file_that_nobody_holds_shows_its_owner_dead_and_is_tidied(folder: Path) -> None:
    folder.mkdir()
    (folder / "a.lock").touch()
    locks = PresenceLocks(folder)
    assert locks.ended("a")
    assert (folder / "a.lock").exists()
    locks.tidy("a")
    assert list(folder.iterdir()) == []


def test_a_held_file_is_not_tidied(folder: Path) -> None:
    mine, others = PresenceLocks(folder), PresenceLocks(folder)
    mine.hold("a")
    others.tidy("a")
    mine.tidy("a")
    assert (folder / "a.lock").exists()
    mine.drop("a")


def test_only_old_files_that_nobody_holds_or_names_are_swept(folder: Path) -> None:
    folder.mkdir()
    for name in ("stray", "named", "young"):
        (folder / f"{name}.lock").touch()
    mine = PresenceLocks(folder)
    mine.hold("held")
    for name in ("stray", "named", "held"):
        age(folder / f"{name}.lock")
    PresenceLocks(folder).sweep(keep={"named"})
    assert {path.stem for path in folder.iterdir()} == {"named", "young", "held"}
    mine.drop("held")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "locks").write_text("in the way")
    with pytest.raises(LeaseError, match=r"cannot lock .*a\.lock"):
        PresenceLocks(tmp_path / "locks").hold("a")


def test_a_lock_that_cannot_be_looked_at_says_nothing(folder: Path) -> None:
    (folder / "a.lock").mkdir(parents=True)
    assert not PresenceLocks(folder).ended("a")
