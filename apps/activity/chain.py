"""The chain of an account's security audit: what binds each entry to all entries before it.

An entry's seal is the SHA-256 of its canonical form, which holds every field of it, its number and the seal of
the entry before. Nobody can change, take out, slip in or reorder an entry without changing all seals after it,
and the newest of these is kept elsewhere too (heads.py). docs/audit.md shows the form byte by byte.
"""

import hashlib
import json
import logging
import math
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from apps.core.sight import whole_sight

from .models import ChainHead, SecurityEvent

VERSION: Final = 1
logger = logging.getLogger("everkeep.audit")


def canonical(event: SecurityEvent) -> bytes:
    """Return the form of an entry that is hashed: JSON, keys in order, no spaces, UTF-8."""
    return _json(fields_of(event))


def fields_of(event: SecurityEvent) -> dict[str, Any]:
    """Return what the canonical form says of an entry."""
    return {
        "version": event.version,
        "sequence": event.sequence,
        "previous": event.previous,
        "id": str(event.public_id),
        "at": moment(event.at),
        "code": event.code,
        "status": event.status,
        "service": event.service,
        "task": event.task_label,
        "performer": event.actor_label,
        "performer_id": event.actor_id,
        "address": event.address,
        "description": event.description,
        "subject": _id(event.subject_id),
        "entity": _id(event.entity_id),
        "details": event.details,
    }


def seal_of(event: SecurityEvent) -> str:
    """Return the seal that an entry must have, hexadecimal."""
    return hashlib.sha256(canonical(event)).hexdigest()


def genesis(account: UUID) -> str:
    """Return what the first entry names as its previous seal: no chain can pass for another account's."""
    return hashlib.sha256(f"everkeep audit {VERSION} {account}".encode()).hexdigest()


def moment(at: datetime) -> str:
    """Return a time as the canonical form has it: UTC, always six digits of a second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def append(event: SecurityEvent, *, beyond: int = 0) -> SecurityEvent:
    """Make an entry the newest of its account's chain, numbered over `beyond`, in the caller's transaction.

    The head's row is locked until that transaction ends: writers of one account stand in line, and an act that
    is rolled back leaves no gap. So write the entry last, and do nothing slow after it.
    """
    with transaction.atomic(savepoint=False):
        head = _locked_head(event.account_id)
        last = _last()
        if last is not None and last.sequence > head.sequence:
            # Entries beyond the head: somebody meddled. What is going on must go on, and be written down.
            logger.error("audit of account %s: entry %s is beyond its head", event.account_id, last.sequence)
            head.sequence, head.seal = last.sequence, last.seal
        event.version = VERSION
        event.sequence, event.previous = max(head.sequence, beyond) + 1, head.seal
        event.seal = seal_of(event)
        event.save()
        ChainHead.objects.filter(pk=head.pk).update(sequence=event.sequence, seal=event.seal)
    return event


def _locked_head(account_id: int) -> ChainHead:
    head = ChainHead.objects.select_for_update().filter(account_id=account_id).first()
    return head or _new_head(account_id)


def _new_head(account_id: int) -> ChainHead:
    """Begin the chain; whose head is gone goes on after its last entry, and the next check tells on it."""
    last = _last()
    head, made = ChainHead.objects.select_for_update().get_or_create(
        account_id=account_id,
        defaults={"sequence": last.sequence, "seal": last.seal} if last else {"seal": ""},
    )
    if made and not head.seal:
        head.seal = genesis(head.account.public_id)
    return head


def _last() -> SecurityEvent | None:
    with whole_sight("an entry follows the newest one, whoever may see that"):
        return SecurityEvent.objects.only("sequence", "seal").order_by("-sequence").first()


def plain(text: str, limit: int) -> str:
    """Return text that every database gives back as it is: no NUL, no half of a character, not too long."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:limit]


def plain_json(value: Any) -> Any:
    """Return a value as any database gives it back, so that its hash stays what it was."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return str(value)
        return int(value) if value.is_integer() else value
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, dict):
        return {plain(str(key), 200): plain_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [
            plain_json(each) for each in (value if isinstance(value, list | tuple) else sorted(value, key=str))
        ]
    return plain(str(value), 2000)


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _id(value: UUID | None) -> str | None:
    return str(value) if value else None
