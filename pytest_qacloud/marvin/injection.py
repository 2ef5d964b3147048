"""What Marvin's nose plugin gives a suite before it runs: clients, configuration, log."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ..calls import RecordedApi
from ..errors import MarvinError
from .installed import Kind, which

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..calls import CallLog
    from ..model import Endpoint, Zone
    from ..ports import CloudApi

TEST_CASE = "marvin.cloudstackTestCase"

RENAMED = {
    "assertEquals": "assertEqual",
    "assertNotEquals": "assertNotEqual",
    "assertAlmostEquals": "assertAlmostEqual",
    "assertRegexpMatches": "assertRegex",
    "assertNotRegexpMatches": "assertNotRegex",
    "assertRaisesRegexp": "assertRaisesRegex",
    "assert_": "assertTrue",
    "failUnless": "assertTrue",
    "failIf": "assertFalse",
}
"""Old names of unittest's methods that Python 3.12 no longer has, and upstream's suites still call."""


@dataclass(frozen=True, slots=True)
class RunContext:
    """What every suite of a run is given.

    Args:
        test_client: Marvin's test client, bound to the zone.
        config: the configuration the zone was deployed from, with attribute access; what it lacks is `None`.
    """

    test_client: Any
    config: Any
    logger: logging.Logger

    def close(self) -> None:
        """Close what the suites opened; the run's own driver stays open."""
        self.test_client.close()


def bind(
    api: CloudApi,
    zone: Zone,
    connect: Callable[[Endpoint], CloudApi],
    logger: logging.Logger | None = None,
    calls: CallLog | None = None,
) -> RunContext:
    """Tie Marvin to a zone: its API modules follow the endpoint's own `listApis` from here on.

    Args:
        api: with the root administrator's keys.
        connect: makes a driver for another user's endpoint.
        logger: where suites and API calls are logged; `marvin` by default.
        calls: records what suites call.

    Raises:
        MarvinError: what would be imported as `marvin` is not CloudStack's, or the zone's test data is unreadable.
        DriverError: `listApis` failed.
        ImportError: Apache Marvin needs a package that is not installed.
    """
    found = which()
    if found.kind not in (Kind.STAND_IN, Kind.APACHE):
        raise MarvinError(found.advice or "there is no marvin: `provide()` must come before `bind()`")
    from .commands import catalogue

    catalogue.refresh(api.list("listApis"))
    logger = logger or logging.getLogger("marvin")
    if found.kind is Kind.APACHE:
        from .apache import make_test_client, parsed_config, record_calls

        record_calls(calls)
        config = parsed_config(zone)
        return RunContext(make_test_client(zone, config, logger), config, logger)
    from marvin.cloudstackTestClient import CSTestClient
    from marvin.jsonHelper import jsonLoader

    if calls is not None:
        api, connect = RecordedApi(api, calls), partial(_recorded, connect, calls)
    return RunContext(CSTestClient(api, zone, connect, logger), jsonLoader(zone.marvin_config), logger)


def _recorded(connect: Callable[[Endpoint], CloudApi], calls: CallLog, endpoint: Endpoint) -> CloudApi:
    return RecordedApi(connect(endpoint), calls)


def is_suite(cls: type) -> bool:
    """Whether a class is a Marvin suite. Imports nothing: where Marvin was never imported there is none."""
    module = sys.modules.get(TEST_CASE)
    base = getattr(module, "cloudstackTestCase", None)
    return base is not None and cls is not base and issubclass(cls, base)


def inject(cls: Any, context: RunContext) -> None:
    """Give a suite's class what Marvin's nose plugin gives it; must come before `setUpClass`."""
    client = context.test_client
    if client.identifier is None:
        client.identifier = cls.__name__
    cls.debug = context.logger.debug
    cls.info = context.logger.info
    cls.warn = context.logger.warning
    cls.error = context.logger.error
    cls.testClient = cls.clstestclient = client
    cls.config = context.config
    for old, new in RENAMED.items():
        if not hasattr(cls, old):
            setattr(cls, old, getattr(cls, new))
    if hasattr(cls, "user") and hasattr(cls, "UserName"):
        client.getUserApiClient(cls.UserName, cls.DomainName, cls.AcctType)


def set_identifier(context: RunContext, cls: type, test: str) -> None:
    """Name the test whose calls follow.

    Args:
        test: the method's name.
    """
    context.test_client.identifier = f"{cls.__name__}-{test}"
