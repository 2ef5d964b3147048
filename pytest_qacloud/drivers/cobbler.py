"""Cobbler over XML-RPC, as version 3.3 speaks it.

`save_system` writes the node's own boot files; a full `sync` is never asked for, because it rewrites the boot trees
that other nodes may be reading. Adding systems from several clients at once has corrupted Cobbler's state (its issues
3897 and 3529), so this process puts one record at a time into a server's collection, and takes one at a time out. A
record that is only being filled in is nobody else's business, and that goes on side by side.
"""

from __future__ import annotations

import http.client
import ssl
import threading
import xmlrpc.client
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit
from xml.parsers.expat import ExpatError

from ..errors import AccessDeniedError, ConfigError, DriverError, ServiceFaultError, UnreachableError
from ..ports import System

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..model import CobblerService

T = TypeVar("T")

ABSENT = "~"
"""What Cobbler answers for nothing, as XML-RPC has no word for it."""

INTERFACE = "eth0"
"""Name of the interface written; Cobbler wants one, and its templates find the device by its MAC."""

_write_locks: dict[str, threading.Lock] = {}


class CobblerServer:
    """An `InstallServer`. Logs in when first used, and again when Cobbler has forgotten the token.

    Args:
        timeout_s: seconds a single answer may take.
    """

    def __init__(self, service: CobblerService, password: str, *, timeout_s: float = 20) -> None:
        self._service, self._password = service, password
        self._name = f"Cobbler {service.url}"
        address = urlsplit(service.url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ConfigError(f"Cobbler's URL is {service.url!r}; write it as http(s)://host[:port]/cobbler_api")
        self._timeout_s = timeout_s
        self._context = _tls(service.ca_file) if address.scheme == "https" else None
        self._writing = _write_locks.setdefault(service.url, threading.Lock())
        self._logging_in = threading.Lock()
        self._token = ""
        self._idle: list[Any] = []

    def has_profile(self, name: str) -> bool:
        """Whether a profile of that name exists."""
        return bool(self._call(lambda server, _: server.get_profile(name) != ABSENT))

    def system(self, name: str) -> System | None:
        """The record of that name, or `None`."""
        record = self._call(lambda server, _: server.get_system(name))
        return None if record == ABSENT else _system(record)

    def save_system(self, system: System) -> None:
        """Make or replace the record and write the node's boot files; nobody else's files are touched."""
        self._call(lambda server, token: self._save(server, token, system))

    def remove_system(self, name: str) -> None:
        """Remove the record; one that is not there is no error."""

        def remove(server: Any, token: str) -> None:
            if server.get_system(name) != ABSENT:
                with self._writing:
                    server.remove_system(name, token)

        self._call(remove)

    def close(self) -> None:
        """Log out; never raises."""
        if self._token:
            with suppress(DriverError):
                self._call(lambda server, token: server.logout(token))
            self._token = ""
        while self._idle:
            self._idle.pop()("close")()

    def _save(self, server: Any, token: str, system: System) -> None:
        current = server.get_system(system.name)
        if current == ABSENT:
            handle, others = server.new_system(token), []
            self._modify(server, token, handle, "name", system.name)
        else:
            handle = server.get_system_handle(system.name, token)
            others = [name for name in current["interfaces"] if name != INTERFACE]
        settings: list[tuple[str, Any]] = [
            ("profile", system.profile),
            ("hostname", system.hostname),
            ("gateway", system.gateway),
            ("name_servers", list(system.name_servers)),
            ("autoinstall_meta", dict(system.meta)),
            *(("delete_interface", name) for name in others),
            (
                "modify_interface",
                {
                    f"macaddress-{INTERFACE}": system.mac,
                    f"ipaddress-{INTERFACE}": system.ip,
                    f"static-{INTERFACE}": True,
                    f"management-{INTERFACE}": True,
                },
            ),
            ("netboot_enabled", system.netboot_enabled),
        ]
        for attribute, value in settings:
            self._modify(server, token, handle, attribute, value)
        with self._writing:
            server.save_system(handle, token)

    def _modify(self, server: Any, token: str, handle: str, attribute: str, value: Any) -> None:
        if server.modify_system(handle, attribute, value, token) is False:
            raise ServiceFaultError(
                self._name, f"it knows no attribute {attribute} of a system", "this needs Cobbler 3.3"
            )

    def _call(self, work: Callable[[Any, str], T]) -> T:
        """Do `work` with a connection of its own and a token; once more, whole, where the token had expired."""
        with self._connection() as server:
            token = self._token or self._login(server, "")
            try:
                return work(server, token)
            except xmlrpc.client.Fault as fault:
                if "invalid token" not in fault.faultString:
                    raise
            return work(server, self._login(server, token))

    def _login(self, server: Any, stale: str) -> str:
        with self._logging_in:
            if self._token == stale:
                self._token = server.login(self._service.user, self._password)
            return self._token

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        """A connection that no other thread uses meanwhile; its errors are told in our own words."""
        try:
            server = self._idle.pop()
        except IndexError:
            server = xmlrpc.client.ServerProxy(self._service.url, _transport(self._context, self._timeout_s))
        try:
            yield server
        except xmlrpc.client.Fault as fault:
            self._idle.append(server)
            raise self._fault(fault) from None  # its text holds the token
        except xmlrpc.client.ProtocolError as error:
            server("close")()
            raise self._refused(error) from error
        except ssl.SSLCertVerificationError as error:
            server("close")()
            raise ServiceFaultError(
                self._name, f"its certificate is not trusted: {error.verify_message}", "check cobbler.ca_file"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            server("close")()
            raise UnreachableError(
                self._name, f"no answer: {error or type(error).__name__}", "is cobblerd running, and its web server?"
            ) from error
        except (ExpatError, xmlrpc.client.ResponseError, UnicodeDecodeError) as error:
            server("close")()
            raise ServiceFaultError(
                self._name, f"the answer is not XML-RPC: {error}", "the URL must end in /cobbler_api"
            ) from error
        except BaseException:
            server("close")()
            raise
        self._idle.append(server)

    def _fault(self, fault: xmlrpc.client.Fault) -> DriverError:
        text = fault.faultString
        for secret in (self._token, self._password):
            text = text.replace(secret, "…") if secret else text
        said = text.partition(">:")[2].strip("'\"") or text
        if "login failed" in said:
            return AccessDeniedError(
                self._name, f"it refused the login of {self._service.user}", "check cobbler.user and cobbler.password"
            )
        if "authorization failure" in said:
            return AccessDeniedError(self._name, said, "give this user the right in Cobbler's users.conf")
        return ServiceFaultError(self._name, said, "see /var/log/cobbler/cobbler.log on the server")

    def _refused(self, error: xmlrpc.client.ProtocolError) -> DriverError:
        said = f"HTTP {error.errcode} {error.errmsg}"
        if error.errcode in (401, 403):
            return AccessDeniedError(self._name, said, "its web server wants another login")
        if error.errcode in (502, 503, 504):
            return UnreachableError(self._name, said, "is cobblerd running behind its web server?")
        return ServiceFaultError(self._name, said, "the URL must end in /cobbler_api")


def _system(record: dict[str, Any]) -> System:
    interfaces = record["interfaces"]
    interface: dict[str, Any] = interfaces.get(INTERFACE) or next(iter(interfaces.values()), {})
    meta = record["autoinstall_meta"]
    return System(
        name=record["name"],
        hostname=record["hostname"],
        profile=record["profile"],
        mac=interface.get("mac_address", ""),
        ip=interface.get("ip_address", ""),
        gateway=record["gateway"],
        name_servers=tuple(record["name_servers"]),
        netboot_enabled=bool(record["netboot_enabled"]),
        meta={key: str(value) for key, value in meta.items()} if isinstance(meta, dict) else {},
    )


def _tls(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # an SSLError too: a file without certificates
        raise ConfigError(f"cobbler.ca_file cannot be read: {error.strerror or error}", file=ca_file) from error


def _transport(context: ssl.SSLContext | None, timeout_s: float) -> xmlrpc.client.Transport:
    """A transport that gives up; the library's own waits for ever."""
    base = xmlrpc.client.Transport() if context is None else xmlrpc.client.SafeTransport(context=context)
    connect = base.make_connection

    def make_connection(host: Any) -> Any:
        connection = connect(host)
        connection.timeout = timeout_s
        return connection

    base.make_connection = make_connection  # type: ignore[method-assign]  # both classes of transport, one change
    return base
