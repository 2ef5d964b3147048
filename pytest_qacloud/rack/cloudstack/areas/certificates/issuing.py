"""X.509 certificates made with `cryptography`, in the form of CloudStack's root CA plugin."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ...errors import failed
from ...models.certificates import Authority

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

    from ...context import Context

_AUTHORITY_DAYS = 30 * 365
_EARLIER = timedelta(hours=12)
"""How long before it was made a certificate is valid already, for clocks that differ."""

_HASHES: dict[str, hashes.SHA256 | hashes.SHA384 | hashes.SHA512] = {
    "SHA256withRSA": hashes.SHA256(),
    "SHA384withRSA": hashes.SHA384(),
    "SHA512withRSA": hashes.SHA512(),
}


def authority(ctx: Context) -> Authority:
    """The installation's authority; made when it is first asked for, as its key takes a second."""
    found = ctx.store.first(Authority)
    if found is not None:
        return found
    key = new_key(2 * int(ctx.number_setting("ca.framework.cert.keysize")))
    try:
        name = x509.Name.from_rfc4514_string(ctx.setting("ca.plugin.root.issuer.dn"))
    except ValueError as error:
        raise failed(f"Failed to generate RootCA certificate: {error}") from None
    draft = (
        _draft(ctx, name, name, key.public_key(), _AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage_of_authorities(), critical=True)
    )
    return ctx.store.add(Authority(key=key, certificate=draft.sign(key, _hash(ctx))), ctx.now)


def new_key(bits: int) -> rsa.RSAPrivateKey:
    """A fresh RSA key."""
    return rsa.generate_private_key(65537, bits)


def issue(
    ctx: Context,
    subject: x509.Name,
    key: CertificatePublicKeyTypes,
    names: Iterable[str],
    addresses: Iterable[str],
    days: int,
) -> x509.Certificate:
    """A certificate for a public key, signed by the authority.

    Args:
        names: DNS names, and `addresses` IP addresses, that it is good for; empty ones are left out.

    Raises:
        ApiError: an address is none, or the certificate would end before it begins (530).
    """
    root = authority(ctx)
    try:
        others: list[x509.GeneralName] = [x509.IPAddress(ip_address(item)) for item in _distinct(addresses)]
        others += [x509.DNSName(item) for item in _distinct(names)]
        draft = _draft(ctx, subject, root.certificate.subject, key, days).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root.key.public_key()), critical=False
        )
        if others:
            draft = draft.add_extension(x509.SubjectAlternativeName(others), critical=False)
        return draft.sign(root.key, _hash(ctx))
    except (ValueError, OverflowError) as error:
        raise failed(f"Failed to generate certificate due to: {error}") from None


def _distinct(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(item for item in items if item))


def _draft(
    ctx: Context, subject: x509.Name, issuer: x509.Name, key: CertificatePublicKeyTypes, days: int
) -> x509.CertificateBuilder:
    now = datetime.fromtimestamp(ctx.now, UTC).replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage_of_authorities() -> x509.KeyUsage:
    unused = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    return x509.KeyUsage(
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
        **dict.fromkeys(unused, False),
    )


def _hash(ctx: Context) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512:
    name = ctx.setting("ca.framework.cert.signature.algorithm")
    if name not in _HASHES:
        raise failed(f"Failed to generate certificate due to: unknown signature algorithm {name}")
    return _HASHES[name]


def read_request(csr: str) -> tuple[x509.Name, CertificatePublicKeyTypes, list[str], list[str]]:
    """Subject, key, DNS names and addresses of a certificate signing request in PEM.

    Raises:
        ApiError: it is none (530).
    """
    try:
        request = x509.load_pem_x509_csr(csr.encode())
        key = request.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise failed(f"Unable to read/process CSR: {csr}") from None
    try:
        other = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return request.subject, key, [], []
    addresses = [str(item) for item in other.get_values_for_type(x509.IPAddress)]
    return request.subject, key, other.get_values_for_type(x509.DNSName), addresses


def pem(certificate: x509.Certificate) -> str:
    """A certificate in PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def private_pem(key: rsa.RSAPrivateKey) -> str:
    """A private key in PEM, not encrypted."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
