"""The modules of `marvin.cloudstackAPI`, made at run time from the shape of `listApis`.

They have the shape that Marvin's own code generator (`codegenerator.py`, from JSON) writes to disk: a module for each
command, with a class for the command, one for its response, and one for each nested response.
"""

from __future__ import annotations

import sys
from difflib import get_close_matches
from importlib import import_module
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING, Any

from . import schema
from .finder import API_PACKAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType

    from .schema import Entry

NESTING = ("list", "map", "set")
"""Types of response fields whose members become a class of their own."""

EMPTY_LIST = ("list", "map")
"""Types of parameters that start as an empty list; all others start as `None`."""

BY_POST = ("login", "logout")


class Catalogue:
    """The commands there are, by name.

    It begins with the shipped facts, read when they are first asked for; `refresh` replaces them by an endpoint's.
    """

    def __init__(self, entries: Callable[[], Iterable[Entry]]) -> None:
        self._read = entries
        self._entries: dict[str, Entry] | None = None
        self.exported: list[str] = []
        """`marvin.cloudstackAPI.__all__`, always the same list."""

    def entries(self) -> dict[str, Entry]:
        """All commands."""
        if self._entries is None:
            self._replace(self._read())
        return self._entries or {}

    def refresh(self, entries: Iterable[Entry]) -> None:
        """Take other commands, and bring modules and classes that suites already hold up to date in place.

        A module of a command that is no more stays importable where it was imported; the client loses its method.
        """
        self._replace(entries)
        for name, entry in self.entries().items():
            module = sys.modules.get(f"{API_PACKAGE}.{name}")
            if module is not None:
                define(module, entry)
        client = sys.modules.get(f"{API_PACKAGE}.cloudstackAPIClient")
        if client is not None:
            add_methods(client.CloudStackAPIClient, self.entries())

    def _replace(self, entries: Iterable[Entry]) -> None:
        self._entries = {entry["name"]: entry for entry in entries}
        self.exported[:] = [*self._entries, "cloudstackAPIClient"]


catalogue = Catalogue(lambda: schema.list_apis(schema.shipped_facts()))
"""One for the process, as `sys.modules` is."""


class CommandLoader(Loader):
    """Makes one command's module."""

    def create_module(self, spec: ModuleSpec) -> None:
        """`None`: an ordinary module will do."""
        del spec

    def exec_module(self, module: ModuleType) -> None:
        """Fill the module with its classes."""
        define(module, catalogue.entries()[module.__name__.rpartition(".")[2]])


def command_spec(fullname: str, name: str) -> ModuleSpec:
    """The spec of `marvin.cloudstackAPI.<name>`.

    Raises:
        ImportError: there is no such command; names the nearest ones.
    """
    entries = catalogue.entries()
    if name not in entries:
        near = get_close_matches(name, entries, 3)
        hint = f"; the nearest are {', '.join(near)}" if near else ""
        raise ModuleNotFoundError(f"CloudStack has no API command {name} (of {len(entries)} known){hint}")
    return ModuleSpec(fullname, CommandLoader(), origin=API_PACKAGE)


def define(module: ModuleType, entry: Entry) -> None:
    """Put a command's classes into its module; a class that is there already is changed in place."""
    base = import_module(f"{API_PACKAGE}.baseCmd").baseCmd
    response_base = import_module(f"{API_PACKAGE}.baseResponse").baseResponse
    module.__doc__ = entry.get("description", "")
    vars(module).update(baseCmd=base, baseResponse=response_base)
    name = entry["name"]
    nested: dict[str, Callable[[Any], None]] = {}
    response = _response_init([field for field in entry["response"] if field], nested)
    _put(module, f"{name}Cmd", base, _command_init(entry))
    _put(module, f"{name}Response", response_base, response)
    for field, init in nested.items():
        _put(module, field, object, init)
    for gone in _made_here(module) - {f"{name}Cmd", f"{name}Response", *nested}:
        delattr(module, gone)


def add_methods(client: type, names: Iterable[str]) -> None:
    """Give the API client a method for each command, and take those of others away."""
    wanted = set(names)
    made = [name for name, member in vars(client).items() if getattr(member, "__module__", "") == __name__]
    for name in made:
        if name not in wanted:
            delattr(client, name)
    for name in wanted:
        if name not in vars(client):
            setattr(client, name, _client_method(name))


def _made_here(module: ModuleType) -> set[str]:
    return {
        name for name, value in vars(module).items() if isinstance(value, type) and value.__module__ == module.__name__
    }


def _put(module: ModuleType, name: str, base: type, init: Callable[[Any], None]) -> None:
    made = vars(module).get(name)
    if made is None:
        members: dict[str, Any] = {"__init__": init, "__module__": module.__name__}
        if base is not object:
            members["typeInfo"] = {}
        setattr(module, name, type(name, (base,), members))
        return
    made.__init__ = init
    if base is not object:
        made.typeInfo.clear()


def _command_init(entry: Entry) -> Callable[[Any], None]:
    is_async = str(entry.get("isasync", "false")).lower()
    starts_empty = {param["name"]: param.get("type") in EMPTY_LIST for param in entry["params"]}
    types = {param["name"]: param.get("type", "") for param in entry["params"]}
    required = [param["name"] for param in entry["params"] if str(param.get("required", False)).lower() == "true"]

    def __init__(self: Any) -> None:  # noqa: N807  the function becomes the class's own
        self.isAsync = is_async
        vars(self).update((name, [] if empty else None) for name, empty in starts_empty.items())
        self.typeInfo.update(types)
        self.required = list(required)

    return __init__


def _response_init(fields: list[Entry], nested: dict[str, Callable[[Any], None]]) -> Callable[[Any], None]:
    starts_empty = {field["name"]: _nests(field) for field in fields}
    types = {field["name"]: field.get("type", "") for field in fields if not _nests(field)}
    for field in fields:
        if _nests(field):
            _nested_init(field, nested)

    def __init__(self: Any) -> None:  # noqa: N807  as above
        vars(self).update((name, [] if empty else None) for name, empty in starts_empty.items())
        self.typeInfo.update(types)

    return __init__


def _nested_init(field: Entry, nested: dict[str, Callable[[Any], None]]) -> None:
    """Note a nested response's class, after those within it; of two with one name the later counts, as on disk."""
    members = [member for member in field["response"] if member]
    starts_empty = {member["name"]: _nests(member) for member in members}
    for member in members:
        if _nests(member):
            _nested_init(member, nested)

    def __init__(self: Any) -> None:  # noqa: N807  as above
        vars(self).update((name, [] if empty else None) for name, empty in starts_empty.items())

    nested[field["name"]] = __init__


def _nests(field: Entry) -> bool:
    return field.get("type") in NESTING and any(field.get("response", ()))


def _client_method(name: str) -> Callable[..., Any]:
    def call(self: Any, command: Any, method: str = "POST" if name in BY_POST else "GET") -> Any:
        __tracebackhide__ = True
        response = getattr(import_module(f"{API_PACKAGE}.{name}"), f"{name}Response")()
        return self.connection.marvinRequest(command, response_type=response, method=method)

    call.__name__ = name
    call.__qualname__ = f"CloudStackAPIClient.{name}"
    return call
