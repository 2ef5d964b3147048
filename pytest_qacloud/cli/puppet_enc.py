"""`qacloud puppet-enc`, for its help; the real thing is called before click is loaded."""

from __future__ import annotations

import sys

import click

from ..enc import main


@click.command(name="puppet-enc")
@click.option("--enc-dir", metavar="DIR", help="Folder of classifications; $QACLOUD_ENC_DIR, else the state folder.")
@click.argument("certname")
def puppet_enc(enc_dir: str | None, certname: str) -> None:
    """Print the classes and parameters of a machine as YAML, for Puppet's `external_nodes`."""
    chosen = ["--enc-dir", enc_dir] if enc_dir else []
    sys.exit(main([*chosen, certname]))
