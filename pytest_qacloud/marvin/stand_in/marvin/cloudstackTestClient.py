"""The test client: where suites get their API clients and what they must know about the zone."""

import copy
import json
import logging
import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from marvin.cloudstackAPI.cloudstackAPIClient import CloudStackAPIClient
from marvin.cloudstackConnection import CSConnection
from marvin.cloudstackException import CloudstackAPIException
from marvin.codes import ADMIN, DOMAIN_ADMIN, FAILED, USER
from pytest_qacloud.errors import MarvinError
from pytest_qacloud.marvin.sample_data import SAMPLE_DATA
from pytest_qacloud.marvin.suite import call
from pytest_qacloud.marvin.unavailable import NoDatabase
from pytest_qacloud.model import Endpoint, Zone
from pytest_qacloud.ports import CloudApi


class CSTestClient:
    """The test client of one zone.

    Args:
        api: with the root administrator's keys; stays its maker's.
        connect: makes a driver for another user's keys; those are closed by `close`.
    """

    def __init__(
        self, api: CloudApi, zone: Zone, connect: Callable[[Endpoint], CloudApi], logger: logging.Logger
    ) -> None:
        self.identifier: str | None = None
        self._zone = zone
        self._connect = connect
        self._logger = logger
        self._client = CloudStackAPIClient(CSConnection(api, logger))
        self._others: list[CloudApi] = []
        self._test_data = _test_data(zone)

    def getApiClient(self) -> CloudStackAPIClient:
        """The root administrator's client."""
        self._client.id = self.identifier
        return self._client

    def getUserApiClient(self, UserName: str | None = None, DomainName: str | None = None, type: int = 0) -> Any:  # noqa: A002  Marvin's name
        """Another user's client; domain, account and keys are made where they are missing.

        Args:
            UserName: of the user, and of the account.
            type: account type, if it must be made: 0 user, 1 root admin, 2 domain admin.

        Returns:
            A client, or `FAILED` where a name is missing. The administrator's client is not touched.
        """
        if UserName is None or DomainName is None:
            return FAILED
        admin = self._client
        domain = _first(call(admin, "listDomains", listall=True, name=DomainName)) or call(
            admin, "createDomain", name=DomainName
        )
        owner = {"domainid": domain.id, "listall": True}
        if _first(call(admin, "listAccounts", name=UserName, **owner)) is None:
            self._create_account(UserName, domain.id, type)
        user = call(admin, "listUsers", username=UserName, **owner)[0]
        keys = call(admin, "getUserKeys", id=user.id)
        keys = keys.userkeys or keys
        if not keys.apikey or not keys.secretkey:
            keys = call(admin, "registerUserKeys", id=user.id)
            keys = keys.userkeys or keys
        return self._client_of(replace(self._zone.endpoint, api_key=keys.apikey, secret_key=keys.secretkey))

    def isAdminContext(self) -> int:
        """The kind of user that the client's keys belong to: `ADMIN`, `DOMAIN_ADMIN` or `USER`."""
        try:
            domains = call(self._client, "listDomains", name="ROOT")
        except CloudstackAPIException:
            return USER
        return ADMIN if domains and domains[0].name == "ROOT" else DOMAIN_ADMIN

    def getDbConnection(self) -> Any:
        """In the place of the management server's database: a test that executes SQL is skipped."""
        return NoDatabase(self._zone.name)

    def getParsedTestDataConfig(self) -> dict[str, Any]:
        """A copy of the test data: the file that the zone's configuration names as `TestData.Path`, or our own."""
        return copy.deepcopy(self._test_data)

    def getZoneForTests(self) -> str:
        """The zone's name."""
        return self._zone.name

    def getHypervisorInfo(self) -> str:
        """The zone's hypervisor, as the API calls it."""
        return self._zone.hypervisor

    def close(self) -> None:
        """Close the drivers that were made for other users."""
        while self._others:
            self._others.pop().close()

    def _create_account(self, name: str, domainid: str, accounttype: int) -> None:
        call(
            self._client,
            "createAccount",
            accounttype=accounttype,
            domainid=domainid,
            email=f"{name}@example.org",
            firstname=name,
            lastname=name,
            username=name,
            password=secrets.token_urlsafe(16),
        )

    def _client_of(self, endpoint: Endpoint) -> CloudStackAPIClient:
        api = self._connect(endpoint)
        self._others.append(api)
        client = CloudStackAPIClient(CSConnection(api, self._logger))
        client.id = self.identifier
        client.hypervisor = self._zone.hypervisor
        return client


def _first(entities: Any) -> Any:
    return entities[0] if entities else None


def _test_data(zone: Zone) -> dict[str, Any]:
    path = (zone.marvin_config.get("TestData") or {}).get("Path")
    if not path:
        return SAMPLE_DATA
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
        data: dict[str, Any] = json.loads("\n".join(line for line in lines if not line.lstrip().startswith("#")))
    except (OSError, ValueError) as error:
        raise MarvinError(
            f"the zone's configuration names {path} as test data, which cannot be read: {error}"
        ) from error
    return data
