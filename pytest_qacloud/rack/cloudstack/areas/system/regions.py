"""Regions: this installation, and others that it knows of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import invalid
from ...models.regions import Region, region_numbered
from ...registry import command, installs

if TYPE_CHECKING:
    from ...context import Context
    from ...lists import Page
    from ...params import Params
    from ...server import ManagementServer


@installs(order=10)
def install(server: ManagementServer) -> None:
    """The region that the installation itself is."""
    local = Region(number=1, name="Local", endpoint="http://localhost:8080/client/")
    server.store.add(local, server.clock.now())


@command("addRegion")
def add_region(ctx: Context, params: Params) -> dict[str, Any]:
    """Another installation."""
    number, name = params.number("id"), params.text("name")
    if region_numbered(ctx.store, number) is not None:
        raise invalid(f"Region with id: {number} already exists")
    _check_name(ctx, name)
    return _reply(ctx.add(Region(number=number, name=name, endpoint=params.text("endpoint"))))


def _check_name(ctx: Context, name: str, itself: Region | None = None) -> None:
    if ctx.store.first(Region, lambda other: other is not itself, name=name) is not None:
        raise invalid(f"Region with name: {name} already exists")


def _reply(region: Region) -> dict[str, Any]:
    return {"region": region.row()}


@command("listRegions")
def list_regions(ctx: Context, params: Params) -> Page:
    """Regions, by number or by name."""
    number = params.optional_number("id")
    page = ctx.list(Region, params, lambda region: number in (None, region.number), ignore=("id",))
    return page.map(Region.row)


@command("updateRegion")
def update_region(ctx: Context, params: Params) -> dict[str, Any]:
    """Another name or endpoint."""
    region = region_numbered(ctx.store, params.number("id"))
    if region is None:
        raise invalid(f"Region with id: {params.number('id')} does not exist")
    _check_name(ctx, params.text("name", region.name), region)
    ctx.assign(region, params, "name", "endpoint")
    return _reply(region)


@command("removeRegion")
def remove_region(ctx: Context, params: Params) -> bool:
    """Forget a region that has no portable addresses."""
    region = region_numbered(ctx.store, params.number("id"))
    if region is None:
        raise invalid(f"Failed to delete Region: {params.number('id')}, Region not found")
    return ctx.remove(region)
