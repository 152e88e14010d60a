"""Large objects travel in parts: sizes, digests, and uploads that stopped half way."""

import base64
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Final, Generic, TypeVar

MULTIPART_FROM: Final = 16 * 1024 * 1024
PART_BYTES: Final = 8 * 1024 * 1024
MOST_HALVES: Final = 16

Half = TypeVar("Half")


def parts_of(view: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield the parts of an object, numbered from 1."""
    for number, start in enumerate(range(0, len(view), PART_BYTES), start=1):
        yield number, view[start : start + PART_BYTES]


def md5_bytes(data: bytes | memoryview) -> bytes:
    """Return the digest that storage services compare. It guards against accidents, not against people."""
    return hashlib.md5(data, usedforsecurity=False).digest()


def md5_text(data: bytes | memoryview) -> str:
    """Return the same as the header Content-MD5 wants it."""
    return base64.b64encode(md5_bytes(data)).decode("ascii")


class Halves(Generic[Half]):
    """Uploads that an outage stopped, by object: the next try takes one out and goes on with it.

    Whoever holds a half is alone with it. The oldest is given up (`drop`) when there are too many.
    """

    def __init__(self, drop: Callable[[str, Half], None]) -> None:
        self._drop, self._halves, self._guard = drop, OrderedDict[str, Half](), threading.Lock()

    def take(self, key: str) -> Half | None:
        with self._guard:
            return self._halves.pop(key, None)

    def keep(self, key: str, half: Half) -> None:
        with self._guard:
            spare = [(key, self._halves.pop(key))] if key in self._halves else []
            self._halves[key] = half
            while len(self._halves) > MOST_HALVES:
                spare.append(self._halves.popitem(last=False))
        for name, old in spare:
            self._drop(name, old)
