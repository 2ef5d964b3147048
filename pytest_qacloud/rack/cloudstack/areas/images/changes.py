"""Templates and ISOs are changed, deleted, extracted; who may use them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...access import account_named
from ...errors import denied, invalid
from ...lists import Page
from ...models.images import GuestOs, Template
from ...models.machines import UserData, VirtualMachine
from ...models.topology import Zone
from ...registry import command
from ..storage.transfers import check_mode, extraction
from .registration import is_system, is_used, one_of
from .templates import template_page

if TYPE_CHECKING:
    from collections.abc import Generator

    from ...context import Context
    from ...identity import Account
    from ...params import Params

_ISO_FILTERS = ("featured", "self", "selfexecutable", "sharedexecutable", "executable", "community", "all", "shared")


def _own(ctx: Context, params: Params) -> Template:
    """The template that a changing command names; using it is not enough to change it."""
    template = params.need("id", Template)
    wants_iso = "iso" in ctx.command.name.lower()
    if not template.copies or (template.format == "ISO") != wants_iso:
        raise invalid(f"unable to find {'iso' if wants_iso else 'template'} with id {template.id}")
    if not ctx.caller.is_root_admin and not super(Template, template).usable_by(ctx.caller):
        raise denied(f"Account {ctx.caller.name} does not have permission to operate with template {template.id}")
    return template


@command("listIsos")
def list_isos(ctx: Context, params: Params) -> Page:
    """ISOs by `isofilter`, by itself those that the caller can use."""
    wanted = params.text("isofilter", "selfexecutable").lower()
    if wanted not in _ISO_FILTERS:
        raise invalid(f"Unable to resolve iso filter {wanted}; possible values are: {', '.join(_ISO_FILTERS)}")
    return template_page(ctx, params, wanted, lambda template: template.format == "ISO")


@command("updateTemplate", "updateIso")
def update_template(ctx: Context, params: Params) -> dict[str, Any]:
    """Texts, operating system, flags and details."""
    template = _own(ctx, params)
    if params.flag("isrouting") and not ctx.caller.is_root_admin:
        raise denied("Parameter isrouting can only be specified by a Root Admin, permission denied")
    if params.optional("format") and template.format == "ISO":
        raise invalid("The format of an ISO cannot be changed")
    ctx.assign(template, params, "name", "displaytext", "bootable", "passwordenabled", "sshkeyenabled", "requireshvm")
    ctx.assign(template, params, "isdynamicallyscalable", "isrouting", "sortkey", "arch", "templatetag", "forcks")
    template.format = params.text("format", template.format).upper()
    template.ostype = params.entity("ostypeid", GuestOs) or template.ostype
    if params.flag("cleanupdetails"):
        template.details = {}
    elif params.rows("details"):
        template.details = params.pairs("details")
    return {ctx.command.wrapper: one_of(template)}


@command("deleteTemplate", "deleteIso")
def delete_template(ctx: Context, params: Params) -> Generator[Any, None, Any]:
    """A template in one zone or in all; VMs that were made from it live on if it is `forced`."""
    template, zone = _own(ctx, params), params.entity("zoneid", Zone)
    if is_system(ctx, template) and not ctx.caller.is_root_admin:
        raise denied(f"Template {template.name} belongs to the installation and cannot be deleted")
    copies = [copy for copy in template.copies if zone in (None, copy.zone)]
    if not copies:
        raise invalid("Failed to find a secondary storage store in the specified zone.")
    if is_used(ctx, template) and not params.flag("forced"):
        raise invalid(f"Unable to delete template {template.name}: VMs were made from it or have it in their drive")
    yield template
    for copy in copies:
        if copy in ctx.store:
            ctx.remove(copy)
    if not template.copies and ctx.store.first(VirtualMachine, lambda vm: template in (vm.template, vm.iso)) is None:
        ctx.remove(template)
    return True


@command("listTemplatePermissions", "listIsoPermissions")
def list_permissions(ctx: Context, params: Params) -> dict[str, Any]:
    """Who may use a template besides its owner."""
    template = _own(ctx, params)
    return {
        "templatepermission": {
            "id": template.id,
            "ispublic": template.ispublic,
            "domainid": template.owner.domain.id,
            "account": [account.name for account in template.permitted if account.project is None],
            "projectids": [account.project.id for account in template.permitted if account.project is not None],
        }
    }


@command("updateTemplatePermissions", "updateIsoPermissions")
def update_permissions(ctx: Context, params: Params) -> bool:
    """Add or remove accounts of the owner's domain, or reset; public, featured, extractable."""
    template, operation = _own(ctx, params), params.text("op").lower()
    if operation not in ("", "add", "remove", "reset"):
        raise invalid("Invalid operation on accounts, the operation must be either 'add', 'remove' or 'reset'")
    if is_system(ctx, template) and not ctx.caller.is_root_admin:
        raise invalid(f"Update template permissions is an invalid operation on template {template.name}")
    admin = ctx.caller.is_root_admin
    if params.flag("ispublic") and not admin and not ctx.flag_setting("allow.public.user.templates", template.owner):
        raise invalid("Only private templates can be created.")
    named = _named(ctx, params, template)
    if operation in ("add", "remove") and not named:
        raise invalid(f"Operation {operation} requires accounts or projectIds to be passed in")
    ctx.assign(template, params, "ispublic", "isextractable")
    if admin:
        ctx.assign(template, params, "isfeatured")
    if operation == "add":
        template.permitted += [item for item in named if item not in template.permitted and item is not template.owner]
    elif operation == "remove":
        template.permitted = [account for account in template.permitted if account not in named]
    elif operation == "reset":
        template.permitted, template.ispublic, template.isfeatured = [], False, False
    return True


def _named(ctx: Context, params: Params, template: Template) -> list[Account]:
    domain, found = template.owner.domain, []
    for name in params.strings("accounts"):
        account = account_named(ctx.store, name, domain)
        if account is None:
            raise invalid(
                f"Unable to grant a launch permission to account {name} in domain id={domain.id}, account not found. "
                "No permissions updated, please verify the account names and retry."
            )
        found.append(account)
    projects: list[Any] = params.get("projectids") or []
    return [*found, *(project.owner for project in projects)]


@command("extractTemplate", "extractIso")
def extract_template(ctx: Context, params: Params) -> Generator[Any, None, Any]:
    """A URL to fetch a template from."""
    template, zone = params.need("id", Template), params.entity("zoneid", Zone)
    check_mode(params.text("mode"))
    if not template.isextractable and not ctx.caller.is_root_admin:
        raise denied(f"Unable to extract template {template.name} as it's not extractable")
    if not any(copy.isready and zone in (None, copy.zone) for copy in template.copies):
        raise invalid(f"The template {template.name} has not been downloaded")
    yield template
    return {ctx.command.wrapper: extraction(ctx, template, zone, params.text("mode"), template.format.lower())}


@command("prepareTemplate")
def prepare_template(ctx: Context, params: Params) -> Page:
    """Bring a template to a zone's primary storage; here it always counts as there."""
    template, zone = params.need("templateid", Template), params.need("zoneid", Zone)
    if not template.ready_in(zone):
        raise invalid(f"Please specify a valid template: {template.id} is not ready in zone {zone.name}")
    return Page(1, [one_of(template, zone)])


@command("linkUserDataToTemplate")
def link_user_data(ctx: Context, params: Params) -> dict[str, Any]:
    """The user data that a template's VMs get; none where none is given."""
    template, iso = params.entity("templateid", Template), params.entity("isoid", Template)
    if template is not None and iso is not None:
        raise invalid("Both template ID and ISO ID are passed, API accepts only one")
    found = template or iso
    if found is None:
        raise invalid("At least one of template ID or ISO ID needs to be passed")
    policy = params.text("userdatapolicy", "ALLOWOVERRIDE").upper()
    if policy not in ("ALLOWOVERRIDE", "APPEND", "DENYOVERRIDE"):
        raise invalid(f"Invalid userdata policy {policy}")
    found.stored_userdata = params.entity("userdataid", UserData)
    found.userdatapolicy = None if found.stored_userdata is None else policy
    return {"template": one_of(found)}
