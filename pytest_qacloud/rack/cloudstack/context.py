"""What a command gets to work with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from . import access, lists
from .store import Entity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .hardware import Faults, Hardware
    from .identity import Account, User
    from .lists import Page
    from .params import Params
    from .schema import Command
    from .server import ManagementServer
    from .store import Store

E = TypeVar("E", bound=Entity)


class Context:
    """One call: who calls, which command, and the server's parts.

    Args:
        user: the caller; its account is `caller`.
    """

    __slots__ = ("caller", "command", "server", "store", "subject", "user")

    def __init__(self, server: ManagementServer, command: Command, user: User) -> None:
        self.server, self.command, self.user = server, command, user
        self.caller: Account = user.account
        self.store: Store = server.store
        self.subject: Entity | None = None

    @property
    def now(self) -> float:
        """Seconds since the epoch."""
        return self.server.clock.now()

    @property
    def hardware(self) -> Hardware:
        """The machines and exports."""
        return self.server.hardware

    @property
    def faults(self) -> Faults:
        """Faults set from outside."""
        return self.server.faults

    def add(self, entity: E) -> E:
        """Put a new entity into the store; the call's events and job name it."""
        self.store.add(entity, self.now)
        if self.subject is None:
            self.subject = entity
        return entity

    def remove(self, entity: Entity) -> bool:
        """Take an entity out; always true, so that a command can return it.

        Raises:
            ApiError: something still uses it.
        """
        self.store.remove(entity)
        return True

    def owner(self, params: Params) -> Account:
        """For whom the command makes something, from `account`, `domainid`, `projectid`.

        Raises:
            ApiError: no such account, or the caller may not act for it.
        """
        return access.owner_of(self, params)

    def list(
        self,
        kind: type[E],
        params: Params,
        where: Callable[[E], bool] | None = None,
        *,
        ignore: Iterable[str] = (),
        response: str | None = None,
    ) -> Page:
        """The reply of a list command over the entities of a class; see `lists.page_of`."""
        found: list[E] = self.store.all(kind, where)
        return self.page(found, params, ignore=ignore, response=response)

    def page(
        self,
        found: Iterable[Entity],
        params: Params,
        *,
        ignore: Iterable[str] = (),
        response: str | None = None,
        visible: bool = False,
    ) -> Page:
        """As `list`, over entities that the command has chosen and ordered itself.

        Args:
            visible: the command has also seen to who may see what.
        """
        return lists.page_of(self, found, params, ignore=ignore, response=response, visible=visible)

    def setting(self, name: str, scope: Entity | None = None) -> str:
        """A global setting's value, or its value for a zone, cluster, domain, account …; empty where it has none."""
        return self.server.settings.value(name, scope)

    def flag_setting(self, name: str, scope: Entity | None = None) -> bool:
        """A boolean setting."""
        return self.setting(name, scope).lower() == "true"

    def number_setting(self, name: str, scope: Entity | None = None) -> float:
        """A numeric setting; 0 where it has no value."""
        return float(self.setting(name, scope) or 0)

    def assign(self, entity: Entity, params: Params, *names: str, **renamed: str) -> None:
        """Set an entity's attributes from those of the named parameters that were given.

        Args:
            renamed: attribute names for parameters that are called otherwise: `parameter="attribute"`.
        """
        targets: dict[str, str] = {**{name: name for name in names}, **renamed}
        for parameter, attribute in targets.items():
            if parameter in params:
                value: Any = params.get(parameter)
                setattr(entity, attribute, value)
