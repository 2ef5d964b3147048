"""The CA framework: one provider, `root`, which issues certificates and puts them on hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from ... import simulators
from ...errors import failed, invalid, malformed
from ...lists import Page, cut
from ...models.certificates import Reconnection, Revocation
from ...models.systemvms import SystemVmAgent
from ...models.topology import Host
from ...registry import command, settles
from .issuing import authority, issue, new_key, pem, private_pem, read_request

if TYPE_CHECKING:
    from ...context import Context
    from ...params import Params
    from ...server import ManagementServer

_PROVIDER = {"name": "root", "description": "CloudStack's Root CA provider plugin"}


def _check_provider(ctx: Context, params: Params) -> None:
    name = params.optional("provider") or ctx.setting("ca.framework.provider.plugin")
    if name.lower() != _PROVIDER["name"]:
        raise failed(f"CA provider plugin '{name.lower()}' not found")


def _words(params: Params, name: str) -> list[str]:
    return [word.strip() for word in params.text(name).split(",") if word.strip()]


@command("listCAProviders")
def list_providers(ctx: Context, params: Params) -> Page:
    """The one provider, unless another is asked for."""
    wanted = params.text("name", _PROVIDER["name"])
    return cut(ctx, [_PROVIDER] if wanted.lower() == _PROVIDER["name"] else [], params)


@command("listCaCertificate")
def list_ca_certificate(ctx: Context, params: Params) -> dict[str, Any]:
    """The authority's own certificate."""
    _check_provider(ctx, params)
    return {"cacertificates": {"certificate": pem(authority(ctx).certificate)}}


@command("issueCertificate")
def issue_certificate(ctx: Context, params: Params) -> dict[str, Any]:
    """A certificate for a signing request's key, or without one for a new key, which only this reply shows."""
    names, addresses = _words(params, "domain"), _words(params, "ipaddress")
    csr = params.text("csr")
    if not csr and not names:
        raise malformed("Please provide the domains or the CSR, none of them are provided")
    _check_provider(ctx, params)
    days = params.number("duration", int(ctx.number_setting("ca.framework.cert.validity.period")))
    issued = {"cacertificates": pem(authority(ctx).certificate)}
    if csr:
        subject, public, more_names, more_addresses = read_request(csr)
        made = issue(ctx, subject, public, [*names, *more_names], [*addresses, *more_addresses], days)
        return {"certificates": {"certificate": pem(made), **issued}}
    key = new_key(int(ctx.number_setting("ca.framework.cert.keysize")))
    made = issue(ctx, _subject(names[0]), key.public_key(), names, addresses, days)
    return {"certificates": {"certificate": pem(made), "privatekey": private_pem(key), **issued}}


def _subject(name: str) -> x509.Name:
    try:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    except ValueError as error:
        raise failed(f"Failed to generate certificate due to: {error}") from None


@command("revokeCertificate")
def revoke_certificate(ctx: Context, params: Params) -> bool:
    """A certificate by its serial number in hexadecimal, whoever has issued it; once more is no error."""
    try:
        serial = f"{int(params.text('serial'), 16):x}"
    except ValueError:
        raise invalid(f"Certificate serial {params.text('serial')} is no hexadecimal number") from None
    _check_provider(ctx, params)
    if ctx.store.first(Revocation, serial=serial) is None:
        ctx.store.add(Revocation(serial=serial, cn=params.optional("cn")), ctx.now)
    return True


@command("provisionCertificate")
def provision_certificate(ctx: Context, params: Params) -> bool:
    """A new certificate on a host or in a system VM; with `reconnect` its agent connects anew.

    An agent of a host of the hypervisor Simulator does not come back by itself, but when the server looks for such.
    """
    host: Any = params.get("hostid")
    _check_provider(ctx, params)
    if host.state != "Up":
        raise failed(f"Failed to generate keystore and get CSR from the host/agent {host.name}: it does not answer")
    key = new_key(int(ctx.number_setting("ca.framework.cert.keysize")))
    days = int(ctx.number_setting("ca.framework.cert.validity.period"))
    address = host.ipaddress or ""
    issue(ctx, _subject(host.name), key.public_key(), [host.name, address], [address], days)
    if isinstance(host, Host):
        host.details["secured"] = "true"
    elif params.flag("reconnect") and isinstance(host, SystemVmAgent) and _is_simulated(host):
        host.answers = False
        due = ctx.now + ctx.number_setting("direct.agent.scan.interval")
        ctx.store.add(Reconnection(agent=host, due=due), ctx.now)
    return True


def _is_simulated(agent: SystemVmAgent) -> bool:
    return agent.systemvm.host is not None and agent.systemvm.host.hypervisor == simulators.NAME


@settles
def _reconnect(server: ManagementServer) -> None:
    for waiting in server.store.all(Reconnection):
        if waiting.due <= server.clock.now():
            waiting.agent.answers = True
            server.store.remove(waiting)
