"""Service and disk offerings are made, changed and withdrawn. A withdrawn one stays with the VMs that have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ...errors import invalid
from ...identity import Domain
from ...models.offerings import DiskOffering, Offering, ServiceOffering
from ...models.topology import Zone
from ...registry import command

if TYPE_CHECKING:
    from ...context import Context
    from ...params import Params
    from ...store import Entity

K = TypeVar("K", bound="Entity")

_RATES = tuple(
    f"{unit}{way}rate{suffix}" for unit in ("bytes", "iops") for way in ("read", "write") for suffix in ("", "max")
)
_SYSTEM_VM_TYPES = ("domainrouter", "consoleproxy", "secondarystoragevm", "internalloadbalancervm")
_PROVISIONING = ("thin", "sparse", "fat")
_LARGEST_CORES, _LARGEST_MIB = "vm.serviceoffering.cpu.cores.max", "vm.serviceoffering.ram.size.max"
_LEAST_MIB = 32


@command("createServiceOffering")
def create_service_offering(ctx: Context, params: Params) -> ServiceOffering:
    """CPU and memory; without any of them the VMs choose."""
    name = params.text("name")
    size = tuple(params.optional_number(field) for field in ("cpunumber", "cpuspeed", "memory"))
    custom = params.flag("customized", default=size[0] is None and size[2] is None)
    bounds = {key: params.text(key) for key in ("mincpunumber", "maxcpunumber", "minmemory", "maxmemory")}
    bounds = {key: value for key, value in bounds.items() if value}
    if custom:
        _check_custom(size, bounds)
    else:
        _check_size(ctx, name, size)
    storage = _storage_type(params)
    if params.flag("offerha") and storage == "local":
        raise invalid("HA offering with local storage is not supported.")
    kind = params.optional("systemvmtype")
    if params.flag("issystem") and (kind is None or kind.lower() not in _SYSTEM_VM_TYPES):
        raise invalid(f"Invalid systemVmType. Supported types are: {', '.join(_SYSTEM_VM_TYPES)}")
    if params.number("networkrate") < 0:
        raise invalid(f"Failed to create service offering {name}: specify the network rate value more than 0")
    disk = params.entity("diskofferingid", DiskOffering)
    if disk is None:
        disk = ctx.store.add(_root_disks(params, name, storage), ctx.now)
    return ctx.add(
        ServiceOffering(
            name=name,
            displaytext=params.text("displaytext", name),
            domains=params.entities("domainid", Domain),
            zones=params.entities("zoneid", Zone),
            cpunumber=size[0],
            cpuspeed=size[1],
            memory=size[2],
            iscustomized=custom,
            diskoffering=disk,
            storagetype=storage,
            provisioningtype=disk.provisioningtype,
            offerha=params.flag("offerha"),
            limitcpuuse=params.flag("limitcpuuse"),
            isvolatile=params.flag("isvolatile"),
            storagetags=disk.tags,
            hosttags=params.optional("hosttags"),
            issystem=params.flag("issystem"),
            systemvmtype=None if kind is None else kind.lower(),
            networkrate=params.optional_number("networkrate"),
            rootdisksize=params.optional_number("rootdisksize"),
            deploymentplanner=params.optional("deploymentplanner"),
            dynamicscalingenabled=params.flag("dynamicscalingenabled", default=True),
            diskofferingstrictness=params.flag("diskofferingstrictness"),
            encryptroot=params.flag("encryptroot"),
            cacheMode=params.optional("cachemode"),
            serviceofferingdetails={**params.pairs("serviceofferingdetails"), **bounds},
        )
    )


def _check_custom(size: tuple[int | None, ...], bounds: dict[str, str]) -> None:
    cores, speed, memory = size
    if cores is not None or memory is not None:
        raise invalid("For creating a custom compute offering cpu and memory all should be null")
    if bounds and (len(bounds) != 4 or speed is None):
        raise invalid(
            "For creating a custom compute offering min/max cpu and min/max memory/cpu speed should all be null or "
            "all specified"
        )
    for low, high, least in (("mincpunumber", "maxcpunumber", 1), ("minmemory", "maxmemory", _LEAST_MIB)):
        if bounds and not least <= int(bounds[low]) <= int(bounds[high]):
            raise invalid(f"Specify {low} of at least {least}, and not more than {high}")


def _check_size(ctx: Context, name: str, size: tuple[int | None, ...]) -> None:
    cores, speed, memory = (value or 0 for value in size)
    largest_cores, largest_memory = (int(ctx.number_setting(key)) for key in (_LARGEST_CORES, _LARGEST_MIB))
    if cores <= 0 or (largest_cores and cores > largest_cores):
        raise invalid(f"Failed to create service offering {name}: specify a valid cpu number, not {cores}")
    if speed < 0:
        raise invalid(f"Failed to create service offering {name}: specify a valid cpu speed, not {speed}")
    if memory < _LEAST_MIB or (largest_memory and memory > largest_memory):
        raise invalid(f"Failed to create service offering {name}: specify a memory of at least {_LEAST_MIB} MB")


def _storage_type(params: Params) -> str:
    storage = params.text("storagetype", "shared").lower()
    if storage not in ("local", "shared"):
        raise invalid(f"Invalid storage type {storage} specified, valid types are: 'local' and 'shared'")
    return storage


def _provisioning(params: Params) -> str:
    kind = params.text("provisioningtype", "thin").lower()
    if kind not in _PROVISIONING:
        raise invalid(f"Invalid provisioning type {kind}: it has to be one of {', '.join(_PROVISIONING)}")
    return kind


def _rates(params: Params) -> dict[str, int]:
    return {name: params.number(name) for name in _RATES if name in params}


def _root_disks(params: Params, name: str, storage: str) -> DiskOffering:
    return DiskOffering(
        name=name,
        displaytext=name,
        compute_only=True,
        tags=params.optional("tags"),
        storagetype=storage,
        provisioningtype=_provisioning(params),
        cacheMode=params.optional("cachemode"),
        rates=_rates(params),
    )


@command("createDiskOffering")
def create_disk_offering(ctx: Context, params: Params) -> DiskOffering:
    """A size in GiB, or with `customized` none."""
    size, custom = params.optional_number("disksize"), params.flag("customized")
    if not custom and size is None:
        raise invalid("Disksize is required for a non-customized disk offering")
    if custom and size is not None:
        raise invalid("Disksize is not allowed for a customized disk offering")
    largest = int(ctx.number_setting("storage.max.volume.size"))
    if size is not None and (size <= 0 or (largest and size > largest)):
        raise invalid(f"Please specify a disk size of at least 1 Gb and at most {largest} GB.")
    least, most = params.optional_number("miniops"), params.optional_number("maxiops")
    if (least is None) != (most is None) or (least or 0) > (most or 0):
        raise invalid("Either min and max iops have to be given, the former not above the latter, or neither")
    name = params.text("name")
    return ctx.add(
        DiskOffering(
            name=name,
            displaytext=params.text("displaytext", name),
            domains=params.entities("domainid", Domain),
            zones=params.entities("zoneid", Zone),
            disksize=size or 0,
            iscustomized=custom,
            iscustomizediops=params.flag("customizediops"),
            miniops=least,
            maxiops=most,
            tags=params.optional("tags"),
            storagetype=_storage_type(params),
            provisioningtype=_provisioning(params),
            cacheMode=params.optional("cachemode"),
            displayoffering=params.flag("displayoffering", default=True),
            disksizestrictness=params.flag("disksizestrictness"),
            encrypt=params.flag("encrypt"),
            details=params.pairs("details"),
            rates=_rates(params),
        )
    )


@command("updateServiceOffering")
def update_service_offering(ctx: Context, params: Params) -> ServiceOffering:
    """Names, state, tags, and for whom and where it is."""
    offering = params.need("id", ServiceOffering)
    _update(ctx, params, offering)
    if "hosttags" in params:
        offering.hosttags = params.optional("hosttags")
    if "storagetags" in params:
        offering.storagetags = params.optional("storagetags")
        if offering.diskoffering is not None:
            offering.diskoffering.tags = offering.storagetags
    return offering


@command("updateDiskOffering")
def update_disk_offering(ctx: Context, params: Params) -> DiskOffering:
    """Names, state, tags, and for whom and where it is."""
    offering = params.need("id", DiskOffering)
    _update(ctx, params, offering)
    if "tags" in params:
        offering.tags = params.optional("tags")
    ctx.assign(offering, params, "displayoffering", cachemode="cacheMode")
    offering.rates.update(_rates(params))
    return offering


def _update(ctx: Context, params: Params, offering: Offering) -> None:
    state = params.text("state", offering.state).capitalize()
    if state not in ("Active", "Inactive"):
        raise invalid(f"Invalid state {params.text('state')}: it has to be Active or Inactive")
    domains = _listed(ctx, params, "domainid", Domain, offering.domains)
    zones = _listed(ctx, params, "zoneid", Zone, offering.zones)
    ctx.assign(offering, params, "name", "displaytext")
    offering.state, offering.domains, offering.zones = state, domains, zones


def _listed(ctx: Context, params: Params, name: str, kind: type[K], now: list[K]) -> list[K]:
    """Entities that a string names by their ids; `public` and `all` stand for no restriction."""
    text = params.optional(name)
    if text is None:
        return now
    if text.lower() in ("public", "all"):
        return []
    found: list[K] = []
    for entity_id in text.split(","):
        entity = ctx.store.get(kind, entity_id.strip())
        if entity is None:
            raise invalid(f"Please specify a valid {name}: {entity_id} does not exist")
        found.append(entity)
    return found


@command("deleteServiceOffering")
def delete_service_offering(ctx: Context, params: Params) -> bool:
    """Withdraw an offering; VMs keep it."""
    return _withdraw(ctx, params.need("id", ServiceOffering))


@command("deleteDiskOffering")
def delete_disk_offering(ctx: Context, params: Params) -> bool:
    """Withdraw an offering; volumes keep it."""
    return _withdraw(ctx, params.need("id", DiskOffering))


def _withdraw(ctx: Context, offering: ServiceOffering | DiskOffering) -> bool:
    if offering.state != "Active":
        raise invalid(f"unable to find offering {offering.id}: it has been deleted")
    if isinstance(offering, ServiceOffering) and offering.defaultuse:
        raise invalid("Default service offerings cannot be deleted")
    offering.state = "Inactive"
    ctx.subject = offering
    return True
