"""Templates and ISOs come into being: from a URL, from a volume or a snapshot, as a copy in another zone."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ...errors import denied, failed, invalid
from ...identity import system_account
from ...limits import check_limit, counts
from ...lists import Page
from ...models.images import GuestOs, Template, TemplateCopy
from ...models.machines import DESTROYED, STOPPED, VirtualMachine
from ...models.storage import ImageStore
from ...models.topology import DISABLED, Host, Zone
from ...models.volumes import Snapshot, Volume
from ...params import EVERYWHERE
from ...registry import command
from .templates import begin_download, shown

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from ...context import Context
    from ...identity import Account
    from ...params import Params
    from ...store import Store

FORMATS = {
    "KVM": ("QCOW2", "RAW", "VHD", "VMDK"),
    "XENSERVER": ("VHD", "ISO"),
    "VMWARE": ("OVA",),
    "SIMULATOR": ("VHD", "QCOW2", "RAW", "OVA"),
    "LXC": ("TAR",),
    "HYPERV": ("VHD", "VHDX"),
}
"""Formats of templates by hypervisor."""

_HYPERVISORS = {"XENSERVER": "XenServer", "VMWARE": "VMware", "SIMULATOR": "Simulator", "HYPERV": "Hyperv"}
_PACKED = (".zip", ".gz", ".bz2", ".tar")


@counts("template")
def _templates_of(store: Store, account: Account) -> int:
    return len(_own(store, account))


@counts("secondary_storage")
def _bytes_of(store: Store, account: Account) -> int:
    snapshots = store.all(Snapshot, lambda item: item.imagestore is not None, owner=account)
    images = sum(template.size_bytes * len(template.copies) for template in _own(store, account))
    return images + sum(snapshot.virtualsize for snapshot in snapshots)


def _own(store: Store, account: Account) -> list[Template]:
    return store.all(Template, lambda template: bool(template.copies), owner=account)


def page_of(ctx: Context, template: Template) -> Page:
    """A template in each zone where it is, as the commands that register one answer."""
    rows = [shown(template, copy) for copy in template.copies]
    return Page(len(rows), rows)


def one_of(template: Template, zone: Zone | None = None) -> dict[str, Any]:
    """A template as a reply shows a single one: in a zone, or the first where it is."""
    copies = [copy for copy in template.copies if zone in (None, copy.zone)]
    return shown(template, copies[0] if copies else None)


@command("registerTemplate")
def register_template(ctx: Context, params: Params) -> Page:
    """A template from a URL, downloaded by the zones' secondary storage VMs."""
    hypervisor = params.text("hypervisor").upper()
    if hypervisor not in FORMATS:
        raise invalid(f"Hypervisor Type: {params.text('hypervisor')} is invalid")
    image, url = params.text("format").upper(), params.text("url")
    if image not in FORMATS[hypervisor]:
        raise invalid(f"The {image} file format is not supported by hypervisor {params.text('hypervisor')}")
    _check_url(url, image)
    if params.flag("directdownload") and hypervisor != "KVM":
        raise invalid("Parameter directdownload is only allowed for KVM templates")
    if params.flag("isrouting") and not ctx.caller.is_root_admin:
        raise denied("Parameter isrouting can only be specified by a Root Admin, permission denied")
    template = _recorded(ctx, params, _HYPERVISORS.get(hypervisor, hypervisor), image)
    template.url = url
    template.templatetype = "ROUTING" if params.flag("isrouting") else params.text("templatetype", "USER").upper()
    return page_of(ctx, template)


@command("registerIso")
def register_iso(ctx: Context, params: Params) -> Page:
    """An ISO from a URL."""
    bootable = params.flag("bootable", default=True)
    if bootable and params.get("ostypeid") is None:
        raise invalid("Please pass in a valid OS type for a bootable ISO")
    _check_url(params.text("url"), "ISO")
    template = _recorded(ctx, params, "None", "ISO")
    template.url, template.bootable = params.text("url"), bootable
    return page_of(ctx, template)


def _check_url(url: str, image: str) -> None:
    """Refuse a URL that names no file of the format, or that nothing could be downloaded from."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https", "ftp", "nfs") or not parts.hostname:
        raise invalid(f"Please specify a valid URL: {url}")
    suffixes = [suffix.lower() for suffix in PurePosixPath(parts.path).suffixes]
    while suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    accepted = {"RAW": (".img", ".raw"), "TAR": ("",)}.get(image, (f".{image.lower()}",))
    if image != "TAR" and (not suffixes or suffixes[-1] not in accepted):
        raise invalid(f"Please specify a valid {image.lower()}: {url}")


def _zones(ctx: Context, params: Params) -> list[Zone]:
    zones = params.entities("zoneids", Zone)
    if not zones and params.get("zoneid") not in (None, EVERYWHERE):
        zones = [params.need("zoneid", Zone)]
    zones = zones or ctx.store.all(Zone)
    stores = ctx.store.all(ImageStore)
    for zone in zones:
        if zone.allocationstate == DISABLED and not ctx.caller.is_root_admin:
            raise denied(f"Cannot perform this operation, Zone is currently disabled: {zone.name}")
        if not any(store.zone in (None, zone) for store in stores):
            raise failed(f"Cannot find an image store for zone {zone.name}")
    return zones


def _recorded(ctx: Context, params: Params, hypervisor: str, image: str) -> Template:
    """A template as createTemplate, registerTemplate and registerIso describe one, with copies that are not ready.

    One that hosts download themselves, when they need it, is ready at once; a host of the zones has to try its URL.
    """
    owner, zones = ctx.owner(params), _zones(ctx, params)
    if params.flag("directdownload"):
        _check_direct(ctx, params, zones)
    template = new_template(ctx, params, owner, hypervisor, image)
    check_limit(ctx, owner, "template")
    check_limit(ctx, owner, "secondary_storage", template.size_bytes * len(zones))
    template.crossZones = params.get("zoneid") in (None, EVERYWHERE) and not params.get("zoneids")
    ctx.add(template)
    for zone in zones:
        copy = ctx.store.add(TemplateCopy(template=template, zone=zone, isready=template.directdownload), ctx.now)
        if not template.directdownload:
            begin_download(ctx.server, copy)
    return template


def _check_direct(ctx: Context, params: Params, zones: list[Zone]) -> None:
    able = ctx.store.first(Host, lambda host: host.zone in zones and host.hypervisor == "KVM" and host.state == "Up")
    if able is None:
        raise failed(f"Couldn't find a host to validate URL {params.text('url')}")


def new_template(ctx: Context, params: Params, owner: Account, hypervisor: str, image: str) -> Template:
    """A template that is not in the store yet.

    Raises:
        ApiError: it shall be public or featured, or have a tag, and the caller may not say that (531).
    """
    admin = ctx.caller.is_root_admin
    if params.flag("ispublic") and not admin and not ctx.flag_setting("allow.public.user.templates", owner):
        raise denied(f"Failed to create template {params.text('name')}, only private templates can be created.")
    if params.optional("templatetag") and not admin:
        raise denied("Parameter templatetag can only be specified by a Root Admin, permission denied")
    name = params.text("name")
    system = params.entity("ostypeid", GuestOs) or ctx.store.first(GuestOs, description="None")
    if system is None:
        raise failed("The cloud knows no OS type None: please specify ostypeid")
    return Template(
        owner=owner,
        name=name,
        displaytext=params.text("displaytext", name),
        ostype=system,
        hypervisor=hypervisor,
        format=image,
        checksum=params.optional("checksum"),
        ispublic=params.flag("ispublic"),
        isfeatured=params.flag("isfeatured") and admin,
        isextractable=params.flag("isextractable"),
        isdynamicallyscalable=params.flag("isdynamicallyscalable"),
        passwordenabled=params.flag("passwordenabled"),
        sshkeyenabled=params.flag("sshkeyenabled"),
        requireshvm=params.flag("requireshvm", default=True),
        directdownload=params.flag("directdownload"),
        deployasis=params.flag("deployasis"),
        forcks=params.flag("forcks"),
        bits=params.number("bits", 64),
        arch=params.text("arch", "x86_64"),
        templatetag=params.optional("templatetag"),
        details=params.pairs("details"),
    )


@command("createTemplate")
def create_template(ctx: Context, params: Params) -> Generator[Any, None, Any]:
    """A template of a volume that no running VM has, or of a snapshot."""
    volume, snapshot = params.entity("volumeid", Volume), params.entity("snapshotid", Snapshot)
    if volume is not None and snapshot is not None:
        raise invalid("Failed to create private template record, please specify only one of volume ID and snapshot ID")
    source: Volume | Snapshot
    if volume is not None:
        source, (origin, size, zone) = volume, _of_volume(volume)
    elif snapshot is not None:
        source, (origin, size, zone) = snapshot, _of_snapshot(snapshot)
        zone = params.entity("zoneid", Zone) or zone
    else:
        raise invalid("Failed to create private template record, neither volume ID nor snapshot ID were specified.")
    owner = ctx.owner(params) if params.optional("account") or params.get("projectid") else source.owner
    hypervisor = volume.hypervisor if volume is not None else None
    image = origin.format if origin is not None else "QCOW2"
    template = new_template(ctx, params, owner, hypervisor or (origin.hypervisor if origin else "KVM"), image)
    template.size_bytes = size
    template.sourcetemplateid = None if origin is None else origin.id
    if origin is not None:
        template.passwordenabled = params.flag("passwordenabled", default=origin.passwordenabled)
        template.details = {**origin.details, **template.details}
    check_limit(ctx, owner, "template")
    check_limit(ctx, owner, "secondary_storage", size)
    copy = ctx.store.add(TemplateCopy(template=ctx.add(template), zone=zone, ready_at=float("inf")), ctx.now)
    yield template
    copy.isready = True
    return {"template": shown(template, copy)}


def _of_volume(volume: Volume) -> tuple[Template | None, int, Zone]:
    vm = volume.virtualmachine
    if vm is not None and vm.state not in (STOPPED, DESTROYED):
        raise invalid(
            f"Unable to create private template for volume: {volume.name}; volume is attached to a non-stopped VM, "
            "please stop the VM first"
        )
    if volume.pool is None:
        raise invalid(f"Unable to create private template for volume: {volume.name}; it is {volume.state}, not Ready")
    return volume.template, volume.size, volume.zone


def _of_snapshot(snapshot: Snapshot) -> tuple[Template | None, int, Zone]:
    if snapshot.state != "BackedUp":
        raise invalid(f"Snapshot {snapshot.id} is not in BackedUp state yet and can't be used for template creation")
    return snapshot.source_template, snapshot.virtualsize, snapshot.zone


@command("copyTemplate", "copyIso")
def copy_template(ctx: Context, params: Params) -> Generator[Any, None, Any]:
    """A template in further zones."""
    template = params.need("id", Template)
    source = params.entity("sourcezoneid", Zone)
    targets = params.entities("destzoneids", Zone)
    single = params.entity("destzoneid", Zone)
    targets = targets or ([single] if single is not None else [])
    if not targets:
        raise invalid("Please specify destzoneid or destzoneids")
    if source is not None and source in targets:
        raise invalid("Please specify different source and destination zones.")
    if not any(copy.isready and source in (None, copy.zone) for copy in template.copies):
        raise invalid(f"There is no template {template.name} ready on image store.")
    check_limit(ctx, template.owner, "secondary_storage", template.size_bytes * len(targets))
    yield template
    for zone in _missing(template, targets):
        ctx.store.add(TemplateCopy(template=template, zone=zone, isready=True), ctx.now)
    return {ctx.command.wrapper: one_of(template, targets[0])}


def _missing(template: Template, zones: Iterable[Zone]) -> list[Zone]:
    present = {copy.zone for copy in template.copies}
    return [zone for zone in zones if zone not in present]


def is_used(ctx: Context, template: Template) -> bool:
    """Whether a VM that is not destroyed was made from a template, or has an ISO in its drive."""
    return (
        ctx.store.first(
            VirtualMachine, lambda vm: template in (vm.template, vm.iso) and vm.state not in (DESTROYED, "Expunging")
        )
        is not None
    )


def is_system(ctx: Context, template: Template) -> bool:
    """Whether a template belongs to the installation."""
    return template.owner is system_account(ctx.store) or template.templatetype in ("SYSTEM", "BUILTIN")
