"""Pools of kind `process` for tests: a git repository whose commits are stand-in management servers."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gitlab import GitLab

if TYPE_CHECKING:
    from collections.abc import Sequence

HELPERS = Path(__file__).parent
PACKAGE = HELPERS.parent.parent

BUILD = """
import pathlib, sys
print("building", sys.argv[1])
value = pathlib.Path("delay").read_text()
if value == "broken":
    print("delay: this is no number")
    sys.exit(3)
pathlib.Path(sys.argv[1], "built").write_text(value)
"""

SERVER = """
import pathlib, runpy, subprocess, sys
work, port = sys.argv[1:]
delay = pathlib.Path(work, "built").read_text()
if delay == "42":  # this commit's server has a child
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
sys.argv[1:] = [port, delay]
runpy.run_module("standin_server", run_name="__main__")
"""

SUITE = """
from marvin.cloudstackTestCase import cloudstackTestCase
from marvin.cloudstackAPI import listConfigurations, listHosts


class TestBuild(cloudstackTestCase):
    def test_what_runs_is_what_was_built(self):
        client = self.testClient.getApiClient()
        cmd = listConfigurations.listConfigurationsCmd()
        cmd.name = "expunge.delay"
        (found,) = client.listConfigurations(cmd)
        cmd = listHosts.listHostsCmd()
        cmd.type = "Routing"
        self.assertEqual({host.hypervisor for host in client.listHosts(cmd)}, {"Simulator"})
        self.assertEqual(found.value, "%s")
"""

Argv = tuple[str, ...]


def suite(delay_s: int) -> str:
    """A suite that passes on the commit with that value."""
    return SUITE % delay_s


class ProcessLab:
    """Its `main` sets 17, its `feature` 42, its `broken` does not build."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = GitLab(folder / "cloudstack")
        self.repository.commit(build__py=BUILD, server__py=SERVER, delay="17")
        self.repository.git("checkout", "-q", "-b", "feature")
        self.feature = self.repository.commit(delay="42")
        self.repository.git("checkout", "-q", "-b", "broken")
        self.repository.commit(delay="broken")
        self.repository.git("checkout", "-q", "main")
        self.password = folder / "password"
        self.password.write_text("password\n", encoding="utf-8")
        self.password.chmod(0o600)

    def pool(self, name: str = "local", *, top: str = "", **tables: dict[str, Any] | None) -> Path:
        """A pool file; `build=…` and so on replace tables of it, `None` leaves one out.

        Args:
            top: keys of [process] itself, as TOML.
        """
        python = sys.executable
        commands: dict[str, dict[str, Any] | None] = {
            "build": {"argv": [python, "build.py", "{work}"], "limit_s": 60},
            "start": {"argv": [python, "server.py", "{work}", "{port.api}"]},
            "ready": {"url": "http://127.0.0.1:{port.api}/client/", "limit_s": 60},
            "env": {"PYTHONPATH": f"{PACKAGE}:{HELPERS}", "PYTHONUNBUFFERED": "1"},
            **tables,
        }
        text = f"""
name = "{name}"
lease.store = "sqlite:///{self.folder / "leases.db"}"
poll = {{ management_s = 0.1, job_s = 0.05, healthy_s = 0.05 }}
[management]
user = "admin"
password = {{ file = "{self.password}" }}
[process]
repository = "{self.repository.folder}"
{top}
"""
        for table, keys in commands.items():
            if keys is not None:
                rows = "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
                text += f"[process.{table}]\n{rows}"
        path = self.folder / f"{name}.toml"
        path.write_text(text, encoding="utf-8")
        return path

    def records(self) -> list[dict[str, Any]]:
        """What is written down of runs that have something on this machine, wherever they keep their state."""
        found = []
        for file in self.folder.glob("**/processes/*/*/run.json"):
            with suppress(ValueError, FileNotFoundError):
                found.append(json.loads(file.read_text(encoding="utf-8")))
        return found

    def processes(self) -> list[int]:
        """Everything that lives with this lab's folder in its environment or command line, but ourselves."""
        numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        return [pid for pid in numbers if self._is_ours(pid)]

    def close(self) -> None:
        """Kill what a test left behind."""
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _is_ours(self, pid: int) -> bool:
        needle = str(self.folder).encode()
        try:
            said = Path(f"/proc/{pid}/environ").read_bytes() + Path(f"/proc/{pid}/cmdline").read_bytes()
            cwd = str(Path(f"/proc/{pid}/cwd").readlink()).encode()
        except OSError:
            return False
        return pid != os.getpid() and (needle in said or needle in cwd)


def command(code: str, *arguments: str) -> Sequence[str]:
    """A Python program as a command."""
    return [sys.executable, "-c", code, *arguments]
