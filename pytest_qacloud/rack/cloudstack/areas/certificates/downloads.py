"""Certificates for direct downloads: uploaded once, put on all KVM hosts of a zone, and taken away again."""

from __future__ import annotations

import re
import textwrap
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cryptography import x509

from ...errors import failed
from ...models.downloads import CertificateOnHost, DownloadCertificate
from ...models.topology import Host, Zone
from ...registry import command
from ...replies import shape

if TYPE_CHECKING:
    from ...context import Context
    from ...lists import Page
    from ...params import Params

_HYPERVISOR = "KVM"
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
UPLOADED, REVOKED, FAILED = "UPLOADED", "REVOKED", "FAILED"


@command("uploadTemplateDirectDownloadCertificate")
def upload(ctx: Context, params: Params) -> dict[str, Any]:
    """A new certificate for all hosts of a zone that are up; with `hostid` one of the zone's for that host."""
    zone, alias, host = params.need("zoneid", Zone), params.text("name"), params.entity("hostid", Host)
    if alias.lower() == "cloud" or alias.startswith("cloudca"):
        raise failed("Please provide a different alias name for the certificate")
    if _LABEL.fullmatch(alias) is None:
        raise failed("The provided certificate name is invalid, please provide a valid name")
    if params.text("hypervisor").upper() != _HYPERVISOR:
        raise failed("Direct download certificates only supported on KVM")
    found = ctx.store.first(DownloadCertificate, alias=alias, zone=zone)
    if host is not None:
        if found is None:
            raise failed(f"Certificate {alias} must be uploaded on zone {zone.name} first")
        return _reply(found, [_put(ctx, found, host)])
    certificate = _read(ctx, params.text("certificate"))
    if found is not None:
        raise failed(f"Certificate alias {alias} has been already created")
    made = ctx.add(DownloadCertificate(alias=alias, zone=zone, hypervisor=_HYPERVISOR, certificate=certificate))
    hosts = ctx.store.all(
        Host, lambda item: item.zone is zone and item.hypervisor == _HYPERVISOR and item.state == "Up"
    )
    return _reply(made, [_put(ctx, made, item) for item in hosts])


def _reply(certificate: DownloadCertificate, hosts: list[dict[str, str]]) -> dict[str, Any]:
    return {"directdownloadcertificate": {**shape(certificate), "hostsmap": hosts}}


def _read(ctx: Context, text: str) -> x509.Certificate:
    """The certificate in a text of base64 or PEM.

    Raises:
        ApiError: it is none, or not valid now (530).
    """
    pem = text if text.startswith(_BEGIN) else f"{_BEGIN}\n{textwrap.fill(text, 64)}\n{_END}\n"
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        raise failed("Error parsing the certificate: please provide a valid one") from None
    now = datetime.fromtimestamp(ctx.now, UTC)
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise failed("Certificate is invalid. Please provide a valid certificate: it is expired or not valid yet")
    return certificate


def _put(ctx: Context, certificate: DownloadCertificate, host: Host) -> dict[str, str]:
    if host.state != "Up":
        return _status(host, FAILED, f"host {host.name} is {host.state}")
    if ctx.store.first(CertificateOnHost, certificate=certificate, host=host) is None:
        ctx.store.add(CertificateOnHost(certificate=certificate, host=host), ctx.now)
    return _status(host, UPLOADED)


def _status(host: Host, status: str, details: str = "") -> dict[str, str]:
    return {"hostid": host.id, "hostname": host.name, "status": status, "details": details}


@command("provisionTemplateDirectDownloadCertificate")
def provision(ctx: Context, params: Params) -> dict[str, Any]:
    """A certificate on one more host."""
    certificate, host = params.need("id", DownloadCertificate), params.need("hostid", Host)
    if host.hypervisor != _HYPERVISOR:
        raise failed(f"Cannot provision certificate to host {host.name} since it is not KVM")
    return {"directdownloadcertificatehoststatus": _put(ctx, certificate, host)}


@command("listTemplateDirectDownloadCertificates")
def list_certificates(ctx: Context, params: Params) -> Page:
    """Certificates, with `listhosts` each with its hosts."""
    page = ctx.list(DownloadCertificate, params, ignore=("listhosts",))
    if not params.flag("listhosts"):
        return page

    def show(item: DownloadCertificate) -> dict[str, Any]:
        placed = ctx.store.all(CertificateOnHost, certificate=item)
        return {**shape(item), "hostsmap": [_status(place.host, UPLOADED) for place in placed]}

    return page.map(show)


@command("revokeTemplateDirectDownloadCertificate")
def revoke(ctx: Context, params: Params) -> dict[str, Any]:
    """Take a certificate, by id or name, away from all its hosts or one; the certificate itself stays."""
    zone, certificate = params.need("zoneid", Zone), params.entity("id", DownloadCertificate)
    if certificate is None:
        certificate = ctx.store.first(DownloadCertificate, alias=params.text("name"), zone=zone)
    if certificate is None:
        raise failed("Cannot find the certificate: specify its id, or its name and hypervisor")
    if certificate.zone is not zone:
        raise failed(
            f"The certificate with alias {certificate.alias} was uploaded to the zone with ID={certificate.zone.id} "
            f"instead of the zone with ID={zone.id}"
        )
    one = params.entity("hostid", Host)
    rows = []
    for place in ctx.store.all(CertificateOnHost, lambda item: one in (None, item.host), certificate=certificate):
        if place.host.state != "Up":
            rows.append(_status(place.host, FAILED, f"host {place.host.name} is {place.host.state}"))
            continue
        ctx.remove(place)
        rows.append(_status(place.host, REVOKED))
    return {"count": len(rows), "directdownloadcertificatehoststatus": rows}
