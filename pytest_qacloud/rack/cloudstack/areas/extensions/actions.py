"""Custom actions of extensions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ...errors import denied, failed, invalid
from ...models.extensions import ENABLED, EXTERNAL, CustomAction, Extension
from ...models.machines import VirtualMachine
from ...registry import command
from ...replies import shape
from .action_parameters import check, declare
from .extensions import registration_of

if TYPE_CHECKING:
    from ...context import Context
    from ...lists import Page
    from ...params import Params

_NAME = re.compile(r"[a-zA-Z0-9 _-]+")
_RESOURCE = "VirtualMachine"
_ROLES = ("Admin", "ResourceAdmin", "DomainAdmin", "User")
_HIDDEN = "Internal error running action"
_UNKNOWN = '{"status": "error", "error": "Invalid action"}'
"""What a new extension's script says to every custom action; nobody can change a script here."""


@command("addCustomAction")
def add_action(ctx: Context, params: Params) -> CustomAction:
    """An action, disabled unless `enabled` says otherwise, for root admins and whom they let."""
    extension, name = params.need("extensionid", Extension), params.text("name")
    if _NAME.fullmatch(name) is None:
        raise invalid(
            f"Invalid action name: {name}. It can contain only alphabets, numbers, hyphen, underscore and space"
        )
    if ctx.store.first(CustomAction, extension=extension, name=name) is not None:
        raise failed("Action by name already exists")
    return ctx.add(
        CustomAction(
            extension=extension,
            name=name,
            description=params.optional("description"),
            resourcetype=_resource_type(params) or _RESOURCE,
            allowedroletypes=sorted({*_roles(params), "Admin"}, key=_ROLES.index),
            successmessage=params.optional("successmessage"),
            errormessage=params.optional("errormessage"),
            timeout=params.number("timeout", 3),
            enabled=params.flag("enabled"),
            details=params.pairs("details"),
            parameters=[declare(row) for row in params.rows("parameters")],
        )
    )


def _resource_type(params: Params) -> str | None:
    text = params.optional("resourcetype")
    if text is None:
        return None
    if text.lower() != _RESOURCE.lower():
        raise invalid(f"Invalid resource type specified: {text}. Valid values are: [{_RESOURCE}]")
    return _RESOURCE


def _roles(params: Params) -> list[str]:
    found = []
    for text in params.strings("allowedroletypes"):
        role = next((known for known in _ROLES if known.lower() == text.lower()), None)
        if role is None:
            raise invalid(f"Invalid role specified - {text}")
        found.append(role)
    return found


def _may_run(ctx: Context, action: CustomAction) -> bool:
    return ctx.caller.roletype in ("Admin", *action.allowedroletypes)


@command("listCustomActions")
def list_actions(ctx: Context, params: Params) -> Page:
    """Actions that the caller may run, the newest first; by extension, or by what they can be run on."""
    extension = params.entity("extensionid", Extension)
    if extension is None and _resource_type(params) is not None and params.optional("resourceid"):
        vm = ctx.store.get(VirtualMachine, params.text("resourceid"))
        registration = None if vm is None or vm.host is None else registration_of(ctx, vm.host.cluster)
        if registration is None:
            raise invalid("Internal error listing custom actions with specified resource")
        extension = registration.extension
    found = ctx.store.all(CustomAction, lambda item: _may_run(ctx, item) and extension in (None, item.extension))
    return ctx.page(found[::-1], params, ignore=("extensionid", "resourceid"))


@command("updateCustomAction")
def update_action(ctx: Context, params: Params) -> dict[str, Any]:
    """Anything of an action but its name and extension."""
    action = params.need("id", CustomAction)
    action.resourcetype = _resource_type(params) or action.resourcetype
    roles = _roles(params)
    parameters = [declare(row) for row in params.rows("parameters")]
    if roles:
        action.allowedroletypes = sorted(set(roles), key=_ROLES.index)
    if params.flag("cleanupparameters"):
        action.parameters = []
    elif parameters:
        action.parameters = parameters
    if params.flag("cleanupdetails"):
        action.details = {}
    elif params.pairs("details"):
        action.details = params.pairs("details")
    ctx.assign(action, params, "description", "successmessage", "errormessage", "timeout", "enabled")
    return {"extensioncustomaction": shape(action)}


@command("deleteCustomAction")
def delete_action(ctx: Context, params: Params) -> bool:
    """An action."""
    return ctx.remove(params.need("id", CustomAction))


@command("runCustomAction")
def run_action(ctx: Context, params: Params) -> dict[str, Any]:
    """Run an action on a VM; that it failed is told in the reply, that it cannot be run is an error.

    Why not is in the server's log only, in CloudStack, so that callers learn nothing of what is not theirs.
    """
    action = params.need("customactionid", CustomAction)
    if not _may_run(ctx, action) or not action.enabled:
        raise invalid(_HIDDEN)
    if action.extension.state != ENABLED:
        raise failed(_HIDDEN)
    vm = _subject(ctx, params)
    check(action.parameters, dict(params.pairs("parameters").items()))
    message = (action.errormessage or f"Failed to complete {action.name}").replace("{{actionName}}", action.name)
    message = message.replace("{{extensionName}}", action.extension.name).replace("{{resourceName}}", vm.name)
    result = {"message": message, "details": _UNKNOWN}
    return {"customactionresult": {"id": action.id, "name": action.name, "success": False, "result": result}}


def _subject(ctx: Context, params: Params) -> VirtualMachine:
    """The VM of an extension's cluster that an action is to be run on."""
    if params.text("resourcetype", _RESOURCE).lower() != _RESOURCE.lower():
        raise failed(_HIDDEN)
    vm = ctx.store.get(VirtualMachine, params.text("resourceid"))
    if vm is None:
        raise failed(_HIDDEN)
    if not vm.usable_by(ctx.caller):
        raise denied(f"{ctx.caller.name} does not have permission to operate with VM {vm.name}")
    if vm.host is None:
        raise failed(_HIDDEN)
    if vm.host.hypervisor != EXTERNAL:
        raise invalid(_HIDDEN)
    if registration_of(ctx, vm.host.cluster) is None:
        raise failed(_HIDDEN)
    return vm
