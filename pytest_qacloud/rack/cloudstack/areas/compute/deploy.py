"""deployVirtualMachine: a VM is recorded with its interfaces and volumes at once, and started by the job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...disks import attach, check_volume_limits
from ...errors import ApiError, denied, invalid
from ...identity import User
from ...limits import GIB
from ...models.guests import Network
from ...models.images import Template
from ...models.machines import ERROR, STARTING, InstanceGroup, VirtualMachine
from ...models.offerings import DiskOffering, ServiceOffering
from ...models.topology import DISABLED, Cluster, Zone
from ...models.volumes import READY, ROOT, Snapshot, Volume
from ...ports_network import allocate_nic, networks_for
from ...registry import command
from .affinity import groups_named
from .names import check_unique, host_name, instance_name
from .running import Target, start, target_of, with_password
from .sizing import check_offering, check_vm_limits, chosen_size
from .ssh_keys import keys_named
from .user_data import apply_user_data, check_user_data

if TYPE_CHECKING:
    from collections.abc import Generator

    from ...context import Context
    from ...identity import Account
    from ...params import Params


@dataclass
class Disk:
    """A volume that a new VM gets. `size` is bytes."""

    offering: DiskOffering | None
    size: int
    type: str = "DATADISK"
    deviceid: int | None = None
    existing: Volume | None = None
    source: Snapshot | None = None


@dataclass
class Wish:
    """All that a deployment asks for, checked."""

    owner: Account
    zone: Zone
    template: Template
    offering: ServiceOffering
    hypervisor: str
    size: dict[str, int]
    name: str
    networks: list[Network]
    addresses: dict[str, dict[str, str]]
    """Wanted `ip` and `mac` by network id."""
    disks: list[Disk]
    target: Target


@command("deployVirtualMachine")
def deploy(ctx: Context, params: Params) -> Generator[Any, None, Any]:
    """A VM, started unless `startvm` is false. One that cannot be started is left in the state Error."""
    wish = _checked(ctx, params)
    vm = _record(ctx, params, wish)
    starts = params.flag("startvm", default=True)
    if starts:
        vm.enter(STARTING, ctx.now)
    yield vm
    if not starts:
        return vm
    if vm not in ctx.store or vm.state != STARTING:
        raise invalid(f"VM {vm.id} has been destroyed before it was started")
    try:
        start(ctx, vm, wish.target)
    except ApiError:
        vm.enter(ERROR, ctx.now)
        for volume in vm.volumes:
            ctx.remove(volume)
        raise
    return with_password(ctx, vm, params.optional("password"))


def _checked(ctx: Context, params: Params) -> Wish:
    owner, zone = ctx.owner(params), params.need("zoneid", Zone)
    if owner.state != "enabled":
        raise denied(f"The owner of vm to deploy is disabled: {owner.name}")
    if zone.allocationstate == DISABLED and not ctx.caller.is_root_admin:
        raise denied(f"Cannot perform this operation, Zone is currently disabled: {zone.id}")
    if zone.dedicated_to is not None and not zone.dedicated_to.contains(owner.domain):
        raise denied(f"Zone {zone.name} is dedicated to domain {zone.dedicated_to.name}")
    offering = params.need("serviceofferingid", ServiceOffering)
    check_offering(offering, owner, zone)
    size = chosen_size(offering, params.pairs("details"))
    template, root = _root(ctx, params, zone, owner, offering)
    hypervisor = _hypervisor(ctx, params, template, zone)
    disks = [root, *_data_disks(ctx, params, template, zone)]
    for disk in disks:
        if disk.offering is not None and not disk.offering.open_to(owner):
            raise denied(f"Account {owner.name} has no permission to use disk offering {disk.offering.id}")
    addresses = _addresses(params)
    named = params.entities("networkids", Network) or [
        network for network in ctx.store.all(Network) if network.id in addresses
    ]
    networks = networks_for(ctx, zone, owner, named)
    name = host_name(ctx, params.optional("name"))
    check_unique(ctx, name, networks)
    check_user_data(ctx, params, owner)
    cores, memory = (size.get(key) or getattr(offering, key) or 0 for key in ("cpunumber", "memory"))
    check_vm_limits(ctx, owner, cores, memory)
    for disk in disks:
        if disk.existing is None:
            check_volume_limits(ctx, owner, disk.size)
    target = target_of(ctx, params)
    return Wish(owner, zone, template, offering, hypervisor, size, name, networks, addresses, disks, target)


def _root(ctx: Context, params: Params, zone: Zone, owner: Account, offering: ServiceOffering) -> tuple[Template, Disk]:
    """The template, and the root volume: from the template, from a volume, or for an ISO from a disk offering."""
    volume, snapshot = params.entity("volumeid", Volume), params.entity("snapshotid", Snapshot)
    template = params.entity("templateid", Template)
    if volume is not None:
        return _from_volume(volume, zone)
    if snapshot is not None:
        if snapshot.source_template is None or snapshot.volumetype != ROOT:
            raise invalid(f"Snapshot {snapshot.id} is not one of a root volume: no VM can be deployed from it")
        return snapshot.source_template, Disk(offering.diskoffering, snapshot.virtualsize, ROOT, 0, source=snapshot)
    if template is None:
        raise invalid("Please specify templateid, volumeid or snapshotid")
    if not template.usable_by(owner) and not ctx.caller.is_root_admin:
        raise denied(f"Account {owner.name} does not have permission to use template {template.id}")
    if template.templatetype in ("SYSTEM", "ROUTING"):
        raise invalid(f"Unable to use system template {template.id} to deploy a user vm")
    if not template.ready_in(zone):
        raise invalid(f"The template {template.id} is not available for use in zone {zone.id}")
    if template.format == "ISO":
        return template, _iso_root(params, template)
    chosen = params.entity("overridediskofferingid", DiskOffering)
    if chosen is not None and offering.diskofferingstrictness:
        raise invalid("Cannot override the disk offering: the service offering is strictly mapped to its own")
    disk = chosen or offering.diskoffering
    wanted = root_size(params)
    if wanted is not None and wanted * GIB < template.size_bytes:
        raise invalid(
            f"Unsupported: rootdisksize override ({wanted} GB) is smaller than template size "
            f"({template.size_bytes / GIB:.2f} GB) {template.size_bytes}"
        )
    fixed = offering.rootdisksize if chosen is None else chosen.disksize
    gib = fixed or wanted or 0
    return template, Disk(disk, max(gib * GIB, template.size_bytes), ROOT, 0)


def root_size(params: Params) -> int | None:
    """GiB that a caller wants for a root disk, by `rootdisksize` or the detail of that name.

    Raises:
        ApiError: it is not above 0 (431).
    """
    wanted = params.pairs("details").get("rootdisksize") or params.optional("rootdisksize")
    if wanted is None:
        return None
    if not wanted.isdecimal() or int(wanted) <= 0:
        raise invalid("Root disk size should be a positive number.")
    return int(wanted)


def _from_volume(volume: Volume, zone: Zone) -> tuple[Template, Disk]:
    if volume.template is None or volume.state != READY:
        raise invalid(f"Volume {volume.id} is no root volume that is ready: no VM can be deployed from it")
    if volume.virtualmachine is not None:
        raise invalid(f"The volume {volume.id} is already attached to a VM {volume.virtualmachine.id}")
    if volume.zone is not zone:
        raise invalid("The volume's zone is not the same as the provided zone")
    return volume.template, Disk(volume.diskoffering, volume.size, ROOT, 0, existing=volume)


def _iso_root(params: Params, iso: Template) -> Disk:
    if not iso.bootable:
        raise invalid(f"Installing from ISO requires an ISO that is bootable: {iso.id}")
    offering = params.entity("diskofferingid", DiskOffering)
    if offering is None:
        raise invalid("Installing from ISO requires a disk offering to be specified for the root disk.")
    return Disk(offering, data_size(offering, params.optional_number("size")), ROOT, 0)


def data_size(offering: DiskOffering, gib: int | None) -> int:
    """Bytes of a volume of an offering.

    Raises:
        ApiError: a customized one needs a size, a fixed one refuses it (431).
    """
    if offering.state != "Active":
        raise invalid(f"Please specify a valid disk offering: {offering.id} is inactive")
    if offering.iscustomized:
        if gib is None or gib <= 0:
            raise invalid("This disk offering requires a custom size specified")
        return gib * GIB
    return offering.disksize * GIB


def _data_disks(ctx: Context, params: Params, template: Template, zone: Zone) -> list[Disk]:
    disks: list[Disk] = []
    offering = params.entity("diskofferingid", DiskOffering)
    rows = params.rows("datadisksdetails")
    if offering is not None and rows:
        raise invalid("Cannot specify both disk offering id and data disk offering details")
    if offering is not None and template.format != "ISO":
        disks.append(Disk(offering, data_size(offering, params.optional_number("size"))))
    for row in rows:
        found = ctx.store.get(DiskOffering, row.get("diskofferingid", ""))
        if found is None:
            raise invalid(f"Unable to find disk offering {row.get('diskofferingid')}")
        number = row.get("deviceid")
        disks.append(Disk(found, data_size(found, _gib(row.get("size"))), deviceid=_gib(number)))
    for disk in disks:
        if disk.offering is not None and not disk.offering.usable_in(zone):
            raise invalid(f"Disk offering {disk.offering.id} is not available in zone {zone.id}")
    return disks


def _gib(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdigit():
        raise invalid(f"Invalid number {text} in the data disks' details")
    return int(text)


def _hypervisor(ctx: Context, params: Params, template: Template, zone: Zone) -> str:
    wanted = params.optional("hypervisor")
    own = template.hypervisor
    if template.format != "ISO":
        if wanted is not None and wanted.lower() != own.lower():
            raise invalid(
                "Hypervisor passed to the deployVm call, is different from the hypervisor type of the template"
            )
        return own
    known = {
        cluster.hypervisortype.lower(): cluster.hypervisortype
        for cluster in ctx.store.all(Cluster)
        if cluster.zone is zone
    }
    if wanted is None or wanted.lower() not in known:
        raise invalid("hypervisor parameter is needed to deploy VM or the hypervisor parameter value passed is invalid")
    return known[wanted.lower()]


def _addresses(params: Params) -> dict[str, dict[str, str]]:
    rows = params.rows("iptonetworklist")
    if rows and (params.strings("networkids") or params.optional("ipaddress")):
        raise invalid("ipToNetworkMap can't be specified along with networkIds or ipAddress")
    return {row["networkid"]: row for row in rows if "networkid" in row}


def _record(ctx: Context, params: Params, wish: Wish) -> VirtualMachine:
    """The VM with all that is its own; nothing of it stays where one part cannot be had."""
    number = ctx.store.next_number("vm")
    vm = VirtualMachine(
        owner=wish.owner,
        name=wish.name,
        displayname=params.text("displayname", wish.name),
        instancename=instance_name(ctx, wish.owner, number),
        number=number,
        zone=wish.zone,
        template=wish.template,
        serviceoffering=wish.offering,
        hypervisor=wish.hypervisor,
        ostype=wish.template.ostype,
        iso=wish.template if wish.template.format == "ISO" else None,
        user=ctx.user if ctx.caller is wish.owner else ctx.store.first(User, account=wish.owner),
        affinity_groups=groups_named(ctx, params, wish.owner),
        key_names=[key.name for key in keys_named(ctx, params, wish.owner)],
        custom=wish.size,
        details=_details(params, wish),
        displayvm=params.flag("displayvm", default=True),
        haenable=wish.offering.offerha,
        isdynamicallyscalable=_scales(ctx, params, wish),
        boottype=params.text("boottype", "Bios").capitalize(),
        bootmode=params.text("bootmode", "legacy").lower(),
        arch=wish.template.arch,
        lastupdated=ctx.now,
        changed_at=ctx.now,
    )
    if params.optional("customid"):
        vm.id = params.text("customid")
    apply_user_data(params, vm)
    ctx.add(vm)
    try:
        _equip(ctx, params, vm, wish)
    except ApiError:
        for volume in vm.volumes:
            if volume.pool is None:
                ctx.remove(volume)
        ctx.remove(vm)
        raise
    return vm


def _details(params: Params, wish: Wish) -> dict[str, str]:
    details = {key: value for key, value in params.pairs("details").items() if not key.startswith("extraconfig")}
    sizes = {"cpuNumber": "cpunumber", "cpuSpeed": "cpuspeed", "memory": "memory"}
    details.update({key: str(wish.size[name]) for key, name in sizes.items() if name in wish.size})
    if params.optional_number("rootdisksize") is not None:
        details["rootdisksize"] = str(params.number("rootdisksize"))
    return {**wish.template.details, **details}


def _scales(ctx: Context, params: Params, wish: Wish) -> bool:
    allowed = ctx.flag_setting("enable.dynamic.scale.vm", wish.zone)
    able = wish.template.isdynamicallyscalable and wish.offering.dynamicscalingenabled
    return able and allowed and params.flag("dynamicscalingenabled", default=True)


def _equip(ctx: Context, params: Params, vm: VirtualMachine, wish: Wish) -> None:
    for place, network in enumerate(wish.networks):
        row = wish.addresses.get(network.id, {})
        first = place == 0
        allocate_nic(
            ctx,
            network,
            vm,
            ipaddress=row.get("ip") or (params.optional("ipaddress") if first else None),
            macaddress=row.get("mac") or (params.optional("macaddress") if first else None),
            isdefault=first,
        )
    for disk in wish.disks:
        add_disk(ctx, vm, disk)
    group = params.optional("group")
    if group is not None:
        vm.instancegroup = group_named(ctx, group, vm.owner)


def add_disk(ctx: Context, vm: VirtualMachine, disk: Disk) -> Volume:
    """Give a VM a volume, which is Allocated until the VM starts."""
    volume = disk.existing
    if volume is None:
        volume = ctx.add(
            Volume(
                owner=vm.owner,
                name=f"{'ROOT' if disk.type == ROOT else 'DATA'}-{vm.number}",
                zone=vm.zone,
                type=disk.type,
                size=disk.size,
                diskoffering=disk.offering,
                serviceoffering=vm.serviceoffering if disk.type == ROOT else None,
                template=vm.template if disk.type == ROOT and vm.template.format != "ISO" else None,
                source=disk.source,
            )
        )
    volume.type = disk.type
    attach(volume, vm, disk.deviceid, ctx.now)
    return volume


def group_named(ctx: Context, name: str, owner: Account) -> InstanceGroup:
    """An account's VM group of that name, made where there is none."""
    found = ctx.store.first(InstanceGroup, name=name, owner=owner)
    return found or ctx.store.add(InstanceGroup(owner=owner, name=name), ctx.now)
