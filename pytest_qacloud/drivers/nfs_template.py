"""The system VM template as a file: its checksum, its size, what CloudStack wants written beside it."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import re
import shutil
import struct
import tarfile
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ..model import SystemVmTemplate

TEMPLATES = {"xenserver": (1, "vhd"), "kvm": (3, "qcow2"), "vmware": (8, "ova"), "simulator": (100, "vhd")}
"""Hypervisor: id of its system VM template in a new CloudStack database (`setup/db/templates*.sql`), kind of file."""

ALGORITHMS = {"sha256": 64, "sha512": 128}
"""Checksums taken, with their lengths in hexadecimal digits."""

_COMPRESSIONS: dict[bytes, Callable[[Path], Any]] = {
    b"BZh": bz2.BZ2File,
    b"\x1f\x8b": gzip.GzipFile,
    b"\xfd7zXZ\0": lzma.LZMAFile,
}
_QCOW2 = b"QFI\xfb"


def checksum(template: SystemVmTemplate) -> tuple[str, str]:
    """Algorithm and hexadecimal digits of the template's checksum.

    Raises:
        ConfigError: it is not of the form `sha256:<hex>` or `sha512:<hex>`.
    """
    algorithm, _, digits = template.checksum.lower().partition(":")
    if not re.fullmatch("[0-9a-f]+", digits) or ALGORITHMS.get(algorithm) != len(digits):
        raise ConfigError(f"the template's checksum {template.checksum!r} is not sha256:<hex> or sha512:<hex>")
    return algorithm, digits


def digest(file: Path, algorithm: str) -> str:
    """The file's checksum, hexadecimal."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, algorithm).hexdigest()


def unpacked(file: Path, scratch: Path) -> Path:
    """The image in `file`: the file itself, or what comes out of its compression, in `scratch`.

    Raises:
        ConfigError: the file cannot be read, or not be decompressed.
    """
    try:
        with file.open("rb") as content:
            begin = content.read(8)
        decompress = next((opener for magic, opener in _COMPRESSIONS.items() if begin.startswith(magic)), None)
        if decompress is None:
            return file
        image = scratch / "image"
        with decompress(file) as packed, image.open("wb") as plain:
            shutil.copyfileobj(packed, plain, 1 << 20)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise ConfigError(f"the system VM template cannot be read: {error}", file=str(file)) from error
    return image


def members(ova: Path, scratch: Path) -> list[Path]:
    """The files of an OVA (a tar of an OVF and its disks), unpacked into `scratch`.

    Raises:
        ConfigError: it is not a tar, or holds paths that lead elsewhere.
    """
    folder = scratch / "ova"
    folder.mkdir()
    try:
        with tarfile.open(ova) as archive:
            archive.extractall(folder, filter="data")
    except tarfile.TarError as error:
        raise ConfigError(f"the system VM template is not an OVA: {error}", file=str(ova)) from error
    return sorted(path for path in folder.iterdir() if path.is_file())


def properties(image: Path, number: int, name: str, extension: str, source: str) -> str:
    """The text of `template.properties`, as CloudStack's `cloud-install-sys-tmplt` writes it.

    Args:
        number: the template's id in CloudStack's database.
        name: of the image on the export.
        source: kept in a line that CloudStack does not read, to see later whether the image is still whole.
    """
    size = image.stat().st_size
    virtual = _virtual_size(image) if extension == "qcow2" else size
    return "".join(
        f"{key}={value}\n"
        for key, value in (
            (extension, "true"),
            ("id", number),
            ("public", "true"),
            (f"{extension}.filename", name),
            ("uniquename", f"routing-{number}"),
            (f"{extension}.virtualsize", virtual),
            ("virtualsize", virtual),
            (f"{extension}.size", size),
            ("qacloud.checksum", source),
        )
    )


def _virtual_size(image: Path) -> int:
    """Size of the disk in a QCOW2 image (QEMU's `docs/interop/qcow2.txt`: 64 bits at byte 24), bytes."""
    with image.open("rb") as content:
        header = content.read(32)
    if not header.startswith(_QCOW2) or len(header) < 32:
        return image.stat().st_size
    return int(struct.unpack(">Q", header[24:32])[0])
