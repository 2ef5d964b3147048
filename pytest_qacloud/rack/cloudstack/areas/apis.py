"""listApis: the API describes itself, as Marvin's code generator reads it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .. import access, schema
from ..errors import ApiError, Code
from ..lists import Page
from ..registry import command

if TYPE_CHECKING:
    from ..context import Context
    from ..params import Params


@lru_cache(maxsize=1)
def _described() -> dict[str, dict[str, Any]]:
    return {name: _describe(item) for name, item in schema.load().commands.items()}


def _describe(item: schema.Command) -> dict[str, Any]:
    producers = schema.load().producers
    described: dict[str, Any] = {
        "name": item.name,
        "description": f"{item.name} of {item.module}",
        "isasync": item.is_async,
        "related": ",".join(name for name in producers.get(item.response, ()) if name != item.name),
        "params": [_parameter(parameter, producers) for parameter in item.parameters],
        "response": [*_fields(item.response, nested=True), *_JOB_FIELDS],
    }
    if item.since is not None:
        described["since"] = item.since
    return described


_JOB_FIELDS = [
    {"name": "jobstatus", "description": "the status of the pending job on it", "type": "integer"},
    {"name": "jobid", "description": "the pending job on it", "type": "string"},
]


def _parameter(parameter: schema.Parameter, producers: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": parameter.name,
        "description": parameter.name,
        "type": parameter.type,
        "length": parameter.length,
        "required": parameter.required,
    }
    if parameter.related in producers:
        described["related"] = ",".join(producers[parameter.related])
    if parameter.since is not None:
        described["since"] = parameter.since
    return described


def _fields(response: str, *, nested: bool) -> list[dict[str, Any]]:
    described: list[dict[str, Any]] = []
    for item in schema.load().responses.get(response, ()):
        if not item.documented:
            continue
        entry: dict[str, Any] = {"name": item.name, "description": item.name, "type": item.type}
        if nested and item.shape is not None:
            entry["response"] = _fields(item.shape, nested=False)
        described.append(entry)
    return described


@command("listApis")
def list_apis(ctx: Context, params: Params) -> Page:
    """Every command that the caller may call, implemented here or not."""
    wanted = params.optional("name")
    if wanted is not None and wanted not in ctx.server.schema.commands:
        raise ApiError(Code.INTERNAL, f"The API {wanted} does not exist or is not available for the account", 4250)
    role = ctx.caller.role
    allowed = [
        _described()[name]
        for name, item in ctx.server.schema.commands.items()
        if wanted in (None, name) and access.may_call(ctx.store, role, item)
    ]
    return Page(len(allowed), allowed)
