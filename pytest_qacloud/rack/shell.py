"""The commands of a machine's installed system."""

from __future__ import annotations

import argparse
import shlex
from functools import cache
from typing import TYPE_CHECKING, NoReturn

from .ssh import Outcome, not_found

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .agent import Agent
    from .faults import Faults
    from .machine import Disk

WRONG_USAGE = 2
AGENT_WRONG_USAGE = 1


class _UsageError(Exception):
    """A command line that the command does not understand."""


class _Parser(argparse.ArgumentParser):
    """A parser that raises instead of ending the rack."""

    def error(self, message: str) -> NoReturn:
        raise _UsageError(message)


@cache
def _agent_options() -> _Parser:
    parser = _Parser(prog="puppet agent", add_help=False, allow_abbrev=False)
    for flag in (
        "--onetime",
        "--no-daemonize",
        "--detailed-exitcodes",
        "--verbose",
        "--test",
        "--no-usecacheonfailure",
    ):
        parser.add_argument(flag, action="store_true")
    for option in (
        "--server",
        "--environment",
        "--certname",
        "--color",
        "--serverport",
        "--masterport",
        "--waitforcert",
    ):
        parser.add_argument(option)
    return parser


class SystemShell:
    """What root can run on one machine.

    Args:
        machine: its name.
    """

    def __init__(self, machine: str, disk: Disk, agent: Agent, faults: Faults) -> None:
        self._machine, self._disk, self._agent, self._faults = machine, disk, agent, faults

    async def run(self, line: str) -> Outcome:
        """Carry out one command line; the shell's own syntax, other than quotes, means nothing here."""
        try:
            argv = shlex.split(line)
        except ValueError as error:
            return Outcome(WRONG_USAGE, stderr=f"bash: line 1: syntax error: {error}\n".encode())
        outcome = await self._dispatch(argv)
        return outcome._replace(cut=self._faults.active("ssh_drops", self._machine) is not None)

    async def _dispatch(self, argv: Sequence[str]) -> Outcome:
        match argv:
            case [] | ["true"]:
                return Outcome(0)
            case ["cat", "--", path] | ["cat", path]:
                return self._cat(path)
            case ["hostname"] | ["hostname", "-f" | "--fqdn"]:
                return Outcome(0, f"{self._disk.hostname}\n".encode())
            case ["puppet", "agent", *options]:
                return await self._puppet(options)
        return not_found(argv[0])

    def _cat(self, path: str) -> Outcome:
        text = self._disk.files.get(path)
        if text is None:
            return Outcome(1, stderr=f"cat: {path}: No such file or directory\n".encode())
        return Outcome(0, text.encode())

    async def _puppet(self, options: Sequence[str]) -> Outcome:
        try:
            asked = _agent_options().parse_args(options)
        except _UsageError as error:
            return Outcome(AGENT_WRONG_USAGE, stderr=f"Error: Could not parse application options: {error}\n".encode())
        certname = asked.certname or self._disk.hostname
        status, text = await self._agent.run(self._machine, self._disk, certname, asked.environment or "production")
        if status == 2 and not (asked.detailed_exitcodes or asked.test):
            status = 0
        return Outcome(status, text.encode())
