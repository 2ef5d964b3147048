"""What a code generator in Marvin's manner writes for one element of `listApis`: text, as opposed to our classes.

Written from the documented shape of Marvin's API modules, independently of `pytest_qacloud.marvin.commands`, to compare
the two.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

Entry = dict[str, Any]


def text_of(entry: Entry) -> str:
    """The module's source."""
    name = entry["name"]
    lines = [
        f'"""{entry.get("description", "")}"""',
        "class baseCmd: pass",
        "class baseResponse: pass",
        f"class {name}Cmd(baseCmd):",
        "    typeInfo = {}",
        "    def __init__(self):",
        f"        self.isAsync = {str(entry['isasync']).lower()!r}",
    ]
    for param in entry["params"]:
        start = "[]" if param["type"] in ("list", "map") else "None"
        lines += [f"        self.{param['name']} = {start}", _type_info(param)]
    required = [param["name"] for param in entry["params"] if param["required"]]
    lines += [f"        self.required = {required!r}", f"class {name}Response(baseResponse):", "    typeInfo = {}"]
    lines += ["    def __init__(self):", "        pass"]
    nested: list[str] = []
    for field in entry["response"]:
        if members(field):
            lines.append(f"        self.{field['name']} = []")
            _nested(field, nested)
        elif field:
            lines += [f"        self.{field['name']} = None", _type_info(field)]
    return "\n".join(lines + nested) + "\n"


def members(field: Entry) -> list[Entry]:
    """The fields of a nested response."""
    return field.get("response", []) if field.get("type") in ("list", "map", "set") else []


def module_of(entry: Entry) -> ModuleType:
    """The module that the text defines."""
    module = ModuleType(entry["name"])
    exec(compile(text_of(entry), entry["name"], "exec"), vars(module))  # noqa: S102  the text was written here
    return module


def _type_info(field: Entry) -> str:
    return f"        self.typeInfo[{field['name']!r}] = {field['type']!r}"


def _nested(field: Entry, nested: list[str]) -> None:
    lines = [f"class {field['name']}:", "    def __init__(self):"]
    for member in members(field):
        lines.append(f"        self.{member['name']} = {'[]' if members(member) else 'None'}")
        if members(member):
            _nested(member, nested)
    nested += lines
