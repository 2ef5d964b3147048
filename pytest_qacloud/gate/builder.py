"""Builds of commits: the build command in a clean work tree, once for each tree.

What is made of a tree by a command is kept under both, so every commit with that tree has it. A build that was cut
short by the death of its process leaves no result, and is begun anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from ..errors import ServiceFaultError, UnreachableError
from .commands import complete, tail
from .parts import BuildResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ..model import GateSettings
    from ..ports_process import Programs, Sources

RESULT, OUTPUT, LOG = "result.json", "output", "build.log"
LOOK_S = 0.5


@dataclass(frozen=True, slots=True)
class Made:
    """What is kept of one tree's build.

    Args:
        output: the folder that the command filled.
        log: what it printed.
    """

    result: BuildResult
    output: Path
    log: Path


class WorktreeBuilder:
    """Builds commits of one repository; fulfils `parts.Builder`.

    Args:
        folder: where builds are kept; one that is removed is built again.
        stop: raises when the build shall end.
    """

    def __init__(
        self,
        sources: Sources,
        programs: Programs,
        settings: GateSettings,
        folder: Path,
        stop: Callable[[], None] = lambda: None,
    ) -> None:
        self._sources, self._programs, self._settings = sources, programs, settings
        self._folder, self._stop = folder, stop

    def build(self, commit: str, tree: str, *, again: bool = False) -> BuildResult:
        """Build a commit, or take what was built of the same tree before.

        Raises:
            ServiceFaultError: it could not be tried.
            UnreachableError: the repository of packages does not have it.
        """
        if not self._settings.build:
            url = self.packages(commit, tree)
            why = self._programs.answering(url)
            if why is not None:
                raise UnreachableError("package repository", f"{url} {why}", "build the commit, and then resume")
            return BuildResult(good=True)
        return self.make(commit, tree, again=again).result

    def packages(self, commit: str, tree: str) -> str:
        """The URL of a build's package repository, where the settings have one; else empty."""
        template = self._settings.packages or ""
        return template.replace("{commit}", commit).replace("{tree}", tree)

    def make(self, commit: str, tree: str, *, again: bool = False) -> Made:
        """Build with the command.

        Raises:
            ServiceFaultError: it could not be tried.
        """
        command = json.dumps(self._settings.build)
        place = self._folder / hashlib.sha256(f"{tree}\n{command}".encode()).hexdigest()[:32]
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._locked(place):
            if again:
                (place / RESULT).unlink(missing_ok=True)
            kept = _read(place / RESULT)
            if kept is None:
                kept = self._run(commit, place)
            return Made(kept, place / OUTPUT, place / LOG)

    def _run(self, commit: str, place: Path) -> BuildResult:
        settings, name = self._settings, f"build-{secrets.token_hex(4)}"
        for left in (place / OUTPUT, place / LOG):
            if left.is_dir():
                shutil.rmtree(left)
            left.unlink(missing_ok=True)
        (place / OUTPUT).mkdir()
        worktree = self._sources.worktree(commit, name)
        try:
            status = complete(
                self._programs,
                settings.build,
                env={"QACLOUD_COMMIT": commit, "QACLOUD_OUTPUT": str(place / OUTPUT)},
                folder=worktree,
                output=place / LOG,
                limit_s=settings.build_limit_s,
                stop=self._stop,
            )
        finally:
            self._sources.remove_worktree(name)
        if status in (126, 127):  # as shells have it: no such program, or one that cannot be run
            raise ServiceFaultError(
                "build command", tail(place / LOG) or f"{settings.build[0]} cannot be run", f"mend {settings.path}"
            )
        how = f"ended with {status}" if status is not None else f"did not end within {settings.build_limit_s:g} s"
        observed = "" if status == 0 else f"{' '.join(settings.build)} {how}: {tail(place / LOG)}"
        result = BuildResult(status == 0, observed)
        _write(place / RESULT, result)
        return result

    @contextmanager
    def _locked(self, place: Path) -> Iterator[None]:
        """Hold one tree's build; another process may be at the same."""
        lock = FileLock(place / "lock")
        while not lock.is_locked:
            self._stop()
            with suppress(Timeout):
                lock.acquire(timeout=LOOK_S)
        try:
            yield
        finally:
            lock.release()


def _read(path: Path) -> BuildResult | None:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return BuildResult(bool(kept["good"]), str(kept["observed"]))
    except (OSError, ValueError, KeyError):
        return None


def _write(path: Path, result: BuildResult) -> None:
    """Whole or not at all."""
    draft = path.with_suffix(".new")
    with draft.open("w", encoding="utf-8") as file:
        json.dump({"good": result.good, "observed": result.observed}, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
