"""What is kept of a message beside its MIME, and how a list entry becomes a change."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from apps.connectors.base import Upsert

PROPS_VERSION: Final = 1
_KEPT: Final = (
    "isRead",
    "isDraft",
    "importance",
    "inferenceClassification",
    "categories",
    "internetMessageId",
    "conversationId",
    "conversationIndex",
    "receivedDateTime",
    "sentDateTime",
    "createdDateTime",
    "isReadReceiptRequested",
    "isDeliveryReceiptRequested",
    "bccRecipients",
)
"""Kept as given; what is empty or false is left out (`isRead` false is what a missing one means)."""
_SHOWN: Final = ("changeKey", "parentFolderId", "subject", "from", "sender", "toRecipients", "ccRecipients")
ETAG_SELECT: Final = ",".join(("id", "changeKey", "flag", *_KEPT))
MESSAGE_SELECT: Final = ",".join(("id", *_SHOWN, "hasAttachments", "flag", *_KEPT))


def props_of(entry: Mapping[str, Any]) -> bytes:
    """Return what is kept beside the MIME: canonical JSON, `{"v": 1, "isRead": true, ...}`."""
    kept: dict[str, Any] = {"v": PROPS_VERSION}
    for name in _KEPT:
        value = entry.get(name)
        if value:
            kept[name] = value
    flag = entry.get("flag")
    if isinstance(flag, dict) and flag.get("flagStatus") not in (None, "notFlagged"):
        kept["flag"] = {name: value for name, value in flag.items() if value and "@" not in name}
    return orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)


def is_whole(entry: Mapping[str, Any]) -> bool:
    """Tell whether a list entry has all that was asked for: a change of a flag may come as a fragment."""
    return "parentFolderId" in entry and "changeKey" in entry


def message_upsert(entry: Mapping[str, Any], folder_id: str) -> Upsert:
    """Turn a whole list entry into a change.

    The etag is Exchange's change key and a digest of the kept properties, since not every change of a flag can
    be trusted to move the key (quirk 31).
    """
    props = props_of(entry)
    digest = hashlib.blake2b(props, digest_size=6).hexdigest()
    return Upsert(
        remote_id=entry["id"],
        parent_id=folder_id,
        is_folder=False,
        name=_text(entry.get("subject")),
        etag=f"{entry.get('changeKey') or ''}.{digest}",
        props=props,
        author=_person(entry.get("from") or entry.get("sender")),
        recipients=_people(entry),
        time=_moment(
            entry.get("receivedDateTime") or entry.get("sentDateTime") or entry.get("createdDateTime")
        ),
        has_attachments=entry.get("hasAttachments") is True,
    )


def _people(entry: Mapping[str, Any]) -> str:
    everybody = [*_list(entry.get("toRecipients")), *_list(entry.get("ccRecipients"))]
    return "; ".join(person for person in map(_person, everybody) if person)


def _person(recipient: Any) -> str:
    """Write `Name <address>`, or the one of them that is there. Shapes differ: nothing is taken for granted."""
    address = recipient.get("emailAddress") if isinstance(recipient, dict) else None
    if not isinstance(address, dict):
        return ""
    name, mail = _text(address.get("name")), _text(address.get("address"))
    if name and mail and name != mail:
        return f"{name} <{mail}>"
    return mail or name


def _time_of(entry: Mapping[str, Any]) -> datetime | None:
    dates = (entry.get(name) for name in ("receivedDateTime", "sentDateTime", "createdDateTime"))
    return _moment(next((date for date in dates if date), None))


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _text(value: Any) -> str:
    """Return text that any database takes: PostgreSQL refuses NUL."""
    return value.replace("\x00", "") if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
