"""What a suite may ask for and a zone may not have: the test is skipped, with the reason.

Many of CloudStack's suites wrap whatever goes wrong in their setup and teardown into an exception of their own, so the
reason is looked for below it.
"""

from __future__ import annotations

import unittest
from typing import Any


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


def unavailable(error: BaseException | None) -> Unavailable | None:
    """What was not to be had, if that is what an error comes from."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, Unavailable):
            return error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None
