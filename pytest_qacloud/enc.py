"""`qacloud puppet-enc CERTNAME`: Puppet's external node classifier, and the folder of files that it reads.

Puppet starts it for every agent run, so it imports next to nothing: `pathlib`, `typing` and `re` alone would cost as
much as all the rest.

Protocol: https://www.puppet.com/docs/puppet/8/nodes_external.html
"""

from __future__ import annotations

import os
import sys

from .errors import ConfigError

ENC_DIR_VARIABLE = "QACLOUD_ENC_DIR"
USAGE = "usage: qacloud puppet-enc [--enc-dir DIR] CERTNAME"
CERTNAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")
LONGEST_CERTNAME = 253


def enc_dir(chosen: str | None = None) -> str:
    """The folder of classifications: as chosen, `$QACLOUD_ENC_DIR`, or in the state folder."""
    chosen = chosen or os.environ.get(ENC_DIR_VARIABLE)
    if chosen:
        return chosen
    from .paths import state_dir

    return str(state_dir() / "enc")


def classification_path(folder: str, certname: str) -> str:
    """The file that says what a machine is; it need not exist.

    Raises:
        ConfigError: not a certname. Puppet's are lower case; a name that is none cannot lead out of the folder.
    """
    fits = certname and len(certname) <= LONGEST_CERTNAME and CERTNAME_CHARACTERS.issuperset(certname)
    if not fits or ".." in certname or not (certname[0].isalnum() and certname[-1].isalnum()):
        raise ConfigError(f"{certname!r} is not a Puppet certname")
    return os.path.join(folder, f"{certname}.yaml")  # noqa: PTH118  # pathlib is what must not be imported


def read_classification(folder: str, certname: str) -> str:
    """The YAML document for Puppet.

    Raises:
        ConfigError: nothing is known about the machine, or the name is no certname.
    """
    path = classification_path(folder, certname)
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123  # as above
            return file.read()
    except FileNotFoundError:
        raise ConfigError(
            f"no zone that is being built or used has a machine {certname}; its run has ended, or the folder is not"
            f" the one that runs write ([puppet] enc_dir of the pool file)",
            file=folder,
        ) from None
    except OSError as error:
        raise ConfigError(f"cannot read the classification of {certname}: {error.strerror}", file=folder) from error


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
