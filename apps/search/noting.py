"""Searches in the security audit: who looked for what, and how much there was."""

from typing import Any, Final
from uuid import UUID

from django.utils.crypto import salted_hmac

from apps.activity.audit import SAME_ACT, audit
from apps.activity.models import SecurityEvent
from apps.activity.services import CONTENT
from apps.backups.models import Entity
from apps.core import clock
from apps.core.actor import current_actor
from apps.core.sight import sees_limited

from . import selectors
from .index.engine import Total
from .language.tree import All, Column, Ids
from .pages import Searched

DONE, TAKEN = "search.done", "search.exported"
KEPT: Final = 1_950
"""Letters of what was asked: all words (`asked.TEXT_LIMIT`), and most of what they were narrowed to."""


def note_search(found: Searched, total: Total | None = None, code: str = DONE) -> None:
    """Write it once in ten minutes for the same person and question: pages, orders and reloads are one look.

    `total` is counted where the caller did not.

    What was typed may name what is inside mailboxes, so it stands where subjects stand. When limited mailboxes
    were among the results, their number would tell of them: the row is for who sees them, too.
    """
    asked = said(found)
    actor, same = current_actor(), _same(found)
    lately = SecurityEvent.objects.filter(actor_id=actor.user_id, at__gte=clock.now() - SAME_ACT, code=code)
    if lately.filter(subject_id=same).exists():
        return
    if total is None:
        total = selectors.count(found.account_id, found.query(), scope=found.scope)
    limited = _limited(found)
    details: dict[str, Any] = {"found": total.number, CONTENT: _kept(asked)}
    audit(
        code,
        description=f"{total.words[:1].upper()}{total.words[1:]} found",
        service=limited.task.service if limited else "",
        subject_id=same,
        entity_id=limited.public_id if limited else None,
        **details,
    )


def said(found: Searched) -> str:
    """What was asked, as it stands in the address."""
    pairs = found.asked.pairs(text="", sort="")
    return " ".join(filter(None, (found.asked.text, *(f"{name}={value}" for name, value in pairs))))


def _kept(asked: str) -> str:
    """What does not fit into an entry is ids of mailboxes and years; that there was more is said."""
    return asked if len(asked) <= KEPT else f"{asked[:KEPT]}… ({len(asked):,} letters in all)"


def _same(found: Searched) -> UUID:
    """Two searches have one id when they are one person's and ask the same to the last letter.

    Keyed: it is shown to those, too, who may not see the words, and must not let them be guessed.
    """
    said_by = repr((found.account_id, current_actor().user_id, found.asked.pairs(sort="")))
    digest = salted_hmac("search.noting", said_by, algorithm="sha256").digest()
    return UUID(bytes=digest[:16])


def _limited(found: Searched) -> Entity | None:
    if not sees_limited():
        return None
    limited = dict(Entity.objects.filter(limited=True).values_list("pk", "public_id"))
    if not limited:
        return None
    among = All((found.query(), Ids(Column.ENTITY, frozenset(limited))))
    if not selectors.count(found.account_id, among, scope=found.scope).number:
        return None
    return Entity.objects.select_related("task").filter(pk__in=limited).first()
