"""Which words of a text answer a query: marked in names, and an excerpt around them out of long texts.

Nothing here is HTML: a text becomes pieces, and the template escapes each of them.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from .language.patterns import WILD, expression
from .language.tree import All, Field, Part, Phrase, Query, Some, Word

EXCERPT = 240
BEFORE = 70
TEXT_LIMIT = 200_000
LONGEST_WORD = 200
"""The index keeps no longer one, so none of them is why an item was found."""
MOST_PATTERNS = 10
"""Each is held against each word of a text; who asks for more finds them, unmarked."""
_TOKEN = re.compile(r"\w+")
_GAP = re.compile(r"\s+")
_LANGUAGES = (
    "english", "german", "french", "spanish", "italian", "portuguese", "dutch", "swedish", "danish",
    "norwegian", "finnish",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text; `hit` when it answers the query."""

    text: str
    hit: bool = False


@dataclass(frozen=True, slots=True)
class Marks:
    """What is marked: single words in any of their forms, words with open parts, words side by side."""

    words: frozenset[str] = frozenset()
    patterns: tuple[re.Pattern[str], ...] = ()
    phrases: tuple[tuple[str, ...], ...] = ()

    def hits(self, text: str) -> list[tuple[int, int]]:
        """Return where the text answers, in order and without overlaps."""
        tokens = [(folded(match.group()), match.span()) for match in _TOKEN.finditer(text[:TEXT_LIMIT])]
        hits = {token for token in {token for token, _ in tokens} if self._is_hit(token)}
        found = [span for token, span in tokens if token in hits]
        for phrase in self.phrases:
            found += _side_by_side(phrase, tokens)
        return _merged(sorted({*found, *self._inside(tokens, text)}))

    def _is_hit(self, token: str) -> bool:
        if len(token) > LONGEST_WORD:
            return False
        if token in self.words or any(pattern.fullmatch(token) for pattern in self.patterns):
            return True
        return any(_same_stem(word, token) for word in self.words)

    def _inside(self, tokens: list[tuple[str, tuple[int, int]]], text: str) -> Iterator[tuple[int, int]]:
        """Languages without spaces: the word stands within a run of letters."""
        for word in self.words:
            if not word.isascii() and any(letter >= "\u2e80" for letter in word):
                for match in re.finditer(re.escape(word), text[:TEXT_LIMIT]):
                    yield match.span()


def marks_of(query: Query) -> Marks:
    """Return what a query marks: what it asks for, not what it leaves out."""
    words: set[str] = set()
    patterns: list[re.Pattern[str]] = []
    phrases: list[tuple[str, ...]] = []
    for leaf in _wanted(query):
        tokens = tuple(folded(token) for token in _TOKEN.findall(getattr(leaf, "text", "")))
        if isinstance(leaf, Part) and len(patterns) < MOST_PATTERNS:
            patterns.append(_pattern(leaf.pattern))
        elif isinstance(leaf, Word) and len(tokens) == 1:
            words.add(tokens[0])
        elif tokens:
            phrases.append(tokens)
    return Marks(frozenset(words), tuple(patterns), tuple(phrases))


def marked(text: str, marks: Marks) -> list[Piece]:
    """Return the whole text in pieces."""
    return _pieces(text, marks.hits(text), 0, len(text))


def excerpt(texts: list[str], marks: Marks) -> list[Piece]:
    """Return the first place that answers, with what stands around it; [] when none does.

    The one with the most different hits close together would be dearer than it is better.
    """
    for text in texts:
        plain = _GAP.sub(" ", text[:TEXT_LIMIT]).strip()
        hits = marks.hits(plain)
        if hits:
            start = _word_start(plain, max(hits[0][0] - BEFORE, 0))
            end = min(start + EXCERPT, len(plain))
            inside = [(low, high) for low, high in hits if low < end]
            end = max(end, inside[-1][1])
            return _pieces(plain, inside, start, end)
    return []


def folded(token: str) -> str:
    """Return a word without regard to case and accents, as the index has it."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", token).lower())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def _wanted(query: Query) -> Iterator[Word | Phrase | Part]:
    match query:
        case Word() | Phrase() | Part():
            if query.field in (Field.ANY, Field.NAME, Field.TEXT, Field.ATTACHMENT, Field.PLACE):
                yield query
        case All(parts) | Some(parts):
            for part in parts:
                yield from _wanted(part)


def _pattern(pattern: str) -> re.Pattern[str]:
    return expression(WILD.split(folded(pattern)), r"\w")


def _side_by_side(
    phrase: tuple[str, ...], tokens: list[tuple[str, tuple[int, int]]]
) -> Iterator[tuple[int, int]]:
    for at in range(len(tokens) - len(phrase) + 1):
        if all(tokens[at + place][0] == word for place, word in enumerate(phrase)):
            yield tokens[at][1][0], tokens[at + len(phrase) - 1][1][1]


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for low, high in spans:
        if merged and low < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


def _pieces(text: str, hits: list[tuple[int, int]], start: int, end: int) -> list[Piece]:
    pieces: list[Piece] = [Piece("…")] if start else []
    at = start
    for low, high in hits:
        if low > at:
            pieces.append(Piece(text[at:low]))
        pieces.append(Piece(text[max(low, at) : high], hit=True))
        at = max(high, at)
    if at < end:
        pieces.append(Piece(text[at:end]))
    return [*pieces, Piece("…")] if end < len(text) else pieces


def _word_start(text: str, at: int) -> int:
    """Not inside a word, when one begins nearby."""
    if at == 0:
        return 0
    space = text.find(" ", at, at + 30)
    return at if space < 0 else space + 1


def _same_stem(word: str, token: str) -> bool:
    # Only words that begin alike are worth the stemmers.
    if len(word) < 3 or word[:3] != token[:3] or not (word.isalpha() and token.isalpha()):
        return False
    return bool(_stems(word) & _stems(token))


@lru_cache(4_096)
def _stems(word: str) -> frozenset[tuple[str, str]]:
    import snowballstemmer  # noqa: PLC0415 - loaded by who looks for words only

    return frozenset((name, snowballstemmer.stemmer(name).stemWord(word)) for name in _LANGUAGES)
