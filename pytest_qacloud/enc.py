"""`qacloud puppet-enc CERTNAME`: Puppet's external node classifier.

Protocol: https://www.puppet.com/docs/puppet/8/nodes_external.html
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .errors import ConfigError
from .paths import state_dir
from .provision.enc import read_classification

ENC_DIR_VARIABLE = "QACLOUD_ENC_DIR"
USAGE = "usage: qacloud puppet-enc [--enc-dir DIR] CERTNAME"


def enc_dir(chosen: str | None = None) -> Path:
    """The folder of classifications: as chosen, `$QACLOUD_ENC_DIR`, or in the state folder."""
    chosen = chosen or os.environ.get(ENC_DIR_VARIABLE)
    return Path(chosen) if chosen else state_dir() / "enc"


def main(arguments: list[str]) -> int:
    """Print a node's classification; 1 when nothing is known about it."""
    chosen = None
    if arguments[:1] == ["--enc-dir"] and len(arguments) > 1:
        chosen, arguments = arguments[1], arguments[2:]
    elif arguments and arguments[0].startswith("--enc-dir="):
        chosen, arguments = arguments[0].partition("=")[2], arguments[1:]
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.stderr.write(USAGE + "\n")
        return 2
    try:
        sys.stdout.write(read_classification(enc_dir(chosen), arguments[0]))
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0
