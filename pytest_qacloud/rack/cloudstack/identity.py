"""Who is who: domains, roles, accounts, users, and the entities that an account owns."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar

from .store import Entity, OnRemove, Store, relation

if TYPE_CHECKING:
    from .models.projects import Project


class AccountType(IntEnum):
    """`accounttype`; the ordinals are CloudStack's."""

    NORMAL = 0
    ADMIN = 1
    DOMAIN_ADMIN = 2
    RESOURCE_ADMIN = 3
    PROJECT = 5


ROLE_TYPES = {
    "Admin": AccountType.ADMIN,
    "ResourceAdmin": AccountType.RESOURCE_ADMIN,
    "DomainAdmin": AccountType.DOMAIN_ADMIN,
    "User": AccountType.NORMAL,
}
"""A role's type, and the type of account that it makes."""


@dataclass(eq=False, kw_only=True)
class Domain(Entity):
    """A node of the tree of domains."""

    RESPONSE: ClassVar[str] = "DomainResponse"
    LABEL: ClassVar[str] = "Domain"

    name: str
    parentdomain: Domain | None = relation(optional=True)
    networkdomain: str | None = None
    state: str = "Active"
    domaindetails: dict[str, str] = field(default_factory=dict)

    @property
    def level(self) -> int:
        """Distance from ROOT."""
        return 0 if self.parentdomain is None else self.parentdomain.level + 1

    @property
    def path(self) -> str:
        """Names from ROOT down, such as `ROOT/a/b`."""
        return self.name if self.parentdomain is None else f"{self.parentdomain.path}/{self.name}"

    @property
    def haschild(self) -> bool:
        """Whether a domain hangs below it."""
        return self.store.first(Domain, parentdomain=self) is not None

    def contains(self, other: Domain | None) -> bool:
        """Whether another domain is this one or below it."""
        while other is not None:
            if other is self:
                return True
            other = other.parentdomain
        return False


@dataclass(eq=False, kw_only=True)
class Role(Entity):
    """What an account may call."""

    RESPONSE: ClassVar[str] = "RoleResponse"
    LABEL: ClassVar[str] = "Role"

    name: str
    type: str
    description: str | None = None
    isdefault: bool = False
    ispublic: bool = True
    state: str = "enabled"
    default_letter: str = field(default="", repr=False)
    """The default role's letter in the schema's facts; empty for roles made by hand."""


@dataclass(eq=False, kw_only=True)
class RolePermission(Entity):
    """A rule of a role: a command's name or a pattern with `*`, allowed or denied; the first match decides."""

    RESPONSE: ClassVar[str] = "RolePermissionResponse"
    REMEMBERED: ClassVar[bool] = False

    role: Role = relation(OnRemove.CASCADE)
    rule: str
    permission: str
    description: str | None = None
    order: int = 0


@dataclass(eq=False, kw_only=True)
class Account(Entity):
    """The owner of things; a project has one of its own."""

    RESPONSE: ClassVar[str] = "AccountResponse"
    LABEL: ClassVar[str] = "Account"

    name: str
    accounttype: int
    domain: Domain = relation()
    role: Role | None = relation(optional=True)
    state: str = "enabled"
    networkdomain: str | None = None
    isdefault: bool = False
    accountdetails: dict[str, str] = field(default_factory=dict)
    apikeyaccess: str = "INHERIT"
    project: Project | None = relation(OnRemove.CASCADE, optional=True)
    """The project that this account stands for."""

    @property
    def domainpath(self) -> str:
        """Its domain's path."""
        return self.domain.path

    @property
    def roletype(self) -> str | None:
        """Its role's type."""
        return None if self.role is None else self.role.type

    @property
    def user(self) -> list[User]:
        """Its users."""
        return self.store.all(User, account=self)

    @property
    def is_root_admin(self) -> bool:
        """Whether everything is open to it."""
        return self.accounttype == AccountType.ADMIN


@dataclass(eq=False, kw_only=True)
class User(Entity):
    """Somebody who logs in, or signs with keys."""

    RESPONSE: ClassVar[str] = "UserResponse"
    LABEL: ClassVar[str] = "User"

    username: str
    password: PasswordHash = field(repr=False)
    account: Account = relation(OnRemove.CASCADE)
    firstname: str = ""
    lastname: str = ""
    email: str = ""
    timezone: str | None = None
    state: str = "enabled"
    usersource: str = "native"
    apikey: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    isdefault: bool = False
    is2faenabled: bool = False
    provider2fa: str | None = None
    key2fa: str | None = field(default=None, repr=False)
    is2faverified: bool = False
    """Whether a code of the key was ever right; until then it is being set up."""
    apikeyaccess: str = "INHERIT"

    @property
    def name(self) -> str:
        """Its user name."""
        return self.username

    @property
    def accounttype(self) -> int:
        """Its account's type."""
        return self.account.accounttype

    @property
    def domain(self) -> Domain:
        """Its account's domain."""
        return self.account.domain

    @property
    def domainid(self) -> str:
        """Its domain's id."""
        return self.account.domain.id

    @property
    def role(self) -> Role | None:
        """Its account's role."""
        return self.account.role

    @property
    def roleid(self) -> str | None:
        """Its role's id."""
        return None if self.role is None else self.role.id

    @property
    def rolename(self) -> str | None:
        """Its role's name."""
        return None if self.role is None else self.role.name

    @property
    def roletype(self) -> str | None:
        """Its role's type."""
        return self.account.roletype


@dataclass(eq=False, kw_only=True)
class Owned(Entity):
    """Something that an account, or a project's account, owns."""

    owner: Account = relation(OnRemove.CASCADE)

    @property
    def account(self) -> str | None:
        """The owner's name; nothing for what a project owns."""
        return None if self.owner.project is not None else self.owner.name

    @property
    def domainid(self) -> str:
        """The owner's domain's id."""
        return self.owner.domain.id

    @property
    def domain(self) -> str:
        """The owner's domain's name."""
        return self.owner.domain.name

    @property
    def domainpath(self) -> str:
        """The owner's domain's path."""
        return self.owner.domain.path

    @property
    def projectid(self) -> str | None:
        """The owning project's id."""
        return None if self.owner.project is None else self.owner.project.id

    @property
    def project(self) -> str | None:
        """The owning project's name."""
        return None if self.owner.project is None else self.owner.project.name

    def usable_by(self, caller: Account) -> bool:
        """Whether the caller owns it, administers its owner's domain, or is in the owning project."""
        return controls(caller, self.owner)


def controls(caller: Account, owner: Account) -> bool:
    """Whether an account may act for another: itself, one in a domain it administers, or a project it belongs to."""
    if caller is owner or caller.is_root_admin:
        return True
    if caller.accounttype == AccountType.DOMAIN_ADMIN and caller.domain.contains(owner.domain):
        return True
    return owner.project is not None and caller in owner.project.members()


def acts_for(user: User, owner: Account) -> bool:
    """As `controls`, of one user of the caller's account: where not all of them are in the project, it has to be."""
    caller, project = user.account, owner.project
    if not controls(caller, owner):
        return False
    if project is None or caller.accounttype in (AccountType.ADMIN, AccountType.DOMAIN_ADMIN):
        return True
    return project.membership_of(user) is not None


@dataclass(frozen=True)
class PasswordHash:
    """A salted password; cheap to check, as this guards nothing but a simulation."""

    salt: bytes
    digest: bytes = field(repr=False)

    @classmethod
    def of(cls, password: str) -> PasswordHash:
        """Hash a password with a fresh salt."""
        salt = secrets.token_bytes(8)
        return cls(salt, _digest(salt, password))

    def matches(self, password: str) -> bool:
        """Whether a password is the one."""
        return hmac.compare_digest(self.digest, _digest(self.salt, password))


def _digest(salt: bytes, password: str) -> bytes:
    return hashlib.sha256(salt + password.encode()).digest()


def root_domain(store: Store) -> Domain:
    """The domain ROOT."""
    return next(domain for domain in store.all(Domain) if domain.parentdomain is None)


def system_account(store: Store) -> Account:
    """The account `system`, which owns what belongs to nobody."""
    return next(account for account in store.all(Account) if account.name == "system" and account.isdefault)
