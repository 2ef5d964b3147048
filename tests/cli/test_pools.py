from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_qacloud.cli import main
from pytest_qacloud.leasing import SqlLeaseStore
from pytest_qacloud.model import Mark

if TYPE_CHECKING:
    from rackclient import Rack

POOLS = Path(__file__).parents[2] / "pools"


class Shown:
    """What a command printed, and how it ended."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *arguments: str) -> None:
        with pytest.raises(SystemExit) as ended:
            main(["pools", *arguments])
        self.code = ended.value.code
        self.out, self.err = capsys.readouterr()

    @property
    def data(self) -> Any:
        return json.loads(self.out)

    def row(self, *cells: str) -> str:
        """The line of a table that has all these words."""
        (line,) = [line for line in self.out.splitlines() if all(cell in line for cell in cells)]
        return line


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the example, a simulated pool and a broken file."""
    for name in ("rack1.toml", "sim.toml"):
        (tmp_path / name).write_bytes((POOLS / name).read_bytes())
    text = (POOLS / "sim.toml").read_text(encoding="utf-8").replace('name = "sim"', 'name = "worn"')
    (tmp_path / "worn.toml").write_text(text.replace("machines", "machnes", 1), encoding="utf-8")
    return tmp_path


def test_list_shows_each_pool(capsys: pytest.CaptureFixture[str]) -> None:
    shown = Shown(capsys, "list", "--pools-dir", str(POOLS))
    assert shown.code == 0
    assert "1 management, 4 hypervisor, 1 spare" in shown.row("rack1", "kvm nightly")
    assert "4 simulated" in shown.row("sim ")


def test_list_marks_a_broken_file_and_shows_the_others(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = Shown(capsys, "list", "--pools-dir", str(folder))
    assert shown.code == 4
    assert shown.row("worn", "broken")
    assert shown.row("rack1", "1 management")
    assert f'{folder}/worn.toml:7: simulated.machnes: unknown key; did you mean "machines"?' in shown.err


def test_list_is_json_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = Shown(capsys, "list", "--json", "--pools-dir", str(folder))
    assert shown.code == 4
    rack1, sim, worn = shown.data
    assert rack1["pool"]["machines"][0]["name"] == "node1"
    assert sim["pool"]["simulated"] == {"machines": 4, "hypervisor": "kvm", "install_time_s": 0.3}
    assert (worn["ok"], "pool" in worn) == (False, False)
    assert "machnes" in worn["error"]


def test_the_folder_may_come_from_the_environment_or_the_settings_file(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    here = tmp_path_factory.mktemp("here")
    monkeypatch.chdir(here)
    monkeypatch.delenv("QACLOUD_POOLS_DIR", raising=False)
    assert Shown(capsys, "list").err == f"qacloud: {here}/pools: there is no such folder of pool files\n"
    (here / "qacloud.toml").write_text(f'pools_dir = "{folder}"', encoding="utf-8")
    assert "worn" in Shown(capsys, "list").out
    monkeypatch.setenv("QACLOUD_POOLS_DIR", str(POOLS))
    assert "worn" not in Shown(capsys, "list").out


def test_show_prints_everything_and_the_places_of_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    shown = Shown(capsys, "show", "rack1", "--pools-dir", str(POOLS))
    assert shown.code == 0
    assert shown.row("cobbler.password", "{env = RACK1_COBBLER_PASSWORD}")
    assert shown.row("network.management.system_vms", "10.1.0.100-10.1.0.149")
    assert shown.row("storage.primary", "{name = primary1, path = /export/rack1/primary1}")
    assert shown.row("node6", "spare", "52:54:00:aa:01:06", "10.1.0.15", "10.1.9.15:623", "{env = RACK1_BMC_PASSWORD}")


def test_show_prints_no_secret(rack: Rack, capsys: pytest.CaptureFixture[str]) -> None:
    secrets = [path.read_text(encoding="utf-8").strip() for path in (rack.folder / "secrets").iterdir()]
    printed = Shown(capsys, "show", str(rack.pool_file)).out + Shown(capsys, "show", "--json", str(rack.pool_file)).out
    assert secrets
    assert not [secret for secret in secrets if secret in printed]


def test_show_of_a_simulated_pool_has_no_machines(capsys: pytest.CaptureFixture[str]) -> None:
    shown = Shown(capsys, "show", "sim", "--pools-dir", str(POOLS))
    assert shown.row("simulated.machines", "4")
    assert "mac" not in shown.out.replace("machines", "").replace("machine", "")


def test_show_of_an_unknown_pool_names_the_nearest() -> None:
    environment = {**os.environ, "QACLOUD_POOLS_DIR": str(POOLS)}
    argv = [sys.executable, "-m", "pytest_qacloud", "pools", "show", "rakc1"]
    ended = subprocess.run(argv, capture_output=True, text=True, env=environment)
    assert (ended.returncode, ended.stdout) == (4, "")
    assert ended.stderr == f'qacloud: no pool "rakc1" in {POOLS}: did you mean rack1?\n'


def test_check_of_a_pool_that_is_well_ends_with_0(rack: Rack, capsys: pytest.CaptureFixture[str]) -> None:
    shown = Shown(capsys, "check", str(rack.pool_file))
    assert shown.code == 0
    assert len(re.findall(r"node\d .* ok .* power is (?:on|off)", shown.out)) == 4
    assert "FAILED" not in shown.out


def test_check_reports_all_that_is_wrong_and_ends_with_75(
    rack: Rack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rack.set_fault("bmc_refuses", "node3")
    rack.set_fault("puppet_ca_down")
    text = rack.pool_file.read_text(encoding="utf-8")
    changed = tmp_path / "changed.toml"
    changed.write_text(text.replace('hypervisor = "debian12', 'hypervisor = "debian99'), encoding="utf-8")
    shown = Shown(capsys, "check", str(changed))
    assert shown.code == 75
    assert "bmc.password" in shown.row("node3", "bmc", "FAILED", "refused the login")
    assert shown.row("Puppet CA", "FAILED")
    assert "it has no profile debian99" in shown.row("profile debian99", "FAILED", "node2, node3, node4")
    assert all(" ok " in shown.row(name, "bmc") for name in ("node1", "node2", "node4"))
    assert not [line for line in shown.err.splitlines() if "Traceback" in line]


def test_check_with_an_unreachable_cobbler_still_asks_the_others(
    rack: Rack, capsys: pytest.CaptureFixture[str]
) -> None:
    rack.set_fault("cobbler_down")
    shown = Shown(capsys, "check", "--json", str(rack.pool_file))
    assert shown.code == 75
    (results,) = shown.data.values()
    assert [(result["subject"], result["check"]) for result in results if not result["ok"]] == [("Cobbler", "login")]
    assert len(results) > 10


def test_check_of_all_pools_ends_with_4_for_a_broken_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "rack1.toml").unlink()
    shown = Shown(capsys, "check", "--pools-dir", str(folder))
    assert shown.code == 4
    assert "sim: simulated; its file is right" in shown.out
    assert "machnes" in shown.err


def test_check_of_several_goes_on_after_one_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    shown = Shown(capsys, "check", "rock", "sim", "--pools-dir", str(POOLS))
    assert shown.code == 4
    assert "sim: simulated" in shown.out
    assert "did you mean rack1?" in shown.err


def test_marks_are_shown_and_wiped(rack: Rack, capsys: pytest.CaptureFixture[str]) -> None:
    pool = rack.pool()
    store = SqlLeaseStore(pool.lease.store)
    store.mark(Mark(pool.name, "node3", "installed", "the chassis is off", 7, 1.7e9))
    store.mark(Mark(pool.name, "node2", "ipmi", "silent", 8, 1.7e9))

    shown = Shown(capsys, "marks", str(rack.pool_file))
    assert "the chassis is off" in shown.row("node3", "installed", "7")

    wiped = Shown(capsys, "marks", str(rack.pool_file), "--wipe", "node3", "--json")
    assert [mark["machine"] for mark in wiped.data] == ["node2"]
    assert [mark.machine for mark in store.marks(pool.name)] == ["node2"]

    unknown = Shown(capsys, "marks", str(rack.pool_file), "--wipe", "node3")
    assert unknown.code == 4
    assert "node3 of sim is not marked; marked: node2" in unknown.err
    assert "no machine of sim is marked" in Shown(capsys, "marks", str(rack.pool_file), "--wipe", "node2").out


def test_a_simulated_pool_has_no_marks_yet(capsys: pytest.CaptureFixture[str]) -> None:
    assert Shown(capsys, "marks", "sim", "--pools-dir", str(POOLS)).code == 4
