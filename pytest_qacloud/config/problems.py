"""What is wrong with a pool file, one line each, in words that say what to change."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from ..errors import ConfigError
from .schema import Table
from .source import KeyPath, Lines, dotted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails


class Problem(NamedTuple):
    """One thing to change: where, and what."""

    path: KeyPath
    message: str


def as_error(problems: Sequence[Problem], lines: Lines, file: str) -> ConfigError:
    """All problems of one file as one error; a single one keeps its line and key."""
    found = sorted((lines.of(path), dotted(path), message) for path, message in problems)
    if len(found) == 1:
        line, key, message = found[0]
        return ConfigError(message, file=file, line=line, key=key)
    rows = "".join(f"\n  line {line}: {key}: {message}" for line, key, message in found)
    return ConfigError(f"{len(found)} problems:{rows}", file=file)


def in_words(error: ValidationError, root: type[Table]) -> list[Problem]:
    """What the validation of a `root` table found; a key that is only misspelt is not missing as well."""
    details = error.errors(include_url=False)
    unknown = [detail["loc"] for detail in details if detail["type"] == "extra_forbidden"]
    meant = {(*path[:-1], near) for path in unknown if (near := _nearest(path, root))}
    return [
        Problem(detail["loc"], _message(detail, root))
        for detail in details
        if detail["type"] != "missing" or detail["loc"] not in meant
    ]


def _message(detail: ErrorDetails, root: type[Table]) -> str:
    *around, key = detail["loc"]
    match detail["type"]:
        case "value_error":
            return str(detail["ctx"]["error"])
        case "extra_forbidden":
            return _unknown(detail["loc"], root)
        case "missing":
            return _missing(str(key), tuple(around), root)
        case "model_type":
            return f"must be a table; write [{dotted(detail['loc'])}] and its keys below"
        case "list_type":
            return "must be a list in square brackets"
        case "too_short":
            return "must not be empty; add at least one"
        case "int_type" | "float_type":
            return "must be a number without quotes"
        case "bool_type":
            return "must be true or false, without quotes"
        case "string_type":
            return "must be text in quotes"
        case _:
            return f"{detail['msg'].replace('Input should', 'must')}; change it"


def _nearest(path: KeyPath, root: type[Table]) -> str | None:
    """The known key that an unknown one is most like, if it is like any."""
    table = _table_at(root, path[:-1])
    return next(iter(get_close_matches(str(path[-1]), table.model_fields if table else (), 1)), None)


def _unknown(path: KeyPath, root: type[Table]) -> str:
    near = _nearest(path, root)
    if near:
        return f'unknown key; did you mean "{near}"?'
    homes = [dotted(home) for home, other in _tables(root, ()) if path[-1] in other.model_fields]
    if homes:
        return f"unknown key here; it belongs in {' or '.join(f'[{home}]' if home else 'the top' for home in homes)}"
    table = _table_at(root, path[:-1])
    return f"unknown key; take it out, or use one of {', '.join(table.model_fields if table else ())}"


def _missing(key: str, around: KeyPath, root: type[Table]) -> str:
    table = _table_at(root, around)
    path = dotted((*around, key))
    if table and _is_list_of_tables(table.model_fields[key].annotation):
        return f"is missing; add a table [[{path}]] for each"
    if table and _table_in(table.model_fields[key].annotation):
        return f"is missing; add the table [{path}]"
    home = f"to [{dotted(around)}]" if around else "to the top of the file"
    return f'is missing; add "{key} = …" {home}'


def _table_at(root: type[Table], path: KeyPath) -> type[Table] | None:
    table: type[Table] | None = root
    for part in path:
        if isinstance(part, str):
            table = _table_in(table.model_fields[part].annotation) if table and part in table.model_fields else None
    return table


def _tables(table: type[Table], path: KeyPath) -> Iterator[tuple[KeyPath, type[Table]]]:
    yield path, table
    for name, field in table.model_fields.items():
        inner = _table_in(field.annotation)
        if inner:
            yield from _tables(inner, (*path, name))


def _table_in(annotation: Any) -> type[Table] | None:
    """The table in `X`, `X | None` or `list[X]`."""
    if isinstance(annotation, type) and issubclass(annotation, Table):
        return annotation
    return next((found for arg in get_args(annotation) if (found := _table_in(arg))), None)


def _is_list_of_tables(annotation: Any) -> bool:
    return getattr(annotation, "__origin__", None) is list and _table_in(annotation) is not None
