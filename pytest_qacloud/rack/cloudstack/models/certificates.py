"""The installation's certificate authority."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..store import Entity, OnRemove, relation

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate

    from .systemvms import SystemVmAgent


@dataclass(eq=False, kw_only=True)
class Authority(Entity):
    """A root certificate with its key."""

    key: RSAPrivateKey = field(repr=False)
    certificate: Certificate


@dataclass(eq=False, kw_only=True)
class Revocation(Entity):
    """A certificate that is no longer good, by its serial number in lower-case hexadecimal."""

    serial: str
    cn: str | None = None


@dataclass(eq=False, kw_only=True)
class Reconnection(Entity):
    """An agent that has been cut off, and comes back when the server next looks for such."""

    agent: SystemVmAgent = relation(OnRemove.CASCADE)
    due: float
