"""What a backup leaves out by rule: kinds of data, folders, items by name or size. Pure, with JSON and words.

What is left out is named in every run's ledger and is no gap. What is stored already stays.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from apps.connectors.base import Upsert
from apps.connectors.enums import SubService
from apps.core.errors import InvalidRequest

MOST_PATTERNS: Final = 50
LONGEST: Final = 100
MOST_STARS: Final = 4
LONGEST_NAME: Final = 1_000
"""A name or path that is longer is compared with no pattern, and so backed up: senders choose names."""
MB: Final = 1_000_000
LARGEST_LIMIT: Final = 1_000_000
"""In MB. No provider keeps an item that is larger than this."""


@dataclass(frozen=True)
class Exclusions:
    """Patterns know * (any letters) and ? (one letter), in any case. A folder's holds below it, too.

    `larger_than` is in MB and counts all of an item: what it says and its files.
    """

    kinds: frozenset[str] = frozenset()
    folders: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    larger_than: int | None = None

    def __bool__(self) -> bool:
        return bool(self.kinds or self.folders or self.names or self.larger_than)

    def names_item(self, name: str) -> bool:
        return any(pattern.fits(name) for pattern in self._names)

    def is_too_large(self, size: int) -> bool:
        return self.larger_than is not None and size > self.larger_than * MB

    def names_folder(self, name: str, path: str) -> bool:
        """Tell whether a pattern is this folder's name, or its path like Inbox/Newsletters."""
        return any(pattern.fits(name) or pattern.fits(path) for pattern in self._folders)

    @cached_property
    def _names(self) -> "list[_Pattern]":
        return [_Pattern(pattern) for pattern in self.names]

    @cached_property
    def _folders(self) -> "list[_Pattern]":
        return [_Pattern(pattern) for pattern in self.folders]

    def words(self) -> str:
        """Say what is left out; "Nothing" for an empty rule."""
        kinds = [SubService(kind).label for kind in sorted(self.kinds)]
        parts = [", ".join(kinds)] if kinds else []
        if self.folders:
            parts.append(f"folders like {', '.join(self.folders)}")
        if self.names:
            parts.append(f"items called {', '.join(self.names)}")
        if self.larger_than is not None:
            parts.append(f"items larger than {self.larger_than:,} MB")
        return "; ".join(parts) or "Nothing"

    def to_json(self) -> dict[str, Any]:
        said = {"kinds": sorted(self.kinds), "folders": list(self.folders), "names": list(self.names)}
        # Only where it is set: a rule without a size reads as it did before sizes were known.
        return said if self.larger_than is None else {**said, "larger_than": self.larger_than}

    @classmethod
    def from_json(cls, said: Any) -> "Exclusions":
        """Read what `to_json` wrote; None means nothing. Raises InvalidRequest."""
        if said is None:
            return cls()
        try:
            kinds = frozenset(SubService(kind).value for kind in said["kinds"])
            size = _size(said.get("larger_than"))
            return cls(kinds, _patterns(said["folders"]), _patterns(said["names"]), size)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InvalidRequest("These exclusions cannot be read.", do="Set them anew.") from error


def pattern_problem(pattern: str) -> str:
    """Say why a pattern is none, or ""."""
    if len(pattern) > LONGEST:
        return f"“{pattern[:30]}…” is too long: {LONGEST} letters at most."
    if pattern.count("*") > MOST_STARS:
        return f"“{pattern}” has more than {MOST_STARS} stars."
    return "" if pattern.strip("*?/ ") else f"“{pattern}” would leave everything out."


def _patterns(said: list[str]) -> tuple[str, ...]:
    if len(said) > MOST_PATTERNS or any(pattern_problem(pattern) for pattern in said):
        raise ValueError("no patterns")
    return tuple(said)


def _size(said: Any) -> int | None:
    if said is None or (type(said) is int and 1 <= said <= LARGEST_LIMIT):
        return said
    raise ValueError("no size")


class _Pattern:
    """A pattern as the pieces between its stars. No piece is of changing length, so the leftmost place of each
    is as good as any: a text is walked through once, whatever it and the pattern are.
    """

    __slots__ = ("_lengths", "_pieces")

    def __init__(self, pattern: str) -> None:
        pieces = pattern.split("*")
        self._lengths = [len(piece) for piece in pieces]
        bodies = ("".join("." if letter == "?" else re.escape(letter) for letter in piece) for piece in pieces)
        self._pieces = [re.compile(body, re.IGNORECASE | re.DOTALL) for body in bodies]

    def fits(self, text: str) -> bool:
        if len(text) > LONGEST_NAME:
            return False
        first, *between = self._pieces
        if not between:
            return first.fullmatch(text) is not None
        at, end = self._lengths[0], len(text) - self._lengths[-1]
        if at > end or first.match(text) is None or between.pop().match(text, end) is None:
            return False
        for piece in between:
            found = piece.search(text, at, end)
            if found is None:
                return False
            at = found.end()
        return True


@dataclass(slots=True)
class Sieve:
    """The rule at work in one run of one kind of data. `folders`: id to (name, id of the one above).

    `sizes` are those of items that were read and found too large, by id and etag: read once, not every day.
    """

    rule: Exclusions
    folders: dict[str, tuple[str, str | None]]
    sizes: dict[tuple[str, str], int] = field(default_factory=dict)
    _known: dict[str, bool] = field(default_factory=dict)

    def learn(self, folder: Upsert) -> None:
        """Take in what the provider says about a folder."""
        said = (folder.name, folder.parent_id)
        if self.folders.get(folder.remote_id) != said:
            self.folders[folder.remote_id] = said
            self._known.clear()

    def why(self, item: Upsert) -> str:
        """Return why an item is left out, or ""."""
        if self.rule.names_item(item.name):
            return "Left out by rule: its name."
        if item.parent_id and self.rule.folders and self._is_out(item.parent_id):
            return "Left out by rule: its folder."
        return self.why_too_large(self._size_of(item))

    def why_too_large(self, size: int | None) -> str:
        """Return that this size leaves an item out, or ""."""
        if size is None or not self.rule.is_too_large(size):
            return ""
        return f"Left out by rule: larger than {self.rule.larger_than:,} MB."

    def _size_of(self, item: Upsert) -> int | None:
        """What the provider tells, or was seen of this very state; without an etag states look alike."""
        if item.size is not None or not item.etag:
            return item.size
        return self.sizes.get((item.remote_id, item.etag))

    def _is_out(self, folder_id: str) -> bool:
        if folder_id not in self._known:
            names = list(_way_up(folder_id, self.folders))
            # Without the root, which people do not see: Inbox/Newsletters, not Top/Inbox/Newsletters.
            paths = ["/".join(reversed(names[place:-1] or names[place:])) for place in range(len(names))]
            self._known[folder_id] = any(map(self.rule.names_folder, names, paths))
        return self._known[folder_id]


def _way_up(folder_id: str, folders: Mapping[str, tuple[str, str | None]]) -> list[str]:
    names, at, seen = list[str](), folder_id, set[str]()
    while at in folders and at not in seen:
        seen.add(at)
        name, above = folders[at]
        names.append(name)
        at = above or ""
    return names
