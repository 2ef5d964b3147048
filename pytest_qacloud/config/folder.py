"""A folder of pool files: finding one by its pool's name, and reading all of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConfigError
from ..model import Pool

if TYPE_CHECKING:
    from ..model import Machine
    from . import AnyPool

SUFFIX = ".toml"


@dataclass(frozen=True, slots=True)
class PoolEntry:
    """One file of a folder: its pool, or what is wrong with it.

    Args:
        name: the file's name without `.toml`, by which the pool is asked for.
    """

    name: str
    path: Path
    pool: AnyPool | None = None
    error: ConfigError | None = None


def find_pool(name: str, directory: Path) -> Path:
    """The file of the pool of that name; it is not read.

    Args:
        name: a name, looked for as `NAME.toml` in `directory`; or the path of a file that ends in `.toml`.

    Raises:
        ConfigError: there is no such file; the message has the names that come near.
    """
    if name.endswith(SUFFIX):
        path = Path(name).expanduser()
        if not path.is_file():
            raise ConfigError("there is no such pool file", file=name)
        return path
    if not re.fullmatch(r"[\w-][\w.-]*", name):
        raise ConfigError(f'"{name}" is no pool\'s name; a path to a pool file must end in {SUFFIX}')
    path = directory / f"{name}{SUFFIX}"
    if path.is_file():
        return path
    known = sorted(found.stem for found in directory.glob(f"*{SUFFIX}"))
    near = get_close_matches(name, known, 3, 0.5)
    if near:
        hint = f"did you mean {' or '.join(near)}?"
    elif known:
        hint = f"there are {', '.join(known)}"
    else:
        hint = "there are no pool files in it; name the right folder"
    raise ConfigError(f'no pool "{name}" in {directory}: {hint}')


def list_pools(directory: Path) -> list[PoolEntry]:
    """Every pool file of a folder, by name; a broken one comes with its error and hides no other.

    Two pools that share a name or a machine are errors of the later file: runs would touch each other's machines.

    Raises:
        ConfigError: there is no such folder.
    """
    if not directory.is_dir():
        raise ConfigError("there is no such folder of pool files", file=str(directory))
    return _unshared([_entry(path) for path in sorted(directory.glob(f"*{SUFFIX}"))])


def _entry(path: Path) -> PoolEntry:
    from .load import load_pool

    try:
        pool = load_pool(path)
    except ConfigError as error:
        return PoolEntry(path.stem, path, error=error)
    if pool.name != path.stem:
        message = (
            f'the pool is called "{pool.name}" in its file; rename the file or the pool, so that one name finds it'
        )
        return PoolEntry(path.stem, path, error=ConfigError(message, file=str(path), key="name"))
    return PoolEntry(path.stem, path, pool)


def _unshared(entries: list[PoolEntry]) -> list[PoolEntry]:
    """The entries; one that has a machine of an earlier one gets an error instead of its pool."""
    owners: dict[str, str] = {}
    checked = []
    for entry in entries:
        machines = entry.pool.machines if isinstance(entry.pool, Pool) else ()
        marks = {mark: machine.name for machine in machines for mark in _marks(machine)}
        shared = [f"{name} has {mark}, as {owners[mark]} has" for mark, name in marks.items() if mark in owners]
        if shared:
            message = f"{'; '.join(shared)}. A machine belongs to one pool, or two runs would use it at once"
            checked.append(replace(entry, pool=None, error=ConfigError(message, file=str(entry.path), key="machines")))
            continue
        owners |= {mark: f"{name} in {entry.path}" for mark, name in marks.items()}
        checked.append(entry)
    return checked


def _marks(machine: Machine) -> tuple[str, str]:
    """What tells a machine from every other, whatever the pool."""
    return f"the MAC {machine.mac}", f"the BMC {machine.bmc.address}:{machine.bmc.port}"
