"""CloudStack's API with one user's keys, and how an administrator gets keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

from ..deadline import SYSTEM_CLOCK, Deadline
from ..errors import AccessDeniedError, CloudApiError, DeadlineError, ServiceFaultError, UnreachableError
from ..model import Endpoint
from .cloudstack_wire import failure, flatten, post, session, signed

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

    from ..model import ManagementService

Entities: TypeAlias = list[dict[str, Any]]

PAGE = 500
"""Entities a page: the most that a server takes unless it is configured otherwise (`default.page.size`)."""

FIRST_POLL_S = 0.05
POLL_GROWTH = 1.5

LOGIN_REFUSED = (401, 531)
"""Codes of a login whose name or password is wrong; others say that the server could not do it."""

LOST_POLLS = 5
"""Polls of a job in a row that may find nobody: the job outlives a connection, and its result is worth waiting for."""

PENDING, FAILED = 0, 2
"""`jobstatus` of a job that runs, and of one that failed; 1 is success."""


class CloudStackApi:
    """A `CloudApi`.

    Args:
        timeout_s: seconds one request may take to connect, and between two parts of its answer.
        job_timeout_s: seconds an asynchronous job may take.
        job_poll_s: seconds between two looks at a job; the first ones come sooner.
    """

    def __init__(
        self, endpoint: Endpoint, *, timeout_s: float = 60, job_timeout_s: float = 3600, job_poll_s: float = 2.0
    ) -> None:
        self._endpoint = endpoint
        self._name = f"CloudStack {urlsplit(endpoint.url).netloc}"
        self._timeout_s, self._job_timeout_s, self._job_poll_s = timeout_s, job_timeout_s, job_poll_s
        self._http = session(endpoint.ca_file, cookies=False)

    def call(self, command: str, **params: Any) -> Any:
        """One command; an asynchronous one is followed to its end.

        Returns:
            The content of the `<command>response` wrapper; for a job, its `jobresult`.

        Raises:
            CloudApiError: refused, or the job failed.
            UnreachableError: no answer, or 503. The command may have been carried out all the same.
            DeadlineError: the job did not end in time; it goes on over there.
        """
        content = self._send(command, params)
        if "jobid" in content and command.lower() != "queryasyncjobresult":
            return self._follow(command, str(content["jobid"]))
        return content

    def submit(self, command: str, **params: Any) -> Any:
        """One command; an asynchronous one is only begun: the answer has its `jobid`."""
        return self._send(command, params)

    def list(self, command: str, **params: Any) -> Entities:
        """All pages of a list command, the entities only; one page where `params` has `page`.

        What is added or removed between two pages may be missed or come twice.
        """
        if "page" in params:
            return _entities(self._send(command, {"pagesize": PAGE, **params}))[0]
        return [entity for page in self._pages(command, {"pagesize": PAGE, **params}) for entity in page]

    def close(self) -> None:
        """Drop connections; never raises."""
        self._http.close()

    def _pages(self, command: str, params: dict[str, Any]) -> Iterator[Entities]:
        seen, page = 0, 1
        while True:
            entities, count = _entities(self._send(command, {**params, "page": page}))
            yield entities
            seen, page = seen + len(entities), page + 1
            # `count` is what there is, in all pages; commands that know no pages send everything and stop here too.
            if not entities or seen >= (count if count is not None else 0):
                return

    def _send(self, command: str, params: dict[str, Any]) -> dict[str, Any]:
        flat = flatten(params) | {"command": command, "response": "json"}
        complete = signed(flat, self._endpoint.api_key, self._endpoint.secret_key)
        content: dict[str, Any] = post(self._http, self._endpoint.url, complete, self._timeout_s)
        return content

    def _follow(self, command: str, job: str) -> Any:
        deadline = Deadline(self._job_timeout_s)
        pause_s, lost = min(FIRST_POLL_S, self._job_poll_s), 0
        while True:
            SYSTEM_CLOCK.sleep(min(pause_s, deadline.left_s))
            pause_s = min(pause_s * POLL_GROWTH, self._job_poll_s)
            try:
                content = self._send("queryAsyncJobResult", {"jobid": job})
                lost = 0
            except UnreachableError:
                lost += 1
                if lost > LOST_POLLS or deadline.over:
                    raise
                continue
            status = int(content["jobstatus"])
            result = content.get("jobresult", {})
            if status == FAILED:
                told = result if isinstance(result, dict) else {"errortext": str(result)}
                raise failure(self._name, command, told, int(content.get("jobresultcode", 530)), job=job)
            if status != PENDING:
                return result
            if deadline.over:
                raise DeadlineError(f"{command} on {self._name}", deadline.elapsed_s, f"job {job} is still pending")


def admin_endpoint(service: ManagementService, host: str, password: str, *, timeout_s: float = 30) -> Endpoint:
    """Log in as the root administrator, fetch the API keys or have them made, log out.

    No unauthenticated port is needed. Keys that exist are kept: making new ones would lock others out.

    Raises:
        AccessDeniedError: the login was refused.
        UnreachableError: the management server does not answer, or not yet.
    """
    url = f"{'https' if service.tls else 'http'}://{host}:{service.port}/client/api"
    name = f"CloudStack {host}:{service.port}"
    with session(service.ca_file if service.tls else None, cookies=True) as http:
        try:
            login = post(http, url, {"command": "login", "username": service.user, "password": password}, timeout_s)
        except CloudApiError as error:
            if error.errorcode not in LOGIN_REFUSED:
                raise
            raise AccessDeniedError(
                name,
                f"it refused the login of {service.user}: {error.errortext}",
                "check management.user and management.password",
            ) from error
        try:
            who = {"id": str(login["userid"]), "sessionkey": str(login["sessionkey"])}
            keys = _keys(http, url, who, timeout_s)
            return Endpoint(url, keys["apikey"], keys["secretkey"], service.ca_file if service.tls else None)
        except KeyError as error:
            raise ServiceFaultError(name, f"its answer has no {error}", "is this CloudStack 4.10 or later?") from error
        finally:
            _log_out(http, url, str(login.get("sessionkey", "")), timeout_s)


def _keys(http: requests.Session, url: str, who: dict[str, str], timeout_s: float) -> dict[str, str]:
    keys = post(http, url, {"command": "getUserKeys", **who}, timeout_s).get("userkeys", {})
    if not keys.get("apikey") or not keys.get("secretkey"):
        keys = post(http, url, {"command": "registerUserKeys", **who}, timeout_s)["userkeys"]
    return dict(keys)


def _log_out(http: requests.Session, url: str, session_key: str, timeout_s: float) -> None:
    try:
        post(http, url, {"command": "logout", "sessionkey": session_key}, timeout_s)
    except (ServiceFaultError, AccessDeniedError, UnreachableError):
        return  # the session expires by itself, and what is asked for is there


def _entities(content: dict[str, Any]) -> tuple[Entities, int | None]:
    """The one list in a list command's answer, and how many entities there are in all."""
    count = content.get("count")
    for name, value in content.items():
        if name != "count" and isinstance(value, (list, dict)):
            return (value if isinstance(value, list) else [value]), count
    return [], count
