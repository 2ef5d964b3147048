"""What a build of the management server does otherwise than it should: delays, defects, flaky ones too.

A build for the simulated rack is a package repository that holds one file, `behaviours.toml`::

    features = ["vm-stop-queue", "fast-jobs"]        # names of what is in this build

    [[behaviour]]
    command = "stopVirtualMachine"
    does = "nothing"                                 # answers as if it had worked; the machine stays Running
    rate = 0.25                                      # in a quarter of its calls; without it in all
    needs = ["fast-jobs"]                            # only where these features are in the build, too

    [[behaviour]]
    command = "deployVirtualMachine"
    does = "fails"                                   # the job, or the call, fails with `text`
    text = "no route to the agent"

    [[behaviour]]
    command = "rebootVirtualMachine"
    does = "waits"                                   # the job takes so much longer
    seconds = 0.2

The first behaviour of a command that strikes is the one that counts. A file that makes no sense is a package that does
not install.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import schema
from .errors import failed

if TYPE_CHECKING:
    from .context import Context
    from .params import Params
    from .registry import Work

FILE = "behaviours.toml"
NOTHING, FAILS, WAITS = "nothing", "fails", "waits"
TEXT = "Internal error executing command, please contact your system administrator"
KEYS = {"command": str, "does": str, "rate": (int, float), "needs": list, "text": str, "seconds": (int, float)}


class BuildError(ValueError):
    """The build cannot be installed; the text says why."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What one command does otherwise.

    Args:
        does: `nothing`, `fails` or `waits`.
        rate: the share of the calls that it strikes, above 0 to 1.
        text: the error's, where it fails.
        seconds: that the job takes longer, where it waits.
    """

    command: str
    does: str
    rate: float = 1.0
    text: str = TEXT
    seconds: float = 0.0

    def instead_of(self, work: Work) -> Work:
        """The command's work with this behaviour."""
        if self.does == FAILS:
            return self._fail
        return _leave if self.does == NOTHING else work

    def _fail(self, _ctx: Context, _params: Params) -> Any:
        raise failed(self.text)


def _leave(ctx: Context, params: Params) -> Any:
    """Answer as if it were done."""
    return True if ctx.command.response == "SuccessResponse" else params.get("id")


class Build:
    """What an installed build does otherwise; one without behaviours does all as it should.

    Args:
        features: names of what is in it.
        chance: decides about what strikes at a rate.
    """

    def __init__(
        self,
        behaviours: Sequence[Behaviour] = (),
        features: Sequence[str] = (),
        chance: random.Random | None = None,
    ) -> None:
        self.features = tuple(features)
        self._behaviours = tuple(behaviours)
        self._chance = chance or random.Random()  # noqa: S311  # flakiness, not secrecy

    @classmethod
    def parse(cls, text: str) -> Build:
        """A build out of its file.

        Raises:
            BuildError: not TOML, an unknown key, command or behaviour, or a value that makes no sense.
        """
        try:
            content = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise BuildError(f"{FILE} is not TOML: {error}") from error
        _known(content, ("features", "behaviour"), FILE)
        features = _names(content.get("features", []), "features")
        entries = content.get("behaviour", [])
        if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
            raise BuildError(f"{FILE}: behaviour must be [[behaviour]] tables")
        found = [_behaviour(entry, set(features)) for entry in entries]
        return cls([behaviour for behaviour in found if behaviour is not None], features)

    def strikes(self, command: str) -> Behaviour | None:
        """What happens to this call instead of the right thing; `None` for the right thing."""
        for behaviour in self._behaviours:
            if behaviour.command == command and (behaviour.rate == 1 or self._chance.random() < behaviour.rate):
                return behaviour
        return None


def _behaviour(entry: Mapping[str, Any], features: set[str]) -> Behaviour | None:
    """One entry; `None` where a feature that it needs is not in the build."""
    _known(entry, KEYS, "a behaviour")
    for key, kind in KEYS.items():
        if key in entry and (not isinstance(entry[key], kind) or isinstance(entry[key], bool)):  # type: ignore[arg-type]  # a type or several
            raise BuildError(f"{FILE}: {key}={entry[key]!r} has the wrong type")
    name, does = entry.get("command", ""), entry.get("does", "")
    command = schema.load().commands.get(name)
    if command is None:
        raise BuildError(f"{FILE}: there is no command {name!r}")
    if does not in {NOTHING, FAILS, WAITS}:
        raise BuildError(f"{FILE}: {name} does {does!r}; a behaviour does {NOTHING}, {FAILS} or {WAITS}")
    if does == WAITS and not command.is_async:
        raise BuildError(f"{FILE}: {name} is no job, so it cannot wait")
    answers = command.response == "SuccessResponse" or any(each.name == "id" for each in command.parameters)
    if does == NOTHING and (command.lists or not answers):
        raise BuildError(f"{FILE}: {name} has nothing to answer with if it does nothing")
    rate, seconds = entry.get("rate", 1), entry.get("seconds", 0)
    if not 0 < rate <= 1 or not 0 <= seconds < float("inf"):
        raise BuildError(f"{FILE}: {name}: a rate is above 0 and at most 1, and seconds are not negative")
    if not set(_names(entry.get("needs", []), "needs")) <= features:
        return None
    return Behaviour(name, does, float(rate), entry.get("text", TEXT), float(seconds))


def _names(value: Any, key: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        raise BuildError(f"{FILE}: {key} must be a list of names")
    return value


def _known(found: Mapping[str, Any], keys: Any, where: str) -> None:
    unknown = sorted(set(found) - set(keys))
    if unknown:
        raise BuildError(f"{FILE}: {where} has no {unknown[0]!r}; known are {', '.join(keys)}")
