"""Annotations: comments on things, for all who may see these or for administrators only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import failed
from ...identity import Domain
from ...models.annotations import Annotation
from ...registry import command

if TYPE_CHECKING:
    from ...context import Context
    from ...lists import Page
    from ...params import Params
    from ...store import Entity

_OF_USERS = {
    "VM": "UserVmResponse",
    "VOLUME": "VolumeResponse",
    "SNAPSHOT": "SnapshotResponse",
    "VM_SNAPSHOT": "VMSnapshotResponse",
    "INSTANCE_GROUP": "InstanceGroupResponse",
    "SSH_KEYPAIR": "SSHKeyPairResponse",
    "USER_DATA": "UserDataResponse",
    "NETWORK": "NetworkResponse",
    "VPC": "VpcResponse",
    "PUBLIC_IP_ADDRESS": "IPAddressResponse",
    "VPN_CUSTOMER_GATEWAY": "Site2SiteCustomerGatewayResponse",
    "TEMPLATE": "TemplateResponse",
    "ISO": "TemplateResponse",
    "KUBERNETES_CLUSTER": "KubernetesClusterResponse",
    "AUTOSCALE_VM_GROUP": "AutoScaleVmGroupResponse",
}
"""Response classes of what everybody may annotate, where it is the caller's."""

_OF_DOMAIN_ADMINS = {
    "SERVICE_OFFERING": "ServiceOfferingResponse",
    "DISK_OFFERING": "DiskOfferingResponse",
    "DOMAIN": "DomainResponse",
}
_OF_ADMINS = {
    "NETWORK_OFFERING": "NetworkOfferingResponse",
    "ZONE": "ZoneResponse",
    "POD": "PodResponse",
    "CLUSTER": "ClusterResponse",
    "HOST": "HostResponse",
    "PRIMARY_STORAGE": "StoragePoolResponse",
    "SECONDARY_STORAGE": "ImageStoreResponse",
    "VR": "DomainRouterResponse",
    "SYSTEM_VM": "SystemVmResponse",
    "MANAGEMENT_SERVER": "ManagementServerResponse",
    "OBJECT_STORAGE": "ObjectStoreResponse",
}
_RESPONSES = {**_OF_USERS, **_OF_DOMAIN_ADMINS, **_OF_ADMINS}


def _kinds(ctx: Context) -> dict[str, str]:
    """The kinds of things that the caller may annotate."""
    role = ctx.caller.roletype
    if role == "Admin":
        return _RESPONSES
    return {**_OF_USERS, **_OF_DOMAIN_ADMINS} if role == "DomainAdmin" else _OF_USERS


def _is_admin(ctx: Context) -> bool:
    return ctx.caller.roletype == "Admin"


@command("addAnnotation")
def add_annotation(ctx: Context, params: Params) -> Annotation:
    """A comment; one for administrators only may be written by all, and is then hidden from its writer."""
    kind, entity_id = params.text("entitytype"), params.text("entityid")
    if not entity_id:
        raise failed("I have to have an entity to set an annotation on!")
    if kind not in _RESPONSES:
        raise failed(f"'{kind}' is not a valid EntityType to put annotations on")
    if kind not in _kinds(ctx):
        raise failed(f"User: {ctx.user.username} is not allowed to add annotations on type: {kind}")
    entity = ctx.store.find(_RESPONSES[kind], entity_id)
    if not _is_admin(ctx) and not _is_open(ctx, entity):
        raise failed(f"Could not find an entity with type: {kind} and ID: {entity_id}")
    text, adminsonly = params.optional("annotation"), params.flag("adminsonly")
    return ctx.add(
        Annotation(
            annotation=text,
            entitytype=kind,
            entityid=entity_id,
            subject=entity,
            user=ctx.user,
            adminsonly=adminsonly,
        )
    )


def _is_open(ctx: Context, entity: Entity | None) -> bool:
    if isinstance(entity, Domain):
        return ctx.caller.domain.contains(entity)
    return entity is not None and entity.usable_by(ctx.caller)


@command("listAnnotations")
def list_annotations(ctx: Context, params: Params) -> Page:
    """Annotations, the newest first; those of things that the caller may see, and not those for administrators."""
    kind, entity_id = params.optional("entitytype"), params.optional("entityid")
    if params.optional("id") and (kind or entity_id):
        raise failed("I will either search for a specific annotation or for annotations on an entity, not both")
    if kind is not None and kind not in _RESPONSES and not _is_admin(ctx):
        raise failed(f"Could not parse entity type {kind}")
    writer = params.optional("userid")
    if params.text("annotationfilter").lower() == "self" and writer is None:
        writer = ctx.user.id
    kinds, keyword = _kinds(ctx), params.text("keyword").lower()

    def seen(item: Annotation) -> bool:
        if not _is_admin(ctx) and (item.adminsonly or item.entitytype not in kinds or not _is_open(ctx, item.subject)):
            return False
        written_by = None if item.user is None else item.user.id
        return writer in (None, written_by) and keyword in (item.annotation or "").lower()

    found = ctx.store.all(Annotation, seen)[::-1]
    return ctx.page(found, params, ignore=("annotationfilter", "userid", "keyword")).under("annotation")


def _named(ctx: Context, params: Params) -> Annotation | None:
    return ctx.store.get(Annotation, params.text("id"))


@command("removeAnnotation")
def remove_annotation(ctx: Context, params: Params) -> Annotation:
    """An annotation of the caller's own; administrators take away any."""
    found = _named(ctx, params)
    if found is None or not (_is_admin(ctx) or found.user is ctx.user):
        raise failed(
            "Only administrators or entity owner users can delete annotations, "
            f"cannot remove annotation with uuid: {params.text('id')}"
        )
    found.removed = ctx.now
    ctx.remove(found)
    return found


@command("updateAnnotationVisibility")
def update_visibility(ctx: Context, params: Params) -> Annotation:
    """Whether an annotation is for administrators only."""
    found = _named(ctx, params)
    if found is None or not _is_admin(ctx):
        raise failed(
            "Only admins can update annotations' visibility. "
            f"Cannot update visibility for annotation with id: {params.text('id')}"
        )
    found.adminsonly = params.flag("adminsonly")
    return found
