"""`qacloud zone`: the phases of a run apart, for separate jobs."""

from __future__ import annotations

import re
from pathlib import Path

import click

from ..errors import ConfigError, LeaseLostError
from ..settings import Settings

UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


def duration(text: str) -> float:
    """Seconds out of `90s`, `30m`, `4h` or `2d`.

    Raises:
        click.BadParameter: it is none, or no time at all.
    """
    match = re.fullmatch(r"(\d{1,9}(?:\.\d+)?)\s*([a-z]+)", text.strip(), re.ASCII)
    if not match or match[2] not in UNITS or float(match[1]) <= 0:
        raise click.BadParameter(f"{text!r} is no duration; write it like 90s, 30m or 4h")
    return float(match[1]) * UNITS[match[2]]


@click.group()
def zone() -> None:
    """Make a zone, and take it down, apart from a test run."""


@zone.command()
@click.argument("pool")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The zone file.")
@click.option(
    "--ttl", type=duration, metavar="DURATION", default="4h", show_default=True, help="How long the lease lives."
)
@click.option("--zone-config", metavar="FILE", help="Deploy this file's zones; see --qacloud-zone-config.")
@click.option("--build", help="What is installed; see --qacloud-build.")
@click.option("--wait", is_flag=True, help="Wait in line while the pool is held.")
@click.option("--pools-dir", help="Folder of the pool files.")
@click.option("--purpose", help="For the others in line.")
def up(
    pool: str,
    output: Path,
    ttl: float,
    zone_config: str | None,
    build: str | None,
    wait: bool,  # click hands flags over by name
    pools_dir: str | None,
    purpose: str | None,
) -> None:
    """Lease POOL, make a zone on it, and leave it to whoever has the zone file.

    The file holds keys: keep it as you keep a password.
    """
    given = {
        "pool": pool,
        "zone-config": zone_config,
        "build": build,
        "wait": "forever" if wait else None,
        "pools-dir": pools_dir,
        "purpose": purpose,
    }
    settings = Settings(given, lambda _key: "", Path.cwd())
    _refuse_simulated(settings)
    _refuse_unwritable(output)
    from ..leasing import duration_text
    from ..progress import view
    from ..session import Session

    with view() as shown:
        session = Session(settings, shown)
        try:
            made = session.start()
            session.hand_over(output.absolute(), ttl)
        finally:
            session.stop()
    click.echo(f"zone {made.name} on {made.pool}, leased for {duration_text(ttl)}: {output}")
    click.echo(f"use it:       pytest --qacloud-zone={output} bvt/")
    click.echo(f"take it down: qacloud zone down {output}")


@zone.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def down(file: Path) -> None:
    """Take the zone of FILE down, release its pool, and delete FILE."""
    from ..handover import read_handover
    from ..progress import view
    from ..session import Session

    handover = read_handover(file)
    settings = Settings({}, lambda _key: "", Path.cwd())
    with view() as shown:
        session = Session(settings, shown)
        try:
            session.take_down(handover)
        finally:
            session.stop()
    for warning in session.warnings:
        click.echo(f"warning: {warning}", err=True)
    if session.guard is not None and session.guard.loss is not None:
        raise LeaseLostError(handover.zone.pool, handover.zone.epoch, session.guard.loss.reason)
    file.unlink(missing_ok=True)
    click.echo(f"zone {handover.zone.name} is down, {handover.zone.pool} is free")


def _refuse_unwritable(output: Path) -> None:
    """Say before a zone is made, not an hour later, that its file could not be written."""
    from ..handover import writable

    if output.exists():
        raise ConfigError(
            f"is there already, perhaps of a zone in use; take that down with `qacloud zone down {output}`,"
            " or name another file",
            file=str(output),
        )
    writable(output)


def _refuse_simulated(settings: Settings) -> None:
    """A simulated rack ends with the process that started it, so no zone of it can be left behind."""
    from ..config import SimulatedPool
    from ..poolchoice import choose

    name = settings["pool"]
    if any(isinstance(pool, SimulatedPool) for pool in choose(name, settings.path("pools-dir"))):
        raise ConfigError(
            f"the rack of {name} would end with this command; start one with `qacloud rack up`,"
            " and name the pool file that it prints"
        )
