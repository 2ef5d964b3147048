"""`qacloud` and `python -m pytest_qacloud`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; the node classifier, which Puppet calls for every agent run, without loading the rest."""
    if sys.argv[1:2] == ["puppet-enc"] and not {"-h", "--help"} & set(sys.argv):
        from .enc import main as puppet_enc

        sys.exit(puppet_enc(sys.argv[2:]))
    from .cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
