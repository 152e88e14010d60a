"""Searches in the security audit: who looked for what, and how much there was."""

from typing import Any

from apps.activity.audit import SAME_ACT, audit
from apps.activity.models import SecurityEvent
from apps.activity.services import CONTENT
from apps.backups.models import Entity
from apps.core import clock
from apps.core.actor import current_actor
from apps.core.sight import sees_limited

from . import selectors
from .language.tree import All, Column, Ids
from .pages import Searched

DONE, TAKEN = "search.done", "search.exported"


def note_search(found: Searched, total: int, code: str = DONE) -> None:
    """Write it once in ten minutes for the same person and words: pages, orders and reloads are one look.

    What was typed may name what is inside mailboxes, so it stands where subjects stand. When limited mailboxes
    were among the results, their number would tell of them: the row is for who sees them, too.
    """
    asked = said(found)
    actor = current_actor()
    lately = SecurityEvent.objects.filter(actor_id=actor.user_id, at__gte=clock.now() - SAME_ACT, code=code)
    if lately.filter(**{f"details__{CONTENT}": asked}).exists():
        return
    limited = _limited(found)
    details: dict[str, Any] = {"found": total, CONTENT: asked}
    audit(
        code,
        description=f"{total:,} item{'' if total == 1 else 's'} found",
        service=limited.task.service if limited else "",
        entity_id=limited.public_id if limited else None,
        **details,
    )


def said(found: Searched) -> str:
    """What was asked, as it stands in the address."""
    pairs = found.asked.pairs(text="", sort="")
    return " ".join(filter(None, (found.asked.text, *(f"{name}={value}" for name, value in pairs))))[:500]


def _limited(found: Searched) -> Entity | None:
    if not sees_limited():
        return None
    limited = dict(Entity.objects.filter(limited=True).values_list("pk", "public_id"))
    if not limited:
        return None
    among = All((found.query(), Ids(Column.ENTITY, frozenset(limited))))
    if not selectors.count(found.account_id, among, scope=found.scope):
        return None
    return Entity.objects.select_related("task").filter(pk__in=limited).first()
