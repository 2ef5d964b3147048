"""What fulfils the ports of `ports.py`: one module for each kind of service.

Drivers are entry points of the group `pytest_qacloud.drivers`, the built-in ones too, so another distribution can add
its own. They are imported when first asked for: their libraries are slow to import, and `pytest --help` needs none.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from ..errors import ConfigError

GROUP = "pytest_qacloud.drivers"


@cache
def load(name: str) -> Any:
    """The class that the driver's entry point names, such as `load("ipmi")`; imported when first asked for.

    Raises:
        ConfigError: no driver of that name, more than one, or one that cannot be imported.
    """
    found = list(dict.fromkeys(entry_points(group=GROUP, name=name)))
    if not found:
        known = ", ".join(sorted({point.name for point in entry_points(group=GROUP)})) or "none at all"
        raise ConfigError(
            f"there is no driver {name!r}; installed: {known}. If that looks wrong, install this package again: "
            f"entry points are read from its metadata"
        )
    if len(found) > 1:
        raise ConfigError(
            f"two drivers are called {name!r}: {' and '.join(map(_origin, found))}; uninstall one, "
            f"or have its author give it another name"
        )
    (point,) = found
    try:
        return point.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"the driver {name!r}, {_origin(point)}, cannot be imported: {error}") from error


def _origin(point: EntryPoint) -> str:
    distribution = point.dist.name if point.dist else "an unnamed distribution"
    return f"{point.value} of {distribution}"


__all__ = ["GROUP", "load"]
