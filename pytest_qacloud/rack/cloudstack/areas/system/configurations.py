"""Global settings and their scopes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import denied
from ...identity import AccountType
from ...lists import Page, cut
from ...registry import command
from ...settings import Setting, declared
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

_WIDER = {"Account": ("Account", "Domain"), "Cluster": ("Cluster", "Zone"), "StoragePool": ("StoragePool", "Zone")}
_HIDDEN = frozenset({"Hidden", "Secure"})


def _scope(params: Params) -> tuple[str, Entity] | None:
    for name, scope in _SCOPES.items():
        found = params.entity(name, Entity) if name in params else None
        if found is not None:
            return scope, found
    return None


def _fits(setting: Setting, scope: str) -> bool:
    return scope in (setting.scope, *_WIDER.get(setting.scope, ()))


def _shown(ctx: Context, setting: Setting, scope: tuple[str, Entity] | None) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "category": setting.category,
        "group": setting.category,
        "subgroup": "Others",
        "name": setting.name,
        "value": ctx.server.settings.value(setting.name, None if scope is None else scope[1]),
        "description": setting.name.replace(".", " "),
        "isdynamic": setting.dynamic,
        "component": "management-server",
        "displaytext": setting.name.replace(".", " ").capitalize(),
        "type": "Number" if setting.type in ("Integer", "Long", "Float", "Double") else setting.type,
    }
    if setting.default is not None:
        shown["defaultvalue"] = setting.default
    if scope is not None:
        shown["scope"] = scope[0].lower()
        shown["id"] = scope[1].id
    elif setting.scope != "Global":
        shown["scope"] = setting.scope.lower()
    return shown


@command("listConfigurations")
def list_configurations(ctx: Context, params: Params) -> Page:
    """Settings with their values, global or for one entity."""
    scope = _scope(params)
    if scope is None and ctx.caller.accounttype == AccountType.DOMAIN_ADMIN:
        scope = ("Domain", ctx.caller.domain)
    name, category, keyword = (params.optional(item) for item in ("name", "category", "keyword"))
    rows = [
        _shown(ctx, setting, scope)
        for setting in declared().values()
        if setting.category not in _HIDDEN
        and name in (None, setting.name)
        and (category is None or setting.category.lower() == category.lower())
        and (keyword is None or keyword.lower() in setting.name.lower())
        and (scope is None or _fits(setting, scope[0]))
    ]
    return cut(ctx, rows, params)


@command("updateConfiguration", "resetConfiguration")
def change_configuration(ctx: Context, params: Params) -> dict[str, Any]:
    """Change a setting, or reset it."""
    scope, name = _scope(params), params.text("name")
    entity = None if scope is None else scope[1]
    if entity is None and not ctx.caller.is_root_admin:
        raise denied(f"{ctx.caller.name} may not change the global setting {name}")
    if ctx.command.name == "resetConfiguration":
        setting = ctx.server.settings.reset(name, entity)
    else:
        setting = ctx.server.settings.set(name, params.text("value"), entity)
    return {"configuration": _shown(ctx, setting, scope)}


@command("listConfigurationGroups")
def list_configuration_groups(ctx: Context, params: Params) -> Page:
    """The categories of the settings."""
    names = sorted({setting.category for setting in declared().values()} - _HIDDEN)
    rows = [{"name": name, "subgroup": [{"name": "Others"}], "description": name} for name in names]
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
