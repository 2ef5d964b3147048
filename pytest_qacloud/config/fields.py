"""The kinds of values in a pool file: each reads what TOML gives, or says what to write instead.

Every parser takes a TOML value and returns the model's, or raises `ValueError` with a sentence that fits behind the
key's name. No message repeats a value that may be a secret.
"""

from __future__ import annotations

import base64
import binascii
import re
from difflib import get_close_matches
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, PlainValidator, ValidationInfo

from ..model import AddressRange, Hypervisor, Role, SecretRef, VlanRange

if TYPE_CHECKING:
    from collections.abc import Callable

E = TypeVar("E", bound=StrEnum)

LARGEST_VLAN = 4094
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CHECKSUM = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_HOST_KEY_TYPES = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")

SAFE_CIPHER_SUITES = (3, 17)
_SUITE_FAULTS = {
    **dict.fromkeys((0,), "lets everybody in without a password"),
    **dict.fromkeys((1, 15), "neither encrypts commands nor protects them from change"),
    **dict.fromkeys((2, 16), "does not encrypt, so passwords and commands can be read on the wire"),
    **dict.fromkeys((4, 5, 18, 19), "encrypts with RC4, which is broken"),
    **dict.fromkeys(range(6, 15), "authenticates with MD5, which is broken"),
}
"""What is wrong with the other suites of table 22-20 of the IPMI 2.0 specification."""

SYSTEM_FOLDERS = frozenset({"bin", "boot", "dev", "etc", "lib", "lib64", "proc", "sbin", "sys", "usr"})
"""Nothing below these is ever an export: runs empty their exports."""

SHALLOWEST_EXPORT = 2
"""Levels of an export's path: `/export/primary` may be emptied, `/export` may not."""


def parse_text(value: object) -> str:
    """Text that is not empty and has nothing around it."""
    if not isinstance(value, str):
        raise ValueError("must be text in quotes")  # noqa: TRY004  # what pydantic catches
    if value != value.strip() or not value or not value.isprintable():
        raise ValueError("must be one line of text, not empty, without spaces around it")
    return value


def parse_pool_name(value: object) -> str:
    """A pool's name."""
    text = parse_text(value)
    if text == "any":
        raise ValueError('"any" stands for whichever pool is free; give this one a name of its own')
    return _matching(_NAME, text, "letters, digits, dots, dashes and underscores (63 at most), such as rack1")


def parse_tag(value: object) -> str:
    """A tag of a pool."""
    return _matching(_NAME, parse_text(value), "letters, digits, dots, dashes and underscores, such as nightly")


def parse_tags(value: object) -> frozenset[str]:
    """Tags of a pool."""
    if not isinstance(value, list):
        raise ValueError('must be a list, such as ["kvm", "nightly"]')  # noqa: TRY004  # what pydantic catches
    return frozenset(parse_tag(tag) for tag in value)


def parse_label(value: object) -> str:
    """A short host name, in lower case because Puppet's certnames are."""
    return _matching(_LABEL, parse_text(value), "a short host name in lower case without dots, such as node1")


def parse_domain(value: object) -> str:
    """A DNS domain."""
    text = parse_text(value)
    if len(text) > 190 or not all(_LABEL.fullmatch(label) for label in text.split(".")):
        raise ValueError(
            f'"{text}" is no domain; write labels in lower case with dots between, such as rack1.example.org'
        )
    return text


def parse_host(value: object) -> str:
    """A host name or an IPv4 address."""
    text = parse_text(value)
    labels = text.lower().split(".")
    if labels[-1].isdigit():
        parse_address(text)
    elif len(text) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f'"{text}" is neither a host name nor an IPv4 address; leave out any scheme, port and path')
    return text


def parse_address(value: object) -> IPv4Address:
    """An IPv4 address."""
    text = parse_text(value)
    try:
        return IPv4Address(text)
    except ValueError as error:
        raise ValueError(f'"{text}" is no IPv4 address; write four numbers from 0 to 255, such as 10.1.0.10') from error


def parse_network(value: object) -> IPv4Network:
    """An IPv4 network."""
    text = parse_text(value)
    address, slash, prefix = text.partition("/")
    if not slash or not prefix.isdigit() or not 8 <= int(prefix) <= 30:
        raise ValueError(f'"{text}" is no network this can use; write it with a prefix of 8 to 30, such as 10.1.0.0/24')
    parse_address(address)
    try:
        return IPv4Network(text)
    except ValueError as error:
        right = IPv4Network(text, strict=False)
        raise ValueError(f'"{text}" has bits set behind its prefix; write "{right}"') from error


def parse_range(value: object) -> AddressRange:
    """IPv4 addresses, first and last."""
    text = parse_text(value)
    first, dash, last = text.partition("-")
    if not dash:
        raise ValueError(f'"{text}" is no range; write the first and the last address, such as 10.1.0.10-10.1.0.50')
    found = AddressRange(parse_address(first.strip()), parse_address(last.strip()))
    if found.first > found.last:
        raise ValueError(f'the range ends before it begins; write "{found.last}-{found.first}"')
    return found


def parse_vlans(value: object) -> VlanRange:
    """VLAN ids, first and last."""
    text = parse_text(value)
    first, _, last = text.partition("-")
    if not (first.isdigit() and last.isdigit() and 1 <= int(first) <= int(last) <= LARGEST_VLAN):
        raise ValueError(f'"{text}" is no range of VLANs; write two ids from 1 to {LARGEST_VLAN}, such as 200-299')
    return VlanRange(int(first), int(last))


def parse_mac(value: object) -> str:
    """A MAC address of one interface, in lower case with colons."""
    text = parse_text(value).lower().replace("-", ":")
    if not _MAC.fullmatch(text):
        raise ValueError(f'"{value}" is no MAC address; write six pairs of hex digits, such as 52:54:00:12:34:56')
    if int(text[:2], 16) & 1:
        raise ValueError(f"{text} is a multicast address, which no interface has; read the MAC off the machine again")
    if text == "00:00:00:00:00:00":
        raise ValueError("is all zeros; read the MAC off the machine")
    return text


def parse_cipher_suite(value: object) -> int:
    """An RMCP+ cipher suite that authenticates, protects and encrypts."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("must be a number; write 17, or 3 for a BMC that has no SHA-256")  # noqa: TRY004  # what pydantic catches
    if value not in SAFE_CIPHER_SUITES:
        fault = _SUITE_FAULTS.get(value, "is not one of the IPMI specification")
        raise ValueError(f"cipher suite {value} {fault}; write 17, or 3 for a BMC that has no SHA-256")
    return value


def parse_checksum(value: object) -> str:
    """A file's digest with its algorithm."""
    text = parse_text(value).lower()
    if not _CHECKSUM.fullmatch(text):
        raise ValueError('must be "sha256:" and 64 hex digits or "sha512:" and 128; take it from `sha256sum FILE`')
    return text


def parse_host_key(value: object) -> str:
    """A public SSH host key; its comment is dropped."""
    wanted = (
        'must be a public key such as "ssh-ed25519 AAAA…"; take it from `ssh-keyscan -t ed25519 HOST` and verify it'
    )
    kind, *rest = parse_text(value).split(None, 2)
    if kind not in _HOST_KEY_TYPES or not rest:
        raise ValueError(wanted)
    try:
        blob = base64.b64decode(rest[0], validate=True)
    except binascii.Error as error:
        raise ValueError(wanted) from error
    if not blob.startswith(len(kind).to_bytes(4, "big") + kind.encode()) or len(blob) < len(kind) + 36:
        raise ValueError(f"is cut short or no {kind} key; {wanted}")
    return f"{kind} {rest[0]}"


def parse_export_path(value: object) -> str:
    """The path of an export that runs may empty."""
    path = PurePosixPath(parse_text(value))
    levels = path.parts[1:]
    if not path.is_absolute() or ".." in levels or path.root != "/":
        raise ValueError(f'"{value}" must be an absolute path without "..", such as /export/rack1/primary')
    if len(levels) < SHALLOWEST_EXPORT or levels[0] in SYSTEM_FOLDERS:
        raise ValueError(f"{path} cannot be emptied, as every run does; name a folder such as /export/rack1/primary")
    return str(path)


def url_parser(*schemes: str) -> Callable[[object], str]:
    """A parser of URLs with one of `schemes`."""

    def parse_url(value: object) -> str:
        text = parse_text(value)
        try:
            parts = urlsplit(text)
            named = parts.scheme in schemes and " " not in text and (parts.port or 1) > 0
        except ValueError:
            named = False
        if not named or bool(parts.hostname) is (parts.scheme == "file"):
            raise ValueError(f"is no URL this can use; write {' or '.join(f'{scheme}://…' for scheme in schemes)}")
        if parts.username is not None or parts.password is not None:
            raise ValueError("has a login in it, which would end up in logs; take out everything up to the @")
        if parts.hostname:
            parse_host(parts.hostname)
        return text

    return parse_url


def parse_store(value: object) -> str:
    """An SQLAlchemy URL without a password."""
    text = parse_text(value)
    scheme, mark, rest = text.partition("://")
    if not mark or not scheme:
        raise ValueError("is no SQLAlchemy URL; write one such as postgresql://qacloud@db.example.org/leases")
    if ":" in rest.split("/")[0].rpartition("@")[0] or "password=" in rest.lower():
        raise ValueError("has a password in it; take it out and keep it in ~/.pgpass or PGPASSFILE")
    return text


def parse_file(value: object, info: ValidationInfo) -> str:
    """A local path; relative ones begin at the pool file's folder (`info.context["folder"]`), `~` is expanded."""
    path = Path(parse_text(value))
    try:
        path = path.expanduser()
    except RuntimeError as error:
        raise ValueError(f"there is no home folder for {path.parts[0]}; write the whole path") from error
    return str(Path(info.context["folder"], path)) if info.context else str(path)


def parse_secret(value: object, info: ValidationInfo) -> SecretRef:
    """Where a secret is kept; a secret itself is refused."""
    places = 'write {env = "NAME"} or {file = "path"}'
    if not isinstance(value, dict):
        message = f"secrets are not written into pool files; {places}, and change this one if it was shared"
        raise ValueError(message)  # noqa: TRY004  # what pydantic catches
    if len(value) != 1 or not value.keys() <= {"env", "file"}:
        raise ValueError(f"must say one place; {places}")
    ((kind, name),) = value.items()
    if kind == "file":
        return SecretRef("file", parse_file(name, info))
    if not isinstance(name, str) or not _VARIABLE.fullmatch(name):
        raise ValueError("env takes the name of an environment variable, such as RACK1_BMC_PASSWORD")
    return SecretRef("env", name)


def choice(options: type[E]) -> Callable[[object], E]:
    """A parser of one of an enumeration's values."""

    def parse_choice(value: object) -> E:
        known = [option.value for option in options]
        if value in known:
            return options(value)
        near = get_close_matches(str(value), known, 1)
        hint = f'; did you mean "{near[0]}"?' if near else ""
        raise ValueError(f"{value!r} is none of {', '.join(known)}{hint}")

    return parse_choice


def _matching(pattern: re.Pattern[str], text: str, wanted: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(f'"{text}" must be {wanted}')
    return text


Text = Annotated[str, PlainValidator(parse_text)]
PoolName = Annotated[str, PlainValidator(parse_pool_name)]
Tag = Annotated[str, PlainValidator(parse_tag)]
Tags = Annotated[frozenset[str], PlainValidator(parse_tags)]
Label = Annotated[str, PlainValidator(parse_label)]
Domain = Annotated[str, PlainValidator(parse_domain)]
Host = Annotated[str, PlainValidator(parse_host)]
Address = Annotated[IPv4Address, PlainValidator(parse_address)]
Cidr = Annotated[IPv4Network, PlainValidator(parse_network)]
Addresses = Annotated[Any, PlainValidator(parse_range)]  # pydantic would look into AddressRange for types it cannot see
Vlans = Annotated[VlanRange, PlainValidator(parse_vlans)]
Mac = Annotated[str, PlainValidator(parse_mac)]
CipherSuite = Annotated[int, PlainValidator(parse_cipher_suite)]
Checksum = Annotated[str, PlainValidator(parse_checksum)]
HostKey = Annotated[str, PlainValidator(parse_host_key)]
ExportPath = Annotated[str, PlainValidator(parse_export_path)]
HttpUrl = Annotated[str, PlainValidator(url_parser("https", "http"))]
DownloadUrl = Annotated[str, PlainValidator(url_parser("https", "http", "file"))]
Store = Annotated[str, PlainValidator(parse_store)]
LocalFile = Annotated[str, PlainValidator(parse_file)]
Secret = Annotated[SecretRef, PlainValidator(parse_secret)]
RoleName = Annotated[Role, PlainValidator(choice(Role))]
HypervisorName = Annotated[Hypervisor, PlainValidator(choice(Hypervisor))]
Port = Annotated[int, Field(ge=1, le=65535)]
Vlan = Annotated[int, Field(ge=1, le=LARGEST_VLAN)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
