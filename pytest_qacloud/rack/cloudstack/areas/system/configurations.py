"""Global settings and their scopes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import denied, failed, invalid
from ...identity import Account, AccountType, Domain, controls
from ...lists import Page, cut
from ...models.topology import Cluster
from ...registry import command
from ...setting_groups import subgroup_of, subgroups
from ...settings import Setting, declared, named
from ...store import Entity

if TYPE_CHECKING:
    from ...context import Context
    from ...params import Params

_SCOPES = {
    "zoneid": "Zone",
    "clusterid": "Cluster",
    "storageid": "StoragePool",
    "domainid": "Domain",
    "accountid": "Account",
    "imagestoreuuid": "ImageStore",
    "imagestoreid": "ImageStore",
}
"""Parameters that narrow a setting down, and the scope that each stands for."""

_HIDDEN = frozenset({"Hidden", "Secure"})
_CLUSTER_RATIOS = {
    "cpu.overprovisioning.factor": "cpuovercommitratio",
    "mem.overprovisioning.factor": "memoryovercommitratio",
}

Scope = tuple[str, Entity]


def _scope(ctx: Context, params: Params) -> Scope | None:
    """The one entity that is meant; for a domain admin without any its domain, for a plain user its account.

    Raises:
        ApiError: more than one is named (431), or one that the caller may not look into (531).
    """
    found: list[Scope] = []
    for name, scope in _SCOPES.items():
        entity = params.entity(name, Entity) if name in params else None
        if entity is not None:
            found.append((scope, entity))
    caller = ctx.caller
    narrowed = {scope for scope, _ in found}
    if caller.accounttype == AccountType.DOMAIN_ADMIN and not narrowed & {"Account", "Domain"}:
        found.append(("Domain", caller.domain))
    elif caller.accounttype == AccountType.NORMAL and "Account" not in narrowed:
        found.append(("Account", caller))
    if len(found) > 1:
        raise invalid("cannot handle multiple IDs, provide only one ID corresponding to the scope")
    for _, entity in found:
        if isinstance(entity, Account) and not controls(caller, entity):
            raise denied(f"{caller.name} does not have permission to operate with account {entity.name}")
        if isinstance(entity, Domain) and not (caller.is_root_admin or caller.domain.contains(entity)):
            raise denied(f"{caller.name} does not have permission to operate within domain id={entity.id}")
    return found[0] if found else None


def _shown(ctx: Context, setting: Setting, scope: Scope | None) -> dict[str, Any]:
    subgroup = subgroup_of(setting.name, setting.subgroup)
    words = setting.name.replace(".", " ")
    shown: dict[str, Any] = {
        "category": setting.category,
        "group": subgroup.group,
        "subgroup": subgroup.name,
        "name": setting.name,
        "value": ctx.server.settings.value(setting.name, None if scope is None else scope[1]),
        "description": words,
        "isdynamic": setting.dynamic,
        "component": "management-server",
        "displaytext": words.capitalize(),
        "type": setting.shown_type,
    }
    optional = {"defaultvalue": setting.default, "parent": setting.parent, "options": setting.options}
    shown |= {name: value for name, value in optional.items() if value is not None}
    if scope is not None:
        shown["scope"] = scope[0].lower()
        shown["id"] = scope[1].id
    elif setting.scopes != ("Global",):
        shown["scope"] = ",".join(setting.scopes).lower()
    return shown


@command("listConfigurations")
def list_configurations(ctx: Context, params: Params) -> Page:
    """Settings with their values, global or for one entity; a part of a name finds them."""
    scope = _scope(ctx, params)
    group, subgroup = params.optional("group"), params.optional("subgroup")
    if group is not None and group not in {item.group for item in subgroups()}:
        raise invalid(f"Invalid configuration group: {group}")
    if subgroup is not None and subgroup not in {item.name for item in subgroups()}:
        raise invalid(f"Invalid configuration subgroup: {subgroup}")
    name = params.text("name").lower()
    rows = [
        _shown(ctx, setting, scope)
        for setting in sorted(declared().values(), key=lambda item: item.name)
        if setting.category not in _HIDDEN
        and name in setting.name.lower()
        and (scope is None or ctx.server.settings.fits(setting, scope[0]))
    ]
    return cut(ctx, [row for row in rows if _matches(row, params)], params)


def _matches(row: dict[str, Any], params: Params) -> bool:
    for name in ("category", "group", "parent", "subgroup"):
        if name in params and str(row.get(name, "")).lower() != params.text(name).lower():
            return False
    words = (row["name"], row["component"], row["description"], row["category"], row["value"])
    return any(params.text("keyword").lower() in str(word).lower() for word in words)


@command("updateConfiguration", "resetConfiguration")
def change_configuration(ctx: Context, params: Params) -> dict[str, Any]:
    """Change a setting, or reset it; without a value nothing changes."""
    settings, setting = ctx.server.settings, named(params.text("name"))
    scope = _scope(ctx, params)
    entity = None if scope is None else scope[1]
    if setting.category == "System" and not ctx.caller.is_root_admin:
        raise failed("Only Root Admin is allowed to edit this configuration.")
    resets = ctx.command.name == "resetConfiguration"
    if resets or params.get("value") is not None:
        if scope is not None and not settings.fits(setting, scope[0]):
            raise invalid(f"Invalid scope id provided for the parameter {setting.name}")
        if resets:
            settings.reset(setting, entity)
        else:
            settings.set(setting, params.text("value"), entity)
        if isinstance(entity, Cluster) and setting.name in _CLUSTER_RATIOS:
            setattr(entity, _CLUSTER_RATIOS[setting.name], ctx.setting(setting.name, entity))
    return {"configuration": _shown(ctx, setting, scope)}


@command("listConfigurationGroups")
def list_configuration_groups(ctx: Context, params: Params) -> Page:
    """Groups of settings with their subgroups, both in their order."""
    wanted = params.optional("group")
    groups = sorted({(item.group_precedence, item.group) for item in subgroups()})
    rows = []
    for precedence, group in groups:
        if wanted in (None, group):
            below = sorted((item.precedence, item.name) for item in subgroups() if item.group == group)
            shown = [{"name": name, "precedence": number} for number, name in below]
            rows.append({"name": group, "description": group, "precedence": precedence, "subgroup": shown})
    return cut(ctx, rows, params)


@command("listCapabilities")
def list_capabilities(ctx: Context, params: Params) -> dict[str, Any]:
    """What this installation can do."""
    return {
        "capability": {
            "securitygroupsenabled": False,
            "dynamicrolesenabled": True,
            "cloudstackversion": ctx.server.version,
            "userpublictemplateenabled": ctx.flag_setting("allow.public.user.templates"),
            "supportELB": "false",
            "projectinviterequired": ctx.flag_setting("project.invite.required"),
            "allowusercreateprojects": ctx.flag_setting("allow.user.create.projects"),
            "customdiskofferingminsize": int(ctx.number_setting("custom.diskoffering.size.min")),
            "customdiskofferingmaxsize": int(ctx.number_setting("custom.diskoffering.size.max")),
            "regionsecondaryenabled": False,
            "kvmsnapshotenabled": ctx.flag_setting("kvm.snapshot.enabled"),
            "allowuserviewdestroyedvm": ctx.flag_setting("allow.user.view.destroyed.vm"),
            "allowuserexpungerecovervm": ctx.flag_setting("allow.user.expunge.recover.vm"),
            "allowuserexpungerecovervolume": ctx.flag_setting("allow.user.expunge.recover.volume"),
            "allowuserviewalldomainaccounts": ctx.flag_setting("allow.user.view.all.domain.accounts"),
            "allowuserforcestopvm": ctx.flag_setting("allow.user.force.stop.vm"),
            "kubernetesserviceenabled": False,
            "kubernetesclusterexperimentalfeaturesenabled": False,
            "defaultuipagesize": int(ctx.number_setting("default.ui.page.size")),
            "dynamicscalingenabled": ctx.flag_setting("enable.dynamic.scale.vm"),
            "additionalconfigenabled": ctx.flag_setting("enable.additional.vm.configuration"),
            "instanceleaseenabled": ctx.flag_setting("instance.lease.enabled"),
        }
    }
