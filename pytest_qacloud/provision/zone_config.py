"""A zone's description in Marvin's format: JSON with `#` lines, as CloudStack's `setup/dev/*.cfg`.

What the keys mean is defined by Marvin's `deployDataCenter.py`; keys that it does not know are kept and say nothing.
Only `read_zone_config` looks at files.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

from ..errors import ConfigError
from ..model import Hypervisor

log = logging.getLogger(__name__)

Config = dict[str, Any]

SECRET = re.compile(r"passw(or)?d$|^(api|security|secret|access)_?key$", re.IGNORECASE)
"""Keys whose values are secrets."""

ADMIN_KEYS = ("apiKey", "securityKey")

TRAFFIC_TYPES = ("Guest", "Management", "Public", "Storage")

NEEDED: dict[str, tuple[str, ...]] = {
    "zones": ("name", "networktype", "dns1", "internaldns1"),
    "physical_networks": ("name",),
    "traffictypes": ("typ",),
    "providers": ("name",),
    "pods": ("name", "gateway", "netmask", "startip", "endip"),
    "guestIpRanges": ("startip", "gateway", "netmask"),
    "ipranges": ("startip", "gateway", "netmask"),
    "storageranges": ("startip", "gateway", "netmask"),
    "clusters": ("clustername", "hypervisor", "clustertype"),
    "hosts": ("url",),
    "primaryStorages": ("name", "url"),
    "secondaryStorages": ("provider",),
    "cacheStorages": ("url",),
    "globalConfig": ("name", "value"),
}
"""The texts that each member of a list of that name must have, wherever the list stands."""

LISTS = {"zones": ("physical_networks", "pods"), "pods": ("clusters",), "physical_networks": ("traffictypes",)}
"""The lists that each member of a list must have, with something in them."""


@dataclass(frozen=True, slots=True)
class ZoneConfig:
    """A checked configuration.

    Args:
        file: where it stands, as the user named it.
        content: as Marvin would read it.
    """

    file: str
    content: Config

    @property
    def hypervisor(self) -> str:
        """What the first zone's first cluster runs, as the API calls it."""
        text = str(self.content["zones"][0]["pods"][0]["clusters"][0]["hypervisor"])
        known = {hypervisor.value: hypervisor.api_name for hypervisor in Hypervisor}
        return known.get(text.lower(), text)

    @property
    def host_addresses(self) -> frozenset[str]:
        """Names or addresses of all hosts, as their URLs have them."""
        zones = self.content["zones"]
        return frozenset(host_address(host) for zone in zones for cluster in clusters_of(zone) for host in cluster)

    def refuse_hosts(self, machines: Collection[str]) -> None:
        """Refuse hosts that a run would switch off.

        Args:
            machines: addresses of the pool's machines.

        Raises:
            ConfigError: a host is one of them.
        """
        for address in sorted(self.host_addresses & set(machines)):
            raise ConfigError(
                f"host {address} is a machine of the pool, which is switched off or re-imaged; a config's hosts are"
                " used as they are, so name others",
                file=self.file,
            )


def host_address(host: Mapping[str, Any]) -> str:
    """A host's name or address, out of its URL."""
    return str(host["url"]).partition("://")[2].partition("/")[0]


def clusters_of(zone: Mapping[str, Any]) -> Iterator[list[Config]]:
    """The hosts of each cluster of a zone."""
    return (cluster.get("hosts") or [] for pod in zone["pods"] for cluster in pod["clusters"])


def is_true(value: object) -> bool:
    """Whether a value of the format is true: texts are the rule there, and JSON's own are understood."""
    return str(value).lower() == "true"


def is_enabled(zone: Mapping[str, Any]) -> bool:
    """Whether a zone is to be switched on; it is unless told otherwise."""
    return is_true("true" if zone.get("enabled") is None else zone["enabled"])


def read_zone_config(path: Path) -> ZoneConfig:
    """Read and check a configuration.

    Raises:
        ConfigError: it cannot be read, or is wrong; names file, line and key.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=str(path)) from error
    except UnicodeDecodeError as error:
        raise ConfigError("is not UTF-8 text", file=str(path)) from error
    config = parse_zone_config(text, str(path))
    return replace(config, content=_with_test_data(config.content, path))


def _with_test_data(content: Config, path: Path) -> Config:
    """The test data that the configuration names, by an absolute path; without the name where there is no such file.

    Marvin too falls back on its own data there, and looks from the current folder only.
    """
    named = content.get("TestData")
    wanted = named.get("Path") if isinstance(named, Mapping) else None
    if not isinstance(wanted, str) or not wanted:
        return content
    for found in (Path(wanted), path.parent / wanted):
        if found.is_file():
            return {**content, "TestData": {**content["TestData"], "Path": str(found.absolute())}}
    log.warning("%s: TestData.Path: there is no file %s; suites get the usual test data", path, wanted)
    return {key: value for key, value in content.items() if key != "TestData"}


def parse_zone_config(text: str, file: str) -> ZoneConfig:
    """Check a configuration's text.

    Raises:
        ConfigError: it is wrong; names file, line and key.
    """
    # Marvin drops the `#` lines; left empty, they keep the others' numbers.
    kept = "\n".join("" if line.lstrip().startswith("#") else line for line in text.splitlines())
    try:
        content = json.loads(kept)
    except json.JSONDecodeError as error:
        raise ConfigError(f"is not JSON: {error.msg}", file=file, line=error.lineno) from error
    except RecursionError as error:
        raise ConfigError("is nested too deep", file=file) from error
    if not isinstance(content, dict):
        raise ConfigError("must be a JSON object with `zones`", file=file)
    _Check(file, _lines_of(kept)).everything(content)
    return ZoneConfig(file, content)


def secrets_in(content: Mapping[str, Any]) -> list[str]:
    """The values of all keys that hold secrets.

    A password that is the word `password`, as in the simulator's examples, protects nothing, and hiding it would hide
    that word in every log; so it is with one that is its user's name.
    """
    return sorted(set(_secrets(content)) - {"password"})


def without_secrets(content: Any, source: str, path: str = "") -> Any:
    """A copy that says where each secret is to be found instead of what it is.

    Args:
        source: the file that holds all but the administrator's keys.
    """
    if isinstance(content, Mapping):
        return {
            key: _reference(source, path, key)
            if SECRET.search(key) and isinstance(value, str) and value
            else without_secrets(value, source, _join(path, key))
            for key, value in content.items()
        }
    if isinstance(content, list):
        return [without_secrets(value, source, f"{path}[{number}]") for number, value in enumerate(content)]
    return content


def _reference(source: str, path: str, key: str) -> str:
    if key in ADMIN_KEYS:
        return "(the administrator's; --qacloud-config-out=FILE writes it)"
    return f"(in {source}: {_join(path, key)})"


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _secrets(content: Any) -> Iterator[str]:
    if isinstance(content, Mapping):
        users = (content.get("user"), content.get("username"))
        for key, value in content.items():
            if not SECRET.search(key) or not isinstance(value, str):
                yield from _secrets(value)
            elif value and value not in users:
                yield value
    elif isinstance(content, list):
        yield from chain.from_iterable(map(_secrets, content))


MARKS = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|\n')


def _lines_of(text: str) -> dict[str, int]:
    """The line of each key and list member of valid JSON, by its dotted path."""
    lines: dict[str, int] = {}
    line, stack, key = 1, [("", -1)], ""  # of each open object or list: its path, and a list's next index

    def here() -> str:
        path, index = stack[-1]
        return f"{path}[{index}]" if index >= 0 else _join(path, key)

    for match in MARKS.finditer(text):
        part = match[0]
        if part == "\n":
            line += 1
        elif part[0] == '"':
            if stack[-1][1] < 0 and text[match.end() :].lstrip()[:1] == ":":
                key = json.loads(part)
                lines[here()] = line
        elif part in "{[":
            path = here() if len(stack) > 1 else ""
            lines.setdefault(path, line)
            stack.append((path, 0 if part == "[" else -1))
        elif part in "}]":
            stack.pop()
        elif part == "," and stack[-1][1] >= 0:
            stack[-1] = (stack[-1][0], stack[-1][1] + 1)
    return lines


class _Check:
    """Refuses what could not be deployed, before anything is touched."""

    def __init__(self, file: str, lines: Mapping[str, int]) -> None:
        self.file, self.lines = file, lines

    def wrong(self, message: str, key: str) -> NoReturn:
        known = key
        while known and known not in self.lines:  # a key that is missing: where it should stand
            known = known.rpartition(".")[0] if known.rfind(".") > known.rfind("[") else known.rpartition("[")[0]
        raise ConfigError(message, file=self.file, line=self.lines.get(known), key=key)

    def everything(self, content: Config) -> None:
        if not content.get("zones"):
            self.wrong("names no zone to deploy", "zones")
        self.shapes(content, "")
        zones: list[Config] = content["zones"]
        self.distinct(zones, "name", "zones")
        if not is_enabled(zones[0]):
            self.wrong("tests run in the first zone, so it cannot be one that is left disabled", "zones[0].enabled")
        for number, zone in enumerate(zones):
            self.zone(zone, f"zones[{number}]")

    def shapes(self, content: Mapping[str, Any], path: str) -> None:
        """Known lists are lists of objects, with the texts and lists that their members need."""
        for key, value in content.items():
            here = _join(path, key)
            if isinstance(value, Mapping) and key not in NEEDED:
                self.shapes(value, here)
            elif key in NEEDED and value is not None:
                self.members(key, value, here)

    def members(self, key: str, value: object, path: str) -> None:
        if not isinstance(value, list):
            self.wrong("must be a list", path)
        for number, member in enumerate(value):
            here = f"{path}[{number}]"
            if not isinstance(member, Mapping):
                self.wrong("must be an object, as { … }", here)
            for name in NEEDED[key]:
                if not isinstance(member.get(name), str) or not member[name]:
                    self.wrong("must be there, as a text", f"{here}.{name}")
            for name in LISTS.get(key, ()):
                if not member.get(name):
                    self.wrong("must be there, with something in it", f"{here}.{name}")
            self.shapes(member, here)

    def distinct(self, members: list[Config], name: str, path: str) -> None:
        seen: dict[str, int] = {}
        for number, member in enumerate(members):
            first = seen.setdefault(member[name], number)
            if first != number:
                self.wrong(f"{member[name]} is the name of {path}[{first}] too", f"{path}[{number}].{name}")

    def zone(self, zone: Config, path: str) -> None:
        if zone["networktype"] not in ("Advanced", "Basic"):
            self.wrong(f"must be Advanced or Basic, not {zone['networktype']}", f"{path}.networktype")
        self.distinct(zone["physical_networks"], "name", f"{path}.physical_networks")
        self.distinct(zone["pods"], "name", f"{path}.pods")
        for number, network in enumerate(zone["physical_networks"]):
            here = f"{path}.physical_networks[{number}]"
            self.physical_network(network, here)
            if "TF" in (network.get("isolationmethods") or []) and not zone.get("tungstenprovider"):
                self.wrong(f"isolation by Tungsten Fabric needs {path}.tungstenprovider", f"{here}.isolationmethods")
        for pod_number, pod in enumerate(zone["pods"]):
            here = f"{path}.pods[{pod_number}]"
            self.distinct(pod["clusters"], "clustername", f"{here}.clusters")
            for number, cluster in enumerate(pod["clusters"]):
                self.hosts(cluster, f"{here}.clusters[{number}]")
        for number, storage in enumerate(zone.get("secondaryStorages") or []):
            if storage["provider"].lower() in ("nfs", "smb") and not storage.get("url"):
                self.wrong(f"a {storage['provider']} store needs it", f"{path}.secondaryStorages[{number}].url")

    def physical_network(self, network: Config, path: str) -> None:
        if not isinstance(network.get("isolationmethods") or [], list):
            self.wrong("must be a list", f"{path}.isolationmethods")
        for number, traffic in enumerate(network["traffictypes"]):
            if traffic["typ"] not in TRAFFIC_TYPES:
                self.wrong(f"must be one of {', '.join(TRAFFIC_TYPES)}", f"{path}.traffictypes[{number}].typ")

    def hosts(self, cluster: Config, path: str) -> None:
        for number, host in enumerate(cluster.get("hosts") or []):
            if not host_address(host):
                self.wrong(f"{host['url']} is no URL such as http://10.1.0.11", f"{path}.hosts[{number}].url")
