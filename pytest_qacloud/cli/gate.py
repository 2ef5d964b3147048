"""`qacloud gate`: find the commits that broke tests, and promote the others, by hand."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import ConfigError
from ..settings import SETTINGS_FILE, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..gate.record import Record
    from ..gate.report import Report
    from ..gatework import GateWork

FORMATS = ("text", "json", "html")
ENDED_WELL = frozenset({"promoted", "passed", "nothing"})


def _run_options(command: Callable[..., None]) -> Callable[..., None]:
    pool = click.option("--pool", metavar="NAME", help="What the runs lease; see --qacloud-pool.")
    parallel = click.option("--parallel", type=click.IntRange(1, 64), help="Runs at a time.")
    return pool(parallel(command))


@click.group()
def gate() -> None:
    """Find the commits that broke tests, and promote the others.

    What is gated stands in [gate] of qacloud.toml, in this folder.
    """


@gate.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def status(as_json: bool) -> None:  # click hands flags over by name
    """What staging has that stable has not, and the gates so far."""
    from ..gate.report import headline, report, to_plain
    from ..gatework import records

    told = {name: report(record) for name, record in records().items()}
    if as_json:
        click.echo(json.dumps([to_plain(each) for each in told.values()], indent=1))
        return
    for name, each in told.items():
        click.echo(f"{name}  {headline(each)}")
    if not told:
        click.echo("no gate was begun here yet")
    from ..config import load_gate

    settings = load_gate(Path.cwd() / SETTINGS_FILE)
    if settings is not None:
        work = _work(None, None)
        stable, staging = work.heads()
        kept, skipped = work.between(stable, staging)
        heads = f"{settings.stable} {stable[:12]}, {settings.staging} {staging[:12]}"
        click.echo(f"{heads}: {len(kept)} units to look at, {len(skipped)} not")
        for name in work.elsewhere():
            click.echo(f"of another machine: {name}; go on with it by `qacloud gate resume {name}`")


@gate.command()
@_run_options
def bisect(pool: str | None, parallel: int | None) -> None:
    """Run the gating suites on staging, and find the commits that break them. Nothing is pushed."""
    _go(pool, parallel, "bisect")


@gate.command()
@_run_options
def promote(pool: str | None, parallel: int | None) -> None:
    """As bisect, and make stable what passed all gating suites."""
    _go(pool, parallel, "promote")


@gate.command()
@click.argument("name", required=False)
@click.option("--mode", type=click.Choice(["bisect", "promote"]), default="promote", show_default=True)
@_run_options
def resume(name: str | None, mode: str, pool: str | None, parallel: int | None) -> None:
    """Go on with the gate NAME, or the latest without an end; what was run is not run again."""
    name = name or _latest(lambda record: record.closed is None, "without an end")
    work = _work(pool, parallel)
    with _interruptible(work):
        with work.resume(name) as ledger:
            told, folder = work.go_on(ledger, mode), ledger.folder
        if told.result == "moved":
            told, folder = work.work(mode)
    _finish(work, told, folder)


@gate.command()
@click.argument("name", required=False)
@click.option("--format", "kind", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write it there.")
def explain(name: str | None, kind: str, output: Path | None) -> None:
    """What the gate NAME, or the latest, found out, and from which runs."""
    from ..gate.drawing import panels
    from ..gate.page import page
    from ..gate.report import report, text, to_plain
    from ..gatework import guess, records

    name = name or _latest(lambda _record: True, "at all")
    record = records().get(name)
    if record is None:
        raise ConfigError(f"there is no gate {name}; see `qacloud gate status`")
    told = report(record)
    if kind == "json":
        content = json.dumps(to_plain(told), indent=1) + "\n"
    elif kind == "html":
        content = page(told, panels(record, guess(record)))
    else:
        content = "\n".join(text(told)) + "\n"
    if output is None:
        click.echo(content, nl=False)
        return
    try:
        output.write_text(content, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", file=str(output)) from error


def _latest(fits: Callable[[Record], bool], words: str) -> str:
    from ..gatework import records

    found = [name for name, record in records().items() if fits(record)]
    if not found:
        raise ConfigError(f"there is no gate {words}; begin one with `qacloud gate bisect` or `qacloud gate promote`")
    return found[-1]


def _work(pool: str | None, parallel: int | None) -> GateWork:
    from dataclasses import replace

    from ..config import load_gate
    from ..gateview import line
    from ..gatework import GateWork

    folder = Path.cwd()
    settings = load_gate(folder / SETTINGS_FILE)
    if settings is None:
        raise ConfigError("has no [gate]; see the README's section on the gate", file=str(folder / SETTINGS_FILE))
    if pool:
        settings = replace(settings, pools=pool)
    if parallel:
        settings = replace(settings, parallel=parallel)

    def say(event: object) -> None:
        if told := line(event):  # type: ignore[arg-type]  # one of its events
            click.echo(f"qacloud: {told}")

    return GateWork(settings, Settings({}, lambda _key: "", folder), listen=say)


def _go(pool: str | None, parallel: int | None, mode: str) -> None:
    work = _work(pool, parallel)
    with _interruptible(work):
        told, folder = work.work(mode)
    _finish(work, told, folder)


@contextmanager
def _interruptible(work: GateWork) -> Iterator[None]:
    from ..interrupts import Interrupts

    interrupts = Interrupts()
    work.stop_by(interrupts.check)
    with interrupts:
        yield


def _finish(work: GateWork, told: Report, folder: Path) -> None:
    """Tell everybody, and end with 0 only where nothing stays behind by anybody's fault."""
    from ..gate.report import text
    from ..gatework import PAGE

    click.echo("\n".join(text(told)))
    click.echo(f"page: {folder / PAGE}")
    for failed in work.notify(told, folder):
        click.echo(f"warning: {failed}", err=True)
    if told.result not in ENDED_WELL or told.culprits:
        sys.exit(1)
