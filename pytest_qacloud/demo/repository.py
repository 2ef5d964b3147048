"""The demo's git repository, its settings and its tests, made in a folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).parent
FIRST_AT = 1_700_000_000
"""When the first commit was made; an hour lies between two."""

STOP_DOES_NOTHING = '[[behaviour]]\ncommand = "stopVirtualMachine"\ndoes = "nothing"\n'
DETACH_FAILS = '[[behaviour]]\ncommand = "detachVolume"\ndoes = "fails"\ntext = "the volume is busy"\n'
SLOW_REBOOT = '[[behaviour]]\ncommand = "rebootVirtualMachine"\ndoes = "waits"\nseconds = 0.05\n'


@dataclass(frozen=True, slots=True)
class Change:
    """One commit on staging.

    Args:
        name: of its feature, and of its file in `features/`.
        behaviours: what it does to the management server, as the rack's builds have it; empty for a good change.
        changes: the feature whose file it changes, instead of adding its own: it does not apply without that one.
    """

    name: str
    subject: str
    author: str = "Ada"
    behaviours: str = ""
    changes: str = ""


DEMO = (
    Change("console-log", "Log who opens a console"),
    Change("quota-mail", "Mail when a quota is used up", "Grace"),
    Change("reboot-queue", "Queue reboots for each host", "Linus", SLOW_REBOOT),
    Change("usage-index", "Index usage records by account", "Margaret"),
    Change("graceful-stop", "Stop virtual machines gracefully, with a time limit", "Ken", STOP_DOES_NOTHING),
    Change("vpc-names", "Allow dots in names of VPCs"),
    Change("graceful-limit", "Read the limit of graceful stops from the settings", "Ken", changes="graceful-stop"),
    Change("template-hash", "Check templates with SHA-512", "Margaret"),
    Change("volume-lock", "Lock volumes while they are detached", "Grace", DETACH_FAILS),
    Change("event-ids", "Give events an id of their own", "Linus"),
    Change("dns-ttl", "Lower the time to live of guest names"),
    Change("iso-cache", "Cache ISO images on primary storage", "Margaret"),
)
"""Two culprits among twelve, and one that needs the first of them."""


@dataclass(frozen=True, slots=True)
class Planted:
    """What was made.

    Args:
        folder: with qacloud.toml and the tests; pytest and `qacloud gate` run here.
        repository: of the sources.
        commits: by the name of their change.
    """

    folder: Path
    repository: Path
    commits: dict[str, str]


def make(folder: Path, changes: Sequence[Change] = DEMO, *, parallel: int = 2, pool: str = "sim") -> Planted:
    """Make the repository with its branches `stable` and `staging`, and all that a gate of it needs.

    Args:
        folder: is made; must not be there, or be empty.

    Raises:
        ConfigError: it is there and not empty, or git cannot be run.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError("is not empty; name another folder", file=str(folder))
    sources = folder / "sources"
    (sources / "features").mkdir(parents=True)
    shutil.copy(HERE / "build_sources.py", sources / "build.py")
    (sources / "features" / "README").write_text("What each change does to the management server.\n", encoding="utf-8")
    git = _Git(sources)
    git("init", "--quiet", "--initial-branch=stable")
    git.commit("Begin", "Ada", 0)
    git("checkout", "--quiet", "-b", "staging")
    commits = {}
    for number, change in enumerate(changes, 1):
        path = sources / "features" / f"{change.changes or change.name}.toml"
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        path.write_text(f"{before}# {change.subject}\n{change.behaviours}", encoding="utf-8")
        commits[change.name] = git.commit(change.subject, change.author, number)
    git("checkout", "--quiet", "--detach")  # a branch that is checked out cannot be pushed to
    shutil.copytree(HERE / "suite", folder / "bvt", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (folder / "qacloud.toml").write_text(_settings(parallel, pool), encoding="utf-8")
    return Planted(folder, sources, commits)


def _settings(parallel: int, pool: str) -> str:
    return f"""pool = "{pool}"
sim_machines = 2

[gate]
repository = "./sources"
staging = "staging"
stable = "stable"
build = ["{sys.executable}", "build.py"]
suites = ["bvt/"]
parallel = {parallel}
"""


class _Git:
    """git as the demo's authors use it, whatever the user's own configuration says."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, *arguments: str, **env: str) -> str:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        argv = ["git", *arguments]
        try:
            done = subprocess.run(
                argv, cwd=self._folder, env=kept | alone | env, capture_output=True, text=True, check=False
            )
        except OSError as error:
            raise ConfigError(f"git cannot be run: {error.strerror}; install it") from error
        if done.returncode != 0:
            raise ConfigError(f"git {arguments[0]} failed: {done.stderr.strip()}", file=str(self._folder))
        return done.stdout.strip()

    def commit(self, subject: str, author: str, number: int) -> str:
        """Commit all there is; the commit's id, which is the same each time the demo is made."""
        who, address, at = author, f"{author.lower()}@example.org", f"@{FIRST_AT + 3600 * number} +0000"
        env = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER")
               for key, value in (("NAME", who), ("EMAIL", address), ("DATE", at))}  # fmt: skip
        self("add", "--all")
        self("commit", "--quiet", "--message", subject, **env)
        return self("rev-parse", "HEAD")
