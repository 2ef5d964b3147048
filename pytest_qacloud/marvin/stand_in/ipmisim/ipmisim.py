"""The names that suites import; a test that would use the BMC behind them is skipped, with the reason."""

from typing import Any, NoReturn

from pytest_qacloud.marvin.unavailable import Unavailable

REASON = (
    "needs ipmisim, a simulated BMC, which is not installed: the pycrypto that it depends on builds on no Python that "
    "is still maintained"
)


class IpmiServerContext:
    """The state of the simulated BMC."""

    def __init__(self, *_: Any) -> None:
        _skip()


class ThreadedIpmiServer:
    """Its server."""

    allow_reuse_address = False

    def __init__(self, *_: Any) -> None:
        _skip()


class IpmiServer:
    """Its side of one session."""

    def __init__(self, *_: Any) -> None:
        _skip()


def _skip() -> NoReturn:
    raise Unavailable(REASON)
