"""`qacloud demo`: things to try without anything to set up."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

import click


@click.group()
def demo() -> None:
    """Things to try, on the simulated rack."""


@demo.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), required=False)
@click.option("--parallel", type=click.IntRange(1, 8), default=2, show_default=True, help="Runs at a time.")
def gate(folder: Path | None, parallel: int) -> None:
    """Make a git repository with bad commits among good ones, find them, and promote the others.

    FOLDER takes it all; a new temporary one if it is not given.
    """
    from ..demo import make
    from .gate import promote

    folder = (folder or Path(tempfile.mkdtemp(prefix="qacloud-demo-"))).absolute()
    made = make(folder, parallel=parallel)
    click.echo(f"a repository with {len(made.commits)} commits on staging: {made.repository}")
    click.echo(f"go on by hand there: cd {folder} && qacloud gate status\n")
    os.chdir(folder)
    with suppress(SystemExit):  # 1 says that somebody is named, which is what the demo is about
        promote.main(args=[], prog_name="qacloud gate promote", standalone_mode=False)
