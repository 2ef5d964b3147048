"""Roles and their rules."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...errors import failed, invalid
from ...identity import ROLE_TYPES, Account, Role, RolePermission
from ...lists import Page
from ...registry import command

if TYPE_CHECKING:
    from ...context import Context
    from ...params import Params

_RULE = re.compile(r"[a-zA-Z0-9*]+")


@command("createRole")
def create_role(ctx: Context, params: Params) -> Role:
    """A role, empty or with a copy of another's rules."""
    source = params.entity("roleid", Role)
    kind = params.optional("type") or (source.type if source is not None else None)
    if (source is None) == ("type" not in params):
        raise invalid("Either role type or role ID must be provided, not both")
    role = _new_role(ctx, params, kind or "")
    if source is not None:
        _copy_rules(ctx, source, role)
    return role


def _new_role(ctx: Context, params: Params, kind: str) -> Role:
    if kind not in ROLE_TYPES:
        raise invalid("Invalid role type provided")
    return ctx.add(
        Role(
            name=params.text("name"),
            type=kind,
            description=params.optional("description"),
            ispublic=params.flag("ispublic", default=True),
        )
    )


def _copy_rules(ctx: Context, source: Role, role: Role) -> None:
    role.default_letter = source.default_letter
    for rule in ctx.store.all(RolePermission, role=source):
        copy = RolePermission(role=role, rule=rule.rule, permission=rule.permission, order=rule.order)
        ctx.store.add(copy, ctx.now)


@command("importRole")
def import_role(ctx: Context, params: Params) -> Role:
    """A role with the rules given; `forced` replaces one of that name."""
    existing = ctx.store.first(Role, name=params.text("name"))
    if existing is not None:
        if existing.isdefault or not params.flag("forced"):
            raise failed(f"Role already exists with the name: {existing.name}")
        for rule in ctx.store.all(RolePermission, role=existing):
            ctx.remove(rule)
    role = existing or _new_role(ctx, params, params.text("type"))
    for order, row in enumerate(params.rows("rules")):
        _add_rule(ctx, role, row.get("rule", ""), row.get("permission", ""), row.get("description"), order)
    return role


@command("listRoles")
def list_roles(ctx: Context, params: Params) -> Page:
    """All roles."""
    return ctx.list(Role, params)


@command("updateRole")
def update_role(ctx: Context, params: Params) -> Role:
    """Name, description, type."""
    role = _changeable(params.need("id", Role))
    if "type" in params and params.text("type") not in ROLE_TYPES:
        raise invalid("Invalid role type provided")
    if "type" in params and ctx.store.first(Account, role=role) is not None:
        raise failed(f"Cannot change the type of role {role.name}: accounts use it")
    ctx.assign(role, params, "name", "description", "type", "ispublic")
    return role


@command("deleteRole")
def delete_role(ctx: Context, params: Params) -> bool:
    """A role that no account has."""
    role = _changeable(params.need("id", Role))
    user = ctx.store.first(Account, role=role)
    if user is not None:
        raise failed(f"Found account {user.name} using the role {role.name}; role deletion is not allowed")
    return ctx.remove(role)


@command("enableRole")
def enable_role(ctx: Context, params: Params) -> bool:
    """Let its accounts call again."""
    _changeable(params.need("id", Role)).state = "enabled"
    return True


@command("disableRole")
def disable_role(ctx: Context, params: Params) -> bool:
    """Stop its accounts from calling."""
    _changeable(params.need("id", Role)).state = "disabled"
    return True


def _changeable(role: Role) -> Role:
    if role.isdefault:
        raise failed(f"Default role {role.name} cannot be changed")
    return role


@command("createRolePermission")
def create_role_permission(ctx: Context, params: Params) -> RolePermission:
    """One more rule at a role's end."""
    role = _changeable(params.need("roleid", Role))
    order = len(ctx.store.all(RolePermission, role=role))
    return _add_rule(ctx, role, params.text("rule"), params.text("permission"), params.optional("description"), order)


def _add_rule(
    ctx: Context, role: Role, rule: str, permission: str, description: str | None, order: int
) -> RolePermission:
    rule, permission = checked_rule(rule, permission)
    return ctx.add(RolePermission(role=role, rule=rule, permission=permission, description=description, order=order))


def checked_rule(rule: str, permission: str) -> tuple[str, str]:
    """A rule and its permission as they are kept.

    Raises:
        ApiError: a pattern or a permission that there is not.
    """
    if not _RULE.fullmatch(rule):
        raise invalid(f"Invalid rule provided: {rule}; letters, digits and * are allowed")
    if permission.lower() not in ("allow", "deny"):
        raise invalid("Values for permission parameter should be: allow or deny")
    return rule, permission.lower()


@command("listRolePermissions")
def list_role_permissions(ctx: Context, params: Params) -> Page:
    """A role's rules in their order; a default role shows what it comes with."""
    role = params.entity("roleid", Role)
    rules = ctx.store.all(RolePermission, lambda rule: role in (None, rule.role))
    rules.sort(key=lambda rule: rule.order)
    if rules or role is None or not role.default_letter:
        return Page(len(rules), rules)
    names = ["*"] if role.default_letter == "A" else _granted(ctx, role.default_letter)
    shown = [{"roleid": role.id, "rolename": role.name, "rule": name, "permission": "allow"} for name in names]
    return Page(len(shown), shown)


def _granted(ctx: Context, letter: str) -> list[str]:
    return [item.name for item in ctx.server.schema.commands.values() if letter in item.granted]


@command("updateRolePermission")
def update_role_permission(ctx: Context, params: Params) -> bool:
    """One rule's permission, or the order of all."""
    role = _changeable(params.need("roleid", Role))
    rule = params.entity("ruleid", RolePermission)
    order = params.entities("ruleorder", RolePermission)
    if (rule is None) == (not order):
        raise invalid("Parameters permission and ruleid must be mutually exclusive with ruleorder")
    if rule is not None:
        rule.permission = params.text("permission").lower()
        return True
    if {item.id for item in order} != {item.id for item in ctx.store.all(RolePermission, role=role)}:
        raise failed("Role permissions list has changed; the order was not updated")
    for position, item in enumerate(order):
        item.order = position
    return True


@command("deleteRolePermission")
def delete_role_permission(ctx: Context, params: Params) -> bool:
    """One rule."""
    rule = params.need("id", RolePermission)
    _changeable(rule.role)
    return ctx.remove(rule)
