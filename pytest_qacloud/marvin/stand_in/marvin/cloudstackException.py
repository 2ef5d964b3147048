"""The exceptions that suites catch."""

import traceback
from typing import Any

from marvin.codes import EXCEPTION_OCCURRED


class _Message(Exception):
    def __init__(self, msg: Any = "") -> None:
        self.errorMsg = msg
        super().__init__(msg)

    def __str__(self) -> str:
        return str(self.errorMsg)


class CloudstackAPIException(_Message):
    """CloudStack refused a command, or its job failed."""

    def __init__(self, cmd: str = "", result: Any = "") -> None:
        super().__init__(f"Execute cmd: {cmd} failed, due to: {result}")


class InvalidParameterException(_Message):
    """A command without a parameter that it needs; it was not sent."""


class dbException(_Message):
    """The database cannot be used."""


class internalError(_Message):
    """The library failed."""


class CloudstackAclException:
    """Parts of the texts with which CloudStack denies access, and two ways to look for them."""

    NO_PERMISSION_TO_OPERATE_DOMAIN = "does not have permission to operate within domain"
    UNABLE_TO_USE_NETWORK = "Unable to use network"
    NO_PERMISSION_TO_OPERATE_ACCOUNT = "does not have permission to operate with resource"
    UNABLE_TO_LIST_NETWORK_ACCOUNT = "Can't create/list resources for account"
    NO_PERMISSION_TO_ACCESS_ACCOUNT = "does not have permission to access resource Acct"
    NOT_AVAILABLE_IN_DOMAIN = "not available in domain"
    NO_PERMISSION_TO_OPERATE_SOURCE = "does not have permission to operate with provided resource"

    @staticmethod
    def verifyMsginException(e: BaseException, message: str) -> bool:
        """Whether the exception's text holds `message`."""
        return message in str(e)

    @staticmethod
    def verifyErrorCodeinException(e: BaseException, errorCode: str) -> bool:
        """Whether the exception's text names the error code."""
        return f" errorCode: {errorCode}" in str(e)


def GetDetailExceptionInfo(e: Any) -> str:
    """A text for a log: an exception with its traceback, or a text as it is."""
    if e is None:
        return EXCEPTION_OCCURRED
    if isinstance(e, str):
        return e
    error = e[1] if isinstance(e, tuple) else e
    return "".join(traceback.format_exception(error))
