"""Service and disk offerings are made, changed and withdrawn. A withdrawn one stays with the VMs that have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ...errors import invalid
from ...identity import Domain
from ...models.offerings import DiskOffering, Offering, ServiceOffering
from ...models.topology import Zone
from ...registry import command
from .disk_limits import cache_mode, operations, provisioning, rates, storage_type

if TYPE_CHECKING:
    from ...context import Context
    from ...params import Params
    from ...store import Entity

K = TypeVar("K", bound="Entity")

_SYSTEM_VM_TYPES = ("domainrouter", "consoleproxy", "secondarystoragevm", "internalloadbalancervm")
_LEASE_ACTIONS = ("STOP", "DESTROY")
_LONGEST_LEASE_DAYS = 36500
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
    storage = storage_type(params)
    if params.flag("offerha") and storage == "local":
        raise invalid("HA offering with local storage is not supported.")
    kind = params.optional("systemvmtype")
    if params.flag("issystem") and (kind is None or kind.lower() not in _SYSTEM_VM_TYPES):
        raise invalid(f"Invalid systemVmType. Supported types are: {', '.join(_SYSTEM_VM_TYPES)}")
    if params.number("networkrate") < 0:
        raise invalid(f"Failed to create service offering {name}: specify the network rate value more than 0")
    days, action = _lease(ctx, params)
    disk = params.entity("diskofferingid", DiskOffering)
    if disk is not None and disk.compute_only:
        raise invalid("Please specify a valid disk offering.")
    if disk is None:
        disk = ctx.store.add(_root_disks(ctx, params, name, storage), ctx.now)
    return ctx.add(
        ServiceOffering(
            name=name,
            displaytext=params.text("displaytext", name),
            domains=topmost(params.entities("domainid", Domain)),
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
            cacheMode=cache_mode(params),
            serviceofferingdetails={**params.pairs("serviceofferingdetails"), **bounds},
            leaseduration=days,
            leaseexpiryaction=action,
        )
    )


def _lease(ctx: Context, params: Params) -> tuple[int | None, str | None]:
    """Days and what follows them; nothing where leases are not enabled."""
    days, action = params.optional_number("leaseduration"), params.optional("leaseexpiryaction")
    if action is not None and action.upper() not in _LEASE_ACTIONS:
        raise invalid(f"Invalid value configured for leaseexpiryaction, valid values are: {', '.join(_LEASE_ACTIONS)}")
    if not ctx.flag_setting("instance.lease.enabled") or (days is None and action is None):
        return None, None
    if days is None or action is None:
        raise invalid("Provide values for both: leaseduration and leaseexpiryaction")
    if not 1 <= days <= _LONGEST_LEASE_DAYS:
        raise invalid("Invalid leaseduration: must be a natural number (>=1), max supported value is 36500")
    return days, action.upper()


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


def _root_disks(ctx: Context, params: Params, name: str, storage: str) -> DiskOffering:
    least, most = operations(params)
    return DiskOffering(
        iscustomizediops=params.flag("customizediops"),
        miniops=least,
        maxiops=most,
        name=name,
        displaytext=name,
        compute_only=True,
        tags=params.optional("tags"),
        storagetype=storage,
        provisioningtype=provisioning(params),
        cacheMode=cache_mode(params),
        rates=rates(ctx, params),
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
    least, most = operations(params)
    name = params.text("name")
    return ctx.add(
        DiskOffering(
            name=name,
            displaytext=params.text("displaytext", name),
            domains=topmost(params.entities("domainid", Domain)),
            zones=params.entities("zoneid", Zone),
            disksize=size or 0,
            iscustomized=custom,
            iscustomizediops=params.flag("customizediops"),
            miniops=least,
            maxiops=most,
            tags=params.optional("tags"),
            storagetype=storage_type(params),
            provisioningtype=provisioning(params),
            cacheMode=cache_mode(params),
            displayoffering=params.flag("displayoffering", default=True),
            disksizestrictness=params.flag("disksizestrictness"),
            encrypt=params.flag("encrypt"),
            details=params.pairs("details"),
            rates=rates(ctx, params),
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
    changed, mode = rates(ctx, params), cache_mode(params) or offering.cacheMode
    _update(ctx, params, offering)
    if "tags" in params:
        offering.tags = params.optional("tags")
    ctx.assign(offering, params, "displayoffering")
    offering.cacheMode, offering.rates = mode, {**offering.rates, **changed}
    return offering


def _update(ctx: Context, params: Params, offering: Offering) -> None:
    state = params.text("state", offering.state).capitalize()
    if state not in ("Active", "Inactive"):
        raise invalid(f"Invalid state {params.text('state')}: it has to be Active or Inactive")
    domains = topmost(_listed(ctx, params, "domainid", Domain, offering.domains))
    zones = _listed(ctx, params, "zoneid", Zone, offering.zones)
    ctx.assign(offering, params, "name", "displaytext")
    offering.state, offering.domains, offering.zones = state, domains, zones


def topmost(domains: list[Domain]) -> list[Domain]:
    """Domains without those that are below another of them."""
    return [item for item in domains if not any(other is not item and other.contains(item) for other in domains)]


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
    if isinstance(offering, ServiceOffering):
        if offering.defaultuse:
            raise invalid(f"The system service offering [{offering.name}] is marked for default use and stays")
        if offering.diskoffering is not None and offering.diskoffering.compute_only:
            offering.diskoffering.state = "Inactive"
    offering.state = "Inactive"
    ctx.subject = offering
    return True
