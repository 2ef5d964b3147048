"""Attributes on tests and suites, by which they are selected."""

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def attr(*args: str, **kwargs: Any) -> Callable[[T], T]:
    """Decorate a function or class: each name is set to `True`, each keyword to its value."""

    def wrap_ob(ob: T) -> T:
        for name in args:
            setattr(ob, name, True)
        for name, value in kwargs.items():
            setattr(ob, name, value)
        return ob

    return wrap_ob
