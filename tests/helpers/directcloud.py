"""The simulated management server as a `CloudApi`, without a network between, and with faults at chosen commands."""

from __future__ import annotations

import threading
from typing import Any

from cloudlab import Cloud

from pytest_qacloud.drivers.cloudstack_wire import flatten
from pytest_qacloud.errors import CloudApiError, UnreachableError
from pytest_qacloud.rack.cloudstack.errors import ApiError


class DirectCloud:
    """Fulfils `ports.CloudApi`.

    Args:
        fault_at: the number (from 1) of the changing command that breaks; `None` for none.
        lost_reply: the command that breaks has done its work, and only its answer is lost.
    """

    def __init__(self, cloud: Cloud | None = None, *, fault_at: int | None = None, lost_reply: bool = False) -> None:
        self.cloud = cloud or Cloud()
        self.fault_at, self.lost_reply = fault_at, lost_reply
        self.changes: list[tuple[str, dict[str, str]]] = []
        self._lock = threading.RLock()

    def call(self, command: str, **params: Any) -> Any:
        with self._lock:
            self.changes.append((command, flatten(params)))
            strikes = len(self.changes) == self.fault_at
            if strikes and not self.lost_reply:
                raise UnreachableError("CloudStack", f"{command}: no answer")
            reply = self._ask(command, params)
            if strikes:
                raise UnreachableError("CloudStack", f"{command}: the connection broke")
            return reply

    def submit(self, command: str, **params: Any) -> Any:
        raise NotImplementedError

    def close(self) -> None:
        pass

    def sent(self, *names: str) -> list[dict[str, str]]:
        """The parameters of every changing command of these names."""
        return [params for command, params in self.changes if command in names]

    def list(self, command: str, **params: Any) -> list[dict[str, Any]]:
        with self._lock:
            reply = self._ask(command, params)
        return next((value for name, value in reply.items() if name != "count"), [])

    def _ask(self, command: str, params: dict[str, Any]) -> Any:
        try:
            reply = self.cloud.ask(command, **flatten(params))
            if "jobid" in reply:
                self.cloud.clock.time += 1
                job = self.cloud.ask("queryAsyncJobResult", jobid=reply["jobid"])
                if job["jobstatus"] == 2:
                    failed = job["jobresult"]
                    raise CloudApiError("CloudStack", command, failed["errorcode"], failed["errortext"])
                return job["jobresult"]
            return reply
        except ApiError as error:
            raise CloudApiError("CloudStack", command, error.code, error.text) from error
