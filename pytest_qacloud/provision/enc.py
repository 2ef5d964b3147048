"""What Puppet's external node classifier says, as files: one a machine, whole or not there at all.

Puppet calls the classifier for every agent run, so reading must be quick: nothing but the standard library is imported
at the top, and the file is printed as it stands.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from ..errors import ConfigError, ServiceFaultError

if TYPE_CHECKING:
    from pathlib import Path

    from ..model import MachinePlan

CERTNAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?")
"""Puppet's certnames are lower case; a name that is none cannot lead out of the folder."""


def write_classification(folder: Path, plan: MachinePlan) -> None:
    """Say what `plan` makes of its machine; replaces what was said before.

    Raises:
        ServiceFaultError: the folder cannot be written.
    """
    import yaml

    from .plan import classification

    path = _path(folder, plan.hostname)
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            part.write_text(yaml.safe_dump(classification(plan), sort_keys=True), encoding="utf-8")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error


def remove_classification(folder: Path, certname: str) -> None:
    """Say nothing about a machine any more; none there is no error.

    Raises:
        ServiceFaultError: the folder cannot be written.
    """
    try:
        _path(folder, certname).unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error


def read_classification(folder: Path, certname: str) -> str:
    """The YAML document for Puppet.

    Raises:
        ConfigError: nothing is known about the machine, or the name is no certname.
    """
    try:
        return _path(folder, certname).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            f"no zone that is being built or used has a machine {certname}; its run has ended, or the folder is not"
            f" the one that runs write ([puppet] enc_dir of the pool file)",
            file=str(folder),
        ) from None
    except OSError as error:
        raise ConfigError(
            f"cannot read the classification of {certname}: {error.strerror}", file=str(folder)
        ) from error


def _unwritable(folder: Path, error: OSError) -> ServiceFaultError:
    return ServiceFaultError(
        f"node classifier's folder {folder}",
        f"cannot be written: {error.strerror}",
        "make it writable for this user, or name another in [puppet] enc_dir",
    )


def _path(folder: Path, certname: str) -> Path:
    if not CERTNAME.fullmatch(certname) or ".." in certname:
        raise ConfigError(f"{certname!r} is not a Puppet certname")
    return folder / f"{certname}.yaml"
