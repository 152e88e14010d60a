"""Is a JSON body what Graph expects? Names and types of a message, an attachment, a property: else 400."""

from collections.abc import Callable
from typing import Any

from .errors import GraphError

Check = Callable[[Any, str], Any]


def refuse(message: str) -> GraphError:
    return GraphError(400, "RequestBodyRead", message)


def of_type(kind: type) -> Check:
    def check(value: Any, name: str) -> Any:
        if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            text = f"Cannot convert the value of '{name}' to the expected type '{kind.__name__}'."
            raise refuse(text)
        return value

    return check


def one_of(*words: str) -> Check:
    """Any letter case is taken; the value gets the spelling given here."""
    spelt = {word.lower(): word for word in words}

    def check(value: Any, name: str) -> Any:
        if value is not None and (not isinstance(value, str) or value.lower() not in spelt):
            raise refuse(f"Cannot convert the value of '{name}': it must be one of {', '.join(words)}.")
        return spelt[value.lower()] if isinstance(value, str) else value

    return check


def list_of(inner: Check) -> Check:
    def check(value: Any, name: str) -> Any:
        if value is None:
            return []
        if not isinstance(value, list):
            raise refuse(f"A JSON array is expected for '{name}'.")
        return [inner(_present(one, name), name) for one in value]

    return check


def _present(value: Any, name: str) -> Any:
    if value is None:
        raise refuse(f"The collection '{name}' must not hold null.")
    return value


def checked_object(type_name: str, members: dict[str, Check], required: tuple[str, ...] = ()) -> Check:
    """Checks known members, whose letter case does not count, and refuses unknown ones."""
    low = {name.lower(): name for name in members}

    def check(value: Any, name: str) -> Any:
        if value is None:
            return None
        if not isinstance(value, dict):
            raise refuse(f"A JSON object is expected for '{name}'.")
        found: dict[str, Any] = {}
        for key, one in value.items():
            if "@" in key:
                found[key] = one
                continue
            known = low.get(key.lower())
            if known is None:
                raise refuse(f"The property '{key}' does not exist on type 'microsoft.graph.{type_name}'.")
            found[known] = members[known](one, known)
        missing = [key for key in required if found.get(key) is None]
        if missing:
            raise refuse(f"The property '{missing[0]}' of '{name}' is required.")
        return found

    return check


text, flag, number = of_type(str), of_type(bool), of_type(int)
moment = checked_object("dateTimeTimeZone", {"dateTime": text, "timeZone": text}, ("dateTime", "timeZone"))
person = checked_object(
    "recipient",
    {"emailAddress": checked_object("emailAddress", {"name": text, "address": text})},
    ("emailAddress",),
)
body = checked_object("itemBody", {"contentType": one_of("text", "html"), "content": text})
value_property = checked_object(
    "singleValueLegacyExtendedProperty", {"id": text, "value": text}, ("id", "value")
)
header = checked_object("internetMessageHeader", {"name": text, "value": text}, ("name",))


def _flag_status(value: Any, name: str) -> str:
    word = one_of("notflagged", "flagged", "complete")(value, name) or "notflagged"
    return "notFlagged" if word == "notflagged" else str(word)


_follow_up = checked_object(
    "followupFlag",
    {
        "flagStatus": _flag_status,
        "startDateTime": moment,
        "dueDateTime": moment,
        "completedDateTime": moment,
    },
)

MESSAGE_MEMBERS: dict[str, Check] = {
    "subject": text,
    "body": body,
    "importance": one_of("low", "normal", "high"),
    "inferenceClassification": one_of("focused", "other"),
    "categories": list_of(text),
    "flag": _follow_up,
    "internetMessageHeaders": list_of(header),
    "singleValueExtendedProperties": list_of(value_property),
    "multiValueExtendedProperties": list_of(of_type(dict)),
    "attachments": list_of(of_type(dict)),
    **dict.fromkeys(("from", "sender"), person),
    **dict.fromkeys(("toRecipients", "ccRecipients", "bccRecipients", "replyTo"), list_of(person)),
    **dict.fromkeys(
        ("isRead", "isDraft", "hasAttachments", "isDeliveryReceiptRequested", "isReadReceiptRequested"), flag
    ),
    **dict.fromkeys(
        (
            "id",
            "bodyPreview",
            "changeKey",
            "conversationId",
            "conversationIndex",
            "createdDateTime",
            "internetMessageId",
            "lastModifiedDateTime",
            "parentFolderId",
            "receivedDateTime",
            "sentDateTime",
            "webLink",
        ),
        text,
    ),
    "uniqueBody": body,
}
message = checked_object("message", MESSAGE_MEMBERS)
"""The body of a POST or PATCH of a message, its names in Graph's spelling. Raises GraphError."""

attachment = checked_object(
    "attachment",
    {
        "id": text,
        "name": text,
        "contentType": text,
        "contentBytes": text,
        "contentId": text,
        "contentLocation": text,
        "isInline": flag,
        "size": number,
        "lastModifiedDateTime": text,
        "item": message,
        "sourceUrl": text,
        "providerType": text,
        "permission": text,
        "isFolder": flag,
    },
)

upload_item = checked_object(
    "attachmentItem",
    {
        "attachmentType": one_of("file", "item", "reference"),
        "name": text,
        "size": number,
        "contentType": text,
        "contentId": text,
        "isInline": flag,
    },
    ("attachmentType", "name", "size"),
)

folder = checked_object(
    "mailFolder",
    {
        "displayName": text,
        "isHidden": flag,
        "id": text,
        "parentFolderId": text,
        "childFolderCount": number,
        "totalItemCount": number,
        "unreadItemCount": number,
        "singleValueExtendedProperties": list_of(value_property),
    },
)
