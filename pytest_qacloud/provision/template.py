"""The system VM template: downloaded once, its checksum verified, kept by its checksum."""

from __future__ import annotations

import hashlib
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ..errors import ServiceFaultError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from ..model import SystemVmTemplate

BLOCK = 1 << 20
TIMEOUT_S = 60.0
"""Seconds without a byte after which a download is given up."""
PASSING = frozenset({408, 425, 429})
"""HTTP's answers in the 400s that another try may change."""
LOCK_LOOK_S = 0.5
"""Seconds between two looks at whether to go on waiting for another process's download."""


def fetch_template(template: SystemVmTemplate, cache: Path, *, check: Callable[[], None] = lambda: None) -> Path:
    """The local file of a template, from the cache or from its URL.

    Several processes that want the same one wait for the first to have it. A file in the cache is verified again
    before it is trusted.

    Args:
        cache: folder, made where missing.
        check: called between blocks; raises to stop.

    Raises:
        UnreachableError: it cannot be downloaded.
        ServiceFaultError: there is no such file, it has another checksum, or the disk is full.
    """
    kind, _, wanted = template.checksum.partition(":")
    path = cache / f"{kind}-{wanted}{Path(urlsplit(template.url).path).suffix}"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _locked(path, check):
            if not path.exists() or _digest(path, kind) != wanted:
                _replace(path, template, check)
        return path
    except OSError as error:
        raise ServiceFaultError(
            f"template cache {cache}",
            f"cannot be used: {error.strerror or error}",
            "make room there, or make it writable",
        ) from error


@contextmanager
def _locked(path: Path, check: Callable[[], None]) -> Iterator[None]:
    """The right to write `path`, which one process at a time has."""
    from filelock import FileLock, Timeout

    lock = FileLock(f"{path}.lock")
    while True:
        check()
        try:
            lock.acquire(timeout=LOCK_LOOK_S)
            break
        except Timeout:
            continue
    try:
        yield
    finally:
        lock.release()


def _replace(path: Path, template: SystemVmTemplate, check: Callable[[], None]) -> None:
    kind, _, wanted = template.checksum.partition(":")
    part = path.with_name(f"{path.name}.part")  # one left by a process that was killed is overwritten
    try:
        with part.open("wb") as target, closing(_blocks(template.url)) as blocks:
            for block in blocks:
                check()
                target.write(block)
        found = _digest(part, kind)
        if found != wanted:
            raise ServiceFaultError(
                f"system VM template {template.url}",
                f"its {kind} is {found}, and {wanted} is expected",
                "find out which of the two is right, then correct [storage.system_vm_template] of the pool file",
            )
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _digest(path: Path, kind: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()


def _blocks(url: str) -> Generator[bytes, None, None]:
    parts = urlsplit(url)
    return _blocks_of_file(url, Path(url2pathname(parts.path))) if parts.scheme == "file" else _blocks_of_reply(url)


def _blocks_of_file(url: str, path: Path) -> Generator[bytes, None, None]:
    try:
        source = path.open("rb")
    except OSError as error:
        raise _unusable(url, f"cannot be read: {error.strerror}") from error
    with source:
        while block := source.read(BLOCK):
            yield block


def _blocks_of_reply(url: str) -> Generator[bytes, None, None]:
    """The file's own bytes: what the server compresses by itself is asked for, and taken, as it is stored."""
    import requests
    from urllib3.exceptions import HTTPError

    try:
        with requests.get(url, stream=True, timeout=TIMEOUT_S, headers={"Accept-Encoding": "identity"}) as reply:
            if 400 <= reply.status_code < 500 and reply.status_code not in PASSING:
                raise _unusable(url, f"the server answers {reply.status_code} {reply.reason}")
            reply.raise_for_status()
            yield from reply.raw.stream(BLOCK, decode_content=False)
    except (requests.RequestException, HTTPError) as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        observed = f"the server answers {status}" if status else f"the download breaks off ({type(error).__name__})"
        raise UnreachableError(f"system VM template {url}", observed, "check the URL and the proxy") from error


def _unusable(url: str, observed: str) -> ServiceFaultError:
    return ServiceFaultError(
        f"system VM template {url}", observed, "correct [storage.system_vm_template] url of the pool file"
    )
