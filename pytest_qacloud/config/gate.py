"""`[gate]` of qacloud.toml."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from pydantic import Field, PlainValidator, ValidationError

from .. import model
from ..errors import ConfigError
from .fields import Seconds, Secret, Text
from .problems import Problem, as_error, in_words
from .schema import Table
from .source import Lines, syntax_error_line

if TYPE_CHECKING:
    from pathlib import Path

_BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/-]*")
_PLACES = re.compile(r"\{(\w*)\}")


def parse_branch(value: object) -> str:
    """A branch's name; what git would take for an option or a range is none."""
    if not isinstance(value, str) or not _BRANCH.fullmatch(value) or ".." in value or value.endswith((".lock", "/")):
        raise ValueError("must be a branch's name, such as 'staging'")
    return value


def parse_packages(value: object) -> str:
    """A URL with places for the commit or the tree."""
    if not isinstance(value, str) or urlsplit(value).scheme not in {"http", "https"} or "@" in urlsplit(value).netloc:
        raise ValueError("must be an http or https URL without a login, such as 'http://builds.example.org/{commit}/'")
    _places(value, {"commit", "tree"}, needs={"commit", "tree"})
    return value


def parse_tag(value: object) -> str:
    """A tag's name with a place for the commit."""
    if not isinstance(value, str):
        raise ValueError("must be text in quotes")  # noqa: TRY004  # what pydantic catches
    _places(value, {"commit", "date"}, needs={"commit"})
    parse_branch(_PLACES.sub("x", value))
    return value


def _places(value: str, known: set[str], needs: set[str]) -> None:
    found = set(_PLACES.findall(value))
    if found - known or not found & needs:
        places = " and ".join(f"{{{name}}}" for name in sorted(known))
        raise ValueError(f"must have a place for what differs; there are {places}")


def parse_listen(value: object) -> str:
    """One address of this machine; not all of them at once."""
    try:
        address = ip_address(str(value))
    except ValueError as error:
        raise ValueError("must be an IP address of this machine that the rack can reach") from error
    if address.is_unspecified:
        raise ValueError("must be one address of this machine that the rack can reach, not all of them")
    return str(address)


Branch = Annotated[str, PlainValidator(parse_branch)]
Many = Annotated[list[Text], Field(min_length=1)]


class MailTable(Table):
    """[gate.mail]."""

    builds = model.Mail
    server: Text
    sender: Text
    to: Many
    user: Text | None = None
    password: Secret | None = None
    encrypted: bool | None = None


class WebhookTable(Table):
    """[gate.webhook]."""

    builds = model.Webhook
    url: Text
    secret: Secret | None = None


class GateTable(Table):
    """[gate]."""

    builds = model.GateSettings
    repository: Text
    staging: Branch | None = None
    stable: Branch | None = None
    build: Many | None = None
    build_limit_s: Seconds | None = None
    packages: Annotated[str, PlainValidator(parse_packages)] | None = None
    listen: Annotated[str, PlainValidator(parse_listen)] | None = None
    suites: Many | None = None
    pools: Text | None = None
    parallel: Annotated[int, Field(ge=1, le=64)] | None = None
    attempts: Annotated[int, Field(ge=1, le=20)] | None = None
    run_limit_s: Seconds | None = None
    tag: Annotated[str, PlainValidator(parse_tag)] | None = None
    mail: MailTable | None = None
    webhook: WebhookTable | None = None


class SettingsTable(Table):
    """The part of the file that is read here."""

    builds = dict
    gate: GateTable


def load_gate(path: Path) -> model.GateSettings | None:
    """The gate's settings; `None` where the file has none, or is not there.

    Raises:
        ConfigError: not TOML, or something in `[gate]` is wrong; all problems are in its one message.
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read: {error}", file=str(path)) from error
    except tomllib.TOMLDecodeError as error:
        words, line = syntax_error_line(error)
        raise ConfigError(f"is not TOML: {words}", file=str(path), line=line) from error
    if "gate" not in content:
        return None
    found: list[Problem] = []
    context = {"folder": path.expanduser().absolute().parent}
    try:
        table = SettingsTable.model_validate({"gate": content["gate"]}, context=context)
    except ValidationError as error:
        found = in_words(error, SettingsTable)
    else:
        settings: model.GateSettings = table.gate.as_model()
        if not settings.build and not settings.packages:
            found = [Problem(("gate",), "says neither how to `build` a commit nor where its `packages` are")]
        elif settings.staging == settings.stable:
            found = [Problem(("gate", "staging"), "must be another branch than stable")]
    if found:
        raise as_error(found, Lines(text), str(path))
    return replace(settings, path=str(path))
