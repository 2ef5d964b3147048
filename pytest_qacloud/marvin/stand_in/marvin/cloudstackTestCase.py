"""The base class of all suites."""

import unittest
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, TypeVar

from marvin.codes import EMPTY_LIST, FAIL, INVALID_INPUT, MATCH_NOT_FOUND, PASS

C = TypeVar("C", bound=type)


def user(Name: str, DomainName: str, AcctType: int) -> Callable[[C], C]:
    """Class decorator: the class's instances name the user that their tests run as."""

    def wrapper(cls: C) -> C:
        construct = cls.__init__

        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
            cls.UserName, cls.DomainName, cls.AcctType = Name, DomainName, AcctType
            construct(self, *args, **kwargs)

        cls.__init__ = __init__
        return cls

    return wrapper


class cloudstackTestCase(unittest.TestCase):
    """A suite. What is declared here is injected before `setUpClass`."""

    testClient: ClassVar[Any]
    config: ClassVar[Any]
    debug: ClassVar[Callable[..., None]]
    info: ClassVar[Callable[..., None]]
    warn: ClassVar[Callable[..., None]]
    error: ClassVar[Callable[..., None]]
    clstestclient: ClassVar[Any] = None

    @classmethod
    def getClsTestClient(cls) -> Any:
        """The test client."""
        return cls.clstestclient

    @classmethod
    def getClsConfig(cls) -> Any:
        """The configuration that the zone was deployed from."""
        return cls.config

    def assertElementInList(
        self,
        inp: Any,
        toverify: Any,
        responsevar: str | None = None,
        pos: int = 0,
        assertmsg: str = "TC Failed for reason",
    ) -> None:
        """`inp[pos]`, or its attribute `responsevar`, must be `toverify`."""
        verdict, reason = _element_in_list(inp, toverify, responsevar, pos)
        self.assertEqual(verdict, PASS, f"{assertmsg}: {reason}")

    @classmethod
    def tearDownClass(cls) -> None:
        """Delete what `cls._cleanup` holds, last made first."""
        cls.debug("Cleaning up the resources of the class")
        client = getattr(cls, "apiclient", None) or getattr(cls, "api_client", None)
        if client is not None:
            cls.cleanup_resources(client, reversed(getattr(cls, "_cleanup", ())))

    def tearDown(self) -> None:
        """Delete what `self.cleanup` holds, last made first."""
        self.debug("Cleaning up the resources of the test")
        client = getattr(self, "apiclient", None)
        if client is not None:
            self.cleanup_resources(client, reversed(getattr(self, "cleanup", ())))

    @classmethod
    def cleanup_resources(cls, api_client: Any, resources: Iterable[Any]) -> None:
        """Call `delete(api_client)` of each, even when one before it failed.

        Raises:
            ExceptionGroup: some could not be deleted.
        """
        failures = []
        for resource in resources:
            try:
                resource.delete(api_client)
            except Exception as error:  # noqa: BLE001  a suite's own code: whatever it raises, the rest must go too
                failures.append(error)
        if failures:
            raise ExceptionGroup(f"Warning: Exception during cleanup of {cls.__name__}", failures)


def _element_in_list(inp: Any, toverify: Any, responsevar: str | None, pos: int) -> tuple[int, str | None]:
    if toverify is None or toverify == "" or pos is None or pos < -1:
        return FAIL, INVALID_INPUT
    if not isinstance(inp, list):
        return FAIL, INVALID_INPUT
    if not inp:
        return FAIL, EMPTY_LIST
    if len(inp) <= pos:
        return FAIL, MATCH_NOT_FOUND
    element = inp[pos] if responsevar is None else vars(inp[pos]).get(responsevar)
    return (PASS, None) if element == toverify else (FAIL, MATCH_NOT_FOUND)
