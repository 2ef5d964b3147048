"""The system VM template that the rack offers for download: small, and of the right format."""

from __future__ import annotations

import bz2
import hashlib
import struct
from typing import NamedTuple

VERSION = "4.22.0"
CLUSTER_BITS = 16
VIRTUAL_BYTES = 5 << 30


class Template(NamedTuple):
    """A file name, its content, and its SHA-256 in hexadecimal."""

    name: str
    content: bytes
    sha256: str


def make_template(hypervisor: str) -> Template:
    """The template for a hypervisor, compressed as CloudStack publishes it."""
    name, content = {
        "kvm": ("kvm.qcow2.bz2", bz2.compress(_qcow2())),
        "xenserver": ("xen.vhd.bz2", bz2.compress(_vhd_footer())),
        "vmware": ("vmware.ova", _qcow2()),
        "simulator": ("simulator.qcow2.bz2", bz2.compress(_qcow2())),
    }[hypervisor]
    return Template(f"systemvmtemplate-{VERSION}-x86_64-{name}", content, hashlib.sha256(content).hexdigest())


def _qcow2() -> bytes:
    """An empty image of version 2: a header and a first table of nothing (QEMU, docs/interop/qcow2.txt)."""
    entries = VIRTUAL_BYTES >> (2 * CLUSTER_BITS - 3)
    header = struct.pack(
        ">4sIQIIQIIQQIIQ", b"QFI\xfb", 2, 0, 0, CLUSTER_BITS, VIRTUAL_BYTES, 0, entries, 1 << 16, 2 << 16, 1, 0, 0
    )
    return header.ljust(4 << CLUSTER_BITS, b"\0")


def _vhd_footer() -> bytes:
    """The footer of a fixed disk (Virtual Hard Disk Image Format Specification 1.0) after one empty sector."""
    footer = struct.pack(
        ">8sIIQI4sI4sQQ", b"conectix", 2, 0x10000, 0xFFFFFFFFFFFFFFFF, 0, b"qacl", 0x10000, b"Wi2k", 512, 512
    )
    return bytes(512) + footer.ljust(512, b"\0")
