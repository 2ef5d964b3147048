"""Guest operating systems: a choice of those that CloudStack knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...models.images import GuestOs, OsCategory
from ...registry import command, installs

if TYPE_CHECKING:
    from ...context import Context
    from ...lists import Page
    from ...params import Params
    from ...server import ManagementServer

_KNOWN: dict[str, tuple[str, ...]] = {
    "CentOS": (
        *(f"CentOS 5.{minor} ({bits}-bit)" for minor in range(3, 11) for bits in (32, 64)),
        *(f"CentOS 6.{minor} ({bits}-bit)" for minor in range(1, 6) for bits in (32, 64)),
        "CentOS 7",
        "CentOS 8",
    ),
    "Debian": tuple(f"Debian GNU/Linux {major} (64-bit)" for major in range(5, 13)),
    "Oracle": ("Oracle Linux 7", "Oracle Linux 8", "Oracle Linux 9"),
    "RedHat": ("Red Hat Enterprise Linux 6.5 (64-bit)", "Red Hat Enterprise Linux 7.0", "Red Hat Enterprise Linux 8.0"),
    "Rocky Linux": ("Rocky Linux 8", "Rocky Linux 9"),
    "SUSE": ("SUSE Linux Enterprise Server 11 (64-bit)", "SUSE Linux Enterprise Server 12 (64-bit)"),
    "Ubuntu": (
        "Ubuntu 10.04 (64-bit)",
        "Ubuntu 12.04 (64-bit)",
        "Ubuntu 14.04 (64-bit)",
        "Ubuntu 16.04 (64-bit)",
        "Ubuntu 18.04 LTS",
        "Ubuntu 20.04 LTS",
        "Ubuntu 22.04 LTS",
        "Ubuntu 24.04 LTS",
    ),
    "Windows": (
        "Windows 7 (64-bit)",
        "Windows 10 (64-bit)",
        "Windows Server 2008 (64-bit)",
        "Windows Server 2012 (64-bit)",
        "Windows Server 2016 (64-bit)",
        "Windows Server 2019 (64-bit)",
    ),
    "Other": (
        "Other Linux (32-bit)",
        "Other Linux (64-bit)",
        "Other (32-bit)",
        "Other (64-bit)",
        "Other PV (32-bit)",
        "Other PV (64-bit)",
        "Other PV Virtio-SCSI (64-bit)",
        "FreeBSD 10 (64-bit)",
        "None",
    ),
}


@installs(order=15)
def install(server: ManagementServer) -> None:
    """Categories and their systems."""
    now, store = server.clock.now(), server.store
    for name, systems in _KNOWN.items():
        category = store.add(OsCategory(name=name), now)
        for system in systems:
            store.add(GuestOs(description=system, oscategory=category), now)


@command("listOsTypes")
def list_os_types(ctx: Context, params: Params) -> Page:
    """Operating systems."""
    return ctx.list(GuestOs, params)


@command("listOsCategories")
def list_os_categories(ctx: Context, params: Params) -> Page:
    """Families of operating systems."""
    return ctx.list(OsCategory, params, ignore=("isiso", "isvnf", "arch", "zoneid"))


@command("addGuestOs")
def add_guest_os(ctx: Context, params: Params) -> GuestOs:
    """One more operating system."""
    category = params.need("oscategoryid", OsCategory)
    text = params.text("osdisplayname") or params.text("name")
    return ctx.add(GuestOs(description=text, oscategory=category, isuserdefined=True))


@command("removeGuestOs")
def remove_guest_os(ctx: Context, params: Params) -> bool:
    """An operating system that no template has."""
    return ctx.remove(params.need("id", GuestOs))
