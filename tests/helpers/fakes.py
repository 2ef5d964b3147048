"""What provisioning sees through `ports`, as small things in memory that keep a state and can be told to misbehave."""

from __future__ import annotations

import json
import lzma
import threading
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from pytest_qacloud.config import load_pool
from pytest_qacloud.errors import CloudApiError, ServiceFaultError, UnreachableError
from pytest_qacloud.model import Build, Endpoint, Lease, Pool, Role, ZonePlan
from pytest_qacloud.ports import CommandResult, PowerAction, PowerState, System
from pytest_qacloud.provision import Context, make_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pytest_qacloud.model import Machine, MachinePlan, SecretRef, SshEndpoint, SystemVmTemplate

RACK1 = Path(__file__).parents[2] / "pools" / "rack1.toml"
LEASE = Lease("rack1", "not-a-real-token", "somebody", "bvt", 7, 0.0, 300.0, 300.0)


def rack1() -> Pool:
    found = load_pool(RACK1)
    assert isinstance(found, Pool)
    return found


def with_hypervisors(pool: Pool, count: int) -> Pool:
    first = pool.with_role(Role.HYPERVISOR)[0]
    hosts = tuple(
        replace(first, name=f"host{number}", mac=f"52:54:00:00:{number:02x}:01", ip=first.ip + number)
        for number in range(count)
    )
    return replace(pool, machines=(*pool.with_role(Role.MANAGEMENT), *hosts))


@dataclass
class FakeClock:
    """Time that passes only while somebody sleeps."""

    at_s: float = 1000.0
    naps: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.at_s

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.at_s += seconds


@dataclass
class FakeBmc:
    """A chassis.

    Args:
        lies: accepts commands and does nothing.
        loses: this many commands are accepted and lost.
        silent: this many calls go unanswered.
    """

    state: PowerState = PowerState.OFF
    lies: bool = False
    loses: int = 0
    silent: int = 0
    told: list[str] = field(default_factory=list)
    next_boot: str = "disk"
    boots: list[str] = field(default_factory=list)

    def power_state(self) -> PowerState:
        self._answer()
        return self.state

    def power(self, action: PowerAction) -> None:
        self._answer()
        self.told.append(action.value)
        if self.lies:
            return
        if self.loses:
            self.loses -= 1
            return
        if action is PowerAction.CYCLE and self.state is PowerState.OFF:
            raise ServiceFaultError("BMC", "0xd5: a chassis that is off cannot be cycled")
        self.state = PowerState.OFF if action is PowerAction.OFF else PowerState.ON
        if self.state is PowerState.ON:
            self.boots.append(self.next_boot)
            self.next_boot = "disk"

    def boot_from_network_once(self) -> None:
        self._answer()
        self.next_boot = "network"

    def close(self) -> None:
        pass

    def _answer(self) -> None:
        if self.silent:
            self.silent -= 1
            raise UnreachableError("BMC", "no answer")


@dataclass
class FakeCobbler:
    """Cobbler, whose installer reports its end after so many looks at a system (never, when it is `None`)."""

    profiles: set[str] = field(default_factory=set)
    systems: dict[str, System] = field(default_factory=dict)
    looks_until_installed: int | None = 0
    silent: int = 0

    def has_profile(self, name: str) -> bool:
        return name in self.profiles

    def system(self, name: str) -> System | None:
        if self.silent:
            self.silent -= 1
            raise UnreachableError("Cobbler", "connection refused")
        found = self.systems.get(name)
        if found is not None and self.looks_until_installed is not None:
            if self.looks_until_installed == 0:
                found = self.systems[name] = found._replace(netboot_enabled=False)
            else:
                self.looks_until_installed -= 1
        return found

    def save_system(self, system: System) -> None:
        self.systems[system.name] = system

    def remove_system(self, name: str) -> None:
        self.systems.pop(name, None)

    def close(self) -> None:
        pass


@dataclass
class FakeCa:
    """A certificate authority: certname -> state."""

    certificates: dict[str, str] = field(default_factory=dict)

    def state(self, certname: str) -> str | None:
        return self.certificates.get(certname)

    def clean(self, certname: str) -> None:
        self.certificates.pop(certname, None)

    def close(self) -> None:
        pass


@dataclass
class FakeShell:
    """An SSH server: files, one result for all commands, and errors that come first."""

    files: dict[str, str] = field(default_factory=dict)
    result: CommandResult = field(default_factory=lambda: CommandResult(0, "", ""))
    errors: list[Exception] = field(default_factory=list)
    commands: list[tuple[str, ...]] = field(default_factory=list)

    def run(self, argv: Sequence[str], *, timeout_s: float) -> CommandResult:
        assert timeout_s > 0
        self._fail()
        self.commands.append(tuple(argv))
        return self.result

    def read_file(self, path: str) -> str | None:
        self._fail()
        return self.files.get(path)

    def write_file(self, path: str, content: bytes) -> None:
        self.files[path] = content.decode()

    def upload(self, local: str, path: str) -> None:
        self.write_file(path, Path(local).read_bytes())

    def close(self) -> None:
        pass

    def _fail(self) -> None:
        if self.errors:
            raise self.errors.pop(0) if len(self.errors) > 1 else self.errors[0]


@dataclass
class FakeStorage:
    """Exports: path -> what is in them."""

    exports: dict[str, set[str]]
    free: dict[str, int] = field(default_factory=dict)

    def free_bytes(self, path: str) -> int:
        return self.free.get(path, 1 << 50)

    def empty(self, path: str) -> None:
        self.exports[path].clear()

    def seed_template(self, path: str, template_file: str, template: SystemVmTemplate, hypervisor: str) -> None:
        self.exports[path].add(f"{hypervisor} {Path(template_file).name} {template.checksum}")

    def close(self) -> None:
        pass


class FakeKeyPair(NamedTuple):
    private: str
    public: str


class FakeServices:
    """All services of a pool, each with its state."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.bmcs = {machine.name: FakeBmc() for machine in pool.machines}
        self.cobbler = FakeCobbler(set(pool.cobbler.profiles.values()))
        self.ca = FakeCa()
        self.shells: dict[str, FakeShell] = {}
        exports = (*pool.storage.primary, pool.storage.secondary)
        self.nfs = FakeStorage({export.path: {"old"} for export in exports})
        self.api_errors: list[Exception] = []

    def bmc(self, machine: Machine) -> FakeBmc:
        return self.bmcs[machine.name]

    def install_server(self) -> FakeCobbler:
        return self.cobbler

    def certificate_authority(self) -> FakeCa:
        return self.ca

    def storage(self) -> FakeStorage:
        return self.nfs

    def shell(self, endpoint: SshEndpoint) -> FakeShell:
        return self.shells.setdefault(endpoint.host, FakeShell())

    def machine_shell(self, plan: MachinePlan) -> FakeShell:
        return self.shells.setdefault(plan.name, FakeShell({plan.marker_path: f"{plan.marker}\n"}))

    def host_key_pair(self, seed: bytes) -> FakeKeyPair:
        return FakeKeyPair(f"private {seed.hex()}", f"ssh-ed25519 {seed.hex()}")

    def authorized_key(self) -> str:
        return "ssh-ed25519 ours"

    def admin_endpoint(self, host: str) -> Endpoint:
        if self.api_errors:
            raise self.api_errors.pop(0)
        return Endpoint(f"http://{host}:8080/client/api", "an-api-key", "a-secret-key")

    def cloud_api(self, endpoint: Endpoint) -> FakeCloud:
        return FakeCloud()

    def host_password(self) -> str:
        return self.secret(self.pool.hosts.password)

    def secret(self, ref: SecretRef) -> str:
        return f"the secret of {ref}"

    def close(self) -> None:
        pass


def context_of(
    services: FakeServices, folder: Path, *, check: Callable[[], None] = lambda: None, clock: FakeClock | None = None
) -> Context:
    """A context on fakes; the template is a small file in `folder`."""
    plan = plan_of(services.pool)
    template = folder / "systemvm.qcow2"
    template.write_bytes(b"a template")
    return Context(plan, services, check, clock or FakeClock(), folder / "enc", lambda: template)


def plan_of(pool: Pool) -> ZonePlan:
    return make_plan(pool, Build("master", repository="http://repo.example/master/"), LEASE)


@cache
def _schema() -> dict[str, dict[str, Any]]:
    """CloudStack's commands as the package ships them."""
    packed = (files("pytest_qacloud") / "data" / "cloudstack_api.json.xz").read_bytes()
    return {command["name"]: command for command in json.loads(lzma.decompress(packed))["commands"]}


class FakeCloud:
    """A management server's API, as far as deploying a zone needs it.

    Commands and parameters are checked against CloudStack's own description. Ids are made of names, so that the
    states of two clouds can be compared.

    Args:
        fault_at: the number (from 1) of the changing command that breaks; `None` for none.
        lost_reply: the command that breaks has done its work, and only its answer is lost.
        refused_hosts: addresses that cannot be added.
    """

    def __init__(
        self, *, fault_at: int | None = None, lost_reply: bool = False, refused_hosts: Sequence[str] = ()
    ) -> None:
        self.objects: dict[str, dict[str, dict[str, Any]]] = {}
        self.settings: dict[str, str] = {}
        self.fault_at, self.lost_reply = fault_at, lost_reply
        self.refused_hosts = refused_hosts
        self.changes: list[str] = []
        self._lock = threading.Lock()

    def call(self, command: str, **params: Any) -> Any:
        self._conforms(command, params)
        with self._lock:
            self.changes.append(command)
            strikes = len(self.changes) == self.fault_at
            if strikes and not self.lost_reply:
                raise UnreachableError("CloudStack", f"{command}: no answer")
            reply = self._change(command, params)
            if strikes:
                raise UnreachableError("CloudStack", f"{command}: the connection broke")
            return reply

    def submit(self, command: str, **params: Any) -> Any:
        return self.call(command, **params)

    def list(self, command: str, **params: Any) -> list[dict[str, Any]]:
        self._conforms(command, params)
        with self._lock:
            found = self.objects.get(LISTS[command], {}).values()
            return [dict(one) for one in found if all(one.get(key) == value for key, value in params.items())]

    def close(self) -> None:
        pass

    def put(self, kind: str, key: str, **members: Any) -> dict[str, Any]:
        """Make an object; a second one of the same key is refused."""
        kept = self.objects.setdefault(kind, {})
        identity = f"{kind}:{key}"
        if identity in kept:
            raise CloudApiError("CloudStack", kind, 431, f"{identity} exists already")
        kept[identity] = {"id": identity, **members}
        return kept[identity]

    def _conforms(self, command: str, params: Mapping[str, Any]) -> None:
        described = _schema()[command]["params"]
        assert set(params) <= {param["name"] for param in described}, f"{command} does not take all of {set(params)}"
        missing = {param["name"] for param in described if param.get("required")} - set(params)
        assert not missing, f"{command} needs {missing}"

    def _change(self, command: str, params: dict[str, Any]) -> Any:
        if command == "updateConfiguration":
            self.settings[params["name"]] = params["value"]
            return {"configuration": params}
        if command in ACTS:
            return {"success": True}
        if command in UPDATES:
            self.objects[UPDATES[command]][params["id"]].update(params)
            return {"success": True}
        kind, keys = MAKES[command]
        if command == "addHost" and params["url"].removeprefix("http://") in self.refused_hosts:
            raise CloudApiError("CloudStack", command, 530, "the agent does not answer.")
        made = self.put(kind, "/".join(str(params[key]) for key in keys), **params, **self._besides(command, params))
        if command == "createPhysicalNetwork":
            self._provider(made["id"], "VirtualRouter")
        if command == "addNetworkServiceProvider":
            self._element(made)
        return {kind: [made]} if kind in {"host", "cluster"} else {kind: made}

    def _besides(self, command: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Members that CloudStack adds by itself."""
        added: dict[str, dict[str, Any]] = {
            "createZone": {"allocationstate": "Disabled"},
            "createPhysicalNetwork": {"state": "Disabled"},
            "addNetworkServiceProvider": {"state": "Disabled"},
            "addCluster": {"name": params.get("clustername")},
            "addNetscalerLoadBalancer": {"ipaddress": urlsplit(str(params.get("url"))).hostname},
            "addBaremetalRct": {"url": params.get("baremetalrcturl")},
            "addHost": {"type": "Routing", "ipaddress": str(params.get("url")).removeprefix("http://"), "state": "Up"},
        }
        return added.get(command, {})

    def _provider(self, network_id: str, name: str) -> None:
        key = f"{network_id}/{name}"
        made = self.put("networkserviceprovider", key, physicalnetworkid=network_id, name=name, state="Disabled")
        self._element(made)

    def _element(self, provider: Mapping[str, Any]) -> None:
        kind = "internallb" if provider["name"] == "InternalLbVm" else "virtualrouterelement"
        self.put(kind, provider["id"], nspid=provider["id"], enabled=False)

    def enabled(self) -> Iterator[tuple[str, Any]]:
        """All that must be switched on, with its state."""
        for kind, member in (("zone", "allocationstate"), ("physicalnetwork", "state"),
                             ("networkserviceprovider", "state"), ("virtualrouterelement", "enabled"),
                             ("internallb", "enabled")):  # fmt: skip
            for identity, one in self.objects.get(kind, {}).items():
                yield identity, one[member]


MAKES: dict[str, tuple[str, tuple[str, ...]]] = {
    "createZone": ("zone", ("name",)),
    "createPhysicalNetwork": ("physicalnetwork", ("zoneid", "name")),
    "addTrafficType": ("traffictype", ("physicalnetworkid", "traffictype")),
    "addNetworkServiceProvider": ("networkserviceprovider", ("physicalnetworkid", "name")),
    "createNetwork": ("network", ("zoneid", "name")),
    "createPod": ("pod", ("zoneid", "name")),
    "createVlanIpRange": ("vlan", ("zoneid", "startip")),
    "createStorageNetworkIpRange": ("storagenetworkiprange", ("podid", "startip")),
    "addVmwareDc": ("vmwaredc", ("zoneid",)),
    "addCluster": ("cluster", ("podid", "clustername")),
    "addHost": ("host", ("clusterid", "url")),
    "createStoragePool": ("storagepool", ("zoneid", "name")),
    "addImageStore": ("imagestore", ("zoneid", "url")),
    "addNetscalerLoadBalancer": ("netscalerloadbalancer", ("physicalnetworkid", "url")),
    "addNiciraNvpDevice": ("niciranvpdevice", ("physicalnetworkid", "hostname")),
    "createTungstenFabricProvider": ("tungstenProvider", ("zoneid", "name")),
    "addBaremetalRct": ("baremetalrct", ("baremetalrcturl",)),
}
"""Command -> what it makes, and the parameters no two of it may share."""

ACTS = {
    "configTungstenFabricService",
    "createTungstenFabricManagementNetwork",
    "createTungstenFabricPublicNetwork",
}
"""Commands that make nothing that is listed."""

UPDATES = {
    "updateZone": "zone",
    "updatePhysicalNetwork": "physicalnetwork",
    "updateNetworkServiceProvider": "networkserviceprovider",
    "configureVirtualRouterElement": "virtualrouterelement",
    "configureInternalLoadBalancerElement": "internallb",
}

LISTS = {
    "listZones": "zone",
    "listPhysicalNetworks": "physicalnetwork",
    "listTrafficTypes": "traffictype",
    "listNetworkServiceProviders": "networkserviceprovider",
    "listVirtualRouterElements": "virtualrouterelement",
    "listInternalLoadBalancerElements": "internallb",
    "listPods": "pod",
    "listVlanIpRanges": "vlan",
    "listStorageNetworkIpRange": "storagenetworkiprange",
    "listVmwareDcs": "vmwaredc",
    "listClusters": "cluster",
    "listHosts": "host",
    "listStoragePools": "storagepool",
    "listImageStores": "imagestore",
    "listNetworkOfferings": "networkoffering",
    "listNetworks": "network",
    "listTemplates": "template",
    "listNetscalerLoadBalancers": "netscalerloadbalancer",
    "listNiciraNvpDevices": "niciranvpdevice",
    "listTungstenFabricProviders": "tungstenProvider",
    "listBaremetalRct": "baremetalrct",
    "listSystemVms": "systemvm",
}
