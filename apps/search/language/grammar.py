"""How a search is read: Whoosh's parser with plugins of ours where its own would guess.

It takes apart words, "phrases", field:value, brackets, AND, OR, NOT and - (not), and parts of words by * and ?.
What it hands over are Whoosh's queries; fields carry our names (`vocabulary.Typed`) and values as typed.
"""

import re
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from whoosh.analysis import IDAnalyzer
from whoosh.fields import TEXT, Schema
from whoosh.qparser import QueryParser, plugins, syntax
from whoosh.qparser.taggers import Tagger

from apps.search.language.dates import HINT, MOST_WORDS, span_of
from apps.search.language.problems import QueryProblem
from apps.search.language.tree import Field
from apps.search.language.vocabulary import DATES, Typed, typed_field, unknown_field

DEEPEST: Final = 15
_NAME: Final = re.compile(r"(?P<name>[^\W\d_]{2,20}(?:-[^\W\d_]{2,10})?):")
_SIZE: Final = re.compile(
    r"size\s*:?\s*(?P<value>(?:>=|<=|>|<)\s*[^\s()\"]*(?:\s+[kmgt]i?b\b)?)", re.IGNORECASE | re.ASCII
)
_RUN: Final = re.compile(r"[^\s()\"]+")
_QUOTED: Final = re.compile(r'"(?P<inner>[^"]*)"')
_HOW: Final = "Write it between two things, or in small letters to look for the word."
# Dates are read here only to see how far they reach: any day does that has all of them.
_ANY_DAY: Final = datetime(2028, 2, 29, tzinfo=UTC)


def _after_blanks(text: str, pos: int) -> int:
    return len(text) - len(text[pos:].lstrip())


@cache
def parser() -> QueryParser:
    """Return the parser; it keeps no state between texts."""
    values = TEXT(analyzer=IDAnalyzer())
    schema = Schema(**dict.fromkeys((Field.ANY, *Typed), values))
    return QueryParser(
        Field.ANY,
        schema,
        plugins=[
            _Quotes(),
            _Fields(),
            plugins.WildcardPlugin(r"(?P<text>[*?]+)"),  # its own takes "a**b" apart
            _Brackets(),
            _Operators(),
        ],
    )


class _Quotes(plugins.PhrasePlugin):
    """Phrases; one quotation mark alone is a mistake."""

    def __init__(self) -> None:
        super().__init__('"(?P<text>[^"]*)(?P<end>"|$)(?P<slop>(?!))?')

    class PhraseTagger(plugins.PhrasePlugin.PhraseTagger):
        def create(self, parser: QueryParser, match: re.Match[str]) -> Any:
            if not match["end"]:
                raise QueryProblem(
                    "A quotation mark is never closed.",
                    "Close the phrase with a second one, or leave both out.",
                )
            return super().create(parser, match)

    def taggers(self, parser: QueryParser) -> list[tuple[Any, int]]:
        return [(self.PhraseTagger(self.expr), -20)]


class _Brackets(plugins.GroupPlugin):
    """Groups; a bracket without its other half is a mistake, and so are too many within each other."""

    def do_groups(self, parser: QueryParser, group: Any) -> Any:
        depth = 0
        for node in group:
            depth += isinstance(node, self.OpenBracket) - isinstance(node, self.CloseBracket)
            if depth < 0:
                raise QueryProblem(
                    "A bracket is closed that was never opened.", "Take it out, or open it before."
                )
            if depth > DEEPEST:
                raise QueryProblem("There are too many brackets within each other.", "Ask for less at once.")
        if depth:
            raise QueryProblem("A bracket is never closed.", "Close it with “)”, or leave it out.")
        return super().do_groups(parser, group)


class _Fields(plugins.FieldsPlugin):
    """Names before a colon. An unknown one is a mistake where a value follows at once; "Re: lunch" is words."""

    def __init__(self) -> None:
        super().__init__(remove_unknown=False)

    def taggers(self, parser: QueryParser) -> list[tuple[Any, int]]:
        return [(_SizeTagger(), -10), (_FieldTagger(), -10)]


def _begins(text: str, pos: int) -> bool:
    """Whether a new part begins here: after a blank, a bracket, or the minus that stands before it."""
    before = text[:pos]
    if before.endswith("-"):
        before = before[:-1]
    return not before or before[-1].isspace() or before[-1] in "()"


def _node(value: str, typed: Typed, start: int, end: int) -> Any:
    node = syntax.WordNode(value)
    node.set_fieldname(typed.value)
    return node.set_range(start, end)


class _SizeTagger(Tagger):
    """`size>5mb`, which has no colon."""

    def match(self, parser: QueryParser, text: str, pos: int) -> Any:
        found = _SIZE.match(text, pos)
        if found is None or not _begins(text, pos):
            return None
        return _node(found["value"], Typed.SIZE, pos, found.end())


class _FieldTagger(Tagger):
    """`from:` and the like, with blanks after it; with its whole value where that is a date."""

    def match(self, parser: QueryParser, text: str, pos: int) -> Any:
        found = _NAME.match(text, pos)
        if found is None or not _begins(text, pos):
            return None
        name, after = found["name"], text[found.end() : found.end() + 1]
        if (typed := typed_field(name)) is None:
            if not after or after.isspace() or after in "/\\:()":
                return None
            raise unknown_field(name)
        end = _after_blanks(text, found.end())
        if end == len(text) or text[end] == ")":
            raise QueryProblem(
                f"Nothing follows “{name}:”.", f"Write what to look for, or leave “{name}:” out."
            )
        if (following := _NAME.match(text, end)) and typed_field(following["name"]):
            raise QueryProblem(
                f"“{name}:” is followed by “{following['name']}:”.", f"Write what to look for after “{name}:”."
            )
        if text[end] == "-":
            raise QueryProblem(
                f"The minus stands after “{name}:”.", f"To leave something out, write “-{name}:” and the value."
            )
        if typed in DATES and text[end] != "(":
            return self._date(typed, text, pos, end)
        return syntax.FieldnameNode(typed.value, text[pos:end]).set_range(pos, end)

    def _date(self, typed: Typed, text: str, pos: int, start: int) -> Any:
        """Return the node of the date: of as many words as make one."""
        if quoted := _QUOTED.match(text, start):
            return _node(quoted["inner"], typed, pos, quoted.end())
        ends: list[int] = []
        at = start
        while len(ends) < MOST_WORDS and (run := _RUN.match(text, at)):
            ends.append(run.end())
            at = _after_blanks(text, run.end())
        for end in reversed(ends):
            try:
                span_of(text[start:end], now=_ANY_DAY, zone=UTC)
            except QueryProblem:
                continue
            return _node(text[start:end], typed, pos, end)
        if not ends:
            raise QueryProblem(f"Nothing follows “{typed}:”.", HINT)
        return _node(text[start : ends[0]], typed, pos, ends[0])


class _Operators(plugins.OperatorsPlugin):
    """AND, OR, NOT and the minus; one that has nothing to work on is a mistake."""

    def __init__(self) -> None:
        super().__init__(
            Not=r"(?:^|(?<=[\s(]))(?:-(?=[^\s\-)])|NOT(?=[\s()]|$))",
            And=r"(?:^|(?<=[\s()]))AND(?=[\s()]|$)",
            Or=r"(?:^|(?<=[\s()]))OR(?=[\s()]|$)",
            AndNot=None,
            AndMaybe=None,
            Require=None,
        )

    def do_operators(self, parser: QueryParser, group: Any) -> Any:
        for index, node in enumerate(group):
            if not isinstance(node, syntax.Operator):
                continue
            before = group[index - 1] if index else None
            after = group[index + 1] if index + 1 < len(group) else None
            if after is None or isinstance(after, syntax.InfixOperator):
                raise QueryProblem(f"Nothing follows “{node.text}”.", _HOW)
            if isinstance(node, syntax.InfixOperator):
                if before is None:
                    raise QueryProblem(f"Nothing stands before “{node.text}”.", _HOW)
            elif isinstance(after, syntax.PrefixOperator):
                raise QueryProblem("Two times not, one after the other.", "Leave both out.")
        return super().do_operators(parser, group)
