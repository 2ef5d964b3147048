"""The tables of a pool file of kind `process`, key for key."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field, PlainValidator, ValidationInfo, create_model

from .. import model
from ..placeholders import names_in
from .fields import PoolName, Seconds, Secret, Tags, Text, parse_file, parse_text, url_parser
from .schema import LeaseTable, Table

_PORT_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SCP = re.compile(r"[\w.-]+@[\w.-]+:[^\s:][^\s]*")
_parse_url = url_parser("https", "http", "file")

OURS = ("GIT_", "PYTEST_", "QACLOUD_")
"""Variables of these families never reach a command."""


def parse_repository(value: object, info: ValidationInfo) -> str:
    """A git repository: a URL, `user@host:path`, or a path, which is made absolute."""
    text = parse_text(value)
    if text.startswith("-"):
        raise ValueError("begins with a dash, as options do; write the repository's path or URL")
    if _SCP.fullmatch(text):
        return text
    if text.startswith("ssh://"):
        return text
    if "://" in text:
        return _parse_url(text)
    if "::" in text:
        raise ValueError("names a helper program of git; write the repository's path or URL")
    return parse_file(text, info)


def parse_template(value: object) -> str:
    """A text with placeholders; may be empty."""
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("must be text in quotes")
    names_in(value)
    return value


def parse_argv(value: object) -> tuple[str, ...]:
    """A command: its program and each argument by itself."""
    if not isinstance(value, list):
        wanted = 'must be a list, one text an argument, such as ["mvn", "-q", "package"]; no shell reads it'
        raise ValueError(wanted)  # noqa: TRY004  # what pydantic catches
    argv = tuple(parse_template(argument) for argument in value)
    if not argv or not argv[0].strip():
        raise ValueError("must begin with a program")
    return argv


def parse_env(value: object) -> dict[str, str]:
    """Variables for commands, by their names."""
    if not isinstance(value, dict):
        raise ValueError("must be a table of variables")  # noqa: TRY004  # what pydantic catches
    for name in value:
        if not _VARIABLE.fullmatch(name):
            raise ValueError(f'"{name}" is no variable\'s name')
        if name.startswith(OURS):
            raise ValueError(f"{name} would reach no command: {', '.join(f'{start}*' for start in OURS)} are kept back")
    return {name: parse_template(text) for name, text in value.items()}


def parse_ports(value: object) -> tuple[str, ...]:
    """Names of ports, the API's among them."""
    if not isinstance(value, list) or not all(isinstance(name, str) and _PORT_NAME.fullmatch(name) for name in value):
        raise ValueError('must be a list of names in lower case, such as ["api", "agent", "database"]')
    if len(set(value)) < len(value):
        raise ValueError("has a name twice")
    if model.API_PORT not in value:
        raise ValueError(f'must have "{model.API_PORT}" in it, the port that CloudStack\'s API listens on')
    return tuple(value)


Repository = Annotated[str, PlainValidator(parse_repository)]
Argv = Annotated[tuple[str, ...], PlainValidator(parse_argv)]
Template = Annotated[str, PlainValidator(parse_template)]
Environment = Annotated[dict[str, str], PlainValidator(parse_env)]
PortNames = Annotated[tuple[str, ...], PlainValidator(parse_ports)]


class AdminTable(Table):
    """[management]; the port is chosen by each run."""

    builds = model.AdminLogin
    user: Text
    password: Secret


class CommandTable(Table):
    """[process.build], [process.prepare], [process.stop]."""

    builds = model.Command
    argv: Argv
    limit_s: Seconds


class ServerTable(Table):
    """[process.start]; its time limit is that of [process.ready]."""

    builds = model.Server
    argv: Argv


class ReadyTable(Table):
    """[process.ready]."""

    builds = model.Ready
    limit_s: Seconds
    url: Template | None = None
    port: Text | None = None


class ProcessTable(Table):
    """[process]."""

    builds = model.ProcessRecipe
    repository: Repository
    start: ServerTable
    ready: ReadyTable
    build: CommandTable | None = None
    prepare: CommandTable | None = None
    stop: CommandTable | None = None
    ports: PortNames | None = None
    env: Environment | None = None
    output_mib: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None


def _some_seconds(settings: Any, *names: str) -> Any:
    """A table of those settings that mean something without machines."""
    keys: dict[str, Any] = dict.fromkeys(names, (Seconds | None, None))
    table = create_model(f"Process{settings.__name__}Table", __base__=Table, **keys)
    table.builds = settings
    return table


TimeoutsTable = _some_seconds(model.Timeouts, "management_s", "zone_s", "healthy_s")
PollTable = _some_seconds(model.PollIntervals, "management_s", "job_s", "healthy_s")


class ProcessPoolTable(Table):
    """A whole pool file of kind `process`."""

    builds = model.ProcessPool
    name: PoolName
    management: AdminTable
    process: ProcessTable
    description: str = ""
    tags: Tags = frozenset()
    lease: LeaseTable | None = None
    timeouts: TimeoutsTable | None = None  # type: ignore[valid-type]  # made above
    poll: PollTable | None = None  # type: ignore[valid-type]  # as above
