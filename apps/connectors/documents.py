"""Items that a provider serves as fields, kept as canonical JSON: equal items are equal bytes.

A document is what the provider told, without what changes by itself (links, change keys). Its `attachments`,
if it has any, are the provider's own entries without their bytes; an entry with `"part": n` has its bytes in
the n-th attachment of the item, one without has none (a link, or bytes that could not be read).
"""

from collections.abc import Mapping
from typing import Any

import orjson

from apps.core.errors import Malformed

PART = "part"


def canonical(document: Mapping[str, Any]) -> bytes:
    """Return the document as bytes: keys sorted, UTF-8, no spaces."""
    return orjson.dumps(dict(document), option=orjson.OPT_SORT_KEYS)


def read_document(content: bytes) -> dict[str, Any]:
    """Return what `canonical` wrote. Raises Malformed."""
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise Malformed("The stored item is not the document it should be.") from error
    if not isinstance(found, dict):
        raise Malformed("The stored item is not the document it should be.")
    return found


def props_of(props: bytes) -> dict[str, Any]:
    """Return what is kept beside an item's content; {} when there is nothing."""
    return read_document(props) if props else {}
