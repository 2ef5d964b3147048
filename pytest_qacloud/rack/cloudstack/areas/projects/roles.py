"""Roles that a project has of its own, and their rules; `access.check_project` holds members to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import denied, failed, invalid
from ...identity import acts_for
from ...lists import Page
from ...models.projects import Project, ProjectMember, ProjectRole, ProjectRolePermission
from ...registry import command
from ..identity.roles import checked_rule

if TYPE_CHECKING:
    from ...context import Context
    from ...params import Params


def _changeable(ctx: Context, params: Params) -> Project:
    project = params.need("projectid", Project)
    if not project.changeable_by(ctx.user):
        raise denied("User unauthorized to perform operation in the project")
    return project


def _role(ctx: Context, params: Params, name: str) -> ProjectRole:
    project, role = _changeable(ctx, params), params.need(name, ProjectRole)
    if role.project is not project:
        raise invalid("Invalid project role id provided")
    return role


def _rule(role_of: Project, rule: ProjectRolePermission) -> ProjectRolePermission:
    if rule.projectrole.project is not role_of:
        raise invalid("Role permission doesn't exist in the project, probably because of invalid rule id")
    return rule


def _check_name(ctx: Context, name: str, project: Project, itself: ProjectRole | None = None) -> None:
    taken = ctx.store.first(ProjectRole, lambda role: role.name.lower() == name.lower(), project=project)
    if taken is not None and taken is not itself:
        raise failed(f"Project role {name} exists in project {project.id} already")


@command("createProjectRole")
def create_role(ctx: Context, params: Params) -> ProjectRole:
    """A role without rules, which forbids nothing."""
    project, name = _changeable(ctx, params), params.text("name")
    _check_name(ctx, name, project)
    return ctx.add(ProjectRole(project=project, name=name, description=params.optional("description")))


@command("listProjectRoles")
def list_roles(ctx: Context, params: Params) -> Page:
    """A project's roles."""
    project, chosen = _seen(ctx, params), params.entity("projectroleid", ProjectRole)
    return ctx.list(ProjectRole, params, lambda role: role.project is project and chosen in (None, role))


def _seen(ctx: Context, params: Params) -> Project:
    project = params.need("projectid", Project)
    if not acts_for(ctx.user, project.owner):
        raise denied(f"{ctx.caller.name} does not have permission to operate with project {project.id}")
    return project


@command("updateProjectRole")
def update_role(ctx: Context, params: Params) -> ProjectRole:
    """Name and description."""
    role = _role(ctx, params, "id")
    _check_name(ctx, params.text("name", role.name), role.project, role)
    role.name = params.optional("name") or role.name
    role.description = params.optional("description") or role.description
    return role


@command("deleteProjectRole")
def delete_role(ctx: Context, params: Params) -> bool:
    """A role that no member has."""
    role = _role(ctx, params, "id")
    if ctx.store.first(ProjectMember, projectrole=role) is not None:
        raise denied("Found users that have the project role in use, cannot delete the Project Role")
    return ctx.remove(role)


@command("createProjectRolePermission")
def create_permission(ctx: Context, params: Params) -> ProjectRolePermission:
    """One more rule at a role's end."""
    role = _role(ctx, params, "projectroleid")
    rule, permission = checked_rule(params.text("rule"), params.text("permission"))
    if any(other.rule.lower() == rule.lower() for other in role.rules):
        raise failed(f"Project role permission for {rule} seems to already exist.")
    return ctx.add(
        ProjectRolePermission(
            projectrole=role,
            rule=rule,
            permission=permission,
            description=params.optional("description"),
            order=len(role.rules),
        )
    )


@command("listProjectRolePermissions")
def list_permissions(ctx: Context, params: Params) -> Page:
    """The rules of one role, or of all of a project's, in their order."""
    project, chosen = _seen(ctx, params), params.entity("projectroleid", ProjectRole)
    roles = ctx.store.all(ProjectRole, lambda role: chosen in (None, role), project=project)
    rules = [rule for role in roles for rule in role.rules]
    return Page(len(rules), rules)


@command("updateProjectRolePermission")
def update_permission(ctx: Context, params: Params) -> bool:
    """One rule's permission, or the order of all."""
    role = _role(ctx, params, "projectroleid")
    rule, order = (
        params.entity("projectrolepermissionid", ProjectRolePermission),
        params.entities("ruleorder", ProjectRolePermission),
    )
    if order and (rule is not None or "permission" in params):
        raise invalid("Parameters permission and ruleid must be mutually exclusive with ruleorder")
    if order:
        if {item.id for item in order} != {item.id for item in role.rules}:
            raise failed("Project role permissions list has changed; the order was not updated")
        for position, item in enumerate(order):
            item.order = position
        return True
    if rule is None or "permission" not in params:
        raise invalid("Role permission doesn't exist in the project, probably because of invalid rule id")
    _, rule.permission = checked_rule(_rule(role.project, rule).rule, params.text("permission"))
    return True


@command("deleteProjectRolePermission")
def delete_permission(ctx: Context, params: Params) -> bool:
    """One rule."""
    project = _changeable(ctx, params)
    return ctx.remove(_rule(project, params.need("id", ProjectRolePermission)))
