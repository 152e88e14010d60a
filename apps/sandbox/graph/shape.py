"""Is a JSON body what Graph expects? Names and types of a message, an attachment, a property: else 400."""

from collections.abc import Callable
from typing import Any

from .errors import GraphError

Check = Callable[[Any, str], Any]


def refuse(message: str) -> GraphError:
    return GraphError(400, "RequestBodyRead", message)


def _of(kind: type) -> Check:
    def check(value: Any, name: str) -> Any:
        if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            text = f"Cannot convert the value of '{name}' to the expected type '{kind.__name__}'."
            raise refuse(text)
        return value

    return check


def _one_of(*words: str) -> Check:
    def check(value: Any, name: str) -> Any:
        if value is not None and (not isinstance(value, str) or value.lower() not in words):
            raise refuse(f"Cannot convert the value of '{name}': it must be one of {', '.join(words)}.")
        return value.lower() if isinstance(value, str) else value

    return check


def _list_of(inner: Check) -> Check:
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


def _object(type_name: str, members: dict[str, Check], required: tuple[str, ...] = ()) -> Check:
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


_text, _flag, _number = _of(str), _of(bool), _of(int)
_moment = _object("dateTimeTimeZone", {"dateTime": _text, "timeZone": _text}, ("dateTime", "timeZone"))
_person = _object(
    "recipient", {"emailAddress": _object("emailAddress", {"name": _text, "address": _text})}, ("emailAddress",)
)
_body = _object("itemBody", {"contentType": _one_of("text", "html"), "content": _text})
_property = _object("singleValueLegacyExtendedProperty", {"id": _text, "value": _text}, ("id", "value"))
_header = _object("internetMessageHeader", {"name": _text, "value": _text}, ("name",))


def _flag_status(value: Any, name: str) -> str:
    word = _one_of("notflagged", "flagged", "complete")(value, name) or "notflagged"
    return "notFlagged" if word == "notflagged" else str(word)


_follow_up = _object(
    "followupFlag",
    {
        "flagStatus": _flag_status,
        "startDateTime": _moment,
        "dueDateTime": _moment,
        "completedDateTime": _moment,
    },
)

MESSAGE_MEMBERS: dict[str, Check] = {
    "subject": _text,
    "body": _body,
    "importance": _one_of("low", "normal", "high"),
    "inferenceClassification": _one_of("focused", "other"),
    "categories": _list_of(_text),
    "flag": _follow_up,
    "internetMessageHeaders": _list_of(_header),
    "singleValueExtendedProperties": _list_of(_property),
    "multiValueExtendedProperties": _list_of(_of(dict)),
    "attachments": _list_of(_of(dict)),
    **dict.fromkeys(("from", "sender"), _person),
    **dict.fromkeys(("toRecipients", "ccRecipients", "bccRecipients", "replyTo"), _list_of(_person)),
    **dict.fromkeys(
        ("isRead", "isDraft", "hasAttachments", "isDeliveryReceiptRequested", "isReadReceiptRequested"), _flag
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
        _text,
    ),
    "uniqueBody": _body,
}
message = _object("message", MESSAGE_MEMBERS)
"""The body of a POST or PATCH of a message, its names in Graph's spelling. Raises GraphError."""

attachment = _object(
    "attachment",
    {
        "id": _text,
        "name": _text,
        "contentType": _text,
        "contentBytes": _text,
        "contentId": _text,
        "contentLocation": _text,
        "isInline": _flag,
        "size": _number,
        "lastModifiedDateTime": _text,
        "item": message,
        "sourceUrl": _text,
        "providerType": _text,
        "permission": _text,
        "isFolder": _flag,
    },
)

upload_item = _object(
    "attachmentItem",
    {
        "attachmentType": _one_of("file", "item", "reference"),
        "name": _text,
        "size": _number,
        "contentType": _text,
        "contentId": _text,
        "isInline": _flag,
    },
    ("attachmentType", "name", "size"),
)

folder = _object(
    "mailFolder",
    {
        "displayName": _text,
        "isHidden": _flag,
        "id": _text,
        "parentFolderId": _text,
        "childFolderCount": _number,
        "totalItemCount": _number,
        "unreadItemCount": _number,
        "singleValueExtendedProperties": _list_of(_property),
    },
)
