"""What a run of a pool of kind `process` has on this machine, and the zone it makes there. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from ..model import ProcessIdentity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..model import ProcessPool

FORMAT = 1
HOST = "127.0.0.1"
HOSTS = 2
"""Simulated hypervisors of the pool's own zone: two, so that a VM can be migrated."""

STORAGE = "nfs://10.147.28.6:/export/qacloud"
"""Never mounted: simulated hypervisors only keep its name."""

NETWORK_PROVIDERS = ("VirtualRouter", "VpcVirtualRouter", "InternalLbVm")


@dataclass(frozen=True, slots=True)
class ProcessRun:
    """One run's share of this machine: nothing of it is another run's.

    Args:
        name: also its work tree's.
        epoch: the lease's.
        repository: the pool's, when the run began.
        mark: random; what all its processes have in their environment.
        ports: by their names.
        work: folder for whatever the commands write.
        worktree, commit: of the sources; empty as long as there is none.
        programs: (step, who) of each command that was started, in that order.
    """

    name: str
    pool: str
    epoch: int
    repository: str
    mark: str
    ports: Mapping[str, int]
    work: str
    worktree: str = ""
    commit: str = ""
    programs: tuple[tuple[str, ProcessIdentity], ...] = ()

    @property
    def database(self) -> str:
        """A name that no other run uses, short and plain enough for every database server."""
        return f"qacloud_{self.mark[:12]}"

    @property
    def values(self) -> dict[str, str]:
        """What stands for each placeholder."""
        ports = {f"port.{name}": str(port) for name, port in self.ports.items()}
        fixed = {"commit": self.commit, "database": self.database, "work": self.work, "worktree": self.worktree}
        return fixed | ports

    def with_program(self, step: str, identity: ProcessIdentity) -> ProcessRun:
        """The run with one more command."""
        return replace(self, programs=(*self.programs, (step, identity)))


def run_to_json(run: ProcessRun) -> dict[str, Any]:
    """The run as JSON has it."""
    return {"format": FORMAT, **asdict(run)}


def run_from_json(content: Mapping[str, Any]) -> ProcessRun:
    """What `run_to_json` made a value of.

    Raises:
        ValueError: or KeyError, TypeError: it is none.
    """
    members = dict(content)
    if members.pop("format") != FORMAT:
        raise ValueError("of another version")
    programs = tuple((str(step), ProcessIdentity(**identity)) for step, identity in members.pop("programs"))
    return ProcessRun(**members, programs=programs)


def own_zone(pool: ProcessPool, zone_name: str, port: int, password: str) -> dict[str, Any]:
    """Marvin's configuration of an advanced zone of simulated hypervisors; nothing of its networks exists.

    Args:
        port: of the API.
        password: the administrator's.
    """
    cluster = {
        "clustername": f"{zone_name}-cluster",
        "hypervisor": pool.hypervisor.api_name,
        "clustertype": "CloudManaged",
        "hosts": [
            {"url": f"http://sim/c0/h{number}", "username": "root", "password": "password"} for number in range(HOSTS)
        ],
        "primaryStorages": [
            {"name": f"{zone_name}-primary{number}", "url": f"{STORAGE}/primary{number}"} for number in range(2)
        ],
    }
    zone = {
        "name": zone_name,
        "networktype": "Advanced",
        "securitygroupenabled": "false",
        "localstorageenabled": "false",
        "guestcidraddress": "10.1.1.0/24",
        "dns1": "10.147.28.1",
        "internaldns1": "10.147.28.1",
        "physical_networks": [
            {
                "name": f"{zone_name}-network",
                "broadcastdomainrange": "Zone",
                "isolationmethods": ["VLAN"],
                "vlan": "100-299",
                "traffictypes": [{"typ": kind} for kind in ("Guest", "Management", "Public")],
                "providers": [{"broadcastdomainrange": "ZONE", "name": name} for name in NETWORK_PROVIDERS],
            }
        ],
        "ipranges": [_addresses("192.168.2", vlan="50")],
        "pods": [{"name": f"{zone_name}-pod", **_addresses("172.16.15"), "clusters": [cluster]}],
        "secondaryStorages": [{"url": f"{STORAGE}/secondary", "provider": "NFS"}],
    }
    server = {
        "mgtSvrIp": HOST,
        "port": port,
        "user": pool.management.user,
        "passwd": password,
        "useHttps": "False",
        "certCAPath": "NA",
        "certPath": "NA",
    }
    return {"zones": [zone], "mgtSvr": [server], "globalConfig": []}


def _addresses(network: str, **more: str) -> dict[str, str]:
    ends = {"startip": f"{network}.2", "endip": f"{network}.200"}
    return {**ends, "netmask": "255.255.255.0", "gateway": f"{network}.1", **more}
