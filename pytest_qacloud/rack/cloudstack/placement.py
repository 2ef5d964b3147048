"""Which host takes a VM, and how VMs leave a host; areas register what runs on hosts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from .capacity import allocated_on_host, fits
from .models.topology import Host

if TYPE_CHECKING:
    from .context import Context
    from .models.topology import Zone
    from .store import Entity, Store

Evacuation = Callable[["Context", Host, bool], bool]
_EVACUATIONS: list[Evacuation] = []


def leaves_host(evacuation: Evacuation) -> Evacuation:
    """Register how one kind of VM leaves a host.

    `evacuation(ctx, host, force)` moves them to other hosts, or with `force` stops those that fit nowhere; it returns
    whether none is left.
    """
    _EVACUATIONS.append(evacuation)
    return evacuation


def evacuate(ctx: Context, host: Host, *, force: bool = False) -> bool:
    """Move everything off a host; whether that worked."""
    empty = [evacuation(ctx, host, force) for evacuation in _EVACUATIONS]
    return all(empty)


def holds_host(ctx: Context, host: Host) -> bool:
    """Whether anything runs on a host."""
    return allocated_on_host(ctx.store, host)[1] > 0


def hosts_for(
    store: Store,
    zone: Zone,
    mhz: int,
    memory_bytes: int,
    *,
    avoid: Iterable[Entity] = (),
    where: Callable[[Host], bool] | None = None,
) -> list[Host]:
    """Usable hosts of a zone with room for a VM, the emptiest first."""
    avoided = {id(entity) for entity in avoid}
    found = store.all(
        Host,
        lambda host: (
            host.zone is zone
            and id(host) not in avoided
            and host.usable()
            and (where is None or where(host))
            and fits(store, host, mhz, memory_bytes)
        ),
    )
    return sorted(found, key=lambda host: allocated_on_host(store, host)[2])
