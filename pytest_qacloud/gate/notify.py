"""Telling people how a gate ended: by mail and through a webhook, both off unless they are set."""

from __future__ import annotations

import hashlib
import hmac
import json
import smtplib
import ssl
from email.message import EmailMessage
from typing import TYPE_CHECKING

import requests

from ..errors import AccessDeniedError, ServiceFaultError, UnreachableError
from .report import headline, text, to_plain

if TYPE_CHECKING:
    from ..model import Mail, Webhook
    from .report import Report

TIMEOUT_S = 20.0
SIGNATURE = "X-Qacloud-Signature-256"
"""Header that carries `sha256=` and the HMAC of the body in hexadecimal."""


def send_mail(mail: Mail, password: str | None, told: Report, page: str = "") -> None:
    """Send a report.

    Args:
        page: goes along as an attachment.

    Raises:
        UnreachableError: the server does not answer.
        AccessDeniedError: it does not let us in.
        ServiceFaultError: it does not take the mail.
    """
    message = EmailMessage()
    message["Subject"] = f"[qacloud] {told.staging_branch}: {headline(told)}"
    message["From"], message["To"] = mail.sender, ", ".join(mail.to)
    message.set_content("\n".join(text(told)) + "\n")
    if page:
        message.add_attachment(page, subtype="html", filename=f"gate-{told.gate}.html")
    host, _, port = mail.server.partition(":")
    name = f"SMTP server {mail.server}"
    try:
        with smtplib.SMTP(host, int(port or 587), timeout=TIMEOUT_S) as server:
            if mail.encrypted:
                server.starttls(context=ssl.create_default_context())
            if mail.user is not None:
                server.login(mail.user, password or "")
            server.send_message(message)
    except smtplib.SMTPAuthenticationError as error:
        raise AccessDeniedError(name, "it refuses the login", "correct user and password in [gate.mail]") from error
    except smtplib.SMTPException as error:
        raise ServiceFaultError(name, str(error), "see [gate.mail]") from error
    except (OSError, ValueError) as error:
        raise UnreachableError(name, str(error), "correct server in [gate.mail]") from error


def post(webhook: Webhook, secret: str | None, told: Report) -> None:
    """Send a report as JSON.

    Raises:
        UnreachableError: no answer.
        ServiceFaultError: an answer that is no success.
    """
    body = json.dumps({"text": "\n".join(text(told)), "gate": to_plain(told)}).encode()
    headers = {"Content-Type": "application/json"}
    if secret is not None:
        headers[SIGNATURE] = f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
    name = "webhook of [gate.webhook]"  # its URL may be a secret of its own
    try:
        reply = requests.post(webhook.url, body, headers=headers, timeout=TIMEOUT_S, allow_redirects=False)
    except requests.RequestException as error:
        raise UnreachableError(name, type(error).__name__, "correct its url") from error
    if not reply.ok or reply.is_redirect:
        raise ServiceFaultError(name, f"it answers {reply.status_code}", "correct its url")
