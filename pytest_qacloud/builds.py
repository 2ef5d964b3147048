"""The build that a run tests: made of a commit, where `[gate]` of qacloud.toml says how.

Commits come from the gate's repository, and are built before any pool is leased. What was built of a tree before is
taken again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from .gate.builder import WorktreeBuilder
    from .gate.repo import Repository
    from .gate.staging import Staging
    from .model import Build, GateSettings


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where commits come from and builds are made."""

    settings: GateSettings
    repository: Repository
    staging: Staging
    builder: WorktreeBuilder


def workshop(settings: GateSettings, stop: Callable[[], None] = lambda: None) -> Workshop:
    """What the settings describe.

    Args:
        stop: raises when git or a build shall end.
    """
    from .drivers.process import LocalPrograms
    from .gate.builder import WorktreeBuilder
    from .gate.repo import Repository
    from .gate.staging import Staging
    from .paths import cache_dir, state_dir

    source = settings.repository
    if source.startswith((".", "~")) and settings.path:
        source = str((Path(settings.path).absolute().parent / Path(source).expanduser()).resolve())
    repository = Repository(source, state_dir() / "mirrors", stop)
    builder = WorktreeBuilder(repository, LocalPrograms(), settings, cache_dir() / "builds", stop)
    return Workshop(settings, repository, Staging(repository), builder)


def prepare(text: str, settings: GateSettings, stack: ExitStack, stop: Callable[[], None]) -> Build:
    """Build a commit, and have its packages served as long as the stack is open.

    Args:
        text: a branch, a tag or a commit of the gate's repository.

    Raises:
        ConfigError: there is no such commit.
        BuildError: it does not build.
        DriverError: the repository, or that of the packages, does not answer.
    """
    from .model import Build
    from .packageserver import serve

    shop, began_s = workshop(settings, stop), time.monotonic()
    commit = shop.repository.resolve(text)
    tree = shop.staging.tree(commit)
    result = shop.builder.build(commit, tree)
    if not result.good:
        action = f"Mend the commit, or the build command in [gate] of {settings.path}."
        raise BuildError(commit[:12], "build", result.observed, time.monotonic() - began_s, action, of_pool=True)
    url = shop.builder.packages(commit, tree)
    if not url:
        url = stack.enter_context(serve(shop.builder.make(commit, tree).output, settings.listen))
    return Build(name=text, commit=commit, repository=url)
