"""Private VLANs: a second VLAN within a network's own one, that keeps its machines apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ...errors import failed, invalid
from ...models.guests import ISOLATED
from . import vlans

if TYPE_CHECKING:
    from ...context import Context
    from ...params import Params
    from .creation import NetworkWish

_KINDS = ("Promiscuous", "Community", "Isolated")


class PrivateVlan(NamedTuple):
    """A secondary VLAN. Machines of a Promiscuous one reach all, of a Community one each other, of others none."""

    secondary: str
    kind: str


def wanted(ctx: Context, params: Params, wish: NetworkWish) -> PrivateVlan | None:
    """The private VLAN that createNetwork's parameters ask for.

    Raises:
        ApiError: not by this caller, or not for such a network; or VLAN, secondary VLAN and kind contradict (431),
            or the secondary VLAN is no number (530).
    """
    secondary, kind = params.text("isolatedpvlan").strip(), params.text("isolatedpvlantype").strip().capitalize()
    if not secondary and not kind:
        return None
    kind = next((name for name in _KINDS if kind in (name, name[0])), kind)
    if kind and kind not in _KINDS:
        raise invalid(f"Unexpected Private VLAN type: {kind}")
    if secondary:
        _check_network(ctx, params, wish)
    if wish.vlan is None:
        raise invalid("VLAN ID has to be set in order to configure a Private VLAN")
    vlan = wish.vlan.removeprefix("vlan://")
    kind = kind or ("Promiscuous" if secondary == vlan else "Isolated")
    if not secondary:
        if kind != "Promiscuous":
            raise invalid("Private VLAN ID has not been set, therefore Promiscuous type is expected")
        secondary = vlan
    if not secondary.isdecimal():
        raise failed(f"The secondary VLAN ID: {secondary} is not in numeric format")
    if vlan == vlans.UNTAGGED:
        raise invalid("Cannot support pvlan with untagged primary vlan!")
    if (kind == "Promiscuous") != (secondary == vlan):
        words = "differ" if kind == "Promiscuous" else "are equal"
        raise invalid(f"Private VLAN type is set to {kind}, but VLAN ID and Secondary VLAN ID {words}")
    return PrivateVlan(secondary, kind)


def _check_network(ctx: Context, params: Params, wish: NetworkWish) -> None:
    if not ctx.caller.is_root_admin:
        raise invalid("Only ROOT admin is allowed to create Private VLAN network")
    if wish.zone.networktype != "Advanced" or wish.offering.guestiptype == ISOLATED:
        raise invalid("Can only support create Private VLAN network with advanced shared or L2 network!")
    if any(params.optional(name) for name in ("ip6cidr", "ip6gateway", "startipv6")):
        raise invalid("Can only support create Private VLAN network with IPv4!")
