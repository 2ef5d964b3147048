"""What makes a network fit to be a VPC's tier."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from ... import addresses as ranges
from ...errors import denied, failed, invalid
from ...identity import controls
from ...models.vpcs import AclList

if TYPE_CHECKING:
    from ...context import Context
    from ...models.offerings import NetworkOffering
    from ...models.vpcs import Vpc, VpcOffering
    from .creation import NetworkWish

DEFAULT_DENY = "default_deny"
_PUBLIC_LB = "VpcVirtualRouter"


def check(ctx: Context, wish: NetworkWish) -> None:
    """Refuse a wish that does not fit its VPC; settles its owner's VPC's domain and access control list.

    Raises:
        ApiError: it does not fit.
    """
    vpc = wish.vpc
    if vpc is None:
        return
    if not vpc.usable_by(wish.owner) and not controls(ctx.caller, vpc.owner):
        raise denied(f"VPC owner does not have access to account [{wish.owner.name}].")
    if vpc.zone is not wish.zone:
        raise invalid("New network doesn't belong to vpc zone")
    _check_offering(vpc, wish.offering)
    if len(vpc.tiers) >= int(ctx.number_setting("vpc.max.networks")):
        raise failed(f"Number of networks per VPC cannot surpass [{int(ctx.number_setting('vpc.max.networks'))}].")
    if wish.gateway is None or wish.netmask is None:
        raise invalid("Gateway/netmask are required when create network for VPC")
    around = ranges.network(wish.gateway, wish.netmask)
    if not around.subnet_of(vpc.block):
        raise invalid(f"Network cidr {around} is not within vpc {vpc.name} cidr")
    for other in vpc.tiers:
        if other.cidr is not None and around.overlaps(IPv4Network(other.cidr)):
            raise invalid(f"Network cidr {around} crosses other network cidr {other.cidr} belonging to the same vpc")
    if wish.networkdomain not in (None, vpc.networkdomain):
        raise invalid(f"Network domain of the new network should match network domain of vpc {vpc.name}")
    wish.networkdomain = vpc.networkdomain if "Dns" in wish.offering.providers else None
    wish.acl = _acl(ctx, vpc, wish)


def _acl(ctx: Context, vpc: Vpc, wish: NetworkWish) -> AclList | None:
    if "NetworkACL" not in wish.offering.providers:
        if wish.acl is not None:
            raise invalid("Cannot apply NetworkACL. Network Offering does not support NetworkACL service")
        return None
    if wish.acl is None:
        return ctx.store.first(AclList, vpc=None, name=DEFAULT_DENY)
    if wish.acl.vpc not in (None, vpc):
        raise invalid(f"ACL: {wish.acl.id} do not belong to the VPC")
    return wish.acl


def check_services(name: str, whole: VpcOffering, offering: NetworkOffering) -> None:
    """Refuse a tier's offering that asks for what its VPC's offering has not.

    Args:
        name: the VPC's, for the message.

    Raises:
        ApiError: it does (431).
    """
    for service, provider in offering.providers.items():
        if provider not in whole.providers.get(service, ()):
            raise invalid(f"Service/provider combination {service}/{provider} is not supported by VPC {name}")


def _check_offering(vpc: Vpc, offering: NetworkOffering) -> None:
    if offering.guestiptype != "Isolated":
        raise invalid(f"Network offering {offering.name} is not for isolated networks: it cannot be used in a VPC")
    check_services(vpc.name, vpc.vpcoffering, offering)
    if has_public_lb(offering):
        for tier in vpc.tiers:
            if has_public_lb(tier.networkoffering):
                raise invalid(f"Public LB service is already supported by network {tier.name} in VPC {vpc.name}")


def has_public_lb(offering: NetworkOffering) -> bool:
    """Whether networks of an offering may have load balancer rules on public addresses."""
    return offering.providers.get("Lb") == _PUBLIC_LB
