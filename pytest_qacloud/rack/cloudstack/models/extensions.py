"""Extensions, the clusters that they run, and their custom actions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ..replies import timestamp
from ..store import Entity, OnRemove, relation

if TYPE_CHECKING:
    from .topology import Cluster

ENABLED, DISABLED = "Enabled", "Disabled"
"""An extension's `state`."""

EXTERNAL = "External"
"""The hypervisor of clusters that extensions run."""

_FOLDER = "/usr/share/cloudstack-management/extensions"


@dataclass(eq=False, kw_only=True)
class Extension(Entity):
    """A script that makes and runs VMs somewhere else. Here every script is as CloudStack makes a new one."""

    RESPONSE: ClassVar[str] = "ExtensionResponse"
    LABEL: ClassVar[str] = "Extension"

    name: str
    type: str
    relative_path: str = field(repr=False)
    description: str | None = None
    state: str = ENABLED
    pathready: bool = True
    isuserdefined: bool = True
    orchestratorrequirespreparevm: bool | None = None
    details: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Where the script is."""
        return f"{_FOLDER}/{self.relative_path}"

    @property
    def resources(self) -> list[dict[str, Any]]:
        """The clusters that it runs."""
        return [
            {
                "id": item.cluster.id,
                "name": item.cluster.name,
                "type": "Cluster",
                "created": timestamp(item.created),
                **({"details": item.details} if item.details else {}),
            }
            for item in self.store.all(Registration, extension=self)
        ]


@dataclass(eq=False, kw_only=True)
class Registration(Entity):
    """That an extension runs a cluster; a cluster has one at most."""

    LABEL: ClassVar[str] = "Registration of an extension"

    extension: Extension = relation()
    cluster: Cluster = relation(OnRemove.CASCADE)
    details: dict[str, str] = field(default_factory=dict)


@dataclass(eq=False, kw_only=True)
class CustomAction(Entity):
    """Something that an extension can do with a VM beyond what all can."""

    RESPONSE: ClassVar[str] = "ExtensionCustomActionResponse"
    LABEL: ClassVar[str] = "Custom action"

    extension: Extension = relation()
    name: str
    description: str | None = None
    resourcetype: str | None = None
    allowedroletypes: list[str] = field(default_factory=lambda: ["Admin"])
    successmessage: str | None = None
    errormessage: str | None = None
    timeout: int = 3
    """Seconds."""
    enabled: bool = False
    details: dict[str, str] = field(default_factory=dict)
    parameters: list[dict[str, Any]] = field(default_factory=list)
    """What it takes, as `action_parameters` makes them."""
