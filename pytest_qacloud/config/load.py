"""From TOML to a pool, or to one error that lists all that is wrong with the file."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from ..errors import ConfigError
from . import checks
from .problems import Problem, as_error, in_words
from .schema import PoolTable, SimulatedPoolTable, Table, built
from .schema_process import ProcessPoolTable
from .source import Lines, syntax_error_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from . import AnyPool

KINDS: dict[str, type[Table]] = {"simulated": SimulatedPoolTable, "process": ProcessPoolTable}
"""The table that tells a kind of pool file from those of real machines."""


def load_pool(path: Path) -> AnyPool:
    """Read a pool file.

    Raises:
        ConfigError: it cannot be read, or something in it is wrong; all problems are in its one message.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot read the pool file: {error.strerror}", file=str(path)) from error
    except UnicodeDecodeError as error:
        raise ConfigError("the pool file is not UTF-8 text; save it as UTF-8", file=str(path)) from error
    return parse_pool(text, file=path)


def parse_pool(text: str, *, file: Path) -> AnyPool:
    """A pool from the text of its file.

    Args:
        file: where the text stands, for messages; relative paths in it begin at that folder.

    Raises:
        ConfigError: as `load_pool`.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        words, line = syntax_error_line(error)
        raise ConfigError(f"not TOML: {words}", file=str(file), line=line) from error
    root = next((table for key, table in KINDS.items() if key in data), PoolTable)
    context = {"folder": file.expanduser().absolute().parent}
    found: list[Problem] = []
    try:
        table = root.model_validate(data, context=context)
        parts = {name: built(getattr(table, name)) for name in root.model_fields}
    except ValidationError as error:
        found = in_words(error, root)
        parts = _readable_parts(data, root, {problem.path[0] for problem in found}, context)
    found += checks.problems(parts)
    if found:
        raise as_error(found, Lines(text), str(file))
    pool: AnyPool = table.as_model()
    return replace(pool, path=str(file))


def _readable_parts(data: Mapping[str, Any], root: type[Table], wrong: set[Any], context: Any) -> dict[str, Any]:
    """What could be read in a file with mistakes: the fields that have none, built."""
    parts = {}
    for name, field in root.model_fields.items():
        if name in data and name not in wrong:
            parts[name] = built(TypeAdapter(field.rebuild_annotation()).validate_python(data[name], context=context))
        elif name not in data and not field.is_required():
            parts[name] = field.default
    return parts
