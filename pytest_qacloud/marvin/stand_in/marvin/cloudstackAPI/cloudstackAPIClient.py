"""The API client: a method for each command."""

import copy
from importlib import import_module
from typing import Any

from pytest_qacloud.marvin.commands import add_methods, catalogue

RESPONSE = "Response"


class CloudStackAPIClient:
    """Sends commands through a connection, an object with Marvin's `marvinRequest`."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._id: Any = None

    def __copy__(self) -> "CloudStackAPIClient":
        return CloudStackAPIClient(copy.copy(self.connection))

    @property
    def id(self) -> Any:
        """What links this client's calls to a test: the test client's identifier."""
        return self._id

    @id.setter
    def id(self, identifier: Any) -> None:
        self._id = identifier

    def __getattr__(self, name: str) -> Any:
        # The methods are set below. This one is reached for what no command is called.
        raise AttributeError(f"CloudStack, or the role these keys belong to, has no API command {name}")


add_methods(CloudStackAPIClient, catalogue.entries())


def __getattr__(name: str) -> Any:
    command = name.removesuffix(RESPONSE)
    if command == name or command not in catalogue.entries():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{command}", __package__), name)
