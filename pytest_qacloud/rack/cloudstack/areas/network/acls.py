"""Network access control lists of VPCs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import denied, failed, invalid
from ...identity import controls
from ...models.guests import Network
from ...models.vpcs import ALLOW, DENY, EGRESS, INGRESS, AclItem, AclList, PrivateGateway, Vpc
from ...registry import command, installs
from .protocols import check_cidrs, check_icmp, check_ports, protocol_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...context import Context
    from ...lists import Page
    from ...params import Params
    from ...server import ManagementServer

_BUILT_IN = (
    ("default_deny", "Default Network ACL Deny All", DENY),
    ("default_allow", "Default Network ACL Allow All", ALLOW),
)
_PROTOCOLS = ("tcp", "udp", "icmp", "all")
_ANYWHERE = "0.0.0.0/0"


@installs(order=20)
def install(server: ManagementServer) -> None:
    """The lists that every VPC may use: deny all, allow all."""
    now = server.clock.now()
    for name, description, action in _BUILT_IN:
        acl = server.store.add(AclList(name=name, description=description, builtin=True), now)
        for number, traffic in enumerate((INGRESS, EGRESS), start=1):
            item = AclItem(acl=acl, number=number, protocol="all", traffictype=traffic, action=action, state="Active")
            item.cidrs = [_ANYWHERE]
            server.store.add(item, now)


def changeable(ctx: Context, acl: AclList, may: str = "Only Root Admins can update global ACLs.") -> AclList:
    """A list that the caller may change.

    Args:
        may: what to tell those who may not change a global one.

    Raises:
        ApiError: it is built in, or another's, or global and the caller is no root admin.
    """
    if acl.builtin:
        raise invalid(f"Default ACL {acl.name} cannot be changed or removed")
    if acl.vpc is None:
        if not ctx.caller.is_root_admin:
            raise denied(may)
        return acl
    if not controls(ctx.caller, acl.vpc.owner):
        raise denied(f"{ctx.caller.name} does not have permission to operate with ACL {acl.name}")
    return acl


@command("createNetworkACLList")
def create_acl_list(ctx: Context, params: Params) -> Iterator[AclList]:
    """An empty list, of a VPC or global: it denies what comes in and allows what goes out."""
    vpc = params.entity("vpcid", Vpc)
    if vpc is None and not ctx.caller.is_root_admin:
        raise denied("Only Root Admin can create global ACLs.")
    if vpc is not None and not controls(ctx.caller, vpc.owner):
        raise denied(f"{ctx.caller.name} does not have permission to operate with VPC {vpc.name}")
    acl = AclList(
        name=params.text("name"),
        description=params.optional("description"),
        vpc=vpc,
        fordisplay=params.flag("fordisplay", default=True),
    )
    yield ctx.add(acl)


@command("listNetworkACLLists")
def list_acl_lists(ctx: Context, params: Params) -> Page:
    """The built-in lists, and those of VPCs that the caller may use."""
    network, vpc = params.entity("networkid", Network), params.entity("vpcid", Vpc)
    own = _visible(ctx, params)

    def seen(acl: AclList) -> bool:
        if network is not None and network.acl is not acl:
            return False
        return (acl.vpc is None or own(acl.vpc)) and vpc in (None, acl.vpc)

    return ctx.list(AclList, params, seen, ignore=("networkid", "vpcid"))


def _visible(ctx: Context, params: Params) -> Callable[[Vpc], bool]:
    from ...access import visibility

    narrowed = any(name in params for name in ("account", "domainid", "projectid", "listall"))
    return visibility(ctx, params) if narrowed else lambda vpc: vpc.usable_by(ctx.caller)


@command("updateNetworkACLList")
def update_acl_list(ctx: Context, params: Params) -> bool:
    """Name and description."""
    acl = changeable(ctx, params.need("id", AclList))
    ctx.assign(acl, params, "name", "description", "fordisplay")
    return True


@command("deleteNetworkACLList")
def delete_acl_list(ctx: Context, params: Params) -> bool:
    """A list that no tier and no gateway uses, with its items."""
    acl = changeable(ctx, params.need("id", AclList), "Only Root Admin can delete global ACLs.")
    if ctx.store.first(Network, acl=acl) is not None:
        raise failed(f"ACL is still associated with a tier. Cannot delete network ACL: {acl.name}")
    if ctx.store.first(PrivateGateway, acl=acl) is not None:
        raise failed(f"ACL is still associated with a private gateway. Cannot delete network ACL: {acl.name}")
    return ctx.remove(acl)


@command("replaceNetworkACLList")
def replace_acl_list(ctx: Context, params: Params) -> bool:
    """Another list for a tier or a private gateway; as on the real server, a tier may be anybody's."""
    acl, network = params.need("aclid", AclList), params.entity("networkid", Network)
    gateway = params.entity("gatewayid", PrivateGateway)
    if (network is None) == (gateway is None):
        raise invalid("Network id or private gateway id must be given, and only one of them")
    vpc = gateway.vpc if gateway is not None else params.need("networkid", Network).vpc
    if vpc is None:
        raise invalid("Network is not part of a VPC. Cannot apply NetworkACL")
    if acl.vpc not in (None, vpc):
        raise invalid("ACL: " + acl.name + " does not belong to the VPC of the network")
    if network is not None and "NetworkACL" not in network.networkoffering.providers:
        raise invalid("Cannot apply NetworkACL. Network Offering does not support NetworkACL service")
    if gateway is not None:
        gateway.acl = acl
    elif network is not None:
        network.acl = acl
    return True


@command("createNetworkACL")
def create_acl_item(ctx: Context, params: Params) -> Iterator[AclItem]:
    """One rule; by itself the last."""
    acl = changeable(ctx, _list_of(ctx, params), "Only Root Admins can create rules for a global ACL.")
    numbers = {item.number for item in acl.items}
    number = params.number("number", max(numbers, default=0) + 1)
    if number < 1:
        raise invalid("Invalid number. Number cannot be < 1")
    if number in numbers:
        raise invalid(f"ACL item with number {number} already exists in ACL: {acl.name}")
    item = AclItem(
        acl=acl,
        number=number,
        protocol="all",
        action=_action(params.text("action", ALLOW)),
        traffictype=_traffic(params.text("traffictype", INGRESS)),
        reason=params.optional("reason"),
        fordisplay=params.flag("fordisplay", default=True),
    )
    _apply(item, params, partial=False)
    yield ctx.add(item)
    item.state = "Active"


def _list_of(ctx: Context, params: Params) -> AclList:
    acl, network = params.entity("aclid", AclList), params.entity("networkid", Network)
    if acl is not None:
        return acl
    if network is None:
        raise invalid("Cannot create Network ACL Item. ACL Id or network Id is required")
    if network.vpc is None:
        raise invalid(f"Network: {network.name} does not belong to a VPC")
    if network.acl is None or network.acl.builtin:
        network.acl = ctx.store.add(AclList(name=f"ACL_{network.name}", description="", vpc=network.vpc), ctx.now)
    return network.acl


def _action(text: str) -> str:
    for action in (ALLOW, DENY):
        if action.lower() == text.lower():
            return action
    raise invalid("Invalid action. Allowed actions are: allow and deny")


def _traffic(text: str) -> str:
    for traffic in (INGRESS, EGRESS):
        if traffic.lower() == text.lower():
            return traffic
    raise invalid("Invalid traffic type; it has to be Ingress or Egress")


def _apply(item: AclItem, params: Params, *, partial: bool) -> None:
    """Set protocol, ports and addresses; those not given are kept when `partial`, else emptied."""

    def given(name: str, current: int | None) -> int | None:
        return params.optional_number(name) if name in params or not partial else current

    protocol = protocol_of(params.text("protocol"), _PROTOCOLS) if "protocol" in params else item.protocol
    first, last = given("startport", item.startport), given("endport", item.endport)
    kind, code = given("icmptype", item.icmptype), given("icmpcode", item.icmpcode)
    cidrs = params.strings("cidrlist") if "cidrlist" in params or not partial else item.cidrs
    if protocol in ("tcp", "udp"):
        first, last = check_ports(first, last)
    elif first is not None or last is not None:
        raise invalid(f"Can't specify start/end port when protocol is {protocol.upper()}")
    kind, code = check_icmp(protocol, kind, code)
    item.protocol, item.startport, item.endport = protocol, first, last
    item.icmptype, item.icmpcode, item.cidrs = kind, code, check_cidrs(cidrs) or [_ANYWHERE]


@command("listNetworkACLs")
def list_acl_items(ctx: Context, params: Params) -> Page:
    """Rules of the lists that the caller may see."""
    acl, network = params.entity("aclid", AclList), params.entity("networkid", Network)
    own = _visible(ctx, params)

    def seen(item: AclItem) -> bool:
        if network is not None and network.acl is not item.acl:
            return False
        return (item.acl.vpc is None or own(item.acl.vpc)) and acl in (None, item.acl)

    found = sorted(ctx.store.all(AclItem, seen), key=lambda item: (item.acl.created, item.acl.id, item.number))
    return ctx.page(found, params, ignore=("aclid", "networkid"))


@command("updateNetworkACLItem")
def update_acl_item(ctx: Context, params: Params) -> Iterator[AclItem]:
    """A rule; with `partialupgrade` (as by default) what is not given stays."""
    item = params.need("id", AclItem)
    changeable(ctx, item.acl)
    number = params.number("number", item.number)
    if number < 1 or any(other.number == number for other in item.acl.items if other is not item):
        raise invalid(f"ACL item with number {number} already exists in ACL: {item.acl.name}, or is not positive")
    action, traffic = (
        _action(params.text("action", item.action)),
        _traffic(params.text("traffictype", item.traffictype)),
    )
    _apply(item, params, partial=params.flag("partialupgrade", default=True))
    item.number, item.action, item.traffictype = number, action, traffic
    ctx.assign(item, params, "reason", "fordisplay")
    yield item


@command("deleteNetworkACL")
def delete_acl_item(ctx: Context, params: Params) -> bool:
    """A rule."""
    item = params.need("id", AclItem)
    changeable(ctx, item.acl, "Only Root Admin can delete global ACL rules.")
    return ctx.remove(item)


@command("moveNetworkAclItem")
def move_acl_item(ctx: Context, params: Params) -> Iterator[AclItem]:
    """A rule to between two others of its list; the ones behind make room."""
    item = _item(ctx, params.text("id"))
    acl = changeable(ctx, item.acl)
    previous, following = (
        _item(ctx, params.text(name)) if params.optional(name) else None
        for name in ("previousaclruleid", "nextaclruleid")
    )
    if previous is None and following is None:
        raise invalid("Both previous and next ACL rule IDs cannot be blank.")
    if any(other is not None and other.acl is not acl for other in (previous, following)):
        raise invalid("Cannot use ACL rules from differing ACLs. Move within the same ACL.")
    yield item
    others = [other for other in acl.items if other is not item]
    place = others.index(previous) + 1 if previous is not None else others.index(following) if following else 0
    others.insert(place, item)
    least = 0
    for other in others:
        other.number = max(other.number, least + 1) if other is not item else least + 1
        least = other.number


def _item(ctx: Context, item_id: str) -> AclItem:
    found = ctx.store.get(AclItem, item_id)
    if found is None:
        raise invalid(f"Could not find a rule with ID[{item_id}]")
    return found
