"""Webhooks: who is told of which events, where."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ...errors import denied, failed, invalid
from ...identity import Account, AccountType, Domain
from ...models.webhooks import DISABLED, DOMAIN, ENABLED, GLOBAL, LOCAL, Webhook
from ...registry import command
from ...replies import shape

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...context import Context
    from ...lists import Page
    from ...params import Params

_ADMINS = (AccountType.ADMIN, AccountType.DOMAIN_ADMIN)


@command("createWebhook")
def create_webhook(ctx: Context, params: Params) -> Webhook:
    """A webhook of an account; one that is no administrator's has the scope Local whatever was asked for."""
    owner, scope = ctx.owner(params), LOCAL
    if ctx.caller.accounttype in _ADMINS and params.optional("scope"):
        scope = one_of(params.text("scope"), (LOCAL, DOMAIN, GLOBAL), "scope")
    _check_scope(owner, scope)
    url = payload_url(params.text("payloadurl"))
    check_url(url)
    _check_unique(ctx, owner, url)
    check_tls(url, verify=params.flag("sslverification"))
    domain = params.entity("domainid", Domain) if scope == DOMAIN else None
    if domain is not None and not ctx.caller.is_root_admin and not ctx.caller.domain.contains(domain):
        raise denied(f"{ctx.caller.name} does not have permission to access domain {domain.name}")
    return ctx.add(
        Webhook(
            owner=owner,
            name=params.text("name"),
            description=params.optional("description"),
            payloadurl=url,
            secretkey=params.optional("secretkey"),
            sslverification=params.flag("sslverification"),
            scope=scope,
            state=one_of(params.text("state") or ENABLED, (ENABLED, DISABLED), "state"),
            target=domain or owner.domain,
        )
    )


def one_of(value: str, known: Iterable[str], what: str) -> str:
    """A value that has to be one of those that are known, letter for letter.

    Raises:
        ApiError: it is not (431).
    """
    if value not in known:
        raise invalid(f"Invalid {what} specified")
    return value


def _check_scope(owner: Account, scope: str) -> None:
    allowed = {LOCAL: True, DOMAIN: owner.accounttype in _ADMINS, GLOBAL: owner.is_root_admin}
    if not allowed[scope]:
        raise invalid(f"Scope {scope} can not be specified for owner {owner.name}")


def payload_url(text: str) -> str:
    """A payload URL with its scheme; HTTP where it has none."""
    return text if not text or text.startswith(("http://", "https://")) else f"http://{text}"


def check_url(url: str) -> None:
    """Refuse a URL to which nothing could ever be sent.

    Loopback addresses, which CloudStack refuses, are those of everything here; names, which it looks up, are believed.

    Raises:
        ApiError: it is no URL, or its host is a multicast, link-local, unspecified or IPv6 address (530).
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise failed(f"Invalid URL: {url}") from None
    if not host or any(character.isspace() for character in url):
        raise failed(f"Invalid URL: {url}")
    try:
        address = ip_address(host)
    except ValueError:
        return
    if address.is_unspecified or address.is_link_local or address.is_multicast:
        raise failed("Illegal host specified in URL.")
    if address.version == 6:
        raise failed(f"IPv6 addresses are not supported ({address}).")


def check_tls(url: str, *, verify: bool) -> None:
    """Refuse to verify a server that has no certificate.

    Raises:
        ApiError: the URL is not HTTPS (431).
    """
    if verify and not url.startswith("https://"):
        raise invalid(f"SSL verification can be specified only for HTTPS URLs, {url}")


def _check_unique(ctx: Context, owner: Account, url: str, itself: Webhook | None = None) -> None:
    if ctx.store.first(Webhook, lambda other: other is not itself, owner=owner, payloadurl=url) is not None:
        raise invalid(f"Payload URL: {url} is already in use by another webhook")


@command("listWebhooks")
def list_webhooks(ctx: Context, params: Params) -> Page:
    """Webhooks that the caller may see; by scope only where the caller could have made one of that scope."""
    if params.optional("scope"):
        scope = one_of(params.text("scope"), (LOCAL, DOMAIN, GLOBAL), "scope")
        allowed = {LOCAL: True, DOMAIN: ctx.caller.accounttype in _ADMINS, GLOBAL: ctx.caller.is_root_admin}
        if not allowed[scope]:
            raise invalid(f"Scope {scope} can not be specified")
    if params.optional("state"):
        one_of(params.text("state"), (ENABLED, DISABLED), "state")
    return ctx.list(Webhook, params)


@command("updateWebhook")
def update_webhook(ctx: Context, params: Params) -> dict[str, object]:
    """Anything of a webhook but its owner; all is checked before anything changes."""
    webhook = params.need("id", Webhook)
    state = one_of(params.text("state") or webhook.state, (ENABLED, DISABLED), "state")
    scope = one_of(params.text("scope") or webhook.scope, (LOCAL, DOMAIN, GLOBAL), "scope")
    _check_scope(webhook.owner, scope)
    url = payload_url(params.text("payloadurl")) or webhook.payloadurl
    if params.optional("payloadurl"):
        check_url(url)
        _check_unique(ctx, webhook.owner, url, webhook)
    check_tls(url, verify=params.flag("sslverification"))
    webhook.state, webhook.scope, webhook.payloadurl = state, scope, url
    webhook.name = params.text("name").strip() or webhook.name
    ctx.assign(webhook, params, "description", "sslverification")
    if "secretkey" in params:
        webhook.secretkey = params.text("secretkey").strip() or None
    return {"webhook": shape(webhook, admin=ctx.caller.is_root_admin)}


@command("deleteWebhook")
def delete_webhook(ctx: Context, params: Params) -> bool:
    """A webhook, with the record of its deliveries."""
    return ctx.remove(params.need("id", Webhook))
