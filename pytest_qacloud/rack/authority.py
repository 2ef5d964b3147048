"""Puppet's certificate authority: who has asked, whose certificate is signed, whose is revoked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes, serialization

from . import keys

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

UNKNOWN = "Invalid certificate subject."
SERVER_NAME = "puppet"
ADMIN_NAME = "qacloud-admin"


class AuthorityError(Exception):
    """A refusal, with its HTTP status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


@dataclass
class Entry:
    """One certname: its key, and its certificate once signed."""

    public_key: ec.EllipticCurvePublicKey
    certificate: x509.Certificate | None = None
    revoked: bool = False

    @property
    def state(self) -> str:
        """In Puppet's words."""
        if self.certificate is None:
            return "requested"
        return "revoked" if self.revoked else "signed"


class Authority:
    """The CA.

    Args:
        address: IP address that goes into the server's certificate.
        autosign: sign every request when it comes in.
    """

    def __init__(self, address: str, *, autosign: bool = True) -> None:
        self.autosign = autosign
        self._key = keys.new_key()
        self.certificate = keys.self_signed("Puppet CA: qacloud rack", self._key)
        self.server_key, self.admin_key = keys.new_key(), keys.new_key()
        self.server_certificate = self._signed(SERVER_NAME, self.server_key.public_key(), address)
        self.admin_certificate = self._signed(ADMIN_NAME, self.admin_key.public_key())
        self._entries = {ADMIN_NAME: Entry(self.admin_key.public_key(), self.admin_certificate)}

    def _signed(self, name: str, key: ec.EllipticCurvePublicKey, address: str | None = None) -> x509.Certificate:
        return keys.signed(name, key, self.certificate, self._key, address)

    def entry(self, certname: str) -> Entry | None:
        """What is known of a certname."""
        return self._entries.get(certname)

    def request(self, certname: str, public_key: ec.EllipticCurvePublicKey) -> None:
        """Take an agent's signing request; an earlier one that is not signed yet is replaced.

        Raises:
            AuthorityError: 400, there is a certificate already.
        """
        known = self._entries.get(certname)
        if known is not None and known.certificate is not None:
            raise AuthorityError(
                400, f"{certname} already has a {known.state} certificate; ignoring certificate request"
            )
        self._entries[certname] = Entry(public_key)
        if self.autosign:
            self.sign(certname)

    def sign(self, certname: str) -> None:
        """Sign a request.

        Raises:
            AuthorityError: 404, or 409 where there is no open request.
        """
        entry = self._known(certname)
        if entry.certificate is not None:
            raise AuthorityError(409, f"Cannot sign certificate for host {certname} without a certificate request")
        entry.certificate = self._signed(certname, entry.public_key)

    def revoke(self, certname: str) -> None:
        """Revoke a signed certificate; again is no error.

        Raises:
            AuthorityError: 404, or 409 where nothing is signed.
        """
        entry = self._known(certname)
        if entry.certificate is None:
            raise AuthorityError(409, f"Cannot revoke certificate for host {certname} without a signed certificate")
        entry.revoked = True

    def delete(self, certname: str) -> None:
        """Forget a certname.

        Raises:
            AuthorityError: 404.
        """
        self._known(certname)
        del self._entries[certname]

    def status(self, certname: str) -> dict[str, Any]:
        """One certname as the API's JSON has it.

        Raises:
            AuthorityError: 404.
        """
        entry = self._known(certname)
        status: dict[str, Any] = {
            "name": certname,
            "state": entry.state,
            "dns_alt_names": [f"DNS:{certname}"],
            "subject_alt_names": [f"DNS:{certname}"],
            "authorization_extensions": {},
        }
        if entry.certificate is not None:
            digest = _fingerprint(entry.certificate.fingerprint(hashes.SHA256()))
            form = "%Y-%m-%dT%H:%M:%SUTC"
            status |= {
                "serial_number": entry.certificate.serial_number,
                "not_before": entry.certificate.not_valid_before_utc.strftime(form),
                "not_after": entry.certificate.not_valid_after_utc.strftime(form),
            }
        else:
            der = entry.public_key.public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            hasher = hashes.Hash(hashes.SHA256())
            hasher.update(der)
            digest = _fingerprint(hasher.finalize())
        return status | {"fingerprint": digest, "fingerprints": {"SHA256": digest, "default": digest}}

    def statuses(self) -> list[dict[str, Any]]:
        """All certnames."""
        return [self.status(name) for name in self._entries]

    def _known(self, certname: str) -> Entry:
        entry = self._entries.get(certname)
        if entry is None:
            raise AuthorityError(404, UNKNOWN)
        return entry


def _fingerprint(digest: bytes) -> str:
    return digest.hex(":").upper()
