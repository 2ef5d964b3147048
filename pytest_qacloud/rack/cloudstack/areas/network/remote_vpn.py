"""Remote access VPNs and their users."""

from __future__ import annotations

import re
import secrets
from ipaddress import IPv4Address, IPv4Network, summarize_address_range
from typing import TYPE_CHECKING

from ...access import owner_of
from ...errors import invalid, limit_exceeded
from ...models.guests import Network
from ...models.publicips import PublicIp
from ...models.rules import ACTIVE, VPN, VpnPort
from ...models.vpns import RemoteAccessVpn, VpnUser
from ...registry import command
from . import firewall
from .conflicts import check_address_rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...context import Context
    from ...lists import Page
    from ...params import Params

_RANGE = "10.1.2.1-10.1.2.8"
"""What VPN users get addresses from unless told otherwise: CloudStack's default."""

_PORTS = (500, 1701, 4500)
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9@._-]{2,63}")
_PASSWORD = re.compile(r"[a-zA-Z0-9@+=._-]{3,32}")


@command("createRemoteAccessVpn")
def create_remote_vpn(ctx: Context, params: Params) -> Iterator[RemoteAccessVpn]:
    """Let an account's VPN users in by an address."""
    address = params.need("publicipid", PublicIp)
    _check_address(ctx, address)
    chosen = params.optional("iprange") or ctx.setting("remote.access.vpn.client.iprange", address.owner) or _RANGE
    _check_range(chosen, address)
    length = int(ctx.number_setting("remote.access.vpn.psk.length"))
    vpn = RemoteAccessVpn(
        owner=address.owner,
        publicip=address,
        iprange=chosen,
        presharedkey=secrets.token_urlsafe(length)[:length],
        fordisplay=params.flag("fordisplay", default=True),
    )
    ports = [
        VpnPort(owner=address.owner, ipaddress=address, network=address.network, protocol="udp", first=port, last=port)
        for port in _PORTS
    ]
    for rule in ports:
        check_address_rule(rule)
    ctx.add(vpn)
    for rule in ports:
        ctx.store.add(rule, ctx.now)
        rule.state = ACTIVE
        if address.network is not None and params.flag("openfirewall", default=True):
            firewall.open_for(ctx, rule)
    yield vpn
    vpn.state = "Running"


def _check_address(ctx: Context, address: PublicIp) -> None:
    if address.network is None and address.vpc is None:
        raise invalid(f"The Ip address is not associated with any network or VPC: {address.ipaddress}")
    if address.isstaticnat:
        raise invalid(f"The Ip address {address.ipaddress} is used for static nat, it can't be used for VPN")
    if address.vpc is not None and not address.issourcenat:
        raise invalid("Remote access VPN of a VPC has to be on its source NAT address")
    services = address.network.networkoffering.providers if address.network is not None else None
    if services is None and address.vpc is not None:
        services = dict.fromkeys(address.vpc.vpcoffering.providers, "")
    if "Vpn" not in (services or {}):
        raise invalid("Vpn service is not supported in the network of the IP address")
    if ctx.store.first(RemoteAccessVpn, publicip=address) is not None:
        raise invalid(f"A Remote Access VPN already exists for the public IP address {address.ipaddress}")


def _check_range(text: str, address: PublicIp) -> None:
    first, _, last = text.partition("-")
    try:
        blocks = list(summarize_address_range(IPv4Address(first.strip()), IPv4Address(last.strip())))
    except ValueError:
        raise invalid(f"Invalid ip range {text}") from None
    cidr = address.vpc.cidr if address.vpc is not None else getattr(address.network, "cidr", None)
    if cidr is not None and any(block.overlaps(IPv4Network(cidr, strict=False)) for block in blocks):
        raise invalid(f"Vpn service: ip range {text} overlaps with the guest cidr {cidr}")


@command("listRemoteAccessVpns")
def list_remote_vpns(ctx: Context, params: Params) -> Page:
    """Remote access VPNs."""
    network, address = params.entity("networkid", Network), params.entity("publicipid", PublicIp)

    def seen(vpn: RemoteAccessVpn) -> bool:
        return network in (None, vpn.publicip.network) and address in (None, vpn.publicip)

    return ctx.list(RemoteAccessVpn, params, seen, ignore=("networkid", "publicipid"))


@command("updateRemoteAccessVpn")
def update_remote_vpn(ctx: Context, params: Params) -> RemoteAccessVpn:
    """Whether it is shown to users."""
    vpn = params.need("id", RemoteAccessVpn)
    ctx.assign(vpn, params, "fordisplay")
    return vpn


@command("deleteRemoteAccessVpn")
def delete_remote_vpn(ctx: Context, params: Params) -> bool:
    """A VPN with its ports; its users stay."""
    address = params.need("publicipid", PublicIp)
    vpn = ctx.store.first(RemoteAccessVpn, publicip=address)
    if vpn is None:
        raise invalid(f"There is no remote access VPN on the public IP address {address.ipaddress}")
    for rule in ctx.store.all(VpnPort, ipaddress=address):
        if rule.PURPOSE == VPN:
            ctx.remove(rule)
    return ctx.remove(vpn)


@command("addVpnUser")
def add_vpn_user(ctx: Context, params: Params) -> Iterator[VpnUser]:
    """Somebody who may come in by the owner's VPNs."""
    owner, name = owner_of(ctx, params), params.text("username")
    if not _NAME.fullmatch(name):
        raise invalid(
            "Username has to begin with an alphabet have 3-64 characters including alphabets, numbers and the set "
            "'@.-_'"
        )
    if not _PASSWORD.fullmatch(params.text("password")):
        raise invalid("Password has to be 3-32 characters including alphabets, numbers and the set '@+=.-_'")
    if ctx.store.first(VpnUser, owner=owner, username=name) is not None:
        raise invalid(f"VPN User with name {name} is already added for account {owner.name}")
    most = int(ctx.number_setting("remote.access.vpn.user.limit"))
    if len(ctx.store.all(VpnUser, owner=owner)) >= most:
        raise limit_exceeded(f"Cannot add more than {most} remote access vpn users")
    user = VpnUser(owner=owner, username=name)
    yield ctx.add(user)
    user.state = ACTIVE


@command("removeVpnUser")
def remove_vpn_user(ctx: Context, params: Params) -> bool:
    """Somebody who may come in no more."""
    owner, name = owner_of(ctx, params), params.text("username")
    user = ctx.store.first(VpnUser, owner=owner, username=name)
    if user is None:
        raise invalid(f"Could not find VPN user={name}. VPN owner id={owner.id}")
    return ctx.remove(user)


@command("listVpnUsers")
def list_vpn_users(ctx: Context, params: Params) -> Page:
    """VPN users."""
    return ctx.list(VpnUser, params)
