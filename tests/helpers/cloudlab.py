"""A management server for tests: machines, faults and a clock that tests set, and calls as any user."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from pytest_qacloud.rack.cloudstack import HardwareError, HostFacts, ManagementServer, application
from pytest_qacloud.rack.cloudstack.errors import ApiError
from pytest_qacloud.rack.cloudstack.identity import User

if TYPE_CHECKING:
    from collections.abc import Iterator

GIB = 2**30


class SetClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = 1_700_000_000.0

    def now(self) -> float:
        return self.time


class SetFaults:
    """Faults as a mapping of names to values."""

    def __init__(self) -> None:
        self.set: dict[str, float] = {}

    def active(self, name: str, machine: str | None = None) -> float | None:
        return self.set.get(name)


@dataclass
class Machines:
    """Hypervisors by address; all have the password `secret`."""

    running: dict[str, bool] = field(default_factory=dict)
    exports: set[str] = field(default_factory=lambda: {"nfs://storage/primary", "nfs://storage/secondary"})
    seeded: set[str] = field(default_factory=lambda: {"nfs://storage/secondary"})
    hypervisor: str = "KVM"

    def probe(self, address: str, username: str, password: str) -> HostFacts:
        if not self.running.get(address):
            raise HardwareError("no answer")
        if password != "secret":
            raise HardwareError(f"{username} was refused")
        name = "host" + address.rpartition(".")[2]
        return HostFacts(name, self.hypervisor, "8.2", cpu_number=8, cpu_mhz=2400, memory_bytes=32 * GIB)

    def is_running(self, address: str) -> bool:
        return self.running.get(address, False)

    def export_exists(self, url: str) -> bool:
        return url in self.exports

    def template_seeded(self, url: str) -> bool:
        return url in self.seeded

    def free_bytes(self, url: str) -> int:
        return 1024 * GIB


class JobFailedError(Exception):
    """A job ended with an error; `code` and `text` are the job result's."""

    def __init__(self, result: dict[str, Any]) -> None:
        self.code, self.text = result["errorcode"], result["errortext"]
        super().__init__(self.text)


class Cloud:
    """A management server and the world around it."""

    def __init__(self) -> None:
        self.clock, self.faults, self.machines = SetClock(), SetFaults(), Machines()
        self.server = ManagementServer(
            self.machines, self.faults, self.clock, admin_user="admin", admin_password="password"
        )

    def user(self, name: str = "admin") -> User:
        found = self.server.store.first(User, username=name)
        assert found is not None, f"no user {name}"
        return found

    def ask(self, command: str, *, by: str = "admin", **params: object) -> dict[str, Any]:
        """The bare reply's content; a trailing underscore in a name is dropped, and `[` may be in `**{}` names."""
        raw = {"command": command, **{name.rstrip("_"): _text(value) for name, value in params.items()}}
        return self.server.execute(raw, self.user(by))[1]

    def do(self, command: str, *, by: str = "admin", **params: object) -> Any:
        """The entity, or the list, or the content; a job is waited for."""
        reply = self.ask(command, by=by, **params)
        if "jobid" in reply and command != "queryAsyncJobResult":
            self.clock.time += 1
            job = self.ask("queryAsyncJobResult", by=by, jobid=reply["jobid"])
            if job["jobstatus"] == 2:
                raise JobFailedError(job["jobresult"])
            assert job["jobstatus"] == 1
            reply = job["jobresult"]
        if self.server.schema.commands[command].lists and not reply:
            return []
        if "count" in reply:
            return next((value for name, value in reply.items() if name != "count"), [])
        return next(iter(reply.values())) if len(reply) == 1 else reply

    def refused(self, command: str, *, by: str = "admin", **params: object) -> ApiError:
        """The error that a call must meet at once."""
        try:
            reply = self.ask(command, by=by, **params)
        except ApiError as error:
            return error
        raise AssertionError(f"{command} was not refused: {reply}")

    def account(self, name: str, *, kind: int = 0, domain: str | None = None) -> dict[str, Any]:
        """An account whose one user has its name."""
        extra = {} if domain is None else {"domainid": domain}
        made = self.do(
            "createAccount",
            username=name,
            password="pw-" + name,
            email=f"{name}@example.org",
            firstname="F",
            lastname="L",
            accounttype=kind,
            **extra,
        )
        assert isinstance(made, dict)
        return made

    def advance(self, seconds: float = 1.0) -> None:
        """Let time pass, in steps, with a call after each."""
        for _ in range(5):
            self.clock.time += seconds / 5
            self.ask("listZones")


@dataclass
class BuiltZone:
    """Ids of what a small zone is made of."""

    zone: str
    physical: str
    pod: str
    cluster: str
    hosts: list[str]
    pool: str
    image_store: str


def build_zone(cloud: Cloud, *, hosts: int = 2, name: str = "zone1", enable: bool = True) -> BuiltZone:
    """An advanced zone in the order of Marvin's deployDataCenter."""
    zone = cloud.do("createZone", name=name, dns1="10.9.0.1", internaldns1="10.9.0.2", networktype="Advanced")["id"]
    physical = cloud.do("createPhysicalNetwork", name="phys", zoneid=zone, vlan="200-299", isolationmethods="VLAN")[
        "id"
    ]
    for kind in ("Management", "Public", "Guest"):
        cloud.do("addTrafficType", physicalnetworkid=physical, traffictype=kind)
    cloud.do("updatePhysicalNetwork", id=physical, state="Enabled")
    for provider in ("VirtualRouter", "VpcVirtualRouter"):
        found = cloud.do("listNetworkServiceProviders", name=provider, physicalnetworkid=physical)[0]
        element = cloud.do("listVirtualRouterElements", nspid=found["id"])[0]
        cloud.do("configureVirtualRouterElement", id=element["id"], enabled="true")
        cloud.do("updateNetworkServiceProvider", id=found["id"], state="Enabled")
    pod = cloud.do(
        "createPod",
        name="pod",
        zoneid=zone,
        gateway="10.1.0.1",
        netmask="255.255.255.0",
        startip="10.1.0.10",
        endip="10.1.0.40",
    )["id"]
    cloud.do(
        "createVlanIpRange",
        zoneid=zone,
        vlan="50",
        gateway="10.2.0.1",
        netmask="255.255.255.0",
        startip="10.2.0.10",
        endip="10.2.0.60",
        forvirtualnetwork="true",
    )
    cluster = cloud.do(
        "addCluster", zoneid=zone, podid=pod, clustername="c1", hypervisor="KVM", clustertype="CloudManaged"
    )[0]["id"]
    added = [add_host(cloud, zone, pod, cluster, number) for number in range(1, hosts + 1)]
    pool = cloud.do(
        "createStoragePool", name="ps0", zoneid=zone, podid=pod, clusterid=cluster, url="nfs://storage/primary"
    )["id"]
    store = cloud.do("addImageStore", provider="NFS", zoneid=zone, url="nfs://storage/secondary")["id"]
    if enable:
        cloud.do("updateZone", id=zone, allocationstate="Enabled")
        cloud.advance()
    return BuiltZone(zone, physical, pod, cluster, added, pool, store)


def add_host(cloud: Cloud, zone: str, pod: str, cluster: str, number: int) -> str:
    """A hypervisor that runs at 127.1.0.<number>."""
    address = f"127.1.0.{number}"
    cloud.machines.running[address] = True
    added = cloud.do(
        "addHost",
        zoneid=zone,
        podid=pod,
        clusterid=cluster,
        hypervisor="KVM",
        url=f"http://{address}",
        username="root",
        password="secret",
    )
    return str(added[0]["id"])


@contextmanager
def serving(server: ManagementServer) -> Iterator[str]:
    """The server's API over real HTTP on loopback, in a thread; gives the API's URL."""
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(application(server), access_log=None)

    async def start() -> int:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port: int = runner.addresses[0][1]
        return port

    port = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}/client/api"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
