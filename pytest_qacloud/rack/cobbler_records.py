"""Cobbler's records of profiles and systems: their fields, defaults and what a setter accepts.

Names, defaults and the texts of errors are those of Cobbler 3.3 (`cobbler/items/system.py`, `cobbler/validate.py`).
"""

from __future__ import annotations

import copy
import ipaddress
import re
import shlex
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

INHERIT = "<<inherit>>"
OBJECT_NAME = re.compile(r"[a-zA-Z0-9_\-.:]*")
MAC = re.compile(r"([0-9a-f]{2}[:-]){5}[0-9a-f]{2}|([0-9a-f]{4}\.){2}[0-9a-f]{4}|[0-9a-f]{12}")


class CobblerError(Exception):
    """A refusal; on the wire it is fault 1 with the Python type and text of Cobbler's own exception.

    Args:
        text: what Cobbler says.
        kind: the exception's type in Cobbler.
    """

    def __init__(self, text: str, kind: str = "cobbler.cexceptions.CX") -> None:
        super().__init__(text)
        self.kind, self.text = kind, text

    @property
    def fault_string(self) -> str:
        """As `SimpleXMLRPCServer` writes it; a `CX` shows its text's repr."""
        return (
            f"<class '{self.kind}'>:{self.text!r}"
            if self.kind.endswith(".CX")
            else f"<class '{self.kind}'>:{self.text}"
        )


def value_error(text: str) -> CobblerError:
    """A value that Cobbler refuses."""
    return CobblerError(text, "ValueError")


def type_error(text: str) -> CobblerError:
    """A value of a wrong type."""
    return CobblerError(text, "TypeError")


def _text(value: Any) -> Any:
    if not isinstance(value, str):
        raise type_error("Field of object system needs to be of type str!")
    return value


def _boolean(value: Any) -> Any:
    if not isinstance(value, str | bool | int):
        raise type_error(
            "The value handed to the input_boolean function was not convertable due to a wrong type "
            f"(found: {type(value)})!"
        )
    return str(value).lower() in {"true", "1", "on", "yes", "y"}


def _number(value: Any) -> Any:
    try:
        return int(value)
    except (TypeError, ValueError) as error:
        raise type_error(f"value {value!r} needs to be of type int!") from error


def _options(value: Any) -> Any:
    if value == INHERIT:
        return INHERIT
    if value is None or value == "delete":
        return {}
    if isinstance(value, list):
        raise type_error(f"No idea what to do with list: {value}")
    if isinstance(value, str):
        pairs = (token.partition("=") for token in shlex.split(value))
        return {key: text if equals else "~" for key, equals, text in pairs if key}
    if not isinstance(value, dict):
        raise type_error("invalid input type")
    return {str(key): "~" if text is None else text for key, text in value.items() if key != ""}


def _words(value: Any) -> Any:
    if value in (INHERIT, ""):
        return value or []
    if value == "delete":
        return []
    if isinstance(value, str):
        return shlex.split(value)
    if not isinstance(value, list):
        raise type_error("The value must be of type str or list")
    return value


def _address(value: Any) -> Any:
    if not isinstance(value, str):
        raise type_error("Invalid input, addr must be a string")
    text = value.strip()
    if text:
        try:
            ipaddress.IPv4Address(text)
        except ValueError as error:
            raise CobblerError(f"Invalid IPv4 address format ({text})", "ipaddress.AddressValueError") from error
    return text


def _addresses(value: Any) -> Any:
    words = _words(value)
    if isinstance(words, list):
        for word in words:
            _address(word)
    return words


def _mac(value: Any) -> Any:
    if not isinstance(value, str):
        raise type_error("Invalid input, mac must be a string")
    text = value.lower().strip()
    if text and not MAC.fullmatch(text):
        raise value_error(f"Invalid mac address format ({text})")
    return text


SYSTEM_FIELDS: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "autoinstall": (INHERIT, _text),
    "autoinstall_meta": (INHERIT, _options),
    "boot_files": (INHERIT, _options),
    "boot_loaders": (INHERIT, _words),
    "comment": ("", _text),
    "enable_ipxe": (INHERIT, _boolean),
    "fetchable_files": (INHERIT, _options),
    "filename": (INHERIT, _text),
    "gateway": ("", _address),
    "hostname": ("", _text),
    "image": ("", _text),
    "ipv6_autoconfiguration": (False, _boolean),
    "ipv6_default_device": ("", _text),
    "kernel_options": (INHERIT, _options),
    "kernel_options_post": (INHERIT, _options),
    "mgmt_classes": (INHERIT, _words),
    "mgmt_parameters": (INHERIT, _options),
    "name_servers": ([], _addresses),
    "name_servers_search": ([], _words),
    "netboot_enabled": (False, _boolean),
    "next_server_v4": (INHERIT, _text),
    "next_server_v6": (INHERIT, _text),
    "owners": (INHERIT, _words),
    "parent": ("", _text),
    "power_address": ("", _text),
    "power_id": ("", _text),
    "power_identity_file": ("", _text),
    "power_options": ("", _text),
    "power_pass": ("", _text),
    "power_type": ("", _text),
    "power_user": ("", _text),
    "proxy": (INHERIT, _text),
    "redhat_management_key": (INHERIT, _text),
    "repos_enabled": (False, _boolean),
    "serial_baud_rate": (-1, _number),
    "serial_device": (-1, _number),
    "server": (INHERIT, _text),
    "status": ("", _text),
    "template_files": ({}, _options),
    "virt_auto_boot": (INHERIT, _boolean),
    "virt_cpus": (INHERIT, _number),
    "virt_disk_driver": (INHERIT, _text),
    "virt_file_size": (INHERIT, _number),
    "virt_path": (INHERIT, _text),
    "virt_pxe_boot": (False, _boolean),
    "virt_ram": (INHERIT, _number),
    "virt_type": (INHERIT, _text),
}
"""Every field that has no rule beyond its type: default and setter."""

INTERFACE_FIELDS: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "bonding_opts": ("", _text),
    "bridge_opts": ("", _text),
    "cnames": ([], _words),
    "connected_mode": (False, _boolean),
    "dhcp_tag": ("", _text),
    "dns_name": ("", _text),
    "if_gateway": ("", _address),
    "interface_master": ("", _text),
    "interface_type": ("na", _text),
    "ip_address": ("", _address),
    "ipv6_address": ("", _text),
    "ipv6_default_gateway": ("", _text),
    "ipv6_mtu": ("", _text),
    "ipv6_prefix": ("", _text),
    "ipv6_secondaries": ([], _words),
    "ipv6_static_routes": ([], _words),
    "mac_address": ("", _mac),
    "management": (False, _boolean),
    "mtu": ("", _text),
    "netmask": ("", _address),
    "static": (False, _boolean),
    "static_routes": ([], _words),
    "virt_bridge": (INHERIT, _text),
}
INTERFACE_KEYS = {name.replace("_", ""): name for name in INTERFACE_FIELDS}
"""`modify_interface` takes keys such as `macaddress-eth0`, with or without the underscore."""

UNIQUE_INTERFACE_FIELDS = {"mac_address": "MAC address", "ip_address": "IP address", "dns_name": "DNS name"}


def new_system() -> dict[str, Any]:
    """An empty system record."""
    fields = {name: copy.copy(default) for name, (default, _) in SYSTEM_FIELDS.items()}
    return fields | {"name": "", "profile": "", "interfaces": {}, "uid": "", "ctime": 0.0, "mtime": 0.0, "depth": 2}


def new_interface() -> dict[str, Any]:
    """An empty interface record."""
    return {name: copy.copy(default) for name, (default, _) in INTERFACE_FIELDS.items()}


def new_profile(name: str, uid: str) -> dict[str, Any]:
    """A profile record."""
    return {
        "autoinstall": "qacloud.seed",
        "autoinstall_meta": {},
        "boot_files": {},
        "comment": "",
        "depth": 1,
        "dhcp_tag": "",
        "distro": "debian12-x86_64",
        "enable_menu": True,
        "kernel_options": {},
        "kernel_options_post": {},
        "menu": "",
        "mgmt_classes": [],
        "name": name,
        "name_servers": [],
        "name_servers_search": [],
        "owners": ["admin"],
        "parent": "",
        "proxy": "",
        "repos": [],
        "server": INHERIT,
        "uid": uid,
    }


def object_name(value: Any) -> str:
    """A record's name, checked."""
    if not isinstance(value, str):
        raise type_error("name must of be type str")
    if not OBJECT_NAME.fullmatch(value):
        raise value_error(f"Invalid characters in name: '{value}'")
    return value
