"""The rendered autoinstall: what Cobbler writes for a system, and what an installer reads out of it.

The text is a preseed file as Debian's installer takes it (`owner question type value` a line; Debian Installation
Guide, appendix B). Only the questions that a simulated machine understands are asked.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

OWNER = "d-i"
META_PREFIX = "qacloud_"


@dataclass(frozen=True)
class Image:
    """What an autoinstall makes of a disk.

    Args:
        hostname: fully qualified, where a domain is known.
        epoch: number of the lease it was installed for; `None` where the autoinstall says nothing.
        files: files it writes, by path.
        host_key: private SSH host key in OpenSSH's format; `None` lets the system make one.
        authorized_keys: public key lines that may log in.
    """

    hostname: str
    epoch: int | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    host_key: str | None = field(default=None, repr=False)
    authorized_keys: tuple[str, ...] = ()


class AutoinstallError(ValueError):
    """An installer cannot make sense of the file."""


def render(system: str, hostname: str, profile: str, meta: Mapping[str, str], server: str) -> str:
    """The autoinstall of one system.

    Args:
        meta: the system's `autoinstall_meta`; each variable `qacloud_x` becomes the question `qacloud/x`.
        server: base URL of the Cobbler server, without a slash at its end.
    """
    service = f"{server}/cblr/svc/op"
    lines = [
        f"# Automatic installation of {system}, profile {profile}",
        f"{OWNER} netcfg/get_hostname string {hostname or system}",
        f"{OWNER} preseed/early_command string wget -qO- {service}/trig/mode/pre/system/{system}",
    ]
    for name, value in sorted(meta.items()):
        if name.startswith(META_PREFIX):
            lines.append(f"{OWNER} qacloud/{name.removeprefix(META_PREFIX)} string {value}")
    finish = f"wget -qO- {service}/trig/mode/post/system/{system}; wget -qO- {service}/nopxe/system/{system}"
    lines.append(f"{OWNER} preseed/late_command string {finish}")
    return "\n".join(lines) + "\n"


def parse(text: str) -> Image:
    """The image that a rendered autoinstall asks for.

    Raises:
        AutoinstallError: it is no preseed file, or a value in it is malformed.
    """
    answers: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        owner, _, rest = line.partition(" ")
        question, _, rest = rest.partition(" ")
        kind, _, value = rest.partition(" ")
        if owner != OWNER or not kind:
            raise AutoinstallError(f"not a line of a preseed file: {line!r}")
        answers[question] = value
    if "netcfg/get_hostname" not in answers:
        raise AutoinstallError("it names no host")
    mine = {question.removeprefix("qacloud/"): value for question, value in answers.items() if "qacloud/" in question}
    hostname = answers["netcfg/get_hostname"]
    files = {"/etc/hostname": hostname + "\n"}
    if "marker" in mine:
        files[mine.get("marker_path", "/etc/qacloud-epoch")] = mine["marker"] + "\n"
    if "repository" in mine:
        files["/etc/apt/sources.list.d/qacloud.list"] = f"deb [trusted=yes] {mine['repository']} ./\n"
    if "proxy" in mine:
        files["/etc/apt/apt.conf.d/90proxy"] = f'Acquire::http::Proxy "{mine["proxy"]}";\n'
    if "puppet_server" in mine:
        files["/etc/puppetlabs/puppet/puppet.conf"] = f"[agent]\nserver = {mine['puppet_server']}\n"
    return Image(
        hostname=hostname,
        epoch=_number(mine["epoch"]) if "epoch" in mine else None,
        files=files,
        host_key=_decoded("host_key", mine["host_key"]) if "host_key" in mine else None,
        authorized_keys=(_decoded("authorized_key", mine["authorized_key"]),) if "authorized_key" in mine else (),
    )


def _number(value: str) -> int:
    if not value.isdecimal():
        raise AutoinstallError(f"qacloud/epoch is no number: {value!r}")
    return int(value)


def _decoded(name: str, value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise AutoinstallError(f"qacloud/{name} is not base64 of a text") from error
