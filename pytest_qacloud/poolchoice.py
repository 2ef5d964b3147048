"""Which pools a user means: names, paths, `any`, `any:TAG`, `sim`."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .config import SimulatedPool, find_pool, list_pools, load_pool
from .errors import ConfigError
from .model import Pool

if TYPE_CHECKING:
    from pathlib import Path

    from .config import AnyPool
    from .model import ProcessPool

log = logging.getLogger(__name__)

ANY = "any"
SIM = "sim"


@dataclass(frozen=True, slots=True)
class Several:
    """Pools for several runs: one kind, the other is empty.

    Args:
        simulated: one for each run.
        real: any of them will do for any run; there may be more than runs.
    """

    simulated: list[SimulatedPool]
    real: list[Pool | ProcessPool]


def choose(text: str, folder: Path) -> list[AnyPool]:
    """The pools of an option's text for one run, in its order; any one of them will do.

    Args:
        text: names, or paths of pool files, with commas between them; `any` and `any:TAG` are all pools of machines of
            the folder, and `sim` is there even where no file says so.
        folder: of the pool files.

    Raises:
        ConfigError: a file is wrong, there is no such pool, or a simulated one is not alone.
    """
    found = _found(text, folder)
    if len(found) > 1 and any(isinstance(pool, SimulatedPool) for pool in found):
        raise ConfigError(f"{text}: a simulated pool is made for one run, so name it alone; with -n, one for a worker")
    return found


def choose_several(text: str, folder: Path, count: int) -> Several:
    """The pools of an option's text for so many runs at once.

    Raises:
        ConfigError: a file is wrong, there is no such pool, there are fewer than `count`, two have one name, or
            simulated and real ones are mixed.
    """
    found = list({(pool.name, pool.path): pool for pool in _found(text, folder)}.values())
    names = [pool.name for pool in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"{text}: there are two pools called {twice}; name one of them")
    if len(found) < count:
        listed = f" ({', '.join(names)})" if names else ""
        raise ConfigError(
            f"there are {count} workers, and each needs a pool of its own, but --qacloud-pool={text} names"
            f" {len(found)}{listed}: name {count} pools, or ask for fewer workers with -n"
        )
    simulated = [pool for pool in found if isinstance(pool, SimulatedPool)]
    if simulated and len(simulated) < len(found):
        raise ConfigError(f"{text}: simulated pools are made for a run, and real ones are there; name one kind")
    return Several(simulated[:count], [] if simulated else [real(pool) for pool in found])


def _found(text: str, folder: Path) -> list[AnyPool]:
    found: list[AnyPool] = []
    for name in filter(None, (part.strip() for part in text.split(","))):
        if name.partition(":")[0] == ANY:
            found += _any_pool(folder, name.partition(":")[2])
        elif name == SIM and not (folder / f"{SIM}.toml").exists():
            found.append(SimulatedPool(SIM))
        else:
            found.append(load_pool(find_pool(name, folder)))
    return found


def real(pool: AnyPool) -> Pool | ProcessPool:
    """A pool that can be leased.

    Raises:
        ConfigError: it is only simulated.
    """
    if isinstance(pool, SimulatedPool):
        raise ConfigError(
            "is a simulated pool; start it with `qacloud rack up` and use the pool file it names", file=pool.path
        )
    return pool


def _any_pool(folder: Path, tag: str) -> list[Pool]:
    """All pools of machines of the folder, with the tag if one is asked for; broken files are left out and logged."""
    found: list[Pool] = []
    for entry in list_pools(folder):
        if entry.error is not None:
            log.warning("left out: %s", entry.error)
        elif isinstance(entry.pool, Pool) and (not tag or tag in entry.pool.tags):
            found.append(entry.pool)
    if not found:
        raise ConfigError(f"no real pool{f' with the tag {tag}' if tag else ''} in this folder", file=str(folder))
    return found
