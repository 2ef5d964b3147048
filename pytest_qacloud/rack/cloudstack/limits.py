"""How much of each resource accounts and domains have and may have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from .errors import invalid, limit_exceeded
from .identity import Account, Domain
from .store import Entity, OnRemove, Store, relation

if TYPE_CHECKING:
    from .context import Context
    from .params import Params
    from .settings import Settings

UNLIMITED = -1
GIB = 2**30


class Resource(NamedTuple):
    """A kind of countable resource.

    Args:
        number: `resourcetype`.
        name: `resourcetypename`.
        prefix: of the fields `<prefix>limit`, `<prefix>total`, `<prefix>available`.
        setting: of its default limit, after `max.account.`, `max.domain.` or `max.project.`.
        unit: what a limit of 1 stands for in what is counted.
    """

    number: int
    name: str
    prefix: str
    setting: str
    unit: int = 1


RESOURCES = (
    Resource(0, "user_vm", "vm", "user.vms"),
    Resource(1, "public_ip", "ip", "public.ips"),
    Resource(2, "volume", "volume", "volumes"),
    Resource(3, "snapshot", "snapshot", "snapshots"),
    Resource(4, "template", "template", "templates"),
    Resource(5, "project", "project", "projects"),
    Resource(6, "network", "network", "networks"),
    Resource(7, "vpc", "vpc", "vpcs"),
    Resource(8, "cpu", "cpu", "cpus"),
    Resource(9, "memory", "memory", "memory"),
    Resource(10, "primary_storage", "primarystorage", "primary.storage", GIB),
    Resource(11, "secondary_storage", "secondarystorage", "secondary.storage", GIB),
    Resource(12, "backup", "backup", "backups"),
    Resource(13, "backup_storage", "backupstorage", "backup.storage", GIB),
    Resource(14, "bucket", "bucket", "buckets"),
    Resource(15, "object_storage", "objectstorage", "object.storage", GIB),
    Resource(16, "gpu", "gpu", "gpus"),
)
_BY_NAME = {resource.name: resource for resource in RESOURCES}

Counter = Callable[[Store, Account], int]
_COUNTERS: dict[str, Counter] = {}


def counts(name: str) -> Callable[[Counter], Counter]:
    """Register how much of a resource an account has, in bytes for storage."""
    if name not in _BY_NAME:
        raise ValueError(f"there is no resource {name}")

    def register(counter: Counter) -> Counter:
        _COUNTERS[name] = counter
        return counter

    return register


@dataclass(eq=False, kw_only=True)
class Limit(Entity):
    """A limit that was set for one account or one domain."""

    RESPONSE: ClassVar[str] = "ResourceLimitResponse"

    holder: Entity = relation(OnRemove.CASCADE)
    resource: Resource
    max: int


def resource_of(number: int) -> Resource:
    """The resource of a `resourcetype`.

    Raises:
        ApiError: there is none.
    """
    for resource in RESOURCES:
        if resource.number == number:
            return resource
    raise invalid("Please specify valid resource type")


def used(store: Store, account: Account, resource: Resource) -> int:
    """How much an account has, in what is counted."""
    counter = _COUNTERS.get(resource.name)
    return 0 if counter is None else counter(store, account)


def used_in(store: Store, domain: Domain, resource: Resource) -> int:
    """How much all accounts of a domain and of those below it have."""
    return sum(used(store, account, resource) for account in store.all(Account) if domain.contains(account.domain))


def limit_of(store: Store, settings: Settings, holder: Account | Domain, resource: Resource) -> int:
    """The limit of an account or a domain in the resource's unit; -1 for none."""
    found = store.first(Limit, holder=holder, resource=resource)
    if found is not None:
        return found.max
    if isinstance(holder, Domain):
        if holder.parentdomain is None:
            return UNLIMITED
        return int(settings.value(f"max.domain.{resource.setting}") or UNLIMITED)
    if holder.is_root_admin:
        return UNLIMITED
    level = "account" if holder.project is None else "project"
    return int(settings.value(f"max.{level}.{resource.setting}") or UNLIMITED)


def check_limit(ctx: Context, owner: Account, name: str, amount: int = 1) -> None:
    """Refuse to give an account more than it or a domain above it may have.

    Args:
        name: the resource's name.
        amount: how much more, in what is counted (bytes for storage).

    Raises:
        ApiError: 535.
    """
    resource = _BY_NAME[name]
    settings = ctx.server.settings
    maximum = limit_of(ctx.store, settings, owner, resource)
    current = used(ctx.store, owner, resource)
    if maximum != UNLIMITED and current + amount > maximum * resource.unit and not owner.is_root_admin:
        raise limit_exceeded(
            f"Maximum amount of resources of Type = '{name}' for Account Name = '{owner.name}' in Domain Id = "
            f"'{owner.domain.id}' is exceeded: Account Resource Limit = {maximum * resource.unit}, "
            f"Current Account Resource Amount = {current}, Requested Resource Amount = {amount}."
        )
    domain: Domain | None = owner.domain
    while domain is not None:
        maximum = limit_of(ctx.store, settings, domain, resource)
        if maximum != UNLIMITED and used_in(ctx.store, domain, resource) + amount > maximum * resource.unit:
            raise limit_exceeded(
                f"Maximum amount of resources of Type = '{name}' for Domain Id = '{domain.id}' is exceeded: "
                f"Domain Resource Limit = {maximum * resource.unit}, Requested Resource Amount = {amount}."
            )
        domain = domain.parentdomain


def totals_wanted(params: Params) -> bool:
    """Whether a list command's `details` ask for limits and counts, as they do unless others are named."""
    details = set(params.strings("details"))
    return not details or not details.isdisjoint({"all", "resource"})


def totals(ctx: Context, holder: Account | Domain) -> dict[str, object]:
    """The limit, total and available fields of an account or a domain."""
    shown: dict[str, object] = {}
    for resource in RESOURCES:
        maximum = limit_of(ctx.store, ctx.server.settings, holder, resource)
        count = (
            used(ctx.store, holder, resource) if isinstance(holder, Account) else used_in(ctx.store, holder, resource)
        )
        total = count // resource.unit
        available = "Unlimited" if maximum == UNLIMITED else str(max(maximum - total, 0))
        shown[f"{resource.prefix}limit"] = "Unlimited" if maximum == UNLIMITED else str(maximum)
        shown[f"{resource.prefix}total"] = total
        shown[f"{resource.prefix}available"] = available
    return shown
