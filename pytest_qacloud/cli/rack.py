"""`qacloud rack`: the simulated rack, in the foreground."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

import click

from ..errors import ProvisionError
from ..model import Hypervisor

LOOK_S = 0.2
"""Seconds between two looks at whether the rack still runs."""


@click.group()
def rack() -> None:
    """Run the simulated rack by itself."""


@rack.command()
@click.option("--machines", type=click.IntRange(2, 1000), default=4, show_default=True, help="The last is a spare.")
@click.option(
    "--hypervisor",
    type=click.Choice([kind.value for kind in Hypervisor]),
    default=Hypervisor.KVM.value,
    show_default=True,
)
@click.option(
    "--install-time",
    type=click.FloatRange(min=0),
    default=0.3,
    show_default=True,
    help="Seconds an installation takes.",
)
@click.option("--name", default="sim", show_default=True, help="Name of the pool.")
@click.option("--rack-file", type=click.Path(path_type=Path), help="TOML file with settings and faults.")
def up(machines: int, hypervisor: str, install_time: float, name: str, rack_file: Path | None) -> None:
    """Start a rack on loopback, print its pool file, and stay until Ctrl-C."""
    from ..config import SimulatedPool
    from ..interrupts import Interrupts
    from ..launcher import launch
    from ..paths import state_dir

    started_s = time.monotonic()
    log = state_dir() / "racks" / f"{name}.log"
    pool = SimulatedPool(name, machines=machines, hypervisor=Hypervisor(hypervisor), install_time_s=install_time)
    with ExitStack() as stack:
        stack.enter_context(Interrupts())
        try:
            running = launch(pool, log, rack_file=rack_file)
            stack.callback(running.stop)
            pool_file = running.ready()
            click.echo(f"pool file: {pool_file}")
            click.echo(f"control:   {running.control}")
            click.echo(f"use it:    pytest --qacloud-pool={pool_file} bvt/")
            click.echo("Ctrl-C stops the rack and removes its folder.")
            while running.process.poll() is None:
                time.sleep(LOOK_S)
        except KeyboardInterrupt:
            click.echo("stopped")
            return
    raise ProvisionError(name, "rack", "it has ended by itself", time.monotonic() - started_s, f"Read {log}.")
