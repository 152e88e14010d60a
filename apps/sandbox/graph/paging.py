"""Opaque tokens of nextLink and deltaLink, and the links themselves."""

import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from typing import Any
from urllib.parse import quote, urlencode

import orjson


class BadToken(ValueError):
    """The text is no token that this service gave out."""


def seal(values: dict[str, Any]) -> str:
    """A token that carries the first query's options and where the round stands."""
    raw = zlib.compress(orjson.dumps(values), 1)
    return urlsafe_b64encode(zlib.crc32(raw).to_bytes(4, "big") + raw).decode().rstrip("=")


def unseal(token: str) -> dict[str, Any]:
    """Raises BadToken."""
    try:
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        if zlib.crc32(raw[4:]) != int.from_bytes(raw[:4], "big"):
            raise BadToken(token)
        values: dict[str, Any] = orjson.loads(zlib.decompress(raw[4:]))
    except (Base64Error, zlib.error, ValueError, orjson.JSONDecodeError) as error:
        raise BadToken(token) from error
    return values


def link(base_url: str, path: str, query: dict[str, Any]) -> str:
    """An absolute URL; the path is given decoded."""
    return f"{base_url}/v1.0{quote(path, safe='/()$,')}?{urlencode(query, safe='$,/()', quote_via=quote)}"
