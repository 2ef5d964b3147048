"""VPNs between VPCs and other sites."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

from ...errors import failed, invalid
from ...models.publicips import PublicIp
from ...models.vpcs import Vpc
from ...models.vpns import CustomerGateway, VpnConnection, VpnGateway
from ...registry import command
from .protocols import check_cidrs
from .vpcs import operable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...context import Context
    from ...lists import Page
    from ...params import Params

_CIPHERS = frozenset({"3des", "aes128", "aes192", "aes256"})
_HASHES = frozenset({"md5", "sha1", "sha256", "sha384", "sha512"})
_GROUPS = frozenset({"modp1024", "modp1536", "modp2048", "modp3072", "modp4096", "modp6144", "modp8192"})
_LONGEST_LIFETIME_S = 86400


@command("createVpnGateway")
def create_vpn_gateway(ctx: Context, params: Params) -> Iterator[VpnGateway]:
    """A VPC's end, on its source NAT address."""
    vpc = operable(ctx, params.need("vpcid", Vpc))
    if ctx.store.first(VpnGateway, vpc=vpc) is not None:
        raise invalid(f"The VPN gateway of VPC {vpc.name} already existed!")
    address = params.entity("ipaddressid", PublicIp) or ctx.store.first(PublicIp, vpc=vpc, issourcenat=True)
    if address is None or address.vpc is not vpc:
        raise failed(f"Cannot found source nat ip of vpc {vpc.name}")
    gateway = VpnGateway(owner=vpc.owner, vpc=vpc, address=address, fordisplay=params.flag("fordisplay", default=True))
    yield ctx.add(gateway)


@command("listVpnGateways")
def list_vpn_gateways(ctx: Context, params: Params) -> Page:
    """VPCs' ends."""
    return ctx.list(VpnGateway, params)


@command("updateVpnGateway")
def update_vpn_gateway(ctx: Context, params: Params) -> VpnGateway:
    """Whether it is shown to users."""
    gateway = params.need("id", VpnGateway)
    ctx.assign(gateway, params, "fordisplay")
    return gateway


@command("deleteVpnGateway")
def delete_vpn_gateway(ctx: Context, params: Params) -> bool:
    """A VPC's end without tunnels."""
    gateway = params.need("id", VpnGateway)
    if ctx.store.first(VpnConnection, s2svpngateway=gateway) is not None:
        raise invalid(
            f"Unable to delete VPN gateway {gateway.publicip} because there is still related VPN connections!"
        )
    return ctx.remove(gateway)


@command("createVpnCustomerGateway")
def create_customer_gateway(ctx: Context, params: Params) -> Iterator[CustomerGateway]:
    """Another site's end."""
    owner, gateway = ctx.owner(params), params.text("gateway")
    name = params.text("name", f"VPN-{gateway}")
    if ctx.store.first(CustomerGateway, owner=owner, name=name) is not None:
        raise invalid(f"The customer gateway with name {name} already existed!")
    if ctx.store.first(CustomerGateway, owner=owner, gateway=gateway) is not None:
        raise invalid(f"The customer gateway with ip {gateway} already existed!")
    found = CustomerGateway(owner=owner, name=name, gateway="", cidrlist="", ipsecpsk="", ikepolicy="", esppolicy="")
    _describe(found, params)
    yield ctx.add(found)


def _describe(found: CustomerGateway, params: Params) -> None:
    """Set all that describes a site's end, checked before anything is changed."""
    gateway = params.text("gateway")
    try:
        IPv4Address(gateway)
    except ValueError:
        raise invalid(f"The customer gateway ip {gateway} is invalid!") from None
    cidrs = check_cidrs(params.text("cidrlist").split(","))
    lifetimes = params.number("ikelifetime", 86400), params.number("esplifetime", 3600)
    if not all(0 <= seconds <= _LONGEST_LIFETIME_S for seconds in lifetimes):
        raise invalid(f"The IKE and ESP lifetimes have to be between 0 and {_LONGEST_LIFETIME_S} seconds")
    version = params.text("ikeversion", "ike")
    if version not in ("ike", "ikev1", "ikev2"):
        raise invalid(f"The IKE version {version} is invalid! Supported options are 'ike, ikev1, ikev2'")
    policies = _policy("IKE", params.text("ikepolicy"), needs_group=True), _policy("ESP", params.text("esppolicy"))
    found.name = params.text("name", found.name)
    found.gateway, found.cidrlist, found.ipsecpsk = gateway, ",".join(cidrs), params.text("ipsecpsk")
    found.ikelifetime, found.esplifetime = lifetimes
    found.ikepolicy, found.esppolicy = policies
    found.ikeversion = version
    found.dpd, found.forceencap = params.flag("dpd"), params.flag("forceencap")
    found.splitconnections = params.flag("splitconnections")


def _policy(kind: str, text: str, *, needs_group: bool = False) -> str:
    """`cipher-hash[;group]`, several of them with commas between."""
    for part in text.split(","):
        suite, _, group = part.strip().partition(";")
        cipher, _, digest = suite.partition("-")
        grouped = group in _GROUPS if group or needs_group else True
        if cipher not in _CIPHERS or digest not in _HASHES or not grouped:
            raise invalid(
                f"The customer gateway {kind} policy {text} is invalid!  Verify the required Diffie Hellman group"
            )
    return text


@command("listVpnCustomerGateways")
def list_customer_gateways(ctx: Context, params: Params) -> Page:
    """Other sites' ends."""
    return ctx.list(CustomerGateway, params)


@command("updateVpnCustomerGateway")
def update_customer_gateway(_ctx: Context, params: Params) -> Iterator[CustomerGateway]:
    """All of another site's end; its tunnels are made anew."""
    found = params.need("id", CustomerGateway)
    _describe(found, params)
    yield found


@command("deleteVpnCustomerGateway")
def delete_customer_gateway(ctx: Context, params: Params) -> bool:
    """Another site's end without tunnels."""
    found = params.need("id", CustomerGateway)
    if ctx.store.first(VpnConnection, s2scustomergateway=found) is not None:
        raise invalid(
            f"Unable to delete VPN customer gateway {found.name} because there is still related VPN connections!"
        )
    return ctx.remove(found)


@command("createVpnConnection")
def create_vpn_connection(ctx: Context, params: Params) -> Iterator[VpnConnection]:
    """A tunnel. A passive one waits for the other end; another one is up when that end is a VPC of this cloud."""
    here, there = params.need("s2svpngatewayid", VpnGateway), params.need("s2scustomergatewayid", CustomerGateway)
    if here.owner is not there.owner:
        raise invalid(
            "VPN connection can only be esitablished between same account's VPN gateway and customer gateway!"
        )
    if ctx.store.first(VpnConnection, s2svpngateway=here, s2scustomergateway=there) is not None:
        raise invalid(
            f"The vpn connection with customer gateway {there.name} and vpn gateway {here.name} already existed!"
        )
    blocks = [IPv4Network(text) for text in there.cidrlist.split(",")]
    if any(block.overlaps(here.vpc.block) for block in blocks):
        raise invalid(f"The subnets of customer gateway {there.cidrlist} overlap with the VPC's cidr {here.vpc.cidr}!")
    for other in ctx.store.all(VpnConnection, s2svpngateway=here):
        taken = [IPv4Network(text) for text in other.cidrlist.split(",")]
        if any(block.overlaps(held) for block in blocks for held in taken):
            raise invalid(f"The subnets of customer gateway {there.name} overlap with those of {other.name}")
    tunnel = VpnConnection(
        owner=here.owner,
        s2svpngateway=here,
        s2scustomergateway=there,
        passive=params.flag("passive"),
        fordisplay=params.flag("fordisplay", default=True),
    )
    yield ctx.add(tunnel)
    _connect(ctx, tunnel)


def _connect(ctx: Context, tunnel: VpnConnection) -> None:
    """Bring a tunnel up, and the other end's if it waits, where both ends know each other."""
    tunnel.state = "Disconnected"
    for other in ctx.store.all(VpnConnection):
        meets = other.gateway == tunnel.publicip and other.publicip == tunnel.gateway
        agrees = (other.ipsecpsk, other.ikepolicy, other.esppolicy) == (
            tunnel.ipsecpsk,
            tunnel.ikepolicy,
            tunnel.esppolicy,
        )
        if meets and agrees and not (other.passive and tunnel.passive):
            tunnel.state = other.state = "Connected"


@command("listVpnConnections")
def list_vpn_connections(ctx: Context, params: Params) -> Page:
    """Tunnels."""
    vpc = params.entity("vpcid", Vpc)
    return ctx.list(VpnConnection, params, lambda tunnel: vpc in (None, tunnel.s2svpngateway.vpc), ignore=("vpcid",))


@command("updateVpnConnection")
def update_vpn_connection(ctx: Context, params: Params) -> VpnConnection:
    """Whether it is shown to users."""
    tunnel = params.need("id", VpnConnection)
    ctx.assign(tunnel, params, "fordisplay")
    return tunnel


@command("resetVpnConnection")
def reset_vpn_connection(ctx: Context, params: Params) -> Iterator[VpnConnection]:
    """A tunnel made anew."""
    tunnel = params.need("id", VpnConnection)
    yield tunnel
    _connect(ctx, tunnel)


@command("deleteVpnConnection")
def delete_vpn_connection(ctx: Context, params: Params) -> bool:
    """A tunnel; the other end loses it."""
    tunnel = params.need("id", VpnConnection)
    here, there = tunnel.publicip, tunnel.gateway
    ctx.remove(tunnel)
    for other in ctx.store.all(VpnConnection):
        if other.gateway == here and other.publicip == there:
            other.state = "Disconnected"
    return True
