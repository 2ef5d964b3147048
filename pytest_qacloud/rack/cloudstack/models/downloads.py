"""Certificates with which hosts trust the servers that they download templates from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from ..store import Entity, OnRemove, relation

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from .topology import Host, Zone


@dataclass(eq=False, kw_only=True)
class DownloadCertificate(Entity):
    """A certificate for a zone's hosts of one hypervisor."""

    RESPONSE: ClassVar[str] = "DirectDownloadCertificateResponse"
    LABEL: ClassVar[str] = "Direct download certificate"

    alias: str
    zone: Zone = relation(OnRemove.CASCADE)
    hypervisor: str
    certificate: Certificate = field(repr=False)

    @property
    def version(self) -> str:
        """Of its format."""
        return str(self.certificate.version.value + 1)

    @property
    def subject(self) -> str:
        """Whose it is."""
        return self.certificate.subject.rfc4514_string()

    @property
    def issuer(self) -> str:
        """Who says so."""
        return self.certificate.issuer.rfc4514_string()

    @property
    def validity(self) -> str:
        """From when until when."""
        first, last = self.certificate.not_valid_before_utc, self.certificate.not_valid_after_utc
        return f"From: [{first:%Y-%m-%d %H:%M:%S}] - To: [{last:%Y-%m-%d %H:%M:%S}]"

    @property
    def serialnum(self) -> str:
        """Its serial number in hexadecimal."""
        return f"{self.certificate.serial_number:x}"


@dataclass(eq=False, kw_only=True)
class CertificateOnHost(Entity):
    """That a host has a certificate."""

    certificate: DownloadCertificate = relation(OnRemove.CASCADE)
    host: Host = relation(OnRemove.CASCADE)
