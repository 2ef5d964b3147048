"""What a suite may ask for and a zone may not have: the test is skipped, with the reason.

Many of CloudStack's suites wrap whatever goes wrong in their setup and teardown into an exception of their own, so the
reason is looked for below it.
"""

from __future__ import annotations

import socket
import unittest
from typing import Any

from ..errors import UnreachableError


class Unavailable(unittest.SkipTest):
    """The test needs what this zone, or this Python, does not have."""


class NoDatabase:
    """In the place of Marvin's database connection, where the zone's configuration names no database."""

    def __init__(self, zone: str) -> None:
        self._zone = zone

    def execute(self, *_: Any, **__: Any) -> Any:
        """Skip the test that would execute SQL."""
        raise Unavailable(
            f"needs SQL on the management server's database, and the configuration of zone {self._zone} names none "
            f"(dbSvr)"
        )

    executeSqlFromFile = execute  # noqa: N815  Marvin's name


class NamedDatabase:
    """Marvin's connection to the database that the zone's configuration names, which must be there.

    Where it does not answer, a test that needs it says nothing about the build.

    Args:
        connection: Marvin's own.
    """

    def __init__(self, connection: Any, host: str, port: int, *, timeout_s: float = 5.0) -> None:
        self._connection, self._address, self._timeout_s = connection, (host, port), timeout_s

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        """Execute SQL, as Marvin does."""
        self._reach()
        return self._connection.execute(*args, **kwargs)

    def executeSqlFromFile(self, *args: Any, **kwargs: Any) -> Any:  # noqa: N802  Marvin's name
        """Execute a file of SQL, as Marvin does."""
        self._reach()
        return self._connection.executeSqlFromFile(*args, **kwargs)

    def _reach(self) -> None:
        try:
            socket.create_connection(self._address, timeout=self._timeout_s).close()
        except OSError as error:
            host, port = self._address
            raise UnreachableError(
                f"database {host}:{port}", error.strerror or str(error), "correct dbSvr in the zone's configuration"
            ) from error


def unavailable(error: BaseException | None) -> Unavailable | None:
    """What was not to be had, if that is what an error comes from."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, Unavailable):
            return error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None
