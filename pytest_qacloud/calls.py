"""The API calls that tests make: which test made what, how long it took, and how it ended.

Whatever a test calls CloudStack with is recorded here: the stand-in for Marvin and the fixture `qacloud_api` through
`RecordedApi`, Apache's Marvin through its connection (see `marvin.apache`). The file has all of them, a line of JSON
each; memory only the last of each test.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .errors import CloudApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .journal import Redactor
    from .ports import CloudApi

log = logging.getLogger(__name__)

KEPT = 30
"""Calls of one test that a report shows: the last ones, which are nearest to the failure."""

VALUE_LENGTH, OUTCOME_LENGTH = 80, 300
"""Characters of a parameter's value, and of an error's text, that a report shows."""

SECRET = ("password", "passwd", "secret", "privatekey", "apikey", "sessionkey", "psk", "signature", "token", "userdata")
"""A parameter whose name holds one of these is not shown."""

HIDDEN = "…"

JSON = json.JSONEncoder(ensure_ascii=False)
"""Of each line; `json.dumps` makes one a call where it is not asked for its defaults."""

USER_IN_URL = re.compile(r"//[^/@\s]+@")

NOT_SIMULATED = re.compile(r"The simulated management server does not implement the command (\w+)")
"""What the simulated management server says of a command that CloudStack has and it has not."""

MARVIN_ERROR = re.compile(r"errorCode: (\d+), errorText:(.*)", re.DOTALL)
"""What Marvin's exceptions make of an error reply."""


def not_simulated(text: str) -> str:
    """The command of which the simulated management server said that it does not simulate it; empty if it did not."""
    found = NOT_SIMULATED.search(text)
    return found[1] if found else ""


def shown(name: str, value: object) -> object:
    """A parameter's value as plain data, without what its name says is secret, and without users in URLs."""
    if _is_secret(name):
        return HIDDEN
    if isinstance(value, str):
        return USER_IN_URL.sub("//", value) if "//" in value else str(value)
    if isinstance(value, Mapping):
        return {str(key): shown(str(key), member) for key, member in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [shown("", member) for member in value]
    return value if value is None or isinstance(value, bool | int | float) else USER_IN_URL.sub("//", str(value))


@lru_cache(maxsize=1024)  # there are few names, and many calls
def _is_secret(name: str) -> bool:
    lowered = name.lower()
    return any(word in lowered for word in SECRET)


@dataclass(slots=True)
class Call:
    """One call, from the test's side: an asynchronous command and the wait for its job are one.

    Args:
        test: node id of the test, or of the class or module that was set up; empty outside of any.
        at: UNIX time when it began, seconds.
        elapsed_s: until the test had its answer.
        outcome: `done`, or the error's code and text, or what else was raised.
        job: id of its job, where it is known.
    """

    test: str
    command: str
    params: dict[str, Any]
    at: float
    elapsed_s: float = 0.0
    outcome: str = "done"
    job: str = ""

    def json(self) -> str:
        """For the file."""
        return JSON.encode({name: getattr(self, name) for name in self.__slots__})

    def line(self) -> str:
        """For people: how long, what, and how it ended."""
        params = ", ".join(f"{name}={_short(repr(value), VALUE_LENGTH)}" for name, value in self.params.items())
        job = f"job {self.job}: " if self.job else ""
        outcome = _short(" ".join(self.outcome.split()), OUTCOME_LENGTH)
        return f"{self.elapsed_s:8.3f} s  {self.command}({params}) -> {job}{outcome}"


@dataclass(slots=True)
class Made:
    """What one test has called: how often, the last calls, and commands that the server does not simulate."""

    count: int = 0
    last: deque[Call] = field(default_factory=lambda: deque(maxlen=KEPT))
    not_simulated: dict[str, None] = field(default_factory=dict)

    def text(self, whose: str, file: Path) -> str:
        """For a report: the last calls, and how many there were before them."""
        if not self.count:
            return f"{whose} made no API call"
        left_out = self.count - len(self.last)
        title = f"{self.count} API call{'s' if self.count > 1 else ''} of {whose}"
        if left_out:
            title += f"; the first {left_out} are left out here, {file.name} has all"
        return "\n".join([title, *(call.line() for call in self.last)])


class CallLog:
    """Records calls, each for the test that makes it. Safe from several threads.

    A call that cannot be written, since the disk is full, is missing in the file: no test fails for that.
    Calls of threads belong to the test that runs when they end. A call within a call, in the same thread, is a part of
    the outer one, such as Marvin's looks at a job.

    Args:
        path: the file; made with the first call.
    """

    def __init__(self, path: Path, redact: Redactor, now: Callable[[], float] = time.time) -> None:
        self.path = path
        self._redact = redact
        self._now = now
        self._lock = threading.Lock()
        self._mine = threading.local()
        self._tests: list[str] = [""]
        self._made: dict[str, Made] = {}
        self._file: Any = None

    @contextmanager
    def during(self, test: str) -> Iterator[None]:
        """Calls made in this block are those of a test, or of the class or module that is set up for it."""
        self._tests.append(test)
        try:
            yield
        finally:
            self._tests.pop()

    def made(self, test: str) -> Made:
        """What a test, class or module has called so far."""
        with self._lock:
            return self._made.get(test) or Made()

    def forget(self, test: str) -> None:
        """Drop a test's calls from memory, once it was reported."""
        with self._lock:
            self._made.pop(test, None)

    @contextmanager
    def call(self, command: str, params: Mapping[str, Any]) -> Iterator[Call]:
        """Record the call that is made in this block; whoever makes it adds the job's id."""
        outer: Call | None = getattr(self._mine, "call", None)
        if outer is not None:
            yield outer
            return
        plain = {name: shown(name, value) for name, value in params.items()}
        call = self._mine.call = Call(self._tests[-1], command, plain, round(self._now(), 6))
        begun_s, said = time.perf_counter(), ""
        try:
            yield call
        except BaseException as error:
            said = f"{type(error).__name__} {error}"
            call.outcome = _outcome(error)
            if isinstance(error, CloudApiError):
                call.job = error.job
            raise
        finally:
            self._mine.call = None
            call.elapsed_s = round(time.perf_counter() - begun_s, 6)
            self._keep(call, not_simulated(said))

    def _keep(self, call: Call, missing: str) -> None:
        line = call.json()
        if self._redact(line) != line:  # looked at as a whole, since it hardly ever is so, and each look costs time
            call.params, call.outcome = self._redact.clean(call.params), self._redact(call.outcome)
            line = call.json()
        with self._lock:
            made = self._made.setdefault(call.test, Made())
            made.count += 1
            made.last.append(call)
            if missing:
                made.not_simulated[missing] = None
            try:
                if self._file is None:
                    self._file = self.path.open("a", encoding="utf-8", errors="backslashreplace")
                self._file.write(line + "\n")
                self._file.flush()
            except OSError as error:
                log.warning("%s cannot be written: %s", self.path, error.strerror)

    def close(self) -> None:
        """Close the file; a later call opens it again."""
        with self._lock:
            file, self._file = self._file, None
            if file is not None:
                with suppress(OSError):
                    file.close()


class RecordedApi:
    """A `CloudApi` whose calls are recorded."""

    def __init__(self, api: CloudApi, calls: CallLog) -> None:
        self._api = api
        self._calls = calls

    def call(self, command: str, **params: Any) -> Any:
        """See `CloudApi`."""
        with self._calls.call(command, params):
            return self._api.call(command, **params)

    def submit(self, command: str, **params: Any) -> Any:
        """See `CloudApi`."""
        with self._calls.call(command, params) as call:
            answer = self._api.submit(command, **params)
            if isinstance(answer, Mapping):
                call.job = str(answer.get("jobid", ""))
            return answer

    def list(self, command: str, **params: Any) -> list[dict[str, Any]]:
        """See `CloudApi`; all pages are one call."""
        with self._calls.call(command, params):
            return self._api.list(command, **params)

    def close(self) -> None:
        """See `CloudApi`."""
        self._api.close()


def _outcome(error: BaseException) -> str:
    """An error reply's code and text, whichever library made an exception of it; else the exception."""
    if isinstance(error, CloudApiError):
        return f"{error.errorcode} {error.errortext}"
    found = MARVIN_ERROR.search(str(error))
    return f"{found[1]} {found[2]}" if found else f"{type(error).__name__}: {error}"


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
