"""Templates: the built-in ones, and how they are listed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...access import visibility
from ...errors import invalid
from ...identity import controls, system_account
from ...lists import Page, cut
from ...models.images import GuestOs, Template, TemplateCopy
from ...models.storage import ImageStore
from ...models.systemvms import SECONDARY_STORAGE, SystemVm
from ...models.topology import Cluster, Zone
from ...registry import command, installs, settles
from ...replies import shape

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...context import Context
    from ...params import Params
    from ...server import ManagementServer

DOWNLOAD_S = 0.1
"""How long a download takes, seconds."""

_BUILT_IN = (
    ("KVM", "CentOS 5.5(64-bit) no GUI (KVM)", "CentOS 5.5 (64-bit)", "QCOW2"),
    ("XenServer", "CentOS 5.6(64-bit) no GUI (XenServer)", "CentOS 5.6 (64-bit)", "VHD"),
    ("VMware", "CentOS 5.3(64-bit) no GUI (vSphere)", "CentOS 5.3 (64-bit)", "OVA"),
    ("Simulator", "CentOS 5.3(64-bit) no GUI (Simulator)", "CentOS 5.3 (64-bit)", "VHD"),
    ("LXC", "CentOS 6.5(64-bit) no GUI (LXC)", "CentOS 6.5 (64-bit)", "TAR"),
)

FILTERS = ("featured", "self", "selfexecutable", "sharedexecutable", "executable", "community", "all", "shared")


@installs(order=30)
def install(server: ManagementServer) -> None:
    """One template for each hypervisor."""
    owner = system_account(server.store)
    for hypervisor, name, system, image in _BUILT_IN:
        os_type = server.store.first(GuestOs, description=system)
        if os_type is None:
            raise LookupError(f"the built-in template {name} has no OS type {system}")
        template = Template(
            owner=owner,
            name=name,
            displaytext=name,
            ostype=os_type,
            hypervisor=hypervisor,
            format=image,
            templatetype="BUILTIN",
            ispublic=True,
            isfeatured=True,
            isextractable=True,
            crossZones=True,
        )
        server.store.add(template, server.clock.now())


@settles
def settle(server: ManagementServer) -> None:
    """Give zones their copies of the built-in templates, and let a running secondary storage VM download."""
    store, now = server.store, server.clock.now()
    for image in store.all(ImageStore):
        if image.zone is not None and store.first(TemplateCopy, zone=image.zone) is None:
            for template in store.all(Template, templatetype="BUILTIN"):
                store.add(TemplateCopy(template=template, zone=image.zone), now)
    for copy in store.all(TemplateCopy, isready=False):
        if copy.ready_at is None:
            begin_download(server, copy)
        elif copy.ready_at <= now:
            copy.isready = True


def begin_download(server: ManagementServer, copy: TemplateCopy) -> None:
    """Let the zone's secondary storage VM fetch a copy, if it runs; else `settle` does once it does."""
    if _downloads(server, copy):
        copy.ready_at = server.clock.now() + DOWNLOAD_S


def _downloads(server: ManagementServer, copy: TemplateCopy) -> bool:
    runs = server.store.first(SystemVm, zone=copy.zone, systemvmtype=SECONDARY_STORAGE, state="Running") is not None
    hypervisors = {cluster.hypervisortype for cluster in server.store.all(Cluster) if cluster.zone is copy.zone}
    return runs and (copy.template.hypervisor in hypervisors or copy.template.templatetype != "BUILTIN")


def shown(template: Template, copy: TemplateCopy | None) -> dict[str, Any]:
    """A template as a reply shows it, in one zone."""
    return {**shape(template), **({"isready": False} if copy is None else copy.shown())}


@command("listTemplates")
def list_templates(ctx: Context, params: Params) -> Page:
    """Templates by `templatefilter`, one entry for each zone that has a copy."""
    wanted = params.text("templatefilter").lower()
    if wanted not in FILTERS:
        raise invalid(f"Unable to resolve template filter {wanted}; possible values are: {', '.join(FILTERS)}")
    return template_page(ctx, params, wanted, lambda template: template.format != "ISO")


def template_page(ctx: Context, params: Params, wanted: str, where: Callable[[Template], bool]) -> Page:
    """The reply of listTemplates and listIsos.

    Args:
        wanted: the template filter.
        where: which templates come into question at all.
    """
    if wanted == "all" and not ctx.caller.is_root_admin:
        raise invalid("Filter all can be specified by admin only")
    sees, zone = _filter(ctx, params, wanted), params.entity("zoneid", Zone)
    known = _hypervisors(ctx, zone)
    found = ctx.store.all(
        Template,
        lambda template: (
            where(template) and sees(template) and (template.format == "ISO" or template.hypervisor in known)
        ),
    )
    ignore = ("templatefilter", "isofilter", "zoneid", "isready", "showunique", "showremoved", "account", "domainid")
    page = ctx.page(found, _without_paging(params), ignore=(*ignore, "projectid"), visible=True)
    rows = []
    for template in page.items:
        if not isinstance(template, Template):  # pragma: no cover - tells the type
            continue
        copies = [copy for copy in template.copies if zone in (None, copy.zone)]
        rows += [shown(template, copy) for copy in copies if _executable(copy, wanted, params)]
    return cut(ctx, rows, params)


def _without_paging(params: Params) -> Params:
    return params.without("page", "pagesize")


def _hypervisors(ctx: Context, zone: Zone | None) -> set[str]:
    """Hypervisors that there are clusters of; templates of others are not shown."""
    clusters = ctx.store.all(Cluster, lambda cluster: zone in (None, cluster.zone))
    return {"None", "Any", *(cluster.hypervisortype for cluster in clusters)}


def _executable(copy: TemplateCopy, wanted: str, params: Params) -> bool:
    if "isready" in params and params.flag("isready") != copy.isready:
        return False
    return copy.isready or not wanted.endswith("executable")


def _filter(ctx: Context, params: Params, wanted: str) -> Callable[[Template], bool]:
    mine = visibility(ctx, params)

    def own(template: Template) -> bool:
        return mine(template)

    choices: dict[str, Callable[[Template], bool]] = {
        "featured": lambda template: template.isfeatured and template.ispublic,
        "community": lambda template: template.ispublic and not template.isfeatured,
        "self": own,
        "selfexecutable": own,
        "sharedexecutable": lambda template: ctx.caller in template.permitted,
        "shared": lambda template: ctx.caller in template.permitted,
        "executable": lambda template: own(template) or template.usable_by(ctx.caller),
        "all": lambda template: controls(ctx.caller, template.owner),
    }
    return choices[wanted]
