"""What CloudStack 4.22 says about its own API: commands, their parameters, and the fields of their replies.

Read once from the package's `data/cloudstack_api.json.xz` (parameters and fields) and `facts/commands.tsv` (who may
call a command, which event it records); both hold facts taken from Apache CloudStack's sources.
"""

from __future__ import annotations

import json
import lzma
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_API_FILE = _HERE.parents[1] / "data" / "cloudstack_api.json.xz"
_FACTS_FILE = _HERE / "facts" / "commands.tsv"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a command.

    Args:
        type: string, uuid, boolean, integer, long, short, double, list, map, date or object.
        of: a list's element type.
        related: the response class of the entity that a uuid (or a list of them) names.
        length: a string's longest length.
    """

    name: str
    type: str
    required: bool
    of: str
    related: str | None
    length: int
    since: str | None


@dataclass(frozen=True, slots=True)
class ReplyField:
    """One field of a response class. `shape` is the response class of its elements, where they are objects."""

    name: str
    type: str
    shape: str | None
    documented: bool


@dataclass(frozen=True)
class Command:
    """One API command.

    Args:
        is_async: answered with a job.
        creates: the job's reply names the new entity at once (CloudStack's BaseAsyncCreateCmd).
        lists: answered with `count` and a list.
        wrapper: key of the entity in the reply; empty where the reply has none.
        admits: letters of the role types that may always call it: Admin, Resource admin, Domain admin, User.
        granted: letters of the default roles that have a rule for it.
        event: the event type it records; empty for none.
        resource: the type of the resource it works on, as jobs and events name it.
    """

    name: str
    is_async: bool
    creates: bool
    lists: bool
    response: str
    wrapper: str
    since: str | None
    module: str
    parameters: tuple[Parameter, ...]
    admits: str
    granted: str
    event: str
    resource: str

    @cached_property
    def reply_name(self) -> str:
        """The outermost key of a reply."""
        return f"{self.name.lower()}response"

    @cached_property
    def parameter_names(self) -> frozenset[str]:
        """Names of all parameters."""
        return frozenset(parameter.name for parameter in self.parameters)


@dataclass(frozen=True)
class Schema:
    """All commands and response classes."""

    commands: dict[str, Command]
    responses: dict[str, tuple[ReplyField, ...]]

    @cached_property
    def producers(self) -> dict[str, tuple[str, ...]]:
        """Names of the commands that answer with a response class."""
        found: dict[str, list[str]] = {}
        for command in self.commands.values():
            if command.response != "SuccessResponse":
                found.setdefault(command.response, []).append(command.name)
        return {response: tuple(names) for response, names in found.items()}


def _facts() -> dict[str, tuple[str, ...]]:
    lines = _FACTS_FILE.read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return {row[0]: tuple("" if cell == "-" else cell for cell in row[1:]) for row in rows}


def _command(raw: dict[str, Any], facts: tuple[str, ...]) -> Command:
    parameters = tuple(
        Parameter(
            name=item["name"],
            type=item["type"],
            required=item.get("required", False),
            of=item.get("of", "string"),
            related=item.get("related"),
            length=item.get("length", 255),
            since=item.get("since"),
        )
        for item in raw["params"]
    )
    admits, granted, event, resource = facts
    return Command(
        name=raw["name"],
        is_async=raw["isasync"],
        creates=raw.get("create", False),
        lists=raw.get("list", False),
        response=raw["response"],
        wrapper=raw.get("object", ""),
        since=raw.get("since"),
        module=raw["module"],
        parameters=parameters,
        admits=admits,
        granted=granted,
        event=event,
        resource=resource,
    )


@lru_cache(maxsize=1)
def load() -> Schema:
    """The schema; read and decompressed when first asked for (about 50 ms)."""
    with lzma.open(_API_FILE) as stream:
        raw = json.load(stream)
    facts = _facts()
    return Schema(
        commands={item["name"]: _command(item, facts[item["name"]]) for item in raw["commands"]},
        responses={
            name: tuple(
                ReplyField(item["name"], item["type"], item.get("class"), not item.get("undoc", False))
                for item in fields
            )
            for name, fields in raw["responses"].items()
        },
    )
