"""A module for each API command, made when it is first asked for; see `pytest_qacloud.marvin.commands`."""

from importlib import import_module
from typing import Any

from pytest_qacloud.marvin.commands import catalogue

catalogue.entries()
__all__ = catalogue.exported  # noqa: PLE0605  a list that follows the endpoint's commands


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")
