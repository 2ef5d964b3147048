"""Puppet's certificate authority over its HTTP API, version 1.

The API: `puppet-ca/v1/certificate_status` of Puppet Server's documentation. The client certificate must be allowed to
use it in the server's `auth.conf`.
"""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter

from ..errors import AccessDeniedError, ConfigError, ServiceFaultError, UnreachableError

if TYPE_CHECKING:
    from ..model import PuppetService

CONNECTIONS = 8
"""Open at most, the rest waits: each costs both sides a TLS handshake, which costs more than a request."""


class PuppetCa:
    """A `CertificateAuthority`.

    Args:
        key_pem: private key of `service.cert`, PEM. It is on the disk only while it is loaded, readable to us alone.
        timeout_s: seconds to connect, and seconds between two parts of an answer.
    """

    def __init__(self, service: PuppetService, key_pem: str, *, timeout_s: float = 20) -> None:
        self._url = f"https://{service.server}:{service.ca_port}/puppet-ca/v1/certificate_status"
        self._name = f"Puppet CA {service.server}:{service.ca_port}"
        self._environment = service.environment
        self._timeout_s = timeout_s
        self._http = requests.Session()
        self._http.trust_env = False  # no proxy and no .netrc between us and the rack
        self._http.verify = service.ca_file
        self._http.mount("https://", _ClientCertificate(_tls(service, key_pem)))

    def state(self, certname: str) -> str | None:
        """`requested`, `signed` or `revoked`; `None` where the CA knows no such name."""
        response = self._request("GET", certname)
        if response.status_code == requests.codes.not_found:
            return None
        try:
            return str(response.json()["state"])
        except (ValueError, KeyError, TypeError) as error:
            raise ServiceFaultError(
                self._name, "the answer is not a certificate's status", "does that port belong to a Puppet server?"
            ) from error

    def clean(self, certname: str) -> None:
        """Revoke and delete; a name that is not there is no error."""
        state = self.state(certname)
        if state is None:
            return
        if state == "signed":
            self._request("PUT", certname, json={"desired_state": "revoked"})
        self._request("DELETE", certname)

    def close(self) -> None:
        """Drop connections; never raises."""
        self._http.close()

    def _request(self, method: str, certname: str, **body: Any) -> requests.Response:
        try:
            response = self._http.request(
                method,
                f"{self._url}/{quote(certname, safe='')}",
                params={"environment": self._environment},
                headers={"Accept": "application/json"},
                timeout=self._timeout_s,
                allow_redirects=False,
                **body,
            )
        except requests.exceptions.SSLError as error:
            raise ServiceFaultError(
                self._name,
                f"TLS failed: {_reason(error)}",
                "check puppet.server against the certificate's names, puppet.ca_file and puppet.cert",
            ) from error
        except requests.exceptions.RequestException as error:
            raise UnreachableError(self._name, f"no answer: {_reason(error)}", "is puppetserver running?") from error
        code = response.status_code
        if code in (401, 403):
            raise AccessDeniedError(
                self._name, f"HTTP {code} for {method} {certname}", "allow puppet.cert in the server's auth.conf"
            )
        if code in (502, 503, 504):
            raise UnreachableError(self._name, f"HTTP {code}", "puppetserver may still be starting")
        if not response.ok and code != requests.codes.not_found:
            raise ServiceFaultError(
                self._name, f"HTTP {code} for {method} {certname}: {response.text[:200]}", "see puppetserver.log"
            )
        return response


class _ClientCertificate(HTTPAdapter):
    """Uses one TLS context, with the client's certificate in it, for all connections."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(pool_maxsize=CONNECTIONS, pool_block=True)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, ssl_context=self._context)


def _tls(service: PuppetService, key_pem: str) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=service.ca_file)
    except OSError as error:
        raise ConfigError(f"puppet.ca_file cannot be read: {error.strerror or error}", file=service.ca_file) from error
    with tempfile.TemporaryDirectory(prefix="qacloud-") as folder:  # made with mode 0700
        key = Path(folder, "key.pem")
        key.touch(mode=0o600)
        key.write_text(key_pem, encoding="ascii")
        try:
            # Without a password an encrypted key would have OpenSSL ask on the terminal.
            context.load_cert_chain(service.cert, key, password="")
        except OSError as error:
            raise ConfigError(
                f"puppet.cert and puppet.key cannot be used together: {error.strerror or error}", file=service.cert
            ) from error
    return context


def _reason(error: BaseException) -> str:
    """The innermost cause in words; what requests and urllib3 wrap around it holds object addresses."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return getattr(cause, "verify_message", "") or cause.strerror
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__
