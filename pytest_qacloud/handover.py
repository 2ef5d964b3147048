"""A zone as a file, so that one job can make it, a second use it, and a third take it down.

The file is a credential: it holds the lease's token and the administrator's keys, and only its owner may read it.
"""

from __future__ import annotations

import json
import os
import stat
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from .errors import ConfigError
from .model import Build, Endpoint, Lease, SystemVmTemplate, Zone

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 1


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
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"format": FORMAT, **asdict(handover)}, file, indent=1)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ConfigError(f"cannot be written: {error.strerror}", file=str(path)) from error


def read_handover(path: Path) -> Handover:
    """Read what `write_handover` wrote.

    Raises:
        ConfigError: not there, readable by others, or not such a file.
    """
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigError(f"others may read it, and it holds keys; run: chmod 600 {path}", file=str(path))
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.get("format") != FORMAT:
            raise ConfigError(f"is not a zone of this version of qacloud (format {FORMAT})", file=str(path))
        return Handover(
            pool_file=str(content["pool_file"]),
            lease=Lease(**content["lease"]),
            zone=_zone(content["zone"]),
            roles=_pairs(content["roles"]),
            begun=_pairs(content["begun"]),
        )
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {error.strerror}; make a zone with: qacloud zone up POOL -o {path}", file=str(path)
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError("is not a zone file that `qacloud zone up` wrote", file=str(path)) from error


def _pairs(pairs: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((first, second) for first, second in pairs)


def _zone(fields: dict[str, Any]) -> Zone:
    build = dict(fields["build"])
    template = build.pop("system_vm_template")
    return Zone(
        **{
            **fields,
            "endpoint": Endpoint(**fields["endpoint"]),
            "machines": tuple(fields["machines"]),
            "build": Build(**build, system_vm_template=SystemVmTemplate(**template) if template else None),
        }
    )
