"""`qacloud`: everything that is not a test run."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from .. import __version__
from ..errors import QacloudError

if TYPE_CHECKING:
    from collections.abc import Sequence

GROUPS = {
    "pools": "List, show and check pool files.",
    "leases": "List leases, and take a pool back.",
    "zone": "Make a zone, and take it down, apart from a test run.",
    "gate": "Find the commits that broke tests, and promote the others.",
    "demo": "Things to try, on the simulated rack.",
    "rack": "Run the simulated rack by itself.",
    "puppet-enc": "Puppet's external node classifier.",
}


class _Lazy(click.Group):
    """A group whose commands are imported when they are used, so that `qacloud --help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of use."""
        return list(GROUPS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command's module; it holds the command under the same name."""
        if cmd_name not in GROUPS:
            return None
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(importlib.import_module(f".{name}", __name__), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One line each, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(GROUPS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest name for one that does not exist."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            from difflib import get_close_matches

            near = get_close_matches(args[0], GROUPS, 1)
            ctx.fail(f"No such command '{args[0]}'." + (f" Did you mean {near[0]}?" if near else ""))


@click.command(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="qacloud")
def command() -> None:
    """CloudStack zones from bare metal: pools, leases, zones and the simulated rack.

    A test run is pytest's: pytest --qacloud-pool=sim bvt/
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; an error raised on purpose becomes one paragraph and its exit code."""
    try:
        command.main(args=arguments, prog_name="qacloud")
    except QacloudError as error:
        _end(error, error.exit_code)
    except ExceptionGroup as group:
        if group.split(QacloudError)[1] is not None:
            raise
        _end(group, QacloudError.exit_code)


def _end(error: Exception, exit_code: int) -> NoReturn:
    from ..report import paragraphs

    click.echo("qacloud: " + "\n\n".join(paragraphs(error)), err=True)
    sys.exit(exit_code)
