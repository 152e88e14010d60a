"""Message filters as SQL, so that a look-up in a big mailbox uses its indexes."""

from typing import Any

from .errors import bad_request
from .extended import tag_of
from .odata import AnyOf, Compare, Logic, Node

COLUMNS = {
    "receiveddatetime": "received",
    "sentdatetime": "sent",
    "createddatetime": "created",
    "lastmodifieddatetime": "modified",
    "isread": "is_read",
    "isdraft": "is_draft",
    "hasattachments": "has_attachments",
    "importance": "importance",
    "subject": "subject",
    "internetmessageid": "internet_id",
    "conversationid": "conversation",
    "from/emailaddress/address": "sender",
    "sender/emailaddress/address": "sender",
    "flag/flagstatus": "COALESCE(json_extract(flag, '$.flagStatus'), 'notFlagged')",
}
TIMES = {"received", "sent", "created", "modified"}
SIGNS = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}


def to_sql(node: Node) -> tuple[str, list[Any]]:
    """(condition, its parameters); raises GraphError for what messages cannot be filtered by."""
    if isinstance(node, Logic):
        parts = [to_sql(part) for part in node.parts]
        values = [value for _, given in parts for value in given]
        if node.op == "not":
            return f"NOT ({parts[0][0]})", values
        return "(" + f" {node.op.upper()} ".join(sql for sql, _ in parts) + ")", values
    if isinstance(node, AnyOf):
        return _any(node)
    return _compare(node)


def _compare(node: Compare) -> tuple[str, list[Any]]:
    column = COLUMNS.get(node.path.lower())
    if column is None:
        raise bad_request(f"The property '{node.path}' does not support filtering.", "ErrorInvalidProperty")
    if node.op == "in":
        return f"{column} IN ({', '.join('?' * len(node.value))})", list(node.value)
    value = node.value
    if column in TIMES and isinstance(value, str):
        value = (value + "T00:00:00Z" if len(value) == 10 else value)[:19] + "Z"
    if node.op in ("startswith", "endswith", "contains"):
        escaped = str(value).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        pattern = ("" if node.op == "startswith" else "%") + escaped + ("" if node.op == "endswith" else "%")
        return f"{column} LIKE ? ESCAPE '\\'", [pattern]
    if value is None:
        return f"{column} IS {'NOT ' if node.op == 'ne' else ''}NULL", []
    return f"{column} {SIGNS[node.op]} ?", [int(value) if isinstance(value, bool) else value]


def _any(node: AnyOf) -> tuple[str, list[Any]]:
    """`singleValueExtendedProperties/any(p:p/id eq '…' and p/value eq '…')` or `categories/any(c:c eq '…')`."""
    path = node.path.lower()
    if path == "categories" and isinstance(node.condition, Compare) and node.condition.op == "eq":
        return "EXISTS (SELECT 1 FROM json_each(messages.categories) WHERE value = ?)", [node.condition.value]
    parts = node.condition.parts if isinstance(node.condition, Logic) else (node.condition,)
    if path != "singlevalueextendedproperties" or not all(isinstance(part, Compare) for part in parts):
        raise bad_request("This filter is not supported.", "ErrorInvalidUrlQueryFilter")
    conditions, values = [], []
    for part in parts:
        name = part.path.rpartition("/")[2].lower()
        conditions.append("tag = ?" if name == "id" else f"value {SIGNS.get(part.op, '=')} ?")
        values.append(tag_of(str(part.value)) if name == "id" else str(part.value))
    return f"messages.id IN (SELECT message FROM extended WHERE {' AND '.join(conditions)})", values
