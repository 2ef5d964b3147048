"""`qacloud pools`: what pools there are, what one consists of, and whether it could be used now."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from ..errors import EXIT_NO_ZONE, EXIT_USAGE, ConfigError
from ..settings import Settings

if TYPE_CHECKING:
    from ..check import CheckResult
    from ..config import AnyPool, PoolEntry

WIDTH_IN_A_FILE = 240


def _folder(_context: click.Context, _option: click.Parameter, value: str | None) -> Path:
    return Settings({"pools-dir": value}, lambda _key: "", Path.cwd()).path("pools-dir")


pools_dir = click.option(
    "--pools-dir",
    metavar="DIR",
    callback=_folder,
    help="Folder of the pool files; else $QACLOUD_POOLS_DIR, else pools_dir of qacloud.toml, else ./pools.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def pools() -> None:
    """Look at the pools that runs can lease."""


@pools.command("list")
@pools_dir
@as_json
def list_command(pools_dir: Path, as_json: bool) -> None:
    """All pools of a folder; a broken file is shown as such. Ends with 4 where there is one."""
    from ..config import list_pools

    entries = list_pools(pools_dir)
    if as_json:
        _print_json([_entry_data(entry) for entry in entries])
    else:
        table = Table("pool", "hypervisor", "machines", "tags", "description")
        for entry in entries:
            table.add_row(*(escape(cell) for cell in _entry_row(entry)), style="red" if entry.error else None)
        _console().print(table)
        for entry in entries:
            if entry.error:
                click.echo(f"qacloud: {entry.error}", err=True)
    sys.exit(EXIT_USAGE if any(entry.error for entry in entries) else 0)


@pools.command()
@click.argument("pool")
@pools_dir
@as_json
def show(pool: str, pools_dir: Path, as_json: bool) -> None:
    """All that is known of POOL, a name or a pool file; of secrets only where they are kept."""
    from ..config import describe

    data = describe(_load(pool, pools_dir))
    if as_json:
        _print_json(data)
        return
    machines = data.pop("machines", [])
    table = Table("key", "value")
    for key, value in _flat(data):
        table.add_row(escape(key), escape(value))
    _console().print(table)
    if machines:
        _console().print(_machines_table(machines))


@pools.command()
@click.argument("names", metavar="[POOL]...", nargs=-1)
@pools_dir
@as_json
def check(names: tuple[str, ...], pools_dir: Path, as_json: bool) -> None:
    """Check the files of POOLs, or of all, then ask each service and BMC they name; nothing is changed.

    Ends with 4 where a file is broken, with 75 where a pool could not be used.
    """
    from ..config import list_pools

    loaded: list[AnyPool] = []
    errors: list[ConfigError] = []
    if names:
        for name in names:
            try:
                loaded.append(_load(name, pools_dir))
            except ConfigError as error:
                errors.append(error)
    else:
        for entry in list_pools(pools_dir):
            loaded += [entry.pool] if entry.pool else []
            errors += [entry.error] if entry.error else []
    results = {pool.name: _checked(pool) for pool in loaded}
    if as_json:
        _print_json({name: [asdict(result) for result in found] for name, found in results.items()})
    else:
        for pool in loaded:
            _print_results(pool, results[pool.name])
    for broken in errors:
        click.echo(f"qacloud: {broken}", err=True)
    failed = any(not result.ok for found in results.values() for result in found)
    sys.exit(EXIT_USAGE if errors else EXIT_NO_ZONE if failed else 0)


@pools.command()
@click.argument("pool")
@click.option("--wipe", metavar="MACHINE", multiple=True, help="This machine has been mended; may be repeated.")
@pools_dir
@as_json
def marks(pool: str, wipe: tuple[str, ...], pools_dir: Path, as_json: bool) -> None:
    """Show the machines of POOL that failed when they were last used.

    Runs prefer other machines to them; a mark goes when the machine works again, or when it is wiped here.
    """
    from ..leasing import SqlLeaseStore, default_url
    from ..leasing.wording import time_text
    from ..model import Pool

    loaded = _load(pool, pools_dir)
    if not isinstance(loaded, Pool):
        raise ConfigError("this pool has no machines that could be marked", file=loaded.path)
    store = SqlLeaseStore(loaded.lease.store or default_url())
    marked = {mark.machine: mark for mark in store.marks(loaded.name)}
    for name in wipe:
        if name not in marked:
            known = ", ".join(sorted(marked)) or "none is"
            raise ConfigError(f"the machine {name} of {loaded.name} is not marked; marked: {known}")
        store.unmark(loaded.name, name)
        del marked[name]
    if as_json:
        _print_json([asdict(mark) for mark in marked.values()])
    elif not marked:
        click.echo(f"no machine of {loaded.name} is marked")
    else:
        table = Table("machine", "failed in", "epoch", "at", "observed")
        for mark in marked.values():
            table.add_row(mark.machine, mark.step, str(mark.epoch), time_text(mark.at), escape(mark.reason))
        _console().print(table)


def _load(name: str, directory: Path) -> AnyPool:
    from ..config import find_pool, load_pool

    return load_pool(find_pool(name, directory))


def _checked(pool: AnyPool) -> list[CheckResult]:
    """The answers of a pool's services; a simulated pool has none before it is started."""
    from dataclasses import replace

    from ..check import check_pool, check_process
    from ..config import SimulatedPool
    from ..model import ProcessPool
    from ..wiring import Drivers, ProcessDrivers

    if isinstance(pool, SimulatedPool):
        return []
    if isinstance(pool, ProcessPool):
        return check_process(pool, lambda: ProcessDrivers(pool))
    drivers = Drivers(pool)
    columns = TextColumn(f"checking {pool.name}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=_console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)
        try:
            results = check_pool(pool, drivers, on_result=lambda _: progress.advance(task))
        finally:
            drivers.close()
    return [
        replace(result, observed=drivers.redact(result.observed), action=drivers.redact(result.action))
        for result in results
    ]


def _print_results(pool: AnyPool, results: list[CheckResult]) -> None:
    if not results:
        click.echo(f"{pool.name}: simulated; its file is right, and there is nothing to ask before it is started")
        return
    table = Table("asked", "for", "", "observed", "what to do", title=f"{pool.name}: {pool.path}")
    for result in results:
        mark = "[green]ok[/]" if result.ok else "[bold red]FAILED[/]"
        cells = [escape(text) for text in (result.subject, result.check, result.observed, result.action)]
        table.add_row(*cells[:2], mark, *cells[2:])
    _console().print(table)


def _entry_data(entry: PoolEntry) -> dict[str, Any]:
    from ..config import describe

    about: dict[str, Any] = {"name": entry.name, "file": str(entry.path), "ok": entry.error is None}
    if entry.pool is None:
        return about | {"error": str(entry.error)}
    return about | {"pool": describe(entry.pool)}


def _entry_row(entry: PoolEntry) -> tuple[str, ...]:
    from ..config import SimulatedPool
    from ..model import ProcessPool, Role

    pool = entry.pool
    if pool is None:
        return entry.name, "", "", "", "broken: see below"
    if isinstance(pool, ProcessPool):
        machines = "none: runs here"
    elif isinstance(pool, SimulatedPool):
        machines = f"{pool.machines} simulated"
    else:
        counts = {role: sum(machine.role is role for machine in pool.machines) for role in Role}
        machines = ", ".join(f"{count} {role}" for role, count in counts.items() if count)
    return pool.name, pool.hypervisor, machines, " ".join(sorted(pool.tags)), pool.description


def _machines_table(machines: list[dict[str, Any]]) -> Table:
    table = Table("machine", "role", "mac", "ip", "ssh", "profile", "bmc", "user", "password", "suite")
    for machine in machines:
        bmc = machine["bmc"]
        cells = (
            *(machine[key] for key in ("name", "role", "mac", "ip", "ssh_port")),
            machine.get("profile", "the role's"),
            f"{bmc['address']}:{bmc['port']}",
            bmc["user"],
            _text(bmc["password"]),
            bmc["cipher_suite"],
        )
        table.add_row(*(escape(str(cell)) for cell in cells))
    return table


def _flat(data: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Dotted keys and their values; a secret's place is one value."""
    rows = []
    for key, value in data.items():
        if isinstance(value, dict) and not value.keys() <= {"env", "file"}:
            rows += _flat(value, f"{prefix}{key}.")
        else:
            rows.append((prefix + key, _text(value)))
    return rows


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_text(member)}" for key, member in value.items()) + "}"
    if isinstance(value, list):
        return ", ".join(_text(member) for member in value)
    return str(value)


def _console(*, stderr: bool = False) -> Console:
    """A console; where its output is no terminal, so wide that hardly a line is broken and it can be searched."""
    console = Console(stderr=stderr, highlight=False)
    return console if console.is_terminal else Console(stderr=stderr, highlight=False, width=WIDTH_IN_A_FILE)


def _print_json(data: Any) -> None:
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))
