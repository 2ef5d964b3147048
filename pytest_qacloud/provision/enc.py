"""What Puppet's external node classifier says, as files: one a machine, whole or not there at all.

They are written here, when a machine's step has come; `pytest_qacloud.enc` reads them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..enc import classification_path
from ..errors import ServiceFaultError

if TYPE_CHECKING:
    from ..model import MachinePlan


def write_classification(folder: Path, plan: MachinePlan) -> None:
    """Say what `plan` makes of its machine; replaces what was said before.

    Raises:
        ServiceFaultError: the folder cannot be written.
    """
    import yaml

    from .plan import classification

    path = Path(classification_path(str(folder), plan.hostname))
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
        Path(classification_path(str(folder), certname)).unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> ServiceFaultError:
    return ServiceFaultError(
        f"node classifier's folder {folder}",
        f"cannot be written: {error.strerror}",
        "make it writable for this user, or name another in [puppet] enc_dir",
    )
