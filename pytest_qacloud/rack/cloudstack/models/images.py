"""Guest operating systems, templates, and their copies in zones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ..identity import Account, Owned
from ..store import Entity, OnRemove, relation
from .tags import Tagged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .topology import Zone


DOWNLOADED = "Download Complete"


@dataclass(eq=False, kw_only=True)
class OsCategory(Entity):
    """A family of operating systems."""

    RESPONSE: ClassVar[str] = "GuestOSCategoryResponse"
    LABEL: ClassVar[str] = "OS category"

    name: str
    isfeatured: bool = False


@dataclass(eq=False, kw_only=True)
class GuestOs(Entity):
    """An operating system."""

    RESPONSE: ClassVar[str] = "GuestOSResponse"
    LABEL: ClassVar[str] = "OS type"

    description: str
    oscategory: OsCategory = relation()
    isuserdefined: bool = False
    fordisplay: bool = True

    @property
    def name(self) -> str:
        """Its description."""
        return self.description


@dataclass(eq=False, kw_only=True)
class Template(Tagged, Owned):
    """An image that VMs start from. ISOs are templates of the format ISO. One without copies has been deleted."""

    RESPONSE: ClassVar[str] = "TemplateResponse"
    ALIASES: ClassVar[tuple[str, ...]] = ("IsoResponse", "IsoVmResponse", "TemplatePermissionsResponse")
    LABEL: ClassVar[str] = "Template"

    name: str
    displaytext: str
    ostype: GuestOs = relation()
    hypervisor: str
    format: str
    templatetype: str = "USER"
    url: str | None = None
    checksum: str | None = None
    ispublic: bool = False
    isfeatured: bool = False
    isextractable: bool = False
    isdynamicallyscalable: bool = False
    passwordenabled: bool = False
    sshkeyenabled: bool = False
    requireshvm: bool = True
    isrouting: bool = False
    forcks: bool = False
    sortkey: int = 0
    bootable: bool = True
    directdownload: bool = False
    deployasis: bool = False
    crossZones: bool = False  # noqa: N815 - the field's name in the API
    size_bytes: int = 2 * 2**30
    bits: int = 64
    arch: str = "x86_64"
    templatetag: str | None = None
    sourcetemplateid: str | None = None
    details: dict[str, str] = field(default_factory=dict)
    permitted: list[Account] = field(default_factory=list)
    """Accounts that may use it besides its owner."""
    stored_userdata: Entity | None = relation(OnRemove.CLEAR, optional=True)
    """User data that its VMs get."""
    userdatapolicy: str | None = None

    @property
    def accountid(self) -> str:
        """Its owner's id."""
        return self.owner.id

    @property
    def userdataid(self) -> str | None:
        """Its user data's id."""
        return None if self.stored_userdata is None else self.stored_userdata.id

    @property
    def userdataname(self) -> str | None:
        """Its user data's name."""
        return None if self.stored_userdata is None else getattr(self.stored_userdata, "name", None)

    @property
    def is_shared(self) -> bool:
        """Whether more than its owner may see it."""
        return self.ispublic or self.isfeatured

    @property
    def copies(self) -> Sequence[TemplateCopy]:
        """Where it is."""
        return self.store.all(TemplateCopy, template=self)

    def ready_in(self, zone: Zone) -> bool:
        """Whether VMs of a zone can start from it."""
        return any(copy.zone is zone and copy.isready for copy in self.copies)

    def usable_by(self, caller: Account) -> bool:
        """Public ones by all, others by the owner and those permitted."""
        return self.is_shared or caller in self.permitted or super().usable_by(caller)


@dataclass(eq=False, kw_only=True)
class TemplateCopy(Entity):
    """A template in one zone's secondary storage."""

    template: Template = relation(OnRemove.CASCADE)
    zone: Zone = relation(OnRemove.CASCADE)
    ready_at: float | None = None
    """When its download ends; unknown until one runs."""
    isready: bool = False

    def _downloads(self) -> list[dict[str, Any]]:
        """How far it is on its zone's store."""
        from .storage import ImageStore

        store = self.store.first(ImageStore, zone=self.zone)
        if store is None or self.template.directdownload or (self.ready_at is None and not self.isready):
            return []
        percent, state = ("100", "DOWNLOADED") if self.isready else ("0", "DOWNLOAD_IN_PROGRESS")
        where = {"datastore": store.name, "datastoreId": store.id, "datastoreRole": "Image"}
        return [{**where, "downloadPercent": percent, "downloadState": state}]

    def shown(self) -> dict[str, Any]:
        """What a reply says of this copy besides the template's own fields."""
        size: dict[str, Any] = {"size": self.template.size_bytes, "physicalsize": self.template.size_bytes // 4}
        return {
            "zoneid": self.zone.id,
            "zonename": self.zone.name,
            "isready": self.isready,
            "status": DOWNLOADED if self.isready else "Not Downloaded" if self.ready_at is None else "Downloading",
            "downloaddetails": self._downloads(),
            **(size if self.isready else {}),
        }
