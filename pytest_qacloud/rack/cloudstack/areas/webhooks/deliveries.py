"""What webhooks are told: events as they happen, and what callers send by hand."""

from __future__ import annotations

import json
import queue
import uuid
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from ...errors import failed, invalid
from ...models.webhooks import Webhook, WebhookDelivery
from ...registry import command, installs, settles
from ..system.management import ManagementHost
from .sending import Courier, Outcome, Parcel
from .webhooks import check_url, payload_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...context import Context
    from ...events import Event
    from ...lists import Page
    from ...params import Params
    from ...server import ManagementServer

TEST_EVENT = "TEST.WEBHOOK"
_GREETING = '{ "CloudStack": "works!" }'


class _Post:
    """A server's courier, and what came back and is not in the store yet: threads do not touch the store."""

    def __init__(self, server: ManagementServer) -> None:
        self.courier = Courier(server.clock.now)
        self.back: queue.SimpleQueue[tuple[Webhook, Parcel, Outcome]] = queue.SimpleQueue()
        self.cleanup_due = server.clock.now() + _number(server, "webhook.deliveries.cleanup.initial.delay")


_POSTS: WeakKeyDictionary[ManagementServer, _Post] = WeakKeyDictionary()


def _number(server: ManagementServer, setting: str) -> int:
    return int(server.settings.value(setting) or 0)


@installs()
def install(server: ManagementServer) -> None:
    """Follow the server's events."""
    _POSTS[server] = _Post(server)
    server.trail.followers.append(partial(_tell, server))


def _tell(server: ManagementServer, event: Event) -> None:
    """Send an event to all webhooks that want it; their deliveries are listed once they have ended."""
    if event.user is None or server.settings.value("publish.action.events").lower() == "false":
        return
    for webhook in server.store.all(Webhook, lambda item: item.wants_events_of(event.owner)):
        parcel = _parcel(server, webhook, _described(event), (event.id, event.type, event.owner.id))
        _send(server, parcel, _keeper(_POSTS[server], webhook, parcel))


def _keeper(post: _Post, webhook: Webhook, parcel: Parcel) -> Callable[[Outcome], None]:
    return lambda outcome: post.back.put((webhook, parcel, outcome))


def _described(event: Event) -> str:
    """An event as webhooks get it."""
    described = {
        "eventDateTime": datetime.fromtimestamp(event.created, UTC).strftime("%Y-%m-%d %H:%M:%S %z"),
        "entityuuid": event.resourceid,
        "description": event.description,
        "event": event.type,
        "user": None if event.user is None else event.user.id,
        "account": event.owner.id,
        "entity": event.resourcetype,
        "status": event.state,
        "project": event.projectid,
    }
    return json.dumps({name: value for name, value in described.items() if value is not None}, separators=(",", ":"))


def _parcel(server: ManagementServer, webhook: Webhook, payload: str, event: tuple[str, str, str]) -> Parcel:
    """A payload for a webhook, as the settings of the webhook's domain say; `event` is id, type and owner's id."""
    event_id, event_type, account_id = event
    return Parcel(
        url=webhook.payloadurl,
        payload=payload,
        event_id=event_id,
        event_type=event_type,
        account_id=account_id,
        secret=webhook.secretkey,
        verify=webhook.sslverification,
        tries=int(server.settings.value("webhook.delivery.tries", webhook.target) or 0),
        timeout_s=int(server.settings.value("webhook.delivery.timeout", webhook.target) or 1),
    )


def _send(server: ManagementServer, parcel: Parcel, done: Callable[[Outcome], None]) -> None:
    _POSTS[server].courier.post(parcel, done, at_once=_number(server, "webhook.delivery.thread.pool.size"))


def _delivery(server: ManagementServer, webhook: Webhook, parcel: Parcel, outcome: Outcome) -> WebhookDelivery:
    return WebhookDelivery(
        webhook=webhook,
        eventid=parcel.event_id,
        eventtype=parcel.event_type,
        accountid=parcel.account_id,
        managementserver=server.store.first(ManagementHost),
        **vars(outcome),
    )


@settles
def _settle(server: ManagementServer) -> None:
    """Keep what came back since the last call, and from time to time only the newest deliveries of each webhook."""
    post, now = _POSTS[server], server.clock.now()
    while not post.back.empty():
        webhook, parcel, outcome = post.back.get()
        if webhook in server.store:
            server.store.add(_delivery(server, webhook, parcel, outcome), now)
    if now < post.cleanup_due:
        return
    post.cleanup_due = now + max(_number(server, "webhook.deliveries.cleanup.interval"), 1)
    limit = _number(server, "webhook.deliveries.limit")
    for webhook in server.store.all(Webhook):
        deliveries = server.store.all(WebhookDelivery, webhook=webhook)
        for delivery in deliveries[: max(len(deliveries) - limit, 0)]:
            server.store.remove(delivery)


def _chosen(ctx: Context, params: Params) -> list[WebhookDelivery]:
    """The deliveries that a command's parameters choose among those that the caller may use, the newest first."""
    for name in ("id", "webhookid"):
        entity = params.get(name)
        if entity is not None and not entity.usable_by(ctx.caller):
            raise invalid(f"Invalid {name} specified")
    start, end = params.get("startdate"), params.get("enddate")
    if start is not None and end is not None and end < start:
        raise invalid("Invalid enddate specified")
    one, webhook = params.entity("id", WebhookDelivery), params.entity("webhookid", Webhook)
    host = params.entity("managementserverid", ManagementHost) if ctx.caller.is_root_admin else None
    found = ctx.store.all(
        WebhookDelivery,
        lambda item: (
            item.usable_by(ctx.caller)
            and one in (None, item)
            and webhook in (None, item.webhook)
            and host in (None, item.managementserver)
            and (start is None or item.startdate >= start)
            and (end is None or item.enddate <= end)
        ),
    )
    return found[::-1]


@command("listWebhookDeliveries")
def list_deliveries(ctx: Context, params: Params) -> Page:
    """What was sent to webhooks; `keyword` is looked for in the payload."""
    keyword = params.text("keyword").lower()
    found = [item for item in _chosen(ctx, params) if keyword in item.payload.lower()]
    ignore = ("id", "webhookid", "managementserverid", "startdate", "enddate", "keyword")
    return ctx.page(found, params, ignore=ignore).under("webhookdelivery")


@command("deleteWebhookDelivery")
def delete_deliveries(ctx: Context, params: Params) -> bool:
    """Forget deliveries."""
    for delivery in _chosen(ctx, params):
        ctx.remove(delivery)
    return True


@command("executeWebhookDelivery")
def execute_delivery(ctx: Context, params: Params) -> WebhookDelivery:
    """Send one payload and wait for how it ends; kept only where a former delivery is repeated.

    The server answers no other call meanwhile, so a receiver that calls the server back before it answers is in vain.
    """
    former, webhook = params.entity("id", WebhookDelivery), params.entity("webhookid", Webhook)
    url = payload_url(params.text("payloadurl"))
    if former is None and webhook is None and not url:
        raise invalid("One of the id, webhookid or payloadurl must be specified")
    if url:
        check_url(url)
    target = _target(ctx, params, webhook or (None if former is None else former.webhook), url)
    if former is None:
        event, payload = (str(uuid.uuid4()), TEST_EVENT, target.owner.id), params.text("payload").strip() or _GREETING
    else:
        event, payload = (former.eventid or "", former.eventtype, former.accountid), former.payload
    parcel = _parcel(ctx.server, target, payload, event)
    ended: Future[Outcome] = Future()
    _send(ctx.server, parcel, ended.set_result)
    try:
        outcome = ended.result(timeout=parcel.tries * 2 * parcel.timeout_s + 1)
    except TimeoutError:
        raise failed("Failed to execute test webhook delivery") from None
    delivery = _delivery(ctx.server, webhook or (target if former is None else former.webhook), parcel, outcome)
    if former is not None:
        return ctx.add(delivery)
    delivery.eventid = None
    return delivery


def _target(ctx: Context, params: Params, webhook: Webhook | None, url: str) -> Webhook:
    """Where to send: a webhook, or one like it that differs as the parameters say. It is nowhere in the store."""
    owner = ctx.caller if webhook is None else webhook.owner
    named = webhook is None or params.get("webhookid") is not None
    target = Webhook(
        id="" if webhook is None else webhook.id,
        owner=owner,
        name="" if webhook is None else webhook.name,
        payloadurl=url if webhook is None else webhook.payloadurl,
        secretkey=None if webhook is None else webhook.secretkey,
        sslverification=webhook is not None and webhook.sslverification,
        target=owner.domain if webhook is None else webhook.target,
    )
    if named:
        target.payloadurl = url or target.payloadurl
        target.secretkey = params.optional("secretkey") or target.secretkey
        ctx.assign(target, params, "sslverification")
    return target
