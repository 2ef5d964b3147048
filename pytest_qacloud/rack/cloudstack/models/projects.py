"""Projects, who is in them, who is invited, and the roles that a project has of its own.

A project owns things through an account of its own, of type `PROJECT`; the two live and die together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ..identity import Account, AccountType, User
from ..store import Entity, OnRemove, Store, relation
from .tags import Tagged

if TYPE_CHECKING:
    from ..identity import Domain

ACTIVE, SUSPENDED = "Active", "Suspended"
"""A project's `state`."""

ADMIN, REGULAR = "Admin", "Regular"
"""A member's `role`."""

PENDING, COMPLETED, DECLINED, EXPIRED = "Pending", "Completed", "Declined", "Expired"
"""An invitation's `state`."""


@dataclass(eq=False, kw_only=True)
class Project(Tagged, Entity):
    """What several accounts own together. `owner` is the account that stands for it."""

    RESPONSE: ClassVar[str] = "ProjectResponse"
    LABEL: ClassVar[str] = "Project"

    name: str
    displaytext: str
    owner: Account = relation(OnRemove.CASCADE)
    state: str = ACTIVE

    @property
    def projectaccountname(self) -> str:
        """The name of the account that stands for it."""
        return self.owner.name

    @property
    def home(self) -> Domain:
        """The domain that it is in."""
        return self.owner.domain

    @property
    def domainid(self) -> str:
        """Its domain's id."""
        return self.home.id

    @property
    def domain(self) -> str:
        """Its domain's name."""
        return self.home.name

    @property
    def memberships(self) -> list[ProjectMember]:
        """Who is in it, oldest first."""
        return self.store.all(ProjectMember, project=self)

    def members(self) -> list[Account]:
        """The accounts that are in it, also those of which only single users are."""
        return [member.account for member in self.memberships]

    def membership(self, account: Account, user: User | None = None) -> ProjectMember | None:
        """The membership of a whole account, or of just one user of it."""
        return self.store.first(ProjectMember, project=self, account=account, user=user)

    def membership_of(self, user: User) -> ProjectMember | None:
        """What makes a user a member: a membership of its own, else its account's."""
        return self.membership(user.account, user) or self.membership(user.account)

    def changeable_by(self, user: User) -> bool:
        """Whether a user may change it: an administrator of the cloud, of its domain, or of the project itself."""
        caller = user.account
        if caller.is_root_admin or (
            caller.accounttype == AccountType.DOMAIN_ADMIN and caller.domain.contains(self.home)
        ):
            return True
        member = self.membership_of(user)
        return member is not None and member.role == ADMIN

    @property
    def administrators(self) -> list[ProjectMember]:
        """The members who may change it."""
        return [member for member in self.memberships if member.role == ADMIN]


@dataclass(eq=False, kw_only=True)
class ProjectRole(Entity):
    """What members with it may call within their project, of what their account's role lets them."""

    RESPONSE: ClassVar[str] = "ProjectRoleResponse"
    LABEL: ClassVar[str] = "Project role"

    name: str
    description: str | None = None
    project: Project = relation(OnRemove.CASCADE)

    @property
    def rules(self) -> list[ProjectRolePermission]:
        """Its rules, in their order."""
        return sorted(self.store.all(ProjectRolePermission, projectrole=self), key=lambda rule: rule.order)


@dataclass(eq=False, kw_only=True)
class ProjectRolePermission(Entity):
    """A rule of a project's role, as those of `RolePermission`; where none matches, the command is allowed."""

    RESPONSE: ClassVar[str] = "ProjectRolePermissionResponse"
    LABEL: ClassVar[str] = "Project role permission"
    REMEMBERED: ClassVar[bool] = False

    projectrole: ProjectRole = relation(OnRemove.CASCADE)
    rule: str
    permission: str
    description: str | None = None
    order: int = 0

    @property
    def projectid(self) -> str:
        """Its role's project's id."""
        return self.projectrole.project.id


@dataclass(eq=False, kw_only=True)
class ProjectMember(Entity):
    """That an account, or one user of it, is in a project."""

    RESPONSE: ClassVar[str] = "ProjectAccountResponse"
    LABEL: ClassVar[str] = "Project account"
    REMEMBERED: ClassVar[bool] = False

    project: Project = relation(OnRemove.CASCADE)
    account: Account = relation(OnRemove.CASCADE)
    user: User | None = relation(OnRemove.CASCADE, optional=True)
    role: str = REGULAR
    projectrole: ProjectRole | None = relation(optional=True)

    @property
    def name(self) -> str:
        """Its account's name."""
        return self.account.name

    def shown(self) -> dict[str, Any]:
        """Its fields in replies (`ProjectAccountResponse` of the Java sources, which the schema lacks)."""
        fields = {
            "projectid": self.project.id,
            "project": self.project.name,
            "projectroleid": None if self.projectrole is None else self.projectrole.id,
            "accountid": self.account.id,
            "account": self.account.name,
            "accounttype": int(self.account.accounttype),
            "userid": None if self.user is None else self.user.id,
            "username": None if self.user is None else self.user.username,
            "role": self.role,
            "domainid": self.account.domain.id,
            "domain": self.account.domain.name,
            "domainpath": self.account.domain.path,
        }
        return {name: value for name, value in fields.items() if value is not None}


@dataclass(eq=False, kw_only=True)
class ProjectInvitation(Entity):
    """An offer of membership: to an account, to one user of it, or to whoever has the token sent to an address."""

    RESPONSE: ClassVar[str] = "ProjectInvitationResponse"
    LABEL: ClassVar[str] = "Project invitation"
    REMEMBERED: ClassVar[bool] = False

    project: Project = relation(OnRemove.CASCADE)
    account: Account | None = relation(OnRemove.CASCADE, optional=True)
    user: User | None = relation(OnRemove.CASCADE, optional=True)
    email: str | None = None
    token: str | None = field(default=None, repr=False)
    role: str = REGULAR
    projectrole: ProjectRole | None = relation(OnRemove.CLEAR, optional=True)
    state: str = PENDING

    @property
    def home(self) -> Domain:
        """The project's domain."""
        return self.project.home

    @property
    def domainid(self) -> str:
        """The project's domain's id."""
        return self.home.id

    @property
    def domain(self) -> str:
        """The project's domain's name."""
        return self.home.name

    @property
    def domainpath(self) -> str:
        """The project's domain's path."""
        return self.home.path


def administered(store: Store, account: Account) -> list[Project]:
    """The projects that an account, or a user of it, administers."""
    members = store.all(ProjectMember, account=account, role=ADMIN)
    return list(dict.fromkeys(member.project for member in members))
