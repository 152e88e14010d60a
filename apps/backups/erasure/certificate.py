"""The certificate of an erasure: what, when, by whom, and what is left where. No content and no names of items.

It says how things stand when it is made: the bytes leave the store after the catalog, with garbage collection.
"""

from collections import Counter
from datetime import datetime
from typing import Any

from apps.connectors.enums import Service, SubService
from apps.core import clock
from apps.core.permissions import Permission, allowed
from apps.core.signatures import public_key, sign, signed_file
from apps.vault.api import has_dictionaries, journals_locked_until

from ..enums import ErasureState
from ..holds import may_name_holds
from ..models import Erasure
from ..registry import remains_elsewhere
from .proof import locked_until

FRAGMENTS = (
    "Sealed dictionaries, with which small items of the account are packed, were trained on items: fragments "
    "of one may be in them for as long as the account is kept."
)
IN_INDEX = (
    "Sealed files of the search index may hold words of them, which no search finds, until the index is "
    "rewritten. That goes by itself."
)
NOT_REACHED = (
    "The security audit and the activity of the account keep who looked at, restored or exported what, under "
    "the names of then: the audit cannot be changed. Files that were downloaded or sent before are not ours."
)
_NOT_SHOWN = "Shown to administrators."


def certificate_of(erasure: Erasure) -> dict[str, Any]:
    """Return what can be said of it now, as JSON."""
    kinds: dict[str, Any] = {}
    for kind, (items, versions) in sorted(erasure.counts.items()):
        rows = erasure.items.filter(sub_service=kind).order_by("key")
        ids = list(rows.values_list("key", flat=True))
        kinds[SubService(kind).label] = {"items": items, "versions": versions, "ids": ids}
    return {
        "certificate of": str(erasure.public_id),
        "made": _said(clock.now()),
        "service": str(Service(erasure.service).label),
        "mailbox": erasure.entity_label,
        "mailbox id": str(erasure.entity_public_id),
        "reason": reason_of(erasure),
        "state": str(ErasureState(erasure.state).label),
        "ordered": {"by": erasure.ordered_by, "at": _said(erasure.ordered_at)},
        "approved by": erasure.approved_by or None,
        "what": kinds,
        "what the ids are": "the first 128 bits of SHA-256 of the provider's id of the item",
        "references removed": _said(erasure.settled_at) if erasure.state == ErasureState.DONE else None,
        "bytes gone from the store": _said(erasure.bytes_gone_at),
        "removed": {key: count for key, count in sorted(erasure.proof.items()) if isinstance(count, int)},
        "not erased": list(left_of(erasure)),
    }


def left_of(erasure: Erasure) -> list[str]:
    """Say what is left, where, and until when."""
    found = _held(erasure)
    if erasure.state == ErasureState.DONE:
        found += _still_there(erasure)
    if copies := erasure.proof.get("copies that restores wrote"):
        found.append(
            f"{_items(copies)} that restores wrote into mailboxes are items of their own. Erase them there."
        )
    if erasure.proof and has_dictionaries(erasure.account_id):
        found.append(FRAGMENTS)
    found.append(NOT_REACHED)
    return found


def reason_of(erasure: Erasure) -> str:
    """Return why it was ordered, for who orders such or may name holds: it may name a person or a case."""
    return erasure.reason if allowed(Permission.ERASE) or may_name_holds() else _NOT_SHOWN


def _held(erasure: Erasure) -> list[str]:
    if not may_name_holds():
        count = len({(row["kind"], row["id"]) for row in erasure.held if row["holds"]})
        return [f"{_items(count)} on legal hold, until it is lifted: order it anew then."] if count else []
    held = Counter(name for row in erasure.held for name in row["holds"])
    return [
        f"{_items(count)} on legal hold by “{name}”, until it is lifted: order it anew then."
        for name, count in sorted(held.items())
    ]


def _still_there(erasure: Erasure) -> list[str]:
    found = []
    if erasure.left:
        until = journals_locked_until()
        day = f" until {until:%-d %B %Y}" if until and until > clock.now() else ""
        found.append(f"Records of backups lie in a store that keeps them under a lock{day}.")
    if erasure.bytes_gone_at is None:
        if remains_elsewhere(erasure.account_id):
            found.append(IN_INDEX)
        until = locked_until(erasure)
        lock = f" Some lie under Object Lock until {until:%-d %B %Y}." if until else ""
        found.append(
            "Sealed bytes wait for garbage collection, which looks twice and takes about two weeks." + lock
        )
    elif erasure.shared:
        found.append(
            f"{erasure.shared:,} pieces of content are part of other items as well, and are kept for them."
        )
    return found


def certificate_file(erasure: Erasure) -> str:
    """Return the signed certificate, as JSON."""
    text, signature = sign(certificate_of(erasure))
    return signed_file(text, signature, public_key())


def _items(count: int) -> str:
    return "1 item" if count == 1 else f"{count:,} items"


def _said(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
