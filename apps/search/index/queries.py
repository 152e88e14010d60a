"""From the tree of a query to what the engine runs.

Words that people typed are scored, everything else only lets through. A part that says nothing (punctuation
alone) is None here and drops out of what it stands in.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from itertools import takewhile
from typing import Final

from tantivy import FieldType, Occur, Query, Searcher, TextAnalyzer

from ..language import tree
from ..language.patterns import LONGEST_PATTERN, MOST_WILD, WILD, is_too_complicated
from . import schema as fields
from .analysis import exact, has_word, is_dense, normalise
from .errors import PatternRefused, QueryRefused
from .terms import Dictionary, engine_expression

_SCHEMA: Final = fields.make_schema()
_WORDS: Final = fields.words(bounded=False)
_NAME_BOOST, _NONE = 3.0, 0.0
_OF_PEOPLE: Final = {"sender", "recipient"}  # names are not reduced to stems
_LEAST_PREFIX, _LEAST_INFIX = 2, 3
_LEAST_STEM, _SURE_STEM, _MOST_FORMS = 3, 5, 200
_DEEPEST, _MOST_LEAVES, _LONGEST_TEXT, _MOST_WORDS = 100, 2_000, 4_000, 200
_WIDE: Final = -(2**63), 2**63 - 1


class Translator:
    """Makes queries for one state of an index, whose words and languages it asks for."""

    def __init__(self, searcher: Searcher) -> None:
        self._searcher = searcher
        self._dictionary = Dictionary(searcher, _SCHEMA)
        self._languages: tuple[str, ...] | None = None

    @property
    def languages(self) -> tuple[str, ...]:
        """English, and the languages of at least one in fifty of the texts whose language is known."""
        if self._languages is None:
            known = self._searcher.terms_with_prefix("language", "")
            enough = sum(count for _, count in known) / 50
            self._languages = tuple(sorted({"en"} | {name for name, count in known if count >= enough}))
        return self._languages

    def query(self, asked: tree.Query, scope: tree.Query) -> Query:
        """Return what finds `asked` in `scope`."""
        _check(asked)
        _check(scope)
        wanted, allowed = self._of(asked), self._of(scope)
        parts = [wanted or Query.empty_query(), _unscored(allowed or Query.empty_query())]
        return Query.boolean_query([(Occur.Must, part) for part in parts])

    def _of(self, asked: tree.Query) -> Query | None:  # noqa: PLR0911
        match asked:
            case tree.Word(text, field):
                return self._word(text, field)
            case tree.Phrase(text, field):
                return self._phrase(text, field)
            case tree.Part(pattern, field):
                return self._part(pattern, field)
            case tree.All(parts):
                return self._all(parts)
            case tree.Some(parts):
                return self._some(parts)
            case tree.Not(part):
                inner = self._of(part)
                return None if inner is None else without(Query.all_query(), inner)
            case tree.Folder() | tree.Tag() | tree.Entity():
                raise QueryRefused(f"The name {asked.name} was not looked up before the index was asked.")
            case _:
                return _unscored(_filter(asked))

    def _all(self, parts: tuple[tree.Query, ...]) -> Query | None:
        if not parts:
            return _unscored(Query.all_query())
        made = [each for each in map(self._of, parts) if each is not None]
        return Query.boolean_query([(Occur.Must, each) for each in made]) if made else None

    def _some(self, parts: tuple[tree.Query, ...]) -> Query | None:
        if not parts:
            return Query.empty_query()
        made = [each for each in map(self._of, parts) if each is not None]
        return either(made) if made else None

    def _word(self, text: str, field: tree.Field) -> Query | None:
        found = list(_whole(text, field))
        if "@" in text and found and field in (tree.Field.FROM, tree.Field.TO):
            return either(found)
        letters = _cut(text)
        if letters is None:
            return either(found) if found else None
        if len(letters) > 1:
            return either(found + _phrases(letters, field))
        (word,) = letters
        if len(word) == 1 and is_dense(word):
            pairs = ([word], [word, "?"], ["?", word])
            return either([self._dictionary.query(name, each) for name in _names(field) for each in pairs])
        names = _names(field)
        forms = self._forms(word) if any(name not in _OF_PEOPLE for name in names) else [word]
        for name in names:
            found += [_term(name, each) for each in (forms if name not in _OF_PEOPLE else [word])]
        return either(found)

    def _phrase(self, text: str, field: tree.Field) -> Query | None:
        letters = _cut(text)
        if letters is None:
            return None
        if len(letters) == 1:
            return either([_term(name, letters[0]) for name in _names(field)])
        return either(_phrases(letters, field))

    def _forms(self, word: str) -> list[str]:
        """Return the word and the index's own words of the same stem in one of its languages."""
        if len(word) < _LEAST_STEM or not word.isalpha() or is_dense(word):
            return [word]
        stems = {language: _stem(language, word) for language in self.languages}
        forms = {word: 0}
        for beginning in _shortest({_beginning(word, stem) for stem in stems.values()}):
            for name in sorted(set(_names(tree.Field.ANY)) - _OF_PEOPLE):
                near = self._searcher.terms_with_prefix(name, beginning)
                for language, stem in stems.items():
                    line = _stemmer(language).analyze(" ".join(term for term, _ in near))
                    for (term, count), reduced in zip(near, line, strict=True):
                        if reduced == stem:
                            forms[term] = max(count, forms.get(term, 0))
        commonest = sorted(forms, key=lambda form: (form != word, -forms[form], form))
        return commonest[:_MOST_FORMS]

    def _part(self, pattern: str, field: tree.Field) -> Query | None:
        pattern = pattern.strip()
        pieces = WILD.split(pattern)
        if is_dense(normalise(pattern)):  # pairs of letters are found inside of longer runs anyway
            return self._all(tuple(tree.Word(piece, field) for piece in pieces if has_word(piece)))
        _check_pattern(pattern)
        whole, words = [exact(piece) for piece in pieces], _pattern_words(pattern)
        try:
            found = [self._dictionary.query(name, whole) for name in fields.EXACT_FIELDS.get(field, ())]
            if len(words) == 1:
                found += [self._dictionary.query(name, words[0]) for name in _names(field)]
            elif words:
                row: list[str | tuple[int, str]] = [engine_expression(word) for word in words]
                found += [Query.regex_phrase_query(_SCHEMA, name, row) for name in _names(field)]
        except ValueError as error:
            raise PatternRefused(
                f"{pattern} is too complicated to look for.", do="Use fewer * and ?."
            ) from error
        return either(found)


def either(parts: list[Query]) -> Query:
    """Return what finds any of these, nothing if there are none."""
    if len(parts) == 1:
        return parts[0]
    return Query.boolean_query([(Occur.Should, part) for part in parts]) if parts else Query.empty_query()


def both(*parts: Query) -> Query:
    """Return what all of these find."""
    return Query.boolean_query([(Occur.Must, part) for part in parts])


def without(query: Query, other: Query) -> Query:
    """Return what the query finds and the other does not."""
    return Query.boolean_query([(Occur.Must, query), (Occur.MustNot, other)])


def flagged(name: str) -> Query:
    """Return what finds versions with this flag: attached, deleted or older."""
    return _unscored(Query.term_query(_SCHEMA, name, True))


def among(name: str, values: Iterable[int]) -> Query:
    """Return what finds versions with one of the values."""
    known = [value for value in values if _WIDE[0] <= value <= _WIDE[1]]
    return _unscored(Query.term_set_query(_SCHEMA, name, known))


def between(name: str, low: int | None, high: int | None) -> Query:
    """Return what finds versions with low <= value < high; with no bound, all that have a value."""
    if low is None and high is None:
        return Query.exists_query(name)
    low, high = (None if bound is None else within(bound) for bound in (low, high))
    return Query.range_query(
        _SCHEMA, name, FieldType.Integer, low, high, include_lower=True, include_upper=high is None
    )


def within(value: int) -> int:
    """Return the value, or the nearest that a column can hold."""
    return max(_WIDE[0], min(_WIDE[1], value))


def is_scored(asked: tree.Query) -> bool:
    """Tell whether words are looked for, so that one hit can be better than another."""
    match asked:
        case tree.Word() | tree.Phrase() | tree.Part():
            return True
        case tree.All(parts) | tree.Some(parts):
            return any(is_scored(part) for part in parts)
        case _:
            return False


def _unscored(query: Query) -> Query:
    return Query.const_score_query(query, _NONE)


def _filter(asked: tree.Query) -> Query:  # noqa: PLR0911
    match asked:
        case tree.Everything():
            return Query.all_query()
        case tree.Kind(sub_service):
            return Query.term_query(_SCHEMA, "kind", fields.kind_number(sub_service))
        case tree.Attached():
            return flagged("attached")
        case tree.Times(low, high):
            return _period("time", low, high)
        case tree.Sizes(low, high):
            return between("size", low, high)
        case tree.Appeared(low, high):
            return _period("first", low, high)
        case tree.Deleted(low, high):
            return both(flagged("deleted"), _period("gone", low, high))
        case tree.Kept(at):
            until = fields.instant(at) + 1
            return without(between("first", None, until), between("gone", None, until))
        case tree.Ids(column, values):
            return among(fields.COLUMNS[column], values)
    raise QueryRefused(f"The index knows no {type(asked).__name__}.")


def _period(name: str, low: datetime | None, high: datetime | None) -> Query:
    bounds = [None if bound is None else fields.instant(bound) for bound in (low, high)]
    return between(name, *bounds)


def _names(field: tree.Field) -> tuple[str, ...]:
    return fields.WORD_FIELDS[field]


def _cut(text: str) -> list[str] | None:
    """Return the words of a text as the index keeps them, None if there is none in it."""
    words = _WORDS.analyze(normalise(text))
    if len(words) > _MOST_WORDS:  # some signs of one letter stand for a sentence
        raise _too_long()
    return words or None


def _term(name: str, word: str) -> Query:
    query = Query.term_query(_SCHEMA, name, word, "freq")
    return Query.boost_query(query, _NAME_BOOST) if name == "name" else query


def _phrases(letters: list[str], field: tree.Field) -> list[Query]:
    return [Query.phrase_query(_SCHEMA, name, list(letters)) for name in _names(field)]


def _whole(text: str, field: tree.Field) -> Iterator[Query]:
    """Give what finds an address or a domain as it is."""
    text = text.strip().strip("<>")
    if "@" in text or "." in text:
        for name in fields.EXACT_FIELDS.get(field, ()):
            yield Query.term_query(_SCHEMA, name, exact(text.lstrip("@")), "basic")


def _check_pattern(pattern: str) -> None:
    known = sum(letter.isalnum() for letter in pattern)
    least = _LEAST_INFIX if pattern.startswith(("*", "?")) else _LEAST_PREFIX
    if known < least:
        raise PatternRefused(
            f"{pattern} would be found nearly everywhere.", do=f"Give {least} letters or more."
        )
    if is_too_complicated(pattern):
        raise PatternRefused(
            f"{pattern[:LONGEST_PATTERN]} is too complicated to look for.",
            do=f"Use at most {MOST_WILD} of * and ?, and {LONGEST_PATTERN} letters.",
        )


def _pattern_words(pattern: str) -> list[list[str]]:
    """Return the pieces of each word of the pattern; a word of which nothing is known is left out."""
    chunks = re.split(r"[^\w*?]|_", normalise(pattern))
    return [
        [piece if piece in "*?" else "".join(_WORDS.analyze(piece)) for piece in WILD.split(chunk)]
        for chunk in chunks
        if has_word(chunk)
    ]


def _beginning(word: str, stem: str) -> str:
    """Return what all words of a stem begin with: "happ" for "happiness" and "happi", so that "happy" does."""
    same = takewhile(lambda pair: pair[0] == pair[1], zip(word, stem, strict=False))
    shared = word[: sum(1 for _ in same)]
    if len(shared) < _LEAST_STEM:
        return word
    return shared[:-1] if len(shared) >= _SURE_STEM else shared


def _shortest(beginnings: set[str]) -> list[str]:
    kept: list[str] = []
    for each in sorted(beginnings):
        if not kept or not each.startswith(kept[-1]):
            kept.append(each)
    return kept


@lru_cache(maxsize=32)
def _stemmer(language: str) -> TextAnalyzer:
    return fields.stemmer(language)


def _stem(language: str, word: str) -> str:
    return _stemmer(language).analyze(word)[0]


def _check(asked: tree.Query) -> None:
    """Refuse what no person wrote: the engine would recurse or multiply without a bound."""
    leaves, waiting = 0, [(asked, 1)]
    while waiting:
        query, depth = waiting.pop()
        if isinstance(query, tree.All | tree.Some):
            waiting += [(part, depth + 1) for part in query.parts]
        elif isinstance(query, tree.Not):
            waiting.append((query.part, depth + 1))
        leaves += 1
        said = getattr(query, "text", getattr(query, "pattern", ""))
        if leaves > _MOST_LEAVES or depth > _DEEPEST or len(said) > _LONGEST_TEXT:
            raise _too_long()


def _too_long() -> QueryRefused:
    return QueryRefused("This search is too long.", do="Search for less at a time.")
