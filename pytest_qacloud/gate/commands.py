"""A command on this machine, run to its end: in a session of its own, with a time limit, and its output in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..deadline import SYSTEM_CLOCK, Deadline, Waiting, poll
from ..errors import DeadlineError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from ..model import ProcessIdentity
    from ..ports_process import Programs

LOOK_S = 0.1
GRACE_S = 20.0
"""Seconds between SIGTERM and SIGKILL: a test run takes its zone down meanwhile."""

TAIL_BYTES, TAIL_LINES = 8192, 12


def complete(
    programs: Programs,
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    folder: Path,
    output: Path,
    limit_s: float,
    stop: Callable[[], None],
    announce: Callable[[ProcessIdentity], None] = lambda _identity: None,
) -> int | None:
    """Run a command; nothing of its session lives on.

    Args:
        env: beside this process's own environment, of which what is about this process is left out.
        folder: its working folder.
        output: the file that takes what it writes.
        stop: raises when it shall end.
        announce: told who it will be, before it runs.

    Returns:
        Its exit status; `None` where it was ended since its time was over.

    Raises:
        ServiceFaultError: it could not be started, or does not end.
    """
    deadline = Deadline(limit_s, SYSTEM_CLOCK)
    program = programs.start(argv, env=env, folder=folder, output=output, mark=programs.mark(), announce=announce)

    def look() -> int | Waiting:
        status = program.status()
        return Waiting("it still runs") if status is None else status

    try:
        return poll(look, what=argv[0], deadline=deadline, interval_s=LOOK_S, check=stop)
    except DeadlineError:
        return None
    finally:
        programs.end(program.identity, grace_s=GRACE_S)


def tail(path: Path) -> str:
    """The last lines of a file, as one; empty where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " | ".join(lines[-TAIL_LINES:])
