"""Who may import whom, read from the source: the design's layers hold."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = "pytest_qacloud"
ROOT = Path(__file__).parent.parent / PACKAGE
FILES = sorted(ROOT.rglob("*.py"))
SEARCH = {f"gate.{name}" for name in ("search", "inquiry", "belief", "noise", "spread", "choice", "question")}
PURE = {"provision.plan", "provision.process_plan", "leasing.queue", "ports", "ports_process", "placeholders"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imports(path: Path, *, typing_too: bool = True) -> set[str]:
    """Absolute names of all that a file imports, wherever in it."""
    found: set[str] = set()
    package = [PACKAGE, *path.relative_to(ROOT).parent.parts]
    for node in _walk(ast.parse(path.read_text(encoding="utf-8")), typing_too=typing_too):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            found |= {f"{name}.{alias.name}" if not node.module else name for alias in node.names}
    return found


def _walk(tree: ast.AST, *, typing_too: bool) -> list[ast.AST]:
    found: list[ast.AST] = []
    for node in ast.iter_child_nodes(tree):
        typing_only = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        if typing_too or not typing_only:
            found += [node, *_walk(node, typing_too=typing_too)]
    return found


def own(names: set[str]) -> set[str]:
    return {name.removeprefix(f"{PACKAGE}.") for name in names if name.startswith(f"{PACKAGE}.")}


def foreign(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names} - sys.stdlib_module_names - {PACKAGE}


def under(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_a_module_imports_only_what_its_layer_may(path: Path) -> None:
    name, names = module_name(path), imports(path)
    ours = own(names)
    if under(name, "rack"):
        assert all(under(other, "rack") for other in ours), "the rack shares nothing with what it is a test of"
        return
    assert not any(under(other, "rack") for other in ours), "only a process of its own runs the rack"
    if under(name, "model", "errors"):
        assert not foreign(names)
        assert all(under(other, "model", "errors") for other in ours)
    if name in PURE:
        assert not foreign(names)
        assert all(under(other, "model", "errors", "ports") for other in ours)
    if name in SEARCH:
        assert not foreign(names)
        assert all(under(other, "model", "errors") or other in SEARCH for other in ours)
    if under(name, "drivers") and name != "drivers":
        mine = name.split("_")[0]
        assert all(
            under(other, "model", "errors", "deadline", "ports") or other.split("_")[0].startswith(mine)
            for other in ours
        ), f"a driver knows no other part: {ours}"
    if under(name, "leasing", "provision", "gate"):
        assert not any(under(other, "drivers", "wiring", "session", "cli", "plugin") for other in ours)


def test_only_session_and_the_command_line_wire_drivers() -> None:
    users = {module_name(path) for path in FILES if any(under(other, "wiring") for other in own(imports(path)))}

    assert users <= {"session", "check", "cli.pools"}


def test_only_the_gate_s_repository_imports_gitpython() -> None:
    assert {module_name(path) for path in FILES if "git" in foreign(imports(path))} == {"gate.repo"}


def test_loading_the_plugin_imports_nothing_heavy() -> None:
    heavy = {"pydantic", "sqlalchemy", "alembic", "paramiko", "pyghmi", "requests", "rich", "click", "yaml", "tenacity"}
    program = f"import sys, pytest, {PACKAGE}.plugin, {PACKAGE}.fixtures; print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()

    assert not heavy & set(loaded)


def test_the_node_classifier_imports_nothing_heavy() -> None:
    program = f"import sys; before = {{*sys.modules}}; import {PACKAGE}.enc; print(*({{*sys.modules}} - before))"

    loaded = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()

    assert not {"click", "yaml", "pydantic", "pytest", "platformdirs", "pathlib", "typing", "re"} & set(loaded)
