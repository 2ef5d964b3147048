"""Which rules use what: a VM's interface, a public address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...models.loadbalancers import BalancerMember
from ...models.publicips import PublicIp
from ...models.rules import ForwardingRule

if TYPE_CHECKING:
    from ...models.guests import Nic
    from ...store import Entity


def rules_on_nic(nic: Nic) -> list[Entity]:
    """Port forwarding, static NAT and load balancing that end at an interface."""
    store, vm = nic.store, nic.virtualmachine
    return [
        *store.all(ForwardingRule, virtualmachine=vm, network=nic.network),
        *store.all(PublicIp, virtualmachine=vm, network=nic.network),
        *store.all(
            BalancerMember, lambda member: getattr(member.rule, "network", None) is nic.network, virtualmachine=vm
        ),
    ]
