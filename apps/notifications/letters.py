"""What is written: a template with its facts, rendered once, sealed, and taken out again when it is sent."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.template import TemplateDoesNotExist
from django.template.loader import get_template, render_to_string

from apps.core.sealing import seal, unseal

from .models import Delivery


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes along with a mail; hooks get none."""

    name: str
    mime: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """`templates/mails/<name>.txt` (its first line is the subject) with `context`.

    Beside it may stand `<name>.html`, the body of the mail's HTML; without it the text is put into our frame.
    `link` (a path or a whole address) becomes a button. `facts` is what webhooks get, as JSON. `service`,
    `entity_id` and `task_id` are what it names: who does not see them gets none of it. Letters with the same
    `digest_key` that are written within a few minutes go out as one.
    """

    name: str
    context: Mapping[str, Any]
    link: str = ""
    link_words: str = ""
    attachments: Sequence[Attachment] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    service: str = ""
    entity_id: UUID | None = None
    task_id: UUID | None = None
    digest_key: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """A letter as words. `html` is "" when the text is all there is."""

    subject: str
    body: str
    html: str = ""
    link: str = ""
    link_words: str = ""
    name: str = ""  # of the one who gets it
    facts: Mapping[str, Any] = field(default_factory=dict)
    attachments: Sequence[Attachment] = ()


def written(letter: Letter, name: str = "") -> Written:
    """Render a letter to somebody called `name`."""
    context = dict(letter.context)
    text = render_to_string(f"mails/{letter.name}.txt", context).strip()
    subject, _, body = text.partition("\n")
    try:
        html = get_template(f"mails/{letter.name}.html").render(context)
    except TemplateDoesNotExist:
        html = ""
    return Written(
        subject=" ".join(subject.split()),
        body=body.strip(),
        html=html,
        link=whole_address(letter.link),
        link_words=letter.link_words,
        name=name,
        facts=letter.facts,
        attachments=letter.attachments,
    )


def whole_address(link: str) -> str:
    """A path of ours as the address that a mail shows."""
    return link if "://" in link else f"{settings.PORTAL_URL}{link}" if link else ""


def sealed(delivery: Delivery, words: Written) -> bytes:
    """Seal a letter for its row."""
    parts = {
        "subject": words.subject,
        "body": words.body,
        "html": words.html,
        "link": words.link,
        "link_words": words.link_words,
        "name": words.name,
        "facts": dict(words.facts),
        "attachments": [
            [one.name, one.mime, base64.b64encode(one.content).decode()] for one in words.attachments
        ],
    }
    plain = json.dumps(parts, ensure_ascii=False, default=str).encode()
    return seal(account_id=delivery.account_id, purpose=delivery.purpose, plaintext=plain)


def opened(delivery: Delivery) -> Written:
    """Read a sealed letter. Raises SealBroken or MasterKeyMissing."""
    plain = unseal(account_id=delivery.account_id, purpose=delivery.purpose, sealed=bytes(delivery.sealed_body))
    parts = json.loads(plain)
    files = [Attachment(name, mime, base64.b64decode(data)) for name, mime, data in parts.pop("attachments")]
    return Written(**parts, attachments=files)
