"""`qacloud rack`: the simulated rack, in the foreground."""

from __future__ import annotations

import time
from pathlib import Path

import click


@click.group()
def rack() -> None:
    """Run the simulated rack by itself."""


@rack.command()
@click.option("--machines", type=click.IntRange(2, 1000), default=4, show_default=True, help="The last is a spare.")
@click.option("--hypervisor", default="kvm", show_default=True, help="kvm, xenserver, vmware or simulator.")
@click.option("--install-time", type=float, default=0.3, show_default=True, help="Seconds an installation takes.")
@click.option("--name", default="sim", show_default=True, help="Name of the pool.")
@click.option("--rack-file", type=click.Path(path_type=Path), help="TOML file with settings and faults.")
def up(machines: int, hypervisor: str, install_time: float, name: str, rack_file: Path | None) -> None:
    """Start a rack on loopback, print its pool file, and stay until Ctrl-C."""
    from ..config import SimulatedPool
    from ..interrupts import Interrupts
    from ..launcher import launch
    from ..paths import state_dir

    log = state_dir() / "racks" / f"{name}.log"
    running = launch(
        SimulatedPool(name, machines=machines, hypervisor=hypervisor, install_time_s=install_time),
        log,
        rack_file=rack_file,
    )
    try:
        with Interrupts():
            pool_file = running.ready()
            click.echo(f"pool file: {pool_file}")
            click.echo(f"control:   {running.control}")
            click.echo(f"use it:    pytest --qacloud-pool={pool_file} bvt/")
            click.echo("Ctrl-C stops the rack and removes its folder.")
            while running.process.poll() is None:
                time.sleep(0.2)
            click.echo(f"the rack has ended by itself; read {log}", err=True)
            raise click.exceptions.Exit(1)
    except KeyboardInterrupt:
        click.echo("stopped")
    finally:
        running.stop()
