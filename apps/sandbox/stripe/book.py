"""What the stand-in knows: objects by id, in memory, and in one file when there is a folder for it."""

import json
import secrets
import string
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .errors import missing

FILE = "stripe.json"
_LETTERS = string.ascii_letters + string.digits
KINDS = {
    "cus": "customer",
    "pm": "PaymentMethod",
    "seti": "setupintent",
    "pi": "payment_intent",
    "ch": "charge",
    "re": "refund",
    "cs": "checkout.session",
    "evt": "event",
}


class Book:
    """`objects` are what the API shows; `numbers` the card behind a method; `keys` what was answered."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.objects: dict[str, dict[str, Any]] = {}
        self.numbers: dict[str, str] = {}
        self.set_up: set[str] = set()
        self.keys: dict[str, dict[str, Any]] = {}
        self.offset = 0.0
        self.order = 0
        if folder is not None and (folder / FILE).exists():
            kept = json.loads((folder / FILE).read_text())
            self.objects, self.numbers, self.keys = kept["objects"], kept["numbers"], kept["keys"]
            self.set_up, self.offset, self.order = set(kept["set_up"]), kept["offset"], kept["order"]

    def clear(self) -> None:
        self.objects, self.numbers, self.keys, self.set_up = {}, {}, {}, set()
        self.offset = 0.0

    def keep(self) -> None:
        """Write the file anew, whole or not at all."""
        if self.folder is None:
            return
        kept = {
            "objects": self.objects,
            "numbers": self.numbers,
            "keys": self.keys,
            "set_up": sorted(self.set_up),
            "offset": self.offset,
            "order": self.order,
        }
        draft = self.folder / f"{FILE}.new"
        draft.write_text(json.dumps(kept))
        draft.replace(self.folder / FILE)

    def now(self) -> int:
        return int(time.time() + self.offset)

    def new_id(self, prefix: str) -> str:
        return f"{prefix}_" + "".join(secrets.choice(_LETTERS) for _ in range(24))

    def add(self, prefix: str, **fields: Any) -> dict[str, Any]:
        """A new object with what all of them have; `_order` tells which came first within a second."""
        self.order += 1
        made: dict[str, Any] = {"id": self.new_id(prefix), "created": self.now(), "livemode": False, **fields}
        made["_order"] = self.order
        self.objects[made["id"]] = made
        return made

    def get(self, wanted: str, *prefixes: str, param: str = "id", status: int = 404) -> dict[str, Any]:
        """The object of that id, when it is of that kind. Raises Stripe's `resource_missing`."""
        found = self.objects.get(wanted)
        if found is None or not any(wanted.startswith(f"{prefix}_") for prefix in prefixes):
            raise missing(KINDS[prefixes[0].partition("_")[0]], wanted, param=param, status=status)
        return found

    def every(self, prefix: str) -> list[dict[str, Any]]:
        """All of a kind, the newest first."""
        found = [each for key, each in self.objects.items() if key.startswith(f"{prefix}_")]
        return sorted(found, key=lambda each: -int(each["_order"]))


def shown(value: Any) -> Any:
    """A copy without what only the stand-in needs to know."""
    if isinstance(value, dict):
        return {key: shown(each) for key, each in value.items() if not key.startswith("_")}
    if isinstance(value, list):
        return [shown(each) for each in value]
    return value


def expanded(book: Book, value: dict[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """A copy with the ids at `paths` replaced by what they name."""
    result: dict[str, Any] = shown(value)
    for path in paths:
        _expand(book, result, path.split("."))
    return result


def _expand(book: Book, value: Any, path: list[str]) -> None:
    if isinstance(value, list):
        for each in value:
            _expand(book, each, path)
        return
    if not isinstance(value, dict) or not path:
        return
    inner = value.get(path[0])
    if isinstance(inner, str) and inner in book.objects:
        inner = value[path[0]] = shown(book.objects[inner])
    _expand(book, inner, path[1:])
