"""Reading JSON that a provider sends, also when it is not quite JSON."""

import json
from typing import Any

import orjson

from apps.core.errors import Malformed


def read_json(body: bytes) -> dict[str, Any]:
    """Parse an answer that must be an object. Raises Malformed.

    Quirk 10: raw control characters inside strings occur, and lone surrogates too. The quick parser refuses
    them; the patient one keeps the characters, and a surrogate becomes the replacement character.
    """
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        parsed = _read_patiently(body)
    if not isinstance(parsed, dict):
        raise Malformed("Microsoft's answer is not what its interface describes.")
    return parsed


def _read_patiently(body: bytes) -> Any:
    try:
        return _without_surrogates(json.loads(body.decode("utf-8", "replace"), strict=False))
    except (ValueError, RecursionError) as error:
        raise Malformed("Microsoft's answer is cut short or not readable.") from error


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_without_surrogates(each) for each in value]
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(each) for key, each in value.items()}
    return value
