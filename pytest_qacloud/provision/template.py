"""The system VM template: downloaded once, its checksum verified, kept by its checksum."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ..errors import ServiceFaultError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..model import SystemVmTemplate

BLOCK = 1 << 20
TIMEOUT_S = 60.0
"""Seconds without a byte after which a download is given up."""


def fetch_template(template: SystemVmTemplate, cache: Path, *, check: Callable[[], None] = lambda: None) -> Path:
    """The local file of a template, from the cache or from its URL.

    Several processes that want the same one wait for the first to have it. A file in the cache is verified again
    before it is trusted.

    Args:
        cache: folder, made where missing.
        check: called between blocks; raises to stop.

    Raises:
        UnreachableError: it cannot be downloaded.
        ServiceFaultError: what comes has another checksum, or the disk is full.
    """
    from filelock import FileLock

    kind, _, wanted = template.checksum.partition(":")
    suffix = Path(urlsplit(template.url).path).suffix
    try:
        cache.mkdir(parents=True, exist_ok=True)
        path = cache / f"{kind}-{wanted}{suffix}"
        with FileLock(f"{path}.lock"):
            if path.exists() and _digest(path, kind) == wanted:
                return path
            part = path.with_suffix(f"{suffix}.{os.getpid()}.part")
            try:
                _download(template.url, part, check)
                found = _digest(part, kind)
                if found != wanted:
                    raise ServiceFaultError(
                        f"system VM template {template.url}",
                        f"its {kind} is {found}, and the pool file says {wanted}",
                        "find out which of the two is right, then correct [storage.system_vm_template]",
                    )
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
        return path
    except OSError as error:
        raise ServiceFaultError(
            f"template cache {cache}", f"cannot be written: {error.strerror}", "make room there, or name another folder"
        ) from error


def _digest(path: Path, kind: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()


def _download(url: str, part: Path, check: Callable[[], None]) -> None:
    parts = urlsplit(url)
    with part.open("xb") as target:
        if parts.scheme == "file":
            with Path(url2pathname(parts.path)).open("rb") as source:
                shutil.copyfileobj(source, target, BLOCK)
            return
        for block in _blocks(url):
            check()
            target.write(block)


def _blocks(url: str) -> Iterator[bytes]:
    import requests

    try:
        with requests.get(url, stream=True, timeout=TIMEOUT_S) as reply:
            reply.raise_for_status()
            yield from reply.iter_content(BLOCK)
    except requests.RequestException as error:
        status = getattr(error.response, "status_code", None)
        observed = f"answers {status}" if status else f"does not answer ({type(error).__name__})"
        raise UnreachableError(f"system VM template {url}", observed, "check the URL and the proxy") from error
