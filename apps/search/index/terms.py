"""The words of an index that fit a pattern, found in its dictionary.

The engine's own expressions walk the whole dictionary letter by letter, each time. A list of all words in one
text is made once for a state of the index, and what is known of a word is found in it as quickly as memory is
read.
"""

from typing import Final

from tantivy import Query, Schema, Searcher

from ..language.patterns import expression

_MOST_TERMS: Final = 1_000
_SURE_PREFIX: Final = 2
_WILD: Final = {"*": ".*", "?": "."}
_END: Final = "\n"
_LETTER: Final = "[^\n]"


class Dictionary:
    """The words of each field, for one state of an index."""

    def __init__(self, searcher: Searcher, schema: Schema) -> None:
        self._searcher, self._schema = searcher, schema
        self._all: dict[str, str] = {}

    def query(self, name: str, pieces: list[str]) -> Query:
        """Return what finds words made of the pieces: letters as they stand, `*` and `?`."""
        terms = self.matching(name, pieces)
        if len(terms) > _MOST_TERMS:
            return Query.regex_query(self._schema, name, engine_expression(pieces))
        return Query.term_set_query(self._schema, name, terms) if terms else Query.empty_query()

    def matching(self, name: str, pieces: list[str]) -> list[str]:
        """Return the words that fit; when they are too many to name, just one more than that."""
        if len(pieces[0]) >= _SURE_PREFIX:
            fits = expression(pieces, _LETTER).fullmatch
            near = self._searcher.terms_with_prefix(name, pieces[0])
            return [term for term, _ in near if fits(term)][: _MOST_TERMS + 1]
        return self._inside(name, pieces)

    def _inside(self, name: str, pieces: list[str]) -> list[str]:
        fits = expression(pieces, _LETTER).fullmatch
        sure = max((each for each in pieces if each not in _WILD), key=len)
        text, found = self._text(name), list[str]()
        at = text.find(sure)
        while at >= 0 and len(found) <= _MOST_TERMS:
            begins, ends = text.rindex(_END, 0, at) + 1, text.index(_END, at)
            if fits(text, begins, ends):
                found.append(text[begins:ends])
            at = text.find(sure, ends)
        return found

    def _text(self, name: str) -> str:
        if name not in self._all:
            terms = self._searcher.terms_with_prefix(name, "")
            self._all[name] = _END + "".join(term + _END for term, _ in terms)
        return self._all[name]


def engine_expression(pieces: list[str]) -> str:
    """Return the pieces as an expression of the engine's kind."""
    return "".join(_WILD.get(piece) or "".join(map(_escaped, piece)) for piece in pieces)


def _escaped(letter: str) -> str:
    return letter if letter.isalnum() else f"\\x{{{ord(letter):x}}}"
