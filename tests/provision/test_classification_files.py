"""What the node classifier reads: whole files, and nothing outside the folder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import yaml
from fakes import plan_of, rack1

from pytest_qacloud.enc import read_classification
from pytest_qacloud.errors import ConfigError, ServiceFaultError
from pytest_qacloud.provision.enc import remove_classification, write_classification
from pytest_qacloud.provision.plan import classification

if TYPE_CHECKING:
    from pathlib import Path

PLAN = plan_of(rack1()).machines[1]


def test_what_is_written_is_read_until_it_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there"

    write_classification(folder, PLAN)
    write_classification(folder, PLAN)

    assert yaml.safe_load(read_classification(str(folder), PLAN.hostname)) == classification(PLAN)
    assert [path.name for path in folder.iterdir()] == [f"{PLAN.hostname}.yaml"]
    remove_classification(folder, PLAN.hostname)
    remove_classification(folder, PLAN.hostname)
    with pytest.raises(ConfigError, match=PLAN.hostname):
        read_classification(str(folder), PLAN.hostname)


@pytest.mark.parametrize("name", ["../secret", "a/b", "", ".", "..", "a..b", "UPPER", "x\n", "x" * 300, "x.", "-x"])
def test_a_name_that_is_no_certname_does_not_reach_the_disk(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.yaml").write_text("sesame")
    folder = tmp_path / "enc"
    folder.mkdir()

    with pytest.raises(ConfigError, match="is not a Puppet certname"):
        read_classification(str(folder), name)


def test_a_folder_that_cannot_be_used_is_said_with_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "enc"
    folder.write_text("a file")

    with pytest.raises(ServiceFaultError, match=r"cannot be written: .*enc_dir"):
        write_classification(folder, PLAN)
    with pytest.raises(ServiceFaultError, match=r"cannot be written: .*enc_dir"):
        remove_classification(folder, PLAN.hostname)
    with pytest.raises(ConfigError, match="cannot read"):
        read_classification(str(folder), PLAN.hostname)


def test_a_write_that_breaks_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    write_classification(tmp_path, PLAN)
    (tmp_path / f"{PLAN.hostname}.{os.getpid()}.part").symlink_to("/dev/full")

    with pytest.raises(ServiceFaultError, match="No space left"):
        write_classification(tmp_path, PLAN)

    assert [path.name for path in tmp_path.iterdir()] == [f"{PLAN.hostname}.yaml"]
    assert yaml.safe_load(read_classification(str(tmp_path), PLAN.hostname)) == classification(PLAN)
