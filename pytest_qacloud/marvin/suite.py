"""Sugar for suites of our own; it works with the stand-in and with Apache Marvin, and uses only the latter's interface.

A suite derives from `Resources` and Marvin's `cloudstackTestCase`. What it makes through `create` (for one test) or
`share` (for the class) is deleted when the test or the class is over, last made first, also when it fails half way.
"""

from __future__ import annotations

import contextlib
import re
import time
import uuid
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from marvin.cloudstackTestCase import cloudstackTestCase as _Suite
else:
    _Suite = object

T = TypeVar("T")

UNDO: dict[str, tuple[str, dict[str, Any]]] = {
    "associateIpAddress": ("disassociateIpAddress", {}),
    "createDomain": ("deleteDomain", {"cleanup": True}),
    "createProject": ("deleteProject", {"cleanup": True}),
    "createSnapshotPolicy": ("deleteSnapshotPolicies", {}),
    "createVolume": ("destroyVolume", {"expunge": True}),
    "deployVirtualMachine": ("destroyVirtualMachine", {"expunge": True}),
    "registerIso": ("deleteIso", {}),
}
"""What deletes what a command made, where it is not `delete…` in place of `create…`; with parameters to add."""

NAMED = {"createSSHKeyPair", "registerSSHKeyPair"}
"""Commands whose thing has no id in the commands that delete it, but a name, an account and a domain."""

ERROR_CODE = re.compile(r"errorcode'?\s*:\s*(\d+)", re.IGNORECASE)
"""In the text of Marvin's exceptions, both of a refused command and of a failed job."""

NO_SUCH_THING = "431"

WRONG_USE = (431, 530)
"""What CloudStack says to a command that does not fit: 431 at once, 530 where only the job finds out."""

UNAUTHORIZED = (401, 432)
"""What it says to a command that the user's role does not have: 401 since 4.20, 432 before."""


def call(client: Any, command: str, **params: Any) -> Any:
    """Send a command by its name.

    Raises:
        TypeError: the command has no such parameter.
    """
    __tracebackhide__ = True  # a failing test is shown its own lines
    return getattr(client, command)(_cmd(command, params))


def unique(kind: str) -> str:
    """A name that nobody else uses; also fit for a host name."""
    return f"bvt-{kind}-{uuid.uuid4().hex[:8]}"


class Undo:
    """One thing to delete, once."""

    def __init__(self, client: Any, command: str, entity: Any, params: dict[str, Any]) -> None:
        undo, extra = UNDO.get(command, (_opposite(command), {}))
        key = {"name": entity.name, **_owner(params)} if command in NAMED else {"id": entity.id}
        self.client, self.command, self.params = client, undo, key | extra
        self.entity, self.done = entity, False

    def __call__(self) -> None:
        """Delete it, unless that was done."""
        if not self.done:
            self.done = True
            call(self.client, self.command, **self.params)


class Resources(_Suite):
    """Calls, what they made, and an account, offering, template and network that a class's tests share."""

    zone: ClassVar[Any]
    domain: ClassVar[Any]
    account: ClassVar[Any]
    offering: ClassVar[Any]
    template: ClassVar[Any]
    network: ClassVar[Any]
    vm: ClassVar[Any]
    _undos: ClassVar[list[Undo]]

    @classmethod
    def setUpClass(cls) -> None:
        """Find the zone."""
        cls._undos = []
        cls.zone = cls.one("listZones", name=cls.testClient.getZoneForTests())

    @classmethod
    def tearDownClass(cls) -> None:
        """Delete what the class shares, also under runners that know no class cleanups."""
        super().tearDownClass()
        cls.doClassCleanups()
        # Who calls this may call doClassCleanups too, which forgets what went wrong before.
        failures = [error for _, error, _ in cls.tearDown_exceptions]  # type: ignore[attr-defined]  # typeshed lacks it
        if failures:
            raise BaseExceptionGroup(f"cleaning up after {cls.__name__}", failures)

    # --- calls ---

    @classmethod
    def call(cls, command: str, *, client: Any = None, **params: Any) -> Any:
        """Send a command as the root administrator, or as `client`."""
        __tracebackhide__ = True
        return call(client or cls.testClient.getApiClient(), command, **params)

    @classmethod
    def begin(cls, command: str, **params: Any) -> Any:
        """Send an asynchronous command and do not wait for it; the answer has its `jobid`."""
        cmd = _cmd(command, params)
        cmd.isAsync = "false"
        return getattr(cls.testClient.getApiClient(), command)(cmd)

    @classmethod
    def every(cls, command: str, **params: Any) -> list[Any]:
        """All that a list command finds; an empty list where Marvin answers `None`."""
        __tracebackhide__ = True
        return cls.call(command, **params) or []

    @classmethod
    def one(cls, command: str, **params: Any) -> Any:
        """The only thing that a list command finds.

        Raises:
            AssertionError: it finds none, or several.
        """
        __tracebackhide__ = True
        found = cls.every(command, **params)
        if len(found) != 1:
            raise AssertionError(f"{command}({params}) found {len(found)} things, not one")
        return found[0]

    @classmethod
    def is_gone(cls, command: str, **params: Any) -> bool:
        """Whether a list command finds nothing, or says that there is no such thing."""
        try:
            return not cls.every(command, **params)
        except Exception as error:
            if _error_code(error) == NO_SUCH_THING:
                return True
            raise

    @contextlib.contextmanager
    def refused(self, *codes: int) -> Iterator[None]:
        """The calls in the block must be refused with one of these error codes (default: `WRONG_USE`)."""
        codes = codes or WRONG_USE
        try:
            yield
        except Exception as error:
            code = _error_code(error)
            if code is None:
                raise
            self.assertIn(int(code), codes, f"refused, but so: {error}")
        else:
            self.fail(f"CloudStack accepted what it should refuse with {' or '.join(map(str, codes))}")

    @classmethod
    def wait_until(cls, look: Callable[[], T | None], what: str, timeout_s: float = 600) -> T:
        """Look, ever less often, until `look` returns something true.

        Raises:
            AssertionError: it did not in time.
        """
        started, pause_s = time.monotonic(), 0.02
        while not (seen := look()):
            if time.monotonic() - started > timeout_s:
                raise AssertionError(f"{what}: not within {timeout_s} s")
            time.sleep(pause_s)
            pause_s = min(pause_s * 1.5, 5)
        return seen

    # --- what is made, and deleted again ---

    def create(self, command: str, **params: Any) -> Any:
        """Make something for this test."""
        __tracebackhide__ = True
        undo = self._make(command, params)
        self.addCleanup(undo)
        return undo.entity

    @classmethod
    def share(cls, command: str, **params: Any) -> Any:
        """Make something for all tests of the class."""
        __tracebackhide__ = True
        undo = cls._make(command, params)
        cls.addClassCleanup(undo)
        return undo.entity

    @classmethod
    def delete(cls, entity: Any, **params: Any) -> None:
        """Delete now what `create` or `share` made; where that fails it is tried again at the end."""
        __tracebackhide__ = True
        undo = cls._undo_of(entity)
        call(undo.client, undo.command, **(undo.params | params))
        undo.done = True

    @classmethod
    def forget(cls, entity: Any) -> None:
        """`entity` has gone by other means; do not delete it."""
        cls._undo_of(entity).done = True

    @classmethod
    def _make(cls, command: str, params: dict[str, Any]) -> Undo:
        __tracebackhide__ = True
        client = cls.testClient.getApiClient()
        undo = Undo(client, command, _entity(call(client, command, **params)), params)
        cls._undos.append(undo)
        return undo

    @classmethod
    def _undo_of(cls, entity: Any) -> Undo:
        return next(undo for undo in cls._undos if undo.entity is entity)

    # --- what many suites need ---

    @classmethod
    def share_account(cls) -> None:
        """A domain of the class's own with an account in it; all that belongs to them goes with them."""
        cls.domain = cls.share("createDomain", name=unique("domain"))
        cls.account = cls.new_account(cls.domain.id)

    @classmethod
    def new_account(cls, domainid: str, accounttype: int = 0) -> Any:
        """An account, and its user of the same name. It goes with its domain."""
        name = unique("account")
        return cls.call(
            "createAccount",
            accounttype=accounttype,
            domainid=domainid,
            email=f"{name}@example.org",
            firstname="Build",
            lastname="Verification",
            username=name,
            password=uuid.uuid4().hex,
        )

    @classmethod
    def owner(cls) -> dict[str, Any]:
        """The parameters that make something the shared account's."""
        return {"account": cls.account.name, "domainid": cls.domain.id}

    @classmethod
    def user_client(cls, account: Any = None) -> Any:
        """An API client with the keys of an account's user; the shared account's by default."""
        account = account or cls.account
        return cls.testClient.getUserApiClient(UserName=account.name, DomainName=account.domain)

    @classmethod
    def share_compute(cls) -> None:
        """A small service offering, and the zone's first ready template for its hypervisor."""
        cls.offering = cls.share("createServiceOffering", **small_offering())
        hypervisor = cls.testClient.getHypervisorInfo()
        templates = cls.every("listTemplates", templatefilter="featured", zoneid=cls.zone.id, hypervisor=hypervisor)
        cls.template = next((template for template in templates if template.isready), None)
        if cls.template is None:
            raise AssertionError(f"zone {cls.zone.name} has no ready template for {hypervisor}")

    @classmethod
    def share_network(cls) -> None:
        """An isolated network with source NAT."""
        cls.network = cls.share("createNetwork", **cls.isolated_network())

    @classmethod
    def share_vm(cls) -> None:
        """A running instance, and all that it needs."""
        cls.share_account()
        cls.share_compute()
        cls.share_network()
        cls.vm = cls.share("deployVirtualMachine", **cls.machine())

    @classmethod
    def isolated_network(cls, **params: Any) -> dict[str, Any]:
        """Parameters of an isolated network of the shared account."""
        offering = cls.one("listNetworkOfferings", name="DefaultIsolatedNetworkOfferingWithSourceNatService")
        name = unique("network")
        common = {"name": name, "displaytext": name, "zoneid": cls.zone.id, "networkofferingid": offering.id}
        return common | cls.owner() | params

    @classmethod
    def machine(cls, **params: Any) -> dict[str, Any]:
        """Parameters of an instance of the shared account in the shared network."""
        common = {"name": unique("vm"), "zoneid": cls.zone.id}
        common |= {"serviceofferingid": cls.offering.id, "templateid": cls.template.id}
        if "networkids" not in params:
            common["networkids"] = [cls.network.id]
        return common | cls.owner() | params

    @classmethod
    def volume(cls, diskofferingid: str, **params: Any) -> dict[str, Any]:
        """Parameters of a data volume of the shared account."""
        return {
            "name": unique("volume"),
            "zoneid": cls.zone.id,
            "diskofferingid": diskofferingid,
            **cls.owner(),
            **params,
        }


def small_offering(**params: Any) -> dict[str, Any]:
    """Parameters of a service offering that fits anywhere."""
    name = unique("offering")
    return {"name": name, "displaytext": name, "cpunumber": 1, "cpuspeed": 500, "memory": 512} | params


def _cmd(command: str, params: dict[str, Any]) -> Any:
    cmd = getattr(import_module(f"marvin.cloudstackAPI.{command}"), f"{command}Cmd")()
    unknown = params.keys() - vars(cmd).keys()
    if unknown:
        raise TypeError(f"{command} has no parameter {', '.join(sorted(unknown))}")
    for name, value in params.items():
        setattr(cmd, name, value)
    return cmd


def _entity(answer: Any) -> Any:
    """What a command made: some answer a list of one, and some Marvin leaves in their wrapper, as `ipaddress`."""
    if isinstance(answer, list):
        return answer[0]
    if answer.id is None and len(vars(answer)) == 1:
        return next(iter(vars(answer).values()))
    return answer


def _opposite(command: str) -> str:
    return re.sub(r"^(create|register|add)", "delete", command)


def _owner(params: dict[str, Any]) -> dict[str, Any]:
    return {name: params[name] for name in ("account", "domainid") if name in params}


def _error_code(error: BaseException) -> str | None:
    found = ERROR_CODE.search(str(error))
    return found[1] if found else None
