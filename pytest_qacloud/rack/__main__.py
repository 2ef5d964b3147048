"""`python -m pytest_qacloud.rack`: the simulated rack in the foreground."""

from __future__ import annotations

import asyncio
import gc
import sys

from .faults import FaultError
from .settings import SettingsError, parse

EXIT_USAGE = 2


def main() -> int:
    """Run until SIGTERM or SIGINT, or until standard input ends where that was asked for."""
    from .app import run

    try:
        settings = parse(sys.argv[1:])
        asyncio.run(run(settings))
    except (SettingsError, FaultError) as error:
        sys.stderr.write(f"rack: {error}\n")
        return EXIT_USAGE
    gc.freeze()  # whoever ends a rack waits for its exit, which would look for garbage in all that it has loaded
    return 0


if __name__ == "__main__":
    sys.exit(main())
