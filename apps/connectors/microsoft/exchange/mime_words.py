"""The words of a text, whatever the markup that a provider wraps it in."""

import html
import re
from collections.abc import Mapping
from typing import Any, Final

_NOT_SHOWN: Final = re.compile(r"<(head|style|script|title)\b.*?</\1\s*>|<!--.*?-->", re.IGNORECASE | re.DOTALL)
_TAG: Final = re.compile(r"<[^>]*>")


def words_of(body: Any) -> list[str]:
    """Return what a reader sees of an `itemBody`, word by word."""
    if not isinstance(body, Mapping):
        return []
    text = str(body.get("content") or "")
    if str(body.get("contentType") or "").lower() == "html":
        text = html.unescape(_TAG.sub(" ", _NOT_SHOWN.sub(" ", text)))
    return text.replace("\ufeff", "").split()
