"""Whole runs, as a user starts them: pytest in a process of its own, on a rack in another."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rackclient import Rack

LIMIT_S = 90.0

SMALL_SUITE = """
from marvin.cloudstackTestCase import cloudstackTestCase
from marvin.cloudstackAPI import listZones


class TestSmall(cloudstackTestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = cls.testClient.getApiClient()

    def test_zone_is_enabled(self):
        zones = self.client.listZones(listZones.listZonesCmd())
        self.assertEqual([zone.allocationstate for zone in zones], ["Enabled"])
"""


@dataclass(frozen=True)
class Ended:
    """A run that has ended."""

    code: int
    output: str
    folder: Path

    @property
    def journal(self) -> list[dict[str, Any]]:
        """The events of its journal."""
        return journal_of(self.folder)

    def steps(self, phase: str) -> list[tuple[str, str]]:
        """(machine, step) of the journal's events of one phase."""
        return [(event.get("machine", ""), event["step"]) for event in self.journal if event["phase"] == phase]

    @property
    def verdicts(self) -> list[dict[str, Any]]:
        """The verdicts that it wrote."""
        files = list((self.folder / "runs").glob("*/verdicts.jsonl"))
        return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def journal_of(folder: Path) -> list[dict[str, Any]]:
    """All events of the journals below a folder of runs; a line that a kill cut short is left out."""
    events = []
    for file in sorted((folder / "runs").rglob("journal.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            try:
                events.append(json.loads(line))
            except ValueError:
                continue
    return events


def environment(folder: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a run that keeps its state below `folder`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("QACLOUD_", "PYTEST_"))}
    return {**kept, "QACLOUD_STATE_DIR": str(folder / "state"), "COLUMNS": "200", **(extra or {})}


def argv_of(folder: Path, pool: Path | str, *arguments: str, suite: str = SMALL_SUITE) -> list[str]:
    """The command of a run of one small suite; its files are made."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "test_small.py").write_text(suite, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", "-ra"]
    argv += [f"--rootdir={folder}", "-c", str(folder / "pytest.ini"), str(folder / "test_small.py")]
    return [*argv, f"--qacloud-pool={pool}", f"--qacloud-runs-dir={folder / 'runs'}", *arguments]


def run(folder: Path, pool: Path | str, *arguments: str, suite: str = SMALL_SUITE, **env: str) -> Ended:
    """Run a small suite to its end."""
    ended = subprocess.run(
        argv_of(folder, pool, *arguments, suite=suite),
        cwd=folder,
        env=environment(folder, env),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=LIMIT_S,
    )
    return Ended(ended.returncode, ended.stdout, folder)


def pool_file(rack: Rack, folder: Path, **limits_s: float) -> Path:
    """The rack's pool file with other time limits, such as `installed_s=2`."""
    text = rack.pool_file.read_text(encoding="utf-8")
    for name, limit_s in limits_s.items():
        text, found = re.subn(rf"(?m)^{name} = [0-9.]+$", f"{name} = {limit_s}", text, count=1)
        assert found, f"the rack's pool file sets no {name}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "limited.toml"
    path.write_text(text, encoding="utf-8")
    return path


def without_spare(path: Path) -> Path:
    """The pool file without the machine that could step in."""
    text = path.read_text(encoding="utf-8")
    head, *machines = text.split("[[machines]]")
    kept = [machine for machine in machines if 'role = "spare"' not in machine]
    assert len(kept) < len(machines)
    path.write_text("[[machines]]".join([head, *kept]), encoding="utf-8")
    return path
