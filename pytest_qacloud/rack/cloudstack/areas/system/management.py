"""The management server and hypervisors' capabilities."""

from __future__ import annotations

import platform
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from ...registry import command, installs
from ...store import Entity

if TYPE_CHECKING:
    from ...context import Context
    from ...lists import Page
    from ...params import Params
    from ...server import ManagementServer

HYPERVISORS = ("KVM", "XenServer", "VMware", "Hyperv", "BareMetal", "Ovm3", "LXC", "Simulator", "External")


@dataclass(eq=False, kw_only=True)
class ManagementHost(Entity):
    """The server as an entity."""

    RESPONSE: ClassVar[str] = "ManagementServerResponse"
    LABEL: ClassVar[str] = "Management server"

    name: str
    version: str
    state: str = "Up"
    javadistribution: str = "simulated"
    javaversion: str = "simulated"
    osdistribution: str = field(default_factory=platform.platform)
    kernelversion: str = field(default_factory=platform.release)
    ipaddress: str = "127.0.0.1"

    @property
    def lastserverstart(self) -> float:
        """When it was started."""
        return self.created

    @property
    def lastboottime(self) -> float:
        """When its machine was, as far as the clock tells that only goes forward."""
        return self.created - time.monotonic()


@dataclass(eq=False, kw_only=True)
class HypervisorCapabilities(Entity):
    """What a hypervisor can do."""

    RESPONSE: ClassVar[str] = "HypervisorCapabilitiesResponse"
    LABEL: ClassVar[str] = "Hypervisor capabilities"

    hypervisor: str
    hypervisorversion: str = "default"
    maxguestslimit: int = 50
    maxdatavolumeslimit: int = 64
    maxhostspercluster: int | None = None
    securitygroupenabled: bool = True
    storagemotionenabled: bool = True
    vmsnapshotenabled: bool = False

    @property
    def name(self) -> str:
        """The hypervisor."""
        return self.hypervisor


@installs(order=10)
def install(server: ManagementServer) -> None:
    """One management server; default capabilities of each hypervisor."""
    now = server.clock.now()
    server.store.add(ManagementHost(name="localhost.localdomain", version=server.version), now)
    for name in HYPERVISORS:
        server.store.add(HypervisorCapabilities(hypervisor=name), now)


@command("listManagementServers")
def list_management_servers(ctx: Context, params: Params) -> Page:
    """The one management server."""
    return ctx.list(ManagementHost, params)


@command("listHypervisorCapabilities")
def list_hypervisor_capabilities(ctx: Context, params: Params) -> Page:
    """Capabilities of each hypervisor."""
    return ctx.list(HypervisorCapabilities, params)


@command("updateHypervisorCapabilities")
def update_hypervisor_capabilities(ctx: Context, params: Params) -> HypervisorCapabilities:
    """Change a hypervisor's limits."""
    found = params.need("id", HypervisorCapabilities)
    names = ("maxguestslimit", "maxdatavolumeslimit", "maxhostspercluster", "securitygroupenabled")
    ctx.assign(found, params, *names, "storagemotionenabled", "vmsnapshotenabled")
    return found
