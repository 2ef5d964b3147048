"""`qacloud rack up`: a rack in the foreground that ends as it is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from pytest_qacloud import cli
from pytest_qacloud.config import load_pool
from pytest_qacloud.model import Pool

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def rack_up(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """The command, and the lines with which it says that it is ready."""
    env = {**os.environ, "QACLOUD_STATE_DIR": str(folder), "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"}
    argv = [sys.executable, "-m", "pytest_qacloud", "rack", "up", "--machines", "2", *arguments]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None
        try:
            yield process, [process.stdout.readline().rstrip() for _ in range(4)]
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_names_its_pool_file_and_leaves_nothing_when_it_is_told_to_end(
    tmp_path: Path, number: signal.Signals
) -> None:
    with rack_up(tmp_path, "--name", "mine") as (process, lines):
        pool_file = Path(lines[0].removeprefix("pool file: "))
        pool = load_pool(pool_file)
        assert isinstance(pool, Pool)
        assert (pool.name, len(pool.machines)) == ("mine", 2)
        assert lines[2] == f"use it:    pytest --qacloud-pool={pool_file} bvt/"
        process.send_signal(number)
        out, err = process.communicate()

    assert (process.returncode, out, err) == (0, "stopped\n", "")
    assert not pool_file.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["racks"]


def test_a_rack_that_ends_by_itself_is_said_with_its_log(tmp_path: Path) -> None:
    with rack_up(tmp_path) as (process, lines):
        assert lines[0].startswith("pool file: ")
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii").split()
        for child in children:
            os.kill(int(child), signal.SIGKILL)
        _, err = process.communicate()

    assert process.returncode == 75
    assert "sim, step rack" in err
    assert f"Read {tmp_path / 'racks' / 'sim.log'}." in err
    assert "Traceback" not in err


def test_a_rack_that_cannot_start_is_said_with_why(tmp_path: Path) -> None:
    with rack_up(tmp_path, "--rack-file", str(tmp_path / "missing.toml")) as (process, lines):
        assert lines == [""] * 4
        _, err = process.communicate()

    assert process.returncode == 75
    assert "missing.toml" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "arguments", [["--machines", "1"], ["--hypervisor", "hyperv"], ["--install-time", "-1"], ["--machines", "many"]]
)
def test_what_no_rack_can_be_is_a_usage_error(arguments: list[str]) -> None:
    assert CliRunner().invoke(cli.command, ["rack", "up", *arguments]).exit_code == 2
