"""The simulated rack as a subprocess: it starts, says where it is, and ends with whoever started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

import pytest

from pytest_qacloud import launcher
from pytest_qacloud.config import SimulatedPool, load_pool
from pytest_qacloud.errors import ProvisionError
from pytest_qacloud.launcher import Rack, classifier_argv, launch
from pytest_qacloud.model import Hypervisor, Pool

if TYPE_CHECKING:
    from pathlib import Path

LIMIT_S = 30.0


@pytest.fixture(autouse=True)
def _folders_of_racks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Racks keep their files in the test's own folder, also those that a child starts."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)


def test_a_rack_starts_as_the_pool_file_says_and_leaves_nothing(tmp_path: Path) -> None:
    log = tmp_path / "new" / "rack.log"
    rack = launch(SimulatedPool("sim7", machines=3, hypervisor=Hypervisor.XENSERVER), log)
    try:
        pool = load_pool(rack.ready())
        assert isinstance(pool, Pool)
        assert (pool.name, len(pool.machines), pool.hypervisor) == ("sim7", 3, Hypervisor.XENSERVER)
        assert rack.control.startswith("http://127.0.0.1:")
        assert rack.folder.stat().st_mode & 0o077 == 0
    finally:
        rack.stop()
        rack.stop()

    assert rack.process.returncode is not None
    assert not rack.folder.exists()
    assert log.exists()


def test_what_the_user_chose_goes_before_the_pool_file(tmp_path: Path) -> None:
    rack_file = tmp_path / "rack.toml"
    rack_file.write_text("")
    rack = launch(SimulatedPool("sim"), tmp_path / "log", machines=2, install_time_s=0.0, rack_file=rack_file)
    try:
        pool = load_pool(rack.ready())
        assert isinstance(pool, Pool)
        assert len(pool.machines) == 2
        arguments = rack.process.args
        assert isinstance(arguments, list)
        assert arguments[arguments.index("--install-time") + 1] == "0.0"
        assert arguments[arguments.index("--rack-file") + 1] == str(rack_file)
    finally:
        rack.stop()


def test_a_rack_that_does_not_start_is_said_with_its_last_words(tmp_path: Path) -> None:
    log = tmp_path / "rack.log"
    rack = launch(SimulatedPool("sim"), log, rack_file=tmp_path / "missing.toml")

    with pytest.raises(ProvisionError, match="missing") as raised:
        rack.ready()

    assert raised.value.action == f"Read {log}."
    assert rack.process.returncode not in (None, 0)
    assert not rack.folder.exists()


def odd_rack(folder: Path, program: str) -> Rack:
    """Another program in the place of the rack."""
    (folder / "rack").mkdir()
    log = folder / "rack.log"
    log.write_text("a line\nthe last line\n")
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,
    )
    return Rack(process, folder / "rack", log)


@pytest.mark.parametrize("said", ["", "what?", "[]", "{}", '{"pool_file": 1}'])
def test_a_rack_that_says_something_else_has_not_started(tmp_path: Path, said: str) -> None:
    rack = odd_rack(tmp_path, f"print({said!r})")

    with pytest.raises(ProvisionError, match=r"it did not start: a line \| the last line"):
        rack.ready()

    assert rack.process.returncode == 0


def test_a_rack_that_says_nothing_is_given_up_and_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "START_LIMIT_S", 0.2)
    monkeypatch.setattr(launcher, "STOP_LIMIT_S", 0.2)
    rack = odd_rack(tmp_path, "import time; time.sleep(600)")
    rack.log.write_text("")

    with pytest.raises(ProvisionError, match="it said nothing"):
        rack.ready()

    assert rack.process.returncode == -signal.SIGKILL


def test_a_rack_ends_with_whoever_started_it_however_that_ended(tmp_path: Path) -> None:
    program = f"""
import sys, time
from pathlib import Path
from pytest_qacloud.config import SimulatedPool
from pytest_qacloud.launcher import launch
rack = launch(SimulatedPool("sim"), Path({str(tmp_path / "rack.log")!r}))
rack.ready()
print(rack.process.pid, rack.folder, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        pid, folder = starter.stdout.readline().split()
        starter.kill()

    until_s = time.monotonic() + LIMIT_S
    while alive(int(pid)):
        assert time.monotonic() < until_s, "the rack still runs"
        time.sleep(0.02)
    settled_s = time.time() - launcher.SETTLED_S - 1
    os.utime(folder, (settled_s, settled_s))
    launch(SimulatedPool("sim"), tmp_path / "rack.log").stop()
    assert list(tmp_path.glob(f"{launcher.PREFIX}*")) == []


def test_the_folders_of_others_are_left_alone(tmp_path: Path) -> None:
    used = launch(SimulatedPool("sim"), tmp_path / "rack.log")
    young, link = tmp_path / f"{launcher.PREFIX}young", tmp_path / f"{launcher.PREFIX}link"
    young.mkdir()
    (tmp_path / "elsewhere").mkdir()
    link.symlink_to(tmp_path / "elsewhere")
    try:
        used.ready()
        settled_s = time.time() - launcher.SETTLED_S - 1
        os.utime(used.folder, (settled_s, settled_s))
        os.utime(link, (settled_s, settled_s), follow_symlinks=False)
        launch(SimulatedPool("sim"), tmp_path / "rack.log").stop()
        assert set(tmp_path.glob(f"{launcher.PREFIX}*")) == {used.folder, young, link}
        assert (tmp_path / "elsewhere").exists()
    finally:
        used.stop()


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be reaped does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:  # noqa: PTH123 -- gone between two looks
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_the_racks_puppet_calls_this_packages_classifier(tmp_path: Path) -> None:
    folder = tmp_path / "enc"
    folder.mkdir()
    (folder / "node1.sim.yaml").write_text("classes: {}\n")

    ended = subprocess.run(
        [*classifier_argv(tmp_path), "node1.sim"], capture_output=True, text=True, env={**os.environ}
    )

    assert ended.stdout == "classes: {}\n"
