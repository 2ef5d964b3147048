"""Roles and their rules."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...errors import denied, failed, invalid
from ...identity import ROLE_TYPES, Account, Role, RolePermission
from ...lists import Page
from ...registry import command

if TYPE_CHECKING:
    from ...context import Context
    from ...params import Params

_SHAPING = ("name", "description", "type")
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
    _check_free(ctx, params.text("name"), kind)
    return ctx.add(
        Role(
            name=params.text("name"),
            type=kind,
            description=params.optional("description"),
            ispublic=params.flag("ispublic", default=True),
        )
    )


def _check_free(ctx: Context, name: str, kind: str, itself: Role | None = None) -> None:
    """Two roles of one type may not share a name, letter case apart (a unique key of the database)."""
    taken = ctx.store.first(Role, lambda role: role.name.lower() == name.lower(), type=kind)
    if taken is not None and taken is not itself:
        raise failed(f"Duplicate entry: there is a role {name} of type {kind}")


def _copy_rules(ctx: Context, source: Role, role: Role) -> None:
    role.default_letter = source.default_letter
    for rule in ctx.store.all(RolePermission, role=source):
        copy = RolePermission(role=role, rule=rule.rule, permission=rule.permission, order=rule.order)
        ctx.store.add(copy, ctx.now)


@command("importRole")
def import_role(ctx: Context, params: Params) -> Role:
    """A role with the rules given; `forced` replaces one of that name and type."""
    name, kind = params.text("name"), params.text("type")
    named = ctx.store.all(Role, lambda role: role.name.lower() == name.lower())
    if named and not params.flag("forced"):
        raise failed("Role already exists")
    existing = next((role for role in named if role.type == kind), None)
    if existing is not None and existing.isdefault:
        raise failed(f"Failed to import the role: {name}, default role cannot be overridden")
    rules = [(*checked_rule(row.get("rule", ""), row.get("permission", "")), row) for row in params.rows("rules")]
    role = existing or _new_role(ctx, params, kind)
    ctx.assign(role, params, "name", "description", "ispublic")
    for rule in ctx.store.all(RolePermission, role=role):
        ctx.remove(rule)
    for order, (pattern, permission, row) in enumerate(rules):
        _add_rule(ctx, role, pattern, permission, row.get("description"), order)
    return role


@command("listRoles")
def list_roles(ctx: Context, params: Params) -> Page:
    """All roles; others than root admins see neither those of root admins nor private ones."""
    admin = ctx.caller.is_root_admin
    return ctx.list(Role, params, lambda role: admin or (role.ispublic and role.type != "Admin"))


@command("updateRole")
def update_role(ctx: Context, params: Params) -> Role:
    """Name, description, type; of a default role only whether it is public."""
    role = params.need("id", Role)
    if role.isdefault and ("ispublic" not in params or any(params.optional(name) for name in _SHAPING)):
        raise denied("Default roles cannot be updated (with the exception of making it private/public).")
    kind = params.text("type", role.type)
    if kind not in ROLE_TYPES:
        raise invalid("Unknown is not a valid role type")
    if kind != role.type and ctx.store.first(Account, role=role) is not None:
        raise denied("Found accounts that have role in use, won't allow to change role type")
    _check_free(ctx, params.optional("name") or role.name, kind, role)
    role.type = kind
    ctx.assign(role, params, *(name for name in ("name", "description", "ispublic") if params.get(name) != ""))
    return role


@command("deleteRole")
def delete_role(ctx: Context, params: Params) -> bool:
    """A role that no account has."""
    role = params.need("id", Role)
    if role.isdefault:
        raise denied("Default roles cannot be deleted")
    if ctx.store.first(Account, role=role) is not None:
        raise denied("Found accounts that have role in use, won't allow to delete role")
    return ctx.remove(role)


@command("enableRole")
def enable_role(ctx: Context, params: Params) -> bool:
    """Let its accounts call again."""
    return _set_state(params.need("id", Role), "enabled")


@command("disableRole")
def disable_role(ctx: Context, params: Params) -> bool:
    """Stop its accounts from calling."""
    return _set_state(params.need("id", Role), "disabled")


def _set_state(role: Role, state: str) -> bool:
    if role.state == state:
        raise denied(f"Role is already {state}")
    role.state = state
    return True


def _extensible(role: Role, what: str) -> Role:
    if role.isdefault:
        raise denied(f"Role permission cannot be {what} for Default roles")
    return role


@command("createRolePermission")
def create_role_permission(ctx: Context, params: Params) -> RolePermission:
    """One more rule at a role's end."""
    role = _extensible(params.need("roleid", Role), "added")
    order = len(ctx.store.all(RolePermission, role=role))
    return _add_rule(ctx, role, params.text("rule"), params.text("permission"), params.optional("description"), order)


def _add_rule(
    ctx: Context, role: Role, rule: str, permission: str, description: str | None, order: int
) -> RolePermission:
    rule, permission = checked_rule(rule, permission)
    if ctx.store.first(RolePermission, lambda other: other.rule.lower() == rule.lower(), role=role) is not None:
        raise denied(f"Rule already exists for the role: {role.name}")
    return ctx.add(RolePermission(role=role, rule=rule, permission=permission, description=description, order=order))


def checked_rule(rule: str, permission: str) -> tuple[str, str]:
    """A rule and its permission as they are kept.

    Raises:
        ApiError: a pattern or a permission that there is not.
    """
    if not _RULE.fullmatch(rule):
        raise invalid(f"Invalid rule provided: {rule}; letters, digits and * are allowed")
    return rule, _checked_permission(permission)


def _checked_permission(permission: str) -> str:
    if permission.lower() not in ("allow", "deny"):
        raise invalid("Values for permission parameter should be: allow or deny")
    return permission.lower()


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
    role = _extensible(params.need("roleid", Role), "updated")
    rule = params.entity("ruleid", RolePermission)
    order = params.entities("ruleorder", RolePermission)
    one, all_of_them = rule is not None or "permission" in params, "ruleorder" in params
    if one == all_of_them:
        raise invalid("Parameters permission and ruleid must be mutually exclusive with ruleorder")
    if one:
        if rule is None or rule.role is not role:
            raise invalid("Invalid rule id provided")
        rule.permission = _checked_permission(params.text("permission"))
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
    _extensible(rule.role, "deleted")
    return ctx.remove(rule)
