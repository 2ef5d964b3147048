"""The tags of hosts and pools, by which offerings choose them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...lists import Page, cut
from ...models.storage import StoragePool
from ...models.topology import Host
from ...registry import command

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...context import Context
    from ...params import Params


@command("listStorageTags")
def list_storage_tags(ctx: Context, params: Params) -> Page:
    """Every tag that a storage pool has."""
    return _page(ctx, params, (pool.tags for pool in ctx.store.all(StoragePool)))


@command("listHostTags")
def list_host_tags(ctx: Context, params: Params) -> Page:
    """Every tag that a host has."""
    return _page(ctx, params, (host.hosttags for host in ctx.store.all(Host)))


def _page(ctx: Context, params: Params, held: Iterable[str | None]) -> Page:
    keyword = params.text("keyword").lower()
    names = {name.strip() for tags in held for name in (tags or "").split(",") if name.strip()}
    return cut(ctx, [{"name": name} for name in sorted(names) if keyword in name.lower()], params)
