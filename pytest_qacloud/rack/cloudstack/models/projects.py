"""Projects and the accounts in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ..identity import Account, AccountType
from ..store import Entity, OnRemove, relation
from .tags import Tagged

if TYPE_CHECKING:
    from ..identity import Domain

ACTIVE, SUSPENDED = "Active", "Suspended"
"""A project's `state`."""

ADMIN, REGULAR = "Admin", "Regular"
"""A member's `role`."""


@dataclass(eq=False, kw_only=True)
class Project(Tagged, Entity):
    """Things that several accounts share; they belong to an account that stands for the project, its `owner`."""

    RESPONSE: ClassVar[str] = "ProjectResponse"
    LABEL: ClassVar[str] = "Project"

    name: str
    displaytext: str
    owner: Account = relation(OnRemove.CASCADE)
    state: str = ACTIVE

    @property
    def home(self) -> Domain:
        """The domain that it is in."""
        return self.owner.domain

    @property
    def domain(self) -> str:
        """Its domain's name."""
        return self.home.name

    @property
    def domainid(self) -> str:
        """Its domain's id."""
        return self.home.id

    @property
    def projectaccountname(self) -> str:
        """The name of the account that stands for it."""
        return self.owner.name

    @property
    def memberships(self) -> list[Membership]:
        """Who is in it, in the order of joining."""
        return self.store.all(Membership, project=self)

    def members(self) -> list[Account]:
        """The accounts in it."""
        return [membership.account for membership in self.memberships]

    def administered_by(self, caller: Account) -> bool:
        """Whether an account may change it."""
        if caller.is_root_admin:
            return True
        if caller.accounttype == AccountType.DOMAIN_ADMIN and caller.domain.contains(self.home):
            return True
        return any(item.account is caller and item.role == ADMIN for item in self.memberships)

    def usable_by(self, caller: Account) -> bool:
        """Its members, and who administers its domain."""
        return self.administered_by(caller) or caller in self.members()


@dataclass(eq=False, kw_only=True)
class Membership(Entity):
    """An account in a project."""

    LABEL: ClassVar[str] = "Project account"

    project: Project = relation(OnRemove.CASCADE)
    account: Account = relation(OnRemove.CASCADE)
    role: str = REGULAR

    @property
    def name(self) -> str:
        """The account's name."""
        return self.account.name
