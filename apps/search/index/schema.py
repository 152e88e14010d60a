"""The fields of the index, and how it cuts words. VERSION changes whenever an index must be built anew."""

from datetime import UTC, datetime, timedelta
from typing import Final

import tantivy
from tantivy import Filter, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

from ..language.tree import Column, Field
from .analysis import LONGEST_WORD, STEMMERS
from .errors import QueryRefused

VERSION: Final = 1
# A kind's number is its place: new ones are added at the end, none ever goes.
KINDS: Final = ("mail", "calendars", "contacts", "tasks", "notes", "settings")

# Words of text, with positions.
WORD_FIELDS: Final = {
    Field.NAME: ("name",),
    Field.FROM: ("sender",),
    Field.TO: ("recipient",),
    Field.TEXT: ("text",),
    Field.ATTACHMENT: ("attachment",),
    Field.PLACE: ("place",),
    Field.ANY: ("text", "name", "sender", "recipient", "attachment", "place"),
}
# Addresses and domains as they are.
EXACT_FIELDS: Final = {
    Field.FROM: ("sender_exact",),
    Field.TO: ("recipient_exact",),
    Field.ANY: ("sender_exact", "recipient_exact"),
}
COLUMNS: Final = {Column.ENTITY: "entity", Column.PARENT: "parent", Column.VERSION: "version"}

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND, _SECOND = timedelta(microseconds=1), timedelta(seconds=1)
_ORDER_BITS: Final = 24


def make_schema() -> tantivy.Schema:
    """Return the schema. Nothing is stored: what a hit shows comes from the catalog."""
    builder = tantivy.SchemaBuilder()
    for name in WORD_FIELDS[Field.ANY]:
        builder.add_text_field(name, tokenizer_name="words")
    for name in EXACT_FIELDS[Field.ANY]:
        builder.add_text_field(name, tokenizer_name="exact", index_option="basic")
    builder.add_text_field("language", tokenizer_name="exact", index_option="basic")
    for name in ("version", "entity", "item", "kind"):
        builder.add_integer_field(name, indexed=True, fast=True)
    builder.add_integer_field("parent", indexed=True)
    for name in ("order", "time", "first", "gone", "size", "month"):
        builder.add_integer_field(name, fast=True)
    for name in ("attached", "deleted", "older"):
        builder.add_boolean_field(name, indexed=True, fast=True)
    return builder.build()


def register(index: tantivy.Index) -> None:
    """Tell an index that was just opened how its fields are cut: it keeps only the tokenizers' names."""
    index.register_tokenizer("words", words())
    index.register_tokenizer("exact", exact_words())


def words(*, bounded: bool = True) -> TextAnalyzer:
    """Return what cuts text into words; unbounded for a query, of which no word may get lost."""
    cut = TextAnalyzerBuilder(Tokenizer.simple())
    if bounded:
        cut = cut.filter(Filter.remove_long(LONGEST_WORD))
    return cut.filter(Filter.lowercase()).filter(Filter.ascii_fold()).build()


def exact_words() -> TextAnalyzer:
    """Return what cuts a row of addresses."""
    return TextAnalyzerBuilder(Tokenizer.whitespace()).filter(Filter.remove_long(4 * LONGEST_WORD)).build()


def stemmer(language: str) -> TextAnalyzer:
    """Return what reduces words between spaces to their stems."""
    return TextAnalyzerBuilder(Tokenizer.whitespace()).filter(Filter.stemmer(STEMMERS[language])).build()


def kind_number(sub_service: str) -> int:
    """Return the number of a kind of data; -1, which no document has, for one that the index does not know."""
    return KINDS.index(sub_service) if sub_service in KINDS else -1


def instant(moment: datetime) -> int:
    """Return microseconds since 1970."""
    if moment.tzinfo is None:
        raise QueryRefused(f"A time without a time zone: {moment}.")
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(microseconds: int) -> datetime:
    """Return the moment of an `instant`."""
    return _EPOCH + microseconds * _MICROSECOND


def order_of(time: datetime | None, version_id: int) -> int:
    """Return the place of a version in the order of time: seconds first, then which was stored later.

    What has no time comes before everything that has. The last bits of the id make two of the same second
    nearly always differ, so that a page can begin anywhere.
    """
    seconds = 0 if time is None else 1 + (time - _EPOCH) // _SECOND + _YEAR_ONE
    return seconds << _ORDER_BITS | version_id & ((1 << _ORDER_BITS) - 1)


def month_of(time: datetime) -> int:
    """Return the month in UTC, counted from the year 0."""
    there = time.astimezone(UTC)
    return there.year * 12 + there.month - 1


_YEAR_ONE: Final = (_EPOCH - datetime(1, 1, 1, tzinfo=UTC)) // _SECOND + 86_400
