"""The ways a letter goes: a mail, a signed webhook, a Slack- or Teams-style hook."""

import json
from collections.abc import Callable, Mapping
from email.headerregistry import Address
from smtplib import (
    SMTPAuthenticationError,
    SMTPConnectError,
    SMTPException,
    SMTPHeloError,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from apps.core.errors import InvalidRequest
from apps.core.public_web import networks
from apps.core.sealing import unseal
from apps.core.webhooks import Letter as Request
from apps.core.webhooks import post

from .enums import Way
from .letters import Written
from .models import Delivery, Recipient
from .registry import kind_of
from .unsubscribing import unsubscribe_address

SECONDS: Final = 10.0
_TOO_LARGE: Final = 552
_LATER: Final = frozenset({408, 425, 429})
_SHORT: Final = 2500  # characters of a text in Slack and Teams, whose limits are near


class NotNow(Exception):
    """It did not arrive; a later try may."""


class GivenUp(Exception):
    """It will never arrive: the other end said so."""


def send_by(delivery: Delivery, words: Written) -> None:
    """Send it. Raises NotNow, GivenUp, EverkeepError."""
    if delivery.way == Way.MAIL:
        _mail(delivery, words)
    else:
        _hook(delivery, words)


def _mail(delivery: Delivery, words: Written) -> None:
    kind = kind_of(delivery.kind)
    stop = unsubscribe_address(delivery) if kind.stoppable and kind.offered else ""
    parts = {
        "subject": words.subject,
        "body": words.body,
        "html": words.html,
        "link": words.link,
        "link_words": words.link_words,
        "name": words.name,
        "stop": stop,
        "kind": kind.label,
    }
    headers = {"Auto-Submitted": "auto-generated", "Message-ID": _message_id(delivery)}
    if stop:
        headers |= {"List-Unsubscribe": f"<{stop}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    text = render_to_string("mails/frame.txt", parts)
    mail = EmailMultiAlternatives(
        words.subject, text, settings.DEFAULT_FROM_EMAIL, [_to(delivery, words)], headers=headers
    )
    mail.attach_alternative(render_to_string("mails/frame.html", parts), "text/html")
    for one in words.attachments:
        mail.attach(one.name, one.content, one.mime)
    try:
        mail.send()
    except (SMTPException, OSError) as error:
        raise _judged(error) from error


def _judged(error: Exception) -> Exception:
    """A no that concerns this mail is final; that the server is away or wants a password is not."""
    said: bytes | str
    if isinstance(error, SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()), (0, b""))
    elif isinstance(error, SMTPResponseException):
        code, said = error.smtp_code, error.smtp_error
    else:
        return NotNow("The mail server could not be reached.")
    words = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    plain = " ".join("".join(letter if letter.isprintable() else " " for letter in words).split())
    told = f"The mail server said: {code} {plain.rstrip('.')}."
    return GivenUp(told) if code >= 500 and not _is_about_us(error, code) else NotNow(told)


def _is_about_us(error: Exception, code: int) -> bool:
    """Whether the server would say the same of every mail, until the operator mends it."""
    if isinstance(error, SMTPSenderRefused):
        return code != _TOO_LARGE  # the size is told beside the sender
    return isinstance(error, SMTPAuthenticationError | SMTPConnectError | SMTPHeloError)


def _to(delivery: Delivery, words: Written) -> str:
    local, _, domain = delivery.address.rpartition("@")
    name = "".join(letter for letter in words.name if letter.isprintable())
    return str(Address(name, local, domain)) if local and name else delivery.address


def _message_id(delivery: Delivery) -> str:
    """The same at each try, so that whoever gets two knows them for one."""
    host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip("> ") or "everkeep"
    return f"<{delivery.public_id}@{host}>"


def _hook(delivery: Delivery, words: Written) -> None:
    recipient = delivery.recipient
    if recipient is None:
        raise GivenUp("This recipient was removed.")
    body = json.dumps(BODIES[delivery.way](delivery, words), ensure_ascii=False, default=str).encode()
    headers = {"Content-Type": "application/json"}
    if delivery.way == Way.WEBHOOK:
        headers |= {"X-Everkeep-Id": str(delivery.public_id), "X-Everkeep-Event": delivery.kind}
    account_id = recipient.account_id
    secret = unseal(
        account_id=account_id, purpose=recipient.secret_purpose, sealed=bytes(recipient.sealed_secret)
    )
    private = networks(settings.HOOK_PRIVATE_NETWORKS)
    try:
        status = post(url_of(recipient), secret, Request(body, headers, SECONDS), private=private)
    except InvalidRequest as error:
        raise GivenUp(f"{error.what} {error.do}".strip()) from error
    if 200 <= status < 300:
        return
    said = f"Answered {status}."
    raise NotNow(said) if status >= 500 or status in _LATER else GivenUp(said)


def url_of(recipient: Recipient) -> str:
    """The whole address of a hook."""
    sealed = bytes(recipient.sealed_url)
    return unseal(account_id=recipient.account_id, purpose=recipient.url_purpose, sealed=sealed).decode()


def _webhook(delivery: Delivery, words: Written) -> dict[str, Any]:
    return {
        "id": str(delivery.public_id),
        "event": delivery.kind,
        "at": delivery.created_at.isoformat(),
        "subject": words.subject,
        "text": words.body,
        "link": words.link,
        "facts": dict(words.facts),
    }


def _slack(delivery: Delivery, words: Written) -> dict[str, Any]:
    """Blocks of plain text: nothing in a name becomes a link or calls anybody (`@channel`)."""
    blocks: list[Mapping[str, Any]] = [
        {"type": "section", "text": {"type": "plain_text", "text": part[:_SHORT], "emoji": False}}
        for part in (words.subject, words.body)
        if part
    ]
    if words.link:
        label = _slack_safe(words.link_words or "Open")
        text = f"<{_slack_safe(words.link).replace('|', '%7C')}|{label}>"
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": text}})
    return {"text": _slack_safe(words.subject), "blocks": blocks}


def _slack_safe(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _teams(delivery: Delivery, words: Written) -> dict[str, Any]:
    """An adaptive card of text runs, which know no markdown."""
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [_run(words.subject, weight="Bolder", size="Medium"), _run(words.body[:_SHORT] or "-")],
    }
    if words.link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": words.link_words or "Open", "url": words.link}]
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "contentUrl": None, "content": card}]}


def _run(text: str, **look: str) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **look}]}


BODIES: Final[Mapping[str, Callable[[Delivery, Written], dict[str, Any]]]] = {
    Way.WEBHOOK: _webhook,
    Way.SLACK: _slack,
    Way.TEAMS: _teams,
}
