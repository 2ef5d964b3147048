"""Extensions and the clusters that they run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ...errors import failed, invalid
from ...models.extensions import DISABLED, ENABLED, EXTERNAL, CustomAction, Extension, Registration
from ...models.topology import Cluster
from ...registry import command, installs
from ...replies import shape

if TYPE_CHECKING:
    from ...context import Context
    from ...lists import Page
    from ...params import Params
    from ...server import ManagementServer

_TYPE = "Orchestrator"
_BUILT_IN = {"Proxmox": "Proxmox/proxmox.sh", "HyperV": "HyperV/hyperv.py"}
_DEEPEST = 2
_VIEWS = {"all": (), "external": ("resources",), "resource": ("details",), "min": ("resources", "details")}
"""The fields that each value of `details` leaves away."""


@installs()
def install(server: ManagementServer) -> None:
    """The extensions that come with CloudStack, disabled until somebody sets them up."""
    for name, path in _BUILT_IN.items():
        built_in = Extension(name=name, type=_TYPE, relative_path=path, isuserdefined=False, state=DISABLED)
        built_in.description, built_in.orchestratorrequirespreparevm = f"Runs VMs on {name}", True
        server.store.add(built_in, server.clock.now())


@command("createExtension")
def create_extension(ctx: Context, params: Params) -> Extension:
    """An extension with a new script."""
    name = params.text("name")
    if ctx.store.first(Extension, name=name) is not None:
        raise failed("Extension by name already exists")
    if params.text("type") != _TYPE:
        raise failed(f"Invalid type specified - {params.text('type')}")
    state = _state(params, ENABLED)
    return ctx.add(
        Extension(
            name=name,
            type=_TYPE,
            relative_path=_relative_path(name, params.optional("path")),
            description=params.optional("description"),
            state=state,
            pathready=state == ENABLED,
            orchestratorrequirespreparevm=params.get("orchestratorrequirespreparevm"),
            details=params.pairs("details"),
        )
    )


def _state(params: Params, usual: str) -> str:
    state = params.text("state") or usual
    if state not in (ENABLED, DISABLED):
        raise invalid("Invalid state specified")
    return state


def _relative_path(name: str, path: str | None) -> str:
    """Where the script is within the folder of all extensions; always within a folder named after the extension."""
    folder = re.sub(r"[^a-zA-Z0-9._-]", "_", name).lower()
    if path is None:
        return f"{folder}/{folder}.sh"
    found = path.replace("\\", "/").removeprefix("/")
    if found == folder:
        return f"{folder}/{folder}"
    found = found if found.startswith(f"{folder}/") else f"{folder}/{found}"
    parts = found.split("/")
    if len(parts) - 1 > _DEEPEST or ".." in parts:
        raise invalid("Entry point path cannot be nested more than two sub-directories deep")
    return found


@command("listExtensions")
def list_extensions(ctx: Context, params: Params) -> Page:
    """Extensions, the newest first, with as much as `details` says."""
    views = params.strings("details") or ["all"]
    if not set(views) <= set(_VIEWS):
        raise invalid(f"The details parameter contains a non permitted value. The allowed values are {sorted(_VIEWS)}")
    hidden = set.intersection(*(set(_VIEWS[view]) for view in views))
    page = ctx.page(ctx.store.all(Extension)[::-1], params)
    return page.map(lambda item: {name: value for name, value in shape(item).items() if name not in hidden})


@command("updateExtension")
def update_extension(ctx: Context, params: Params) -> Extension:
    """Description, state, details; an enabled extension has its script again if that was lost."""
    extension = params.need("id", Extension)
    extension.state = _state(params, extension.state)
    if params.optional("state"):
        extension.pathready = extension.state == ENABLED or extension.pathready
    ctx.assign(extension, params, "description", "orchestratorrequirespreparevm")
    if params.flag("cleanupdetails"):
        extension.details = {}
    elif params.pairs("details"):
        extension.details = params.pairs("details")
    return extension


@command("deleteExtension")
def delete_extension(ctx: Context, params: Params) -> bool:
    """An extension of somebody's own that runs no cluster and has no actions."""
    extension = params.need("id", Extension)
    if not extension.isuserdefined:
        raise invalid("System extension can not be deleted")
    if ctx.store.first(Registration, extension=extension) is not None:
        raise failed("Extension has associated resources, unregister them to delete the extension")
    actions = len(ctx.store.all(CustomAction, extension=extension))
    if actions:
        raise failed(f"Extension has {actions} custom actions, delete them to delete the extension")
    return ctx.remove(extension)


def _cluster(ctx: Context, params: Params, what: str) -> Cluster:
    if params.text("resourcetype") != "Cluster":
        raise invalid(f"Currently only [Cluster] can be used to {what} an extension of type {_TYPE}")
    cluster = ctx.store.get(Cluster, params.text("resourceid"))
    if cluster is None:
        raise invalid("Invalid cluster ID specified")
    return cluster


@command("registerExtension")
def register(ctx: Context, params: Params) -> Extension:
    """Let an extension run a cluster of the hypervisor External."""
    extension, cluster = params.need("extensionid", Extension), _cluster(ctx, params, "register")
    if cluster.hypervisortype != EXTERNAL:
        raise failed(f"Cluster ID: {cluster.id} is not of {cluster.hypervisortype} hypervisor type")
    existing = registration_of(ctx, cluster)
    if existing is not None and existing.extension is extension:
        raise failed(f"Extension: {extension.name} is already registered with this cluster: {cluster.name}")
    if existing is not None:
        raise failed(f"An extension is already registered with this cluster: {cluster.name}")
    ctx.store.add(Registration(extension=extension, cluster=cluster, details=params.pairs("details")), ctx.now)
    ctx.subject = extension
    return extension


@command("unregisterExtension")
def unregister(ctx: Context, params: Params) -> Extension:
    """Let an extension run a cluster no longer; no error where it does not."""
    extension, cluster = params.need("extensionid", Extension), _cluster(ctx, params, "unregister")
    existing = registration_of(ctx, cluster)
    if existing is not None and existing.extension is extension:
        ctx.remove(existing)
    ctx.subject = extension
    return extension


def registration_of(ctx: Context, cluster: Any) -> Registration | None:
    """Which extension runs a cluster."""
    return ctx.store.first(Registration, cluster=cluster)
