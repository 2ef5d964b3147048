"""Hosts of the hypervisor Simulator, and storage in their zones: made up by the management server, on no machine.

As CloudStack's simulator plugin does it (`SimulatorDiscoverer`, `MockAgentManagerImpl`): a host's URL is
`http://sim…/…`, optionally ending in `/cpuspeed=…&cpucore=…&memory=…`; what the URL calls the host is kept nowhere, so
each time it is added it is another host, with an address of its pod's network. Storage is not looked for either.
"""

from __future__ import annotations

import uuid
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from .errors import failed
from .hardware import HostFacts
from .models.topology import Cluster, Host, Pod, Zone

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from .store import Store

NAME = "Simulator"
_SIZES = {"cpucore": 4, "cpuspeed": 8000, "memory": 8 << 30}
"""What a host has where its URL does not say: cores, MHz, bytes."""

STORAGE_BYTES = 1 << 40
"""Of each storage pool and image store."""


class SimulatedHosts:
    """The state of simulated hosts (`hardware.HostWatch`): they always run."""

    def is_running(self, address: str) -> bool:
        """Always."""
        return bool(address)


ALWAYS_UP = SimulatedHosts()


def in_zone(store: Store, zone: Zone) -> bool:
    """Whether a zone has simulated hosts, so that its storage is simulated too."""
    return store.first(Cluster, lambda cluster: cluster.zone is zone, hypervisortype=NAME) is not None


def probe(url: SplitResult) -> HostFacts:
    """What a simulated host says about itself.

    Raises:
        ApiError: the URL is none of a simulated host.
    """
    if url.scheme != "http" or not url.netloc.startswith("sim"):
        raise failed(f"Cannot find the server resources at {url.geturl()}")
    given = dict(part.partition("=")[::2] for part in url.path.rpartition("/")[2].split("&"))
    sizes = {}
    for name, usual in _SIZES.items():
        text = given.get(name, str(usual))
        if not text.isdecimal():
            raise failed(f"Cannot find the server resources at {url.geturl()}")
        sizes[name] = int(text)
    name = f"SimulatedAgent.{uuid.uuid4()}"
    return HostFacts(name, NAME, "4.22", sizes["cpucore"], sizes["cpuspeed"], sizes["memory"])


def address(store: Store, pod: Pod) -> str:
    """An address of the pod's network that no other host has, the highest first.

    Raises:
        ApiError: none is left.
    """
    used = {host.ipaddress for host in store.all(Host)}
    around = IPv4Network(f"{pod.gateway}/{pod.netmask}", strict=False)
    for number in range(around.num_addresses - 2, 0, -1):
        found = str(around[number])
        if found not in used and found != pod.gateway:
            return found
    raise failed(f"Unable to add the host: pod {pod.name} has no address left for it")
