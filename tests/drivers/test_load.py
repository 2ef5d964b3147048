from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_qacloud import drivers
from pytest_qacloud.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    drivers.load.cache_clear()
    yield
    drivers.load.cache_clear()


def distribution(folder: Path, name: str, *entries: str) -> None:
    """A distribution as pip leaves it, with entry points in our group."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("\n".join([f"[{drivers.GROUP}]", *entries]) + "\n")


def test_every_built_in_driver_can_be_loaded() -> None:
    names = {name: drivers.load(name).__name__ for name in ("cobbler", "ipmi", "puppet", "ssh", "nfs", "cloudstack")}
    assert names == {
        "cobbler": "CobblerServer",
        "ipmi": "IpmiBmc",
        "puppet": "PuppetCa",
        "ssh": "SshShell",
        "nfs": "NfsServer",
        "cloudstack": "CloudStackApi",
    }


def test_another_distributions_driver_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    distribution(tmp_path, "rackware", "redfish = collections:OrderedDict")
    monkeypatch.syspath_prepend(tmp_path)
    assert drivers.load("redfish").__name__ == "OrderedDict"


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"no driver 'impi'; installed: .*ipmi"):
        drivers.load("impi")


def test_a_name_that_two_claim_names_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    distribution(tmp_path, "rackware", "ipmi = rackware:Bmc")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError) as caught:
        drivers.load("ipmi")
    assert "rackware:Bmc of rackware" in str(caught.value)
    assert "pytest_qacloud.drivers.ipmi:IpmiBmc of pytest-qacloud" in str(caught.value)


@pytest.mark.parametrize("target", ["no_such_module:Bmc", "collections:NoSuchClass"])
def test_a_driver_that_cannot_be_imported_says_whose_it_is(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distribution(tmp_path, "rackware", f"broken = {target}")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match=f"'broken', {target} of rackware, cannot be imported"):
        drivers.load("broken")


def test_no_drivers_library_is_imported_before_it_is_needed() -> None:
    heavy = ("paramiko", "pyghmi", "requests", "xmlrpc.client", "cryptography")
    code = (
        "import sys, pytest_qacloud.drivers, pytest_qacloud.ports\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
