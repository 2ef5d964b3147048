"""The shipped facts about CloudStack's API, as its own `listApis` would tell them.

At collection time no endpoint is known, so the modules of `marvin.cloudstackAPI` are first made from these facts: all
commands of CloudStack 4.22, extracted from the annotations in its sources.
"""

from __future__ import annotations

import json
import lzma
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

Entry = dict[str, Any]
"""One element of `listApis`: name, isasync, params, response, related, since."""

LENGTH = 255
"""Longest text of a parameter where the facts name none."""

BASE_FIELDS = ({"name": "jobid", "type": "string"}, {"name": "jobstatus", "type": "integer"})
"""What CloudStack's `BaseResponse` adds to every command's own response, and to no nested one."""


def shipped_facts() -> dict[str, Any]:
    """The shipped file: `{"meta": …, "commands": […], "responses": {class: [fields]}}`."""
    packed = (files("pytest_qacloud") / "data" / "cloudstack_api.json.xz").read_bytes()
    facts: dict[str, Any] = json.loads(lzma.decompress(packed))
    return facts


def list_apis(facts: Mapping[str, Any]) -> list[Entry]:
    """All commands in the shape of `listApis` (CloudStack's `ApiDiscoveryServiceImpl`), without descriptions."""
    returning: dict[str, list[str]] = {}
    for command in facts["commands"]:
        if command["response"] != "SuccessResponse":
            returning.setdefault(command["response"], []).append(command["name"])
    return [_entry(command, facts["responses"], returning) for command in facts["commands"]]


def _entry(command: Mapping[str, Any], responses: Mapping[str, list[Entry]], returning: dict[str, list[str]]) -> Entry:
    related = [name for name in returning.get(command["response"], ()) if name != command["name"]]
    entry: Entry = {
        "name": command["name"],
        "isasync": command["isasync"],
        "related": ",".join(related),
        "params": [_param(param, returning) for param in command["params"]],
        "response": [*_fields(command["response"], responses, ()), *({**field} for field in BASE_FIELDS)],
    }
    if "since" in command:
        entry["since"] = command["since"]
    return entry


def _param(param: Mapping[str, Any], returning: Mapping[str, list[str]]) -> Entry:
    shown: Entry = {
        "name": param["name"],
        "type": param["type"],
        "length": param.get("length", LENGTH),
        "required": param.get("required", False),
    }
    if "since" in param:
        shown["since"] = param["since"]
    if param.get("related") in returning:
        shown["related"] = ",".join(returning[param["related"]])
    return shown


def _fields(response: str, responses: Mapping[str, list[Entry]], above: tuple[str, ...]) -> list[Entry]:
    """A response class's fields; a class that contains itself is told once."""
    shown = []
    for field in responses[response]:
        if field.get("undoc"):
            continue
        entry: Entry = {"name": field["name"], "type": field["type"]}
        nested = field.get("class")
        if nested is not None and nested in responses and nested not in (*above, response):
            entry["response"] = _fields(nested, responses, (*above, response))
        shown.append(entry)
    return shown
