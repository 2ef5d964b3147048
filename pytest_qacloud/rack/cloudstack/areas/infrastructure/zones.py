"""Zones."""

from __future__ import annotations

import secrets
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from ...addresses import address
from ...errors import failed, invalid
from ...identity import AccountType, Domain
from ...models.networks import PhysicalNetwork
from ...models.storage import ImageStore
from ...models.topology import DISABLED, ENABLED, Pod, Zone
from ...registry import command

if TYPE_CHECKING:
    from ...context import Context
    from ...lists import Page
    from ...params import Params

_DNS = ("dns1", "dns2", "internaldns1", "internaldns2")
_GUEST_CIDR = "10.1.1.0/24"


@command("createZone")
def create_zone(ctx: Context, params: Params) -> Zone:
    """A zone, disabled unless told otherwise."""
    kind = params.text("networktype").capitalize()
    if kind not in ("Advanced", "Basic"):
        raise invalid("Invalid zone type; only Advanced and Basic values are supported")
    if ctx.store.first(Zone, name=params.text("name")) is not None:
        raise invalid("A zone with that name already exists. Please specify a unique zone name.")
    if kind == "Basic" and "guestcidraddress" in params:
        raise invalid("guestCidrAddress parameter is not supported for Basic zone")
    _check_addresses(params)
    zone = Zone(
        name=params.text("name"),
        dns1=params.text("dns1"),
        internaldns1=params.text("internaldns1"),
        networktype=kind,
        domain=params.optional("domain"),
        dedicated_to=params.entity("domainid", Domain),
        securitygroupsenabled=kind == "Basic" or params.flag("securitygroupenabled"),
        localstorageenabled=params.flag("localstorageenabled"),
        guestcidraddress=params.text("guestcidraddress", _GUEST_CIDR) if kind == "Advanced" else None,
        allocationstate=_state(params, DISABLED),
        zonetoken=secrets.token_hex(16),
        type="Edge" if params.flag("isedge") else "Core",
    )
    ctx.assign(zone, params, "dns2", "internaldns2", "ip6dns1", "ip6dns2")
    return ctx.add(zone)


def _state(params: Params, default: str) -> str:
    state = params.text("allocationstate", default).capitalize()
    if state not in (ENABLED, DISABLED):
        raise invalid(f"Unable to resolve Allocation State '{state}' to a supported state")
    return state


def _check_addresses(params: Params) -> None:
    for name in _DNS:
        if params.optional(name) is not None:
            address(params.text(name), name.replace("dns", "DNS").replace("internal", "internal "))
    if params.optional("guestcidraddress") is not None:
        try:
            IPv4Network(params.text("guestcidraddress"), strict=False)
        except ValueError:
            raise invalid("Please enter a valid guest cidr") from None


@command("listZones")
def list_zones(ctx: Context, params: Params) -> Page:
    """Zones that the caller may use."""

    def seen(zone: Zone) -> bool:
        if ctx.caller.is_root_admin or ctx.caller.accounttype == AccountType.RESOURCE_ADMIN:
            return True
        dedicated = zone.dedicated_to is None or zone.dedicated_to.contains(ctx.caller.domain)
        return zone.allocationstate == ENABLED and dedicated

    return ctx.list(Zone, params, seen, ignore=("available",))


@command("updateZone")
def update_zone(ctx: Context, params: Params) -> Zone:
    """Names, DNS, allocation state and details; a zone needs a guest traffic type before it can be enabled."""
    zone = params.need("id", Zone)
    _check_addresses(params)
    taken = ctx.store.first(Zone, name=params.text("name")) if "name" in params else None
    if taken not in (None, zone):
        raise invalid("A zone with that name already exists. Please specify a unique zone name.")
    state = _state(params, zone.allocationstate)
    if state == ENABLED and zone.allocationstate != ENABLED:
        _check_ready(ctx, zone)
    zone.allocationstate = state
    ctx.assign(zone, params, "name", "domain", "guestcidraddress", "localstorageenabled", "dhcpprovider")
    ctx.assign(zone, params, *_DNS, "ip6dns1", "ip6dns2")
    zone.resourcedetails.update(params.pairs("details"))
    if params.flag("ispublic"):
        zone.dedicated_to = None
    return zone


def _check_ready(ctx: Context, zone: Zone) -> None:
    networks = ctx.store.all(PhysicalNetwork, zone=zone)
    if not any(network.state == ENABLED for network in networks):
        raise invalid(f"Cannot enable this Zone since: no enabled physical network is in the zone {zone.name}")


@command("deleteZone")
def delete_zone(ctx: Context, params: Params) -> bool:
    """A zone that nothing is left in."""
    zone = params.need("id", Zone)
    left: tuple[tuple[type[Pod | PhysicalNetwork | ImageStore], str], ...] = (
        (Pod, "pods"),
        (PhysicalNetwork, "physical networks"),
        (ImageStore, "Secondary storages"),
    )
    for kind, words in left:
        if ctx.store.first(kind, lambda entity: entity.zone is zone) is not None:
            raise failed(f"The zone cannot be deleted because there are {words} in this zone.")
    return ctx.remove(zone)
