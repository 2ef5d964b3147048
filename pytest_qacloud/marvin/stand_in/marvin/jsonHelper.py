"""Answers of the API as objects."""

from collections.abc import Mapping
from typing import Any


class jsonLoader:
    """A JSON object as an object; what it lacks reads as `None`, by attribute and by key."""

    def __init__(self, obj: Mapping[str, Any]) -> None:
        vars(self).update((name, _load(value)) for name, value in obj.items())

    def __getattr__(self, val: str) -> Any:
        if val.startswith("__"):  # protocols such as copying must see that it has none of their own
            raise AttributeError(val)
        return None

    def __getitem__(self, val: str) -> Any:
        return vars(self).get(val)

    def __repr__(self) -> str:
        return "{" + ", ".join(f"{name} : {value!r}" for name, value in vars(self).items()) + "}"


def getResultObj(returnObj: Mapping[str, Any], responsecls: Any = None) -> Any:
    """What a command's reply, without its wrapper `<command>response`, is to a suite.

    A list command's elements; else the one entity in it where its members are among those of the response's class;
    else all of it. `None` where there is nothing.
    """
    if not returnObj:
        return None
    result = jsonLoader(returnObj)
    if result.count is not None:
        return next((value for name, value in vars(result).items() if name != "count"), None)
    if responsecls is None or vars(result).keys() & vars(responsecls).keys():
        return result
    inner = next(iter(vars(result).values()))
    if isinstance(inner, jsonLoader) and vars(inner).keys() & vars(responsecls).keys():
        return inner
    return result


def _load(value: Any) -> Any:
    if isinstance(value, Mapping):
        return jsonLoader(value)
    if isinstance(value, (list, tuple)):
        return [_load(element) for element in value]
    return value
