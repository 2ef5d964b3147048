"""The tags of hosts and of storage pools, by which offerings choose them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...disks import split
from ...lists import Page, cut
from ...models.storage import StoragePool
from ...models.topology import Host
from ...registry import command
from ...store import new_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ...context import Context
    from ...params import Params


@command("listStorageTags")
def list_storage_tags(ctx: Context, params: Params) -> Page:
    """Every tag of every storage pool."""
    held = [({"poolid": pool.dbid}, pool.tags) for pool in ctx.store.all(StoragePool)]
    return _page(ctx, params, held)


@command("listHostTags")
def list_host_tags(ctx: Context, params: Params) -> Page:
    """Every tag of every host."""
    held = [({"hostid": host.dbid, "isimplicit": False}, host.hosttags) for host in ctx.store.all(Host)]
    return _page(ctx, params, held)


def _page(ctx: Context, params: Params, held: Iterable[tuple[Mapping[str, object], str | None]]) -> Page:
    """The tags that a keyword is in, each with its holder: by its number in the database, as the real server has it."""
    keyword = params.text("keyword").lower()
    rows = [
        {"id": new_id(), "name": tag, **holder}
        for holder, tags in held
        for tag in sorted(split(tags))
        if keyword in tag.lower()
    ]
    return cut(ctx, rows, params)
