"""Cobbler's remote API as a class: the methods of 3.3 that a provisioning client needs, on records in memory.

Method names, the order of arguments, types and faults follow `cobbler/remote.py` of Cobbler 3.3; `cobbler_http` puts
them on the wire. Two things differ on purpose: an expired token is refused whenever it is used (3.3 forgets tokens only
when somebody calls `token_check`), and no file is written, because the machines ask this object. Records are returned
as they are, not as copies: they go straight onto the wire.
"""

# ruff: noqa: ARG002 - arguments that mean nothing here are part of Cobbler's signatures

from __future__ import annotations

import base64
import fnmatch
import hmac
import secrets
import uuid
from typing import TYPE_CHECKING, Any

from . import autoinstall
from .cobbler_records import (
    INHERIT,
    INTERFACE_FIELDS,
    INTERFACE_KEYS,
    SYSTEM_FIELDS,
    UNIQUE_INTERFACE_FIELDS,
    CobblerError,
    new_interface,
    new_profile,
    new_system,
    object_name,
    type_error,
    value_error,
)
from .machine import Offer, ServiceDownError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .clock import Clock
    from .events import EventLog
    from .faults import Faults

VERSION = (3, 3, 7)
TOKEN_LIFETIME_S = 3600.0
ABSENT = "~"
"""What stands for `None` on the wire."""
NEW = "___NEW___"


class Cobbler:
    """The server's state and its remote methods (the public ones without `offer` and `finished`)."""

    def __init__(
        self, *, user: str, password: str, profiles: Iterable[str], clock: Clock, faults: Faults, events: EventLog
    ) -> None:
        self.url = ""
        self._login = (user, password)
        self._clock, self._faults, self._events = clock, faults, events
        self._profiles = {name: new_profile(name, uuid.uuid4().hex) for name in profiles}
        self._systems: dict[str, dict[str, Any]] = {}
        self._unsaved: dict[str, dict[str, Any]] = {}
        self._tokens: dict[str, float] = {}

    # -- as machines see it -------------------------------------------------------------------------------------------

    def offer(self, mac: str) -> Offer | None:
        """What a machine that boots from the network is told to install (`machine.BootServer`)."""
        self._require_service()
        for name, system in self._systems.items():
            macs = (interface["mac_address"] for interface in system["interfaces"].values())
            if mac in macs and system["netboot_enabled"]:
                self.run_install_triggers("pre", "system", name, "")
                return Offer(name, self.generate_autoinstall("", name))
        return None

    def finished(self, system: str) -> None:
        """The installer's last calls (`machine.BootServer`)."""
        self._require_service()
        self.run_install_triggers("post", "system", system, "")
        self.disable_netboot(system)

    def _require_service(self) -> None:
        if self._faults.is_set("cobbler_down"):
            raise ServiceDownError("cobbler")

    # -- sessions -----------------------------------------------------------------------------------------------------

    def login(self, login_user: str, login_password: str) -> str:
        """A token for the calls that change something."""
        user, password = self._login
        right = isinstance(login_password, str) and hmac.compare_digest(login_password.encode(), password.encode())
        if login_user != user or not right:
            raise CobblerError(f"login failed ({login_user})")
        token = base64.b64encode(secrets.token_bytes(25)).decode()
        self._tokens[token] = self._clock.now() + TOKEN_LIFETIME_S
        return token

    def logout(self, token: str) -> bool:
        """Whether there was such a token."""
        return self._tokens.pop(token, None) is not None

    def token_check(self, token: str) -> bool:
        """Whether a token is good; a good one lives on from now."""
        if self._tokens.get(token, 0.0) < self._clock.now():
            return False
        self._tokens[token] = self._clock.now() + TOKEN_LIFETIME_S
        return True

    def _require_token(self, token: Any) -> None:
        if not isinstance(token, str) or len(token) != 36:
            raise value_error('"token" did not have the correct format or type!')
        if self._tokens.get(token, 0.0) < self._clock.now():
            self._tokens.pop(token, None)
            raise CobblerError(f"invalid token: {token}")

    def get_user_from_token(self, token: str) -> str:
        """Who logged in with it."""
        self._require_token(token)
        return self._login[0]

    def ping(self) -> bool:
        """Always true."""
        return True

    def version(self, token: str | None = None) -> float:
        """The version as one number, such as 3.307."""
        return VERSION[0] + 0.1 * VERSION[1] + 0.001 * VERSION[2]

    def extended_version(self, token: str | None = None) -> dict[str, Any]:
        """The version in parts."""
        text = ".".join(str(part) for part in VERSION)
        return {"gitdate": "?", "gitstamp": "?", "builddate": "?", "version": text, "version_tuple": list(VERSION)}

    # -- reading ------------------------------------------------------------------------------------------------------

    def _collection(self, what: str) -> dict[str, dict[str, Any]]:
        collections = {"profile": self._profiles, "system": self._systems}
        if what not in collections:
            raise CobblerError(f'internal error, collection name is "{what}"')
        return collections[what]

    def get_item(self, what: str, name: str, flatten: bool = False, resolved: bool = False) -> Any:
        """A record, or `~`."""
        return self._collection(what).get(name, ABSENT)

    def get_profile(self, name: str, flatten: bool = False, resolved: bool = False, token: str | None = None) -> Any:
        """A profile's record, or `~`."""
        return self.get_item("profile", name)

    def get_system(self, name: str, flatten: bool = False, resolved: bool = False, token: str | None = None) -> Any:
        """A system's record, or `~`."""
        return self.get_item("system", name)

    def get_profiles(self, page: Any = None, results_per_page: Any = None, token: str | None = None) -> Any:
        """All profiles."""
        return list(self._profiles.values())

    def get_systems(self, page: Any = None, results_per_page: Any = None, token: str | None = None) -> Any:
        """All systems."""
        return list(self._systems.values())

    def get_item_names(self, what: str) -> list[str]:
        """The names in a collection."""
        return list(self._collection(what))

    def has_item(self, what: str, name: str, token: str | None = None) -> bool:
        """Whether a record exists."""
        return name in self._collection(what)

    def find_items(
        self, what: str, criteria: dict[str, Any] | None = None, sort_field: str | None = None, expand: bool = True
    ) -> Any:
        """Records whose fields, or whose interfaces' fields, match shell patterns."""
        found = [item for item in self._collection(what).values() if _matches(item, criteria or {})]
        found.sort(key=lambda item: str(item.get(sort_field or "name", "")))
        return found if expand else [item["name"] for item in found]

    def find_profile(
        self, criteria: dict[str, Any] | None = None, expand: bool = False, token: str | None = None
    ) -> Any:
        """Names, or records where `expand`."""
        return self.find_items("profile", criteria, None, expand)

    def find_system(
        self, criteria: dict[str, Any] | None = None, expand: bool = False, token: str | None = None
    ) -> Any:
        """Names, or records where `expand`."""
        return self.find_items("system", criteria, None, expand)

    def get_item_handle(self, what: str, name: str, token: str | None = None) -> str:
        """A handle for `modify_*` and `save_*`."""
        if name not in self._collection(what):
            raise CobblerError(f"internal error, unknown {what} name {name}")
        return f"{what}::{name}"

    def get_profile_handle(self, name: str, token: str) -> str:
        """A profile's handle."""
        return self.get_item_handle("profile", name, token)

    def get_system_handle(self, name: str, token: str) -> str:
        """A system's handle."""
        return self.get_item_handle("system", name, token)

    # -- writing ------------------------------------------------------------------------------------------------------

    def new_system(self, token: str) -> str:
        """The handle of a record that exists in memory until it is saved."""
        self._require_token(token)
        handle = f"{NEW}system::{base64.b64encode(secrets.token_bytes(25)).decode()}"
        self._unsaved[handle] = new_system()
        return handle

    def modify_system(self, object_id: str, attribute: str, arg: Any, token: str) -> bool:
        """Set one attribute; false for one that does not exist."""
        system = self._by_handle(object_id)
        self._require_token(token)
        if system is None:
            return False
        match attribute:
            case "modify_interface":
                self._modify_interface(system, arg)
            case "delete_interface":
                name = arg.get("interface", "") if isinstance(arg, dict) else arg
                system["interfaces"].pop(name, None)
            case "name":
                system["name"] = object_name(arg)
            case "profile":
                system["profile"] = self._known_profile(arg)
            case _ if attribute in SYSTEM_FIELDS:
                convert = SYSTEM_FIELDS[attribute][1]
                system[attribute] = INHERIT if arg == INHERIT else convert(arg)
            case _:
                return False
        return True

    def save_system(self, object_id: str, token: str, editmode: str = "bypass") -> bool:
        """Store the record; the machine's boot file follows it from now on."""
        system = self._by_handle(object_id)
        self._require_token(token)
        if system is None:
            raise type_error("Unable to add a None object")
        if not system["name"]:
            raise CobblerError("Name is required")
        if not system["profile"] and not system["image"]:
            raise CobblerError(f"Error with system {system['name']} - profile or image is required")
        if editmode == "new" and system["name"] in self._systems:
            raise CobblerError("An object already exists with that name. Try 'edit'?")
        system["uid"] = system["uid"] or uuid.uuid4().hex
        system["mtime"] = self._clock.now()
        system["ctime"] = system["ctime"] or system["mtime"]
        self._systems[system["name"]] = system
        self._events.add(
            system["mtime"], None, "system_saved", system=system["name"], netboot_enabled=system["netboot_enabled"]
        )
        return True

    def remove_system(self, name: str, token: str, recursive: bool = True) -> bool:
        """Forget a system; true for one that is not there, too."""
        self._require_token(token)
        if self._systems.pop(name, None) is not None:
            self._events.add(self._clock.now(), None, "system_removed", system=name)
        return True

    def sync(self, token: str) -> bool:
        """A full sync; recorded, because on a real server it rewrites the boot trees under whoever boots."""
        self._require_token(token)
        self._events.add(self._clock.now(), None, "sync")
        return True

    def _by_handle(self, handle: Any) -> dict[str, Any] | None:
        if not isinstance(handle, str):
            raise CobblerError("'int' object has no attribute 'startswith'", "AttributeError")
        if handle.startswith(NEW):
            if handle not in self._unsaved:
                raise CobblerError(repr(handle), "KeyError")
            return self._unsaved[handle]
        what, separator, name = handle.partition("::")
        if not separator:
            raise value_error("not enough values to unpack (expected 2, got 1)")
        return self._collection(what).get(name)

    def _known_profile(self, name: Any) -> str:
        if not isinstance(name, str):
            raise type_error("The name of a profile needs to be of type str.")
        if name in ("delete", "None", ABSENT, ""):
            return ""
        if name not in self._profiles:
            raise value_error(f'Profile with the name "{name}" is not existing')
        return name

    def _modify_interface(self, system: dict[str, Any], values: Any) -> None:
        if not isinstance(values, dict):
            raise CobblerError(f"'{type(values).__name__}' object has no attribute 'keys'", "AttributeError")
        for key, value in values.items():
            field, separator, name = key.partition("-")
            if not separator:
                raise value_error("not enough values to unpack (expected 2, got 1)")
            interface = system["interfaces"].setdefault(name, new_interface())
            attribute = INTERFACE_KEYS.get(field.replace("_", ""))
            if attribute is None:
                continue
            setting = INTERFACE_FIELDS[attribute][1](value)
            if attribute in UNIQUE_INTERFACE_FIELDS and setting:
                self._require_unique(attribute, setting, interface)
            interface[attribute] = setting

    def _require_unique(self, attribute: str, value: str, mine: dict[str, Any]) -> None:
        for other in self._systems.values():
            for interface in other["interfaces"].values():
                if interface is not mine and interface[attribute] == value:
                    what = UNIQUE_INTERFACE_FIELDS[attribute]
                    conflict = f'Object with the conflict has the name "{other["name"]}"'
                    raise value_error(f'{what} duplicate found "{value}". {conflict}')

    # -- installing ---------------------------------------------------------------------------------------------------

    def generate_autoinstall(self, profile: str = "", system: str = "") -> str:
        """The rendered autoinstall of a system, or of a profile."""
        if system:
            record = self._systems.get(system)
            if record is None:
                return "# system not found"
            meta = record["autoinstall_meta"]
            return autoinstall.render(
                system, record["hostname"], record["profile"], {} if meta == INHERIT else meta, self.url
            )
        if profile not in self._profiles:
            return "# profile not found"
        return autoinstall.render(profile, "", profile, {}, self.url)

    def disable_netboot(self, name: str, token: str | None = None) -> bool:
        """Let a system boot from its disk from now on; needs no token, because installers call it."""
        if name not in self._systems:
            return False
        self._systems[name]["netboot_enabled"] = False
        self._events.add(self._clock.now(), None, "nopxe", system=name)
        return True

    def run_install_triggers(self, mode: str, objtype: str, name: str, ip: str, token: str | None = None) -> bool:
        """Note that an installer began (`pre`) or ended (`post`)."""
        if mode not in {"pre", "post", "firstboot"} or objtype not in {"system", "profile"}:
            return False
        self._events.add(self._clock.now(), None, "trigger", mode=mode, **{objtype: name})
        return True


REMOTE_METHODS = frozenset(
    name for name in vars(Cobbler) if not name.startswith("_") and name not in {"offer", "finished"}
)
"""What may be called over XML-RPC."""


def _matches(item: dict[str, Any], criteria: dict[str, Any]) -> bool:
    return all(any(_like(value, wanted) for value in _values(item, key)) for key, wanted in criteria.items())


def _values(item: dict[str, Any], key: str) -> list[Any]:
    if key in item:
        return [item[key]]
    return [interface[key] for interface in item.get("interfaces", {}).values() if key in interface]


def _like(value: Any, wanted: Any) -> bool:
    if isinstance(value, str) and isinstance(wanted, str):
        return fnmatch.fnmatch(value.lower(), wanted.lower())
    return bool(value == wanted)
