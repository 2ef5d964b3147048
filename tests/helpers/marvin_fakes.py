"""A cloud that answers what it is told to, and the types of this folder's fixtures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from pytest_qacloud.marvin.schema import list_apis, shipped_facts
from pytest_qacloud.model import Endpoint

if TYPE_CHECKING:
    from pathlib import Path

Entities = list[dict[str, Any]]

SHIPPED: Entities = list_apis(shipped_facts())
"""What an endpoint with all commands says; shared, so nobody may change it."""

ENDPOINT = Endpoint("http://127.0.0.1:8080/client/api", "admin-key", "admin-secret")


class FakeApi:
    """A `CloudApi` that answers what a test put in and remembers what it was asked."""

    def __init__(self, answers: dict[str, Any] | None = None) -> None:
        self.answers: dict[str, Any] = {"listApis": SHIPPED, **(answers or {})}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.submitted: list[str] = []
        self.closed = False

    def call(self, command: str, **params: Any) -> Any:
        self.calls.append((command, params))
        answer = self.answers.get(command, {})
        if callable(answer):
            answer = answer(**params)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def submit(self, command: str, **params: Any) -> Any:
        self.submitted.append(command)
        return self.call(command, **params)

    def list(self, command: str, **params: Any) -> Entities:
        answer: Entities = self.call(command, **params)
        return answer

    def close(self) -> None:
        self.closed = True

    def asked(self, command: str) -> Entities:
        return [params for name, params in self.calls if name == command]


class Importer(Protocol):
    """Imports a module by its name."""

    def __call__(self, name: str) -> Any: ...


class Python(Protocol):
    """Runs code in a process of its own, with these folders on its path; returns what it printed."""

    def __call__(self, code: str, *paths: Path) -> str: ...
