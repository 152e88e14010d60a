"""The fields that Graph creates a message of, from its MIME and what is kept beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from apps.connectors.writing import WriteItem

from .item_write import RESTORE_KEY
from .mail_compose import Attachment, Letter, read_letter
from .mail_upload import file_json

HEADERS_LIMIT: Final = 30_000
_FLAGS, _DELIVERED, _SUBMITTED = "Integer 0x0E07", "SystemTime 0x0E06", "SystemTime 0x0039"
_HEADERS, _IN_REPLY_TO, _REFERENCES = "String 0x007D", "String 0x1042", "String 0x1039"
_SENSITIVITY: Final = "Integer 0x0036"
_READ, _SUBMITTED_FLAG = 1, 4
_PEOPLE: Final = {"to": "toRecipients", "cc": "ccRecipients", "bcc": "bccRecipients", "reply-to": "replyTo"}
_COPIED: Final = (
    "categories",
    "importance",
    "inferenceClassification",
    "isReadReceiptRequested",
    "isDeliveryReceiptRequested",
)


def read_props(props: bytes) -> dict[str, Any]:
    """Read what `mail_props.props_of` kept."""
    kept = orjson.loads(props) if props else {}
    return kept if isinstance(kept, dict) else {}


def composed_of(item: WriteItem) -> tuple[Letter, dict[str, Any]]:
    """Return an item's message and what is kept beside it, by the name and the tags that it is written with."""
    letter, kept = read_letter(item.content), read_props(item.props)
    if item.name:  # as Exchange showed it: broken headers can be read in more than one way
        letter = replace(letter, subject=item.name)
    if item.tags:
        given = kept.get("categories", ())
        kept["categories"] = [*given, *(tag for tag in item.tags if tag not in given)]
    return letter, kept


def message_json(
    letter: Letter, kept: Mapping[str, Any], attachments: Sequence[Attachment], restore_key: str
) -> dict[str, Any]:
    """Build the body of the creating request."""
    message: dict[str, Any] = {
        "subject": letter.subject.replace("\x00", ""),
        "body": {
            "contentType": "html" if letter.body_is_html else "text",
            "content": letter.body.replace("\x00", ""),
        },
        "isRead": bool(kept.get("isRead")),
        **{name: kept[name] for name in _COPIED if kept.get(name)},
        **people_of(letter, kept),
    }
    if message_id := kept.get("internetMessageId") or letter.message_id:
        message["internetMessageId"] = message_id
    if isinstance(kept.get("flag"), dict):
        message["flag"] = kept["flag"]
    if attachments:
        message["attachments"] = [file_json(each) for each in attachments]
    message["singleValueExtendedProperties"] = [
        {"id": name, "value": value} for name, value in _properties(letter, kept, restore_key).items()
    ]
    return message


def _properties(letter: Letter, kept: Mapping[str, Any], restore_key: str) -> dict[str, str]:
    """Name the MAPI properties that fields cannot set; without the flags, a draft stays one."""
    found = {RESTORE_KEY: restore_key}
    if not kept.get("isDraft"):
        found[_FLAGS] = str(_SUBMITTED_FLAG + (_READ if kept.get("isRead") else 0))
    sent, received = moment_text(kept.get("sentDateTime")), moment_text(kept.get("receivedDateTime"))
    if received or sent:
        found[_DELIVERED] = received or sent
    if sent or received:
        found[_SUBMITTED] = sent or received
    if letter.headers and len(letter.headers) <= HEADERS_LIMIT:
        found[_HEADERS] = letter.headers
    for name, value in ((_IN_REPLY_TO, letter.in_reply_to), (_REFERENCES, letter.references)):
        if value:
            found[name] = value[:HEADERS_LIMIT]
    if letter.sensitivity:
        found[_SENSITIVITY] = str(letter.sensitivity)
    return found


def people_of(letter: Letter, kept: Mapping[str, Any]) -> dict[str, Any]:
    """Address fields; people without an address Exchange takes are left out (quirk 55), headers keep them."""
    found: dict[str, Any] = {}
    for header, name in _PEOPLE.items():
        people = [_recipient(*person) for person in letter.people.get(header, []) if is_valid(person[1])]
        if people:
            found[name] = people
    if kept.get("bccRecipients") and "bccRecipients" not in found:
        found["bccRecipients"] = kept["bccRecipients"]
    author = [_recipient(*who) for who in letter.people.get("from", []) if is_valid(who[1])]
    sender = [_recipient(*who) for who in letter.people.get("sender", []) if is_valid(who[1])] or author
    if author:
        found["from"] = author[0]
    if sender:
        found["sender"] = sender[0]
    return found


def _recipient(name: str, address: str) -> dict[str, Any]:
    return {"emailAddress": {"name": name or address, "address": address}}


def is_valid(address: str) -> bool:
    if address.lower().startswith("/o="):
        return True
    local, at, domain = address.rpartition("@")
    return bool(local and at and domain) and not any(character.isspace() for character in address)


def moment_text(value: Any) -> str:
    """Write a time as extended properties take it; "" when there is none."""
    if not isinstance(value, str):
        return ""
    try:
        return datetime.fromisoformat(value).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        return ""
