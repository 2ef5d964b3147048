"""`qacloud leases`: who holds which pool, and taking one back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console
    from rich.table import Table

    from ..leasing import SqlLeaseStore

WIDTH_IN_A_FILE = 200
"""Columns where the output is no terminal: wide enough to break no owner's name, so that it can be searched."""


def _store_options(command: Callable[..., None]) -> Callable[..., None]:
    store = click.option("--store", metavar="URL", help="Lease database, such as sqlite:////var/lib/qacloud/leases.db.")
    pool_file = click.option(
        "--pool-file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Take the lease database that this pool file names.",
    )
    return store(pool_file(command))


@click.group()
def leases() -> None:
    """See who holds which pool, and take one back."""


@leases.command("list")
@_store_options
def list_leases(store: str | None, pool_file: Path | None) -> None:
    """Show the leases and who waits for what.

    Without an option, those in the user's state folder.
    """
    table = _table(_open(store, pool_file))
    if table.row_count:
        _console().print(table)
    else:
        click.echo("no pool is leased, and nobody waits for one")


@leases.command()
@click.argument("pool")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_store_options
def release(pool: str, yes: bool, store: str | None, pool_file: Path | None) -> None:
    """Take POOL back from whoever holds it; its run stops, and its tests end as UNTESTABLE."""
    from ..leasing.queue import holder_text
    from ..leasing.wording import duration_text, time_text

    opened = _open(store, pool_file)
    lease = next((lease for lease in opened.leases() if lease.pool == pool), None)
    if lease is None:
        click.echo(f"{pool} is not leased")
        return
    click.echo(
        f"{pool} (epoch {lease.epoch}) is held by {holder_text(lease.owner, lease.purpose)} "
        f"since {time_text(lease.acquired_at)}"
    )
    if not yes:
        click.confirm("Its run will stop, and its tests end as UNTESTABLE. Release it?", abort=True)
    taken = opened.revoke(pool)
    if taken is None:
        click.echo(f"{pool} was given back meanwhile; nothing was taken")
        return
    from ..leasing.store import REVOKE_GRACE_S

    click.echo(
        f"took {pool} (epoch {taken.epoch}) from {holder_text(taken.owner, taken.purpose)}: its run stops as "
        f"UNTESTABLE. The pool is free as soon as the run knows, at the latest in {duration_text(REVOKE_GRACE_S)}"
    )


def _open(store: str | None, pool_file: Path | None) -> SqlLeaseStore:
    from ..leasing import SqlLeaseStore

    if store is not None and pool_file is not None:
        raise click.UsageError("give --store or --pool-file, not both")
    if pool_file is not None:
        from ..config import SimulatedPool, load_pool

        pool = load_pool(pool_file)
        store = None if isinstance(pool, SimulatedPool) else pool.lease.store
    return SqlLeaseStore(store)


def _table(store: SqlLeaseStore) -> Table:
    from rich.table import Table

    from ..leasing.queue import holder_text
    from ..leasing.wording import time_text

    table = Table("pool", "owner", "purpose", "epoch", "since", "expires", "waiting")
    line = store.waiting()
    held = {lease.pool: lease for lease in store.leases()}
    for pool in sorted({*held, *(pool for waiter in line for pool in waiter.pools)}):
        waiting = "\n".join(holder_text(waiter.owner, waiter.purpose) for waiter in line if pool in waiter.pools)
        lease = held.get(pool)
        if lease is None:
            table.add_row(pool, "", "", "", "", "", waiting)
            continue
        expires = time_text(lease.expires_at) + (" (detached)" if lease.detached else "")
        table.add_row(
            pool, lease.owner, lease.purpose, str(lease.epoch), time_text(lease.acquired_at), expires, waiting
        )
    return table


def _console() -> Console:
    from rich.console import Console

    # Names come from others: what looks like markup in them is not.
    return Console(markup=False, highlight=False, width=None if sys.stdout.isatty() else WIDTH_IN_A_FILE)
