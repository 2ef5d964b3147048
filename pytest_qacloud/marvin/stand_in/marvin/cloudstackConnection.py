"""How commands reach CloudStack: through the driver that this run's session made, not through a client of its own."""

import logging
from typing import Any

from marvin.cloudstackException import CloudstackAPIException, InvalidParameterException
from marvin.jsonHelper import getResultObj
from pytest_qacloud.calls import shown
from pytest_qacloud.errors import CloudApiError
from pytest_qacloud.marvin.commands import catalogue
from pytest_qacloud.ports import CloudApi


class CSConnection:
    """One user's connection."""

    def __init__(self, api: CloudApi, logger: logging.Logger) -> None:
        self.api = api
        self.logger = logger

    def __copy__(self) -> "CSConnection":
        # A driver is safe to call from several threads, so copies share it.
        return CSConnection(self.api, self.logger)

    def marvinRequest(self, cmd: Any, response_type: Any = None, method: str = "GET", data: str = "") -> Any:
        """Send a command and wait for its job, if it is asynchronous.

        Where a suite has set `isAsync` of an asynchronous command to `"false"`, the job is only begun, and the answer
        has its `jobid`. `method` and `data` are the driver's business and not looked at.

        Raises:
            InvalidParameterException: a required parameter is missing; nothing was sent.
            CloudstackAPIException: CloudStack refused the command, or the job failed.
            DriverError: no answer from CloudStack, which says nothing about the command.
        """
        __tracebackhide__ = True  # a failing test is shown its own lines
        del method, data
        name, params = _request(cmd)
        missing = [required for required in cmd.required if getattr(cmd, required) is None]
        if missing:
            raise InvalidParameterException(f"{name} needs {', '.join(missing)}")
        self.logger.debug("%s(%s)", name, ", ".join(f"{key}={shown(key, value)!r}" for key, value in params.items()))
        begin_only = cmd.isAsync == "false" and catalogue.entries().get(name, {}).get("isasync") is True
        try:
            answer = self.api.submit(name, **params) if begin_only else self.api.call(name, **params)
        except CloudApiError as error:
            self.logger.debug("%s was refused: %d %s", name, error.errorcode, error.errortext)
            reason = f"errorCode: {error.errorcode}, errorText:{error.errortext}"
            raise CloudstackAPIException(name, reason) from None  # it says all that the driver's error does
        return getResultObj(answer, response_type)


def _request(cmd: Any) -> tuple[str, dict[str, Any]]:
    """A command's name and the parameters that were set."""
    params = {
        name: value
        for name, value in vars(cmd).items()
        if name not in ("isAsync", "required") and value is not None and value != []
    }
    return type(cmd).__name__.removesuffix("Cmd"), params
