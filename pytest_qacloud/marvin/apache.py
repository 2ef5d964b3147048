"""A zone for Apache CloudStack's own Marvin: its test client, made from what the lease knows, without its traps.

Behaviour of Marvin 4.22 that this module works around, each where it is dealt with: an administrator's existing keys
move its client to port 8080; a user's client overwrites the details that all clients share; a named file of test data
that does not exist is passed over in silence; closing the client fails; SQL goes to localhost where no database is
named; jobs are looked at once a second, however short they are; keys and passwords are logged.
"""

from __future__ import annotations

import copy
import logging
import re
import time
from functools import wraps
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import MarvinError
from .unavailable import NamedDatabase, NoDatabase

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..calls import CallLog
    from ..model import Endpoint, Zone

MYSQL_PORT = 3306

PORTS = {"http": 80, "https": 443}

JOB_TIMEOUT_S = 3600
"""Marvin's own."""

JOB_POLL_S = 1.0
"""Marvin's own, and the longest that it is let wait."""

SECRET = re.compile(
    r"""((?:api|secret|security|private|session)_?key|password|passwd|signature)(['"]?\s*[:=]\s*)(b?)(['"])(.*?)\4""",
    re.IGNORECASE | re.DOTALL,
)
"""A secret in what Marvin logs: its name, and its value in quotes."""

NAMED = ("key", "passw", "signature")
"""One of these is in the name of each such secret, in small letters."""

NO_CERTIFICATE = "NA"
"""How Marvin's configuration says that there is none; for anything else it would present a client certificate."""


def parsed_config(zone: Zone) -> Any:
    """The configuration of the zone, completed with the endpoint and its keys, as Marvin parses it.

    Raises:
        MarvinError: the endpoint has a path that Marvin cannot call.
    """
    from marvin.jsonHelper import jsonLoader

    config = copy.deepcopy(dict(zone.marvin_config))
    first = dict((config.get("mgtSvr") or [{}])[0])
    config["mgtSvr"] = [first | _management(zone.endpoint)]
    return jsonLoader(config)


def make_test_client(zone: Zone, config: Any, logger: logging.Logger) -> Any:
    """Marvin's test client for the zone.

    Raises:
        MarvinError: it says that it failed, or the zone's test data cannot be had.
    """
    from marvin.codes import FAILED
    from marvin.jsonHelper import jsonLoader

    poll_s = min(zone.job_poll_s, JOB_POLL_S)
    _look_at_jobs_every(poll_s)
    if not any(isinstance(each, WithoutSecrets) for each in logger.filters):
        logger.addFilter(WithoutSecrets())
    client = _leased_client()(
        _details(jsonLoader, vars(config.mgtSvr[0])),
        config.dbSvr or jsonLoader({}),
        async_timeout=int(JOB_TIMEOUT_S / poll_s),  # Marvin counts how often it looks
        logger=logger,
        test_data_filepath=_test_data(zone),
        zone=zone.name,
        hypervisor_type=zone.hypervisor,
    )
    if client.createTestClient() == FAILED:
        raise MarvinError(
            f"Marvin could not make its test client for zone {zone.name}; marvin.log in the run's folder has the reason"
        )
    client.getDbConnection = _database(config.dbSvr, zone.name, client.getDbConnection)
    return client


def _database(named: Any, zone: str, connect: Callable[[], Any]) -> Callable[[], Any]:
    """What gives suites their database connection."""
    if named is None:
        return lambda: NoDatabase(zone)
    host, port = named.dbSvr or "localhost", int(named.port or MYSQL_PORT)
    return lambda: NamedDatabase(connect(), host, port)


def record_calls(calls: CallLog | None) -> None:
    """Have Marvin's connections record what they are asked; `None` to leave off.

    Marvin calls the same method for each look at a job, which is a part of the call that waits for it.
    """
    connection: Any = import_module("marvin.cloudstackConnection").CSConnection
    request = getattr(connection.marvinRequest, "__wrapped__", connection.marvinRequest)
    connection.marvinRequest = request
    if calls is None:
        return

    @wraps(request)
    def recorded(self: Any, cmd: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True  # a failing test is shown its own lines and Marvin's
        with calls.call(type(cmd).__name__.removesuffix("Cmd"), _params(cmd)) as call:
            answer = request(self, cmd, *args, **kwargs)
            call.job = call.job or str(getattr(answer, "jobid", None) or "")
            return answer

    connection.marvinRequest = recorded


def _params(cmd: Any) -> dict[str, Any]:
    """What was set of a command's parameters."""
    set_ = getattr(cmd, "__dict__", {}).items()
    return {
        name: value
        for name, value in set_
        if name not in ("isAsync", "required", "typeInfo") and value is not None and value != []
    }


class WithoutSecrets(logging.Filter):
    """Takes keys, signatures and passwords out of what is logged, before any file or report has it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the record, with its secrets replaced."""
        said = record.getMessage()
        small = said.casefold()
        if any(name in small for name in NAMED):  # answers are long, and the pattern is slow
            said = SECRET.sub(r"\1\2\4…\4", said)
        record.msg, record.args = said, ()
        return True


def _look_at_jobs_every(poll_s: float) -> None:
    connection: Any = import_module("marvin.cloudstackConnection")
    connection.time = SimpleNamespace(time=time.time, ctime=time.ctime, sleep=lambda _seconds: time.sleep(poll_s))


def _management(endpoint: Endpoint) -> dict[str, Any]:
    url = urlsplit(endpoint.url)
    if url.path.strip("/") != "client/api":
        raise MarvinError(f"Marvin calls CloudStack only at /client/api, and the endpoint is {endpoint.url}")
    return {
        "mgtSvrIp": url.hostname,
        "port": url.port or PORTS[url.scheme],
        "apiKey": endpoint.api_key,
        "securityKey": endpoint.secret_key,
        "useHttps": str(url.scheme == "https"),  # Marvin compares it with the text "True"
        "certCAPath": NO_CERTIFICATE,
        "certPath": NO_CERTIFICATE,
    }


def _details(loader: Any, values: Mapping[str, Any]) -> Any:
    """The connection's details, whose port stays: Marvin sets 8080 wherever it finds existing keys."""
    port = values["port"]

    class Details(loader):  # type: ignore[misc]  # Marvin's class, imported at run time
        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, port if name == "port" else value)

    return Details(values)


def _leased_client() -> Any:
    # Not what stands in, whose types a checker would see.
    client: Any = import_module("marvin.cloudstackTestClient").CSTestClient

    class LeasedClient(client):  # type: ignore[misc]  # Marvin's class, imported at run time
        def __init__(self, details: Any, *args: Any, **kwargs: Any) -> None:
            self._details = details
            super().__init__(details, *args, **kwargs)

        def getUserApiClient(self, UserName: Any = None, DomainName: Any = None, type: int = 0) -> Any:  # noqa: A002, N802, N803  Marvin's names
            """Marvin's, with details of the user's own, so that copies of clients keep their keys."""
            shared = dict(vars(self._details))
            try:
                client = super().getUserApiClient(UserName, DomainName, type)
                connection = getattr(client, "connection", None)
                if connection is not None and client is not self.getApiClient():
                    connection.mgtDetails = self._details.__class__(vars(self._details))
            finally:
                vars(self._details).update(shared)
            return client

        def close(self) -> None:
            """Nothing: Marvin opens a connection for each call."""

    return LeasedClient


def _test_data(zone: Zone) -> str | None:
    path = (zone.marvin_config.get("TestData") or {}).get("Path")
    if path and not Path(path).is_file():
        raise MarvinError(f"the configuration of zone {zone.name} names {path} as test data, which is no file")
    return path or None
