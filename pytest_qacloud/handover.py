"""A zone as a file, so that one job can make it, a second use it, and a third take it down.

The file is a credential: it holds the lease's token and the administrator's keys, and only its owner may read it.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from .errors import ConfigError
from .model import Build, Endpoint, Lease, SystemVmTemplate, Zone

T = TypeVar("T")

FORMAT = 1
NO_ZONE = "is not a zone file that `qacloud zone up` wrote"

TYPES: dict[Any, tuple[type, ...]] = {
    "str": (str,),
    "str | None": (str, type(None)),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "Mapping[str, Any]": (dict,),
}
"""What JSON has for the members of the values in the file, by their annotations; the others are values themselves."""


@dataclass(frozen=True, slots=True)
class Handover:
    """What the next job needs.

    Args:
        pool_file: the pool's, absolute.
        roles: (machine, role) of the zone, management first.
        begun: (machine, step) in the order in which they began, for the undoing.
    """

    pool_file: str
    lease: Lease
    zone: Zone
    roles: tuple[tuple[str, str], ...]
    begun: tuple[tuple[str, str], ...]


def write_handover(path: Path, handover: Handover) -> None:
    """Write the file whole or not at all, for its owner only.

    Raises:
        ConfigError: it cannot be written.
    """
    write_private(path, to_text(handover))


def to_text(handover: Handover) -> str:
    """The file's content, which is a credential."""
    return json.dumps({"format": FORMAT, **asdict(handover)}, indent=1)


def write_private(path: Path, content: str) -> None:
    """Write a file that holds secrets, whole or not at all, for its owner only.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        descriptor, part = tempfile.mkstemp(suffix=".part", prefix=f"{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            Path(part).replace(path)
        finally:
            Path(part).unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", file=str(path)) from error


def writable(path: Path) -> None:
    """Say before something long is begun, not after it, that a file could not be written.

    Raises:
        ConfigError: there is no such folder, or nothing can be written in it.
    """
    folder = path.absolute().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError("there is no such folder, or nothing can be written in it", file=str(folder))


def read_handover(path: Path) -> Handover:
    """Read what `write_handover` wrote.

    Raises:
        ConfigError: not there, readable by others, or not such a file.
    """
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigError(f"others may read it, and it holds keys; run: chmod 600 {path}", file=str(path))
        return from_text(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {error.strerror}; make a zone with: qacloud zone up POOL -o {path}", file=str(path)
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(NO_ZONE, file=str(path)) from error


def from_text(text: str, file: str) -> Handover:
    """Read what `to_text` wrote.

    Args:
        file: where it was found, for the message.

    Raises:
        ConfigError: not such a text.
    """
    try:
        content = json.loads(text)
        if content.get("format") != FORMAT:
            raise ConfigError(f"is not a zone of this version of qacloud (format {FORMAT})", file=file)
        return Handover(
            pool_file=_text(content["pool_file"]),
            lease=_made(Lease, content["lease"]),
            zone=_zone(content["zone"]),
            roles=_pairs(content["roles"]),
            begun=_pairs(content["begun"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigError(NO_ZONE, file=file) from error


def _made(cls: type[T], members: dict[str, Any]) -> T:
    """A dataclass's value from JSON; `TypeError` for members that are missing, unknown or of another type."""
    made = cls(**members)
    for field in fields(cls):  # type: ignore[arg-type]  # all that are made here are dataclasses
        if not isinstance(getattr(made, field.name), TYPES.get(field.type, object)):
            raise TypeError(field.name)
    return made


def _pairs(pairs: object) -> tuple[tuple[str, str], ...]:
    return tuple((_text(first), _text(second)) for first, second in map(_list, _list(pairs)))


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(value)
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _count(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(value)
    return value


def _zone(members: dict[str, Any]) -> Zone:
    template = members["build"]["system_vm_template"]
    build = {**members["build"], "system_vm_template": _made(SystemVmTemplate, template) if template else None}
    whole = {
        **members,
        "endpoint": _made(Endpoint, members["endpoint"]),
        "machines": tuple(map(_text, _list(members["machines"]))),
        "build": _made(Build, build),
        "further": tuple((_text(zone_id), _count(hosts)) for zone_id, hosts in map(_list, _list(members["further"]))),
    }
    return _made(Zone, whole)
