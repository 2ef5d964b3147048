"""Names of VMs: host names in networks, instance names on hypervisors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...errors import invalid
from ...identity import Account
from ...models.machines import VirtualMachine
from ...store import new_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...context import Context
    from ...models.guests import Network

_LABEL = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)


def host_name(ctx: Context, wanted: str | None) -> str:
    """A VM's name: the wanted one, or one made of a uuid.

    Raises:
        ApiError: it cannot be a host name (431).
    """
    name = wanted or f"{ctx.setting('instance.name') or 'VM'}-{new_id()}"
    if not _LABEL.fullmatch(name):
        raise invalid(
            "Invalid name. Vm name can contain ASCII letters, digits and hyphens, must be between 1 and 63 characters "
            "long, must begin with a letter and can't end with a hyphen"
        )
    return name


def check_unique(ctx: Context, name: str, networks: Iterable[Network], itself: VirtualMachine | None = None) -> None:
    """Refuse a host name that another VM has in one of the networks.

    Raises:
        ApiError: 431.
    """
    for network in networks:
        for nic in network.nics:
            other = nic.virtualmachine
            if isinstance(other, VirtualMachine) and other is not itself and other.name.lower() == name.lower():
                raise invalid(
                    f"The vm with hostName {name} already exists in the network domain: {network.networkdomain}; "
                    f"network={network.name}"
                )


def instance_name(ctx: Context, owner: Account, number: int) -> str:
    """Such as `i-2-7-VM`: account's place, VM's number."""
    place = 1 + ctx.store.all(Account).index(owner)
    return f"i-{place}-{number}-{ctx.setting('instance.name') or 'VM'}"
